//! Policies in use are fetched again before anybody waits for it; and what a handshake proves binds.

use super::scene::{Network, about, about_host, cache, directory, until, with, world};
use rusqlite::Connection;
use smtp_sts_verify::cache::Memory as _;
use smtp_sts_verify::policy::{Authentication, Dialect, Policy, StoredPolicy};
use smtp_sts_verify::serve::engine::Answers as _;
use smtp_sts_verify::serve::seats::asker::Asker;
use smtp_sts_verify::serve::telemetry::counters::RenewalEnd;
use smtp_sts_verify::serve::world::World;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};

const DAY: u64 = 86_400;

/// Remembers a policy that was fetched so long ago, and that its domain was asked for so long ago.
fn remember(world: &World, domain: &str, fetched_ago: u64, asked_ago: u64) {
    let now = SystemClock.now();
    let at = |ago: u64| UnixTime(now.0 - ago);
    let (name, fetched) = (about(domain).domain, at(fetched_ago));
    let text = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: mx.test\nmax_age: 604800\n";
    let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
    let policy = StoredPolicy::fetched(&name, policy, Authentication::WebPki, fetched, fetched);
    world.cache(fetched).keep(&policy).unwrap();
    let asked = world.cache(at(asked_ago));
    asked.remember(
        &name,
        smtp_sts_verify::cache::Topic::MxHosts,
        &format!("hosts {} insecure mx.test", at(asked_ago).0),
        at(asked_ago).plus(60),
    );
    assert_eq!(asked.trouble(), None);
}

fn fetched_at(world: &World, domain: &str) -> u64 {
    let stored = cache(world).stored(&about(domain).domain).unwrap();
    SystemClock.now().since(stored.mta_sts.unwrap().fetched_at)
}

#[test]
fn a_policy_that_is_due_and_in_use_is_renewed_and_nothing_else() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    remember(&world, "due.test", DAY, DAY);
    remember(&world, "fresh.test", DAY / 2, DAY / 2);
    // The first of the file, whose turn is over when the others had theirs. The half-year begins with the end of what was
    // remembered then, a minute later.
    remember(&world, "a-unused.test", DAY, 180 * DAY + 60);
    remember(&world, "used.test", DAY, 180 * DAY);
    remember(&world, "gone.test", DAY, DAY);
    network.at("gone.test", |site| site.mta_sts = None);
    remember(&world, "failing.test", DAY, DAY);
    network.at("failing.test", |site| site.refuses_fetches = true);
    with(world.clone(), &network, async |daemon| {
        let renewals = &daemon.counters.renewals;
        until("all had their turn", || renewals.iter().map(|(_, counter)| counter.get()).sum::<u64>() == 4)
            .await;
        assert_eq!(renewals.of(RenewalEnd::Renewed).get(), 2);
    });
    assert!(fetched_at(&world, "due.test") < 60 && fetched_at(&world, "used.test") < 60);
    for (domain, age) in
        [("fresh.test", DAY / 2), ("a-unused.test", DAY), ("gone.test", DAY), ("failing.test", DAY)]
    {
        assert!(fetched_at(&world, domain) >= age, "{domain}");
    }
    let fetches = ["due.test", "fresh.test", "a-unused.test", "gone.test", "failing.test"]
        .map(|d| network.at(d, |s| s.fetches));
    assert_eq!(fetches, [1, 0, 0, 0, 1]);
    let failed = cache(&world).failures(&about("failing.test").domain, Dialect::MtaSts).unwrap();
    assert_eq!(failed.count(), 1, "and its host is left alone for a while");
}

#[test]
fn a_renewal_holds_nobody_up_and_a_newer_policy_counts_from_then_on() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
    });
    // A day passes, for the policy alone.
    remember(&world, "later.test", DAY, 10);
    network.at("later.test", |site| {
        (site.mta_sts, site.mx) = (Some(("2", "enforce")), vec!["new.test"]);
        site.delay = std::time::Duration::from_millis(300);
    });
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
        until("it is renewed", || daemon.counters.renewals.of(RenewalEnd::Renewed).get() == 1).await;
        assert!(
            daemon.says(about_host("later.test", "mx.test")).await.starts_with("refuse mx-not-in-policy ")
        );
        assert!(daemon.says(about_host("later.test", "new.test")).await.starts_with("deliver policy-met "));
        assert_eq!(network.at("later.test", |site| (site.fetches, site.fetching.1)), (1, 1));
        assert!(daemon.engine.at_once(&about("a.test")).is_some(), "nobody else is concerned");
    });
}

#[test]
fn a_renewal_that_panics_ends_nothing_but_itself() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    remember(&world, "a.test", DAY, DAY);
    network.at("a.test", |site| site.panics = true);
    with(world, &network, async |daemon| {
        until("it was tried", || daemon.counters.renewals.of(RenewalEnd::Failed).get() == 1).await;
        network.at("a.test", |site| site.panics = false);
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
    });
}

#[test]
fn a_renewal_that_cannot_be_written_down_has_failed_and_the_policy_stays_as_it_was() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    remember(&world, "a.test", DAY, DAY);
    // The file can be read, and nobody else can write.
    let held = Connection::open(world.storage.path.as_path()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    with(world.clone(), &network, async |daemon| {
        let renewals = &daemon.counters.renewals;
        until("it was tried", || renewals.of(RenewalEnd::Failed).get() == 1).await;
        assert_eq!(network.at("a.test", |site| site.fetches), 1);
        assert_eq!((renewals.of(RenewalEnd::Renewed).get(), daemon.counters.store_troubles.get()), (0, 1));
    });
    assert!(fetched_at(&world, "a.test") >= DAY);
    held.execute_batch("ROLLBACK").unwrap();
    network.at("a.test", |site| site.is_silent = true);
    with(world, &network, async |daemon| {
        let refused = daemon.says(about_host("a.test", "strange.test")).await;
        assert!(refused.starts_with("refuse mx-not-in-policy "), "{refused}");
    });
}

#[test]
fn a_verified_handshake_makes_a_policy_on_first_use_an_applied_one() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| {
        site.mta_sts = None;
        site.draft = Some("v=STS1; to=true; mx=mx.test; a=dnssec; c=webpki; e=604800");
    });
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert!(daemon.says(about_host("a.test", "mx.test")).await.starts_with("deliver first-use "));
        assert!(daemon.says(about_host("a.test", "strange.test")).await.starts_with("deliver first-use "));
        daemon.engine.verified(Asker::default(), about("a.test"));
        daemon.engine.verified(Asker::default(), about_host("a.test", "strange.test"));
        daemon.engine.pulse().await;
        daemon.engine.verified(Asker::default(), about_host("a.test", "mx.test"));
        until("it is applied", || {
            let stored = cache(&world).stored(&about("a.test").domain).unwrap();
            stored.smtp_sts.is_some_and(|policy| policy.is_in_force())
        })
        .await;
        until("that counts", || daemon.engine.at_once(&about_host("a.test", "strange.test")).is_none()).await;
        assert!(daemon.says(about_host("a.test", "strange.test")).await.starts_with("refuse mx-not-in-"));
        assert_eq!(daemon.says(about_host("a.test", "mx.test")).await, "deliver policy-met hit");
    });
    let rows: i64 = Connection::open(world.storage.path.as_path())
        .unwrap()
        .query_row("SELECT count(*) FROM policy WHERE applied_at IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}
