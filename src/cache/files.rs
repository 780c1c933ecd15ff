//! The cache as two files.

use super::answers::Answers;
use super::database::Database;
use super::file::CachePath;
use super::policies::Policies;
use super::schema::{ANSWERS, POLICIES};
use super::{Circumstances, Kept, Memory, Recollection, StoredPolicy, Topic, Trouble};
use crate::name::PolicyDomain;
use crate::policy::Dialect;
use crate::time::UnixTime;
use std::cell::OnceCell;

/// The two files under one path, for one run. Neither is touched before it is needed.
#[derive(Debug)]
pub struct Cache {
    policies: Policies,
    answers: Answers,
    trouble: OnceCell<Trouble>,
}

impl Cache {
    /// The cache at that path, under these circumstances, with at most `max_domains` in each file, at that moment.
    #[must_use]
    pub fn new(path: CachePath, circumstances: &Circumstances, max_domains: u64, now: UnixTime) -> Self {
        let answers = path.of_answers();
        Self {
            policies: Policies::new(Database::new(
                path,
                &POLICIES,
                circumstances.of_policies(),
                max_domains,
                now,
            )),
            answers: Answers::new(Database::new(
                answers,
                &ANSWERS,
                circumstances.of_answers(),
                max_domains,
                now,
            )),
            trouble: OnceCell::new(),
        }
    }

    fn noting<T>(&self, done: Result<T, Trouble>) -> Result<T, Trouble> {
        done.inspect_err(|trouble| {
            self.trouble.get_or_init(|| trouble.clone());
        })
    }
}

impl Memory for Cache {
    fn policy(&self, domain: &PolicyDomain, dialect: Dialect) -> Result<Option<StoredPolicy>, Trouble> {
        self.noting(self.policies.policy(domain, dialect))
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, Trouble> {
        self.noting(self.policies.keep(policy))
    }

    fn recall(&self, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        self.noting(self.answers.recall(domain, topic)).ok().flatten()
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        let _noted = self.noting(self.answers.remember(domain, topic, text, valid_until));
    }

    fn trouble(&self) -> Option<Trouble> {
        self.trouble.get().cloned()
    }
}
