//! When a policy that could not be fetched is asked for again. Pure.

use crate::limits::{FETCH_BACKOFF, FETCH_BACKOFF_MAX, FETCH_FAILURES_KEPT};
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::{ReportedFailure, ResultType};
use crate::time::UnixTime;
use std::fmt;

/// A row of failed fetches without a success between them. Prints as the line that the cache holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many of the same version; at least one.
    count: u32,
    /// When the last one was.
    last: UnixTime,
    /// What the record called the version that was not to be had: a word, or nothing.
    version: String,
    /// What reports call the last one, if they have a word for it (RFC 8460 section 4.3).
    cause: Option<ReportedFailure>,
}

impl Failures {
    /// What is to be remembered after one more failure.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        version: &str,
        cause: Option<ReportedFailure>,
        now: UnixTime,
    ) -> Self {
        let same = before.filter(|before| before.version == version);
        let count = same.map_or(0, |before| before.count).saturating_add(1);
        Self { count, last: now, version: version.to_owned(), cause }
    }

    /// How many there were; at least one.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// When the last one was.
    #[must_use]
    pub const fn last(&self) -> UnixTime {
        self.last
    }

    /// What reports call the last one, if they have a word for it: mail that goes without the policy meanwhile goes so for
    /// the same cause.
    #[must_use]
    pub const fn cause(&self) -> Option<ReportedFailure> {
        self.cause
    }

    /// When the next fetch may begin: five minutes after the first failure (RFC 8461 section 3.3), twice as long after
    /// each further one of the same version, and a day at most, so that a policy host that is mended is noticed while a policy lives.
    #[must_use]
    pub fn next_try(&self) -> UnixTime {
        self.pause_after(self.count)
    }

    fn pause_after(&self, failures: u32) -> UnixTime {
        let doublings = failures.saturating_sub(1).min(u64::BITS - 1);
        let pause = FETCH_BACKOFF.saturating_mul(1_u64 << doublings).min(FETCH_BACKOFF_MAX);
        self.last.plus(pause)
    }

    /// Until when the policy host is to be left alone, if it is, about that version. A new version is asked for after the
    /// first pause: so a domain that mends its policy is noticed soon, and ids that change all the time hammer nobody.
    /// A failure from the future tells nothing: the clock went back.
    #[must_use]
    pub fn forbid(&self, version: &str, now: UnixTime) -> Option<UnixTime> {
        let until = if version == self.version { self.next_try() } else { self.pause_after(1) };
        (self.last <= now && now < until).then_some(until)
    }

    /// The moments at which [`Failures::forbid`] may change its mind.
    #[must_use]
    pub fn turns(&self) -> [UnixTime; 3] {
        [self.last, self.pause_after(1), self.next_try()]
    }

    /// Until when this is to be remembered: longer than the longest pause, so that it can go on growing.
    #[must_use]
    pub const fn kept_until(&self) -> UnixTime {
        self.last.plus(FETCH_FAILURES_KEPT)
    }

    /// Reads the line again.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (count, last) = (words.next()?.parse().ok()?, UnixTime(words.next()?.parse().ok()?));
        let version = words.next()?.to_owned();
        let result = match words.next() {
            None => None,
            Some(word) => Some(ResultType::from_word(word)?),
        };
        let code = match words.next() {
            None => None,
            Some(word) => Some(ReasonCode::from_word(word)?),
        };
        let cause = result.map(|result| ReportedFailure { result, code });
        (count > 0 && words.next().is_none()).then_some(Self { count, last, version, cause })
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.count, self.last.0, self.version)?;
        self.cause.map_or(Ok(()), |cause| write!(f, " {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn failures(count: u32) -> Failures {
        (0..count).fold(None, |before, _| Some(Failures::after(before.as_ref(), "a", None, NOW))).unwrap()
    }

    #[test]
    fn a_line_reads_back_with_its_cause_and_without_one() {
        for cause in [
            None,
            Some(ResultType::StsWebpkiInvalid.into()),
            Some(ReportedFailure::with(ResultType::StsPolicyInvalid, ReasonCode::PolicySyntax)),
            Some(ReportedFailure::with(ResultType::StsPolicyFetchError, ReasonCode::Http(404))),
        ] {
            let failures = Failures::after(None, "a", cause, NOW);
            assert_eq!(Failures::from_line(&failures.to_string()), Some(failures));
        }
        for line in ["1 1800000000 a tls-is-broken", "1 1800000000 a sts-policy-invalid x", "0 1800000000 a"]
        {
            assert_eq!(Failures::from_line(line), None, "{line}");
        }
    }

    #[test]
    fn the_pause_doubles_from_five_minutes_to_a_day() {
        let pauses: Vec<u64> = (1..=11).map(|count| failures(count).next_try().since(NOW)).collect();
        assert_eq!(pauses, [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 86_400, 86_400]);
        let many = Failures { count: u32::MAX, last: NOW, version: "a".into(), cause: None };
        assert_eq!(Failures::after(Some(&many), "a", None, NOW).next_try(), NOW.plus(86_400));
    }

    #[test]
    fn within_the_pause_nobody_is_asked() {
        let failures = failures(2);
        assert_eq!(failures.forbid("a", NOW), Some(NOW.plus(600)));
        assert_eq!(failures.forbid("a", NOW.plus(599)), Some(NOW.plus(600)));
        assert_eq!(failures.forbid("a", NOW.plus(600)), None);
        assert_eq!(failures.forbid("a", UnixTime(NOW.0 - 1)), None, "the clock went back");
    }

    #[test]
    fn a_new_version_waits_for_the_first_pause_only_and_begins_anew() {
        let failures = failures(9);
        assert_eq!(failures.forbid("b", NOW.plus(299)), Some(NOW.plus(300)));
        assert_eq!(failures.forbid("b", NOW.plus(300)), None);
        assert_eq!(Failures::after(Some(&failures), "b", None, NOW).count(), 1);
    }

    #[test]
    fn a_row_of_failures_outlives_its_longest_pause() {
        assert!(failures(40).kept_until() > failures(40).next_try());
        assert_eq!(failures(1).kept_until(), NOW.plus(172_800));
    }

    #[test]
    fn what_is_remembered_reads_back_the_same() {
        for count in [1, 2, 40] {
            assert_eq!(Failures::from_line(&failures(count).to_string()), Some(failures(count)));
        }
        for line in ["", "1", "1 5", "0 5 a", "-1 5 a", "1 5 a b", "1 x a", "4294967296 5 a"] {
            assert_eq!(Failures::from_line(line), None, "{line}");
        }
    }
}
