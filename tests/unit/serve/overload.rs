//! More than there is room for, and files that nobody can write to: what is known is answered all the same, and nothing is lost
//! that can be kept.

use super::scene::{Network, about, about_host, cache, directory, with, world};
use futures_util::FutureExt as _;
use rusqlite::Connection;
use smtp_sts_verify::cache::Counts;
use smtp_sts_verify::limits::{ANSWER_WITHIN_DEFAULT, MAX_PENDING_LOOK_UPS};
use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::policy::{Mode, PolicyType};
use smtp_sts_verify::reports::applied::Mark;
use smtp_sts_verify::reports::event::{Answered, Event, Happening, Proof, Session};
use smtp_sts_verify::serve::engine::Answers as _;
use smtp_sts_verify::serve::seats::asker::Asker;
use smtp_sts_verify::serve::telemetry::counters::{EventFate, Overload};
use smtp_sts_verify::serve::world::World;
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::verdict::Tls;
use std::fs::File;
use std::time::Duration;

#[test]
fn as_many_questions_wait_as_there_is_room_for_and_the_next_one_is_told_so_at_once() {
    let (directory, network) = (directory(), Network::default());
    // Its answer stands for an hour, however long the others take.
    network.at("known.test", |site| site.is_signed = true);
    with(world(directory.path()), &network, async |daemon| {
        assert_eq!(daemon.says(about("known.test")).await, "deliver policy-met stored");
        let refused = daemon.counters.overloads.of(Overload::Refused);
        let ask = |number| Box::pin(daemon.says(about(&format!("d{number}.test"))));
        // Nobody else has a turn meanwhile, so that none of them is answered before the last one has asked.
        let mut waiting: Vec<_> = (0..MAX_PENDING_LOOK_UPS).map(ask).collect();
        for one in &mut waiting {
            assert!(one.now_or_never().is_none());
        }
        assert_eq!(refused.get(), 0);
        let said = |domain| daemon.says(about(domain)).now_or_never();
        assert_eq!(said("one-more.test").as_deref(), Some("defer deadline none"));
        assert_eq!(refused.get(), 1);
        assert_eq!(said("known.test").as_deref(), Some("deliver policy-met hit"));
        assert_eq!(said("d0.test"), None, "it shares what is under way");
        assert_eq!(refused.get(), 1);
        drop(waiting);
        // Those who left make room.
        let mut said = daemon.says(about("one-more.test")).await;
        for _ in 0..1_000 {
            if said.starts_with("deliver policy-met ") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            said = daemon.says(about("one-more.test")).await;
        }
        assert!(said.starts_with("deliver policy-met "), "{said}");
    });
}

/// Exim's word that it delivered, over TLS that it verified.
fn delivered(process: u32) -> Box<Event> {
    let session = Session {
        process,
        domain: about("a.test").domain,
        host: MxHost::from_text("mx.test").unwrap(),
        address: "192.0.2.25".parse().unwrap(),
        from: None,
    };
    let (policy, mode) = (PolicyType::MtaSts, Mode::Enforce);
    let answered = Answered { policy, mode, tls: Tls::WebPki, mark: Mark::of("an answer") };
    Box::new(Event { session, answered, happening: Happening::Encrypted(Proof::Authority) })
}

#[test]
fn counts_that_cannot_be_written_are_kept_and_written_when_they_can_be() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    let counted = || {
        let storage = &world.storage;
        let counts = Counts::beside(&storage.path, storage.max_domains, SystemClock.now()).read_only();
        counts.of(None).unwrap().into_iter().map(|(_, number)| number).sum::<u64>()
    };
    with(world.clone(), &network, async |daemon| {
        daemon.engine.noticed(Asker::default(), delivered(1));
        daemon.engine.write_down().await;
        assert_eq!((counted(), daemon.counters.store_troubles.get()), (1, 0));
        let held = Connection::open(directory.path().join("cache.reports.db")).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        for process in [2, 3] {
            daemon.engine.noticed(Asker::default(), delivered(process));
        }
        daemon.engine.write_down().await;
        assert_eq!((counted(), daemon.counters.store_troubles.get()), (1, 1));
        held.execute_batch("ROLLBACK").unwrap();
        daemon.engine.write_down().await;
        assert_eq!((counted(), daemon.counters.store_troubles.get()), (3, 1));
        assert_eq!(daemon.counters.sessions_lost.get(), 0);
        assert_eq!(daemon.counters.events.of(EventFate::Kept).get(), 3);
    });
}

#[test]
fn a_policy_that_cannot_be_written_down_still_decides_and_that_is_told() {
    let (directory, network) = (directory(), Network::default());
    // Writers wait for their turn and for SQLite's lock together, and for less than any asker.
    let world = World { answer_within: ANSWER_WITHIN_DEFAULT, ..world(directory.path()) };
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        let held = Connection::open(world.storage.path.as_path()).unwrap();
        held.execute_batch("BEGIN IMMEDIATE").unwrap();
        let turn = File::open(directory.path().join("cache.db.turn")).unwrap();
        turn.lock().unwrap();
        let strange = daemon.says(about_host("b.test", "strange.test")).await;
        assert_eq!(strange, "refuse mx-not-in-policy unavailable");
        assert_eq!(daemon.counters.store_troubles.get(), 1);
        held.execute_batch("ROLLBACK").unwrap();
        assert_eq!(cache(&world).all().count(), 1, "it was not written");
        turn.unlock().unwrap();
        assert_eq!(daemon.says(about("c.test")).await, "deliver policy-met stored");
        assert_eq!(daemon.says(about("d.test")).await, "deliver policy-met stored");
        // That it can be kept now is known with the first thing that is; nobody is told any more that it cannot.
        assert_eq!(daemon.says(about_host("b.test", "strange.test")).await, "refuse mx-not-in-policy stored");
        assert_eq!(cache(&world).all().count(), 4);
    });
}
