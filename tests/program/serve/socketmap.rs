//! Postfix's questions and the replies to them, over the world of `fixtures/laboratory/socketmap`: what another daemon was
//! asked in its tests, and what ours says.

use super::daemon::{Daemon, Plan};
use crate::support::laboratory::{Laboratory, path};
use smtp_sts_verify::serve::answer::MtaAnswer;
use smtp_sts_verify::serve::protocol::Frame;
use smtp_sts_verify::serve::protocol::services::Services;
use smtp_sts_verify::serve::protocol::socketmap::{self, SocketmapRequest};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::fs;
use std::path::Path;

/// One line of `fixtures/socketmap.tsv`.
struct Row {
    question: String,
    expected: &'static str,
}

/// Every line, the name of the map ours.
fn rows() -> Vec<Row> {
    let table = include_str!("../../../fixtures/socketmap.tsv");
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let (theirs, ours, why) = (columns[2], columns[3], columns.get(4));
        assert_eq!(
            theirs != ours,
            why.is_some(),
            "{line}: a difference has its reason, and nothing else has one"
        );
        let (_, key) = columns[0].split_once(' ').unwrap();
        Row { question: format!("policy {key}"), expected: ours }
    };
    lines.map(read).collect()
}

fn world() -> Laboratory {
    Laboratory::with(include_str!("../../../fixtures/laboratory/socketmap"))
}

fn netstring(content: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    socketmap::write(content, &mut octets);
    octets
}

/// The reply that the codec and the pipeline come to, in this process.
fn replied(lab: &Laboratory, cache: &Path, question: &str) -> String {
    match socketmap::read(&netstring(question)) {
        Frame::Whole(SocketmapRequest::Reply(words), _) => words.to_owned(),
        Frame::Whole(SocketmapRequest::Policy(map, question), _) => {
            let asked = (question.domain.as_str(), question.next_hop);
            let report = path::ask_by(lab, cache, asked, None, SystemClock.now());
            MtaAnswer::of(&report, &question).socketmap.of(map).to_owned()
        }
        other => panic!("{question}: {other:?}"),
    }
}

#[test]
fn what_another_daemon_was_asked_is_answered_as_the_table_says() {
    let (lab, rows) = (world(), rows());
    assert_eq!(rows.len(), 63);
    let cache = lab.cache_file();
    for Row { question, expected } in rows {
        assert_eq!(replied(&lab, &cache, &question).trim_end(), expected, "{question}");
    }
}

/// What of that is told to TLS reports (RFC 8460 section 4.3).
#[test]
fn each_domain_of_that_world_has_its_word_for_reports() {
    let lab = world();
    let cache = lab.cache_file();
    let policy = |mode: &str| {
        let lines = ["version: STSv1", &format!("mode: {mode}"), "mx: mail.loc", "max_age: 86400"];
        let strings: String = lines.iter().map(|line| format!(" {{ policy_string = {line} }}")).collect();
        format!("policy_type=sts policy_domain={{}}{strings} mx_host_pattern=mail.loc")
    };
    let none = "OK may policy_type=no-policy-found policy_domain={}";
    let failed = |word| format!("OK may policy_type=sts policy_domain={{}} policy_failure={word}");
    for (domain, expected) in [
        ("good.loc", format!("OK secure match=mail.loc servername=hostname {}", policy("enforce"))),
        ("testing.loc", format!("OK may {}", policy("testing"))),
        ("valid-none.loc", none.to_owned()),
        ("no-record.loc", none.to_owned()),
        ("bad-record1.loc", none.to_owned()),
        ("bad-record2.loc", none.to_owned()),
        ("bad-policy1.loc", failed("sts-policy-invalid")),
        ("bad-policy2.loc", failed("sts-policy-invalid")),
        ("bad-policy3.loc", failed("sts-policy-invalid")),
        ("bad-cert1.loc", failed("sts-webpki-invalid")),
        ("bad-cert2.loc", failed("sts-webpki-invalid")),
        // Asked again, the policy host is left alone for a while, and the cause is remembered.
        ("bad-cert1.loc", failed("sts-webpki-invalid")),
        ("bad-policy1.loc", failed("sts-policy-invalid")),
    ] {
        let reply = replied(&lab, &cache, &format!("policy-tlsrpt {domain}"));
        assert_eq!(reply, expected.replace("{}", domain), "{domain}");
    }
}

/// The same on one connection to the daemon itself, all questions sent before the first reply is read.
#[test]
fn the_daemon_gives_the_same_replies_on_its_socket() {
    let lab = world();
    let daemon = Daemon::in_world(&lab);
    let mut connection = daemon.postfix();
    let rows = rows();
    for Row { question, .. } in &rows {
        let (map, key) = question.split_once(' ').unwrap();
        connection.send(map, key).unwrap();
    }
    for Row { question, expected } in &rows {
        assert_eq!(connection.reply().unwrap().trim_end(), *expected, "{question}\n{}", daemon.log());
    }
    for domain in ["good.loc", "testing.loc", "no-record.loc", "bad-policy1.loc"] {
        let told = connection.ask("policy-tlsrpt", domain).unwrap();
        assert_eq!(told, replied(&lab, &lab.cache_file(), &format!("policy-tlsrpt {domain}")));
    }
    assert_eq!(
        connection.ask("test", "good.loc").unwrap(),
        "PERM there are two maps: policy and policy-tlsrpt"
    );
}

/// Postfix finds a service in the machine's file, and cannot deliver to one that is not there.
#[test]
fn a_next_hop_at_a_service_is_asked_about_at_its_port_and_one_that_is_nowhere_is_postfixs_to_judge() {
    let lab = Laboratory::start();
    lab.publish("_53._tcp.mx1.dane.test", "TLSA", &format!("3 1 1 {}", "ab".repeat(32)));
    let mut daemon = Plan::in_world(&lab).start();
    let says = |daemon: &Daemon, key: &str, expected: &str| {
        let reply = daemon.postfix().ask("policy", key).unwrap();
        assert_eq!(reply, expected, "{key}\n{}", daemon.log());
    };
    says(&daemon, "[mx1.dane.test]:smtp", "OK dane-only");
    for key in ["[mx1.dane.test]:nowhere", "dane.test:nowhere", "sts.test:nowhere"] {
        says(&daemon, key, "NOTFOUND ");
    }
    let machine = Services::parse(&fs::read_to_string("/etc/services").unwrap_or_default());
    if machine.port("domain") == Some(53) {
        says(&daemon, "[mx1.dane.test]:domain", "OK dane-only");
        // The TLSA records of its MX hosts: only one has any at that port.
        says(&daemon, "dane.test:domain", &daemon.postfix().ask("policy", "dane.test:53").unwrap());
    }
    let host = "OK secure match=mx1.dane.test servername=hostname";
    for (rule, of_host, of_domain) in [
        ("require = 'dane'", "OK dane-only", "OK dane-only"),
        ("require = 'webpki'", host, "OK secure match=mx1.dane.test:mx2.dane.test servername=hostname"),
        ("require = 'none'", "OK may", "OK may"),
        ("ignore = true", "OK may", "OK may"),
    ] {
        let of = |name: &str| format!("[override.'{name}']\n{rule}\nuntil = 2999-12-31\nreason = 'a test'\n");
        let text = of("dane.test") + &of("mx1.dane.test");
        fs::write(daemon.plan().configuration(), text).unwrap();
        daemon.signal("HUP");
        daemon.wait_until_told("READY=1");
        says(&daemon, "[mx1.dane.test]:nowhere", of_host);
        says(&daemon, "dane.test:nowhere", of_domain);
        says(&daemon, "sts.test:nowhere", "NOTFOUND ");
    }
}

/// A mechanism that is left out is left out at every next hop.
#[test]
fn without_dane_no_next_hop_is_held_to_it() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab);
    fs::write(plan.configuration(), "mechanisms = ['mta-sts', 'smtp-sts']\n").unwrap();
    let daemon = plan.start();
    for key in [
        "dane.test",
        "[mx1.dane.test]",
        "[mx1.dane.test]:smtp",
        "[mx1.dane.test]:nowhere",
        "dane.test:nowhere",
    ] {
        assert_eq!(daemon.postfix().ask("policy", key).unwrap(), "NOTFOUND ", "{key}");
    }
    assert!(daemon.ask("a_b..c mx.test").contains(" tlsa=unusable"), "no question, either");
}
