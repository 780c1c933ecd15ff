//! The refusals and defers of late, for whoever asks why a mail waits. Pure.

use crate::limits::MAX_RECENT;
use crate::reason::Reason;
use crate::serve::answer::MtaAnswer;
use crate::serve::protocol::question::Question;
use crate::time::UnixTime;
use crate::verdict::Verdict;
use std::collections::VecDeque;

/// A mail that was not let go, or several for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// What was asked.
    pub question: Question,
    /// The verdict.
    pub verdict: Verdict,
    /// Its reason.
    pub reason: Reason,
    /// When it was given first.
    pub first: UnixTime,
    /// When it was given last.
    pub last: UnixTime,
    /// How often.
    pub times: u64,
}

/// The last [`MAX_RECENT`] of them, the newest first: Exim retries, so what is told again is counted, not repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(VecDeque<Withheld>);

impl Recent {
    /// Takes down an answer that is leaving, unless it lets the mail go.
    pub fn answered(&mut self, question: &Question, answer: &MtaAnswer, now: UnixTime) {
        if answer.verdict == Verdict::Deliver {
            return;
        }
        let is_same = |held: &Withheld| {
            held.reason == answer.reason && held.verdict == answer.verdict && held.question == *question
        };
        let before = self.0.iter().position(is_same).and_then(|place| self.0.remove(place));
        let (first, times) = before.map_or((now, 0), |held| (held.first, held.times));
        self.0.push_front(Withheld {
            question: question.clone(),
            verdict: answer.verdict,
            reason: answer.reason,
            first,
            last: now,
            times: times.saturating_add(1),
        });
        self.0.truncate(MAX_RECENT);
    }

    /// The newest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Withheld> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{MxHost, PolicyDomain};
    use crate::verify::{NoEvaluation, Report};

    fn question(domain: &str) -> Question {
        let host = Some(MxHost::from_text("mx.example.org").unwrap());
        Question::about(PolicyDomain::parse(domain).unwrap(), host)
    }

    fn answered(recent: &mut Recent, domain: &str, verdict: Verdict, reason: Reason, at: u64) {
        let (question, why) = (question(domain), String::new());
        let answer = MtaAnswer::of(&Report::from(NoEvaluation { verdict, reason, why }), &question);
        recent.answered(&question, &answer, UnixTime(at));
    }

    #[test]
    fn only_mail_that_was_held_is_taken_down_the_newest_first() {
        let mut recent = Recent::default();
        answered(&mut recent, "a.test", Verdict::Defer, Reason::DnssecBogus, 1);
        answered(&mut recent, "b.test", Verdict::Deliver, Reason::PolicyMet, 2);
        answered(&mut recent, "c.test", Verdict::Refuse, Reason::MxNotInPolicy, 3);
        let shown: Vec<_> = recent.iter().map(|held| held.question.domain.as_str()).collect();
        assert_eq!(shown, ["c.test", "a.test"]);
    }

    #[test]
    fn what_is_told_again_is_counted_and_comes_first() {
        let mut recent = Recent::default();
        for (domain, at) in [("a.test", 1), ("b.test", 2), ("a.test", 9)] {
            answered(&mut recent, domain, Verdict::Defer, Reason::Deadline, at);
        }
        answered(&mut recent, "b.test", Verdict::Defer, Reason::DnssecBogus, 10);
        let shown: Vec<_> =
            recent.iter().map(|held| (held.reason, held.times, held.first.0, held.last.0)).collect();
        assert_eq!(
            shown,
            [(Reason::DnssecBogus, 1, 10, 10), (Reason::Deadline, 2, 1, 9), (Reason::Deadline, 1, 2, 2)]
        );
    }

    #[test]
    fn there_is_an_end_to_what_strangers_can_put_there() {
        let mut recent = Recent::default();
        for number in 0..1_000 {
            answered(&mut recent, &format!("d{number}.test"), Verdict::Defer, Reason::Deadline, number);
        }
        assert_eq!((recent.iter().len(), recent.iter().next().unwrap().last), (MAX_RECENT, UnixTime(999)));
    }
}
