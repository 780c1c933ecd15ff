//! A look at the fleet as a whole, for the pages.

use super::exchange::{End, Session, asked};
use crate::cache::Cache;
use crate::fleet::{Connection, Host, Trouble, Weakened};
use crate::limits::FLEET_OVERVIEW;
use crate::overrides::Decree;
use crate::serve::telemetry::fleet_view::{FleetView, HostSeen, OverrideSeen, WeakenedSeen};
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use std::time::Instant;

impl Session<'_> {
    /// Shows that this host is there; and now and then it looks at the others, for the pages.
    pub(super) async fn show_itself(&mut self) -> Result<(), End> {
        let (unheard, oldest) = asked(self.feed, self.world, Cache::unheard).await?.unwrap_or_default();
        self.feed.counters.fleet_outbox.set(UnixTime(unheard));
        let now = SystemClock.now();
        let there = self.connection.seen(self.here, now, unheard, self.reading.change).await?;
        let clock_offset = now.0.cast_signed().saturating_sub(there.0.cast_signed());
        if self.looked_at.is_none_or(|at| at.elapsed() >= FLEET_OVERVIEW) {
            self.looked_at = Some(Instant::now());
            self.overview = overview(&self.connection).await?;
        }
        let FleetView { hosts, server, change, policies, by_authentication, weakened, .. } =
            self.overview.clone();
        self.feed.counters.fleet_board.pin(FleetView {
            at: Some(now),
            role: self.role.to_owned(),
            store: self.store.clone(),
            schema: self.schema,
            server,
            clock_offset,
            change: change.max(self.reading.change),
            applied_change: self.reading.change,
            oldest,
            hosts,
            policies,
            by_authentication,
            weakened,
            overrides: self.world.rules.decreed.in_force(now).map(override_seen).collect(),
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
    let by_authentication = told(connection.by_authentication().await)?;
    Ok(FleetView {
        server: told(connection.server().await)?,
        change: standing.change,
        hosts: told(connection.hosts().await)?.into_iter().map(host).collect(),
        policies,
        by_authentication: by_authentication.into_iter().map(|(one, number)| (one.word(), number)).collect(),
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
    let Host { name, version, fingerprint, unseen_for, clock_offset, outbox, applied_change } = host;
    HostSeen { name, version, circumstances: fingerprint, unseen_for, clock_offset, outbox, applied_change }
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
