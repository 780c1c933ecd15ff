//! `lint --kind`: one text, what is wrong with it, and an exit code.

use crate::support::program::PROGRAM;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The program with that text on standard input.
fn lint(arguments: &[&str], text: &[u8]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("lint").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that has read enough may be gone.
    let _ = child.stdin.take().unwrap().write_all(text);
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn exit(kind: &str, text: &[u8]) -> Option<i32> {
    lint(&["--kind", kind], text).status.code()
}

#[test]
fn a_person_is_told_what_where_how_much_it_matters_how_to_mend_it_and_by_which_rule() {
    let policy = "version: STSv1\r\nmode: enforce\r\nmx: *.example.org, mx.example.net\r\nmax_age: 3600\r\n";
    let output = lint(&["--kind", "mta-sts-policy"], policy.as_bytes());
    let expected = "\
standard input, mta-sts-policy:

line 3, column 5: error: mta-sts.policy.mx-list
    mx: *.example.org, mx.example.net
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  what: Several patterns stand in one line.
  mend: Write a line of its own, with its own mx:, for each of them.
  rule: RFC 8461 section 3.2

line 4, column 10: warning: mta-sts.policy.max-age-too-short
    max_age: 3600
             ^^^^
  what: max_age is under a day: large senders ignore such a policy, and it
        protects next to nothing.
  mend: Write at least max_age: 86400 while testing, and weeks afterwards.
  rule: RFC 8461 section 3.2

found: 1 error, 1 warning
";
    assert_eq!(said(&output), expected);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
}

#[test]
fn json_has_the_value_and_the_findings() {
    let output = lint(&["--kind", "tlsa", "--format", "json"], b"3 0 1 \nab");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&object["kind"], &object["well_formed"], &object["value"]),
        (&"tlsa".into(), &false.into(), &Value::Null)
    );
    let output =
        lint(&["--kind", "tlsa", "--format", "json"], format!("3 0 1 {}\n", "ab".repeat(32)).as_bytes());
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let value = serde_json::json!({"usage": 3, "selector": 0, "matching_type": 1, "data": "ab".repeat(32)});
    assert_eq!((&object["well_formed"], &object["value"]), (&true.into(), &value));
    let finding = &object["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&"tlsa.end-entity-certificate".into(), &"note".into())
    );
    assert_eq!(
        (&finding["line"], &finding["column"], &finding["shown"]),
        (&1.into(), &3.into(), &"0".into())
    );
    for key in ["meaning", "fix", "rule"] {
        assert!(finding[key].as_str().is_some_and(|text| text.len() > 5), "{finding}");
    }
}

#[test]
fn each_kind_has_its_value() {
    for (kind, text, value) in [
        ("mta-sts-txt", "v=STSv1; id=a1;", r#"{"id":"a1"}"#),
        (
            "mta-sts-policy",
            "version: STSv1\nmode: none\nmax_age: 9",
            r#"{"max_age":9,"mode":"none","mx":[]}"#,
        ),
        ("tlsrpt-txt", "v=TLSRPTv1; rua=mailto:a@b.example", r#"{"rua":["mailto:a@b.example"]}"#),
        (
            "smtp-sts-txt",
            "v=STS1; to=true; mx=*.a.example; a=dnssec; c=tlsa; e=7",
            r#"{"constraint":"tlsa","life":7,"mechanism":"dnssec","mode":"enforce","mx":["*.a.example"],"rua":[]}"#,
        ),
    ] {
        let output = lint(&["--kind", kind, "--format", "json"], text.as_bytes());
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["value"].to_string(), value, "{object}");
    }
}

#[test]
fn warnings_fail_only_where_they_are_asked_to() {
    let policy = b"version: STSv1\nmode: none\n\nmax_age: 3000000\n";
    let output = lint(&["--kind", "mta-sts-policy"], policy);
    assert!(said(&output).ends_with("found: 1 warning\n"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lint(&["--kind", "mta-sts-policy", "--strict"], policy).status.code(), Some(1));
    let notes = b"version: STSv1\nmode: none\nmx: mx.example.org\nmax_age: 3000000\n";
    assert_eq!(lint(&["--kind", "mta-sts-policy", "--strict"], notes).status.code(), Some(0));
}

#[test]
fn exactly_one_line_end_is_no_part_of_the_record() {
    for (text, expected) in [
        ("v=STSv1; id=1", 0),
        ("v=STSv1; id=1\n", 0),
        ("v=STSv1; id=1\r\n", 0),
        ("v=STSv1; id=1\n\n", 1),
        ("\nv=STSv1; id=1", 1),
        ("", 1),
        ("\n", 1),
    ] {
        assert_eq!(exit("mta-sts-txt", text.as_bytes()), Some(expected), "{text:?}");
    }
}

#[test]
fn a_file_is_read_like_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("record");
    fs::write(&path, "v=STSv1; id=!\n").unwrap();
    let from_file = lint(&["--kind", "mta-sts-txt", path.to_str().unwrap()], b"");
    let from_input = lint(&["--kind", "mta-sts-txt", "-"], b"v=STSv1; id=!\n");
    let findings = |output: &Output| said(output).split_once("\n\n").unwrap().1.to_owned();
    assert_eq!(findings(&from_file), findings(&from_input));
    assert_eq!((from_file.status.code(), from_input.status.code()), (Some(1), Some(1)));
}

#[test]
fn what_is_no_question_is_64_and_a_line_on_standard_error() {
    for arguments in [
        &[][..],
        &["--kind"],
        &["--kind", "html"],
        &["--kind", "tlsa", "/nonexistent/record"],
        &["--kind", "tlsa", "a", "b"],
        &["--strict"],
        &["--kind", "tlsa", "--publish"],
        &["--mode", "enforce", "example.org"],
        &["--publish", "--max-age", "31557601", "example.org"],
        &["no domain"],
        &["192.0.2.1"],
    ] {
        let output = lint(arguments, b"");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.lines().count() >= 1 && !told.contains("verdict="), "{arguments:?}: {told}");
        assert!(told.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{told:?}");
    }
}

#[test]
fn an_endless_input_is_too_long_and_soon_told() {
    for (kind, code) in
        [("mta-sts-policy", "mta-sts.policy.too-large"), ("mta-sts-txt", "mta-sts.txt.too-long")]
    {
        let output = lint(&["--kind", kind], &vec![b'a'; 1 << 20]);
        assert!(said(&output).contains(code) && said(&output).len() < 1_000, "{}", said(&output));
        assert_eq!(output.status.code(), Some(1));
    }
}

/// RFC 8461 section 3.2: `sts-policy-term` ends a line, once; a blank line is none of the grammar's, nor at the end. It is honoured
/// all the same.
#[test]
fn one_blank_line_at_the_end_of_a_policy_is_seen() {
    let policy = "version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 2419200\n";
    for (more, expected) in [("", 0), ("\n", 1), ("\r\n", 1), (" \n", 1), ("\n\n", 2)] {
        let output = lint(&["--kind", "mta-sts-policy"], format!("{policy}{more}").as_bytes());
        assert_eq!(said(&output).matches("warning: mta-sts.policy.blank-line").count(), expected, "{more:?}");
        assert_eq!(output.status.code(), Some(0), "{more:?}");
    }
    let output = lint(&["--kind", "mta-sts-policy"], policy.trim_end().as_bytes());
    assert!(said(&output).contains("nothing to complain of"), "the last line need not be ended");
}

#[test]
fn of_too_many_findings_those_that_matter_most_are_told() {
    let text = vec![b'\n'; 60_000];
    let output = lint(&["--kind", "mta-sts-policy"], &text);
    assert!(said(&output).contains("error: mta-sts.policy.no-mode\n"), "{}", said(&output));
    assert!(
        said(&output).contains("\nand 59953 more, which matter no more than these\n"),
        "{}",
        said(&output)
    );
    let output = lint(&["--kind", "mta-sts-policy", "--format", "json"], &text);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((object["findings"].as_array().unwrap().len(), &object["left_out"]), (1_000, &59_003.into()));
}

#[test]
fn hostile_octets_are_shown_harmlessly() {
    let every_octet: Vec<u8> = (0..=255).collect();
    for kind in ["mta-sts-txt", "mta-sts-policy", "smtp-sts-txt", "tlsrpt-txt", "tlsa"] {
        for text in
            [&every_octet[..], b"\x1b]0;x\x07", b"v=STSv1; id=\xe2\x80\xae;", b"mx: \xff\xfe", b"3 1 1 \x00"]
        {
            for format in ["human", "json"] {
                let output = lint(&["--kind", kind, "--format", format], text);
                assert!(
                    output.stdout.iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)),
                    "{kind} {format}"
                );
                assert!(
                    output.status.code() == Some(1) && output.stderr.is_empty(),
                    "{kind} {format}: {output:?}"
                );
                assert!(
                    format == "json" || said(&output).lines().all(|line| line.len() <= 80),
                    "{}",
                    said(&output)
                );
            }
        }
    }
}

/// The octets of an input of `fixtures/*.tsv`; `None` for those that stand for more than one record.
fn octets(input: &str) -> Option<Vec<u8>> {
    if input.contains(" || ") || input.contains('<') {
        return None;
    }
    let mut octets = Vec::new();
    let mut rest = input.chars();
    while let Some(c) = rest.next() {
        let escape = if c == '\\' { rest.next() } else { None };
        match escape {
            None => octets.extend(c.to_string().bytes()),
            Some('n') => octets.push(b'\n'),
            Some('r') => octets.push(b'\r'),
            Some('t') => octets.push(b'\t'),
            Some('x') => {
                octets.push(u8::from_str_radix(&rest.by_ref().take(2).collect::<String>(), 16).unwrap())
            }
            Some('u') => {
                let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let c = char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap();
                octets.extend(c.to_string().bytes());
            }
            Some(other) => octets.push(u8::try_from(other).unwrap()),
        }
    }
    Some(octets)
}

#[test]
fn every_collected_vector_is_well_formed_or_malformed_as_written_down() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (kind, fixture) in [
        ("mta-sts-txt", include_str!("../../../fixtures/mta-sts-txt.tsv")),
        ("mta-sts-policy", include_str!("../../../fixtures/mta-sts-policy.tsv")),
        ("smtp-sts-txt", include_str!("../../../fixtures/smtp-sts-txt.tsv")),
        ("tlsrpt-txt", include_str!("../../../fixtures/tlsrpt-txt.tsv")),
    ] {
        for row in fixture.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = row.split('\t');
            let (input, outcome) = (fields.next().unwrap(), fields.next().unwrap());
            let Some(mut text) = octets(input).filter(|_| outcome != "elsewhere") else { continue };
            text.push(b'\n');
            let expected = i32::from(outcome == "nothing" || outcome.starts_with("malformed "));
            let found = exit(kind, &text);
            if found != Some(expected) {
                wrong.push(format!("{kind} {input:?}: exit {found:?}, and {outcome}"));
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 300, "{seen}");
}
