//! The words for time. [`clock`] alone reads the wall clock; all the rest is pure.
//!
//! Wall time says how long something is believed; deadlines are counted on the monotonic clock by whoever waits.

pub mod clock;

use serde::Serialize;
use std::fmt;

/// A moment in seconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The moment `seconds` later; the end of time instead of an overflow.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The beginning of a day in UTC; `None` for what is no date of the years 1970 to 9999.
    #[must_use]
    pub fn midnight(year: u64, month: u64, day: u64) -> Option<Self> {
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let days = days(year, month, day);
        (civil(days) == (year, month, day)).then_some(Self(days * 86_400))
    }

    /// Seconds from `earlier` to this moment; zero if it is the other way round.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same moment as the 32 bits of an RRSIG, which count modulo 2^32 (RFC 4034 section 3.1.5).
    #[must_use]
    pub fn serial(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil(days);
        let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }
}

/// Days since 1970-01-01 as a date of the Gregorian calendar, counted in eras of 400 years that begin in March.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

/// The inverse of [`civil`], for a day that exists.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A number of seconds in words, in the two greatest units that tell something.
#[must_use]
pub fn span(seconds: u64) -> String {
    let units = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let words: Vec<String> = units
        .into_iter()
        .skip_while(|(number, _)| *number == 0)
        .take(2)
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number} {unit}{}", if number == 1 { "" } else { "s" }))
        .collect();
    if words.is_empty() { "less than a second".to_owned() } else { words.join(" ") }
}

/// Where "now" comes from: the machine, or a test.
pub trait Clock {
    /// The wall clock.
    fn now(&self) -> UnixTime;
}

/// A clock that stands still, for tests and replays.
impl Clock for UnixTime {
    fn now(&self) -> UnixTime {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_utc_dates() {
        for (moment, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(UnixTime(moment).to_string(), expected);
        }
    }

    #[test]
    fn a_date_is_the_beginning_of_its_day() {
        for day in (0..2_932_896).step_by(13) {
            let (year, month, day_of_month) = civil(day);
            assert_eq!(UnixTime::midnight(year, month, day_of_month), Some(UnixTime(day * 86_400)));
        }
        for (year, month, day) in
            [(2026, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (1969, 12, 31), (10_000, 1, 1)]
        {
            assert_eq!(UnixTime::midnight(year, month, day), None);
        }
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(UnixTime(u64::MAX).plus(1), UnixTime(u64::MAX));
        assert_eq!(UnixTime(1).since(UnixTime(2)), 0);
        assert_eq!(UnixTime(0x1_0000_0005).serial(), 5);
    }

    #[test]
    fn what_is_left_is_told_in_two_units() {
        for (seconds, words) in [
            (0, "less than a second"),
            (59, "59 seconds"),
            (61, "1 minute 1 second"),
            (3_600, "1 hour"),
            (604_799, "6 days 23 hours"),
            (86_405, "1 day"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }
}
