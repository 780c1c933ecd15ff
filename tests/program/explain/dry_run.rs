//! What is explained is what a delivery meets, and explaining changes nothing.

use super::fixture::{at, document, explain};
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::{Laboratory, deliveries};
use crate::support::program::Program;
use std::collections::BTreeMap;
use std::fs;

/// Every file beside the cache, with its octets.
fn files(program: &Program) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(program.cache().parent().unwrap()).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn the_answer_and_the_exit_code_are_those_of_a_delivery() {
    let lab = Laboratory::start();
    let configuration = lab.configuration();
    let configuration = ["--config", configuration.to_str().unwrap(), "--deadline", "3"];
    for delivery in deliveries::all() {
        let words = [&[delivery.domain][..], delivery.host.as_slice(), &configuration[..]].concat();
        let (document, code) = document(&lab, &Program::new(&lab), &words);
        let program = Program::new(&lab).without_configuration().with(configuration);
        let told = match delivery.host {
            Some(host) => program.delivery(delivery.domain, host),
            None => program.route(delivery.domain),
        };
        let keys = ["verdict", "tls", "policy", "mode", "auth", "mx", "reason", "mxre"];
        let line = at(&document, "/answer/line");
        let explained = crate::support::program::Told { line: line.to_owned(), exit: code };
        assert_eq!(explained.of(keys), told.of(keys), "{words:?}: {line}");
        assert_eq!(code, told.exit, "{words:?}");
    }
}

#[test]
fn each_explanation_begins_with_the_keys_of_the_root() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for times in 1..=2 {
        explain(&lab, &program, &["enforced.test"]);
        assert_eq!(lab.questions_for(".", "DNSKEY"), times);
    }
}

#[test]
fn nothing_is_written_unless_asked_for() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    explain(&lab, &program, &["sts.test"]);
    assert_eq!(files(&program), BTreeMap::new(), "not even an empty cache");
    program.delivery("enforced.test", "mx1.enforced.test");
    lab.withdraw("_mta-sts.sts.test", "TXT");
    let before = files(&program);
    for domain in
        ["enforced.test", "sts.test", "sts-moved.test", "sts-missing.test", "first.test", "bogus.test"]
    {
        explain(&lab, &program, &[domain]);
    }
    assert_eq!(files(&program), before);
}

#[test]
fn with_store_it_keeps_what_a_delivery_keeps() {
    let lab = Laboratory::start();
    for (domain, host) in [
        ("sts.test", "mx1.sts.test"),
        ("enforced.test", "mx1.enforced.test"),
        ("sts-missing.test", "mx.sts-missing.test"),
    ] {
        let (explained, delivered) = (Program::new(&lab), Program::new(&lab));
        let (told, _) = document(&lab, &explained, &[domain, host, "--store"]);
        let cache = delivered.delivery(domain, host).get("cache").to_owned();
        assert_eq!(at(&told, "/answer/cache"), cache, "{domain}");
        lab.forget();
        let next = [explained.delivery(domain, host), delivered.delivery(domain, host)];
        assert_eq!(next[0], next[1], "{domain}");
        assert_eq!((lab.questions(), lab.visits().len()), (0, 0), "{domain} is remembered");
    }
}

#[test]
fn without_store_it_says_what_a_delivery_would_keep() {
    let lab = Laboratory::start();
    let (told, _) = document(&lab, &Program::new(&lab), &["sts.test"]);
    assert_eq!(at(&told, "/answer/cache"), "stored");
    assert_eq!(at(&told, "/grounds/mta_sts/kept/mode"), "enforce");
    assert!(told.pointer("/grounds/mta_sts/cached").unwrap().is_null());
}

#[test]
fn every_mechanism_is_asked_to_its_end_and_the_one_that_is_passed_over_says_why() {
    let lab = Laboratory::start();
    let part = |domain: &str, place: usize| {
        let (told, _) = document(&lab, &Program::new(&lab), &[domain]);
        let part = &told["decision"][place];
        let words = [at(part, "/mechanism"), at(part, "/part"), at(part, "/rule")];
        words.map(str::to_owned)
    };
    assert_eq!(part("dane-sts.test", 1), ["dane", "decides", "RFC 7672 section 2.2"]);
    assert_eq!(part("dane-sts.test", 2), ["mta-sts", "passed-over", "RFC 8461 section 2"]);
    assert_eq!(part("both.test", 3), ["smtp-sts", "passed-over", "this program's manual"]);
    assert_eq!(part("dane-near.test", 1), ["dane", "does-not-apply", "RFC 7672 section 2.2.1"]);
    assert_eq!(part("bogus.test", 2), ["mta-sts", "unknown", "RFC 8461 section 5"]);
    lab.behave(Scope::name("_mta-sts.enforced.test"), Manner::Servfail);
    assert_eq!(part("enforced.test", 2)[1], "unknown");
    assert_eq!(
        part("enforced.test", 3)[1],
        "passed-over",
        "nothing weaker than a policy in force protects then"
    );
    assert_eq!(lab.fetches_of("dane-sts.test"), 2, "though DANE decides");
}

#[test]
fn an_override_is_told_first_and_one_that_ignores_the_domain_asks_nobody() {
    let lab = Laboratory::start();
    let configuration = lab.configuration();
    let configuration = ["--config", configuration.to_str().unwrap()];
    let about =
        |domain: &str| document(&lab, &Program::new(&lab), &[&[domain][..], &configuration[..]].concat()).0;
    let told = about("waived.test");
    assert_eq!((at(&told, "/override/effect"), at(&told, "/override/state")), ("none", "in-force"));
    assert_eq!(at(&told, "/grounds/mta_sts/state"), "in-force", "what it overrides is seen");
    assert_eq!(at(&told, "/decision/2/part"), "passed-over");
    let told = about("too-late.test");
    assert_eq!((at(&told, "/override/state"), at(&told, "/answer/policy")), ("ended", "mta-sts"));
    lab.forget();
    let told = about("mail.left-alone.test");
    assert_eq!((at(&told, "/answer/reason"), lab.questions()), ("override", 0));
    assert!(told["grounds"].is_null());
}

#[test]
fn a_question_that_is_none_is_refused_on_standard_error() {
    let lab = Laboratory::start();
    for (words, code) in [
        (&["no domain"][..], 64),
        (&["[192.0.2.1]"], 64),
        (&["none.test", "no host"], 64),
        (&[], 64),
        (&["none.test", "--format", "exim"], 64),
        (&["none.test", "--config", "/nonexistent"], 78),
    ] {
        let output = explain(&lab, &Program::new(&lab), words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}: {output:?}");
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn the_choices_that_change_a_verdict_change_it_here() {
    let lab = Laboratory::start();
    let reason =
        |words: &[&str]| at(&document(&lab, &Program::new(&lab), words).0, "/answer/reason").to_owned();
    assert_eq!(reason(&["first.test"]), "first-use");
    assert_eq!(reason(&["first.test", "--require-authentication"]), "policy-unauthenticated");
    assert_eq!(reason(&["sts.test", "mx1.sts.test"]), "policy-met");
    assert_eq!(reason(&["sts.test", "mx1.sts.test", "--tls-verified", "no"]), "tls-unverified");
    let answer =
        |words: &[&str]| at(&document(&lab, &Program::new(&lab), words).0, "/answer/verdict").to_owned();
    let silent = ["quiet.test", "--deadline", "2"];
    assert_eq!(answer(&silent), "deliver");
    assert_eq!(answer(&[&silent[..], &["--on-unreachable", "defer"]].concat()), "defer");
}

#[test]
fn what_the_router_does_does_not_depend_on_a_handshake_that_comes_later() {
    let lab = Laboratory::start();
    let asked = |more: &[&str]| {
        let words = [&["sts.test", "mx1.sts.test"], more].concat();
        let (document, _) = document(&lab, &Program::new(&lab), &words);
        (at(&document, "/answer/verdict").to_owned(), at(&document, "/exim/action").to_owned())
    };
    let text = |word: &str| word.to_owned();
    assert_eq!(asked(&[]), (text("deliver"), text("enforces")));
    assert_eq!(asked(&["--tls-verified", "no"]), (text("refuse"), text("enforces")));
}

/// E6: of two domains without a policy one proves it, and of the other somebody may have kept it back; the answer is the same, and
/// whoever asks why is told.
#[test]
fn an_absence_that_is_proven_is_told_apart_from_one_that_is_not() {
    let lab = Laboratory::start();
    for (domain, class) in [("none.test", "secure"), ("plain.test", "insecure")] {
        let program = Program::new(&lab);
        let (told, _) = document(&lab, &program, &[domain]);
        assert_eq!((at(&told, "/answer/verdict"), at(&told, "/answer/reason")), ("deliver", "no-policy"));
        let page = explain(&lab, &program, &[domain]);
        let page = String::from_utf8(page.stdout).unwrap();
        for label in ["_mta-sts", "_smtp_sts"] {
            assert!(page.contains(&format!("{label}.{domain}. TXT: {class}, no such name")), "{page}");
        }
    }
}
