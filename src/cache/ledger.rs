//! The memory of one look-up in a process that makes many: it reads a dossier, and takes down what is to be written.
//!
//! So a look-up never waits for SQLite while it decides, and nothing half-finished reaches the disk.

use super::memory::InMemory;
use super::{Cache, Dossier, Kept, Memory, Notice, Policies, Recollection, StoredPolicy, Topic, Trouble};
use crate::name::PolicyDomain;
use crate::policy::Dialect;
use crate::time::UnixTime;
use std::cell::RefCell;

/// One thing to be written into the cache about a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// See [`Memory::forget`].
    Forget(Topic),
    /// See [`Memory::keep`].
    Keep(StoredPolicy),
    /// See [`Memory::note`].
    Note(Dialect, Notice),
    /// See [`Memory::remember`].
    Remember(Topic, Recollection),
}

/// A dossier, and what is to be written down beyond it.
#[derive(Debug)]
pub struct Ledger {
    memory: InMemory,
    trouble: Option<Trouble>,
    writes: RefCell<Vec<Write>>,
}

impl Ledger {
    /// What the dossier of that domain says, at that moment.
    #[must_use]
    pub fn of(domain: &PolicyDomain, dossier: &Dossier, now: UnixTime) -> Self {
        let memory = InMemory::of(domain, dossier, now);
        Self { memory, trouble: dossier.trouble.clone(), writes: RefCell::default() }
    }

    /// What is known now: the dossier with all that was written since.
    #[must_use]
    pub const fn memory(&self) -> &InMemory {
        &self.memory
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
    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, Trouble> {
        self.memory.policies(domain)
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, Trouble> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        self.write(Write::Keep(policy.clone()));
        self.memory.keep(policy)
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
        self.write(Write::Forget(topic));
        self.memory.forget(domain, topic);
    }

    fn trouble(&self) -> Option<Trouble> {
        self.trouble.clone()
    }
}

impl Cache {
    /// Writes down what a look-up left behind about a domain, in the same order and by the same rules as if it had been
    /// written at once.
    ///
    /// # Errors
    /// The first [`Trouble`] with a policy; what could be written was. Trouble with anything else is told by
    /// [`Memory::trouble`] alone.
    pub fn apply(&self, domain: &PolicyDomain, writes: &[Write]) -> Result<(), Trouble> {
        let mut troubles = Vec::new();
        for write in writes {
            match write {
                Write::Forget(topic) => self.forget(domain, *topic),
                Write::Keep(policy) => troubles.extend(self.keep(policy).err()),
                Write::Note(dialect, notice) => self.note(domain, *dialect, notice),
                Write::Remember(topic, one) => self.remember(domain, *topic, &one.text, one.valid_until),
            }
        }
        troubles.into_iter().next().map_or(Ok(()), Err)
    }
}
