//! What happened: in numbers ([`counters`], of a fleet in [`fleet`], and what was seen of it in [`fleet_view`]), the last answers ([`recent`]), all of it at one moment ([`status`]),
//! and what the log tells of it ([`log_limiter`], [`messages`]).

pub mod counters;
pub mod fleet;
pub mod fleet_view;
pub mod log_limiter;
pub mod messages;
pub mod recent;
pub mod status;
