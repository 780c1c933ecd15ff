//! What is written down while several mechanisms are asked at once: evidence, notes, and what became of the cache; and,
//! for an explanation of the verdict, everything that was heard.

use super::{CacheUse, Evidence};
use crate::cache::{CacheError, Kept, Memory};
use crate::dns::{Answer, Class, Content, Outage, Outcome, ZoneStatus};
use crate::https::{FetchError, PolicyUrl};
use crate::policy::StoredPolicy;
use crate::policy::result::ReportedFailure;
use crate::time::UnixTime;
use crate::words::words;
use hickory_proto::rr::RecordType;
use std::cell::{Cell, RefCell};
use tracing::{info, warn};

/// The log of one evaluation. All mechanisms write into it, by turns, in one thread.
#[derive(Debug)]
pub(super) struct EvidenceLog {
    evidence: RefCell<Vec<Evidence>>,
    notes: RefCell<Vec<String>>,
    cache: Cell<CacheUse>,
    failures: RefCell<Vec<ReportedFailure>>,
    /// A signature could have proven something of what DNS said, or did not say.
    is_provable: Cell<bool>,
    /// Taken down only where somebody wants to know it all.
    heard: Option<RefCell<Heard>>,
}

/// What was heard from the outside, word for word, in the order in which it was taken down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The answers that were waited for.
    pub answers: Vec<Answer>,
    /// The policies that were asked for over HTTPS.
    pub fetches: Vec<Fetched>,
}

/// One policy that was asked for over HTTPS.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetched {
    /// From where it was to come: the address of the policy host (RFC 8461 section 3.3), or the one that a record names.
    pub url: PolicyUrl,
    /// What came of it for the policy; it says whether anything was authenticated.
    pub ending: Ending,
    /// The policy, or why there is none.
    pub outcome: Result<Vec<u8>, FetchError>,
}

words! {
    /// How a fetch ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Ending {
        /// With a policy, or with the copy of one.
        Authenticated = "authenticated",
        /// With something else than the record of which it should be a copy.
        Different = "different",
        /// Without a body.
        Failed = "failed",
        /// With something that is no policy.
        Malformed = "malformed",
    }
}

impl EvidenceLog {
    pub(super) const fn new(cache: CacheUse) -> Self {
        Self {
            evidence: RefCell::new(Vec::new()),
            notes: RefCell::new(Vec::new()),
            cache: Cell::new(cache),
            failures: RefCell::new(Vec::new()),
            is_provable: Cell::new(false),
            heard: None,
        }
    }

    /// The same, and everything that is heard is taken down word for word.
    pub(super) fn in_full(self) -> Self {
        Self { heard: Some(RefCell::default()), ..self }
    }

    /// Takes answers down.
    pub(super) fn answers(&self, answers: &[Answer]) {
        if let Some(heard) = &self.heard {
            heard.borrow_mut().answers.extend_from_slice(answers);
        }
        let lies_in_no_signed_zone = |answer: &Answer| match &answer.outcome {
            Outcome::Insecure(..) | Outcome::Unreachable(_, ZoneStatus::ProvenInsecure, _) => true,
            Outcome::Secure(_) | Outcome::Bogus(..) | Outcome::Unreachable(..) => false,
        };
        if !answers.iter().all(lies_in_no_signed_zone) {
            self.is_provable.set(true);
        }
        answers.iter().filter_map(beside_the_public_dns).for_each(|note| self.note(note));
        for evidence in answers.iter().map(seen) {
            info!(question = evidence.question, class = evidence.class, said = evidence.said, "DNS answered");
            self.evidence.borrow_mut().push(evidence);
        }
    }

    /// Takes down what was remembered of answers.
    pub(super) fn recalled(&self, question: String, class: Class, valid_until: UnixTime) {
        if class != Class::Insecure {
            self.is_provable.set(true);
        }
        self.evidence.borrow_mut().push(Evidence {
            question,
            class: class.word(),
            said: "remembered".to_owned(),
            valid_until: Some(valid_until),
            elapsed: None,
            queries: 0,
        });
    }

    /// Takes down how a fetch ended.
    pub(super) fn fetch(
        &self,
        url: &PolicyUrl,
        ending: Ending,
        said: String,
        outcome: &Result<Vec<u8>, FetchError>,
    ) {
        let (question, class) = (url.to_string(), ending.word());
        info!(question, class, said, "the policy host answered");
        if let Some(heard) = &self.heard {
            heard.borrow_mut().fetches.push(Fetched { url: url.clone(), ending, outcome: outcome.clone() });
        }
        self.aside(question, class, said);
    }

    /// Takes down what follows from the answers although nobody was asked about it.
    pub(super) fn aside(&self, question: String, class: &'static str, said: String) {
        let evidence = Evidence { question, class, said, valid_until: None, elapsed: None, queries: 0 };
        self.evidence.borrow_mut().push(evidence);
    }

    /// Takes down what a TLS report is to say about the policy.
    pub(super) fn failed(&self, failure: ReportedFailure) {
        let mut failures = self.failures.borrow_mut();
        if !failures.iter().any(|known| known.result == failure.result) {
            failures.push(failure);
        }
    }

    /// What a TLS report is to say about the policy.
    pub(super) fn failures(&self) -> Vec<ReportedFailure> {
        self.failures.borrow().clone()
    }

    /// Whether a signature could have proven anything of what DNS said, or did not say.
    pub(super) const fn is_provable(&self) -> bool {
        self.is_provable.get()
    }

    /// What an operator should know.
    pub(super) fn note(&self, note: impl Into<String>) {
        let note = note.into();
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// What became of the cache; once it cannot be used, this says so.
    pub(super) fn cache_is(&self, cache: CacheUse) {
        if self.cache.get() != CacheUse::Unavailable {
            self.cache.set(cache);
        }
    }

    /// The cache cannot be used.
    pub(super) fn without_cache(&self, why: String) {
        warn!(why, "the cache cannot be used");
        self.cache_is(CacheUse::Unavailable);
        self.note(why);
    }

    /// Something is wrong with the cache.
    pub(super) fn in_trouble(&self, trouble: &CacheError) {
        if trouble.is_of_writing() {
            self.unkept(trouble.to_string());
        } else {
            self.without_cache(trouble.to_string());
        }
    }

    /// What is new cannot be kept; what is remembered counts.
    fn unkept(&self, why: String) {
        warn!(why, "the cache cannot be written to");
        self.cache_is(CacheUse::Unavailable);
        self.note(why);
    }

    /// Stores a policy and tells how that went.
    pub(super) fn keep(&self, memory: &impl Memory, policy: &StoredPolicy) {
        match memory.keep(policy) {
            Ok(Kept::Stored) => self.cache_is(CacheUse::Stored),
            Ok(Kept::Unchanged) => self.cache_is(CacheUse::Unchanged),
            Ok(Kept::Full) => self.unkept(Kept::NOT_KEPT.to_owned()),
            Err(trouble) => self.in_trouble(&trouble),
        }
    }

    /// Adds what one mechanism took down for itself, and gives back what it heard.
    pub(super) fn absorb(&self, other: Self) -> Heard {
        let heard = other.heard.map(RefCell::into_inner).unwrap_or_default();
        self.evidence.borrow_mut().extend(other.evidence.into_inner());
        if other.is_provable.get() {
            self.is_provable.set(true);
        }
        other.notes.into_inner().into_iter().for_each(|note| self.note(note));
        other.failures.into_inner().into_iter().for_each(|failure| self.failed(failure));
        if other.cache.get() != CacheUse::None {
            self.cache_is(other.cache.get());
        }
        heard
    }

    /// What was heard so far.
    pub(super) fn heard(&self) -> Heard {
        self.heard.as_ref().map(|heard| heard.borrow().clone()).unwrap_or_default()
    }

    /// The end of it.
    pub(super) fn close(self) -> (Vec<Evidence>, Vec<String>, CacheUse) {
        (self.evidence.into_inner(), self.notes.into_inner(), self.cache.get())
    }
}

/// What an operator should know of an answer that the public DNS did not give, or was not asked for.
fn beside_the_public_dns(answer: &Answer) -> Option<String> {
    match &answer.outcome {
        Outcome::Insecure(_, why) => why.strip_prefix("insecure-zone: ").map(|why| {
            format!("{}: {why}, so nothing about it is proven by DNSSEC", answer.question.name().to_ascii())
        }),
        // Of a domain that is set apart itself this is said once.
        Outcome::Unreachable(Outage::NotAsked, _, why) if answer.question.rtype() != RecordType::TXT => {
            let why = why.strip_prefix("special-use-name: ").unwrap_or(why);
            Some(format!("{why}; if it is a private zone of your network, name it in insecure_zones"))
        }
        Outcome::Unreachable(..) | Outcome::Secure(_) | Outcome::Bogus(..) => None,
    }
}

fn seen(answer: &Answer) -> Evidence {
    let content = |content: &Content| match content {
        Content::Data(records) if records.len() == 1 => "1 record".to_owned(),
        Content::Data(records) => format!("{} records", records.len()),
        Content::Nodata => "no such record".to_owned(),
        Content::Nxdomain => "no such name".to_owned(),
    };
    let said = match &answer.outcome {
        Outcome::Secure(found) => content(found),
        Outcome::Insecure(found, why) => format!("{}; {why}", content(found)),
        Outcome::Bogus(_, why) | Outcome::Unreachable(_, _, why) => why.clone(),
    };
    Evidence {
        question: answer.question.to_string(),
        class: answer.outcome.class().word(),
        said,
        valid_until: answer.valid_until,
        elapsed: Some(answer.elapsed),
        queries: answer.queries,
    }
}
