//! The journal of a run: when each step that it waits for begins and ends. It makes a [`Timeline`].

use crate::dns::{Answer, Question, Resolve};
use crate::timeline::{Step, Timeline};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Takes down steps as they come. A step that is dropped before it ends stays open.
#[derive(Debug)]
pub struct Journal {
    began: Instant,
    steps: Mutex<Vec<Step>>,
}

impl Journal {
    /// An empty journal of a run that began at that moment.
    #[must_use]
    pub const fn since(began: Instant) -> Self {
        Self { began, steps: Mutex::new(Vec::new()) }
    }

    /// Waits for `work`, and takes down how long that took.
    pub async fn step<T>(&self, what: String, work: impl Future<Output = T>) -> T {
        let place = self.open(what, self.began.elapsed());
        let done = work.await;
        self.close(place, self.began.elapsed());
        done
    }

    /// The same resolver, each of whose questions is a step in the journal.
    pub const fn watch<R>(&self, resolver: R) -> Watched<'_, R> {
        Watched { journal: self, resolver }
    }

    /// What was taken down, for an answer that stands now.
    #[must_use]
    pub fn timeline(&self) -> Timeline {
        Timeline { steps: self.steps().clone(), end: self.began.elapsed() }
    }

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a step that begins.
    fn open(&self, what: String, from: Duration) -> usize {
        let mut steps = self.steps();
        steps.push(Step { what, from, to: None });
        steps.len().saturating_sub(1)
    }

    fn close(&self, place: usize, to: Duration) {
        if let Some(step) = self.steps().get_mut(place) {
            step.to = Some(to);
        }
    }
}

/// A resolver whose questions stand in a journal, each until its own answer.
#[derive(Debug)]
pub struct Watched<'j, R> {
    journal: &'j Journal,
    resolver: R,
}

impl<R: Resolve> Resolve for Watched<'_, R> {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let from = self.journal.began.elapsed();
        let places: Vec<_> =
            questions.iter().map(|question| self.journal.open(question.to_string(), from)).collect();
        let answers = self.resolver.resolve(questions).await;
        for (place, answer) in places.into_iter().zip(&answers) {
            self.journal.close(place, from.saturating_add(answer.elapsed));
        }
        answers
    }

    fn allow_mx_hosts(&self, hosts: usize) {
        self.resolver.allow_mx_hosts(hosts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Content, Outcome};
    use hickory_proto::rr::{Name, RecordType};
    use tokio::time::{sleep, timeout};

    const WHILE: Duration = Duration::from_millis(20);

    /// Answers after a while.
    struct Slow;

    impl Resolve for Slow {
        async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
            sleep(WHILE).await;
            let answer = |question: &Question| Answer {
                question: question.clone(),
                outcome: Outcome::Secure(Content::Nodata),
                aliases: Vec::new(),
                valid_until: None,
                proof: crate::dns::proof::Proof::default(),
                queries: 1,
                elapsed: WHILE,
            };
            questions.iter().map(answer).collect()
        }
    }

    #[tokio::test]
    async fn steps_and_questions_stand_in_the_order_of_their_beginnings() {
        let journal = Journal::since(Instant::now());
        let question = Question::new(&Name::from_ascii("example.org.").unwrap(), RecordType::MX);
        journal.watch(Slow).resolve(&[question]).await;
        journal.step("connect".to_owned(), sleep(WHILE)).await;
        let dropped = journal.step("TLS".to_owned(), std::future::pending::<()>());
        assert!(timeout(WHILE, dropped).await.is_err());
        let timeline = journal.timeline();
        let named: Vec<_> = timeline.steps.iter().map(|step| step.what.as_str()).collect();
        assert_eq!(named, ["example.org. MX", "connect", "TLS"]);
        let [asked, connected, dropped] = timeline.steps.as_slice() else { panic!("{timeline:?}") };
        assert!(asked.to.unwrap() <= connected.from && connected.to.unwrap() <= dropped.from);
        assert_eq!(dropped.to, None);
        assert_eq!(timeline.critical_path(), [asked, connected]);
    }
}
