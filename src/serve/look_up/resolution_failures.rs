//! The cache of resolution failures (RFC 9520 section 3): DNS questions that failed a moment ago are not asked again at once.
//!
//! The pipeline judges a cached failure as if it had just happened. Pauses are counted on the monotonic clock, so that no step
//! of the wall clock makes them longer.

use crate::dns::proof::Proof;
use crate::dns::{Answer, Outage, Outcome, Question, Resolve};
use crate::limits::{
    MAX_RESOLUTION_FAILURES, RESOLUTION_FAILURE_BOGUS_MOST, RESOLUTION_FAILURE_FIRST, RESOLUTION_FAILURE_MOST,
};
use crate::serve::world::World;
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The questions that failed, in bounded room: two halves, as in [`crate::serve::answer::cache`].
#[derive(Debug, Default)]
pub struct ResolutionFailureCache {
    new: HashMap<Question, ResolutionFailure>,
    old: HashMap<Question, ResolutionFailure>,
}

/// The failures under the current configuration. A failure under one configuration says little about the next: a change takes
/// effect at once, also while look-ups under the old one still fail.
#[derive(Debug)]
pub struct CurrentFailureCache {
    world: Arc<World>,
    failures: Rc<RefCell<ResolutionFailureCache>>,
}

impl CurrentFailureCache {
    /// Nothing has failed under that world yet.
    #[must_use]
    pub fn under(world: Arc<World>) -> Self {
        Self { world, failures: Rc::default() }
    }

    /// What a question under `world` shares with all others under the world of `today`; nothing, if that is another one.
    pub fn of(&mut self, world: &Arc<World>, today: &Arc<World>) -> Rc<RefCell<ResolutionFailureCache>> {
        if !Arc::ptr_eq(&self.world, today) {
            *self = Self::under(Arc::clone(today));
        }
        if Arc::ptr_eq(world, today) { Rc::clone(&self.failures) } else { Rc::default() }
    }
}

/// How a question failed, and how often in a row.
#[derive(Clone, Debug)]
struct ResolutionFailure {
    answer: Answer,
    /// When it failed.
    at: Instant,
    /// For how long it is left alone.
    pause: Duration,
}

impl ResolutionFailureCache {
    /// How the question failed, if it is not to be asked again yet: for its pause, and no longer than for `longest`.
    fn recall(&self, question: &Question, longest: Duration, now: Instant) -> Option<Answer> {
        let one = self.new.get(question).or_else(|| self.old.get(question))?;
        (now < one.at + one.pause.min(longest)).then(|| one.answer.clone())
    }

    /// Takes down how a question was answered: a failure is remembered, for twice as long as the one before it, and
    /// anything else ends the row.
    fn note(&mut self, answer: &Answer, now: Instant) {
        let before = self.new.remove(&answer.question).or_else(|| self.old.remove(&answer.question));
        let Some(most) = longest_pause(&answer.outcome) else { return };
        // What failed long ago is another story.
        let recently = |before: &ResolutionFailure| now < before.at + before.pause + RESOLUTION_FAILURE_MOST;
        let pause = match before.filter(recently) {
            Some(before) => before.pause.saturating_mul(2),
            None => RESOLUTION_FAILURE_FIRST,
        }
        .min(most);
        let answer =
            Answer { proof: Proof::default(), queries: 0, elapsed: Duration::ZERO, ..answer.clone() };
        if self.new.len() >= MAX_RESOLUTION_FAILURES / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(answer.question.clone(), ResolutionFailure { answer, at: now, pause });
    }
}

/// The longest time for which such an outcome is remembered; `None` for what is none of the question's own failures.
const fn longest_pause(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Bogus(..) => Some(RESOLUTION_FAILURE_BOGUS_MOST),
        Outcome::Unreachable(Outage::NoAnswer, ..) => Some(RESOLUTION_FAILURE_MOST),
        Outcome::Insecure(..)
        | Outcome::Secure(_)
        | Outcome::Unreachable(
            Outage::Budget
            | Outage::Deadline
            | Outage::NoTrustAnchor
            | Outage::NotAsked
            | Outage::OutOfResources,
            ..,
        ) => None,
    }
}

/// A resolver that answers from the cache of failures, and asks another resolver for the rest.
#[derive(Debug)]
pub struct FailureCachingResolver<'a, R> {
    dns: &'a R,
    failures: &'a RefCell<ResolutionFailureCache>,
    longest_pause: Duration,
}

impl<'a, R> FailureCachingResolver<'a, R> {
    /// A resolver over another one, which leaves no question alone for longer than `longest_pause`.
    pub const fn new(
        dns: &'a R,
        failures: &'a RefCell<ResolutionFailureCache>,
        longest_pause: Duration,
    ) -> Self {
        Self { dns, failures, longest_pause }
    }
}

impl<R: Resolve> Resolve for FailureCachingResolver<'_, R> {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let now = Instant::now();
        let recall = |question| self.failures.borrow().recall(question, self.longest_pause, now);
        let recalled: Vec<Option<Answer>> = questions.iter().map(recall).collect();
        let asked: Vec<Question> = questions
            .iter()
            .zip(&recalled)
            .filter(|(_, recalled)| recalled.is_none())
            .map(|(question, _)| question.clone())
            .collect();
        let mut answers =
            if asked.is_empty() { Vec::new() } else { self.dns.resolve(&asked).await }.into_iter();
        let answered = Instant::now();
        let mut all = Vec::with_capacity(questions.len());
        for (question, recalled) in questions.iter().zip(recalled) {
            all.push(recalled.unwrap_or_else(|| {
                let answer = answers.next().unwrap_or_else(|| Answer::none(question.clone()));
                self.failures.borrow_mut().note(&answer, answered);
                answer
            }));
        }
        all
    }

    fn allow_mx_hosts(&self, hosts: usize) {
        self.dns.allow_mx_hosts(hosts);
    }

    fn count_others_denials(&self, counts: bool) -> bool {
        self.dns.count_others_denials(counts)
    }
}

#[cfg(test)]
mod tests;
