//! What others do to the files counts for the daemon, and what it writes itself costs it nothing.

use super::scene::{Network, about, about_host, cache, directory, until, with, world};
use rusqlite::Connection;
use smtp_sts_verify::dns::ZoneStatus;
use std::fs;
use std::time::Duration;

#[test]
fn a_purge_is_noticed_and_no_warm_answer_undoes_it() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        network.at("a.test", |site| site.mta_sts = None);
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
        let purged = cache(&world).purge(&about("a.test").domain).unwrap();
        assert_eq!(purged.policies, 1);
        daemon.forgets(&about("a.test")).await;
        assert_eq!(daemon.says(about("a.test")).await, "deliver no-policy none");
        assert_eq!(cache(&world).all().count(), 0);
    });
}

#[test]
fn what_another_process_learns_is_known_to_the_daemon() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    network.at("a.test", |site| site.mta_sts = None);
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver no-policy none");
        network.at("a.test", |site| site.mta_sts = Some(("1", "enforce")));
        // As `${run}` would, after the record's TTL.
        cache(&world).purge(&about("a.test").domain).unwrap();
        with_another(&world, &network);
        daemon.forgets(&about("a.test")).await;
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
    });
}

/// Another process asks.
fn with_another(world: &smtp_sts_verify::serve::world::World, network: &Network) {
    let (world, network) = (world.clone(), network.clone());
    let other = std::thread::spawn(move || {
        with(world, &network, async |daemon| daemon.says(about("a.test")).await);
    });
    other.join().unwrap();
}

#[test]
fn a_file_that_is_taken_away_is_no_longer_believed_and_another_one_takes_its_place() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        for file in [world.storage.path.clone(), world.storage.path.of_answers()] {
            fs::rename(file.as_path(), file.as_path().with_extension("away")).unwrap();
        }
        daemon.forgets(&about("a.test")).await;
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        assert_eq!((cache(&world).all().count(), network.at("a.test", |site| site.fetches)), (1, 2));
    });
}

#[test]
fn a_file_that_is_damaged_meanwhile_is_put_aside_and_the_daemon_goes_on_with_another_one() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        fs::write(world.storage.path.as_path(), vec![0x5a; 8_192]).unwrap();
        daemon.forgets(&about("a.test")).await;
        assert!(daemon.says(about("b.test")).await.starts_with("deliver policy-met "));
        assert!(daemon.says(about("c.test")).await.starts_with("deliver policy-met "));
        until("a new file is in use", || cache(&world).all().all(|one| one.is_ok())).await;
        let aside = fs::read_dir(directory.path()).unwrap().filter_map(Result::ok);
        let aside = aside.filter(|entry| entry.file_name().to_string_lossy().contains(".corrupt-")).count();
        assert_eq!(aside, 1);
    });
}

#[test]
fn what_the_daemon_writes_itself_does_not_clear_what_it_has_at_hand() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    // The files are there before.
    with(world.clone(), &network, async |daemon| daemon.says(about("first.test")).await);
    with(world, &network, async |daemon| {
        for number in 0..30 {
            daemon.says(about(&format!("d{number}.test"))).await;
        }
        // With this one comes how often others wrote, of which the store would count these thirty.
        daemon.says(about("another.test")).await;
        assert_eq!(daemon.engine.cached_answers(), 31);
    });
}

#[test]
fn what_is_learnt_about_one_host_ends_what_was_answered_about_the_others() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.mx = vec!["mx.test", "other.test"]);
    with(world(directory.path()), &network, async |daemon| {
        assert!(daemon.says(about_host("a.test", "mx.test")).await.starts_with("deliver policy-met "));
        assert!(daemon.says(about_host("a.test", "other.test")).await.starts_with("deliver policy-met "));
        // The domain moves away from one of its hosts; whoever asks about a third one brings that home.
        network.at("a.test", |site| (site.mx, site.mta_sts) = (vec!["mx.test"], Some(("2", "enforce"))));
        assert!(
            daemon.says(about_host("a.test", "strange.test")).await.starts_with("refuse mx-not-in-policy ")
        );
        assert!(
            daemon.says(about_host("a.test", "other.test")).await.starts_with("refuse mx-not-in-policy ")
        );
        assert!(daemon.says(about_host("a.test", "mx.test")).await.starts_with("deliver policy-met "));
    });
}

#[test]
fn a_policy_whose_row_is_damaged_is_counted_and_fetched_anew() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        let row = Connection::open(world.storage.path.as_path()).unwrap();
        row.execute("UPDATE policy SET body = replace(body, 'mx.test', 'nx.test')", []).unwrap();
        daemon.forgets(&about("a.test")).await;
        assert_eq!(daemon.counters.store_troubles.get(), 0);
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met unavailable");
        assert_eq!(daemon.counters.store_troubles.get(), 1);
        assert_eq!(network.at("a.test", |site| site.fetches), 2);
    });
}

/// Somebody brings back yesterday's files, as a restored backup does: under their names, or by writing over what is there. What they
/// know counts, which is no less than a policy in force; and the next fetch brings the policy home that came after them.
#[test]
fn an_old_copy_in_the_place_of_the_files_is_noticed_and_weakens_nothing_that_it_knows() {
    for is_written_over in [false, true] {
        let (directory, network) = (directory(), Network::default());
        let world = world(directory.path());
        let files = [world.storage.path.clone(), world.storage.path.of_answers()];
        let copy = |file: &std::path::Path| file.with_extension("yesterday");
        with(world.clone(), &network, async |daemon| {
            let host = |host| about_host("a.test", host);
            assert!(daemon.says(host("mx.test")).await.starts_with("deliver policy-met "));
            for file in &files {
                fs::copy(file.as_path(), copy(file.as_path())).unwrap();
            }
            network.at("a.test", |site| (site.mx, site.mta_sts) = (vec!["new.test"], Some(("2", "enforce"))));
            // A host that is none of the policy's has it fetched anew.
            assert!(daemon.says(host("strange.test")).await.starts_with("refuse mx-not-in-policy "));
            assert!(daemon.says(host("new.test")).await.starts_with("deliver policy-met "));
            for _ in 0..3 {
                daemon.says(about("b.test")).await;
            }
            let id =
                |world: &_| cache(world).all().map(|one| one.unwrap().policy.to_text()).collect::<String>();
            assert!(id(&world).contains("id=2"));
            for file in &files {
                if is_written_over {
                    fs::write(file.as_path(), fs::read(copy(file.as_path())).unwrap()).unwrap();
                } else {
                    fs::rename(copy(file.as_path()), file.as_path()).unwrap();
                }
            }
            daemon.forgets(&host("new.test")).await;
            // Whatever it says now, it says under the old policy or under the new one.
            assert!(daemon.says(host("strange.test")).await.starts_with("refuse mx-not-in-policy "));
            assert!(daemon.says(host("new.test")).await.starts_with("deliver policy-met "));
            assert!(id(&world).contains("id=2"), "it was fetched again");
            let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
            assert!(names.into_iter().all(|name| !name.to_string_lossy().contains(".corrupt-")));
        });
    }
}

/// A copy of `cache.db` from a day on which the domain was not known, or was testing, takes the place of one that says `enforce`: the daemon
/// knows what the copy knows, whatever it has said before. Where the policy can be fetched, the first look-up does, and asks for no less than
/// before. Where somebody keeps it from that at this very moment, the domain is met as on that day: SECURITY.md, what is not promised.
#[test]
fn an_old_copy_that_knows_less_takes_the_daemon_back_for_no_longer_than_it_is_kept_from_fetching() {
    let (unknown, testing) = ("deliver policy-unreachable none", "deliver report-only hit");
    for (mode_that_day, while_withheld) in [(None, unknown), (Some("testing"), testing)] {
        for is_withheld in [false, true] {
            let (directory, network) = (directory(), Network::default());
            let world = world(directory.path());
            let (file, copy) = (world.storage.path.as_path(), directory.path().join("that-day"));
            let strange = about_host("a.test", "strange.test");
            network.at("a.test", |site| site.mta_sts = mode_that_day.map(|mode| ("1", mode)));
            with(world.clone(), &network, async |daemon| {
                daemon.says(about("b.test")).await;
                daemon.says(about("a.test")).await;
                until("it is written down", || cache(&world).census().unwrap().here > 0).await;
            });
            fs::copy(file, &copy).unwrap();
            for file in [&world.storage.path, &world.storage.path.of_answers()] {
                fs::remove_file(file.as_path()).unwrap();
            }
            network.at("a.test", |site| site.mta_sts = Some(("2", "enforce")));
            with(world.clone(), &network, async |daemon| {
                let refusal = "refuse mx-not-in-policy ";
                assert!(daemon.says(strange.clone()).await.starts_with(refusal));
                until("it is written down", || cache(&world).census().unwrap().here > 0).await;
                // What is remembered of DNS may be gone as well: then each of its words is withheld.
                fs::remove_file(world.storage.path.of_answers().as_path()).unwrap();
                let hides = is_withheld.then_some((Duration::ZERO, ZoneStatus::ProvenInsecure));
                network
                    .at("a.test", |site| (site.hides_policies, site.refuses_fetches) = (hides, is_withheld));
                fs::rename(&copy, file).unwrap();
                daemon.forgets(&strange).await;
                let said = daemon.says(strange.clone()).await;
                if !is_withheld {
                    assert!(said.starts_with(refusal), "{mode_that_day:?}: {said}");
                    return;
                }
                assert_eq!(said, while_withheld, "{mode_that_day:?}");
                network.at("a.test", |site| (site.hides_policies, site.refuses_fetches) = (None, false));
                // A question that failed is left alone for five seconds at most.
                let mut said = said;
                for _ in 0..1_000 {
                    said = daemon.says(strange.clone()).await;
                    if said.starts_with(refusal) {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                panic!("{mode_that_day:?}: the policy is not fetched again: {said}");
            });
        }
    }
}
