//! The validating resolver of one verdict: it asks, remembers what came back, and drives walks until they end.
//!
//! Everything that a walk may want is asked at once; a walk waits only for what it cannot go on without. Calls overlap:
//! each drives its own walks, and all share replies, proven zone cuts, the [`Quota`] and the deadline, so that what
//! several calls want is asked once. It refuses to go on asking when the quota is spent or the deadline is over: what
//! is missing then is unreachable, never absent.
//!
//! A question on its way belongs to nobody: it is a task of its pass, which brings its reply home whether or not the
//! call that sent it is still there. So a call may be dropped at any point, and the others neither lose a reply nor
//! wait for ever.
//!
//! The invariant of a second opinion: a walk ends in the pass in which it began, and all that a pass knows (replies,
//! proofs, questions on their way) comes from questions of its own. A bogus answer is asked for again in another pass,
//! by a walk from the anchor down: first in one that begins at another server, if there is one, then in one with CD
//! clear, where a server that validates does not hand on what one bad server of the zone gave it (RFC 6840 section 5.9
//! and appendix B). Only what a walk proves there replaces the bogus answer; no question begins there, since its SERVFAIL
//! would make unreachable what is bogus. A pass never ends before the verdict, so no walk in it can be left without its
//! reply; and nothing crosses from one to the other but the quota and the budget. Only the first pass knows of zones that other
//! look-ups have proven, and tells others of zones: a second opinion owes nothing to anybody.

use super::anchor::TrustAnchors;
use super::delivery::Opinion;
use super::proof::Proof;
use super::proven_zones::ProvenZones;
use super::quota::Quota;
use super::reply_memory::ReplyMemory;
use super::upstream::{Carrier, Upstreams};
use super::walk::{Finding, Replies, Reply, Step, TrustContext, Walk};
use super::{Answer, Checking, Class, Outage, Outcome, Question, Resolve, ZoneStatus};
use crate::limits::{CHECKED_QUESTION_DEADLINE, MAX_MX_HOSTS_LOOKED_AT};
use crate::time::UnixTime;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Answers the questions of one verdict from the trust anchors down, through the name servers given.
///
/// It starts cold. Calls may overlap, and may be dropped.
#[derive(Debug)]
pub struct Resolver<C = Upstreams> {
    line: Arc<Line<C>>,
    first: Arc<QueryPass<C>>,
    /// Begun when the first answer is bogus, and only if there is another server.
    second: OnceLock<Arc<QueryPass<C>>>,
    /// Begun when an answer is bogus in all of the others.
    checked: OnceLock<Arc<QueryPass<C>>>,
    /// The second pass proved what the first one could not: new questions begin there.
    second_is_better: AtomicBool,
    /// MX hosts for which the quota and the budget were widened.
    mx_hosts: AtomicUsize,
    /// For how long an answer is waited for that no signature could prove, if that is less than for others.
    unsigned_patience: Option<Duration>,
}

/// What every question needs on its way out.
#[derive(Debug)]
struct Line<C> {
    carrier: C,
    quota: Quota,
    deadline: Instant,
}

/// All that was asked of the name servers in one order, and what came of it.
#[derive(Debug)]
struct QueryPass<C> {
    line: Arc<Line<C>>,
    opinion: Opinion,
    known: Mutex<Known>,
    /// Tells every walk that waits that one more reply is there.
    arrived: Notify,
}

/// What was asked in a pass, what came back, and what it proved.
#[derive(Debug)]
struct Known {
    trust: TrustContext,
    replies: Replies,
    /// With when it left.
    asked: HashMap<Question, Instant>,
    /// Questions on their way; they end with the pass.
    in_flight: JoinSet<()>,
}

impl Resolver {
    /// A resolver that has asked nothing yet, in a process that has many: what one of them proves of `zones` counts for all,
    /// and their replies share `memory`, by the `owner` of the name.
    #[must_use]
    pub fn beside_others(
        upstreams: &[SocketAddr],
        zones: &ProvenZones,
        (memory, owner): (&ReplyMemory, &str),
        now: UnixTime,
        deadline: Instant,
    ) -> Self {
        let trust = TrustContext::sharing(zones, now);
        Self::within(Quota::sharing(memory, owner), Upstreams::new(upstreams), trust, deadline)
    }

    /// A resolver that has asked nothing yet. `now` stands still for the whole verdict; no question outlasts
    /// `deadline`.
    #[must_use]
    pub fn new(
        upstreams: &[SocketAddr],
        anchors: Arc<TrustAnchors>,
        now: UnixTime,
        deadline: Instant,
    ) -> Self {
        Self::over(Upstreams::new(upstreams), anchors, now, deadline)
    }
}

impl<C: Carrier> Resolver<C> {
    /// The same, with questions that go out through `carrier`.
    #[must_use]
    pub fn over(carrier: C, anchors: Arc<TrustAnchors>, now: UnixTime, deadline: Instant) -> Self {
        Self::within(Quota::default(), carrier, TrustContext::new(anchors, now), deadline)
    }

    fn within(quota: Quota, carrier: C, trust: TrustContext, deadline: Instant) -> Self {
        let line = Arc::new(Line { carrier, quota, deadline });
        let first = QueryPass::new(Arc::clone(&line), Opinion::First, trust);
        Self {
            line,
            first,
            second: OnceLock::new(),
            checked: OnceLock::new(),
            second_is_better: AtomicBool::new(false),
            mx_hosts: AtomicUsize::new(0),
            unsigned_patience: None,
        }
    }

    /// The same, for a caller who cannot wait: an answer from a zone that is proven to be unsigned is waited for so long, from
    /// when it was asked for. Where a signature could prove it, silence may be an attack, and the wait is not cut short.
    #[must_use]
    pub fn with_unsigned_patience(self, unsigned_patience: Duration) -> Self {
        Self { unsigned_patience: Some(unsigned_patience), ..self }
    }

    /// Packets that left so far, repetitions included.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.line.quota.spent()
    }

    /// The pass in which new questions begin, and where a second opinion about them is to be had.
    fn passes(&self) -> (&Arc<QueryPass<C>>, Option<&Arc<QueryPass<C>>>) {
        match self.second.get() {
            Some(second) if self.second_is_better.load(Relaxed) => (second, Some(&self.first)),
            second => (&self.first, second),
        }
    }

    /// The pass for a second opinion, begun now if need be; `None` without another server.
    fn second_pass(&self) -> Option<&Arc<QueryPass<C>>> {
        let carrier = &self.line.carrier;
        (carrier.count() > 1).then(|| self.second.get_or_init(|| self.another_pass(carrier.second_opinion())))
    }

    /// The pass with CD clear, begun now if need be; `None` if nobody answers such questions.
    fn checked_pass(&self) -> Option<&Arc<QueryPass<C>>> {
        let is_there = self.line.carrier.has_checked_opinion();
        is_there.then(|| self.checked.get_or_init(|| self.another_pass(Opinion::Checked)))
    }

    /// A pass that knows nothing yet.
    fn another_pass(&self, opinion: Opinion) -> Arc<QueryPass<C>> {
        QueryPass::new(Arc::clone(&self.line), opinion, self.first.known().trust.afresh())
    }
}

impl<C: Carrier> Resolve for Resolver<C> {
    fn allow_mx_hosts(&self, hosts: usize) {
        // They are the same hosts, whichever mechanism looks at them.
        let hosts = hosts.min(MAX_MX_HOSTS_LOOKED_AT);
        let more = hosts.saturating_sub(self.mx_hosts.fetch_max(hosts, Relaxed));
        self.line.quota.allow_mx_hosts(more);
        self.first.known().trust.allow_mx_hosts(more);
    }

    fn count_others_denials(&self, counts: bool) -> bool {
        self.first.known().trust.count_others_denials(counts)
    }

    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let called = Instant::now();
        let (here, elsewhere) = self.passes();
        let mut answers = here.resolve(questions, self.unsigned_patience, called).await;
        let bogus = bogus_of(&answers);
        if bogus.is_empty() {
            return answers;
        }
        if let Some(elsewhere) = elsewhere.or_else(|| self.second_pass()) {
            let seconds = elsewhere.resolve(&bogus, self.unsigned_patience, called).await;
            if seconds.iter().any(|second| second.outcome.content().is_some()) {
                self.second_is_better.store(!Arc::ptr_eq(elsewhere, &self.first), Relaxed);
            }
            // Silence elsewhere does not excuse what was seen to be false here.
            replace(&mut answers, seconds, |second| second.class() != Class::Unreachable);
        }
        let bogus = bogus_of(&answers);
        if let Some(checked) = self.checked_pass().filter(|_| !bogus.is_empty()) {
            let seconds = checked.resolve(&bogus, self.unsigned_patience, called).await;
            replace(&mut answers, seconds, |second| second.content().is_some());
        }
        answers
    }
}

/// The questions whose answers are bogus.
fn bogus_of(answers: &[Answer]) -> Vec<Question> {
    let bogus = answers.iter().filter(|answer| answer.outcome.class() == Class::Bogus);
    bogus.map(|answer| answer.question.clone()).collect()
}

/// Puts those second answers that count in the place of the first ones to the same questions.
fn replace(answers: &mut [Answer], seconds: Vec<Answer>, counts: impl Fn(&Outcome) -> bool) {
    for second in seconds {
        for first in answers.iter_mut().filter(|first| first.question == second.question) {
            let queries = first.queries + second.queries;
            *first =
                Answer { queries, ..if counts(&second.outcome) { second.clone() } else { first.clone() } };
        }
    }
}

/// How far a walk came.
enum Progress {
    Done(Finding),
    /// It cannot go on without the reply to this question, which left at that moment.
    WaitsFor(Question, Instant),
}

impl<C: Carrier> QueryPass<C> {
    fn new(line: Arc<Line<C>>, opinion: Opinion, trust: TrustContext) -> Arc<Self> {
        let known =
            Known { trust, replies: Replies::default(), asked: HashMap::new(), in_flight: JoinSet::new() };
        Arc::new(Self { line, opinion, known: Mutex::new(known), arrived: Notify::new() })
    }

    /// What is known by now; never held while anything is waited for.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives one walk for each question until all have ended; `called` is when the caller began to wait.
    async fn resolve(
        self: &Arc<Self>,
        questions: &[Question],
        unsigned_patience: Option<Duration>,
        called: Instant,
    ) -> Vec<Answer> {
        join_all(questions.iter().map(|question| self.travel(question, unsigned_patience, called))).await
    }

    /// Drives the walk for one question to its end.
    async fn travel(
        self: &Arc<Self>,
        question: &Question,
        unsigned_patience: Option<Duration>,
        called: Instant,
    ) -> Answer {
        let mut walk = Walk::new(question.clone());
        let mut queries = 0;
        loop {
            match self.advance(&mut walk, &mut queries) {
                Progress::Done(finding) => return answer(question, finding, queries, called),
                Progress::WaitsFor(missing, left_at) => {
                    let landing = self.landing_of(&missing);
                    let Some(patience) = unsigned_patience.filter(|_| walk.waits_for_what_is_unsigned())
                    else {
                        landing.await;
                        continue;
                    };
                    if timeout_at(left_at + patience, landing).await.is_err() {
                        let why = format!(
                            "no-answer: nothing came in {} ms, and no more is waited for: the zone is not signed",
                            patience.as_millis()
                        );
                        return answer(question, walk.give_up(&self.known().trust, why), queries, called);
                    }
                }
            }
        }
    }

    /// Steps a walk as far as the replies allow, and sends what it wants; `queries` counts what was sent for it.
    fn advance(self: &Arc<Self>, walk: &mut Walk, queries: &mut usize) -> Progress {
        let Known { trust, replies, asked, in_flight } = &mut *self.known();
        let wanted = match walk.step(trust, replies) {
            Step::Done(finding) => return Progress::Done(finding),
            Step::Ask(wanted) => wanted,
        };
        let Some(first) = wanted.first().filter(|first| replies.get(first).is_none()).cloned() else {
            return Progress::Done(stranded());
        };
        let now = Instant::now();
        for question in wanted {
            if let Entry::Vacant(entry) = asked.entry(question.clone()) {
                entry.insert(now);
                *queries += 1;
                in_flight.spawn(exchange(
                    Arc::downgrade(self),
                    Arc::clone(&self.line),
                    self.opinion,
                    question,
                ));
            }
        }
        let left_at = asked.get(&first).copied().unwrap_or(now);
        Progress::WaitsFor(first, left_at)
    }

    /// Waits until the reply to a question that was sent is there.
    async fn landing_of(&self, question: &Question) {
        loop {
            let arrived = self.arrived.notified(); // made before the look: no arrival is missed in between
            if self.known().replies.get(question).is_some() {
                return;
            }
            arrived.await;
        }
    }
}

/// Carries a question out and its reply, or why there is none, into its pass.
async fn exchange<C: Carrier>(
    home: Weak<QueryPass<C>>,
    line: Arc<Line<C>>,
    opinion: Opinion,
    question: Question,
) {
    let deadline = match opinion.checking() {
        Checking::Ours => line.deadline,
        Checking::Theirs => line.deadline.min(Instant::now() + CHECKED_QUESTION_DEADLINE),
    };
    let reply = match line.carrier.ask(&question, opinion, &line.quota, deadline).await {
        Ok(delivery) => Reply::Message(Box::new(delivery.message)),
        Err(failure) => Reply::Failed(failure.outage, failure.text),
    };
    if let Some(home) = home.upgrade() {
        home.known().replies.insert(question, reply);
        home.arrived.notify_waiters();
    }
}

fn answer(question: &Question, finding: Finding, queries: usize, called: Instant) -> Answer {
    let Finding { outcome, aliases, valid_until, proof } = finding;
    let elapsed = called.elapsed();
    Answer { question: question.clone(), outcome, aliases, valid_until, proof, queries, elapsed }
}

/// The end of a walk that asks again for what it was given; that would be a fault of ours.
fn stranded() -> Finding {
    let text = "the walk asks again for what it was given".to_owned();
    let outcome = Outcome::Unreachable(Outage::NoAnswer, ZoneStatus::Unknown, text);
    Finding { outcome, aliases: Vec::new(), valid_until: None, proof: Proof::default() }
}
