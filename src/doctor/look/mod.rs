//! Makes the observations. Every look has a deadline, and everything that is read has a bound.

pub mod accounts;
pub mod cache;
mod daemon;
pub mod exim;
mod files;
#[cfg(feature = "fleet")]
pub mod fleet;
pub mod outside;
pub mod postfix;
pub mod process;
pub mod reports;
mod servers;
mod signing;
