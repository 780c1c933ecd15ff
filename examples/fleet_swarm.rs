//! Hosts of a fleet, as many as are wanted, for `tests/fleet/run --long`: each connects with a role of its own (`swarm0`, `swarm1`, ...), shows itself, looks for
//! changes and decrees, and offers what it would have fetched, at the daemon's pace and by the daemon's own connection. What came of it is one line of JSON.
//!
//! usage: fleet_swarm NAME@ADDRESS:PORT CA-FILE PASSWORD-FILE HOSTS SECONDS
#![allow(clippy::print_stdout, reason = "it tells what came of it")]

use smtp_sts_verify::cache::Fingerprint;
use smtp_sts_verify::config::{Fleet, Proof};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::fleet::{Connection, Keys, SignOfLife, Trouble};
use smtp_sts_verify::limits::{FLEET_HEARTBEAT, FLEET_PAGE, FLEET_POLL, FLEET_RETRY_FIRST, FLEET_RETRY_MOST};
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::{Authentication, Dialect, Policy, StoredPolicy};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// From one offer of a host to the next, and how many policies it has.
const OFFER_EVERY: Duration = Duration::from_secs(10);
const OFFERED: u64 = 5;

/// What came of it.
#[derive(Debug, Default)]
struct Told {
    connected: Vec<Duration>,
    asked: Vec<Duration>,
    shown: u64,
    rows: usize,
    merged: usize,
    slow: u64,
    troubles: Vec<String>,
}

type Shared = Arc<Mutex<Told>>;

fn told(shared: &Shared, tell: impl FnOnce(&mut Told)) {
    tell(&mut shared.lock().unwrap_or_else(PoisonError::into_inner));
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, host, ca_file, password, number, seconds] = arguments.as_slice() else {
        return Err("usage: fleet_swarm NAME@ADDRESS:PORT CA-FILE PASSWORD-FILE HOSTS SECONDS".into());
    };
    let (number, seconds): (u64, u64) = (number.parse()?, seconds.parse()?);
    let host = host.parse()?;
    let fleet = |role: String| Fleet {
        hosts: vec![Clone::clone(&host)],
        database: "fleet".to_owned(),
        role,
        ca_file: ca_file.into(),
        proof: Proof::Password(PathBuf::from(password)),
        operator_key: None,
        witness_key: None,
        witness_keys: None,
    };
    let shared = Shared::default();
    let anchors = Arc::new(TrustAnchors::iana().map_err(|_| "no trust anchors")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let until = Instant::now() + Duration::from_secs(seconds);
        let all: Vec<_> = (0..number)
            .map(|place| {
                let (fleet, shared, anchors) =
                    (fleet(format!("swarm{place}")), Arc::clone(&shared), Arc::clone(&anchors));
                tokio::spawn(async move {
                    let mut failures = 0_u32;
                    while Instant::now() < until {
                        let resolver =
                            Resolver::new(&[], Arc::clone(&anchors), SystemClock.now(), until.into());
                        if let Err(trouble) = live(&fleet, &resolver, place, until, &shared).await {
                            told(&shared, |told| told.troubles.push(trouble.to_string()));
                            // As the daemon does: longer each time, and not all at once.
                            failures += 1;
                            let pause =
                                FLEET_RETRY_FIRST.saturating_mul(1 << failures.min(6)).min(FLEET_RETRY_MOST);
                            sleep(pause / 2 + pause * u32::try_from(place * 37 % 100).unwrap_or(50) / 100)
                                .await;
                        }
                    }
                })
            })
            .collect();
        for one in all {
            let _ended = one.await;
        }
    });
    let mut shown = shared.lock().unwrap_or_else(PoisonError::into_inner);
    shown.asked.sort_unstable();
    shown.connected.sort_unstable();
    let at = |all: &[Duration], percent: usize| {
        let place = (all.len() * percent / 100).min(all.len().saturating_sub(1));
        all.get(place).map_or(0, Duration::as_millis)
    };
    println!(
        "{{\"hosts\": {number}, \"connected\": {}, \"connect_p99_ms\": {}, \"signs_of_life\": {}, \"looks\": {}, \"look_p50_ms\": {}, \"look_p99_ms\": {}, \"rows_read\": {}, \"merged\": {}, \"slow\": {}, \"failed\": {}, \"trouble\": {}}}",
        shown.connected.len(),
        at(&shown.connected, 99),
        shown.shown,
        shown.asked.len(),
        at(&shown.asked, 50),
        at(&shown.asked, 99),
        shown.rows,
        shown.merged,
        shown.slow,
        shown.troubles.len(),
        serde_json::Value::from(shown.troubles.first().map_or("", String::as_str))
    );
    Ok(())
}

/// The life of one host.
async fn live(
    fleet: &Fleet,
    resolver: &impl smtp_sts_verify::dns::Resolve,
    place: u64,
    until: Instant,
    shared: &Shared,
) -> Result<(), Trouble> {
    // As hosts that were started anew, all within a minute: built without optimisation, each proof of a password takes a processor for a while.
    sleep(Duration::from_millis(place * 119 % 60_000)).await;
    let keys = Keys::of(fleet)?;
    let begun = Instant::now();
    let connection = Connection::open(fleet, resolver).await?;
    told(shared, |told| told.connected.push(begun.elapsed()));
    let standing = connection.standing().await?;
    connection.bound().await;
    connection.listen().await;
    let Some(here) = Fingerprint::from_text("00112233445566778899aabbccddeeff") else { return Ok(()) };
    let (mut change, mut looked, mut shown, mut offered, mut turn) =
        (standing.change, None::<Instant>, None::<Instant>, Instant::now(), 0);
    while Instant::now() < until {
        let pause =
            FLEET_POLL / 2 + FLEET_POLL * u32::try_from((place * 37 + turn * 11) % 100).unwrap_or(50) / 100;
        if looked.is_none_or(|at| at.elapsed() >= pause) {
            let begun = Instant::now();
            looked = Some(begun);
            let done = async {
                connection.decrees(0).await?;
                connection
                    .changes(change, FLEET_PAGE, &standing.id, here, (&keys.witnesses, &fleet.role))
                    .await
            };
            if let Some(page) = counted(done.await, shared)? {
                change = page.last.unwrap_or(change);
                told(shared, |told| {
                    told.asked.push(begun.elapsed());
                    told.rows += page.rows;
                });
            }
        }
        if shown.is_none_or(|at| at.elapsed() >= FLEET_HEARTBEAT) {
            shown = Some(Instant::now());
            let sign = SignOfLife { change, ..SignOfLife::default() };
            let seen = connection.seen(here, SystemClock.now(), &sign).await;
            if counted(seen, shared)?.is_some() {
                told(shared, |told| told.shown += 1);
            }
        }
        if offered.elapsed() >= OFFER_EVERY {
            offered = Instant::now();
            let policies: Vec<StoredPolicy> =
                (0..OFFERED).filter_map(|one| policy(place, turn, one)).collect();
            let outcomes = connection.offer(&policies, here, &keys, &standing.id).await;
            if let Some(outcomes) = counted(outcomes, shared)? {
                told(shared, |told| told.merged += outcomes.len());
            }
        }
        turn += 1;
        sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// What came of a statement; `None` if it came too late, which the daemon bears a few times.
fn counted<T>(done: Result<T, Trouble>, shared: &Shared) -> Result<Option<T>, Trouble> {
    match done {
        Err(Trouble::Slow) => {
            told(shared, |told| told.slow += 1);
            Ok(None)
        }
        done => done.map(Some),
    }
}

/// What a host would have fetched: now and then another has it, too.
fn policy(place: u64, turn: u64, one: u64) -> Option<StoredPolicy> {
    let text = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: *.mx.test\nmax_age: 604800\n";
    let domain = PolicyDomain::parse(&format!("s{}-{turn}-{one}.example", place / 2)).ok()?;
    let now = SystemClock.now();
    Some(StoredPolicy::fetched(
        &domain,
        Policy::from_text(Dialect::MtaSts, text)?,
        Authentication::WebPki,
        now,
        now,
    ))
}
