//! The validating resolver of one verdict: it asks, remembers what came back, and drives walks until they end.
//!
//! Everything that a walk may want is asked at once; a walk waits only for what it cannot go on without. Replies and
//! proven zone cuts are kept from call to call, so that the questions of one verdict pay for their common zones once.
//! It refuses to go on asking when the [`Quota`] is spent or the deadline is over: what is missing then is unreachable,
//! never absent.

use super::anchor::TrustAnchors;
use super::quota::Quota;
use super::upstream::Upstreams;
use super::walk::{Finding, Replies, Reply, Step, Trust, Walk};
use super::{Answer, Class, Outage, Outcome, Question, Resolve, ZoneStatus};
use crate::limits::MAX_MX_HOSTS_LOOKED_AT;
use crate::time::UnixTime;
use futures_util::future::BoxFuture;
use futures_util::lock::Mutex;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Answers the questions of one verdict from the trust anchors down, through the name servers given.
///
/// It starts cold. Calls may overlap; they take turns.
#[derive(Debug)]
pub struct Resolver {
    line: Arc<Line>,
    session: Mutex<Session>,
}

/// What every question needs on its way out.
#[derive(Debug)]
struct Line {
    upstreams: Upstreams,
    quota: Quota,
    deadline: Instant,
}

/// What was asked, what came back, and what it proved.
struct Session {
    line: Arc<Line>,
    trust: Trust,
    replies: Replies,
    asked: HashSet<Question>,
    /// Questions on their way. They are kept between calls: a reply that no walk waited for may be wanted by the next.
    flights: FuturesUnordered<BoxFuture<'static, (Question, Reply)>>,
    /// The place of the name server that is asked first.
    first: usize,
    /// A second opinion about a bogus answer was sought already.
    has_second_opinion: bool,
}

impl Resolver {
    /// A resolver that has asked nothing yet. `now` stands still for the whole verdict; no question outlasts
    /// `deadline`.
    #[must_use]
    pub fn new(
        upstreams: &[SocketAddr],
        anchors: Arc<TrustAnchors>,
        now: UnixTime,
        deadline: Instant,
    ) -> Self {
        let line = Arc::new(Line { upstreams: Upstreams::new(upstreams), quota: Quota::default(), deadline });
        let session = Session {
            line: Arc::clone(&line),
            trust: Trust::new(anchors, now),
            replies: Replies::default(),
            asked: HashSet::new(),
            flights: FuturesUnordered::new(),
            first: 0,
            has_second_opinion: false,
        };
        Self { line, session: Mutex::new(session) }
    }

    /// Packets that left so far, repetitions included.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.line.quota.spent()
    }

    /// Answers one question.
    pub async fn resolve_one(&self, question: &Question) -> Answer {
        let answers = self.resolve(std::slice::from_ref(question)).await;
        answers.into_iter().next().unwrap_or_else(|| Journey::new(question).end(stranded(), Duration::ZERO))
    }
}

impl Resolve for Resolver {
    fn allow_mx_hosts(&self, hosts: usize) {
        self.line.quota.allow_mx_hosts(hosts.min(MAX_MX_HOSTS_LOOKED_AT));
    }

    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let called = Instant::now();
        let mut session = self.session.lock().await;
        let mut answers = session.run(questions, called).await;
        let is_bogus = |answer: &&Answer| answer.outcome.class() == Class::Bogus;
        let bogus: Vec<_> = answers.iter().filter(is_bogus).map(|answer| answer.question.clone()).collect();
        if !bogus.is_empty() && session.turn_to_another_server() {
            for second in session.run(&bogus, called).await {
                // Silence elsewhere does not excuse what was seen to be false here.
                let is_silent = second.outcome.class() == Class::Unreachable;
                for first in answers.iter_mut().filter(|first| first.question == second.question) {
                    let queries = first.queries + second.queries;
                    *first = Answer { queries, ..if is_silent { first.clone() } else { second.clone() } };
                }
            }
        }
        answers
    }
}

/// A walk under way.
struct Journey {
    walk: Walk,
    question: Question,
    /// The question without whose reply it cannot go on.
    waits_for: Option<Question>,
    queries: usize,
    answer: Option<Answer>,
}

impl Journey {
    fn new(question: &Question) -> Self {
        let walk = Walk::new(question.clone());
        Self { walk, question: question.clone(), waits_for: None, queries: 0, answer: None }
    }

    fn end(&self, finding: Finding, elapsed: Duration) -> Answer {
        let Finding { outcome, aliases, valid_until } = finding;
        let (question, queries) = (self.question.clone(), self.queries);
        Answer { question, outcome, aliases, valid_until, queries, elapsed }
    }
}

impl Session {
    /// Drives one walk for each question until all have ended; `called` is when the caller began to wait.
    async fn run(&mut self, questions: &[Question], called: Instant) -> Vec<Answer> {
        let mut journeys: Vec<_> = questions.iter().map(Journey::new).collect();
        let mut landed = None;
        loop {
            for journey in journeys.iter_mut().filter(|journey| journey.answer.is_none()) {
                if journey.waits_for.is_none() || journey.waits_for == landed {
                    self.advance(journey, called);
                }
            }
            if journeys.iter().all(|journey| journey.answer.is_some()) {
                return journeys.into_iter().filter_map(|journey| journey.answer).collect();
            }
            match self.flights.next().await {
                Some((question, reply)) => {
                    self.replies.insert(question.clone(), reply);
                    landed = Some(question);
                }
                None => {
                    for journey in journeys.iter_mut().filter(|journey| journey.answer.is_none()) {
                        journey.answer = Some(journey.end(stranded(), called.elapsed()));
                    }
                }
            }
        }
    }

    /// Steps a walk as far as the replies allow, and sends what it wants.
    fn advance(&mut self, journey: &mut Journey, called: Instant) {
        match journey.walk.step(&mut self.trust, &self.replies) {
            Step::Done(finding) => journey.answer = Some(journey.end(finding, called.elapsed())),
            Step::Ask(wanted) => {
                journey.waits_for = wanted.first().cloned();
                for question in wanted {
                    journey.queries += usize::from(self.send(question));
                }
            }
        }
    }

    /// Sends a question unless it was sent before; true if it was sent.
    fn send(&mut self, question: Question) -> bool {
        if !self.asked.insert(question.clone()) {
            return false;
        }
        let (line, first) = (Arc::clone(&self.line), self.first);
        self.flights.push(Box::pin(async move {
            let reply = match line.upstreams.ask(&question, first, &line.quota, line.deadline).await {
                Ok(message) => Reply::Message(Box::new(message)),
                Err(failure) => Reply::Failed(failure.outage, failure.text),
            };
            (question, reply)
        }));
        true
    }

    /// Forgets all replies and begins at another name server; once in a verdict, and only if there is another one.
    fn turn_to_another_server(&mut self) -> bool {
        if self.has_second_opinion || self.line.upstreams.count() < 2 {
            return false;
        }
        self.has_second_opinion = true;
        self.first = self.line.upstreams.next_after_latest();
        self.trust.start_over();
        self.replies = Replies::default();
        self.asked.clear();
        self.flights = FuturesUnordered::new();
        true
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("asked", &self.asked)
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

/// The end of a walk that waits for a reply which nobody will bring; a walk that asks twice would be a fault of ours.
fn stranded() -> Finding {
    let text = "the walk asks again for what it was given".to_owned();
    let outcome = Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Unknown, text);
    Finding { outcome, aliases: Vec::new(), valid_until: None }
}
