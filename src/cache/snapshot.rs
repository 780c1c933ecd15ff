//! What the cache knows about one domain, as values: to decide by, to be shown, taken elsewhere, or tried things out on.

use super::memory::InMemory;
use super::{CacheError, Hearsay, HistoryEntry, Kept, Memory, Notice, Policies, Recollection, Topic};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;

/// What a delivery may know about one domain, as it was at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainSnapshot {
    /// The policies, the ended ones included.
    pub policies: Policies,
    /// DNS results that may still be believed, and the failures of policy hosts.
    pub remembered: Vec<(Topic, Recollection)>,
    /// What others of a fleet say about its policies.
    pub hearsay: Vec<Hearsay>,
    /// What kept the cache from telling all of it; then it may be less than there is.
    pub trouble: Option<CacheError>,
    /// What kept it from telling the policies.
    pub lost: Option<CacheError>,
}

impl DomainSnapshot {
    /// A memory that knows what the snapshot says, at that moment; whatever is written into it ends with it.
    #[must_use]
    pub fn rehearsal(&self, domain: &PolicyDomain, now: UnixTime) -> Rehearsal {
        let memory = InMemory::of(domain, self, now);
        Rehearsal { memory, trouble: self.trouble.clone() }
    }
}

/// All that the cache knows about one domain: what a delivery may know, and what only people ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dossier {
    /// What a delivery may know.
    pub known: DomainSnapshot,
    /// What happened to the policies, the oldest first.
    pub history: Vec<HistoryEntry>,
    /// Policies learnt under other circumstances, which do not count here.
    pub elsewhere: u64,
}

impl Dossier {
    /// The same, if the policies and their history could be read.
    ///
    /// # Errors
    /// [`CacheError`]: what kept the cache from telling them.
    pub fn whole(self) -> Result<Self, CacheError> {
        match self.known.lost {
            Some(lost) => Err(lost),
            None => Ok(self),
        }
    }
}

/// What a delivery would remember, tried out on a copy: by the same rules, and with the same trouble.
#[derive(Debug)]
pub struct Rehearsal {
    memory: InMemory,
    trouble: Option<CacheError>,
}

impl Memory for Rehearsal {
    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        self.memory.policies(domain)
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, CacheError> {
        match &self.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => self.memory.keep(policy),
        }
    }

    fn note(&self, domain: &PolicyDomain, dialect: Dialect, notice: &Notice) {
        self.memory.note(domain, dialect, notice);
    }

    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        self.memory.recall(domain, topic)
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        self.memory.remember(domain, topic, text, valid_until);
    }

    fn forget(&self, domain: &PolicyDomain, topic: Topic) {
        self.memory.forget(domain, topic);
    }

    fn trouble(&self) -> Option<CacheError> {
        self.trouble.clone()
    }
}
