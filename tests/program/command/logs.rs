//! The log: one event is one line, whatever a stranger called himself; Exim never sees it.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::policy_host::Body;
use crate::support::program::Program;
use serde_json::Value;

const HOSTILE: &str = "forged\u{1b}[2J\u{202e}\",\"level\":\"error\"}\u{85}{";

/// A world in which a policy would do harm in a log.
fn hostile() -> Laboratory {
    let lab = Laboratory::start();
    let policy = format!("version: STSv1\nmode: {HOSTILE}\nmx: {HOSTILE}\nmax_age: 604800\n");
    lab.conduct_policy_host("mta-sts.sts.test", Body::Text(policy));
    lab
}

#[test]
fn in_json_every_line_is_an_event() {
    let lab = hostile();
    for format in ["human", "json"] {
        let program = Program::new(&lab).with(["--format", format, "--log-format", "json"]);
        let output = program.run(["-d", "sts.test"]);
        let log = String::from_utf8(output.stderr).unwrap();
        let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let answered = events.iter().filter(|event| event["message"] == "DNS answered").count();
        assert!(answered > 2, "{log}");
        assert!(
            events
                .iter()
                .any(|event| event["fields"]["said"].as_str().is_some_and(|said| said.contains("u{1b}"))),
            "{log}"
        );
        for event in &events {
            assert!(event["at"].as_u64().is_some() && event["fields"].is_object(), "{event}");
            assert!(["info", "warn"].contains(&event["level"].as_str().unwrap()), "{event}");
        }
    }
}

#[test]
fn as_text_every_line_begins_with_its_level_and_its_place() {
    let lab = hostile();
    for words in [&["--log-format", "text"][..], &["-v"]] {
        let program = Program::new(&lab).with(["--format", "json"]).with(words.iter().copied());
        let log = String::from_utf8(program.run(["-d", "sts.test"]).stderr).unwrap();
        assert!(log.lines().count() > 2, "{log}");
        for line in log.lines() {
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
            assert!(
                [" INFO smtp_sts_verify::", " WARN smtp_sts_verify::"]
                    .iter()
                    .any(|begin| line.starts_with(begin)),
                "{line}"
            );
        }
    }
}

#[test]
fn more_words_on_the_page_need_no_log_beside_it() {
    let lab = hostile();
    let output = Program::new(&lab).with(["--format", "human", "-v"]).run(["-d", "sts.test"]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("  asked "));
}

#[test]
fn exim_never_sees_a_log() {
    let lab = hostile();
    let path = lab.directory().join("log.toml");
    std::fs::write(&path, "log_format = 'json'\n").unwrap();
    // `ask` finds nothing on standard error.
    Program::new(&lab).with(["--log-format", "text", "-v"]).ask(["-d", "sts.test"]);
    Program::new(&lab).with_configuration(path.clone()).ask(["-d", "sts.test"]);
    let output =
        Program::new(&lab).with_configuration(path).with(["--format", "human"]).run(["-d", "sts.test"]);
    assert!(!output.stderr.is_empty(), "the configuration may ask for a log of everything else");
}
