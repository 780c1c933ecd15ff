//! A domain whose zone was bogus, and is mended.

use super::daemon::{Daemon, until};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::zone::Health;
use std::time::{Duration, Instant};

/// C19: nothing that a daemon remembers of a bogus answer holds mail up for longer than that.
const WITHIN: Duration = Duration::from_secs(60);

#[test]
fn a_zone_that_is_mended_is_believed_within_a_minute() {
    let lab = Laboratory::start();
    let daemon = Daemon::in_world(&lab);
    lab.set_health("enforced.test", Health::Altered);
    for _ in 0..2 {
        let answer = daemon.ask("enforced.test");
        assert!(answer.starts_with("verdict=defer ") && answer.contains(" reason=dnssec-bogus"), "{answer}");
    }
    lab.set_health("enforced.test", Health::Signed);
    let mended = Instant::now();
    until("its mail goes", || daemon.ask("enforced.test").starts_with("verdict=deliver "));
    assert!(mended.elapsed() < WITHIN, "{:?}", mended.elapsed());
}
