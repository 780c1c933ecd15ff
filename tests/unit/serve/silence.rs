//! Domains without a policy whose name servers do not answer every question: their mail goes, unless a signature could have
//! proven what is withheld.

use super::scene::{Daemon, Network, about, cache, directory, until, with, words, world};
use smtp_sts_verify::cache::Memory as _;
use smtp_sts_verify::dns::ZoneStatus;
use smtp_sts_verify::policy::{Authentication, Dialect, Policy, StoredPolicy};
use smtp_sts_verify::serve::answer::MtaAnswer;
use smtp_sts_verify::serve::telemetry::counters::LookUpEnd;
use smtp_sts_verify::serve::world::World;
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::verdict::OnUnreachable;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

fn impatient(directory: &Path) -> World {
    World { answer_within: PATIENCE, ..world(directory) }
}

/// A domain that answered at once, and now does so after so long a time that nobody can wait for it; its answers count no more.
async fn becomes_silent(daemon: &Daemon, network: &Network, domain: &str, zone: ZoneStatus) {
    network.at(domain, |site| site.hides_policies = Some((PATIENCE * 4, zone)));
    daemon.forgets(&about(domain)).await;
}

/// Asks until somebody is asked, which takes the pause of a question that failed; what was answered then, and how long that took.
async fn looked_at_again(daemon: &Daemon, network: &Network, domain: &str) -> (Arc<MtaAnswer>, Duration) {
    let before = network.at(domain, |site| site.questions);
    for _ in 0..1_000 {
        let answered = daemon.ask(about(domain)).await;
        if network.at(domain, |site| site.questions) > before {
            return answered;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody is asked again");
}

#[test]
fn the_last_answer_stands_in_for_silence_where_no_signature_could_prove_anything() {
    let (directory, network) = (directory(), Network::default());
    with(impatient(directory.path()), &network, async |daemon| {
        let unsigned = ZoneStatus::ProvenInsecure;
        network.at("a.test", |site| site.hides_policies = Some((Duration::ZERO, unsigned)));
        for expected in ["deliver policy-unreachable none"; 2] {
            assert_eq!(daemon.says(about("a.test")).await, expected);
        }
        network.at("a.test", |site| site.hides_policies = Some((PATIENCE * 4, unsigned)));
        let (answer, took) = looked_at_again(&daemon, &network, "a.test").await;
        assert_eq!(words(&answer), "deliver policy-unreachable none");
        assert!(took >= PATIENCE, "it was looked at again: {took:?}");
        assert_eq!(answer.socketmap.policy, "NOTFOUND ");
        until("the look-up goes on", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 2).await;
        // A policy that is published now is found by the next who asks.
        network.at("a.test", |site| site.hides_policies = None);
        let (answer, _) = looked_at_again(&daemon, &network, "a.test").await;
        assert_eq!(words(&answer), "deliver policy-met stored");
    });
}

#[test]
fn nothing_stands_in_where_a_signature_could_have_proven_something_or_the_administrator_wants_to_know() {
    for (zone, on_unreachable) in
        [(ZoneStatus::Signed, OnUnreachable::Deliver), (ZoneStatus::ProvenInsecure, OnUnreachable::Defer)]
    {
        let (directory, network) = (directory(), Network::default());
        let mut world = impatient(directory.path());
        world.rules.on_unreachable = on_unreachable;
        with(world, &network, async |daemon| {
            let is_signed = zone == ZoneStatus::Signed;
            network.at("a.test", |site| (site.mta_sts, site.ttl, site.is_signed) = (None, 1, is_signed));
            assert_eq!(daemon.says(about("a.test")).await, "deliver no-policy none");
            becomes_silent(&daemon, &network, "a.test", zone).await;
            assert_eq!(daemon.says(about("a.test")).await, "defer deadline none", "{zone:?}");
        });
    }
}

#[test]
fn nothing_stands_in_after_a_reload_or_after_others_wrote_into_the_files() {
    for happens in ["a reload", "a purge"] {
        let (directory, network) = (directory(), Network::default());
        let world = impatient(directory.path());
        with(world.clone(), &network, async |daemon| {
            network.at("a.test", |site| (site.mta_sts, site.ttl) = (None, 1));
            network.at("other.test", |site| site.is_signed = true);
            assert_eq!(daemon.says(about("a.test")).await, "deliver no-policy none");
            assert_eq!(daemon.says(about("other.test")).await, "deliver policy-met stored");
            becomes_silent(&daemon, &network, "a.test", ZoneStatus::ProvenInsecure).await;
            match happens {
                "a reload" => daemon.engine.renew(Arc::new(world.clone())),
                _ => drop(cache(&world).purge(&about("a.test").domain).unwrap()),
            }
            // Whatever was at hand is forgotten at once.
            daemon.forgets(&about("other.test")).await;
            assert_eq!(daemon.says(about("a.test")).await, "defer deadline none", "{happens}");
        });
    }
}

#[test]
fn nothing_stands_in_over_a_policy_that_another_process_has_just_stored() {
    let (directory, network) = (directory(), Network::default());
    let world = impatient(directory.path());
    with(world.clone(), &network, async |daemon| {
        network.at("a.test", |site| (site.mta_sts, site.ttl) = (None, 1));
        assert_eq!(daemon.says(about("a.test")).await, "deliver no-policy none");
        becomes_silent(&daemon, &network, "a.test", ZoneStatus::ProvenInsecure).await;
        let text = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: other.test\nmax_age: 604800\n";
        let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
        let (name, now) = (about("a.test").domain, SystemClock.now());
        let stored = StoredPolicy::fetched(&name, policy, Authentication::WebPki, now, now);
        cache(&world).keep(&stored).unwrap();
        let says = daemon.says(about("a.test")).await;
        assert!(says.starts_with("defer "), "{says}");
    });
}

#[test]
fn an_answer_before_the_end_keeps_exim_from_dane_where_that_is_left_out_and_nowhere_else() {
    for (mechanisms, leaves_dane_out) in [("mta-sts,smtp-sts", true), ("dane,mta-sts,smtp-sts", false)] {
        let (directory, network) = (directory(), Network::default());
        let mut world = impatient(directory.path());
        world.rules.mechanisms = mechanisms.parse().unwrap();
        with(world, &network, async |daemon| {
            network.at("a.test", |site| site.is_silent = true);
            let (answer, _) = daemon.ask(about("a.test")).await;
            assert_eq!(words(&answer), "defer deadline none");
            assert_eq!(answer.exim.contains(" tlsa=unusable "), leaves_dane_out, "{}", answer.exim);
        });
    }
}

#[test]
fn a_thousand_silent_domains_do_not_make_an_honest_one_wait() {
    let (directory, network) = (directory(), Network::default());
    // So much that a slow machine is in time, and that the silent ones keep whatever they hold until it is over.
    let patience = Duration::from_secs(10);
    let world = World { answer_within: patience, look_up_within: patience * 3, ..world(directory.path()) };
    with(world, &network, async |daemon| {
        let silence = (patience * 2, ZoneStatus::ProvenInsecure);
        for domain in (0..1_000).map(|number| format!("silent{number}.test")) {
            network.at(&domain, |site| site.hides_policies = Some(silence));
            tokio::task::spawn_local(daemon.says(about(&domain)));
        }
        tokio::task::yield_now().await;
        assert_eq!(daemon.says(about("honest.test")).await, "deliver policy-met stored");
    });
}
