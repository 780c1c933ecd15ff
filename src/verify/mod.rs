//! The pipeline: from Exim's question to the verdict, in the order of the draft's appendix 1.
//!
//! It gathers what [`crate::verdict`] judges: what memory knows, what DNS proves, what an HTTPS copy confirms. It
//! never decides, and it touches the outside only through [`Memory`], [`Resolve`] and [`Fetch`].

pub mod announcement;
pub mod asked;
mod context;
pub mod dane;
pub mod discovery;
mod exchangers;
pub mod explain;
mod inquiry;
mod minutes;
mod mta_sts;
pub mod mx;
pub mod refresh;
pub mod remembered;
mod smtp_sts;

use crate::cache::Memory;
use crate::dns::Resolve;
use crate::https::Fetch;
use crate::name::{MxHost, PolicyDomain};
use crate::reason::Reason;
use crate::reports::result::ResultType;
use crate::time::UnixTime;
use crate::timeline::Timeline;
use crate::verdict::{Handshake, Judgement, OnUnreachable, PolicyType, Requirement, Trouble, Verdict};
use inquiry::Inquiry;
pub use minutes::{Ending, Fetched, Heard};
use std::time::Duration;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose mail it is.
    pub domain: PolicyDomain,
    /// Where it is to go; none asks for the domain as a whole.
    pub hosts: Vec<MxHost>,
    /// What Exim saw of the handshake.
    pub handshake: Handshake,
    /// Only authenticated policies are stored and used.
    pub require_authentication: bool,
    /// What is to be done where a policy cannot be asked for in an unsigned zone.
    pub on_unreachable: OnUnreachable,
    /// What the administrator requires of this domain, whatever it publishes.
    pub requirement: Option<Requirement>,
}

/// What became of the policy in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheUse {
    /// The policy came out of it.
    Hit,
    /// There was nothing to take or to keep.
    None,
    /// A policy went into it.
    Stored,
    /// A newer policy was looked for, and it is the same.
    Unchanged,
    /// It cannot be used: see the run's trouble.
    Unavailable,
}

impl CacheUse {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::None => "none",
            Self::Stored => "stored",
            Self::Unavailable => "unavailable",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One thing that the verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What was asked: a DNS question, or a URL.
    pub question: String,
    /// Its class, or how the fetch ended.
    pub class: &'static str,
    /// What it said, in words; a stranger's text, not yet escaped.
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
    /// The decision.
    pub judgement: Judgement,
    /// What became of the cache.
    pub cache: CacheUse,
    /// What the decision rests on, in the order in which it was learnt.
    pub evidence: Vec<Evidence>,
    /// The record that decided, as published; a stranger's text, not yet escaped.
    pub record: Option<String>,
    /// What else an operator should know; strangers' texts in it, not yet escaped.
    pub notes: Vec<String>,
    /// What failed in the fetch of an MTA-STS policy, if one was tried, in the words of TLS reports.
    pub failures: Vec<ResultType>,
    /// What the answer waited for; empty where nobody was asked.
    pub timeline: Timeline,
}

/// Why a question was not asked at all, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoInquiry {
    /// What follows for the mail.
    pub verdict: Verdict,
    /// The word.
    pub reason: Reason,
    /// What the operator should know; strangers' texts in it, not yet escaped.
    pub why: String,
}

impl NoInquiry {
    /// The mail waits.
    #[must_use]
    pub fn defer(reason: Reason, why: impl ToString) -> Self {
        Self { verdict: Verdict::Defer, reason, why: why.to_string() }
    }
}

impl From<NoInquiry> for Report {
    fn from(none: NoInquiry) -> Self {
        Self {
            domain: None,
            judgement: Judgement::plain(none.verdict, none.reason, &[]),
            cache: CacheUse::None,
            evidence: Vec::new(),
            record: None,
            notes: vec![none.why],
            failures: Vec::new(),
            timeline: Timeline::default(),
        }
    }
}

impl Report {
    /// The answer about a domain that is not to be asked about.
    #[must_use]
    pub fn ignored(request: &Request, notes: Vec<String>) -> Self {
        let plain = Judgement::plain(Verdict::Deliver, Reason::Override, &request.hosts);
        Self {
            domain: Some(request.domain.clone()),
            judgement: Judgement { policy: PolicyType::Override, ..plain },
            cache: CacheUse::None,
            evidence: Vec::new(),
            record: None,
            notes,
            failures: Vec::new(),
            timeline: Timeline::default(),
        }
    }
}

/// The answer that memory alone can give: without a packet, and without writing.
#[must_use]
pub fn from_memory(request: &Request, memory: Option<&impl Memory>, now: UnixTime) -> Option<Report> {
    let inquiry = Inquiry::open(request, memory, now);
    let judgement = inquiry.judged()?;
    let delivers = judgement.verdict == Verdict::Deliver;
    let settled = delivers && inquiry.hosts_are_known() && inquiry.is_kept(&judgement);
    settled.then(|| inquiry.close(judgement))
}

/// The answer.
pub async fn verify<M: Memory>(
    request: &Request,
    memory: Option<&M>,
    dns: &impl Resolve,
    https: &impl Fetch,
    now: UnixTime,
) -> Report {
    let mut inquiry = Inquiry::open(request, memory, now);
    inquiry.forget_exchangers_that_forbid();
    inquiry.ask(dns, https).await;
    let judgement = inquiry.conclude(dns, https).await;
    inquiry.close(judgement)
}

fn words(trouble: &Trouble) -> &str {
    match trouble {
        Trouble::Bogus(_, why) | Trouble::Unreachable(_, _, why) => why,
    }
}
