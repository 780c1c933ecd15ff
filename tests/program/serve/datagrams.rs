//! What Postfix tells of its sessions (libtlsrpt): datagrams on a socket of its own, counted for TLS reports.

use super::daemon::{Daemon, Plan, until};
use crate::support::laboratory::Laboratory;
use crate::support::turn::turn_of_this_thread;
use serde_json::{Value, json};
use smtp_sts_verify::cache::{CachePath, Counts, Outbox};
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::{Mode, PolicyType};
use smtp_sts_verify::reports::session::Ended;
use smtp_sts_verify::reports::tally::{Applied, Day, Row};
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

fn place(plan: &Plan) -> PathBuf {
    plan.directory.path().join("tlsrpt.sock")
}

fn started(lab: &Laboratory) -> Daemon {
    let plan = Plan::in_world(lab);
    let place = place(&plan);
    plan.option("--tlsrpt", place.display()).start()
}

/// The client's end, as libtlsrpt has it: it never waits.
fn client(place: &Path) -> UnixDatagram {
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(place).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn datagram(domain: &str, kind: u64, lines: &[&str], code: Option<u64>) -> Vec<u8> {
    let details: Vec<Value> = code
        .iter()
        .map(|code| json!({"c": code, "s": "192.0.2.1", "n": "mx.r.test", "h": "250-mx1.r.test hi", "r": "192.0.2.25"}))
        .collect();
    let policy = json!({"policy-type": kind, "policy-domain": "mx.r.test", "policy-string": lines, "t": details.len(), "f": details.len(), "failure-details": details});
    json!({"dpv": "1", "d": domain, "pr": "v=TLSRPTv1;rua=mailto:nobody@r.test", "policies": [policy]})
        .to_string()
        .into_bytes()
}

fn rows(plan: &Plan) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_smtp-sts-verify"))
        .args(["reports", "--format", "json", "--config", "/dev/null", "--cachedb"])
        .arg(&plan.cache)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn told(rows: &[Value]) -> Vec<(String, String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| {
        (
            text(&row["domain"]),
            text(&row["policy"]["type"]),
            text(&row["result"]),
            row["sessions"].as_u64().unwrap(),
        )
    };
    rows.iter().map(row).collect()
}

fn row(domain: &str, kind: &str, result: &str, sessions: u64) -> (String, String, String, u64) {
    (domain.into(), kind.into(), result.into(), sessions)
}

#[test]
fn what_postfix_tells_is_counted_and_what_is_no_datagram_of_its_is_not() {
    let lab = Laboratory::start();
    let mut daemon = started(&lab);
    let socket = client(&place(daemon.plan()));
    let enforce = ["version: STSv1", "mode: enforce", "mx: mx.r.test", "max_age: 86400"];
    let testing = ["version: STSv1", "mode: testing", "mx: mx.r.test", "max_age: 86400"];
    for one in [
        datagram("r.test", 2, &enforce, None),
        datagram("R.Test.", 2, &enforce, None),
        datagram("r.test", 1, &["3 1 1 AA"], Some(203)),
        // As long as nothing says that Postfix looks at certificates.
        datagram("t.test", 2, &testing, None),
        b"{\"dpv\":\"2\"}".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe".to_vec(),
        vec![],
    ] {
        until("there is room", || socket.send(&one).is_ok());
    }
    assert!(daemon.terminate().success());
    let rows = rows(daemon.plan());
    let expected = [
        row("r.test", "dane", "validation-failure", 1),
        row("r.test", "mta-sts", "success", 2),
        row("t.test", "none", "success", 1),
    ];
    let mut found = told(&rows);
    found.sort();
    assert_eq!(found, expected);
    let dane = rows.iter().find(|row| row["policy"]["type"] == "dane").unwrap();
    assert_eq!((&dane["helo"], &dane["code"]), (&json!("mx1.r.test"), &json!("dane-no-match")));
    assert_eq!(
        (&dane["policy"]["domain"], &dane["policy"]["text"]),
        (&json!("mx.r.test"), &json!("3 1 1 AA\n"))
    );
    let sts = rows.iter().find(|row| row["policy"]["type"] == "mta-sts").unwrap();
    assert_eq!(
        sts["policy"]["text"],
        json!("version: STSv1\nmode: enforce\nmx: mx.r.test\nmax_age: 86400\n")
    );
}

#[test]
fn where_postfix_looks_at_certificates_a_success_in_testing_is_one() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    let place = place(&plan);
    let mut daemon = plan.option("--tlsrpt", place.display()).option("--postfix-untrusted", "true").start();
    let testing = ["version: STSv1", "mode: testing", "mx: mx.r.test", "max_age: 86400"];
    client(&place).send(&datagram("t.test", 2, &testing, None)).unwrap();
    assert!(daemon.terminate().success());
    assert_eq!(told(&rows(daemon.plan())), [row("t.test", "mta-sts", "success", 1)]);
}

#[test]
fn counts_that_cannot_be_written_are_written_later_although_nobody_tells_anything_more() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    let (place, file) = (place(&plan), plan.cache.with_extension("reports.db"));
    std::fs::create_dir(&file).unwrap();
    let daemon = plan.option("--tlsrpt", place.display()).start();
    client(&place).send(&datagram("r.test", 9, &[], None)).unwrap();
    daemon.wait_for_log("sessions for TLS reports are not written down");
    std::fs::remove_dir(&file).unwrap();
    until("the counts are in the file", || file.is_file());
    until("all of them", || told(&rows(daemon.plan())) == [row("r.test", "none", "success", 1)]);
}

#[test]
fn what_is_older_than_it_is_kept_is_forgotten_although_nobody_sends() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    let path = CachePath::parse(&plan.cache).unwrap();
    let (now, domain) = (SystemClock.now(), PolicyDomain::parse("r.test").unwrap());
    for days in [20, 3] {
        let (then, day) = (UnixTime(now.0 - days * 86_400), Day::of(now).before(days));
        let row = Row {
            day,
            domain: domain.clone(),
            policy: Applied::without_text(PolicyType::None, Mode::None),
            host: None,
            address: None,
            from: None,
            helo: None,
            ended: Ended::Encrypted,
            code: None,
        };
        let counts = Counts::beside(&path, 1_000, then).keeping(90);
        assert_eq!(counts.add(&[(row, days)]), Ok(0));
        Outbox::beside(&path, 1_000, then)
            .plan(day, Day::of(then).before(90), &[(domain.clone(), then)])
            .unwrap();
    }
    let daemon = plan.start();
    let counted = || Counts::beside(&path, 1_000, now).read_only().of(None).unwrap();
    until("old counts are forgotten", || counted().iter().map(|(_, number)| *number).eq([3]));
    let outbox = Outbox::beside(&path, 1_000, now).read_only();
    until("old reports are forgotten", || outbox.behind(None).unwrap().len() == 1);
    drop(daemon);
}

#[test]
fn the_socket_has_its_rights_from_birth_and_goes_with_the_daemon_and_a_stale_one_is_replaced() {
    let lab = Laboratory::start();
    let daemon = started(&lab);
    let place = place(daemon.plan());
    let meta = std::fs::metadata(&place).unwrap();
    assert!(meta.file_type().is_socket());
    assert_eq!(meta.permissions().mode() & 0o777, 0o660);
    // One that died left it behind.
    let mut daemon = daemon.kill().start();
    client(&place).send(&datagram("r.test", 9, &[], None)).unwrap();
    assert!(daemon.terminate().success());
    assert!(!place.exists());
    assert_eq!(told(&rows(daemon.plan())), [row("r.test", "none", "success", 1)]);
}

#[test]
fn a_place_that_somebody_has_costs_the_counts_and_nobody_an_answer() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    let place = place(&plan);
    std::fs::write(&place, "mine").unwrap();
    let daemon = plan.option("--tlsrpt", place.display()).start();
    assert!(daemon.ask("enforced.test").starts_with("verdict=deliver "));
    until("it is told", || daemon.log().contains("no socket lies there"));
    assert_eq!(std::fs::read_to_string(place).unwrap(), "mine");
}

#[test]
fn a_socket_that_systemd_holds_is_read_by_each_daemon_in_turn() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    let place = place(&plan);
    let held = UnixDatagram::bind(&place).unwrap();
    let mut daemon = plan.handed_over("tlsrpt", vec![OwnedFd::from(held.try_clone().unwrap())]).start();
    let socket = client(&place);
    socket.send(&datagram("r.test", 9, &[], None)).unwrap();
    assert!(daemon.terminate().success());
    // While nobody reads.
    socket.send(&datagram("r.test", 9, &[], None)).unwrap();
    let mut daemon = daemon.kill().start();
    assert!(daemon.terminate().success());
    assert_eq!(told(&rows(daemon.plan())), [row("r.test", "none", "success", 2)]);
}

/// A very busy Postfix, with whatever length this machine's queues have. Where other tests keep the processors from the daemon, the
/// system refuses some; of what it takes, none is lost.
#[test]
fn of_three_thousand_datagrams_a_second_all_that_arrive_are_counted() {
    are_counted_for(1, 300);
}

#[test]
#[ignore = "takes ten seconds: tests/run --long"]
fn ten_seconds_of_three_thousand_datagrams_are_all_counted() {
    are_counted_for(10, 0);
}

fn are_counted_for(seconds: u64, most_refused: u64) {
    let _turn = turn_of_this_thread();
    let lab = Laboratory::start();
    let mut daemon = started(&lab);
    let socket = client(&place(daemon.plan()));
    let each = Duration::from_secs(1) / 3_000;
    let begin = Instant::now();
    let (mut refused, mut together) = (0_u64, 0);
    for number in 0..3_000 * seconds {
        let due = begin + each * u32::try_from(number).unwrap();
        // What this machine kept from being sent in time is sent soon, but as many processes would send it, not all at once.
        together = if due <= Instant::now() && together < 8 { together + 1 } else { 0 };
        if together == 0 {
            let pause = due.saturating_duration_since(Instant::now());
            thread::sleep(pause.max(Duration::from_micros(50)));
        }
        let domain = format!("d{}.test", number % 500);
        let one = datagram(&domain, 2, &["version: STSv1", "mode: enforce"], Some(204));
        refused += u64::from(socket.send(&one).is_err());
    }
    let took = begin.elapsed();
    assert!(daemon.terminate().success());
    let counted: u64 = rows(daemon.plan()).iter().map(|row| row["sessions"].as_u64().unwrap()).sum();
    assert_eq!(counted + refused, 3_000 * seconds, "took {took:?}");
    assert!(refused <= most_refused, "{refused} refused, took {took:?}");
}
