//! The daemon finds the file of an earlier version, with very many policies, on a slow disk.

use super::daemon::{Plan, exim};
use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use crate::support::strace;
use rusqlite::Connection;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// As the release with version 2 wrote it.
const VERSION_2: &[u8] = include_bytes!("../../../fixtures/cache/version-2.db");

const BEFORE: &str = "the file of an earlier version is taken over";
const MEANWHILE: &str = "the file of an earlier version is still being taken over";
const AFTER: &str = "the file of an earlier version has been taken over";

/// Makes an old file with 50,000 policies more than it had, which are nobody's.
fn old_file(path: &Path) {
    fs::write(path, VERSION_2).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap();
    let fill = "INSERT INTO policy
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        SELECT printf('d%d.test', i), x'00', 'mta-sts', printf('v=STSv1; id=%d;', i), 'webpki', i, i + 1, NULL, 'True', x'00',
        printf('%.*c', 300, 'x') FROM n";
    Connection::open(path).unwrap().execute_batch(fill).unwrap();
}

#[test]
fn while_an_old_file_is_taken_over_the_log_says_how_far_it_is_and_systemd_hears_that_all_is_well() {
    if !strace::is_here("a slow disk under the daemon") {
        return;
    }
    let lab = Laboratory::start();
    // Whoever traces is a process of its own, and the daemon is the child of this test.
    let plan = Plan::in_world(&lab).variable("WATCHDOG_USEC", 300_000).variable("PATH", "/usr/bin:/bin");
    let trace = format!(
        "WATCHDOG_PID=$$; export WATCHDOG_PID; exec strace -D -f -o /dev/null -P '{}' -e trace=pread64 -e inject=pread64:delay_exit=500 \"$@\"",
        plan.cache().display()
    );
    old_file(plan.cache());
    let mut daemon = plan.option("--answer-within", "1").started_by(&trace).start();
    // It is ready before that: whoever asks is answered, and the time for a start is not used up.
    assert!(!daemon.log().contains(AFTER), "{}", daemon.log());
    let path = daemon.plan().exim();
    let asking = thread::spawn(move || exim(&path, "both.test mx.elsewhere.test").unwrap());
    daemon.wait_for_log(BEFORE);
    daemon.wait_for_log(MEANWHILE);
    // What it said before that is heard first.
    while daemon.tells("WATCHDOG=1", Duration::from_millis(1)) {}
    daemon.wait_until_told("WATCHDOG=1");
    let log = daemon.log();
    assert!(!log.contains(AFTER), "the file was too small, or the disk too quick: {log}");
    let line = log.lines().find(|line| line.contains(MEANWHILE)).unwrap();
    let percent = line.rsplit_once("percent=").and_then(|(_, number)| number.trim_matches('"').parse().ok());
    assert!(
        line.contains(" rows=\"50005\" ") && percent.is_some_and(|percent: u8| (1..=99).contains(&percent)),
        "{line}"
    );
    let answer = asking.join().unwrap();
    assert!(answer.starts_with("verdict=defer "), "not even memory has been read: {answer}");
    daemon.wait_for_log(AFTER);
    daemon.made_no_mistake();
}

#[test]
fn a_file_whose_take_over_the_disk_refused_is_not_said_to_have_been_taken_over() {
    let what = "a disk that refuses a take-over";
    let Some(mut failing) = strace::strace(what, "fsync,fdatasync", "error=EIO") else { return };
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    old_file(program.cache());
    let words = ["-d", "none.test", "-m", "mx.none.test", "--format", "json", "--log-format", "text"];
    let mut healthy = program.command(words);
    failing.arg(PROGRAM).args(healthy.get_args());
    for (command, is_done) in [(&mut failing, false), (&mut healthy, true)] {
        let output = command.output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!((log.contains(BEFORE), log.contains(AFTER)), (true, is_done), "{log}");
    }
}
