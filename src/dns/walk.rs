//! One question, from the trust anchor down to the verdict, as a pure function over replies (RFC 4035 section 5).
//!
//! A [`Walk`] never asks. It is stepped: with the replies that are there, it either ends or says what it also needs.
//!
//! ```text
//! let mut walk = Walk::new(question);
//! loop {
//!     match walk.step(&mut trust, &replies) {
//!         Step::Ask(questions) => /* send those not sent yet, wait until `replies` has the first of them */,
//!         Step::Done(finding) => break finding,
//!     }
//! }
//! ```
//!
//! On an empty [`Replies`] the first step lists everything that is known to be useful: the question itself, and DNSKEY
//! and DS from the anchor down to the name, so that a usual name costs one round trip. After an alias the list speaks
//! about the new name. What is listed after the first question is never waited for unless a later step puts it first.

use super::anchor::TrustAnchors;
use super::{Outage, Outcome, Question};
use crate::time::UnixTime;
use hickory_proto::op::Message;
use hickory_proto::rr::Name;
use std::collections::HashMap;
use std::sync::Arc;

/// What a question brought back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A reply to this very question, whole (TC clear), whatever its RCODE.
    Message(Box<Message>),
    /// None: the cause, and a sentence for the operator.
    Failed(Outage, String),
}

/// Every reply so far, by its question. All walks of one verdict share one.
#[derive(Clone, Debug, Default)]
pub struct Replies(HashMap<Question, Reply>);

impl Replies {
    /// What the question brought back, if it has come back yet.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Reply> {
        self.0.get(question)
    }

    /// Keeps a reply; one to the same question is replaced (then [`Trust::start_over`]).
    pub fn insert(&mut self, question: Question, reply: Reply) {
        self.0.insert(question, reply);
    }
}

/// What all walks of one verdict share: the anchors, the time, what was proven so far, and the budget.
#[derive(Debug)]
pub struct Trust {
    #[expect(dead_code, reason = "the descent lands next")]
    anchors: Arc<TrustAnchors>,
    #[expect(dead_code, reason = "the descent lands next")]
    now: UnixTime,
}

impl Trust {
    /// Nothing proven yet, nothing spent. `now` stands still for the whole verdict.
    #[must_use]
    pub const fn new(anchors: Arc<TrustAnchors>, now: UnixTime) -> Self {
        Self { anchors, now }
    }

    /// Forgets what was proven, but not what was spent: for replies that were replaced, as when a bogus answer is
    /// asked for again elsewhere.
    pub const fn start_over(&mut self) {}
}

/// The way from the trust anchor to the answer of one question, aliases included.
#[derive(Debug)]
pub struct Walk {
    question: Question,
}

/// What a [`Walk`] says.
#[derive(Debug)]
pub enum Step {
    /// It cannot go on without the first of these; the others are wanted in the same round trip. Never empty; may
    /// name questions that are on their way already.
    Ask(Vec<Question>),
    /// It has ended; a further step would say the same.
    Done(Finding),
}

/// The verdict on one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What is proven.
    pub outcome: Outcome,
    /// The names that aliases led to, in order.
    pub aliases: Vec<Name>,
    /// See [`super::Answer::valid_until`].
    pub valid_until: Option<UnixTime>,
}

impl Walk {
    /// A walk that has not begun.
    #[must_use]
    pub const fn new(question: Question) -> Self {
        Self { question }
    }

    /// Goes as far as the replies allow.
    pub fn step(&mut self, _trust: &mut Trust, _replies: &Replies) -> Step {
        Step::Ask(vec![self.question.clone()])
    }
}
