//! DNS questions that came to nothing a moment ago: they are not asked again at once (RFC 9520 section 3).
//!
//! What a failure was remembered for is what it was: the pipeline judges it as if it had just happened. Pauses are counted
//! on the monotonic clock, so that no step of the other one makes them longer.

use super::world::World;
use crate::dns::proof::Proof;
use crate::dns::{Answer, Outage, Outcome, Question, Resolve};
use crate::limits::{MAX_SETBACKS, SETBACK_BOGUS_MOST, SETBACK_FIRST, SETBACK_MOST};
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The questions that failed, in bounded room: two halves, as in [`super::warm`].
#[derive(Debug, Default)]
pub struct Setbacks {
    new: HashMap<Question, Setback>,
    old: HashMap<Question, Setback>,
}

/// What failed under today's world. What came to nothing under one configuration says little about the next: whoever mends
/// it is heard at once, also while look-ups under the old one still fail.
#[derive(Debug)]
pub struct SetbacksOfToday {
    world: Arc<World>,
    setbacks: Rc<RefCell<Setbacks>>,
}

impl SetbacksOfToday {
    /// Nothing has failed under that world yet.
    #[must_use]
    pub fn under(world: Arc<World>) -> Self {
        Self { world, setbacks: Rc::default() }
    }

    /// What a question under `world` shares with all others under the world of `today`; nothing, if that is another one.
    pub fn of(&mut self, world: &Arc<World>, today: &Arc<World>) -> Rc<RefCell<Setbacks>> {
        if !Arc::ptr_eq(&self.world, today) {
            *self = Self::under(Arc::clone(today));
        }
        if Arc::ptr_eq(world, today) { Rc::clone(&self.setbacks) } else { Rc::default() }
    }
}

/// How a question failed, and how often in a row.
#[derive(Clone, Debug)]
struct Setback {
    answer: Answer,
    pause: Duration,
    /// When it may be asked again.
    until: Instant,
}

impl Setbacks {
    /// How the question failed, if it is not to be asked again yet.
    fn recall(&self, question: &Question, now: Instant) -> Option<Answer> {
        let one = self.new.get(question).or_else(|| self.old.get(question))?;
        (now < one.until).then(|| one.answer.clone())
    }

    /// Takes down how a question was answered: a failure is remembered, for twice as long as the one before it, and
    /// anything else ends the row.
    fn note(&mut self, answer: &Answer, now: Instant) {
        let before = self.new.remove(&answer.question).or_else(|| self.old.remove(&answer.question));
        let Some(most) = longest_pause(&answer.outcome) else { return };
        // What failed long ago is another story.
        let pause = match before.filter(|before| now < before.until + SETBACK_MOST) {
            Some(before) => before.pause.saturating_mul(2),
            None => SETBACK_FIRST,
        }
        .min(most);
        let answer =
            Answer { proof: Proof::default(), queries: 0, elapsed: Duration::ZERO, ..answer.clone() };
        if self.new.len() >= MAX_SETBACKS / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(answer.question.clone(), Setback { answer, pause, until: now + pause });
    }
}

/// The longest time for which such an outcome is remembered; `None` for what is none of the question's own failures.
const fn longest_pause(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Bogus(..) => Some(SETBACK_BOGUS_MOST),
        Outcome::Unreachable(Outage::NoAnswer, ..) => Some(SETBACK_MOST),
        Outcome::Insecure(..)
        | Outcome::Secure(_)
        | Outcome::Unreachable(Outage::Budget | Outage::Deadline | Outage::NoTrustAnchor, ..) => None,
    }
}

/// A resolver that does not ask what failed a moment ago.
#[derive(Debug)]
pub struct Patient<'a, R> {
    dns: &'a R,
    setbacks: &'a RefCell<Setbacks>,
}

impl<'a, R> Patient<'a, R> {
    /// A resolver over another one.
    pub const fn new(dns: &'a R, setbacks: &'a RefCell<Setbacks>) -> Self {
        Self { dns, setbacks }
    }
}

impl<R: Resolve> Resolve for Patient<'_, R> {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let now = Instant::now();
        let recalled: Vec<Option<Answer>> =
            questions.iter().map(|question| self.setbacks.borrow().recall(question, now)).collect();
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
                self.setbacks.borrow_mut().note(&answer, answered);
                answer
            }));
        }
        all
    }

    fn allow_mx_hosts(&self, hosts: usize) {
        self.dns.allow_mx_hosts(hosts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Blame, Content, ZoneStatus};
    use futures_util::FutureExt as _;
    use hickory_proto::rr::{Name, RecordType};
    use std::cell::Cell;

    fn silence(outage: Outage) -> Outcome {
        Outcome::Unreachable(outage, ZoneStatus::Unknown, "silence".into())
    }

    fn question(name: &str) -> Question {
        Question::new(&Name::from_ascii(name).unwrap(), RecordType::MX)
    }

    fn answer(name: &str, outcome: Outcome) -> Answer {
        Answer { outcome, ..Answer::none(question(name)) }
    }

    /// For how many seconds the question is left alone after each of so many such answers, asked again as soon as may be.
    fn pauses(outcome: &Outcome, rounds: usize) -> Vec<u64> {
        let (mut setbacks, mut now) = (Setbacks::default(), Instant::now());
        let mut pause = |_| {
            setbacks.note(&answer("a.test.", outcome.clone()), now);
            let began = now;
            while setbacks.recall(&question("a.test."), now).is_some() {
                now += Duration::from_secs(1);
            }
            now.duration_since(began).as_secs()
        };
        (0..rounds).map(&mut pause).collect()
    }

    #[test]
    fn what_keeps_failing_is_asked_less_and_less_often_but_every_five_minutes() {
        assert_eq!(pauses(&silence(Outage::NoAnswer), 8), [5, 10, 20, 40, 80, 160, 300, 300]);
        let bogus = Outcome::Bogus(Blame::Domain, "a signature is wrong".into());
        assert_eq!(pauses(&bogus, 6), [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn what_is_our_own_fault_or_an_answer_is_not_remembered() {
        for outcome in [
            silence(Outage::Budget),
            silence(Outage::Deadline),
            Outcome::Secure(Content::Nodata),
            Outcome::Insecure(Content::Nxdomain, "unsigned".into()),
        ] {
            assert_eq!(pauses(&outcome, 2), [0, 0], "{outcome:?}");
        }
    }

    #[test]
    fn a_success_and_a_long_time_end_the_row() {
        let (mut setbacks, mut now) = (Setbacks::default(), Instant::now());
        let second = Duration::from_secs(1);
        let is_left_alone = |setbacks: &Setbacks, now| setbacks.recall(&question("a.test."), now).is_some();
        for (outcome, after) in [
            (silence(Outage::NoAnswer), 6),
            (Outcome::Secure(Content::Nodata), 0),
            (silence(Outage::NoAnswer), 400),
            (silence(Outage::NoAnswer), 0),
        ] {
            setbacks.note(&answer("a.test.", outcome), now);
            now += after * second;
        }
        assert!(is_left_alone(&setbacks, now + 4 * second) && !is_left_alone(&setbacks, now + 5 * second));
    }

    #[test]
    fn strangers_cannot_fill_the_memory_with_failures() {
        let (mut setbacks, now) = (Setbacks::default(), Instant::now());
        for number in 0..3 * MAX_SETBACKS {
            setbacks.note(&answer(&format!("d{number}.test."), silence(Outage::NoAnswer)), now);
        }
        assert!(setbacks.new.len() + setbacks.old.len() <= MAX_SETBACKS);
    }

    /// Counts what it is asked, and answers nothing.
    #[derive(Default)]
    struct Silent(Cell<usize>);

    impl Resolve for Silent {
        async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
            self.0.set(self.0.get() + questions.len());
            questions.iter().cloned().map(Answer::none).collect()
        }
    }

    #[test]
    fn only_what_did_not_fail_is_asked_and_all_answers_stand_in_the_order_of_the_questions() {
        let (dns, setbacks) = (Silent::default(), RefCell::default());
        let patient = Patient::new(&dns, &setbacks);
        let ask = |names: [&str; 2]| {
            let answers = patient.resolve(&names.map(question)).now_or_never().unwrap();
            let asked: Vec<Question> = answers.iter().map(|answer| answer.question.clone()).collect();
            assert_eq!(asked, names.map(question));
            dns.0.get()
        };
        assert_eq!(ask(["a.test.", "b.test."]), 2);
        assert_eq!(ask(["b.test.", "c.test."]), 3);
        assert_eq!(ask(["c.test.", "a.test."]), 3);
    }
}
