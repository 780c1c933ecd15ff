//! A cache that is full: who makes room for whom, and what is said of it.

use super::daemon::{Daemon, Plan};
use crate::support::laboratory::Laboratory;
use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::process::Command;

/// The domains that may be known.
const MOST: usize = 100;
/// Honest domains that are known before the storm, and those that come after it.
const HONEST: usize = 16;

/// A policy of the draft for a year, which refuses what does not meet it or only reports it.
fn record(domain: &str) -> String {
    let refuses = !domain.starts_with('r');
    format!("\"v=STS1; to={refuses}; mx=*.{domain}; a=dnssec; c=webpki; e=31536000\"")
}

/// Signed domains with a policy of the draft, each somebody else's; and a signed zone with one wildcard, which has the same policy
/// for whatever name is asked.
fn world() -> Laboratory {
    let mut text = String::from("zone . signed\nzone test signed\n    ns A 127.0.0.1\n");
    for domain in honest(0..2 * HONEST).chain(reporting()) {
        let record = record(&domain);
        writeln!(text, "zone {domain} signed\n    @ MX 10 mx.{domain}.\n    _smtp_sts TXT {record}").unwrap();
    }
    writeln!(text, "zone wild.test signed\n    * MX 10 mx.wild.test.\n    * TXT {}", record("wild.test"))
        .unwrap();
    Laboratory::with(&text)
}

fn honest(range: Range<usize>) -> impl Iterator<Item = String> {
    range.map(|number| format!("h{number}.test"))
}

/// Domains whose policies only report.
fn reporting() -> impl Iterator<Item = String> {
    (0..8).map(|number| format!("r{number}.test"))
}

fn ask(daemon: &Daemon, domains: impl Iterator<Item = String>) {
    let mut postfix = daemon.postfix();
    for domain in domains {
        let reply = postfix.ask("policy", &domain).unwrap();
        assert!(reply.starts_with("OK secure match="), "{domain}: {reply}");
    }
}

#[test]
fn a_signed_wildcard_that_fills_the_cache_drives_out_nobody_and_that_it_is_full_is_said() {
    let lab = world();
    let plan = Plan::in_world(&lab);
    fs::write(plan.configuration(), format!("max_domains = {MOST}\n")).unwrap();
    let daemon = plan.start();
    ask(&daemon, honest(0..HONEST));
    ask(&daemon, (0..MOST + 50).map(|number| format!("w{number}.wild.test")));
    assert!(!daemon.log().contains("not kept"), "{}", daemon.log());
    ask(&daemon, honest(HONEST..2 * HONEST));
    daemon.wait_for_log("give way to new ones");
    assert!(daemon.log().contains("owner=\"wild.test\""), "{}", daemon.log());
    assert!(!daemon.log().contains("not kept"), "{}", daemon.log());
    // Whatever was known of honest domains is known yet, to a daemon that remembers nothing but the files.
    let daemon = daemon.kill().start();
    let before = lab.questions();
    ask(&daemon, honest(0..2 * HONEST));
    assert_eq!(lab.questions(), before);
}

#[test]
fn policies_that_refuse_nothing_and_give_way_are_told_of_once_and_as_no_trouble() {
    let lab = world();
    let plan = Plan::in_world(&lab);
    fs::write(plan.configuration(), "max_domains = 5\n").unwrap();
    let daemon = plan.start();
    let mut postfix = daemon.postfix();
    for domain in reporting() {
        let reply = postfix.ask("policy", &domain).unwrap();
        assert!(reply.starts_with("NOTFOUND"), "{domain}: {reply}");
    }
    daemon.wait_for_log("give way to new ones");
    let log = daemon.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("the cache is full")).collect();
    assert!(matches!(lines[..], [line] if line.trim_start().starts_with("INFO")), "{log}");
}

#[test]
fn where_nobody_has_too_many_a_new_policy_is_not_kept_and_that_is_said_once() {
    let lab = world();
    let plan = Plan::in_world(&lab);
    fs::write(plan.configuration(), "max_domains = 5\n").unwrap();
    let daemon = plan.start();
    ask(&daemon, honest(0..HONEST));
    daemon.wait_for_log("new ones are not kept");
    assert_eq!(daemon.log().matches("the cache is full").count(), 1, "{}", daemon.log());
    let mut list = Command::new(env!("CARGO_BIN_EXE_smtp-sts-verify"));
    list.args(["cache", "list", "--format", "json"]).args(lab.options());
    list.arg("--config").arg(daemon.plan().configuration()).arg("--cachedb").arg(daemon.plan().cache());
    let listed = String::from_utf8(list.output().unwrap().stdout).unwrap();
    for (number, domain) in honest(0..HONEST).enumerate() {
        assert_eq!(listed.contains(&format!("\"{domain}\"")), number < 5, "{domain}: {listed}");
    }
}
