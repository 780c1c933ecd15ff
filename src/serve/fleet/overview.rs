//! A look at the fleet as a whole, for the pages.

use super::exchange::{End, Session, asked};
use crate::cache::Cache;
use crate::fleet::{Connection, DayOfReports, Host, SignOfLife, Trouble, Weakened};
use crate::limits::FLEET_OVERVIEW;
use crate::overrides::Decree;
use crate::serve::telemetry::fleet_view::{FleetView, HostSeen, OverrideSeen, ReportsSeen, WeakenedSeen};
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use std::time::Instant;

impl Session<'_> {
    /// Shows that this host is there; and now and then it looks at the others, for the pages.
    pub(super) async fn show_itself(&mut self) -> Result<(), End> {
        let (unheard, oldest) = asked(self.feed, self.world, Cache::unheard).await?.unwrap_or_default();
        self.feed.counters.fleet_outbox.set(UnixTime(unheard));
        let now = SystemClock.now();
        let sign = SignOfLife {
            outbox: unheard,
            outbox_since: oldest,
            change: self.reading.change,
            overdue: self.feed.counters.renewals_overdue.get(),
            trouble: self.feed.counters.fleet_board.read().trouble,
        };
        let there = self.connection.seen(self.here, now, &sign).await?;
        let clock_offset = now.0.cast_signed().saturating_sub(there.0.cast_signed());
        if self.looked_at.is_none_or(|at| at.elapsed() >= FLEET_OVERVIEW) {
            self.looked_at = Some(Instant::now());
            let last = self.last_overview();
            self.overview = overview(&self.connection, last).await?;
        }
        let seen = self.overview.clone();
        self.feed.counters.fleet_board.pin(FleetView {
            at: Some(now),
            role: self.role.to_owned(),
            store: self.store.clone(),
            schema: self.schema,
            clock_offset,
            change: seen.change.max(self.reading.change),
            applied_change: self.reading.change,
            oldest,
            overrides: self.world.rules.decreed.in_force(now).map(override_seen).collect(),
            ..seen
        });
        Ok(())
    }

    /// What was seen of this store last, on an earlier connection, too; the hosts are unseen for so much longer.
    fn last_overview(&self) -> FleetView {
        let pinned = self.feed.counters.fleet_board.read().view.filter(|view| view.store == self.store);
        let mut last = pinned.map_or_else(FleetView::default, |view| (*view).clone());
        let since = last.at.map_or(0, |at| SystemClock.now().since(at));
        for host in &mut last.hosts {
            host.unseen_for = host.unseen_for.saturating_add(since);
        }
        last
    }
}

/// What there is to see there. What one question does not tell in time stays as it was seen last, and is no reason to hang up: an alarm is not silenced
/// by a statement that somebody made slow.
///
/// # Errors
/// [`Trouble`], if the database is away.
async fn overview(connection: &Connection, last: FleetView) -> Result<FleetView, Trouble> {
    let standing = connection.standing().await?;
    let policies = connection.estimates().await.map(|(_, policies)| policies);
    let by_kind = connection.kinds().await.map(|kinds| {
        let authentications = kinds.by_authentication.into_iter().map(|(one, number)| (one.word(), number));
        (authentications.collect(), kinds.by_demand)
    });
    let (by_authentication, by_demand) = told(by_kind, (last.by_authentication, last.by_demand))?;
    let all = |hosts: Vec<Host>| hosts.into_iter().map(host).collect();
    let weaker = |policies: Vec<Weakened>| policies.into_iter().map(weakened).collect();
    Ok(FleetView {
        server: told(connection.server().await, last.server)?,
        change: standing.change,
        hosts: told(connection.hosts().await.map(all), last.hosts)?,
        policies: told(policies, last.policies)?,
        by_authentication,
        by_demand,
        fetched_twice: told(connection.fetched_twice().await, last.fetched_twice)?,
        reports: told(connection.day_of_reports().await.map(reports_seen), last.reports)?,
        weakened: told(connection.weakened().await.map(weaker), last.weakened)?,
        ..FleetView::default()
    })
}

/// What was told; where it was not told in time, what was told last.
fn told<T>(told: Result<T, Trouble>, last: T) -> Result<T, Trouble> {
    match told {
        Err(Trouble::Slow) => Ok(last),
        told => told,
    }
}

fn host(host: Host) -> HostSeen {
    HostSeen {
        name: host.name,
        version: host.version,
        circumstances: host.fingerprint,
        unseen_for: host.unseen_for,
        clock_offset: host.clock_offset,
        outbox: host.outbox,
        applied_change: host.applied_change,
        outbox_since: host.outbox_since,
        overdue: host.overdue,
        trouble: host.trouble,
    }
}

fn reports_seen(day: DayOfReports) -> Option<ReportsSeen> {
    let DayOfReports { day, is_any, missing, unclaimed, claimed, is_more } = day;
    is_any.then(|| ReportsSeen { is_more, ..ReportsSeen::of(day.to_string(), missing, unclaimed, claimed) })
}

fn weakened(one: Weakened) -> WeakenedSeen {
    let Weakened { domain, host, before, after, at, roles } = one;
    WeakenedSeen { domain, host, before, after, at, roles }
}

/// An override by decree.
pub(super) fn override_seen(decree: Decree) -> OverrideSeen {
    let Decree { scope, effect, ends, reason, number } = decree;
    OverrideSeen { number: number.unwrap_or_default(), scope, effect: effect.word(), ends, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_in_time_stays_as_it_was_and_what_is_away_does_not() {
        assert_eq!(told(Ok(vec![1]), vec![2]), Ok(vec![1]));
        assert_eq!(told(Err(Trouble::Slow), vec![2]), Ok(vec![2]));
        assert_eq!(told(Err(Trouble::ReadOnly), vec![2]), Err(Trouble::ReadOnly));
    }
}
