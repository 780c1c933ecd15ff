//! A question, as the pipeline takes it. Pure.

use crate::dns::scope::{InsecureZones, Scope};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::Mechanisms;
use crate::verdict::{Handshake, OnUnreachable, Requirement};

/// How the mail gets from the domain's name to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextHop {
    /// By the domain's MX records, to this port.
    Exchangers(u16),
    /// Not at all: the name is that of the host itself, at this port, as Postfix's `[NAME]:PORT` says. No policy of a domain
    /// is about it; its own TLSA records count (RFC 7672 section 2.2.2).
    Host(u16),
}

/// The port of SMTP between domains (RFC 5321 section 4.5.4.2).
pub const SMTP_PORT: u16 = 25;

impl NextHop {
    /// The port to which the mail goes.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Exchangers(port) | Self::Host(port) => port,
        }
    }
}

impl Default for NextHop {
    fn default() -> Self {
        Self::Exchangers(SMTP_PORT)
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose mail it is.
    pub domain: PolicyDomain,
    /// Where it is to go; none asks for the domain as a whole.
    pub hosts: Vec<MxHost>,
    /// How its mail gets to a host.
    pub next_hop: NextHop,
    /// What the public DNS has to say about the domain.
    pub scope: Scope,
    /// The mechanisms that are asked for and applied.
    pub mechanisms: Mechanisms,
    /// What Exim saw of the handshake.
    pub handshake: Handshake,
    /// Only authenticated policies are stored and used.
    pub require_authentication: bool,
    /// What is to be done where a policy cannot be asked for in an unsigned zone.
    pub on_unreachable: OnUnreachable,
    /// What the administrator requires of this domain, whatever it publishes.
    pub requirement: Option<Requirement>,
}

impl Request {
    /// A question about a domain as a whole, under no conditions: nothing was seen, and nobody requires anything.
    #[must_use]
    pub fn about(domain: PolicyDomain) -> Self {
        Self {
            next_hop: NextHop::default(),
            scope: InsecureZones::default().scope(&domain.to_dns()),
            domain,
            mechanisms: Mechanisms::default(),
            hosts: Vec::new(),
            handshake: Handshake::NotSeen,
            require_authentication: false,
            on_unreachable: OnUnreachable::default(),
            requirement: None,
        }
    }

    /// Whether TLSA records are asked for: an override that requires DANE of this domain stands above `mechanisms`.
    #[must_use]
    pub const fn asks_for_dane(&self) -> bool {
        self.mechanisms.dane || matches!(self.requirement, Some(Requirement::Dane))
    }
}
