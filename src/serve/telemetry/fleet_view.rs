//! What the fleet's thread has seen of the fleet, for the pages of the daemon. Pure: it comes with each sign of life, so nobody who reads a page asks
//! the database, and nothing in it was counted by walking through a table.

use crate::limits::{FLEET_CLOCK_APART, FLEET_UNSEEN};
use crate::time::UnixTime;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The fleet as it was seen last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetView {
    /// When.
    pub at: Option<UnixTime>,
    /// The role of this host.
    pub role: String,
    /// The id of the store: 36 characters of hexadecimal digits and hyphens.
    pub store: String,
    /// The version of its schema.
    pub schema: i32,
    /// To which server this host is connected, as that says itself; not yet escaped.
    pub server: String,
    /// Seconds by which the clock here is ahead of the store's.
    pub clock_offset: i64,
    /// The number of the last change.
    pub change: u64,
    /// That up to which this host has read.
    pub applied_change: u64,
    /// Since when the oldest policy waits that the fleet has not heard of.
    pub oldest: Option<UnixTime>,
    /// The hosts, this one among them.
    pub hosts: Vec<HostSeen>,
    /// About how many policies there are.
    pub policies: u64,
    /// The same by how they are authenticated, as far as the database estimates it; words of a closed list.
    pub by_authentication: Vec<(&'static str, u64)>,
    /// The same by what they demand, as words of a closed list.
    pub by_demand: Vec<(&'static str, u64)>,
    /// How often hosts have fetched what another one had fetched within the same minute, since the store was made; of hosts that were forgotten, too.
    pub fetched_twice: u64,
    /// What became of the TLS reports about the day that ended last; nothing where no host takes part.
    pub reports: Option<ReportsSeen>,
    /// Policies that were replaced by such as protect less in the last 24 hours, the newest first.
    pub weakened: Vec<WeakenedSeen>,
    /// Overrides by decree that are in force here.
    pub overrides: Vec<OverrideSeen>,
}

/// A host, in its own words, which are not yet escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSeen {
    /// Its role.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it learns under: hosts of other circumstances share nothing.
    pub circumstances: String,
    /// Seconds since it was seen, at that moment.
    pub unseen_for: u64,
    /// Seconds by which its clock is ahead of the store's.
    pub clock_offset: i64,
    /// Policies that it has not offered yet.
    pub outbox: u64,
    /// The change up to which it has read.
    pub applied_change: u64,
    /// Since when the oldest waits that it has not offered.
    pub outbox_since: Option<UnixTime>,
    /// Policies that it should have fetched again by now.
    pub overdue: u64,
    /// What was the matter with the database last, and when: it may be over.
    pub trouble: Option<(UnixTime, String)>,
}

/// What became of the TLS reports about a day, in words of the store that are not yet escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportsSeen {
    /// The day, as reports name it.
    pub day: String,
    /// Hosts that were there within a day and have not handed in what they counted.
    pub missing: Vec<String>,
    /// Reports that nobody has claimed yet.
    pub unclaimed: u64,
    /// Of each host that has claimed some.
    pub by_host: Vec<ReportsOfHost>,
    /// Whether there are more than are counted here.
    pub is_more: bool,
}

/// What became of the reports that one host has claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportsOfHost {
    /// Its role.
    pub host: String,
    /// It has not said yet what became of them.
    pub open: u64,
    /// That have left.
    pub sent: u64,
    /// That nobody took.
    pub gave_up: u64,
    /// That their domain does not want.
    pub unwanted: u64,
}

impl ReportsSeen {
    /// What became of a day's reports, by claims of (host, state in the store's word, number), those of a host together.
    #[must_use]
    pub fn of(
        day: String,
        missing: Vec<String>,
        unclaimed: u64,
        claimed: Vec<(String, String, u64)>,
    ) -> Self {
        let mut by_host: Vec<ReportsOfHost> = Vec::new();
        for (host, state, number) in claimed {
            if by_host.last().is_none_or(|last| last.host != host) {
                by_host.push(ReportsOfHost { host, ..ReportsOfHost::default() });
            }
            let Some(last) = by_host.last_mut() else { continue };
            match state.as_str() {
                "sent" => last.sent = number,
                "gave-up" => last.gave_up = number,
                "unwanted" => last.unwanted = number,
                _ => last.open = last.open.saturating_add(number),
            }
        }
        Self { day, missing, unclaimed, by_host, is_more: false }
    }

    /// How many there are in each state, of all hosts, by their words in the series.
    #[must_use]
    pub fn by_state(&self) -> [(&'static str, u64); 5] {
        let sum = |of: fn(&ReportsOfHost) -> u64| self.by_host.iter().map(of).fold(0, u64::saturating_add);
        [
            ("unclaimed", self.unclaimed),
            ("claimed", sum(|host| host.open)),
            ("sent", sum(|host| host.sent)),
            ("gave-up", sum(|host| host.gave_up)),
            ("unwanted", sum(|host| host.unwanted)),
        ]
    }
}

/// A policy that protects less than the one before it; not yet escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeakenedSeen {
    /// Whose.
    pub domain: String,
    /// The role that said so first.
    pub host: String,
    /// What there was, in words of the store.
    pub before: String,
    /// What there is.
    pub after: String,
    /// When the store heard of it.
    pub at: UnixTime,
    /// How many roles have fetched what there is.
    pub roles: u64,
}

/// An override by decree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideSeen {
    /// The number of the decree.
    pub number: u64,
    /// Which domains it is about.
    pub scope: String,
    /// What it says: `dane`, `ignore`, `none` or `webpki`.
    pub effect: &'static str,
    /// When it ends.
    pub ends: UnixTime,
    /// Why, in the operator's words; not yet escaped.
    pub reason: String,
}

impl HostSeen {
    /// Whether it has not shown itself for so long that somebody should look.
    #[must_use]
    pub const fn is_unseen(&self) -> bool {
        self.unseen_for > FLEET_UNSEEN
    }

    /// Whether its clock is so wrong that somebody should look.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        self.clock_offset.unsigned_abs() > FLEET_CLOCK_APART
    }
}

impl WeakenedSeen {
    /// Whether two roles at least have fetched what there is.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.roles > 1
    }
}

impl FleetView {
    /// How many hosts are unseen, and how many are not.
    #[must_use]
    pub fn hosts_by_sight(&self) -> (usize, usize) {
        let unseen = self.hosts.iter().filter(|host| host.is_unseen()).count();
        (unseen, self.hosts.len().saturating_sub(unseen))
    }

    /// How many groups there are of hosts that share nothing with those of another one; of hosts that are there. One is right.
    #[must_use]
    pub fn groups(&self) -> usize {
        let here = self.hosts.iter().filter(|host| !host.is_unseen());
        here.map(|host| host.circumstances.as_str()).collect::<BTreeSet<_>>().len()
    }

    /// Policies that the hosts should have fetched again by now, of hosts that are there.
    #[must_use]
    pub fn overdue(&self) -> u64 {
        self.hosts
            .iter()
            .filter(|host| !host.is_unseen())
            .map(|host| host.overdue)
            .fold(0, u64::saturating_add)
    }

    /// How many changes this host has not read.
    #[must_use]
    pub const fn behind(&self) -> u64 {
        self.change.saturating_sub(self.applied_change)
    }
}

/// What the fleet's thread has seen last, for the pages to read.
#[derive(Debug, Default)]
pub struct Board(Mutex<Pinned>);

/// The fleet as it was seen last, and what was wrong last.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    /// The fleet as it was seen last, if it was.
    pub view: Option<Arc<FleetView>>,
    /// What was the matter last, and when: it may be over.
    pub trouble: Option<(UnixTime, String)>,
    /// Overrides by decree that are in force here, whether the fleet was seen or not.
    pub overrides: Vec<OverrideSeen>,
}

impl Board {
    /// What there is to show.
    #[must_use]
    pub fn read(&self) -> Pinned {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes down what was seen of the fleet.
    pub fn pin(&self, view: FleetView) {
        let mut pinned = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.overrides.clone_from(&view.overrides);
        pinned.view = Some(Arc::new(view));
    }

    /// These overrides are in force here: that needs nobody who sees the fleet.
    pub fn pin_overrides(&self, overrides: Vec<OverrideSeen>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).overrides = overrides;
    }

    /// Takes down what is wrong.
    pub fn warn(&self, at: UnixTime, why: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trouble = Some((at, why));
    }

    /// There is no fleet any more.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Pinned::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(circumstances: &str, unseen_for: u64, clock_offset: i64) -> HostSeen {
        HostSeen { circumstances: circumstances.to_owned(), unseen_for, clock_offset, ..HostSeen::default() }
    }

    #[test]
    fn hosts_that_are_gone_make_no_group_and_those_that_are_there_do() {
        let hosts = vec![host("a", 3, 0), host("a", 300, 60), host("b", 301, -61)];
        let mut view = FleetView { hosts, ..FleetView::default() };
        assert_eq!((view.hosts_by_sight(), view.groups()), ((1, 2), 1));
        assert_eq!(view.hosts.iter().map(HostSeen::is_off).collect::<Vec<_>>(), [false, false, true]);
        view.hosts.push(host("c", 0, 0));
        assert_eq!(view.groups(), 2);
        let view = FleetView { change: 7, applied_change: 9, ..FleetView::default() };
        assert_eq!(view.behind(), 0);
    }

    #[test]
    fn reports_are_told_by_who_has_claimed_them_and_by_what_became_of_them() {
        let row = |host: &str, state: &str, number| (host.to_owned(), state.to_owned(), number);
        let claimed = vec![
            row("mx1", "claimed", 2),
            row("mx1", "sent", 7),
            row("mx2", "gave-up", 1),
            row("mx2", "unwanted", 3),
            row("mx3", "sent", 4),
        ];
        let seen = ReportsSeen::of("2026-11-29".to_owned(), vec!["mx4".to_owned()], 5, claimed);
        let hosts: Vec<_> = seen
            .by_host
            .iter()
            .map(|one| (one.host.as_str(), one.open, one.sent, one.gave_up, one.unwanted))
            .collect();
        assert_eq!(hosts, [("mx1", 2, 7, 0, 0), ("mx2", 0, 0, 1, 3), ("mx3", 0, 4, 0, 0)]);
        assert_eq!(
            seen.by_state(),
            [("unclaimed", 5), ("claimed", 2), ("sent", 11), ("gave-up", 1), ("unwanted", 3)]
        );
    }

    #[test]
    fn what_a_host_that_is_gone_should_have_fetched_is_nobodys_any_more() {
        let overdue = |unseen_for, overdue| HostSeen { overdue, ..host("a", unseen_for, 0) };
        let view = FleetView {
            hosts: vec![overdue(3, 2), overdue(300, u64::MAX), overdue(301, 4)],
            ..FleetView::default()
        };
        assert_eq!(view.overdue(), u64::MAX);
        let view = FleetView { hosts: vec![overdue(3, 2), overdue(301, 4)], ..FleetView::default() };
        assert_eq!(view.overdue(), 2);
    }

    #[test]
    fn what_is_pinned_up_is_read_until_the_fleet_is_left() {
        let board = Board::default();
        board.pin(FleetView { policies: 7, ..FleetView::default() });
        board.warn(UnixTime(9), "it hangs".to_owned());
        let pinned = board.read();
        assert_eq!(
            (pinned.view.unwrap().policies, pinned.trouble),
            (7, Some((UnixTime(9), "it hangs".to_owned())))
        );
        let one = OverrideSeen {
            number: 7,
            scope: "a.test".to_owned(),
            effect: "none",
            ends: UnixTime(9),
            reason: String::new(),
        };
        board.pin_overrides(vec![one.clone()]);
        assert_eq!(board.read().overrides, [one]);
        board.clear();
        assert!(board.read().view.is_none());
    }
}
