//! What Exim tells of its sessions: it is answered with nothing, counted, and puts a policy into force that was met.

use super::daemon::{Daemon, PATIENCE, Plan, until};
use crate::support::laboratory::Laboratory;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

const DOMAIN: &str = "first.test";
const HOST: &str = "mx.first.test";
const VERIFIED: &str = "ev=smtp:ehlo cipher=TLS1.3:X:256 cv=1 dane=no";

/// What an event says of whose session it was; its policy line is the one that the daemon answers now.
fn event(daemon: &Daemon, domain: &str, host: &str, happening: &str) -> String {
    let line = daemon.ask(domain);
    format!(
        "E {happening} pid=4711 dom={domain} host={host} ip=192.0.2.25 sip=192.0.2.1 pol=\"{line}\" errno=0\n"
    )
}

/// Tells it as Exim does; what it is answered.
fn tell(socket: &Path, event: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(event.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn told(daemon: &Daemon, domain: &str, host: &str, happening: &str) {
    assert_eq!(tell(&daemon.plan().exim(), &event(daemon, domain, host, happening)), "");
}

fn is_in_force(daemon: &Daemon, host: &str) -> bool {
    let refused = daemon.ask(&format!("{DOMAIN} {host}")).starts_with("verdict=refuse ");
    let demanded = daemon.ask(DOMAIN).contains(" tls=webpki policy=smtp-sts ");
    assert_eq!(refused, demanded);
    refused
}

/// What `reports` says: domain, result, host and number of sessions, in their order.
fn reports(plan: &Plan) -> Vec<(String, String, String, u64)> {
    reports_now(plan).expect("nobody is writing")
}

/// The same while a daemon may be writing for longer than one waits for it; `None` if it is (exit status 75).
fn reports_now(plan: &Plan) -> Option<Vec<(String, String, String, u64)>> {
    let output = Command::new(env!("CARGO_BIN_EXE_smtp-sts-verify"))
        .args(["reports", "--format", "json", "--config", "/dev/null", "--cachedb"])
        .arg(&plan.cache)
        .output()
        .unwrap();
    if output.status.code() == Some(75) && String::from_utf8_lossy(&output.stderr).contains("is locked") {
        return None;
    }
    assert!(output.status.success(), "{output:?}");
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        (text(&row, "domain"), text(&row, "result"), text(&row, "host"), row["sessions"].as_u64().unwrap())
    };
    Some(String::from_utf8(output.stdout).unwrap().lines().map(row).collect())
}

fn row(domain: &str, result: &str, host: &str, sessions: u64) -> (String, String, String, u64) {
    (domain.into(), result.into(), host.into(), sessions)
}

#[test]
fn a_policy_trusted_on_first_use_binds_after_a_verified_handshake_and_after_kill_9() {
    let lab = Laboratory::start();
    let daemon = Daemon::in_world(&lab);
    let other = "mx.hosting.test";
    assert!(!is_in_force(&daemon, other));
    for happening in [
        "ev=smtp:ehlo cipher= cv=0 data=\"250-mx\\n250 STARTTLS\"",
        "ev=smtp:ehlo cipher=TLS1.3:X:256 cv=0 dane=no",
        "ev=msg:host:defer cv=1",
    ] {
        told(&daemon, DOMAIN, HOST, happening);
    }
    // A handshake with a host that the policy does not permit, and one under no policy at all.
    told(&daemon, DOMAIN, other, VERIFIED);
    told(&daemon, "plain.test", HOST, VERIFIED);
    let forged = event(&daemon, "plain.test", HOST, VERIFIED).replace("policy=none", "policy=smtp-sts");
    assert_eq!(tell(&daemon.plan().exim(), &forged), "");
    assert!(daemon.ask("plain.test").contains("policy=none"));
    assert!(!is_in_force(&daemon, other));
    told(&daemon, DOMAIN, HOST, VERIFIED);
    // Between two questions it may come into force; from then on it counts for all.
    until("the policy is in force", || daemon.ask(DOMAIN).contains(" tls=webpki policy=smtp-sts "));
    assert!(is_in_force(&daemon, other));
    let daemon = daemon.kill().start();
    assert!(is_in_force(&daemon, other));
}

#[test]
fn what_is_told_is_counted_and_on_the_disk_when_the_daemon_ends() {
    let lab = Laboratory::start();
    let mut daemon = Daemon::in_world(&lab);
    let (domain, host) = ("enforced.test", "mx1.enforced.test");
    for _ in 0..3 {
        told(&daemon, domain, host, VERIFIED);
    }
    told(&daemon, domain, host, "ev=smtp:ehlo data=\"250-mx\\n250 HELP\"");
    told(&daemon, domain, host, "ev=msg:host:defer errno=-38 data=x");
    for unreadable in ["E \n", "E ev=smtp:ehlo\n", "E PURGE\n"] {
        assert_eq!(tell(&daemon.plan().exim(), unreadable), "");
    }
    assert!(daemon.terminate().success());
    let expected = [row(domain, "starttls-not-supported", host, 1), row(domain, "success", host, 3)];
    assert_eq!(reports(daemon.plan()), expected);
}

#[test]
fn what_was_written_down_of_a_session_survives_kill_9() {
    let lab = Laboratory::start();
    let daemon = Daemon::in_world(&lab);
    let (domain, host) = ("enforced.test", "mx1.enforced.test");
    told(&daemon, domain, host, VERIFIED);
    let place = daemon.plan().cache().with_extension("reports.db");
    until("the counts are on the disk", || {
        place.exists()
            && reports_now(daemon.plan()).is_some_and(|all| all == [row(domain, "success", host, 1)])
    });
    let mut daemon = daemon.kill().start();
    told(&daemon, domain, host, VERIFIED);
    assert!(daemon.terminate().success());
    assert_eq!(reports(daemon.plan()), [row(domain, "success", host, 2)]);
}

/// A file that cannot be written, because something else has its name, keeps nobody from counting; and what was counted is written
/// when it can be.
#[test]
fn counts_that_cannot_be_written_are_kept_until_they_can() {
    let lab = Laboratory::start();
    let mut daemon = Daemon::in_world(&lab);
    let place = daemon.plan().cache().with_extension("reports.db");
    std::fs::create_dir(&place).unwrap();
    let (domain, host) = ("enforced.test", "mx1.enforced.test");
    for _ in 0..3 {
        told(&daemon, domain, host, VERIFIED);
    }
    daemon.wait_for_log("sessions for TLS reports are not written down");
    told(&daemon, domain, host, VERIFIED);
    std::fs::remove_dir(&place).unwrap();
    assert!(daemon.terminate().success());
    assert_eq!(reports(daemon.plan()), [row(domain, "success", host, 4)]);
}

#[test]
fn what_a_look_up_finds_fault_with_is_counted_once_however_many_ask() {
    let lab = Laboratory::start();
    let mut daemon = Daemon::in_world(&lab);
    for _ in 0..3 {
        daemon.ask("sts-body.test");
    }
    assert!(daemon.terminate().success());
    assert_eq!(reports(daemon.plan()), [row("sts-body.test", "sts-policy-invalid", "-", 1)]);
}
