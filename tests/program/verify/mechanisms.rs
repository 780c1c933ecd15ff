//! `mechanisms`: one that is left out is neither asked for nor applied, and what is stored of it is kept.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

fn with(lab: &Laboratory, words: &str) -> Program {
    Program::new(lab).with(["--mechanisms", words])
}

#[test]
fn without_dane_no_tlsa_record_is_asked_for_and_exim_is_kept_from_its_own() {
    let lab = Laboratory::start();
    let program = with(&lab, "mta-sts,smtp-sts");
    for (domain, host, expected) in [
        ("dane.test", "mx1.dane.test", ["deliver", "opportunistic", "no-policy", "unusable"]),
        ("dane-bogus.test", "mx.dane-bogus.test", ["deliver", "opportunistic", "no-policy", "unusable"]),
        (
            "dane-sts-mixed.test",
            "mx1.dane-sts-mixed.test",
            ["refuse", "webpki", "mx-not-in-policy", "unusable"],
        ),
        ("dane-sts-mixed.test", "mx2.dane-sts-mixed.test", ["deliver", "webpki", "policy-met", "unusable"]),
        ("dane-sts.test", "mx.dane-sts.test", ["refuse", "webpki", "mx-not-in-policy", "unusable"]),
        // A zone in trouble is no matter of a mechanism.
        ("bogus.test", "mx.bogus.test", ["defer", "opportunistic", "dnssec-bogus", "unusable"]),
    ] {
        let told = program.delivery(domain, host);
        assert_eq!(told.of(["verdict", "tls", "reason", "tlsa"]), expected, "{domain}: {}", told.line);
        assert_eq!(lab.questions_for(&format!("_25._tcp.{host}"), "TLSA"), 0, "{host}");
    }
    let told = program.route("dane-sts-mixed.test");
    assert_eq!(told.of(["verdict", "tls", "tlsa"]), ["deliver", "webpki", "unusable"]);
}

/// The header set keeps Exim from its own DANE by that word, whatever the answer is.
#[test]
fn without_dane_every_answer_keeps_exim_from_its_own() {
    let lab = Laboratory::start();
    let without = |require: &str| {
        let file = lab.directory().join("without-dane.toml");
        let rule = format!("[override.'dane.test']\n{require}\nuntil = 2999-12-31\nreason = 'a test'\n");
        fs::write(&file, format!("mechanisms = ['mta-sts', 'smtp-sts']\n{rule}")).unwrap();
        Program::new(&lab).with_configuration(file)
    };
    for (require, expected) in [
        ("ignore = true", ["deliver", "opportunistic", "override", "unusable"]),
        ("require = 'none'", ["deliver", "opportunistic", "override", "unusable"]),
        ("require = 'webpki'", ["deliver", "webpki", "override", "unusable"]),
    ] {
        let told = without(require).delivery("dane.test", "mx1.dane.test");
        assert_eq!(told.of(["verdict", "tls", "reason", "tlsa"]), expected, "{}", told.line);
    }
    // What demands DANE stands above.
    let told = without("require = 'dane'").delivery("dane.test", "mx1.dane.test");
    assert_eq!(told.of(["verdict", "tls", "reason"]), ["deliver", "dane", "override"]);
    assert!(!told.line.contains("tlsa="), "{}", told.line);
    let program = without("ignore = true");
    for (domain, host, expected) in [
        ("a b", "mx.a.test", ["defer", "bad-domain"]),
        ("dane.test", "a b", ["defer", "bad-host"]),
        ("a..b", "mx.a.test", ["deliver", "no-dns-name"]),
        ("[192.0.2.1]", "mx.a.test", ["deliver", "address-literal"]),
        ("localhost", "localhost", ["deliver", "special-use-name"]),
        ("bogus.test", "mx.bogus.test", ["defer", "dnssec-bogus"]),
        ("dane-sts.test", "mx.dane-sts.test", ["refuse", "mx-not-in-policy"]),
    ] {
        let told = program.delivery(domain, host);
        assert_eq!(told.of(["verdict", "reason"]), expected, "{}", told.line);
        assert!(told.line.ends_with(" tlsa=unusable"), "{domain}: {}", told.line);
        let told = Program::new(&lab).delivery(domain, host);
        assert!(!told.line.contains("tlsa=unusable"), "with all mechanisms, {domain}: {}", told.line);
    }
}

#[test]
fn a_policy_in_force_that_demands_tlsa_is_met_by_it_also_where_dane_is_left_out() {
    let lab = Laboratory::start();
    let all = Program::new(&lab);
    let keys = ["verdict", "policy", "tls", "reason"];
    // Nothing puts such a policy in force where nobody looks for TLSA records.
    let fresh = with(&lab, "mta-sts,smtp-sts");
    for told in [fresh.route("tlsa.test"), fresh.delivery("tlsa.test", "mx1.tlsa.test")] {
        assert_eq!(
            told.of(["verdict", "reason", "tlsa"]),
            ["deliver", "never-applied", "unusable"],
            "{}",
            told.line
        );
    }
    assert_eq!(lab.questions_for("_25._tcp.mx1.tlsa.test", "TLSA"), 0);
    all.route("tlsa.test");
    for words in ["mta-sts,smtp-sts", "smtp-sts"] {
        let without = with(&lab, words).with_cache_of(&all);
        let told = without.route("tlsa.test");
        assert_eq!(
            told.of(["verdict", "policy", "tls", "mxre"]),
            ["deliver", "dane", "dane", "^(mx1[.]tlsa[.]test)$"]
        );
        let told = without.delivery("tlsa.test", "mx1.tlsa.test");
        assert_eq!(told.of(keys), ["deliver", "dane", "dane", "dane-usable"]);
        assert!(!told.line.contains("tlsa=unusable"), "Exim compares the records: {}", told.line);
        let told = without.delivery("tlsa.test", "mx2.tlsa.test");
        assert_eq!(told.of(keys), ["refuse", "smtp-sts", "dane", "tlsa-required"]);
        // Other domains are not looked at, and a host without MX records is under no policy.
        assert_eq!(without.route("dane.test").of(["tls", "tlsa"]), ["opportunistic", "unusable"]);
        assert_eq!(without.route("[tlsa.test]").get("tlsa"), "unusable");
    }
    // Where the draft is left out, too, its policy is not applied.
    let told = with(&lab, "mta-sts").with_cache_of(&all).delivery("tlsa.test", "mx2.tlsa.test");
    assert_eq!(told.of(["verdict", "reason", "tlsa"]), ["deliver", "no-policy", "unusable"]);
    let mut command = Command::new(PROGRAM);
    command.args(["explain", "tlsa.test", "--mechanisms", "smtp-sts"]).args(lab.options());
    let output = command.arg("-c").arg(all.cache()).stdin(Stdio::null()).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("a policy in force (c=tlsa) demands TLSA records"), "{shown}");
}

#[test]
fn what_was_learnt_by_dane_is_not_remembered_where_it_is_left_out_nor_the_other_way() {
    let lab = Laboratory::start();
    let all = Program::new(&lab);
    assert_eq!(all.route("dane.test").get("tls"), "dane");
    let without = with(&lab, "mta-sts").with_cache_of(&all);
    assert_eq!(without.route("dane.test").of(["tls", "reason"]), ["opportunistic", "no-policy"]);
    assert_eq!(all.route("dane.test").get("tls"), "dane");
}

#[test]
fn a_policy_that_is_left_out_is_kept_shown_and_not_applied_and_counts_again_later() {
    let lab = Laboratory::start();
    let all = Program::new(&lab);
    assert_eq!(all.delivery("sts.test", "mx1.sts.test").get("reason"), "policy-met");
    let fetches = lab.fetches_of("sts.test");
    let configuration = lab.directory().join("mechanisms.toml");
    fs::write(&configuration, "mechanisms = ['dane', 'smtp-sts']\n").unwrap();
    let without = Program::new(&lab).with_cache_of(&all).with_configuration(configuration.clone());
    lab.forget();
    let told = without.delivery("sts.test", "mx.hosting.test");
    assert_eq!(
        told.of(["verdict", "tls", "policy", "reason"]),
        ["deliver", "opportunistic", "none", "no-policy"]
    );
    assert_eq!(lab.questions_for("_mta-sts.sts.test", "TXT"), 0);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).args(lab.options()).arg("--config").arg(&configuration);
        command.arg("-c").arg(all.cache()).stdin(Stdio::null()).output().unwrap()
    };
    let json = |arguments: &[&str]| -> Vec<Value> {
        let output = run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let notes = json(&["-d", "sts.test", "--format", "json"])[0]["notes"].to_string();
    assert!(notes.contains("stored until") && notes.contains("not applied"), "{notes}");
    assert_eq!(json(&["cache", "list", "--format", "json"])[0]["left_out"], true);
    assert_eq!(json(&["cache", "show", "sts.test", "--format", "json"])[0]["policies"][0]["left_out"], true);
    for arguments in [
        &["cache", "list"][..],
        &["cache", "show", "sts.test"],
        &["explain", "sts.test"],
        &["-d", "sts.test", "--format", "human"],
    ] {
        let output = run(arguments);
        let shown = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains("not applied") || shown.contains("nor applied"), "{arguments:?}: {shown}");
    }
    let output = run(&["cache", "refresh", "sts.test"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("neither fetched nor applied"));
    assert_eq!(lab.fetches_of("sts.test"), 0);
    // With all of them it is what it was.
    assert_eq!(all.delivery("sts.test", "mx.hosting.test").get("reason"), "mx-not-in-policy");
    assert!(fetches > 0);
}

#[test]
fn each_mechanism_alone_and_each_that_is_missing_does_its_own_part() {
    let lab = Laboratory::start();
    for (words, domain, host, expected) in [
        ("dane", "dane.test", "mx1.dane.test", ["deliver", "dane", "dane-usable"]),
        ("dane", "sts.test", "mx.hosting.test", ["deliver", "opportunistic", "no-policy"]),
        ("dane", "enforced.test", "mx.hosting.test", ["deliver", "opportunistic", "no-policy"]),
        ("mta-sts", "sts.test", "mx1.sts.test", ["deliver", "webpki", "policy-met"]),
        ("mta-sts", "enforced.test", "mx1.enforced.test", ["deliver", "opportunistic", "no-policy"]),
        ("smtp-sts", "enforced.test", "mx1.enforced.test", ["deliver", "webpki", "policy-met"]),
        ("smtp-sts", "sts.test", "mx1.sts.test", ["deliver", "opportunistic", "no-policy"]),
        ("smtp-sts", "both.test", "mx2.both.test", ["deliver", "webpki", "policy-met"]),
        ("dane,mta-sts", "both.test", "mx1.both.test", ["deliver", "webpki", "policy-met"]),
        ("smtp-sts,mta-sts,dane", "dane.test", "mx1.dane.test", ["deliver", "dane", "dane-usable"]),
    ] {
        let told = with(&lab, words).delivery(domain, host);
        assert_eq!(told.of(["verdict", "tls", "reason"]), expected, "{words} {domain}: {}", told.line);
    }
}

#[test]
fn an_empty_list_and_unknown_words_are_errors_that_name_the_field() {
    let lab = Laboratory::start();
    for (text, why) in [
        ("mechanisms = []", "mechanisms: an empty list"),
        ("mechanisms = ['dane', 'tlsa']", "mechanisms: 'tlsa' is none of"),
        ("mechanisms = 3", "mechanisms: a list of words"),
    ] {
        let path = lab.directory().join("wrong.toml");
        fs::write(&path, text).unwrap();
        let program = Program::new(&lab).with_configuration(path);
        let told = program.route("none.test");
        assert_eq!(told.verdict(), ["defer", "configuration"], "{text}");
        let output = program.run(["-d", "none.test", "--format", "human"]);
        let shown = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(why), "{shown}");
    }
    for words in ["", ",", "tlsa", "dane,none"] {
        assert_eq!(with(&lab, words).route("none.test").exit, 64, "{words:?}");
    }
}
