//! Bounds what the log says of answers that let mail wait or refuse it: no more lines than a reader or a disk can bear, whatever
//! domains strangers have mail sent to. Pure.

use crate::limits::{MAX_TOLD_AT_ONCE, MAX_TOLD_OF_DOMAIN, TOLD_PAUSE, TOLD_WINDOW};
use crate::name::{MxHost, PolicyDomain};
use crate::reason::Reason;
use crate::serve::answer::MtaAnswer;
use crate::serve::protocol::question::Question;
use crate::time::UnixTime;
use std::collections::HashMap;

/// Whether an answer gets a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// It gets one, which also says how many answers got none: about the same domain, and about others for which there was no room.
    Written(Lines),
    /// It is only counted.
    Counted,
}

/// How many answers that withheld mail a line stands for beside its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// About the same domain, of which there was a line already.
    pub again: u64,
    /// About others, for which there was no room.
    pub others: u64,
}

impl Logged {
    /// What a line is to say, if there is to be one: of a domain that is debugged there always is.
    #[must_use]
    pub fn lines(self, is_debugged: bool) -> Option<Lines> {
        match self {
            Self::Written(lines) => Some(lines),
            Self::Counted => is_debugged.then(Lines::default),
        }
    }
}

/// The lines of late, by domain. Only domains with a line have an entry, so the bound on lines bounds the entries.
#[derive(Debug)]
pub struct LogLimiter {
    domains: HashMap<PolicyDomain, Domain>,
    /// Lines that may be written at once.
    room: u64,
    /// Since when room has not been given back.
    since: UnixTime,
    /// Answers about domains without an entry that were not told.
    others: u64,
}

#[derive(Debug)]
struct Domain {
    since: UnixTime,
    lines: Vec<(Reason, Option<MxHost>)>,
    again: u64,
}

impl Default for LogLimiter {
    fn default() -> Self {
        Self { domains: HashMap::new(), room: MAX_TOLD_AT_ONCE, since: UnixTime(0), others: 0 }
    }
}

impl LogLimiter {
    /// Whether an answer that withholds mail is told of.
    pub fn of(&mut self, question: &Question, answer: &MtaAnswer, now: UnixTime) -> Logged {
        self.make_room(now);
        let key = (answer.reason, question.host.clone());
        let before = self.domains.get_mut(&question.domain);
        let is_new = match &before {
            Some(domain) => {
                !domain.lines.contains(&key)
                    && u64::try_from(domain.lines.len()).is_ok_and(|lines| lines < MAX_TOLD_OF_DOMAIN)
            }
            None => true,
        };
        if !is_new || self.room == 0 {
            let counted = before.map_or(&mut self.others, |domain| &mut domain.again);
            *counted = counted.saturating_add(1);
            return Logged::Counted;
        }
        self.room = self.room.saturating_sub(1);
        let others = std::mem::take(&mut self.others);
        let domain = self.domains.entry(question.domain.clone()).or_insert_with(|| Domain {
            since: now,
            lines: Vec::new(),
            again: 0,
        });
        domain.lines.push(key);
        Logged::Written(Lines { again: std::mem::take(&mut domain.again), others })
    }

    /// Gives back room for a line each [`TOLD_PAUSE`], and forgets domains whose window is over; what was not told of them goes to
    /// the others.
    fn make_room(&mut self, now: UnixTime) {
        // A clock that went back makes nobody wait until it has caught up.
        self.since = self.since.min(now);
        let lines = now.since(self.since).checked_div(TOLD_PAUSE).unwrap_or(0);
        if lines > 0 {
            self.room = self.room.saturating_add(lines).min(MAX_TOLD_AT_ONCE);
            self.since = now;
        }
        let untold = &mut self.others;
        self.domains.retain(|_, domain| {
            let is_current = domain.since <= now && now.since(domain.since) < TOLD_WINDOW;
            if !is_current {
                *untold = untold.saturating_add(domain.again);
            }
            is_current
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{NoEvaluation, Report};

    fn tell(told: &mut LogLimiter, domain: &str, reason: Reason, at: u64) -> Logged {
        let host = Some(MxHost::from_text("mx.example.org").unwrap());
        let question = Question::about(PolicyDomain::parse(domain).unwrap(), host);
        let answer = MtaAnswer::of(&Report::from(NoEvaluation::defer(reason, "")), &question);
        told.of(&question, &answer, UnixTime(at))
    }

    #[test]
    fn a_domain_has_one_line_for_each_reason_in_a_window_and_the_rest_is_counted() {
        let mut told = LogLimiter::default();
        let first = Logged::Written(Lines { again: 0, others: 0 });
        assert_eq!(tell(&mut told, "a.test", Reason::Deadline, 1_000), first);
        for _ in 0..5 {
            assert_eq!(tell(&mut told, "a.test", Reason::Deadline, 1_001), Logged::Counted);
        }
        let second = Logged::Written(Lines { again: 5, others: 0 });
        assert_eq!(tell(&mut told, "a.test", Reason::DnssecBogus, 1_002), second);
        assert_eq!(tell(&mut told, "a.test", Reason::Deadline, 1_003), Logged::Counted);
        assert_eq!(tell(&mut told, "a.test", Reason::Deadline, 1_599), Logged::Counted);
        let later = Logged::Written(Lines { again: 0, others: 2 });
        assert_eq!(tell(&mut told, "a.test", Reason::Deadline, 1_600), later);
    }

    #[test]
    fn of_one_domain_five_reasons_are_told_in_a_window_and_the_sixth_is_counted() {
        let mut told = LogLimiter::default();
        let reasons = [
            Reason::Deadline,
            Reason::DnssecBogus,
            Reason::DnsUnreachable,
            Reason::MxNotInDns,
            Reason::MxNotInPolicy,
            Reason::TlsaBogus,
        ];
        let is_told = reasons.map(|reason| tell(&mut told, "a.test", reason, 1_000) != Logged::Counted);
        assert_eq!(is_told, [true, true, true, true, true, false]);
    }

    #[test]
    fn whoever_makes_up_domains_gets_so_many_lines_and_the_others_are_counted() {
        let mut told = LogLimiter::default();
        let lines = (0..1_000).filter(|number| {
            tell(&mut told, &format!("d{number}.test"), Reason::Deadline, 1_000) != Logged::Counted
        });
        assert_eq!(lines.count(), 100);
        assert_eq!(told.domains.len(), 100);
        assert_eq!(tell(&mut told, "early.test", Reason::Deadline, 1_005), Logged::Counted);
        let next = tell(&mut told, "honest.test", Reason::Deadline, 1_006);
        assert_eq!(next, Logged::Written(Lines { again: 0, others: 901 }));
        // A whole day of that is a log of a bounded length.
        let mut lines = 0;
        for second in 0..86_400 {
            let domain = format!("e{second}.test");
            lines += u64::from(tell(&mut told, &domain, Reason::Deadline, 2_000 + second) != Logged::Counted);
        }
        assert!(lines <= MAX_TOLD_AT_ONCE + 86_400 / TOLD_PAUSE, "{lines}");
    }
}
