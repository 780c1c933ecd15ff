//! Whom to ask and what to trust, as the administrator chose: what a reload exchanges as a whole.

use super::question::Question;
use crate::cache::{Cache, CachePath, Circumstances};
use crate::dns::anchor::TrustAnchors;
use crate::https::{HttpsSettings, SharedTls};
use crate::overrides::{Effect, Overrides, Word};
use crate::time::UnixTime;
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::{Report, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Everything that an answer depends on beside the question, the time and the network.
#[derive(Clone, Debug)]
pub struct World {
    /// Where policies are remembered.
    pub cache: CachePath,
    /// Under what they are learnt.
    pub circumstances: Circumstances,
    /// Domains in each file of the cache.
    pub max_domains: u64,
    /// Who is asked.
    pub name_servers: Vec<SocketAddr>,
    /// Where every chain of trust begins.
    pub anchors: Arc<TrustAnchors>,
    /// How policies are fetched.
    pub https: HttpsSettings,
    /// The CA certificates behind that, once they were needed.
    pub tls: SharedTls,
    /// What is said about single domains.
    pub overrides: Overrides,
    /// Only authenticated policies are stored and used.
    pub require_authentication: bool,
    /// What is done where a policy cannot be asked for in an unsigned zone.
    pub on_unreachable: OnUnreachable,
    /// An asker waits at most so long.
    pub answer_within: Duration,
    /// A look-up goes on at most so long.
    pub look_up_within: Duration,
}

/// What the administrator's words make of a question.
#[derive(Debug)]
pub enum Decree {
    /// It is asked, under these conditions, and the answer begins with these notes; all of that until that moment.
    Ask(Request, Vec<String>, UnixTime),
    /// It is answered without asking anybody, until that moment.
    Ignored(Report, UnixTime),
}

impl World {
    /// The cache, for as long as one look at it takes.
    #[must_use]
    pub fn cache(&self, now: UnixTime) -> Cache {
        Cache::new(self.cache.clone(), &self.circumstances, self.max_domains, now)
    }

    /// Whether that world remembers in the same files, under the same circumstances.
    #[must_use]
    pub fn has_the_cache_of(&self, other: &Self) -> bool {
        (&self.cache, &self.circumstances, self.max_domains)
            == (&other.cache, &other.circumstances, other.max_domains)
    }

    /// What the administrator's words make of a question.
    #[must_use]
    pub fn decree(&self, question: &Question, handshake: Handshake, now: UnixTime) -> Decree {
        let mut request = Request {
            domain: question.domain.clone(),
            hosts: question.host.iter().cloned().collect(),
            handshake,
            require_authentication: self.require_authentication,
            on_unreachable: self.on_unreachable,
            requirement: None,
        };
        let word = self.overrides.about(&question.domain, now);
        let notes: Vec<String> = word.note().into_iter().collect();
        match word {
            Word::Nothing | Word::Ended(..) => Decree::Ask(request, notes, UnixTime(u64::MAX)),
            Word::InForce(_, one) => match one.effect {
                Effect::Ignore => Decree::Ignored(Report::ignored(&request, notes), one.ends),
                Effect::Require(requirement) => {
                    request.requirement = Some(requirement);
                    Decree::Ask(request, notes, one.ends)
                }
            },
        }
    }
}
