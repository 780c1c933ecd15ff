//! The cache as two maps: for tests of whoever uses it, and for a run without a file.

use super::{Kept, Memory, Recollection, StoredPolicy, Topic, Trouble};
use crate::name::PolicyDomain;
use crate::policy::Dialect;
use crate::time::UnixTime;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// A memory that ends with the process and follows the same rules as the files.
#[derive(Debug)]
pub struct InMemory {
    now: Cell<UnixTime>,
    policies: RefCell<BTreeMap<(PolicyDomain, Dialect), StoredPolicy>>,
    answers: RefCell<BTreeMap<(PolicyDomain, Topic), Recollection>>,
}

impl InMemory {
    /// An empty memory, at that moment.
    #[must_use]
    pub const fn new(now: UnixTime) -> Self {
        Self {
            now: Cell::new(now),
            policies: RefCell::new(BTreeMap::new()),
            answers: RefCell::new(BTreeMap::new()),
        }
    }

    /// Lets time pass, or jump back.
    pub fn set_clock(&self, now: UnixTime) {
        self.now.set(now);
    }

    /// Every row, also the expired ones.
    #[must_use]
    pub fn rows(&self) -> Vec<StoredPolicy> {
        self.policies.borrow().values().cloned().collect()
    }
}

impl Memory for InMemory {
    fn policy(&self, domain: &PolicyDomain, dialect: Dialect) -> Result<Option<StoredPolicy>, Trouble> {
        Ok(self
            .policies
            .borrow()
            .get(&(domain.clone(), dialect))
            .filter(|policy| policy.is_unexpired(self.now.get()))
            .cloned())
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, Trouble> {
        let mut policies = self.policies.borrow_mut();
        let key = (policy.domain.clone(), policy.policy.dialect());
        match StoredPolicy::merge(policies.get(&key), policy, self.now.get()) {
            None => Ok(Kept::Unchanged),
            Some(row) => {
                policies.insert(key, row);
                Ok(Kept::Stored)
            }
        }
    }

    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        let answers = self.answers.borrow();
        answers.get(&(domain.clone(), topic)).filter(|one| one.valid_until > self.now.get()).cloned()
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        self.answers
            .borrow_mut()
            .insert((domain.clone(), topic), Recollection { text: text.to_owned(), valid_until });
    }
}
