//! What every mechanism has at hand while it is asked.

use super::Request;
use super::evidence_log::EvidenceLog;
use crate::cache::{Memory, Topic};
use crate::name::PolicyDomain;
use crate::time::UnixTime;

/// What one evaluation asks, remembers and logs, and its moment.
#[derive(Debug)]
pub(super) struct Context<'a, M> {
    pub(super) request: &'a Request,
    pub(super) memory: Option<&'a M>,
    /// Stands still for the whole evaluation.
    pub(super) now: UnixTime,
    pub(super) evidence_log: EvidenceLog,
}

impl<'a, M: Memory> Context<'a, M> {
    pub(super) const fn domain(&self) -> &'a PolicyDomain {
        &self.request.domain
    }

    /// What is remembered of a topic, and until when it may be believed.
    pub(super) fn recall(&self, topic: Topic) -> Option<(String, UnixTime)> {
        let recollection = self.memory?.recall(self.domain(), topic)?;
        Some((recollection.text, recollection.valid_until))
    }

    /// Remembers a line, if there is one and it has a future.
    pub(super) fn remember(&self, topic: Topic, line: Option<&str>, until: Option<UnixTime>) {
        let until = until.filter(|until| *until > self.now);
        if let (Some(memory), Some(line), Some(until)) = (self.memory, line, until) {
            memory.remember(self.domain(), topic, line, until);
        }
    }
}
