//! Another configuration counts from the moment at which it is there.

use super::scene::{Network, about, directory, until, with, world};
use serde::Deserialize;
use smtp_sts_verify::config::Rules;
use smtp_sts_verify::overrides::Overrides;
use smtp_sts_verify::serve::telemetry::counters::LookUpEnd;
use smtp_sts_verify::serve::world::World;
use std::sync::Arc;
use std::time::Duration;

fn ignoring(world: &World) -> Arc<World> {
    #[derive(Deserialize)]
    struct File {
        r#override: Overrides,
    }
    let text = "[override.'a.test']\nignore = true\nuntil = 2999-12-31\nreason = 'a test'";
    let overrides = toml::from_str::<File>(text).unwrap().r#override;
    Arc::new(World { rules: Rules { overrides, ..Rules::default() }, ..world.clone() })
}

#[test]
fn what_was_answered_under_the_old_configuration_is_forgotten() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        daemon.engine.renew(ignoring(&world));
        assert_eq!(daemon.says(about("a.test")).await, "deliver override none");
        daemon.engine.renew(Arc::new(world.clone()));
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met hit");
    });
}

#[test]
fn nobody_shares_a_look_up_of_the_old_configuration_and_none_of_its_answers_is_kept() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.delay = Duration::from_millis(300));
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        let old = tokio::task::spawn_local(daemon.says(about("a.test")));
        until("it is asked about", || network.at("a.test", |site| site.questions) > 0).await;
        daemon.engine.renew(ignoring(&world));
        assert_eq!(daemon.says(about("a.test")).await, "deliver override none");
        assert_eq!(old.await.unwrap(), "deliver policy-met stored", "whoever asked before has his answer");
        until("the look-up ends", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 1).await;
        assert_eq!(daemon.says(about("a.test")).await, "deliver override none");
    });
}

#[test]
fn what_failed_under_the_old_configuration_is_asked_again_at_once() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.is_silent = true);
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        assert_eq!(daemon.says(about("a.test")).await, "defer deadline none");
        until("the look-up ends", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 1).await;
        network.at("a.test", |site| site.is_silent = false);
        daemon.engine.renew(Arc::new(world.clone()));
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
    });
}

#[test]
fn a_failure_that_an_old_look_up_comes_to_later_is_not_remembered_under_the_new_configuration() {
    let (directory, network) = (directory(), Network::default());
    network.at("a.test", |site| site.is_silent = true);
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        let old = tokio::task::spawn_local(daemon.says(about("a.test")));
        until("it is asked about", || network.at("a.test", |site| site.questions) > 0).await;
        network.at("a.test", |site| site.is_silent = false);
        daemon.engine.renew(Arc::new(world.clone()));
        assert_eq!(old.await.unwrap(), "defer deadline none");
        until("the old look-up ends", || daemon.counters.look_ups.of(LookUpEnd::Completed).get() == 1).await;
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
    });
}
