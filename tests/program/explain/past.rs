//! What the cache knows counts as in a delivery, and is told.

use super::fixture::{at, document, explain};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::program::Program;
use serde_json::Value;

#[test]
fn the_policy_in_the_cache_counts_with_its_history_while_dns_is_asked_afresh() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.delivery("sts.test", "mx1.sts.test");
    lab.change_policy("sts.test", "2", "version: STSv1|mode: testing|mx: *.sts.test|max_age: 604800");
    let (told, _) = document(&lab, &program, &["sts.test"]);
    assert_eq!(at(&told, "/answer/policy"), "mta-sts");
    assert_eq!(at(&told, "/grounds/mta_sts/cached/mode"), "enforce");
    assert_eq!(at(&told, "/grounds/mta_sts/policy/mode"), "testing", "the record was asked for afresh");
    assert_eq!(at(&told, "/grounds/mta_sts/history/0/event"), "learnt");
    assert_eq!(at(&told, "/grounds/mta_sts/kept/mode"), "testing");
}

#[test]
fn an_answer_that_memory_gives_at_once_is_compared_with_the_one_that_is_true_now() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert!(document(&lab, &program, &["sts.test"]).0["remembered"].is_null(), "nothing is known yet");
    program.route("sts.test");
    let (told, _) = document(&lab, &program, &["sts.test"]);
    assert_eq!(at(&told, "/remembered/compared"), "same");
    let until = told.pointer("/remembered/until").and_then(Value::as_u64).unwrap();
    let now = told["at"].as_u64().unwrap();
    assert!((now..=now + 5).contains(&until), "anybody could have sent it: it is soon asked for again");
    lab.behave(Scope::Everything, Manner::Servfail);
    let (told, _) = document(&lab, &program, &["sts.test"]);
    assert_eq!(
        (at(&told, "/remembered/compared"), at(&told, "/remembered/verdict")),
        ("different", "deliver")
    );
    assert_eq!(at(&told, "/answer/verdict"), "defer");
    assert_eq!(program.route("sts.test").get("verdict"), "deliver", "so it is");
}

#[test]
fn a_policy_host_that_failed_is_left_alone_and_that_is_told() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.route("sts-missing.test");
    lab.forget();
    let (told, _) = document(&lab, &program, &["sts-missing.test"]);
    assert_eq!(lab.fetches_of("sts-missing.test"), 0);
    assert_eq!(told.pointer("/grounds/mta_sts/failures/count").and_then(Value::as_u64), Some(1));
    assert_eq!(at(&told, "/grounds/mta_sts/state"), "not-fetched");
}

#[test]
fn a_cache_that_cannot_be_used_is_told_and_the_answer_is_the_one_of_a_first_contact() {
    let lab = Laboratory::start();
    let program = Program::new(&lab).with_cache_at("/nonexistent/cache.db");
    let (told, code) = document(&lab, &program, &["sts.test"]);
    assert_eq!((at(&told, "/answer/cache"), code), ("unavailable", 0));
    assert!(at(&told, "/cache/trouble").contains("/nonexistent"));
}

#[test]
fn the_proof_of_each_answer_is_told_with_signer_and_expiry() {
    let lab = Laboratory::start();
    let (told, _) = document(&lab, &Program::new(&lab), &["none.test"]);
    let mx = &told["grounds"]["mx"]["questions"][0];
    assert_eq!(at(mx, "/class"), "secure");
    let last = mx["proof"].as_array().unwrap().last().unwrap();
    assert_eq!((at(last, "/role"), at(last, "/signer")), ("data", "none.test."));
    assert!(last["expires"].as_u64().unwrap() > told["at"].as_u64().unwrap());
    let record = &told["grounds"]["mta_sts"]["questions"][0];
    let denials: Vec<&Value> =
        record["proof"].as_array().unwrap().iter().filter(|one| !one["denies"].is_null()).collect();
    assert!(!denials.is_empty(), "{record}");
    assert_eq!(at(denials[0], "/denies/name"), "_mta-sts.none.test.");
}

#[test]
fn the_page_holds_nothing_but_printable_characters_in_80_columns_whatever_strangers_publish() {
    let lab = Laboratory::start();
    let long = format!("\"v=STSv1; id={}\"", "x".repeat(240));
    lab.replace("_mta-sts.none.test", "TXT", &long);
    lab.publish("_smtp_sts.none.test", "TXT", "\"v=STS1; to=\\027[2J\\013\\255\"");
    lab.serve_policy("sts.test", "version: STSv1|mode: \u{1b}[31m|mx: \u{202e}|max_age: x");
    for words in [&["none.test"][..], &["none.test", "-v"], &["sts.test"], &["dane.test", "-v"]] {
        let output = explain(&lab, &Program::new(&lab), words);
        let page = String::from_utf8(output.stdout).unwrap();
        for line in page.lines() {
            assert!(
                line.len() <= 80 && line.bytes().all(|b| (b' '..=b'~').contains(&b)),
                "{words:?}: {line:?}"
            );
        }
    }
}

#[test]
fn with_more_words_every_signed_rrset_of_every_proof_is_told() {
    let lab = Laboratory::start();
    let page = |words: &[&str]| String::from_utf8(explain(&lab, &Program::new(&lab), words).stdout).unwrap();
    let (brief, full) = (page(&["none.test"]), page(&["none.test", "-v"]));
    for ground in ["keys: . DNSKEY, signed by . with key ", "delegation: test. DS", "data: none.test. MX"] {
        assert!(full.contains(ground) && !brief.contains(ground), "{ground}: {full}");
    }
}
