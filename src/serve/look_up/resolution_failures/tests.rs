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
    let (mut failures, mut now) = (ResolutionFailureCache::default(), Instant::now());
    let mut pause = |_| {
        failures.note(&answer("a.test.", outcome.clone()), now);
        let began = now;
        while failures.recall(&question("a.test."), RESOLUTION_FAILURE_MOST, now).is_some() {
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
    let (mut failures, mut now) = (ResolutionFailureCache::default(), Instant::now());
    let second = Duration::from_secs(1);
    let is_left_alone = |failures: &ResolutionFailureCache, now| {
        failures.recall(&question("a.test."), RESOLUTION_FAILURE_MOST, now).is_some()
    };
    for (outcome, after) in [
        (silence(Outage::NoAnswer), 6),
        (Outcome::Secure(Content::Nodata), 0),
        (silence(Outage::NoAnswer), 400),
        (silence(Outage::NoAnswer), 0),
    ] {
        failures.note(&answer("a.test.", outcome), now);
        now += after * second;
    }
    assert!(is_left_alone(&failures, now + 4 * second) && !is_left_alone(&failures, now + 5 * second));
}

#[test]
fn whoever_cannot_wait_asks_again_sooner() {
    let (mut failures, now) = (ResolutionFailureCache::default(), Instant::now());
    for _ in 0..7 {
        failures.note(&answer("a.test.", silence(Outage::NoAnswer)), now);
    }
    let later = now + RESOLUTION_FAILURE_FIRST;
    assert!(failures.recall(&question("a.test."), RESOLUTION_FAILURE_MOST, later).is_some());
    assert!(failures.recall(&question("a.test."), RESOLUTION_FAILURE_FIRST, later).is_none());
}

#[test]
fn strangers_cannot_fill_the_memory_with_failures() {
    let (mut failures, now) = (ResolutionFailureCache::default(), Instant::now());
    let mut most = 0;
    for number in 0..3 * MAX_RESOLUTION_FAILURES {
        failures.note(&answer(&format!("d{number}.test."), silence(Outage::NoAnswer)), now);
        most = most.max(failures.new.len() + failures.old.len());
    }
    assert_eq!(most, 4_096);
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
    let (dns, failures) = (Silent::default(), RefCell::default());
    let resolver = FailureCachingResolver::new(&dns, &failures, RESOLUTION_FAILURE_MOST);
    let ask = |names: [&str; 2]| {
        let answers = resolver.resolve(&names.map(question)).now_or_never().unwrap();
        let asked: Vec<Question> = answers.iter().map(|answer| answer.question.clone()).collect();
        assert_eq!(asked, names.map(question));
        dns.0.get()
    };
    assert_eq!(ask(["a.test.", "b.test."]), 2);
    assert_eq!(ask(["b.test.", "c.test."]), 3);
    assert_eq!(ask(["c.test.", "a.test."]), 3);
}
