//! `cache refresh`: what is in force is fetched again, as a delivery would fetch it.

use super::fixture::*;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::policy_host::Body;
use crate::support::program::Program;
use serde_json::Value;
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::process::Output;
use std::thread::sleep;
use std::time::Duration;

/// What was said, a sentence a line: pages of 80 columns break them.
fn sentences(output: &Output) -> String {
    said(output).replace("\n    ", " ")
}

/// What is stored of a domain, by key.
fn stored(lab: &Laboratory, program: &Program, domain: &str) -> Value {
    objects(&cache(lab, program, &["show", domain, "--format", "json"])).remove(0)["policies"][0].clone()
}

/// The outcomes of a round, as `DOMAIN OUTCOME`, sorted; and the summary.
fn round(lab: &Laboratory, program: &Program) -> (Vec<String>, Value) {
    let mut objects = objects(&cache(lab, program, &["refresh", "--format", "json"]));
    let summary = objects.pop().unwrap();
    let word = |object: &Value, key: &str| object[key].as_str().unwrap().to_owned();
    let mut told: Vec<String> = objects
        .iter()
        .map(|object| format!("{} {}", word(object, "domain"), word(object, "outcome")))
        .collect();
    told.sort();
    (told, summary)
}

#[test]
fn a_round_renews_what_is_in_force_before_it_is_due() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    let before = ["sts.test", "enforced.test"].map(|domain| stored(&lab, &program, domain));
    // Moments are told in seconds: the next one has to come.
    let now = SystemClock.now();
    while SystemClock.now() == now {
        sleep(Duration::from_millis(10));
    }
    lab.forget();
    let (told, summary) = round(&lab, &program);
    assert_eq!(
        told,
        ["enforced.test renewed", "first.test stays", "sts-testing.test renewed", "sts.test renewed"]
    );
    assert_eq!(summary, serde_json::json!({"renewed": 3, "changed": 0, "stay": 1, "failed": 0}));
    assert_eq!((lab.fetches_of("sts.test"), lab.questions_for("_mta-sts.sts.test.", "TXT")), (1, 1));
    for before in before {
        let after = stored(&lab, &program, before["domain"].as_str().unwrap());
        assert!(after["expires_at"].as_u64() > before["expires_at"].as_u64(), "{before} {after}");
        assert_eq!(after["applied_at"], before["applied_at"]);
    }
}

#[test]
fn people_are_told_of_changes_and_cron_of_nothing() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    lab.change_policy("sts.test", "2", "version: STSv1 | mode: testing | mx: *.sts.test | max_age: 604800");
    let output = cache(&lab, &program, &["refresh"]);
    let text = sentences(&output);
    assert!(
        text.contains("sts.test mta-sts changed (mode enforce -> testing, weaker than before, ends"),
        "{text}"
    );
    assert!(text.ends_with("2 renewed, 1 changed, 1 left as they are, 0 failed\n"), "{text}");
    assert_eq!((exit(&output), output.stderr.len()), (0, 0), "no bar without a terminal");
    let history = said(&cache(&lab, &program, &["history", "sts.test"]));
    assert!(history.contains("weakened      enforce -> testing"), "{history}");
    let output = cache(&lab, &program, &["refresh", "--quiet"]);
    assert_eq!((exit(&output), said(&output).as_str(), output.stderr.len()), (0, "", 0));
}

#[test]
fn what_fails_is_told_and_left_alone_unless_forced() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    lab.conduct_policy_host("mta-sts.sts.test", Body::Missing);
    let output = cache(&lab, &program, &["refresh", "--quiet"]);
    let text = sentences(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("sts.test mta-sts failed (mode enforce, ends at 20"), "{text}");
    assert!(lines[0].contains("https://mta-sts.sts.test/.well-known/mta-sts.txt"), "{text}");
    assert_eq!(lines[1..], ["2 renewed, 0 changed, 1 left as they are, 1 failed"]);
    assert_eq!(exit(&output), 1);

    lab.conduct_policy_host("mta-sts.sts.test", Body::Policy);
    lab.forget();
    let output = cache(&lab, &program, &["refresh", "sts.test"]);
    assert!(sentences(&output).contains(": it is asked for again from "), "{}", said(&output));
    assert!(
        sentences(&output).contains(", sts-policy-fetch-error"),
        "it says what it was: {}",
        said(&output)
    );
    assert_eq!((exit(&output), lab.fetches_of("sts.test")), (1, 0));
    let output = cache(&lab, &program, &["refresh", "sts.test", "--force"]);
    assert!(sentences(&output).starts_with("sts.test mta-sts renewed (mode enforce"), "{}", said(&output));
    assert_eq!((exit(&output), lab.fetches_of("sts.test")), (0, 1));
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").verdict(), ["deliver", "policy-met"]);
}

#[test]
fn a_record_of_the_draft_is_renewed_by_its_own_mechanism_and_replaced_by_a_delivery_only() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.delivery("enforced.test", "mx1.enforced.test");
    program.delivery("webpki.test", "mx.webpki.test");
    let (told, _) = round(&lab, &program);
    assert_eq!(told, ["enforced.test renewed", "webpki.test renewed"]);
    let other = "\"v=STS1; to=false; mx=*.enforced.test; a=dnssec; c=webpki; e=604800\"";
    lab.replace("_smtp_sts.enforced.test", "TXT", other);
    lab.conduct_policy_host("webpki.test", Body::Missing);
    let before = stored(&lab, &program, "enforced.test");
    let (told, _) = round(&lab, &program);
    assert_eq!(told, ["enforced.test stays", "webpki.test failed"]);
    assert_eq!(stored(&lab, &program, "enforced.test"), before);
}

#[test]
fn silence_takes_nothing_out_of_force_and_several_failures_are_75() {
    let lab = Laboratory::start();
    let program = filled(&lab);
    lab.behave(Scope::Everything, Manner::Servfail);
    let before = said(&cache(&lab, &program, &["list", "--format", "json"]));
    let output = cache(&lab, &program, &["refresh", "--quiet"]);
    assert!(
        said(&output).ends_with("0 renewed, 0 changed, 0 left as they are, 4 failed\n"),
        "{}",
        said(&output)
    );
    assert_eq!(exit(&output), 75);
    assert_eq!(said(&cache(&lab, &program, &["list", "--format", "json"])), before);
}

#[test]
fn a_record_that_is_gone_is_no_failure_and_is_written_down() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.delivery("sts.test", "mx1.sts.test");
    lab.withdraw("_mta-sts.sts.test", "TXT");
    let output = cache(&lab, &program, &["refresh", "sts.test"]);
    assert!(sentences(&output).contains("stays (mode enforce") && exit(&output) == 0, "{}", said(&output));
    assert!(said(&cache(&lab, &program, &["history", "sts.test"])).contains(" withdrawn "));
}

#[test]
fn what_is_not_stored_cannot_be_fetched_again() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let output = cache(&lab, &program, &["refresh"]);
    assert_eq!(said(&output), "0 renewed, 0 changed, 0 left as they are, 0 failed\n");
    assert_eq!((exit(&output), state(&program).len()), (0, 0));
    let output = cache(&lab, &program, &["refresh", "sts.test"]);
    assert_eq!((exit(&output), said(&output).as_str(), lab.questions()), (1, "", 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no policy of sts.test is stored"));
    let output = cache(&lab, &program.with_cache_at("/nonexistent/cache.db"), &["refresh"]);
    assert_eq!(exit(&output), 78);
}

#[test]
fn a_strangers_text_leaves_its_place_in_no_output() {
    const HOSTILE: &str = "\u{1b}]52;c;AAAA\u{7}\u{202e}\r\nSubject: forged\u{85}";
    let lab = Laboratory::start();
    let program = filled(&lab);
    let body = format!("version: STSv1\nmode: {HOSTILE}\nmx: {HOSTILE}\nmax_age: 604800\n");
    lab.conduct_policy_host("mta-sts.sts.test", Body::Text(body));
    lab.replace("_mta-sts.sts-testing.test", "TXT", &format!("\"v=STSv1; id={}\"", "\\027[2J\\200\\174"));
    for format in ["json", "human"] {
        for arguments in [
            &["refresh", "--force"][..],
            &["show", "sts.test"],
            &["history", "sts.test"],
            &["show", "sts-testing.test"],
            &["list"],
            &["export"],
        ] {
            // What is said has to be printable ASCII and line ends: that is looked at with each output.
            let output = cache(&lab, &program, &[arguments, &["--format", format]].concat());
            assert!(!said(&output).contains("\nSubject"), "{}", said(&output));
        }
    }
    let text = said(&cache(&lab, &program, &["refresh", "--quiet", "--force"]));
    assert!(text.contains("\\u{1b}") && text.ends_with("2 failed\n"), "{text}");
}
