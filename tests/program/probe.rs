//! `probe` as it is typed: its exit codes, and its JSON against the schema.

use crate::support::laboratory::Laboratory;
use crate::support::program::PROGRAM;
use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// The program in the laboratory.
fn probe(lab: &Laboratory, port: u16, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("probe").args(arguments).args(["--port", &port.to_string()]).args(lab.options());
    command.arg("-c").arg(lab.cache_file()).arg("--config").arg(lab.empty_configuration());
    command.stdin(Stdio::null()).output().unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    let schema: Value =
        serde_json::from_str(include_str!("../../fixtures/probe.schema.json")).expect("the schema is JSON");
    let schema = jsonschema::validator_for(&schema).expect("the schema is one");
    let text = str::from_utf8(&output.stdout).unwrap();
    assert!(text.bytes().all(|octet| octet == b'\n' || (b' '..=b'~').contains(&octet)), "{text}");
    let objects = text.lines().map(|line| {
        let object = serde_json::from_str(line).unwrap();
        let mistakes: Vec<String> = schema
            .iter_errors(&object)
            .map(|mistake| format!("{} {mistake}", mistake.instance_path()))
            .collect();
        assert_eq!(mistakes, Vec::<String>::new(), "{object:#}");
        object
    });
    objects.collect()
}

/// Of each address: its action and cause.
fn actions(object: &Value) -> Vec<[&str; 2]> {
    let hosts = object["hosts"].as_array().unwrap();
    let addresses = hosts.iter().flat_map(|host| host["addresses"].as_array().unwrap());
    addresses.map(|address| ["action", "cause"].map(|key| address[key].as_str().unwrap())).collect()
}

#[test]
fn each_domain_of_the_laboratory_comes_to_what_it_should() {
    let lab = Laboratory::start();
    let hosts = lab.open_mail_hosts();
    let fine = ["deliver", "policy-met"];
    let refused = |cause| ["not-to-this-host", cause];
    for (domain, reach, exit, expected) in [
        ("good-dane.test", "every", 0, vec![["deliver", "dane-usable"]]),
        ("good-anchor.test", "every", 0, vec![["deliver", "dane-usable"]]),
        ("lapsed-dane.test", "every", 0, vec![["deliver", "dane-usable"]]),
        ("misnamed-dane.test", "every", 0, vec![["deliver", "dane-usable"]]),
        ("rollover-dane.test", "every", 0, vec![["deliver", "dane-usable"]]),
        ("stale-dane.test", "some", 1, vec![refused("tlsa-no-match")]),
        ("stale-anchor.test", "some", 1, vec![refused("tlsa-no-match")]),
        ("plain-dane.test", "some", 1, vec![refused("no-starttls")]),
        ("lapsed-sts.test", "some", 1, vec![refused("certificate-expired")]),
        ("misnamed-sts.test", "some", 1, vec![refused("certificate-other-name")]),
        ("selfsigned-sts.test", "some", 1, vec![refused("certificate-self-signed")]),
        ("incomplete-sts.test", "some", 1, vec![refused("certificate-unknown-issuer")]),
        ("plain-sts.test", "some", 1, vec![refused("no-starttls")]),
        ("half-sts.test", "some", 1, vec![fine, refused("certificate-expired")]),
        ("forbidden-sts.test", "some", 1, vec![fine, refused("mx-not-in-policy")]),
        ("unreachable-sts.test", "unknown", 75, vec![["wait", "refused"]]),
        ("null.test", "no-host", 0, vec![]),
    ] {
        let output = probe(&lab, hosts.port(), &["--format", "json", domain]);
        let [object] = <[Value; 1]>::try_from(objects(&output)).unwrap();
        assert_eq!((object["domain"].as_str(), object["reach"].as_str()), (Some(domain), Some(reach)));
        assert_eq!((actions(&object), output.status.code()), (expected, Some(exit)), "{domain}: {object:#}");
    }
}

#[test]
fn several_domains_are_answered_in_their_order_and_the_worst_is_the_exit_code() {
    let lab = Laboratory::start();
    let hosts = lab.open_mail_hosts();
    let domains = ["unreachable-sts.test", "good-dane.test", "stale-dane.test", "none.test"];
    let output = probe(&lab, hosts.port(), &[&domains[..], &["--format", "json"]].concat());
    let told: Vec<Value> = objects(&output).iter().map(|object| object["domain"].clone()).collect();
    assert_eq!(told, domains);
    assert_eq!(output.status.code(), Some(1));
    let output = probe(&lab, hosts.port(), &[&domains[..2], &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(75));
}

#[test]
fn a_host_may_be_named_instead_of_the_domains_own() {
    let lab = Laboratory::start();
    let hosts = lab.open_mail_hosts();
    let arguments = ["good-sts.test", "--mx", "mx.good-dane.test", "--format", "json"];
    let output = probe(&lab, hosts.port(), &arguments);
    let [object] = <[Value; 1]>::try_from(objects(&output)).unwrap();
    let host = &object["hosts"][0];
    assert_eq!((host["host"].as_str(), &host["preference"]), (Some("mx.good-dane.test"), &Value::Null));
    assert_eq!(actions(&object), [["not-to-this-host", "mx-not-in-policy"]]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_is_kept_and_nobody_at_a_private_address_is_asked() {
    let lab = Laboratory::start();
    let hosts = lab.open_mail_hosts();
    let options: Vec<String> =
        lab.options().into_iter().filter(|o| o != "--allow-private-addresses").collect();
    let mut command = Command::new(PROGRAM);
    command.args(["probe", "good-dane.test", "--format", "json", "--port", &hosts.port().to_string()]);
    command.args(options).arg("-c").arg(lab.cache_file()).arg("--config").arg(lab.empty_configuration());
    let output = command.output().unwrap();
    let [object] = <[Value; 1]>::try_from(objects(&output)).unwrap();
    assert_eq!(actions(&object), [["wait", "set-aside"]]);
    assert!(!lab.cache_file().exists(), "a probe leaves no cache behind");
}

#[test]
fn what_is_no_question_is_64_and_asks_nobody() {
    let lab = Laboratory::start();
    for arguments in [&["no domain"][..], &["[192.0.2.1]"], &[""], &[], &["a.test", "--mx", "192.0.2.1"]] {
        let output = probe(&lab, 25, arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty());
    }
    for ehlo in ["a b", "a\r\nMAIL FROM:<>", ""] {
        let output = probe(&lab, 25, &["a.test", "--ehlo", ehlo]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{ehlo:?}: {output:?}");
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn five_hundred_domains_are_probed_together_and_one_more_is_a_bad_question() {
    // The last of them is none, so that nobody is asked either way.
    let said = |number: usize| {
        let domains = (1..number).map(|i| format!("d{i}.test")).chain(["no domain".to_owned()]);
        let output = Command::new(PROGRAM).arg("probe").args(domains).output().unwrap();
        assert_eq!(output.status.code(), Some(64));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(501).contains("501 domains are more than 500"), "{}", said(501));
    assert!(said(500).contains("no domain") && !said(500).contains("more than"), "{}", said(500));
}
