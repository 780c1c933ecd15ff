//! The configuration file: the same options under the same names, and errors that an administrator can act on.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program, told};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn file(lab: &Laboratory, text: &str) -> PathBuf {
    let path = lab.directory().join("config.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Only with a configuration file.
fn run(lab: &Laboratory, text: &str, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("--config").arg(file(lab, text)).args(arguments).output().unwrap()
}

#[test]
fn a_file_may_say_everything_that_the_command_line_may() {
    let lab = Laboratory::start();
    let text = format!(
        "dns = [\"{}\"]\ntrust_anchor = \"{}\"\nca_file = \"{}\"\nhttps_port = {}\nallow_private_addresses = true\n\
         deadline = 5\nformat = \"exim\"\nrequire_authentication = false\non_unreachable = \"deliver\"\n\
         cachedb = \"{}\"\n",
        lab.dns(),
        lab.trust_anchor().display(),
        lab.ca_file().display(),
        lab.https_port(),
        lab.cache_file().display(),
    );
    let told = told(run(&lab, &text, &["-d", "webpki.test", "-m", "mx.webpki.test"]), false);
    assert_eq!(told.of(["verdict", "auth", "cache"]), ["deliver", "webpki", "stored"], "{}", told.line);
}

#[test]
fn the_command_line_outweighs_the_file() {
    let lab = Laboratory::start();
    let text = "on_unreachable = \"defer\"\n";
    let ask = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(lab.options()).arg("-c").arg(lab.cache_file()).arg("--config").arg(file(&lab, text));
        let arguments = ["--deadline", "2", "-d", "quiet.test", "-m", "mx.quiet.test"];
        told(command.args(arguments).args(more).output().unwrap(), false)
    };
    assert_eq!(ask(&[]).get("verdict"), "defer");
    assert_eq!(ask(&["--on-unreachable", "deliver"]).get("verdict"), "deliver");
}

#[test]
fn a_bad_file_is_exit_78_and_names_file_line_and_key() {
    let lab = Laboratory::start();
    for (text, line, words) in [
        ("deadline = 5\ndeadlin = 5\n", "2", "deadlin"),
        ("# a comment\n\ndeadline = \"soon\"\n", "3", "soon"),
        ("deadline = 51\n", "1", "between 1 and 50"),
        ("on_unreachable = \"bounce\"\n", "1", "bounce"),
        ("format = \"xml\"\n", "1", "xml"),
        ("https_port = 70000\n", "1", "70000"),
        ("dns = [\"not-an-address\"]\n", "1", "address"),
        ("deadline = \n", "1", ""),
    ] {
        let arguments = ["--format", "human", "-d", "enforced.test"];
        let output = run(&lab, text, &arguments);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(78), "{text}: {said}");
        assert!(said.contains("config.toml"), "the file, for {text}: {said}");
        assert!(
            said.contains(&format!("line {line}")) || said.contains(&format!("config.toml:{line}")),
            "{text}: {said}"
        );
        assert!(said.contains(words), "'{words}' for {text}: {said}");
        let exim = told(run(&lab, text, &["--format", "exim", "-d", "enforced.test"]), true);
        assert_eq!((exim.exit, exim.get("reason")), (78, "configuration"), "{text}: {}", exim.line);
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let lab = Laboratory::start();
    let mut command = Command::new(PROGRAM);
    command.args(lab.options()).args(["--config", "/nonexistent/config.toml", "-c"]).arg(lab.cache_file());
    let told =
        told(command.args(["-d", "enforced.test", "-m", "mx1.enforced.test"]).output().unwrap(), false);
    assert_eq!((told.exit, told.get("reason"), lab.questions()), (78, "configuration", 0), "{}", told.line);
}

#[test]
fn anchors_and_authorities_that_cannot_be_read_are_exit_78() {
    let lab = Laboratory::start();
    let garbage = lab.directory().join("garbage");
    fs::write(&garbage, "garbage\n").unwrap();
    let empty = lab.directory().join("empty");
    fs::write(&empty, "").unwrap();
    for option in ["--trust-anchor", "--ca-file"] {
        for path in [&garbage, &empty, &PathBuf::from("/nonexistent"), &PathBuf::from("/")] {
            let mut command = Command::new(PROGRAM);
            command.args(["--dns", &lab.dns().to_string(), "-c"]).arg(lab.cache_file());
            if option == "--ca-file" {
                command.arg("--trust-anchor").arg(lab.trust_anchor());
            }
            let arguments = ["-d", "webpki.test", "-m", "mx.webpki.test"];
            let told = told(command.arg(option).arg(path).args(arguments).output().unwrap(), false);
            assert_eq!(
                (told.exit, told.get("reason")),
                (78, "configuration"),
                "{option} {path:?}: {}",
                told.line
            );
        }
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn a_trust_anchor_file_of_64_kibibytes_is_read_and_one_octet_more_is_exit_78() {
    let lab = Laboratory::start();
    let anchors = fs::read_to_string(lab.trust_anchor()).unwrap();
    let told = |octets: usize| {
        let path = lab.directory().join(octets.to_string());
        fs::write(&path, format!("{anchors}{}", "\n".repeat(octets - anchors.len()))).unwrap();
        Program::new(&lab).with_trust_anchor(&path).delivery("enforced.test", "mx1.enforced.test")
    };
    assert_eq!(told(65_536).verdict(), ["deliver", "policy-met"]);
    let refused = told(65_537);
    assert_eq!((refused.exit, refused.get("reason")), (78, "configuration"), "{}", refused.line);
}

#[test]
fn the_greatest_values_of_their_ranges_are_taken() {
    let lab = Laboratory::start();
    for option in [["--deadline", "50"], ["--deadline", "1"]] {
        let program = Program::new(&lab).with(option);
        assert_eq!(
            program.delivery("enforced.test", "mx1.enforced.test").get("verdict"),
            "deliver",
            "{option:?}"
        );
    }
    for (option, is_taken) in [
        (["--answer-within", "4.5"], true),
        (["--answer-within", "4.51"], false),
        (["--answer-within", "0.1"], true),
        (["--answer-within", "0.09"], false),
    ] {
        // Without a place to listen at it does not start, once its options are understood.
        let output = Command::new(PROGRAM).arg("serve").args(option).output().unwrap();
        assert_eq!(output.status.code() == Some(64), !is_taken, "{option:?}: {output:?}");
    }
}

#[test]
fn values_out_of_their_range_are_exit_64_on_the_command_line() {
    let lab = Laboratory::start();
    for option in [
        ["--deadline", "0"],
        ["--deadline", "51"],
        ["--deadline", "soon"],
        ["--https-port", "0"],
        ["--https-port", "65536"],
        ["--dns", "resolver.test"],
        ["--dns", "127.0.0.1:0"],
        ["--format", "xml"],
        ["--on-unreachable", "bounce"],
        ["--tls-verified", "perhaps"],
    ] {
        let told = Program::new(&lab).ask(option.into_iter().chain([
            "-d",
            "enforced.test",
            "-m",
            "mx1.enforced.test",
        ]));
        assert_eq!((told.exit, told.get("reason")), (64, "usage"), "{option:?}: {}", told.line);
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn an_override_counts_until_its_end_and_is_seen_in_every_output() {
    let lab = Laboratory::start();
    let ask = |text: &str, more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(lab.options()).arg("-c").arg(lab.cache_file()).arg("--config").arg(file(&lab, text));
        command.args(["--deadline", "5"]).args(more).output().unwrap()
    };
    let rule = |domain: &str, what: &str, until: &str| {
        format!("[override.\"{domain}\"]\n{what}\nuntil = {until}\nreason = \"a partner mends it\"\n")
    };
    let keys = ["verdict", "tls", "policy", "reason"];
    for (domain, host, what, until, expected) in [
        (
            "bogus.test",
            "mx.bogus.test",
            "ignore = true",
            "2999-12-31",
            ["deliver", "opportunistic", "override", "override"],
        ),
        (
            "bogus.test",
            "mx.bogus.test",
            "ignore = true",
            "2020-12-31",
            ["defer", "opportunistic", "none", "dnssec-bogus"],
        ),
        (
            "bogus.test",
            "mx.bogus.test",
            "require = \"none\"",
            "2999-12-31",
            ["defer", "opportunistic", "override", "dnssec-bogus"],
        ),
        (
            "none.test",
            "mx.none.test",
            "require = \"webpki\"",
            "2999-12-31",
            ["deliver", "webpki", "override", "override"],
        ),
        (
            "none.test",
            "mx.none.test",
            "require = \"dane\"",
            "2999-12-31",
            ["refuse", "dane", "override", "tlsa-required"],
        ),
    ] {
        let text = rule(domain, what, until);
        let line = told(ask(&text, &["-d", domain, "-m", host]), false);
        assert_eq!(line.of(keys), expected, "{what} until {until}: {}", line.line);
        let page =
            String::from_utf8(ask(&text, &["-d", domain, "-m", host, "--format", "human"]).stdout).unwrap();
        let people = page.split_whitespace().collect::<Vec<_>>().join(" "); // wherever its lines break
        let ended =
            if until == "2020-12-31" { "is ignored: a partner mends it" } else { "counts until 3000-01-01" };
        assert!(people.contains(ended) && people.contains("a partner mends it"), "{people}");
    }
    let below = rule("*.test", "ignore = true", "2999-12-31");
    assert_eq!(told(ask(&below, &["-d", "bogus.test"]), true).get("policy"), "override");
    let output = ask("[override.\"a.test\"]\nignore = true\nreason = \"no end\"\n", &["-d", "a.test"]);
    assert_eq!(output.status.code(), Some(78));
}
