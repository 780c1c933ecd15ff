//! The cache as two maps: for tests of whoever uses it, and for a run without a file.

use super::{CacheError, DomainSnapshot, Failures, Kept, Memory, Notice, Policies, Recollection, Topic};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// A memory that ends with the process and follows the same rules as the files.
#[derive(Debug)]
pub struct InMemory {
    now: Cell<UnixTime>,
    policies: RefCell<BTreeMap<(PolicyDomain, Dialect), StoredPolicy>>,
    answers: RefCell<BTreeMap<(PolicyDomain, Topic), Recollection>>,
    unreadable: RefCell<BTreeSet<(PolicyDomain, Dialect)>>,
}

impl InMemory {
    /// An empty memory, at that moment.
    #[must_use]
    pub const fn new(now: UnixTime) -> Self {
        Self {
            now: Cell::new(now),
            policies: RefCell::new(BTreeMap::new()),
            answers: RefCell::new(BTreeMap::new()),
            unreadable: RefCell::new(BTreeSet::new()),
        }
    }

    /// What a snapshot says about a domain, at that moment.
    #[must_use]
    pub fn of(domain: &PolicyDomain, snapshot: &DomainSnapshot, now: UnixTime) -> Self {
        let memory = Self::new(now);
        let key = |policy: &StoredPolicy| (domain.clone(), policy.policy.dialect());
        memory.policies.borrow_mut().extend(snapshot.policies.iter().map(|one| (key(one), one.clone())));
        let remembered =
            snapshot.remembered.iter().map(|(topic, one)| ((domain.clone(), *topic), one.clone()));
        memory.answers.borrow_mut().extend(remembered);
        let unreadable = snapshot.policies.unreadable.iter().map(|dialect| (domain.clone(), *dialect));
        memory.unreadable.borrow_mut().extend(unreadable);
        memory
    }

    /// Lets time pass, or jump back.
    pub fn set_clock(&self, now: UnixTime) {
        self.now.set(now);
    }

    /// The policies of a domain, also the expired ones.
    #[must_use]
    pub fn all_of(&self, domain: &PolicyDomain) -> Policies {
        let policies = self.policies.borrow();
        let of = |dialect| policies.get(&(domain.clone(), dialect)).cloned();
        let unreadable = self.unreadable.borrow();
        let unreadable = unreadable.iter().filter(|(of, _)| of == domain).map(|(_, dialect)| *dialect);
        Policies {
            mta_sts: of(Dialect::MtaSts),
            smtp_sts: of(Dialect::SmtpSts),
            unreadable: unreadable.collect(),
        }
    }

    /// What is remembered of a domain's DNS results.
    #[must_use]
    pub fn remembered(&self, domain: &PolicyDomain) -> Vec<(Topic, Recollection)> {
        let answers = self.answers.borrow();
        let all = answers.iter().filter(|((of, _), _)| of == domain);
        all.map(|((_, topic), one)| (*topic, one.clone())).collect()
    }

    /// Every row, also the expired ones.
    #[must_use]
    pub fn rows(&self) -> Vec<StoredPolicy> {
        self.policies.borrow().values().cloned().collect()
    }

    /// The first moment after `now` at which something known here counts no more, or is to be looked at again: from `now`
    /// until then, what is concluded from it is the same. `None` if there is no such moment.
    #[must_use]
    pub fn next_change(&self, now: UnixTime) -> Option<UnixTime> {
        let (answers, policies) = (self.answers.borrow(), self.policies.borrow());
        let failures = answers
            .iter()
            .filter(|((_, topic), _)| matches!(topic, Topic::FetchFailures(_)))
            .filter_map(|(_, one)| Failures::from_line(&one.text))
            .flat_map(|failures| failures.turns());
        let ends = answers.values().map(|one| one.valid_until);
        let lives = policies.values().flat_map(StoredPolicy::turns);
        failures.chain(ends).chain(lives).filter(|turn| *turn > now).min()
    }
}

impl Memory for InMemory {
    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        Ok(self.all_of(domain).unexpired(self.now.get()))
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, CacheError> {
        let (mut policies, now) = (self.policies.borrow_mut(), self.now.get());
        let key = (policy.domain.clone(), policy.policy.dialect());
        let old = policies.get(&key);
        let Some(row) = StoredPolicy::merge(old, policy, now) else { return Ok(Kept::Unchanged) };
        self.unreadable.borrow_mut().remove(&(row.domain.clone(), row.policy.dialect()));
        policies.insert(key, row);
        Ok(Kept::Stored)
    }

    /// No answer depends on what happened to a policy, so nothing is written down.
    fn note(&self, _domain: &PolicyDomain, _dialect: Dialect, _notice: &Notice) {}

    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        let answers = self.answers.borrow();
        answers.get(&(domain.clone(), topic)).filter(|one| one.valid_until > self.now.get()).cloned()
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        self.answers
            .borrow_mut()
            .insert((domain.clone(), topic), Recollection { text: text.to_owned(), valid_until });
    }

    fn forget(&self, domain: &PolicyDomain, topic: Topic) {
        self.answers.borrow_mut().remove(&(domain.clone(), topic));
    }
}
