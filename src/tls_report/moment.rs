//! Moments as senders write them. Pure.

use crate::time::UnixTime;

/// A moment, and whether it is written as RFC 3339 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: UnixTime,
    pub(super) is_standard: bool,
}

/// Seconds since 1970 above which a number counts milliseconds: the year 5138.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// Seconds since 1970, or thousandths of them.
pub(super) const fn of_number(number: u64) -> Moment {
    let seconds = if number >= MILLISECONDS_FROM { number / 1_000 } else { number };
    Moment { at: UnixTime(seconds), is_standard: false }
}

/// `2026-05-09T00:00:00Z`, and what else is met: a blank for the T, no zone (UTC then), no seconds, no time at all, or a
/// number of seconds.
pub(super) fn of_text(text: &str) -> Option<Moment> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) {
        return text.parse().ok().map(of_number);
    }
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split('-');
    let day =
        UnixTime::midnight(number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?)?;
    if parts.next().is_some() {
        return None;
    }
    if rest.is_empty() {
        return Some(Moment { at: day, is_standard: false });
    }
    let has_t = rest.starts_with(['T', 't']);
    let time = rest.strip_prefix(['T', 't', ' '])?.trim_start();
    let end = time.find(|c: char| !(c.is_ascii_digit() || ":.,".contains(c))).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(end)?;
    let (seconds, has_seconds) = of_day(clock)?;
    let (east, has_zone) = offset(zone.trim())?;
    let local = day.0.checked_add(seconds)?;
    let at = UnixTime(local.checked_add_signed(east.checked_neg()?)?);
    Some(Moment { at, is_standard: has_t && has_seconds && has_zone && zone.trim() == zone })
}

/// Seconds of the day, and whether they were written.
fn of_day(clock: &str) -> Option<(u64, bool)> {
    let whole = clock.split(['.', ',']).next()?;
    let mut parts = whole.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let second = parts.next();
    let seconds = second.map_or(Some(0), |second| number(second, 2))?;
    // 24:00:00 ends a day, and 60 is a leap second.
    let is_a_time = hour <= 24 && minute <= 59 && seconds <= 60 && parts.next().is_none();
    is_a_time.then(|| (hour * 3_600 + minute * 60 + seconds, second.is_some()))
}

/// Seconds east of Greenwich, and whether the zone was written.
fn offset(zone: &str) -> Option<(i64, bool)> {
    match zone {
        "" => return Some((0, false)),
        "Z" | "z" => return Some((0, true)),
        "UTC" | "GMT" => return Some((0, false)),
        _ => {}
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').or_else(|| digits.split_at_checked(2))?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let seconds = i64::try_from(hours * 3_600 + minutes * 60).ok()?;
    (hours <= 23 && minutes <= 59).then_some((sign * seconds, digits.contains(':')))
}

/// A number of so many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_met() {
        for (text, expected, is_standard) in [
            ("2016-04-01T00:00:00Z", "2016-04-01T00:00:00Z", true),
            ("2016-04-01t23:59:59z", "2016-04-01T23:59:59Z", true),
            ("2016-04-01T23:59:59.999Z", "2016-04-01T23:59:59Z", true),
            ("2016-04-01T00:00:00+02:00", "2016-03-31T22:00:00Z", true),
            ("2016-04-01T00:00:00-0530", "2016-04-01T05:30:00Z", false),
            ("2016-04-01T00:00:00", "2016-04-01T00:00:00Z", false),
            ("2016-04-01 00:00:00Z", "2016-04-01T00:00:00Z", false),
            ("2016-04-01 00:00 UTC", "2016-04-01T00:00:00Z", false),
            ("2016-04-01", "2016-04-01T00:00:00Z", false),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", true),
            ("2016-04-01T24:00:00Z", "2016-04-02T00:00:00Z", true),
            ("1459468800", "2016-04-01T00:00:00Z", false),
            ("1459468800000", "2016-04-01T00:00:00Z", false),
        ] {
            let moment = of_text(text).unwrap();
            assert_eq!(
                (moment.at.to_string().as_str(), moment.is_standard),
                (expected, is_standard),
                "{text}"
            );
        }
        for text in [
            "",
            "yesterday",
            "2016-02-30T00:00:00Z",
            "2016-04-01T25:00:00Z",
            "2016-04-01T00:00:00+99:00",
            "2016-04-01T00:00:00 CEST",
            "1970-01-01T00:00:00+01:00",
            "20\u{20ac}6-04-01",
            "99999999999999999999",
        ] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }
}
