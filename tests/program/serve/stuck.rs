//! G11: the disk hangs, and the thread that waits for it.

use super::daemon::{Plan, exim, until};
use crate::support::laboratory::Laboratory;
use crate::support::strace;
use smtp_sts_verify::limits::PULSE_DEADLINE;
use std::thread;
use std::time::Duration;

/// Longer than what the threads have to answer within.
const HANGS: Duration = Duration::from_secs(PULSE_DEADLINE.as_secs() + 4);

#[test]
fn while_the_store_alone_is_stuck_systemd_is_not_told_that_all_is_well() {
    if !strace::is_here("a disk that hangs under the daemon") {
        return;
    }
    let lab = Laboratory::start();
    // Whoever traces is a process of its own, and the daemon is the child of this test. The first wait for a disk is the store's.
    let trace = format!(
        "WATCHDOG_PID=$$; export WATCHDOG_PID; exec strace -D -f -o /dev/null -e trace=fsync,fdatasync \
         -e inject=fsync,fdatasync:delay_enter={}:when=1 \"$@\"",
        HANGS.as_micros()
    );
    let plan = Plan::in_world(&lab).variable("WATCHDOG_USEC", 300_000).variable("PATH", "/usr/bin:/bin");
    let mut daemon = plan.option("--answer-within", "1").started_by(&trace).start();
    daemon.wait_until_told("WATCHDOG=1");
    let journal = daemon.plan().cache().with_extension("db-journal");
    let (path, asked) = (daemon.plan().exim(), "sts.test");
    let asking = thread::spawn(move || exim(&path, asked).unwrap());
    until("a policy is being written", || journal.exists());
    // Whoever asks is answered by the front, in time, and nothing goes out for less than is known.
    let answer = asking.join().unwrap();
    assert!(answer.starts_with("verdict=defer "), "{answer}");
    // What it said before that is heard first.
    while daemon.tells("WATCHDOG=1", Duration::from_millis(50)) {}
    assert!(!daemon.tells("WATCHDOG=1", Duration::from_secs(4)), "{}", daemon.log());
    daemon.wait_for_log("a thread does not answer; the watchdog of systemd is not notified");
    // The disk has come back.
    daemon.wait_until_told("WATCHDOG=1");
    assert!(daemon.ask("sts.test mx.hosting.test").starts_with("verdict=refuse "), "{}", daemon.log());
}
