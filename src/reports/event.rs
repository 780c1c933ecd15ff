//! One moment of a session with a mail host, as Exim reported it. Pure.

use super::applied::Mark;
use super::helo::Helo;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Mode, PolicyType};
use crate::verdict::Tls;
use std::net::IpAddr;

/// One moment of a session with a mail host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose session it was.
    pub session: Session,
    /// What had been answered when its mail was routed.
    pub answered: Answered,
    /// What happened.
    pub happening: Happening,
}

impl Event {
    /// Whether it tells of a verified handshake under a policy of the draft, which may have been taken on first use.
    #[must_use]
    pub const fn meets_the_draft(&self) -> bool {
        matches!(self.happening, Happening::Encrypted(Proof::Authority | Proof::Dane))
            && matches!(self.answered.policy, PolicyType::SmtpSts)
    }
}

/// What tells one session from others: an Exim process tries an address of a host once, and once more in clear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// The number of the Exim process; it tells sessions apart, and is not kept.
    pub process: u32,
    /// The domain of the recipient.
    pub domain: PolicyDomain,
    /// The mail host.
    pub host: MxHost,
    /// The address that Exim connected to.
    pub address: IpAddr,
    /// The address that Exim connected from; `None` before there was a connection.
    pub from: Option<IpAddr>,
}

/// What the daemon had answered about the domain, as far as reports need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which mechanism decided.
    pub policy: PolicyType,
    /// The mode of the policy.
    pub mode: Mode,
    /// The least TLS that it demanded.
    pub tls: Tls,
    /// Which of the answers about the domain it was.
    pub mark: Mark,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The host answered EHLO in clear (`smtp:ehlo` without a cipher).
    Greeted {
        /// Whether it offered STARTTLS; `None` if the end of what it said is missing.
        offers_starttls: Option<bool>,
        /// What it called itself.
        helo: Option<Helo>,
    },
    /// It showed its own certificate, in DER (`tls:cert` of depth 0); nobody has looked at it yet.
    Showed(Vec<u8>),
    /// An authority's certificate above it verified (`tls:cert` of another depth, which an Exim linked with OpenSSL raises for
    /// those alone where the CAs decide; under DANE it means nothing, and [`Self::DaneFailed`] counts).
    AuthorityVerified,
    /// It answered EHLO under TLS (`smtp:ehlo` with a cipher).
    Encrypted(Proof),
    /// Exim's own DANE failed (`dane:fail`).
    DaneFailed(DaneFailure),
    /// The connection was closed (`tcp:close`), with TLS on it or without.
    Closed {
        /// Whether this machine's own configuration may have kept Exim from TLS with that host.
        may_be_avoided: bool,
        /// Whether there had been TLS.
        had_tls: bool,
    },
    /// Exim gave up this address for now (`msg:host:defer`).
    GaveUp {
        /// Exim's number for the reason, negative for its own ones (macros.h, `ERRNO_...`).
        number: i32,
        /// Its words for it; they hold the host's own words at times.
        words: String,
        /// The certificate that it last saw, in DER, if it saw one: linked with OpenSSL, Exim shows one that does not verify only
        /// here, and of a chain the one at fault.
        certificate: Option<Vec<u8>>,
    },
}

/// What Exim found the certificate to be proved by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    Nothing,
    /// An authority of the web, and it is for the host.
    Authority,
    /// A TLSA record.
    Dane,
}

/// What Exim's own DANE failed for, in its words (`dane:fail`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaneFailure {
    /// The host has no usable TLSA record, and Exim had to insist.
    Required,
    /// The records could not be validated.
    DnssecInvalid,
    /// The host did not offer STARTTLS.
    NoStartTls,
    /// No record fits the certificate.
    Validation,
}

impl DaneFailure {
    /// Reads Exim's word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "dane-required" => Self::Required,
            "dnssec-invalid" => Self::DnssecInvalid,
            "starttls-not-supported" => Self::NoStartTls,
            "validation-failure" => Self::Validation,
            _ => return None,
        })
    }
}
