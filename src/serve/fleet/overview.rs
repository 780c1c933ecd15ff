//! A look at the fleet as a whole, for the pages.

use crate::fleet::{Connection, Host, Trouble, Weakened};
use crate::overrides::Decree;
use crate::serve::telemetry::fleet_view::{FleetView, HostSeen, OverrideSeen, WeakenedSeen};

/// What there is to see there. What one question does not tell in time is missing, and no reason to hang up.
///
/// # Errors
/// [`Trouble`], if the database is away.
pub(super) async fn overview(connection: &Connection) -> Result<FleetView, Trouble> {
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
