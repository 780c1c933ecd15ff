//! A thread of the daemon is lost, which takes a panic that nobody can catch.

use super::scene::{Network, about, directory, with, world};
use smtp_sts_verify::config::address::Address;
use smtp_sts_verify::serve::concurrency::ConcurrencyLimits;
use smtp_sts_verify::serve::lifecycle::{self, Ended};
use smtp_sts_verify::serve::listen;
use smtp_sts_verify::serve::telemetry::counters::Protocol;
use smtp_sts_verify::serve::tlsrpt::datagrams::Reception;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

/// What takes the thread along: a panic whose message panics when it is let go.
struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        // Nobody catches that one.
        panic!("as no mistake of ours has done yet");
    }
}

#[test]
fn a_daemon_without_its_store_answers_at_once_that_mail_waits_and_ends_as_broken() {
    let (directory, network) = (directory(), Network::default());
    let world = world(directory.path());
    with(world.clone(), &network, async |daemon| {
        let path = directory.path().join("exim.sock");
        let place = listen::open(Protocol::Exim, &Address::Unix(path.clone())).await.unwrap();
        let reception = Reception::begin(Vec::new(), &daemon.recorder, &daemon.counters).unwrap();
        let living = spawn_local(lifecycle::live(
            vec![place],
            reception,
            ConcurrencyLimits::within(u64::MAX),
            Rc::clone(&daemon.engine),
            Arc::clone(&daemon.counters),
            None,
            || Err("nobody asks for it".to_owned()),
        ));
        UnixStream::connect(&path).await.unwrap();
        assert_eq!(daemon.says(about("a.test")).await, "deliver policy-met stored");
        assert!(!living.is_finished());
        let lost = daemon.store.ask(&Arc::new(world), |_| -> () { std::panic::panic_any(Last) }).await;
        assert!(lost.is_err());
        // Far less than an answer may take, for there is nothing to wait for.
        let soon = Duration::from_secs(1);
        let said = timeout(soon, daemon.says(about("b.test"))).await.expect("nobody waits");
        assert_eq!(said, "defer internal none");
        let ended = timeout(Duration::from_secs(10), living).await.expect("it ends").unwrap().unwrap();
        assert_eq!(ended, Ended::Broken("store"));
    });
}
