//! A question, as the pipeline takes it. Pure.

use crate::dns::scope::{InsecureZones, Scope};
use crate::name::{MxHost, PolicyDomain};
use crate::verdict::{Handshake, OnUnreachable, Requirement};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose mail it is.
    pub domain: PolicyDomain,
    /// Where it is to go; none asks for the domain as a whole.
    pub hosts: Vec<MxHost>,
    /// What the public DNS has to say about the domain.
    pub scope: Scope,
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
            scope: InsecureZones::default().scope(&domain.to_dns()),
            domain,
            hosts: Vec::new(),
            handshake: Handshake::NotSeen,
            require_authentication: false,
            on_unreachable: OnUnreachable::default(),
            requirement: None,
        }
    }
}
