//! The answer, with everything that an operator may ask about it. Pure.

use super::{NextHop, Request};
use crate::dane::set::TlsaSet;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::result::ReportedFailure;
use crate::policy::{Mechanisms, PolicyType};
use crate::reason::Reason;
use crate::time::UnixTime;
use crate::timeline::Timeline;
use crate::verdict::{Judgement, Tlsa, Verdict};
use crate::words::words;
use std::time::Duration;

words! {
    /// What became of the policy in the cache.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum CacheUse {
        /// The policy came out of it.
        Hit = "hit",
        /// A policy went into it.
        Stored = "stored",
        /// A newer policy was looked for, and it is the same.
        Unchanged = "unchanged",
        /// There was nothing to take or to keep.
        None = "none",
        /// It cannot be used: see the run's trouble.
        Unavailable = "unavailable",
    }
}

/// One thing that the verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was asked: a DNS question, or a URL.
    pub question: String,
    /// Its class, or how the fetch ended.
    pub class: &'static str,
    /// What it said, in words; untrusted text, not yet escaped.
    pub said: String,
    /// Until when it may be believed.
    pub valid_until: Option<UnixTime>,
    /// How long it took; `None` if it was remembered.
    pub elapsed: Option<Duration>,
    /// Packets' worth of questions that it took.
    pub queries: usize,
}

/// The answer, with everything that an operator may ask about it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose mail it is; `None` where the question was no question.
    pub domain: Option<PolicyDomain>,
    /// How its mail gets to a host.
    pub next_hop: NextHop,
    /// What was decided, and for which of the hosts.
    pub judgement: Judgement,
    /// Whether the policy came from the cache, went there, or could not be kept: the word behind `cache=`.
    pub cache: CacheUse,
    /// What the decision rests on, in the order in which it was learnt.
    pub evidence: Vec<Evidence>,
    /// The record that decided, as published; untrusted text, not yet escaped.
    pub record: Option<String>,
    /// What else an operator should know; untrusted texts in it, not yet escaped.
    pub notes: Vec<String>,
    /// What failed in the fetch of an MTA-STS policy, if one was tried, in the words of TLS reports.
    pub failures: Vec<ReportedFailure>,
    /// The secure TLSA records of the MX hosts, as far as they were asked for or are remembered.
    pub tlsa_sets: Vec<(MxHost, TlsaSet)>,
    /// What the answer waited for; empty where nobody was asked.
    pub timeline: Timeline,
    /// Whether this answer may stand in for a later one that does not come in time.
    pub stand_in: StandIn,
}

/// Whether an answer may stand in for a later one to the same question that does not come in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StandIn {
    /// It lets the mail go without a policy, and rests on nothing but answers and silence of zones that are proven to be
    /// unsigned: an attacker who causes silence now could then as well have sent an absence.
    Possible,
    /// Never.
    #[default]
    Impossible,
}

/// Why a question was not asked at all, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoEvaluation {
    /// What follows for the mail.
    pub verdict: Verdict,
    /// Why there was no evaluation: the one word of the answer.
    pub reason: Reason,
    /// What the operator should know; untrusted texts in it, not yet escaped.
    pub why: String,
}

impl NoEvaluation {
    /// The mail waits.
    #[must_use]
    pub fn defer(reason: Reason, why: impl ToString) -> Self {
        Self { verdict: Verdict::Defer, reason, why: why.to_string() }
    }
}

impl From<NoEvaluation> for Report {
    fn from(none: NoEvaluation) -> Self {
        Self {
            domain: None,
            next_hop: NextHop::default(),
            judgement: Judgement::plain(none.verdict, none.reason, &[]),
            cache: CacheUse::None,
            evidence: Vec::new(),
            record: None,
            notes: vec![none.why],
            failures: Vec::new(),
            tlsa_sets: Vec::new(),
            timeline: Timeline::default(),
            stand_in: StandIn::Impossible,
        }
    }
}

impl Report {
    /// When the first of the answers ends that it rests on; `None` if none of them does.
    #[must_use]
    pub fn rests_until(&self) -> Option<UnixTime> {
        self.evidence.iter().filter_map(|evidence| evidence.valid_until).min()
    }

    /// The same answer where the cache could not keep what it rests on: it is given, and says so.
    #[must_use]
    pub fn unkept(mut self, why: String) -> Self {
        // What kept memory from being read keeps it from being written, too.
        if !self.notes.contains(&why) {
            self.notes.push(why);
        }
        Self { cache: CacheUse::Unavailable, ..self }
    }

    /// The answer about a domain that is not to be asked about.
    #[must_use]
    pub fn ignored(request: &Request, notes: Vec<String>) -> Self {
        let plain = Judgement::plain(Verdict::Deliver, Reason::Override, &request.hosts);
        let report = Self {
            domain: Some(request.domain.clone()),
            next_hop: request.next_hop,
            judgement: Judgement { policy: PolicyType::Override, ..plain },
            cache: CacheUse::None,
            evidence: Vec::new(),
            record: None,
            notes,
            failures: Vec::new(),
            tlsa_sets: Vec::new(),
            timeline: Timeline::default(),
            stand_in: StandIn::Impossible,
        };
        if request.mechanisms.dane { report } else { report.without_dane() }
    }

    /// The answer about a domain of which nobody can tell what the operator of the fleet has decreed, and why: an order that holds its mail to more may
    /// be lost with what cannot be read.
    #[must_use]
    pub fn withheld(request: &Request, why: &str) -> Self {
        let judgement = Judgement::plain(Verdict::Defer, Reason::PolicyLost, &request.hosts);
        let note = format!("what the fleet's operator has decreed cannot be read, so the mail waits: {why}");
        let (domain, next_hop) = (Some(request.domain.clone()), request.next_hop);
        let none = NoEvaluation::defer(Reason::PolicyLost, note);
        let report = Self { domain, next_hop, judgement, cache: CacheUse::Unavailable, ..Self::from(none) };
        if request.mechanisms.dane { report } else { report.without_dane() }
    }

    /// The answer to what is no question, under the configuration's mechanisms.
    #[must_use]
    pub fn unasked(none: NoEvaluation, mechanisms: Mechanisms) -> Self {
        let report = Self::from(none);
        if mechanisms.dane { report } else { report.without_dane() }
    }

    /// The same where DANE is left out. Exim's own DANE would go on looking, whatever the answer is: that nothing can be held to a
    /// TLSA record keeps it from that.
    #[must_use]
    pub fn without_dane(self) -> Self {
        Self { judgement: Judgement { tlsa: Some(Tlsa::Unusable), ..self.judgement }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_cache_from_being_read_and_written_is_said_once() {
        let report = Report::from(NoEvaluation::defer(Reason::DnssecBogus, ""));
        let before = report.notes.len();
        let report = report.unkept("its directory is not trusted".into());
        let report = report.unkept("its directory is not trusted".into());
        assert_eq!((report.notes.len(), report.cache), (before + 1, CacheUse::Unavailable));
    }
}
