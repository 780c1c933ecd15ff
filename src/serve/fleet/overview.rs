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
            self.overview = overview(&self.connection).await?;
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
}

/// What there is to see there. What one question does not tell in time is missing, and no reason to hang up.
///
/// # Errors
/// [`Trouble`], if the database is away.
async fn overview(connection: &Connection) -> Result<FleetView, Trouble> {
    let standing = connection.standing().await?;
    let (_, policies) = told(connection.estimates().await)?;
    let kinds = told(connection.kinds().await)?;
    Ok(FleetView {
        server: told(connection.server().await)?,
        change: standing.change,
        hosts: told(connection.hosts().await)?.into_iter().map(host).collect(),
        policies,
        by_authentication: kinds
            .by_authentication
            .into_iter()
            .map(|(one, number)| (one.word(), number))
            .collect(),
        by_demand: kinds.by_demand,
        fetched_twice: told(connection.fetched_twice().await)?,
        reports: told(connection.day_of_reports().await.map(Some))?.and_then(reports_seen),
        weakened: told(connection.weakened().await)?.into_iter().map(weakened).collect(),
        ..FleetView::default()
    })
}

fn told<T: Default>(told: Result<T, Trouble>) -> Result<T, Trouble> {
    match told {
        Err(Trouble::Slow) => Ok(T::default()),
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
