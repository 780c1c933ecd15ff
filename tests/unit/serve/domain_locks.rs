//! One look-up a domain, however many ask; and nobody waits for somebody else's domain.

use super::scene::{Network, about, about_host, directory, until, with, words, world};
use futures_util::future::join_all;
use smtp_sts_verify::serve::engine::Answers as _;
use smtp_sts_verify::serve::seats::asker::Asker;
use smtp_sts_verify::serve::telemetry::counters::{LookUpEnd, Source, Thread};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_thousand_askers_of_a_cold_domain_cost_one_set_of_questions_and_one_fetch() {
    let (directory, network) = (directory(), Network::default());
    with(world(directory.path()), &network, async |daemon| {
        let answers = join_all((0..1_000).map(|_| daemon.says(about("a.test")))).await;
        assert!(answers.iter().all(|answer| answer == "deliver policy-met stored"), "{answers:?}");
        let cost = network.at("a.test", |site| (site.questions, site.fetches));
        assert_eq!(cost, (3, 1), "the names of two dialects, and one policy");
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
        assert_eq!(network.at("a.test", |site| (site.questions, site.fetches)), cost);
    });
}

#[test]
fn an_answer_tells_whose_look_up_it_came_from() {
    let (directory, network) = (directory(), Network::default());
    with(world(directory.path()), &network, async |daemon| {
        let from = async || daemon.engine.answer(Asker::default(), about("a.test")).await.1;
        let together = join_all([from(), from(), from()]).await;
        assert_eq!(together, [Source::LookUp, Source::Shared, Source::Shared]);
        assert_eq!(from().await, Source::Warm);
    });
}

#[test]
fn questions_about_different_hosts_of_a_domain_share_what_is_learnt() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.mx = (0..50).map(|n| &*format!("mx{n}.test").leak()).collect());
    with(world(directory.path()), &network, async |daemon| {
        let ask = |n| daemon.says(about_host("a.test", &format!("mx{}.test", n % 50)));
        let answers = join_all((0..1_000).map(ask)).await;
        assert!(answers.iter().all(|answer| answer.starts_with("deliver policy-met ")), "{answers:?}");
        assert_eq!(network.at("a.test", |site| (site.questions, site.fetches)), (3, 1));
        // One that is refused is looked at again by itself, and its policy host is not asked for what it just said.
        let strange = join_all((0..100).map(|_| daemon.says(about_host("a.test", "strange.test")))).await;
        assert!(strange.iter().all(|answer| answer.starts_with("refuse mx-not-in-policy ")), "{strange:?}");
        let (questions, fetches, fetching) =
            network.at("a.test", |site| (site.questions, site.fetches, site.fetching.1));
        assert!(questions <= 6 && fetches == 1 && fetching == 1, "{questions} {fetches} {fetching}");
    });
}

#[test]
fn a_look_up_that_panics_releases_its_askers_and_takes_nobody_along() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.panics = true);
    with(world(directory.path()), &network, async |daemon| {
        let (both, others) = (
            join_all((0..100).map(|n| daemon.ask(about_host("a.test", &format!("h{}.test", n % 2))))),
            join_all((0..20).map(|n| daemon.says(about(&format!("d{n}.test"))))),
        );
        let (lost, served) = futures_util::future::join(both, others).await;
        for (answer, took) in lost {
            assert_eq!(words(&answer), "defer internal none");
            assert!(took < Duration::from_secs(2), "at once, and not at the deadline: {took:?}");
        }
        assert!(served.iter().all(|answer| answer == "deliver policy-met stored"), "{served:?}");
        let counters = &daemon.counters;
        assert_eq!(counters.panics.of(Thread::LookupWorker).get(), 2, "one for each question");
        assert_eq!(counters.look_ups.of(LookUpEnd::Panicked).get(), 2);
        assert_eq!((counters.look_ups_waiting.get(), counters.look_ups_under_way.get()), (0, 0));
        network.at("a.test", |site| site.panics = false);
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
    });
}

/// Honest domains beside so many that never answer, one after the other; the slowest of them.
fn slowest_honest_beside(silent: usize) -> Duration {
    let (directory, network) = (directory(), Network::default());
    for number in 0..silent {
        network.at(&format!("silent{number}.test"), |site| site.is_silent = true);
    }
    let world = smtp_sts_verify::serve::world::World {
        answer_within: Duration::from_secs(3),
        ..world(directory.path())
    };
    with(world, &network, async |daemon| {
        let gone = Rc::new(Cell::new(0));
        for number in 0..silent {
            let ask = daemon.ask(about(&format!("silent{number}.test")));
            let gone = Rc::clone(&gone);
            tokio::task::spawn_local(async move {
                drop(ask.await);
                gone.set(gone.get() + 1);
            });
        }
        until("all are on their way", || {
            let counters = &daemon.counters;
            counters.look_ups_under_way.get() + counters.look_ups_waiting.get()
                >= u64::try_from(silent).unwrap()
        })
        .await;
        // Those who asked have their answers, and what they asked goes on.
        until("nobody waits", || gone.get() == silent).await;
        let mut slowest = Duration::ZERO;
        for number in 0..20 {
            let (answer, took) = daemon.ask(about(&format!("honest{number}.test"))).await;
            assert_eq!(words(&answer), "deliver policy-met stored", "{took:?}");
            slowest = slowest.max(took);
        }
        assert!(daemon.counters.look_ups_under_way.get() > 0, "silent ones are still asked about");
        slowest
    })
}

#[test]
fn silent_domains_do_not_hold_up_an_honest_one() {
    for silent in [63, 150] {
        let slowest = slowest_honest_beside(silent);
        assert!(slowest <= Duration::from_secs(1), "{slowest:?} beside {silent}");
    }
}

#[test]
fn who_asks_about_silent_hosts_of_a_domain_holds_it_up_for_a_moment() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.is_silent = true);
    with(world(directory.path()), &network, async |daemon| {
        for number in 0..50 {
            let ask = daemon.ask(about_host("a.test", &format!("h{number}.test")));
            tokio::task::spawn_local(async move { drop(ask.await) });
        }
        until("one of them asks", || daemon.counters.look_ups_under_way.get() == 1).await;
        // What it asked is never answered; whoever asks now is.
        network.at("a.test", |site| site.is_silent = false);
        let honest = Asker { connection: 7, ..Asker::default() };
        let (answer, _) = daemon.engine.answer(honest, about("a.test")).await;
        assert!(words(&answer).starts_with("deliver policy-met "), "{}", words(&answer));
        assert!(daemon.counters.look_ups_under_way.get() >= 1, "the first one still waits");
    });
}

#[test]
fn what_failed_a_moment_ago_is_not_asked_again_by_whoever_comes_next() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.is_silent = true);
    with(world(directory.path()), &network, async |daemon| {
        let first = daemon.says(about("a.test")).await;
        assert_eq!(first, "defer deadline none");
        until("the look-up ends", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 1).await;
        let asked = network.at("a.test", |site| site.questions);
        for host in ["one.test", "two.test", "three.test"] {
            let (answer, took) = daemon.ask(about_host("a.test", host)).await;
            assert_eq!(words(&answer), "defer dns-unreachable none");
            assert!(took < Duration::from_secs(1), "{took:?}");
        }
        assert_eq!(network.at("a.test", |site| site.questions), asked);
        assert_eq!(
            daemon.engine.at_once(&about("a.test")).map(|answer| words(&answer)).as_deref(),
            Some("defer dns-unreachable none")
        );
    });
}
