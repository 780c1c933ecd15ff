//! Goes and sees. Everything here ends when its time is over, and nothing that it reads is without a bound.

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
