//! TLS reports that others send about one's own domain (RFC 8460), read. Pure: octets in, reports out.
//!
//! [`open`] finds the reports in whatever they come in: a mail with its parts, an mbox, gzip, zip, or nothing around them; by what
//! is in it, never by a name. `read` takes the JSON of section 4.4, with all that known senders do otherwise: each of these is
//! a [`finding`]. [`collection`] has what was read in one run, every report once, and [`sums`] adds it up.
//!
//! Everything here comes from strangers: anybody may send a report about anybody. Nothing of it decides anything, and what is
//! shown goes through [`crate::text`].

pub mod authentication;
pub mod collection;
mod envelope;
pub mod finding;
mod gzip;
mod inflate;
mod json;
pub mod mbox;
pub(crate) mod mime;
mod moment;
pub mod open;
mod read;
pub mod sums;
mod unreadable;
mod zip;

pub use unreadable::Unreadable;

use crate::policy::result::ResultType;
use crate::reports::tally::Day;
use crate::time::UnixTime;
use std::net::IpAddr;

/// One report (RFC 8460 section 4.4). Its texts are untrusted, and not escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Report {
    /// Who sends it (`organization-name`).
    pub organization: Option<String>,
    /// Whom to ask about it (`contact-info`).
    pub contact: Option<String>,
    /// Its own name (`report-id`).
    pub id: Option<String>,
    /// When it begins.
    pub begin: Option<UnixTime>,
    /// When it ends.
    pub end: Option<UnixTime>,
    /// What it is about.
    pub policies: Vec<Policy>,
}

/// One policy that the sender applied, and what became of the sessions under it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Its type.
    pub kind: Kind,
    /// The policy domain, or with DANE the MX host: in A-labels if it is a name.
    pub domain: Option<String>,
    /// Its lines, or the TLSA records.
    pub strings: Vec<String>,
    /// The patterns of the MX hosts that it permits.
    pub mx_hosts: Vec<String>,
    /// Sessions with TLS as the policy wants it.
    pub successes: u64,
    /// Sessions that failed.
    pub failures: u64,
    /// What they failed for.
    pub details: Vec<Detail>,
}

/// `policy-type`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// MTA-STS.
    Sts,
    /// DANE.
    Tlsa,
    /// Neither.
    NoPolicyFound,
    /// Another word, or none.
    Other(String),
}

impl Kind {
    /// The words of the RFC.
    pub const WORDS: [&str; 3] = ["sts", "tlsa", "no-policy-found"];

    /// The word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Sts => "sts",
            Self::Tlsa => "tlsa",
            Self::NoPolicyFound => "no-policy-found",
            Self::Other(word) => word,
        }
    }

    /// Reads the word, in whatever case.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "sts" => Self::Sts,
            "tlsa" => Self::Tlsa,
            "no-policy-found" => Self::NoPolicyFound,
            _ => Self::Other(word.to_owned()),
        }
    }
}

/// Sessions that failed alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Detail {
    /// What for.
    pub failed: Failed,
    /// How many.
    pub sessions: u64,
    /// The address that the sender connected from (`sending-mta-ip`).
    pub sending: Option<IpAddr>,
    /// The MX host (`receiving-mx-hostname`), in A-labels if it is a name.
    pub host: Option<String>,
    /// What it called itself (`receiving-mx-helo`).
    pub helo: Option<String>,
    /// Its address (`receiving-ip`).
    pub receiving: Option<IpAddr>,
    /// The sender's own word for it (`failure-reason-code`).
    pub reason: Option<String>,
    /// Where the sender says more (`additional-information`).
    pub information: Option<String>,
}

/// `result-type`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failed {
    /// A word of the RFC.
    Known(ResultType),
    /// Another word, or none.
    Other(String),
}

impl Failed {
    /// The word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Known(result) => result.word(),
            Self::Other(word) => word,
        }
    }
}

impl Report {
    /// The UTC day in which most of it lies.
    #[must_use]
    pub fn day(&self) -> Option<Day> {
        let begin = self.begin?;
        let length = self.end.map_or(0, |end| end.since(begin));
        Some(Day::of(begin.plus(length / 2)))
    }

    /// Whom it is listed under: the organisation, or the contact.
    #[must_use]
    pub fn sender(&self) -> &str {
        self.organization.as_deref().or(self.contact.as_deref()).unwrap_or("nobody who gives a name")
    }

    /// Sessions that went well, and sessions that failed.
    #[must_use]
    pub fn sessions(&self) -> (u64, u64) {
        let sum = |of: fn(&Policy) -> u64| self.policies.iter().map(of).fold(0, u64::saturating_add);
        (sum(|policy| policy.successes), sum(|policy| policy.failures))
    }

    /// Whether it tells of a failure, in whatever way.
    #[must_use]
    pub fn tells_of_failures(&self) -> bool {
        self.policies.iter().any(|policy| policy.failures > 0 || !policy.details.is_empty())
    }
}
