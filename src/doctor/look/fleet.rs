//! Looks at the database that a fleet shares, as the daemon does. Nothing is written there.

use crate::cache::Fingerprint;
use crate::config;
use crate::dns::Resolve;
use crate::doctor::observations::{Fleet, FleetMember, FleetStore, Seen};
use crate::fleet::{self, Connection, Host, Rights, Trouble};
use crate::time::Clock;
use std::future::Future;
use std::time::Instant;
use tokio::time::timeout_at;

/// Looks at it, as a host that learns under these circumstances.
pub async fn look(
    fleet: &config::Fleet,
    here: Seen<Fingerprint>,
    dns: &impl Resolve,
    clock: &impl Clock,
    until: Instant,
) -> Fleet {
    let late = || Trouble::Away("it does not answer in the time of this command".to_owned());
    let looked =
        timeout_at(until.into(), store(fleet, here, dns, clock)).await.unwrap_or_else(|_| Err(late()));
    Fleet {
        role: fleet.role.clone(),
        is_another_schema: matches!(looked, Err(Trouble::Newer(_))),
        store: looked.map_err(|trouble| trouble.to_string()),
    }
}

async fn store(
    fleet: &config::Fleet,
    here: Seen<Fingerprint>,
    dns: &impl Resolve,
    clock: &impl Clock,
) -> Result<FleetStore, Trouble> {
    fleet::check(fleet)?;
    let connection = Connection::open(fleet, dns).await?;
    let standing = connection.standing().await?;
    let clock_offset = clock.now().0.cast_signed().saturating_sub(standing.now.0.cast_signed());
    let member = |host: Host| FleetMember {
        name: host.name,
        circumstances: host.fingerprint,
        unseen_for: host.unseen_for,
    };
    let hosts = seen(connection.hosts()).await;
    let rights = seen(connection.rights()).await;
    Ok(FleetStore {
        server: connection.server().await?,
        id: standing.id,
        schema: standing.version,
        clock_offset,
        rights: rights
            .map(|Rights { is_host, excess }| (is_host, excess.into_iter().map(str::to_owned).collect())),
        hosts: match &here {
            Ok(_) => hosts.map(|hosts| hosts.into_iter().map(member).collect()),
            Err(why) => Err(why.clone()),
        },
        circumstances: here.map(|here| here.to_string()).unwrap_or_default(),
    })
}

async fn seen<T>(looking: impl Future<Output = Result<T, Trouble>>) -> Seen<T> {
    looking.await.map_err(|trouble| trouble.to_string())
}
