//! The memory of one look-up in a process that makes many: it reads a snapshot, and takes down what is to be written.
//!
//! So a look-up never waits for SQLite while it decides, and nothing half-finished reaches the disk.

use super::memory::InMemory;
use super::{
    CacheError, DomainSnapshot, Hearsay, Kept, Memory, Notice, OwnLook, Policies, Recollection, Topic,
    is_renewed_by_others,
};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use std::cell::RefCell;

/// One thing to be written into the cache about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// See [`Memory::forget`].
    Forget(Topic),
    /// See [`Memory::keep`].
    Keep(StoredPolicy),
    /// What this host has seen for itself of what others of a fleet say.
    Looked(Dialect, OwnLook),
    /// See [`Memory::note`].
    Note(Dialect, Notice),
    /// See [`Memory::remember`].
    Remember(Topic, Recollection),
}

/// A snapshot, and what is to be written down beyond it.
#[derive(Debug)]
pub struct Ledger {
    memory: InMemory,
    trouble: Option<CacheError>,
    lost: Option<CacheError>,
    writes: RefCell<Vec<Write>>,
    /// What others of a fleet say.
    hearsay: Vec<Hearsay>,
}

impl Ledger {
    /// What the snapshot of that domain says, at that moment.
    #[must_use]
    pub fn of(domain: &PolicyDomain, snapshot: &DomainSnapshot, now: UnixTime) -> Self {
        let memory = InMemory::of(domain, snapshot, now);
        let (trouble, lost) = (snapshot.trouble.clone(), snapshot.lost.clone());
        let hearsay = snapshot.hearsay.clone();
        Self { memory, trouble, lost, writes: RefCell::default(), hearsay }
    }

    /// What is known now: the snapshot with all that was written since.
    #[must_use]
    pub const fn memory(&self) -> &InMemory {
        &self.memory
    }

    /// What has been taken down so far.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.writes.borrow().clone()
    }

    /// What is known now, as values; the rest is as it was in the snapshot from which this began.
    #[must_use]
    pub fn snapshot(&self, domain: &PolicyDomain, before: &DomainSnapshot) -> DomainSnapshot {
        let (policies, remembered) = (self.memory.all_of(domain), self.memory.remembered(domain));
        DomainSnapshot { policies, remembered, ..before.clone() }
    }

    /// What is to be written into the cache, in this order.
    #[must_use]
    pub fn close(self) -> Vec<Write> {
        self.writes.into_inner()
    }

    fn write(&self, write: Write) {
        self.writes.borrow_mut().push(write);
    }
}

impl Memory for Ledger {
    fn is_renewed_by_others(&self, policy: &StoredPolicy, now: UnixTime) -> bool {
        is_renewed_by_others(policy, &self.hearsay, now)
    }

    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        match &self.lost {
            Some(lost) => Err(lost.clone()),
            None => self.memory.policies(domain),
        }
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, CacheError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let kept = self.memory.keep(policy)?;
        if kept == Kept::Stored {
            self.write(Write::Keep(policy.clone()));
        }
        Ok(kept)
    }

    fn note(&self, domain: &PolicyDomain, dialect: Dialect, notice: &Notice) {
        self.write(Write::Note(dialect, notice.clone()));
        self.memory.note(domain, dialect, notice);
    }

    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        self.memory.recall(domain, topic)
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        self.write(Write::Remember(topic, Recollection { text: text.to_owned(), valid_until }));
        self.memory.remember(domain, topic, text, valid_until);
    }

    fn forget(&self, domain: &PolicyDomain, topic: Topic) {
        if self.memory.recall(domain, topic).is_some() {
            self.write(Write::Forget(topic));
        }
        self.memory.forget(domain, topic);
    }

    fn trouble(&self) -> Option<CacheError> {
        self.trouble.clone()
    }
}
