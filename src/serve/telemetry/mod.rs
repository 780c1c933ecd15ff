//! What happened: in numbers ([`counters`]), the last answers ([`recent`]), and what the log tells of it ([`told`], [`messages`]).

pub mod counters;
pub mod messages;
pub mod recent;
pub mod told;
