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
mod tests;
