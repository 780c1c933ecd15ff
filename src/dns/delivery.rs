//! What a question to name servers brought home. Pure.

use super::Outage;
use hickory_proto::op::Message;
use std::net::SocketAddr;

/// In which order the name servers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// As they were given.
    First,
    /// Beginning at this place, counted from zero: an answer was bogus.
    Second(usize),
}

/// A useful reply.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The server that gave it.
    pub server: SocketAddr,
    /// What it says; nothing in it is believed yet.
    pub message: Message,
    /// The same as it came, but for the letters of the question, which are in lower case.
    pub octets: Vec<u8>,
}

/// Why a question brought no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Nobody answered usefully, or which bound was reached.
    pub outage: Outage,
    /// What each server said or did not say.
    pub text: String,
}
