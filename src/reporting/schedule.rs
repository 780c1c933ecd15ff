//! When a report leaves, when it is tried again, and for how long a destination that fails is left alone. Pure.
//!
//! Moments follow from the names alone, so that they are the same after a restart, and on every host that shares an organization.

use crate::limits::{
    REPORT_RETRY_FIRST, REPORT_RETRY_MOST, REPORT_TRIED_FOR, REPORTS_SENT_DAYS, REPORTS_SENT_FROM,
    REPORTS_SENT_UNTIL, SUPPRESSED_AFTER, SUPPRESSED_FIRST, SUPPRESSED_MOST,
};
use crate::name::PolicyDomain;
use crate::reports::tally::Day;
use crate::time::UnixTime;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// When the report about a domain's day is due: between [`REPORTS_SENT_FROM`] and [`REPORTS_SENT_UNTIL`] of the next day.
#[must_use]
pub fn moment(submitter: &PolicyDomain, domain: &PolicyDomain, day: Day) -> UnixTime {
    let window = REPORTS_SENT_UNTIL.saturating_sub(REPORTS_SENT_FROM);
    // FNV-1a of 64 bits, stirred once more: it spreads, and secures nothing.
    let octets = submitter.as_str().bytes().chain([b'!']).chain(domain.as_str().bytes());
    let hash = octets.fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    end(day).plus(REPORTS_SENT_FROM).plus(hash.checked_rem(window).unwrap_or(0))
}

/// The first second after a day.
#[must_use]
pub const fn end(day: Day) -> UnixTime {
    UnixTime(day.0.saturating_add(1).saturating_mul(DAY))
}

/// Whether the counts of a day are all in the file: what comes later is not told.
#[must_use]
pub fn is_closed(day: Day, now: UnixTime) -> bool {
    now >= end(day).plus(REPORTS_SENT_FROM)
}

/// The days of which reports may still leave, the oldest first.
pub fn days(now: UnixTime) -> impl Iterator<Item = Day> {
    let today = Day::of(now);
    (1..=REPORTS_SENT_DAYS)
        .rev()
        .map(move |before| today.before(before))
        .filter(move |day| is_closed(*day, now))
}

/// Whether a report is too old to be sent.
#[must_use]
pub const fn is_over(day: Day, now: UnixTime) -> bool {
    day.0 < Day::of(now).before(REPORTS_SENT_DAYS).0
}

/// When a report is tried again that was tried so often, first then; `None`: not any more (RFC 8460 section 5.5).
#[must_use]
pub fn next_try(tries: u64, first: UnixTime, now: UnixTime) -> Option<UnixTime> {
    let last = first.plus(REPORT_TRIED_FOR);
    if now >= last {
        return None;
    }
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = REPORT_RETRY_FIRST.saturating_mul(2_u64.checked_pow(doublings).unwrap_or(u64::MAX));
    Some(now.plus(pause.min(REPORT_RETRY_MOST)).min(last))
}

/// What is remembered of a destination that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failing {
    /// Since when it has failed without a success; zero: not at present.
    pub since: u64,
    /// Until when it is left alone.
    pub until: u64,
    /// How often it was left alone, without a success since.
    pub times: u32,
}

impl Failing {
    /// Whether it is left alone now.
    #[must_use]
    pub const fn is_suppressed(self, now: UnixTime) -> bool {
        now.0 < self.until
    }

    /// The same after one more failure; one for good suppresses at once.
    #[must_use]
    pub fn again(self, is_for_good: bool, now: UnixTime) -> Self {
        // A clock that went back makes nothing begin in the future.
        let since = if self.since == 0 { now.0 } else { self.since.min(now.0) };
        if !is_for_good && now.0.saturating_sub(since) < SUPPRESSED_AFTER {
            return Self { since, ..self };
        }
        let longer = SUPPRESSED_FIRST.saturating_mul(2_u64.checked_pow(self.times).unwrap_or(u64::MAX));
        let until = now.plus(longer.min(SUPPRESSED_MOST)).0;
        Self { since: 0, until, times: self.times.saturating_add(1) }
    }

    /// The same after a report came back, perhaps long after it was sent. Nobody tells of the success of a mail, so a week without a
    /// bounce counts as one; what comes back while it is left alone was sent before.
    #[must_use]
    pub fn bounced(self, is_for_good: bool, now: UnixTime) -> Self {
        if self.is_suppressed(now) {
            return self;
        }
        let tried_until = self.since.saturating_add(SUPPRESSED_AFTER);
        let last = if self.until > tried_until { self.until } else { tried_until };
        let is_forgiven = now.0 >= last.saturating_add(SUPPRESSED_FIRST);
        let before = if is_forgiven { Self { since: 0, until: 0, times: 0 } } else { self };
        before.again(is_for_good, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_OF_TEST: Day = Day(20_784);

    fn domain(name: &str) -> PolicyDomain {
        PolicyDomain::parse(name).unwrap()
    }

    #[test]
    fn a_thousand_domains_have_their_moments_all_over_four_hours() {
        let submitter = domain("sender.example");
        let midnight = end(DAY_OF_TEST).0;
        let mut hours = [0_u32; 8];
        for number in 0..1_000 {
            let one = domain(&format!("d{number}.example"));
            let at = moment(&submitter, &one, DAY_OF_TEST);
            assert_eq!(at, moment(&submitter, &one, DAY_OF_TEST));
            assert!(at.0 >= midnight + REPORTS_SENT_FROM && at.0 < midnight + REPORTS_SENT_UNTIL);
            hours[usize::try_from((at.0 - midnight) / 1_800).unwrap()] += 1;
        }
        assert!(hours.iter().all(|number| (75..=175).contains(number)), "{hours:?}");
        let others = moment(&domain("other.example"), &domain("d1.example"), DAY_OF_TEST);
        assert_ne!(others, moment(&submitter, &domain("d1.example"), DAY_OF_TEST));
    }

    #[test]
    fn a_day_is_told_of_when_it_is_over_and_not_when_it_is_old() {
        let (first, last) = (end(DAY_OF_TEST).plus(REPORTS_SENT_FROM), end(DAY_OF_TEST).plus(2 * DAY));
        assert!(!is_closed(DAY_OF_TEST, UnixTime(first.0 - 1)) && is_closed(DAY_OF_TEST, first));
        assert!(!is_over(DAY_OF_TEST, UnixTime(last.0 - 1)) && is_over(DAY_OF_TEST, last));
        assert_eq!(days(first).collect::<Vec<_>>(), [DAY_OF_TEST.before(1), DAY_OF_TEST]);
        assert_eq!(days(end(DAY_OF_TEST)).collect::<Vec<_>>(), [DAY_OF_TEST.before(1)]);
    }

    #[test]
    fn pauses_grow_and_a_report_is_tried_for_a_day() {
        let first = UnixTime(1_800_000_000);
        let (mut now, mut tries, mut pauses) = (first, 1, Vec::new());
        while let Some(next) = next_try(tries, first, now) {
            pauses.push(next.0 - now.0);
            (now, tries) = (next, tries + 1);
        }
        assert_eq!(now, first.plus(REPORT_TRIED_FOR));
        assert_eq!(pauses[..7], [300, 600, 1_200, 2_400, 4_800, 9_600, 14_400]);
        assert!(pauses.len() < 14 && pauses.iter().all(|pause| *pause <= REPORT_RETRY_MOST), "{pauses:?}");
        assert!(next_try(u64::MAX, first, first).is_some());
    }

    #[test]
    fn a_bounce_suppresses_once_and_a_week_without_one_is_a_success() {
        let now = UnixTime(1_800_000_000);
        let first = Failing::default().bounced(true, now);
        assert_eq!(first, Failing { since: 0, until: now.0 + SUPPRESSED_FIRST, times: 1 });
        // Another report was under way.
        assert_eq!(first.bounced(true, now.plus(SUPPRESSED_FIRST - 1)), first);
        let again = now.plus(SUPPRESSED_FIRST + DAY);
        let second = first.bounced(true, again);
        assert_eq!((second.until - again.0, second.times), (2 * SUPPRESSED_FIRST, 2));
        let late = now.plus(2 * SUPPRESSED_FIRST);
        assert_eq!(first.bounced(true, late).until, late.0 + SUPPRESSED_FIRST);
        // What nobody refused suppresses after three days of it, and not because it happened once, long ago.
        let waiting = Failing::default().bounced(false, now);
        assert!(!waiting.is_suppressed(now));
        let later = now.plus(SUPPRESSED_AFTER);
        assert!(waiting.bounced(false, later).is_suppressed(later));
        let much_later = later.plus(SUPPRESSED_FIRST);
        assert_eq!(waiting.bounced(false, much_later), Failing { since: much_later.0, until: 0, times: 0 });
    }

    #[test]
    fn a_refusal_for_good_or_three_days_of_failure_suppress_for_a_week_and_then_twice_as_long() {
        let now = UnixTime(1_800_000_000);
        let refused = Failing::default().again(true, now);
        assert_eq!(refused, Failing { since: 0, until: now.0 + SUPPRESSED_FIRST, times: 1 });
        assert!(refused.is_suppressed(now) && !refused.is_suppressed(now.plus(SUPPRESSED_FIRST)));
        let first = Failing::default().again(false, now);
        assert!(!first.is_suppressed(now) && first.since == now.0);
        let almost = first.again(false, now.plus(SUPPRESSED_AFTER - 1));
        assert!(!almost.is_suppressed(now.plus(SUPPRESSED_AFTER - 1)));
        let later = now.plus(SUPPRESSED_AFTER);
        assert_eq!(almost.again(false, later).until, later.0 + SUPPRESSED_FIRST);
        let mut failing = Failing::default();
        let mut lengths = Vec::new();
        for _ in 0..6 {
            failing = failing.again(true, now);
            lengths.push((failing.until - now.0) / DAY);
        }
        assert_eq!(lengths, [7, 14, 28, 56, 90, 90]);
        let ages = Failing { times: u32::MAX, ..failing }.again(true, now);
        assert_eq!(ages.until, now.0 + SUPPRESSED_MOST);
    }
}
