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
        // However the lines are broken.
        let said = String::from_utf8(said).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
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

#[test]
fn a_configuration_is_checked_with_all_that_it_names() {
    let lab = Laboratory::start();
    let check = |text: &str, format: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["config", "check", "--format", format, "--config"]).arg(file(&lab, text));
        command.output().unwrap()
    };
    let good = format!("# x\ntrust_anchor = \"{}\"\n", lab.trust_anchor().display());
    let output = check(&good, "human");
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("can be used; one key is set"));
    for (bad, words) in [
        ("trust_anchor = '/nonexistent'\n", "/nonexistent"),
        ("[serve]\nhttp = []\n[serve]\npostfix = []\n", "the section [serve] is there already, in line 1"),
        ("[serve]\ncachedb = '/x'\n", "cachedb belongs above all sections"),
    ] {
        let output = check(bad, "human");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(78), true), "{said}");
        assert!(said.contains(words), "{said}");
        let output = check(bad, "json");
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &object["can_be_used"]), (Some(78), &false.into()));
        assert!(object["error"].as_str().unwrap().contains(words), "{object}");
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn what_is_in_force_is_shown_with_where_it_comes_from_and_could_stand_in_a_file() {
    let lab = Laboratory::start();
    let text = "# x\ndeadline = 7\nmechanisms = ['dane']\n[serve]\npostfix = '127.0.0.1:8461'\n\
                [override.'a.test']\nrequire = 'webpki'\nuntil = 2999-12-31\nreason = 'a \"test\"'\n";
    let show = |format: &str| {
        let mut command = Command::new(PROGRAM);
        command
            .args(["config", "show", "--deadline", "3", "--format", format, "--config"])
            .arg(file(&lab, text));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let object: serde_json::Value = serde_json::from_str(&show("json")).unwrap();
    let of = |section: &str, key: &str| {
        let all = object["settings"].as_array().unwrap();
        let one = all.iter().find(|one| one["section"] == section && one["key"] == key).unwrap();
        (one["value"].to_string(), one["origin"].as_str().unwrap().to_owned(), one["line"].as_u64())
    };
    assert_eq!(of("", "deadline"), ("3".into(), "flag".into(), None));
    assert_eq!(of("", "mechanisms"), ("[\"dane\"]".into(), "file".into(), Some(3)));
    assert_eq!(of("serve", "postfix"), ("[\"127.0.0.1:8461\"]".into(), "file".into(), Some(5)));
    assert_eq!(of("override.\"a.test\"", "require"), ("\"webpki\"".into(), "file".into(), Some(6)));
    assert_eq!(of("", "trust_anchor"), ("null".into(), "default".into(), None));
    let page = show("human");
    let again =
        Command::new(PROGRAM).args(["config", "check", "--config"]).arg(file(&lab, &page)).output().unwrap();
    assert!(again.status.success(), "{page}\n{again:?}");
}

/// Every key that the file may have is shown: the keys that an error names.
#[test]
fn every_key_is_shown() {
    let lab = Laboratory::start();
    let known = |text: &str| {
        let output = Command::new(PROGRAM)
            .args(["config", "check", "--config"])
            .arg(file(&lab, text))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let (_, expected) = said.split_once("expected one of").unwrap();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let output = Command::new(PROGRAM)
        .args(["config", "show", "--format", "json", "--config"])
        .arg(file(&lab, ""))
        .output()
        .unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for (section, text) in [
        ("", "nonsense = 1\n"),
        ("serve", "[serve]\nnonsense = 1\n"),
        ("reports", "[reports]\nnonsense = 1\n"),
    ] {
        // What a fleet is told only where there is one.
        let sections = ["override", "serve", "reports", "fleet"];
        for key in known(text).iter().filter(|key| !sections.contains(&key.as_str())) {
            let all = object["settings"].as_array().unwrap();
            assert!(
                all.iter().any(|one| one["section"] == section && one["key"] == key.as_str()),
                "{section} {key}"
            );
        }
    }
}

/// The shipped file: as it is, with the README's block for Postfix behind it, and with each line uncommented.
#[test]
fn the_shipped_file_may_be_appended_to_and_uncommented() {
    let lab = Laboratory::start();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shipped = fs::read_to_string(root.join("exim/daemon/config.toml")).unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(block.contains("postfix"), "{block}");
    let is_key = |line: &str| {
        line.starts_with("#[") || (line.starts_with('#') && !line.starts_with("# ") && line.contains(" = "))
    };
    let uncommented: String = shipped
        .lines()
        .map(|line| if is_key(line) { format!("{}\n", &line[1..]) } else { format!("{line}\n") })
        .filter(|line| !line.starts_with("trust_anchor"))
        .collect();
    assert!(uncommented.contains("\n[serve]\n") && uncommented.contains("\nhttp = "), "{uncommented}");
    for text in [
        shipped.clone(),
        format!("{shipped}\n{block}"),
        format!("{shipped}\ndns = \"127.0.0.1\"\n"),
        uncommented,
    ] {
        let output = Command::new(PROGRAM)
            .args(["config", "check", "--config"])
            .arg(file(&lab, &text))
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}\n{output:?}");
    }
}
