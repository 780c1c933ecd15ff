//! Does the receiving domain demand authenticated TLS, and may its mail go to this host?
pub mod cache;
pub mod cli;
pub mod dns;
pub mod https;
pub mod limits;
pub mod name;
pub mod policy;
pub mod reason;
pub mod render;
pub mod text;
pub mod time;
pub mod verdict;
pub mod verify;
