//! What every mechanism has at hand while it is asked.

use super::evidence_log::EvidenceLog;
use super::{NextHop, Request};
use crate::cache::{Memory, Policies, Topic};
use crate::dns::Class;
use crate::limits::{UNPROVEN_ASKED_AGAIN, UNPROVEN_REMEMBERED};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use crate::verdict::PolicyFindings;

/// What one evaluation asks, remembers and logs, and its moment.
#[derive(Debug)]
pub(super) struct Context<'a, M> {
    pub(super) request: &'a Request,
    pub(super) memory: Option<&'a M>,
    /// Stands still for the whole evaluation.
    pub(super) now: UnixTime,
    pub(super) evidence_log: EvidenceLog,
    /// Of which dialects a policy is stored that cannot be read.
    unreadable: Vec<Dialect>,
    /// A false answer of DNS could hold mail back ([`Request::is_bound_by`]).
    is_bound: bool,
    /// TLSA records are asked for.
    pub(super) asks_for_dane: bool,
}

impl<'a, M> Context<'a, M> {
    /// What is known at the beginning; `stored` are the policies that the cache holds.
    pub(super) fn new(
        request: &'a Request,
        memory: Option<&'a M>,
        stored: &Policies,
        evidence_log: EvidenceLog,
        now: UnixTime,
    ) -> Self {
        let is_bound = request.is_bound_by(stored);
        let asks_for_dane = request.asks_for_dane(stored);
        let unreadable = stored.unreadable.clone();
        Self { request, memory, now, evidence_log, unreadable, is_bound, asks_for_dane }
    }

    /// Whether a policy of that dialect is stored that cannot be read: what was remembered beside it counts no more than it.
    pub(super) fn has_lost(&self, dialect: Dialect) -> bool {
        self.unreadable.contains(&dialect)
    }

    /// What was found of that dialect; nothing but a policy makes up for one that cannot be read.
    pub(super) fn or_lost(&self, dialect: Dialect, found: PolicyFindings) -> PolicyFindings {
        match found {
            PolicyFindings::Absent(_) | PolicyFindings::Unknown(_) if self.has_lost(dialect) => {
                PolicyFindings::Lost
            }
            found => found,
        }
    }

    /// Until when an answer of that class counts that was asked for at `asked_at`, before it is asked for again. Anybody on
    /// the path may have sent one that is not signed; where something binds, it could hold mail back.
    pub(super) fn counts_until(&self, class: Class, asked_at: UnixTime, until: UnixTime) -> UnixTime {
        if class == Class::Secure || !self.is_bound {
            return until;
        }
        until.min(asked_at.plus(UNPROVEN_ASKED_AGAIN))
    }

    /// Until when it is remembered at all: it stands in for an answer that does not come.
    pub(super) fn remembered_until(&self, class: Class, asked_at: UnixTime, until: UnixTime) -> UnixTime {
        if class == Class::Secure || !self.is_bound {
            return until;
        }
        until.min(asked_at.plus(UNPROVEN_REMEMBERED))
    }
}

impl<'a, M: Memory> Context<'a, M> {
    pub(super) const fn domain(&self) -> &'a PolicyDomain {
        &self.request.domain
    }

    /// Whether it is time to fetch the stored policy again, although nothing announces a change, and no others of a fleet have done so.
    pub(super) fn is_due(&self, policy: &StoredPolicy) -> bool {
        policy.is_due(self.now)
            && !self.memory.is_some_and(|memory| memory.is_renewed_by_others(policy, self.now))
    }

    /// Whether what is remembered of a topic bears on this question: of hosts it is about MX hosts at their usual port.
    fn is_about_this(&self, topic: Topic) -> bool {
        match topic {
            Topic::Dane | Topic::MxHosts | Topic::TlsaSets => self.request.next_hop == NextHop::default(),
            Topic::FetchFailures(_) | Topic::Published(_) => true,
        }
    }

    /// What is remembered of a topic, and until when it may be believed.
    pub(super) fn recall(&self, topic: Topic) -> Option<(String, UnixTime)> {
        let recollection = self.memory.filter(|_| self.is_about_this(topic))?.recall(self.domain(), topic)?;
        Some((recollection.text, recollection.valid_until))
    }

    /// Remembers a line, if there is one and it has a future.
    pub(super) fn remember(&self, topic: Topic, line: Option<&str>, until: Option<UnixTime>) {
        let until = until.filter(|until| *until > self.now);
        if let (Some(memory), Some(line), Some(until)) =
            (self.memory.filter(|_| self.is_about_this(topic)), line, until)
        {
            memory.remember(self.domain(), topic, line, until);
        }
    }
}
