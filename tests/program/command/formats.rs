//! The three formats say the same; the exit code follows the verdict.

use crate::support::laboratory::Laboratory;
use crate::support::program::{KEYS, PROGRAM, Program};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// A delivery for each kind of verdict, with its exit code.
const EVERY_VERDICT: [(&str, &str, &str, i32); 6] = [
    ("enforced.test", "mx1.enforced.test", "deliver", 0),
    ("enforced.test", "mx.hosting.test", "refuse", 1),
    ("bogus.test", "mx.bogus.test", "defer", 75),
    ("first.test", "mx.first.test", "deliver", 0),
    ("none.test", "mx.none.test", "deliver", 0),
    ("malformed.test", "mx.malformed.test", "deliver", 0),
];

#[test]
fn the_exit_code_follows_the_verdict_in_every_format() {
    let lab = Laboratory::start();
    for (domain, host, verdict, exit) in EVERY_VERDICT {
        for format in ["exim", "json", "human"] {
            let program = Program::new(&lab);
            program.delivery("enforced.test", "mx1.enforced.test");
            let program = program.with(["--format", format, "--deadline", "7"]);
            let output = program.run(["-d", domain, "-m", host]);
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(exit), "{domain} in {format}: {said}");
            assert!(said.contains(verdict), "{domain} in {format}: {said}");
        }
    }
}

#[test]
fn verify_is_the_default_command() {
    let lab = Laboratory::start();
    let question = ["-d", "enforced.test", "-m", "mx1.enforced.test"];
    let short = Program::new(&lab).run(question);
    let mut command = Command::new(PROGRAM);
    command.arg("verify").args(lab.options()).arg("-c").arg(lab.cache_file()).args(question);
    let long = command.arg("--config").arg(lab.empty_configuration()).output().unwrap();
    assert_eq!((short.stdout, short.status), (long.stdout, long.status));
}

#[test]
fn a_router_is_never_told_to_refuse() {
    let lab = Laboratory::start();
    for domain in [
        "enforced.test",
        "forbidden.test",
        "partly.test",
        "none.test",
        "bogus.test",
        "null.test",
        "first.test",
    ] {
        let told = Program::new(&lab).route(domain);
        assert!(["deliver", "defer"].contains(&told.get("verdict")), "{domain}: {}", told.line);
        assert_eq!(
            told.exit,
            if told.get("verdict") == "deliver" { 0 } else { 75 },
            "{domain}: {}",
            told.line
        );
    }
}

#[test]
fn json_is_one_object_with_the_flat_keys_the_hosts_and_the_evidence() {
    let lab = Laboratory::start();
    let program = Program::new(&lab).with(["--format", "json"]);
    let output = program.run(["-d", "partly.test", "-m", "mx.partly.test", "-m", "mx.hosting.test"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    for key in KEYS {
        assert!(object[key].is_string(), "{key} in {object:#}");
    }
    assert_eq!(object["domain"], "partly.test");
    let verdict_on = |host: &str| {
        let hosts = object["hosts"].as_array().unwrap();
        let found =
            hosts.iter().find(|h| h["host"] == host).unwrap_or_else(|| panic!("{host} in {object:#}"));
        (found["verdict"].as_str().unwrap().to_owned(), found["reason"].as_str().unwrap().to_owned())
    };
    assert_eq!(verdict_on("mx.partly.test"), ("deliver".into(), "policy-met".into()));
    assert_eq!(verdict_on("mx.hosting.test"), ("refuse".into(), "mx-not-in-policy".into()));
    assert_eq!(object["verdict"], "deliver", "one of them matches");
    let evidence = object["evidence"].as_array().unwrap();
    assert!(!evidence.is_empty());
    assert!(evidence.iter().all(|e| e["class"].is_string()), "{object:#}");
    let steps = object["timeline"]["steps"].as_array().unwrap();
    let critical: Vec<_> = steps.iter().filter(|step| step["critical"] == true).collect();
    assert!(!critical.is_empty(), "{object:#}");
    let end = object["timeline"]["end_ms"].as_f64();
    assert!(
        critical.iter().all(|step| step["to_ms"].is_number() && step["to_ms"].as_f64() <= end),
        "{object:#}"
    );
    assert!(output.stderr.is_empty());
    assert!(object.get("mxre").is_none(), "{object}");
    let object: Value = serde_json::from_slice(&program.run(["-d", "enforced.test"]).stdout).unwrap();
    assert_eq!(object["mxre"], Program::new(&lab).route("enforced.test").get("mxre"), "{object}");
}

#[test]
fn json_stays_an_object_when_the_question_is_bad() {
    let lab = Laboratory::start();
    let output = Program::new(&lab).with(["--format", "json"]).run(["-d", "not a domain"]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), object["reason"].as_str()),
        (Some(64), Some("bad-domain")),
        "{object:#}"
    );
}

#[test]
fn human_explains_in_a_few_lines_without_a_control_character() {
    let lab = Laboratory::start();
    lab.publish("none.test", "TXT", "\"v=STS1; \\\"harmless\\\"\"");
    for (domain, host, verdict, _) in EVERY_VERDICT {
        let program = Program::new(&lab);
        program.delivery("enforced.test", "mx1.enforced.test");
        let program = program.with(["--format", "human", "--deadline", "7"]);
        let said = String::from_utf8(program.run(["-d", domain, "-m", host]).stdout).unwrap();
        assert!(said.contains(domain) && said.contains(verdict), "{said}");
        assert!((2..=20).contains(&said.lines().count()), "{said}");
        assert!(said.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{said:?}");
    }
}

#[test]
fn the_help_names_every_option_and_exit_code() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for word in [
        "--dns",
        "--trust-anchor",
        "--ca-file",
        "--https-port",
        "--allow-private-addresses",
        "--deadline",
        "--format",
        "--require-authentication",
        "--on-unreachable",
        "--tls-verified",
        "--config",
        "lookup",
    ] {
        assert!(help.contains(word), "{word} in:\n{help}");
    }
    let codes: BTreeSet<&str> = help.split(|c: char| !c.is_ascii_digit()).collect();
    for code in ["0", "1", "64", "70", "75", "78"] {
        assert!(codes.contains(code), "exit code {code} in:\n{help}");
    }
}
