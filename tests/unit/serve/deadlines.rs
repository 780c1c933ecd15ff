//! An asker has his answer in time, whatever holds it up; and the look-up goes on for the next one.

use super::scene::{Network, about, about_host, cache, directory, until, with, words, world};
use rusqlite::Connection;
use smtp_sts_verify::serve::front::Front;
use smtp_sts_verify::serve::front::http::Pages as _;
use smtp_sts_verify::serve::front::status_query::Watch;
use smtp_sts_verify::serve::protocol::http::Page;
use smtp_sts_verify::serve::telemetry::counters::{LookUpEnd, Overload};
use smtp_sts_verify::serve::world::World;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_millis(1_500);
/// What a machine with much else to do may need beyond it; less than that, or a deadline that is counted twice would be none.
const GRACE: Duration = Duration::from_millis(1_200);

fn impatient(directory: &Path) -> World {
    World { answer_within: PATIENCE, ..world(directory) }
}

#[test]
fn at_the_deadline_the_policy_in_the_cache_decides_and_without_one_the_mail_waits() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.ttl = 1);
    with(impatient(directory.path()), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        daemon.forgets(&about("a.test")).await;
        for domain in ["a.test", "b.test"] {
            network.at(domain, |site| site.is_silent = true);
        }
        for (question, expected) in [
            (about("a.test"), "deliver policy-met hit"),
            (about_host("a.test", "mx.test"), "deliver policy-met hit"),
            (about_host("a.test", "strange.test"), "refuse mx-not-in-policy hit"),
            (about("b.test"), "defer deadline none"),
        ] {
            let (answer, took) = daemon.ask(question.clone()).await;
            assert_eq!(words(&answer), expected, "{question:?}");
            assert!(took >= PATIENCE && took < PATIENCE + GRACE, "{question:?} {took:?}");
        }
    });
}

#[test]
fn whoever_asks_about_very_many_hosts_of_a_silent_domain_leaves_nothing_behind() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.is_silent = true);
    with(impatient(directory.path()), &network, async |daemon| {
        let hosts = (0..200).map(|number| daemon.says(about_host("a.test", &format!("h{number}.test"))));
        let answers = futures_util::future::join_all(hosts).await;
        assert!(answers.iter().all(|answer| answer == "defer deadline none"), "{answers:?}");
        let counters = &daemon.counters;
        until("nobody waits for the domain any more", || counters.look_ups_waiting.get() == 0).await;
        // The domain's lock goes to the next one after a second.
        let begun = counters.look_ups_under_way.get();
        assert!((1..=1 + PATIENCE.as_secs()).contains(&begun), "{begun} have begun, and go on");
        assert_eq!(counters.overloads.of(Overload::Unbegun).get(), 200 - begun);
        assert_eq!(daemon.says(about("b.test")).await, "deliver policy-met stored");
    });
}

#[test]
fn an_answer_that_another_look_up_has_outrun_stands_for_nobody_else() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| {
        (site.delay, site.refuses_fetches) = (Duration::from_millis(700), true);
    });
    with(World { answer_within: 2 * PATIENCE, ..world(directory.path()) }, &network, async |daemon| {
        let asked = futures_util::future::join(
            daemon.says(about_host("a.test", "mx.test")),
            daemon.says(about("a.test")),
        );
        let network = &network;
        let mended = async {
            until("the first one fetches", || network.at("a.test", |site| site.fetches) == 1).await;
            // The policy host answers whoever comes next, and it is the first one's fetch that fails later.
            network.at("a.test", |site| {
                (site.delay, site.refuses_fetches) = (Duration::from_millis(5), false);
            });
        };
        let ((first, second), ()) = futures_util::future::join(asked, mended).await;
        assert_eq!(second, "deliver policy-met stored");
        assert_eq!(
            daemon.says(about_host("a.test", "mx.test")).await,
            "deliver policy-met hit",
            "after '{first}'"
        );
    });
}

#[test]
fn a_policy_that_is_only_announced_lets_no_mail_go_before_it_was_asked_for() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.refuses_fetches = true);
    let known = world(directory.path());
    with(known.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-not-fetched none");
    });
    // The record and the MX hosts are known, the failure is forgotten, and the policy host takes its time.
    let connection = Connection::open(known.storage.path.of_answers().as_path()).unwrap();
    assert_eq!(connection.execute("DELETE FROM answer WHERE topic LIKE '%failures'", []).unwrap(), 1);
    drop(connection);
    network.at("a.test", |site| (site.refuses_fetches, site.delay) = (false, PATIENCE * 2));
    with(impatient(directory.path()), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "defer deadline none");
        until("the look-up goes on", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 1).await;
        assert!(daemon.says(about("a.test")).await.starts_with("deliver policy-met "));
    });
}

#[test]
fn the_look_up_goes_on_for_the_next_asker() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.delay = PATIENCE);
    with(impatient(directory.path()), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "defer deadline none");
        until("it ends", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 1).await;
        let (answer, took) = daemon.ask(about("a.test")).await;
        assert!(words(&answer).starts_with("deliver policy-met "), "{}", answer.exim);
        assert!(took < PATIENCE, "{took:?}");
        assert_eq!(network.at("a.test", |site| (site.questions, site.fetches)), (3, 1));
    });
}

#[test]
fn a_question_that_waits_for_its_domains_lock_is_answered_in_time_too() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.ttl = 1);
    with(impatient(directory.path()), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        daemon.forgets(&about("a.test")).await;
        network.at("a.test", |site| site.is_silent = true);
        let first = tokio::task::spawn_local(daemon.says(about("a.test")));
        until("the domain is locked", || daemon.counters.look_ups_under_way.get() == 1).await;
        let (answer, took) = daemon.ask(about_host("a.test", "mx.test")).await;
        assert_eq!(words(&answer), "deliver policy-met hit");
        assert!(took < PATIENCE + GRACE, "{took:?}");
        assert_eq!(first.await.unwrap(), "deliver policy-met hit");
    });
}

#[test]
fn a_file_that_another_process_holds_does_not_keep_the_daemon_from_answering() {
    let (directory, network) = (directory(), Network::default());
    let world = impatient(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        let other = Connection::open(world.storage.path.as_path()).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let (answer, took) = daemon.ask(about("b.test")).await;
        assert_eq!(words(&answer), "defer deadline none");
        assert!(took < PATIENCE + GRACE, "{took:?}");
        let (answer, took) = daemon.ask(about("a.test")).await;
        assert_eq!(words(&answer), "deliver policy-met hit");
        assert!(took < PATIENCE, "what is warm waits for no file: {took:?}");
        other.execute_batch("ROLLBACK").unwrap();
        until("it goes on", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 2).await;
        assert_eq!(daemon.says(about("b.test")).await.split(' ').next(), Some("deliver"));
    });
}

#[test]
fn without_a_file_answers_go_on_and_say_so() {
    let (directory, network) = (directory(), Network::default());
    let nowhere = world(&directory.path().join("missing"));
    with(nowhere, &network, async |daemon| {
        for _ in 0..3 {
            assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met unavailable");
        }
        assert_eq!(network.at("a.test", |site| site.fetches), 1, "and a queue full of mail asks once");
        let refused = daemon.says(about_host("a.test", "strange.test")).await;
        assert_eq!(refused, "refuse mx-not-in-policy unavailable");
    });
}

#[test]
fn what_was_in_force_is_in_force_again_for_whoever_comes_after_a_restart() {
    let (directory, network) = (directory(), Network::default());
    let world = impatient(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        // It was on the disk before the answer left.
        let stored = cache(&world).all().next().unwrap().unwrap();
        assert_eq!(stored.domain, about("a.test").domain);
    });
    network.at("a.test", |site| site.is_silent = true);
    with(world, &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
        let refused = daemon.says(about_host("a.test", "strange.test")).await;
        assert_eq!(refused, "refuse mx-not-in-policy hit");
    });
}

/// From the moment on at which it hangs, time passes as soon as nobody has anything to do.
#[test]
fn a_page_waits_for_a_thread_that_hangs_for_one_second_and_says_so() {
    let (directory, network) = (directory(), Network::default());
    let mut world = world(directory.path());
    world.dns.servers = vec!["192.0.2.53:53".parse().unwrap()];
    with(world, &network, async |daemon| {
        let front = Front::new(Rc::clone(&daemon.engine), Arc::clone(&daemon.counters));
        let pages = Watch::new(Rc::clone(&daemon.engine), front, vec!["/run/exim".to_owned()]);
        // Whoever looks at the network meanwhile hangs.
        let (go_on, told) = mpsc::channel::<()>();
        let (holds, held) = mpsc::channel();
        let network = network.clone();
        let holder = std::thread::spawn(move || {
            network.at("a.test", |_| {
                holds.send(()).unwrap();
                told.recv().unwrap_or_default();
            });
        });
        held.recv().unwrap();
        let asker = tokio::task::spawn_local(daemon.says(about("a.test")));
        while timeout(Duration::from_millis(50), daemon.engine.pulse()).await.is_ok() {}
        tokio::time::pause();
        let began = Instant::now();
        let reply = pages.page(Page::Readyz).await;
        let took = began.elapsed();
        tokio::time::resume();
        drop(go_on);
        holder.join().unwrap();
        assert_eq!((reply.status, took.as_millis() / 5), (503, 200), "{took:?}");
        assert!(reply.body.contains("does not answer within a second"), "{}", reply.body);
        assert!(asker.await.unwrap().starts_with("deliver "));
    });
}
