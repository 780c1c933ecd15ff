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
