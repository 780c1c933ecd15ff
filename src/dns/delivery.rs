//! What a question to name servers brought home. Pure.

use super::{Checking, Outage};
use hickory_proto::op::Message;
use std::net::SocketAddr;

/// How the name servers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// In the order in which they were given.
    First,
    /// Beginning at this place, counted from zero: an answer was bogus.
    Second(usize),
    /// In the order in which they were given, with CD clear: an answer was bogus, and a server that validates asks the
    /// other servers of the zone before it gives up (RFC 6840 section 5.9 and appendix B).
    Checked,
}

impl Opinion {
    /// Who is to check the signatures of what is asked for. Whatever the answer, we do.
    #[must_use]
    pub const fn checking(self) -> Checking {
        match self {
            Self::First | Self::Second(_) => Checking::Ours,
            Self::Checked => Checking::Theirs,
        }
    }
}

/// A useful reply.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which of the configured name servers gave it, over UDP or TCP.
    pub server: SocketAddr,
    /// What it says; nothing in it is believed yet.
    pub message: Message,
    /// The same as it came, but for the letters of the question, which are in lower case.
    pub octets: Vec<u8>,
}

/// Why a question brought no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFailure {
    /// Nobody answered usefully, or which bound was reached.
    pub outage: Outage,
    /// What each server said or did not say.
    pub text: String,
}
