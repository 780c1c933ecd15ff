//! What a verdict waits for, and what it does not.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::policy_host::Body;
use crate::support::program::Program;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Longer than any verdict takes, and shorter than any deadline.
const SOON: Duration = Duration::from_secs(2);

/// A cold verdict as JSON, and how long it took.
fn cold(lab: &Laboratory, domain: &str, host: &str) -> (Value, Duration) {
    let began = Instant::now();
    let output = Program::new(lab).with(["--format", "json"]).run(["-d", domain, "-m", host]);
    (serde_json::from_slice(&output.stdout).unwrap(), began.elapsed())
}

/// What the verdict waited for, one after the other.
fn critical_path(verdict: &Value) -> Vec<&str> {
    let steps = verdict["timeline"]["steps"].as_array().unwrap();
    steps.iter().filter(|step| step["critical"] == true).map(|step| step["what"].as_str().unwrap()).collect()
}

#[test]
fn a_policy_of_mta_sts_takes_its_record_its_host_a_connection_tls_and_one_request() {
    let lab = Laboratory::start();
    // So that the record is what is over last, whatever this machine is busy with.
    lab.behave(Scope::name("_mta-sts.sts.test."), Manner::Late(Duration::from_millis(200)));
    lab.behave(Scope::question("mta-sts.sts.test.", "A"), Manner::Late(Duration::from_millis(200)));
    let (verdict, _) = cold(&lab, "sts.test", "mx1.sts.test");
    assert_eq!(verdict["policy"], "mta-sts", "{verdict:#}");
    let path = critical_path(&verdict);
    let [record, address, connect, tls, get] = path.as_slice() else { panic!("{path:?}") };
    assert_eq!([*record, *address], ["_mta-sts.sts.test. TXT", "mta-sts.sts.test. A"]);
    assert!(connect.starts_with("connect to 127.0.0.1:"), "{connect}");
    assert_eq!(*tls, "TLS with mta-sts.sts.test");
    assert!(get.starts_with("GET https://mta-sts.sts.test/"), "{get}");
}

#[test]
fn dane_waits_neither_for_the_policy_host_nor_for_the_records_of_the_others() {
    let lab = Laboratory::start();
    lab.conduct_policy_host("mta-sts.dane-sts.test", Body::Stall);
    let (verdict, took) = cold(&lab, "dane-sts.test", "mx.dane-sts.test");
    assert_eq!(
        (&verdict["policy"], &verdict["reason"]),
        (&"dane".into(), &"dane-usable".into()),
        "{verdict:#}"
    );
    assert!(took < SOON, "{took:?}");
    for name in ["_mta-sts", "_smtp-sts", "_smtp_sts"] {
        lab.behave(Scope::name(&format!("{name}.dane-sts.test.")), Manner::Silent);
    }
    let (verdict, took) = cold(&lab, "dane-sts.test", "mx.dane-sts.test");
    assert_eq!(verdict["policy"], "dane", "{verdict:#}");
    assert!(took < SOON, "{took:?}");
    let path = critical_path(&verdict);
    assert!(path.iter().all(|step| !step.contains("-sts.dane-sts")), "{path:?}");
    let steps = verdict["timeline"]["steps"].as_array().unwrap();
    let given_up = steps.iter().find(|step| step["what"] == "_mta-sts.dane-sts.test. TXT");
    assert!(given_up.unwrap()["to_ms"].is_null(), "{verdict:#}");
}

#[test]
fn a_policy_of_mta_sts_does_not_wait_for_the_record_of_the_draft() {
    let lab = Laboratory::start();
    for name in ["_smtp-sts", "_smtp_sts"] {
        lab.behave(Scope::name(&format!("{name}.sts.test.")), Manner::Silent);
    }
    let (verdict, took) = cold(&lab, "sts.test", "mx1.sts.test");
    assert_eq!(verdict["policy"], "mta-sts", "{verdict:#}");
    assert!(took < SOON, "{took:?}");
}

#[test]
fn a_domain_without_a_policy_waits_for_every_mechanism_at_once() {
    let lab = Laboratory::start();
    let late = Duration::from_millis(300);
    for name in ["_mta-sts.plain.test.", "_smtp_sts.plain.test.", "_smtp-sts.plain.test.", "plain.test."] {
        lab.behave(Scope::name(name), Manner::Late(late));
    }
    let (verdict, _) = cold(&lab, "plain.test", "mx.plain.test");
    assert_eq!(verdict["policy"], "none", "{verdict:#}");
    let ends = verdict["timeline"]["end_ms"].as_f64().unwrap();
    assert!((300.0..600.0).contains(&ends), "{verdict:#}");
    assert_eq!(critical_path(&verdict).len(), 1, "{verdict:#}");
}
