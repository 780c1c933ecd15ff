//! Names outside the public DNS, and private zones that the configuration names.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::fs;
use std::process::Command;

fn json(program: &Program, arguments: &[&str]) -> Value {
    let output = program.run([arguments, &["--format", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn special_use_names_are_never_asked_about_and_their_mail_goes_as_ever() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for domain in [
        "localhost",
        "Localhost.",
        "mail.corp.internal",
        "x.local",
        "x.onion",
        "x.alt",
        "x.invalid",
        "x.home.arpa",
    ] {
        for told in [program.route(domain), program.delivery(domain, "mx.enforced.test")] {
            assert_eq!(
                (told.exit, told.verdict(), told.get("tls")),
                (0, ["deliver", "special-use-name"], "opportunistic"),
                "{domain}"
            );
        }
        let notes = json(&program, &["-d", domain])["notes"].to_string();
        assert!(notes.contains("insecure_zones"), "{notes}");
    }
    assert_eq!(lab.questions() + lab.visits().len(), 0);
    // Names like any other.
    assert_eq!(program.route("none.test").get("reason"), "no-policy");
    assert_eq!(program.route("local.none.test").get("reason"), "no-policy");
    assert!(lab.questions() > 0);
}

#[test]
fn a_domain_whose_mx_points_to_a_special_use_name_is_excused_from_nothing() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("enforced.test", "mx1.enforced.test").get("verdict"), "deliver");
    lab.withdraw("enforced.test", "MX");
    lab.publish("enforced.test", "MX", "10 localhost.");
    lab.publish("enforced.test", "MX", "20 mx.internal.");
    program.forget_dns();
    for host in ["localhost", "mx.internal"] {
        let told = program.delivery("enforced.test", host);
        assert_ne!(told.get("verdict"), "deliver", "{}", told.line);
    }
    let notes = json(&program, &["-d", "enforced.test", "-m", "localhost"])["notes"].to_string();
    assert!(notes.contains("localhost") && notes.contains("insecure_zones"), "{notes}");
    for host in ["localhost", "mx.internal"] {
        assert_eq!(lab.questions_for(host, "A") + lab.questions_for(&format!("_25._tcp.{host}"), "TLSA"), 0);
    }
}

#[test]
fn below_a_private_zone_nothing_is_bogus_and_every_output_says_so() {
    let lab = Laboratory::start();
    let plain = Program::new(&lab);
    assert_eq!(plain.route("bogus.test").verdict(), ["defer", "dnssec-bogus"]);
    let private = Program::new(&lab).with(["--insecure-zones", "bogus.test"]);
    let told = private.route("bogus.test");
    assert_eq!((told.exit, told.verdict()), (0, ["deliver", "first-use"]), "{}", told.line);
    let answer = json(&private, &["-d", "bogus.test"]);
    assert!(answer["notes"].to_string().contains("insecure_zones"), "{answer}");
    let human = private.run(["-d", "bogus.test", "--format", "human"]);
    assert!(String::from_utf8_lossy(&human.stdout).replace("\n", " ").contains("insecure_zones"));
    // Elsewhere nothing has changed.
    assert_eq!(
        private.delivery("mixed.test", "mx1.mixed.test").get("verdict"),
        plain.delivery("mixed.test", "mx1.mixed.test").get("verdict")
    );
    // What was learnt there counts nowhere else.
    let same = Program::new(&lab).with_cache_of(&private);
    assert_eq!(same.route("bogus.test").verdict(), ["defer", "dnssec-bogus"]);
}

#[test]
fn a_policy_in_force_stays_so_below_a_private_zone() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("enforced.test", "mx1.enforced.test").get("verdict"), "deliver");
    let private = Program::new(&lab).with_cache_of(&program).with(["--insecure-zones", "enforced.test"]);
    let told = private.delivery("enforced.test", "mx.hosting.test");
    assert_eq!(told.verdict(), ["refuse", "mx-not-in-policy"], "{}", told.line);
}

#[test]
fn the_file_takes_one_zone_or_a_list_and_refuses_top_level_domains_by_line() {
    let lab = Laboratory::start();
    let with = |text: &str| {
        let path = lab.directory().join("private.toml");
        fs::write(&path, text).unwrap();
        Program::new(&lab).with_configuration(path)
    };
    for text in ["insecure_zones = 'bogus.test'", "insecure_zones = ['corp.internal', 'Bogus.Test.']"] {
        assert_eq!(with(text).route("bogus.test").verdict(), ["deliver", "first-use"], "{text}");
    }
    for text in ["insecure_zones = ['.']", "insecure_zones = ['test']", "insecure_zones = ['com']"] {
        let told = with(text).route("bogus.test");
        assert_eq!(told.verdict(), ["defer", "configuration"], "{text}");
    }
}

#[test]
fn lookup_tells_of_both_and_asks_nobody_about_the_one() {
    let lab = Laboratory::start();
    let look_up = |arguments: &[&str]| -> Value {
        let mut command = Command::new(PROGRAM);
        command.arg("lookup").args(arguments).args(["--format", "json", "--dns", &lab.dns().to_string()]);
        command.arg("--trust-anchor").arg(lab.trust_anchor()).arg("--config").arg(lab.empty_configuration());
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    };
    let answer = look_up(&["mail.corp.internal", "MX"]);
    assert_eq!((answer["class"].as_str(), answer["queries"].as_u64()), (Some("unreachable"), Some(0)));
    assert!(answer["reason"].as_str().unwrap().starts_with("special-use-name: "), "{answer}");
    assert_eq!(lab.questions(), 0);
    assert_eq!(look_up(&["bogus.test", "MX"])["class"], "bogus");
    let answer = look_up(&["bogus.test", "MX", "--insecure-zones", "bogus.test"]);
    assert_eq!(answer["class"], "insecure");
    assert!(answer["reason"].as_str().unwrap().starts_with("insecure-zone: "), "{answer}");
}
