//! What `lookup` says about the laboratory's names: the class of every kind of answer that it can give.

use crate::support::laboratory::Laboratory;
use crate::support::program::PROGRAM;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// Name, type, class, answer (`-` for none).
const ANSWERS: [(&str, &str, &str, &str); 44] = [
    (".", "SOA", "secure", "data"),
    (".", "DNSKEY", "secure", "data"),
    ("test", "NS", "secure", "data"),
    ("enforced.test", "DS", "secure", "data"),
    ("enforced.test", "MX", "secure", "data"),
    ("_smtp_sts.enforced.test", "TXT", "secure", "data"),
    ("_smtp-sts.enforced.test", "TXT", "secure", "nxdomain"),
    ("mx1.enforced.test", "A", "secure", "data"),
    ("mx1.enforced.test", "AAAA", "secure", "nodata"),
    ("no.such.name.enforced.test", "A", "secure", "nxdomain"),
    ("mail.wild.test", "A", "secure", "nodata"),
    ("_smtp_sts.strings.test", "TXT", "secure", "data"),
    ("mx.alias.test", "A", "secure", "data"),
    ("mx.alias.test", "CNAME", "secure", "data"),
    ("mx.alias.test", "TLSA", "secure", "nodata"),
    ("host.any.test", "TXT", "secure", "data"),
    ("deep.host.any.test", "TXT", "secure", "data"),
    ("host.any.test", "A", "secure", "nodata"),
    ("there.any.test", "TXT", "secure", "nodata"),
    ("null.test", "MX", "secure", "data"),
    ("first.test", "DS", "secure", "nodata"),
    ("first.test", "MX", "insecure", "data"),
    ("_smtp_sts.plain.test", "TXT", "insecure", "nxdomain"),
    ("mx.plain.test", "AAAA", "insecure", "nodata"),
    ("_smtp_sts.bogus.test", "TXT", "bogus", "-"),
    ("_smtp-sts.bogus.test", "TXT", "bogus", "-"),
    ("expired.test", "MX", "bogus", "-"),
    ("stripped.test", "MX", "bogus", "-"),
    ("mx.silent.test", "A", "unreachable", "-"),
    ("no-such-zone", "A", "secure", "nxdomain"),
    ("_mta-sts.sts.test", "TXT", "insecure", "data"),
    ("mta-sts.sts-partly.test", "A", "secure", "data"),
    ("_25._tcp.mx1.dane.test", "TLSA", "secure", "data"),
    ("_25._tcp.mx.dane-shared.test", "TLSA", "secure", "data"),
    ("_25._tcp.mx2.dane-mixed.test", "TLSA", "secure", "nxdomain"),
    ("_25._tcp.mx.dane-unusable.test", "TLSA", "secure", "data"),
    ("_25._tcp.mx.dane-abroad.test", "TLSA", "secure", "data"),
    ("mx.dane-abroad.test", "CNAME", "secure", "data"),
    ("mx.dane-abroad.test", "A", "insecure", "data"),
    ("mx.dane-loose.test", "A", "insecure", "data"),
    ("_25._tcp.mx.dane-bogus.test", "TLSA", "bogus", "-"),
    ("mx.dane-bogus.test", "A", "secure", "data"),
    ("_25._tcp.mx.dane-failing.test", "TLSA", "unreachable", "-"),
    ("mx.dane-failing.test", "A", "secure", "data"),
];

#[test]
fn every_kind_of_answer_gets_its_class_each_from_the_keys_of_the_root_on() {
    let keys_of_the_root = every_answer_of_a_batch(&[]);
    assert!(keys_of_the_root >= ANSWERS.len(), "{keys_of_the_root}");
}

#[test]
fn and_no_other_where_look_ups_share_zones() {
    let keys_of_the_root = every_answer_of_a_batch(&["--share-zones"]);
    // The first ones are on their way together, and what is bogus is looked at once more with keys that are asked for anew.
    assert!(keys_of_the_root <= ANSWERS.len() / 2, "{keys_of_the_root}");
}

/// How often the keys of the root were asked for.
fn every_answer_of_a_batch(options: &[&str]) -> usize {
    let lab = Laboratory::start();
    let input: String = ANSWERS.iter().map(|(name, rtype, ..)| format!("{name} {rtype}\n")).collect();
    let mut child = Command::new(PROGRAM)
        .args(["lookup", "--batch", "--deadline", "3", "--dns", &lab.dns().to_string(), "--trust-anchor"])
        .arg(lab.trust_anchor())
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<Value> =
        output.stdout.split(|b| *b == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect();
    assert_eq!((lines.len(), output.status.code()), (ANSWERS.len(), Some(0)));
    for line in &lines {
        let proof = line["proof"].as_array().unwrap();
        let is_of =
            |ground: &Value, name: &str, rtype: &str| ground["name"] == name && ground["type"] == rtype;
        assert!(proof.first().is_some_and(|ground| is_of(ground, ".", "DNSKEY")), "{line}");
        // What is there is the last ground, unless a wildcard had to be denied; an absence and an insecure zone end in a denial.
        let last = proof.last().unwrap();
        let wanted = match (line["class"].as_str().unwrap(), line["answer"].as_str()) {
            ("secure", Some("data")) if last["denies"].is_null() => "data",
            ("secure" | "insecure", _) => "denial",
            _ => continue,
        };
        assert_eq!(last["role"], wanted, "{line}");
        assert!(last["expires"].as_u64() >= line["valid_until"].as_u64(), "{line}");
    }
    let wrong: Vec<String> = ANSWERS
        .iter()
        .zip(&lines)
        .filter(|((_, _, class, answer), line)| {
            line["class"] != *class || line["answer"].as_str().unwrap_or("-") != *answer
        })
        .map(|((name, rtype, class, answer), line)| {
            format!("{name} {rtype}: expected {class} {answer}, got {line}")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    lab.questions_for(".", "DNSKEY")
}

#[test]
fn a_line_of_2048_octets_is_read_and_one_octet_more_is_malformed() {
    let lab = Laboratory::start();
    // With its end; blanks at the end of a line are none of the question.
    let line = |octets: usize| format!("{:<width$}\n", "none.test A", width = octets - 1);
    let mut child = Command::new(PROGRAM)
        .args(["lookup", "--batch", "--dns", &lab.dns().to_string(), "--trust-anchor"])
        .arg(lab.trust_anchor())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = line(2_048) + &line(2_049) + "none.test A\n";
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let classes: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["class"].clone())
        .collect();
    assert_eq!(classes, [Value::from("secure"), Value::Null, Value::from("secure")]);
}
