//! What the administrator's words make of a question: the only place that applies overrides. Pure.

use crate::dns::scope::InsecureZones;
use crate::name::{MxHost, PolicyDomain};
use crate::overrides::{Decree, Decreed, Effect, Overrides};
use crate::policy::Mechanisms;
use crate::reports::attempt::Untrusted;
use crate::time::UnixTime;
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::Request;

/// The administrator's words about questions.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// What is said about single domains.
    pub overrides: Overrides,
    /// What the operator of this host's fleet has decreed about single domains.
    pub decreed: Decreed,
    /// The private zones.
    pub insecure_zones: InsecureZones,
    /// The mechanisms that are asked for and applied.
    pub mechanisms: Mechanisms,
    /// Only authenticated policies are stored and used.
    pub require_authentication: bool,
    /// What is done where a policy cannot be asked for in an unsigned zone.
    pub on_unreachable: OnUnreachable,
    /// What a success of Postfix's under a policy in testing says.
    pub untrusted: Untrusted,
}

/// A question under the rules, with what is said about its domain.
#[derive(Clone, Debug)]
pub enum Asked {
    /// It is asked, and held to the override if that is in force; one that has ended is only told of.
    Ask(Request, Option<Decree>),
    /// Nobody is asked, for the override says so.
    Ignored(Request, Decree),
}

impl Rules {
    /// What an override in force says about a domain, where that is all that there is to say.
    #[must_use]
    pub fn override_of(&self, domain: &PolicyDomain, now: UnixTime) -> Option<Effect> {
        let decree = self.overrides.about_beside(&self.decreed, domain, now);
        let decree = decree.filter(|decree| decree.is_in_force(now));
        decree.map(|decree| decree.effect)
    }

    /// Why nobody can tell what the operator of this host's fleet has decreed about a domain, so that its mail waits; `None` if that is known, or nothing to
    /// this host.
    #[must_use]
    pub fn withheld(&self, domain: &PolicyDomain, now: UnixTime) -> Option<&str> {
        self.decreed.why_unread(domain).filter(|_| !self.overrides.has_the_last_word(domain, now))
    }

    /// What becomes of a question: mail for one of the hosts, or for the domain as a whole where there is none.
    #[must_use]
    pub fn request(
        &self,
        domain: PolicyDomain,
        hosts: Vec<MxHost>,
        handshake: Handshake,
        now: UnixTime,
    ) -> Asked {
        let decree = self.overrides.about_beside(&self.decreed, &domain, now);
        let scope = self.insecure_zones.scope(&domain.to_dns());
        let request = Request {
            hosts,
            scope,
            mechanisms: self.mechanisms,
            handshake,
            require_authentication: self.require_authentication,
            on_unreachable: self.on_unreachable,
            requirement: decree.as_ref().and_then(|decree| decree.requirement(now)),
            ..Request::about(domain)
        };
        match decree {
            Some(decree) if decree.ignores(now) => Asked::Ignored(request, decree),
            decree => Asked::Ask(request, decree),
        }
    }
}
