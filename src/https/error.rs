//! What can go wrong with a fetch, in words from which an operator learns whom to ask.

use crate::dns::{Blame, Outage, ZoneStatus};
use crate::name::PolicyDomain;
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::{ReportedFailure, ResultType};
use crate::text::excerpt;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Characters of untrusted text that an error shows.
const SHOWN: usize = 240;

/// The steps of a fetch, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The addresses of the host are asked for.
    Resolve,
    /// TCP.
    Connect,
    /// TLS, with the certificate.
    Handshake,
    /// The request, and the reply's head.
    Head,
    /// The reply's body.
    Body,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving its addresses",
            Self::Connect => "connecting",
            Self::Handshake => "the TLS handshake",
            Self::Head => "waiting for the reply's head",
            Self::Body => "reading the reply's body",
        })
    }
}

/// What a failed fetch means, whatever its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchFailure {
    /// This machine cannot fetch anything until its administrator acts.
    Misconfigured,
    /// This machine had nothing left to fetch with: that says nothing about the domain.
    OutOfResources,
    /// Something was there, and it is not acceptable; trying again soon changes nothing.
    Refused,
    /// Nothing usable was there; it may be tomorrow.
    Unreachable,
}

/// Why there is no policy from a host. Everywhere, `why` and `found` are untrusted words, shown only escaped.
#[derive(Clone, Debug, PartialEq)]
pub enum FetchError {
    /// All addresses of the host lie where no public server can be; the first one is named.
    AddressRefused {
        /// The policy host.
        host: PolicyDomain,
        /// The first of its addresses.
        address: std::net::IpAddr,
        /// What that address is set aside for.
        range: &'static str,
    },
    /// The DNS's word about the addresses is a proven falsehood.
    Bogus {
        /// The policy host.
        host: PolicyDomain,
        /// Where the cause lies.
        blame: Blame,
        /// Which proof failed.
        why: String,
    },
    /// The certificate does not show that this is the host (RFC 8461 section 3.3, RFC 9525).
    Certificate {
        /// The policy host.
        host: PolicyDomain,
        /// The address that answered.
        address: SocketAddr,
        /// What is wrong with it.
        why: String,
    },
    /// The body is compressed, or encoded in another way that was not asked for.
    ContentEncoding {
        /// The policy host.
        host: PolicyDomain,
        /// The encoding.
        found: String,
    },
    /// The body is not the plain text that the dialect demands.
    ContentType {
        /// The policy host.
        host: PolicyDomain,
        /// The type; `None` without any.
        found: Option<String>,
    },
    /// The connection could not be made, or broke.
    Interrupted {
        /// The policy host.
        host: PolicyDomain,
        /// The address that was tried.
        address: SocketAddr,
        /// What was being done.
        step: Step,
        /// The system's words.
        why: String,
    },
    /// What came is not an HTTP/1.1 reply, or has a head beyond the limits.
    Malformed {
        /// The policy host.
        host: PolicyDomain,
        /// What is wrong with it.
        why: String,
    },
    /// The host has no address.
    NoAddress {
        /// The policy host.
        host: PolicyDomain,
    },
    /// No CA certificates to judge by.
    NoRoots(super::BadRoots),
    /// This machine had no descriptor, memory or port left for it.
    OutOfResources {
        /// The policy host.
        host: PolicyDomain,
        /// What was being done.
        step: Step,
        /// The system's words.
        why: String,
    },
    /// As it was in a fetch at another time.
    Retold(Retold),
    /// The status is not 200: there is no policy here, wherever else the reply may point.
    Status {
        /// The policy host.
        host: PolicyDomain,
        /// The status.
        code: u16,
    },
    /// A step took longer than its deadline, or than the whole fetch or run may take.
    TimedOut {
        /// The policy host.
        host: PolicyDomain,
        /// The address, once there is one.
        address: Option<SocketAddr>,
        /// What was being done.
        step: Step,
        /// From the begin of the fetch.
        after: Duration,
    },
    /// The two sides have no way to speak TLS 1.2 or later with HTTP/1.1, or the other one does not speak TLS at all.
    Tls {
        /// The policy host.
        host: PolicyDomain,
        /// The address that answered.
        address: SocketAddr,
        /// What TLS says.
        why: String,
    },
    /// More came than a policy can need.
    TooLarge {
        /// The policy host.
        host: PolicyDomain,
        /// What was too large, with its limit.
        what: String,
    },
    /// The DNS said nothing about the addresses.
    Unresolved {
        /// The policy host.
        host: PolicyDomain,
        /// Why not.
        outage: Outage,
        /// What is known about the zone.
        zone: ZoneStatus,
        /// What happened.
        why: String,
    },
}

/// How a fetch at another time failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retold {
    /// What kind of failure it was: it decides what follows for the policy, and what a TLS report calls it.
    pub failure: FetchFailure,
    /// The words for it, without the time that it took.
    words: String,
    /// The time that it took, if the words are about that.
    pub after: Option<Duration>,
}

impl Retold {
    /// What it meant, the words for it, and the time that it took if they are about that; `None` unless the words are
    /// printable ASCII, as those of every [`FetchError`] are.
    #[must_use]
    pub fn new(failure: FetchFailure, words: &str, after: Option<Duration>) -> Option<Self> {
        let is_printable = words.bytes().all(|octet| (b' '..=b'~').contains(&octet));
        is_printable.then(|| Self { failure, words: words.to_owned(), after })
    }

    /// Nothing is known of it.
    #[must_use]
    pub fn unknown() -> Self {
        let words = "the recording has no outcome of this fetch".to_owned();
        Self { failure: FetchFailure::Unreachable, words, after: None }
    }

    /// The words for it, without the time that it took.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }
}

impl From<&FetchError> for Retold {
    fn from(error: &FetchError) -> Self {
        let after = match error {
            FetchError::TimedOut { after, .. } => Some(*after),
            FetchError::Retold(retold) => retold.after,
            _ => None,
        };
        Self { failure: error.failure(), words: error.without_time(), after }
    }
}

impl FetchError {
    /// What this means for the mail that needed the policy.
    #[must_use]
    pub const fn failure(&self) -> FetchFailure {
        match self {
            Self::NoRoots(roots) if roots.is_want_of_resources() => FetchFailure::OutOfResources,
            Self::NoRoots(_) => FetchFailure::Misconfigured,
            Self::OutOfResources { .. } | Self::Unresolved { outage: Outage::OutOfResources, .. } => {
                FetchFailure::OutOfResources
            }
            Self::Retold(retold) => retold.failure,
            Self::AddressRefused { .. }
            | Self::Certificate { .. }
            | Self::ContentEncoding { .. }
            | Self::ContentType { .. }
            | Self::Malformed { .. }
            | Self::Status { .. }
            | Self::Tls { .. }
            | Self::TooLarge { .. } => FetchFailure::Refused,
            Self::Bogus { .. }
            | Self::Interrupted { .. }
            | Self::NoAddress { .. }
            | Self::TimedOut { .. }
            | Self::Unresolved { .. } => FetchFailure::Unreachable,
        }
    }
}

impl FetchError {
    /// What a TLS report calls this about a policy of MTA-STS (RFC 8460 section 4.3.2.2); `None` where it is our own fault.
    #[must_use]
    pub const fn result_type(&self) -> Option<ResultType> {
        match self {
            Self::NoRoots(_)
            | Self::OutOfResources { .. }
            | Self::Unresolved { outage: Outage::OutOfResources, .. } => None,
            Self::Certificate { .. } => Some(ResultType::StsWebpkiInvalid),
            _ => Some(ResultType::StsPolicyFetchError),
        }
    }

    /// The same, and what exactly it was.
    #[must_use]
    pub fn reported(&self) -> Option<ReportedFailure> {
        self.result_type().map(|result| ReportedFailure { result, code: self.reason_code() })
    }

    const fn reason_code(&self) -> Option<ReasonCode> {
        Some(match self {
            Self::Certificate { .. } | Self::NoRoots(_) | Self::OutOfResources { .. } | Self::Retold(_) => {
                return None;
            }
            Self::AddressRefused { .. } => ReasonCode::AddressNotPublic,
            Self::Bogus { .. } => ReasonCode::DnsBogus,
            Self::ContentEncoding { .. } => ReasonCode::ContentEncoding,
            Self::ContentType { .. } => ReasonCode::ContentType,
            Self::Interrupted { .. } => ReasonCode::ConnectionFailed,
            Self::Malformed { .. } => ReasonCode::HttpReply,
            Self::NoAddress { .. } => ReasonCode::NoAddress,
            Self::Status { code, .. } => ReasonCode::Http(*code),
            Self::TimedOut { .. } => ReasonCode::Timeout,
            Self::Tls { .. } => ReasonCode::TlsHandshake,
            Self::TooLarge { .. } => ReasonCode::TooLarge,
            Self::Unresolved { .. } => ReasonCode::DnsUnreachable,
        })
    }

    /// The same words, without the time that it took: the same failure has the same words again.
    #[must_use]
    pub fn without_time(&self) -> String {
        match self {
            Self::TimedOut { host, address: Some(address), step, .. } => {
                format!("policy host {host} at {address} was given up while {step}")
            }
            Self::TimedOut { host, address: None, step, .. } => {
                format!("policy host {host} was given up while {step}")
            }
            Self::Retold(retold) => retold.words.clone(),
            error => error.to_string(),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressRefused { host, address, range } => {
                write!(
                    f,
                    "policy host {host} has the address {address} ({range}), where no public server can be"
                )
            }
            Self::Bogus { host, why, .. } => {
                write!(f, "the addresses of policy host {host} are bogus: {}", excerpt(why, SHOWN))
            }
            Self::Certificate { host, address, why } => {
                let why = excerpt(why, SHOWN);
                write!(f, "policy host {host} at {address} has no acceptable certificate: {why}")
            }
            Self::ContentEncoding { host, found } => {
                let found = excerpt(found, SHOWN);
                write!(
                    f,
                    "policy host {host} sent the content encoding '{found}', and plain text was asked for"
                )
            }
            Self::ContentType { host, found: Some(found) } => {
                let found = excerpt(found, SHOWN);
                write!(f, "policy host {host} sent the content type '{found}' instead of text/plain")
            }
            Self::ContentType { host, found: None } => {
                write!(f, "policy host {host} sent no content type, and text/plain is demanded")
            }
            Self::Interrupted { host, address, step, why } => {
                write!(f, "policy host {host} at {address} failed while {step}: {}", excerpt(why, SHOWN))
            }
            Self::Malformed { host, why } => {
                write!(f, "policy host {host} sent no usable HTTP/1.1 reply: {}", excerpt(why, SHOWN))
            }
            Self::NoAddress { host } => write!(f, "policy host {host} has no address"),
            Self::NoRoots(roots) => roots.fmt(f),
            Self::OutOfResources { host, step, why } => {
                let why = excerpt(why, SHOWN);
                write!(
                    f,
                    "this machine has nothing left to fetch from policy host {host} with, while {step}: {why}"
                )
            }
            Self::Retold(Retold { words, after: None, .. }) => f.write_str(words),
            Self::Retold(Retold { words, after: Some(after), .. }) => {
                write!(f, "{words}, after {} ms", after.as_millis())
            }
            Self::Status { host, code } => {
                write!(f, "policy host {host} answered with status {code}, and only 200 brings a policy")
            }
            Self::TimedOut { after, .. } => {
                write!(f, "{}, after {} ms", self.without_time(), after.as_millis())
            }
            Self::Tls { host, address, why } => {
                let why = excerpt(why, SHOWN);
                write!(f, "no TLS came about with policy host {host} at {address}: {why}")
            }
            Self::TooLarge { host, what } => write!(f, "policy host {host} sent {what}"),
            Self::Unresolved { host, why, .. } => {
                write!(f, "the addresses of policy host {host} could not be learnt: {}", excerpt(why, SHOWN))
            }
        }
    }
}

impl std::error::Error for FetchError {}
