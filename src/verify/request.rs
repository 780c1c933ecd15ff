//! A question, as the pipeline takes it. Pure.

use crate::cache::Policies;
use crate::dns::scope::{InsecureZones, Scope};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Constraint, Mechanisms, StoredPolicy};
use crate::verdict::{Handshake, OnUnreachable, Requirement};

/// How the mail gets from the domain's name to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One question: whose mail, to which hosts, and what the administrator says about such mail.
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

    /// Whether the administrator requires a certificate that is verified, whatever the domain publishes.
    #[must_use]
    pub const fn requires_a_certificate(&self) -> bool {
        matches!(self.requirement, Some(Requirement::Dane | Requirement::WebPki))
    }

    /// Whether mail is held to something before anybody is asked, so that a false answer of DNS could hold it back: to a policy
    /// in force, to one that cannot be read, or to what the administrator requires.
    #[must_use]
    pub fn is_bound_by(&self, stored: &Policies) -> bool {
        self.requires_a_certificate()
            || !stored.unreadable.is_empty()
            || stored.iter().any(StoredPolicy::is_in_force)
    }

    /// Whether TLSA records are asked for. What demands them of this domain stands above `mechanisms`: an override, and a policy
    /// in force of the draft (`c=tlsa`) as long as it counts. Without the records nothing could meet that policy: it would hold
    /// its domain's mail back to its end, and letting the mail go without them is not what was proven to be demanded.
    #[must_use]
    pub fn asks_for_dane(&self, stored: &Policies) -> bool {
        let in_force = |policy: &&StoredPolicy| policy.is_in_force();
        let is_outranked = || self.mechanisms.mta_sts && stored.mta_sts.as_ref().filter(in_force).is_some();
        let demands_tlsa =
            |policy: &StoredPolicy| policy.is_enforced() && policy.policy.constraint() == Constraint::Tlsa;
        let has_policies = self.mechanisms.smtp_sts && matches!(self.next_hop, NextHop::Exchangers(_));
        let is_demanded = || {
            has_policies
                && stored.smtp_sts.as_ref().filter(in_force).is_some_and(demands_tlsa)
                && !is_outranked()
        };
        self.mechanisms.dane
            || match self.requirement {
                Some(requirement) => requirement == Requirement::Dane,
                None => is_demanded(),
            }
    }
}
