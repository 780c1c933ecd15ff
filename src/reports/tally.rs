//! The counts: how many sessions of a UTC day ended alike. Pure.
//!
//! The number of distinct rows is bounded. Beyond the bounds, sessions are counted without their hosts and addresses, as "others" of
//! their policy; and at last not at all, which is counted and said.

use super::helo::Helo;
use super::session::Ended;
use super::text::PolicyText;
use crate::limits::MAX_TALLIED;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::reason_code::ReasonCode;
use crate::policy::{Mode, PolicyType};
use crate::time::UnixTime;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// A UTC day (RFC 8460 section 4.1), counted from 1970-01-01. Prints as `2026-05-09`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u64);

/// The policy that sessions are counted under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Applied {
    /// The mechanism.
    pub kind: PolicyType,
    /// Its mode.
    pub mode: Mode,
    /// Of DANE, the TLSA base domain (RFC 7672 section 2.2.3), which a row of old may not tell: then it is the host.
    pub base: Option<MxHost>,
    /// The policy as published, or the TLSA records in lines, if that was at hand and there was room.
    pub text: PolicyText,
}

/// What distinguishes one row from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// When.
    pub day: Day,
    /// Whose mail it was.
    pub domain: PolicyDomain,
    /// Under which policy.
    pub policy: Applied,
    /// With which host; `None` for others, and for what is not about a host.
    pub host: Option<MxHost>,
    /// At which address; `None` likewise.
    pub address: Option<IpAddr>,
    /// From which address of ours; `None` likewise.
    pub from: Option<IpAddr>,
    /// What the host called itself; `None` for successes, and likewise.
    pub helo: Option<Helo>,
    /// How the session ended.
    pub ended: Ended,
    /// What exactly failed, where the result leaves that open.
    pub code: Option<ReasonCode>,
}

/// Counts that are not in the file yet.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<Row, u64>);

impl Day {
    /// The day of that moment.
    #[must_use]
    pub const fn of(now: UnixTime) -> Self {
        Self(now.0 / DAY)
    }

    /// So many days before.
    #[must_use]
    pub const fn before(self, days: u64) -> Self {
        Self(self.0.saturating_sub(days))
    }

    const fn begins(self) -> UnixTime {
        UnixTime(self.0.saturating_mul(DAY))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.begins().to_string();
        f.write_str(moment.get(..10).unwrap_or(&moment))
    }
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is no day: YYYY-MM-DD";
        let numbers: Vec<u64> = text.split('-').map_while(|part| part.parse().ok()).collect();
        let [year, month, day] = numbers.as_slice() else { return Err(WRONG) };
        let day = Self::of(UnixTime::midnight(*year, *month, *day).ok_or(WRONG)?);
        if day.to_string() == text { Ok(day) } else { Err(WRONG) }
    }
}

impl Applied {
    /// Sessions under that policy.
    #[must_use]
    pub fn new(kind: PolicyType, mode: Mode, text: &str) -> Self {
        Self { text: PolicyText::of(text), ..Self::without_text(kind, mode) }
    }

    /// Sessions under a policy of which nothing more is known.
    #[must_use]
    pub const fn without_text(kind: PolicyType, mode: Mode) -> Self {
        Self { kind, mode, base: None, text: PolicyText::Nothing }
    }
}

impl Row {
    /// The row for all of them together, where there is no room for one more.
    #[must_use]
    pub fn among_others(self) -> Self {
        Self { host: None, address: None, from: None, helo: None, ..self }
    }
}

impl Tally {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it had better be written down now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_TALLIED
    }

    /// Counts so many sessions; `false` if there was no room for them.
    #[must_use]
    pub fn count(&mut self, row: Row, sessions: u64) -> bool {
        let row = if self.is_full() && !self.0.contains_key(&row) { row.among_others() } else { row };
        // Half as many again for those that are counted together.
        let has_room =
            self.0.len() < MAX_TALLIED.saturating_add(MAX_TALLIED / 2) || self.0.contains_key(&row);
        if has_room {
            let count = self.0.entry(row).or_default();
            *count = count.saturating_add(sessions);
        }
        has_room
    }

    /// Takes out what was counted, in the order of days and domains.
    pub fn take(&mut self) -> Vec<(Row, u64)> {
        std::mem::take(&mut self.0).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::result::ResultType;

    fn row(number: usize) -> Row {
        Row {
            day: Day(20_000),
            domain: PolicyDomain::parse("example.org").unwrap(),
            policy: Applied::new(PolicyType::MtaSts, Mode::Enforce, "v=STSv1"),
            host: MxHost::from_text(&format!("mx{number}.example.org")).ok(),
            address: Some("192.0.2.25".parse().unwrap()),
            from: None,
            helo: None,
            ended: Ended::Failed(ResultType::CertificateExpired),
            code: None,
        }
    }

    #[test]
    fn a_day_is_a_date_in_utc() {
        assert_eq!(Day::of(UnixTime(1_800_000_000)).to_string(), "2027-01-15");
        assert_eq!(Day::of(UnixTime(86_399)), Day(0));
        assert_eq!(Day::of(UnixTime(86_400)).to_string(), "1970-01-02");
        assert_eq!("2027-01-15".parse(), Ok(Day::of(UnixTime(1_800_000_000))));
        assert_eq!("2024-02-29".parse::<Day>().map(|day| day.to_string()).as_deref(), Ok("2024-02-29"));
        for text in
            ["", "2027", "2027-1-15", "2027-02-30", "2027-01-15x", "2027-01-15-01", "x-01-01", "-2027-01-15"]
        {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }

    #[test]
    fn sessions_that_ended_alike_are_one_row() {
        let mut tally = Tally::default();
        assert!(tally.is_empty());
        for number in [1, 2, 1, 1] {
            assert!(tally.count(row(number), 1));
        }
        assert_eq!(tally.take(), [(row(1), 3), (row(2), 1)]);
        assert!(tally.is_empty());
    }

    #[test]
    fn what_has_no_room_is_counted_together_and_nothing_is_lost() {
        let mut tally = Tally::default();
        for number in 0..MAX_TALLIED + 100 {
            assert!(tally.count(row(number), 1));
        }
        assert!(tally.is_full());
        let rows = tally.take();
        let sum: u64 = rows.iter().map(|(_, count)| count).sum();
        assert_eq!(usize::try_from(sum), Ok(MAX_TALLIED + 100));
        assert!(rows.contains(&(row(0).among_others(), 100)));
    }
}
