//! `lint DOMAIN` and `lint --publish DOMAIN`, by the real path: DNS, HTTPS and SMTP of the laboratory.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::mail_host::Manner;
use crate::support::laboratory::name_server::{Manner as Answering, Scope};
use crate::support::laboratory::policy_host::Conduct;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The program in the laboratory, with a cache that is not there.
fn lint(lab: &Laboratory, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("lint").args(arguments).args(lab.options()).arg("-c").arg(lab.cache_file());
    command.arg("--config").arg(lab.empty_configuration()).stdin(Stdio::null()).output().unwrap()
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// The words of the findings, and the exit code, without a look at MX hosts.
fn found(lab: &Laboratory, domain: &str) -> (Vec<String>, Option<i32>) {
    let output = lint(lab, &[domain, "--no-connect", "--format", "json"]);
    (words(&object(&output)), output.status.code())
}

fn words(object: &Value) -> Vec<String> {
    let findings = object["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_mistake_of_the_world_is_named() {
    let lab = Laboratory::start();
    for (domain, words, exit) in [
        ("none.test", &[][..], 0),
        ("sts.test", &["mta-sts.policy.max-age-short"], 0),
        ("sts-id.test", &["mta-sts.txt.id-charset", "mta-sts.policy.max-age-short"], 1),
        ("sts-double.test", &["mta-sts.txt.several", "mta-sts.policy.max-age-short"], 1),
        ("sts-beside.test", &["mta-sts.policy.max-age-short"], 0),
        ("sts-body.test", &["mta-sts.policy.no-mx", "mta-sts.policy.max-age-short"], 1),
        ("sts-nohost.test", &["mta-sts.server.unreachable"], 1),
        ("sts-missing.test", &["mta-sts.server.status"], 1),
        ("sts-redirect.test", &["mta-sts.server.redirect"], 1),
        ("sts-html.test", &["mta-sts.server.html"], 1),
        ("sts-big.test", &["mta-sts.policy.too-large"], 1),
        ("sts-badcert.test", &["mta-sts.server.certificate"], 1),
        (
            "sts-moved.test",
            &["mta-sts.policy.max-age-short", "domain.mx-not-covered", "domain.pattern-without-mx"],
            1,
        ),
        ("any.test", &["domain.wildcard-answers", "domain.wildcard-answers"], 0),
        ("malformed.test", &["smtp-sts.txt.mode"], 1),
        ("dane.test", &["tlsa.matching-type"], 1),
        ("dane-shared.test", &["tlsa.anchor-key"], 0),
        ("dane-near.test", &["domain.dane-insecure-mx"], 0),
        ("dane-bogus.test", &["domain.dns-bogus"], 1),
        ("bogus.test", &["domain.dns-bogus"], 1),
        ("expired.test", &["domain.dns-bogus"], 1),
        ("null.test", &[], 0),
    ] {
        let expected: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let (mut found, code) = found(&lab, domain);
        let mut sorted = expected.clone();
        sorted.sort();
        found.sort();
        assert_eq!((found, code), (sorted, Some(exit)), "{domain}");
    }
}

#[test]
fn what_cannot_be_asked_is_75_and_what_is_no_domain_64() {
    let lab = Laboratory::start();
    lab.behave(Scope::name("_smtp._tls.none.test"), Answering::Servfail);
    assert_eq!(found(&lab, "none.test"), (vec!["domain.dns-unreachable".to_owned()], Some(75)));
    lab.forget();
    for domain in ["no domain", "[192.0.2.1]", "", "-", &format!("{}test", "a.".repeat(124))] {
        let output = lint(&lab, &[domain]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{domain}: {output:?}");
    }
    assert_eq!(lab.questions(), 0);
}

#[test]
fn a_certificate_is_compared_with_the_tlsa_records_and_the_policy() {
    let lab = Laboratory::start();
    let certified = lab.open_mail_host(Manner::Certified);
    let asked_at = |port: u16, domain: &str| {
        let output = lint(&lab, &[domain, "--smtp-port", &port.to_string(), "--format", "json"]);
        words(&object(&output))
    };
    lab.replace("_25._tcp.mx1.dane.test", "TLSA", &certified.tlsa());
    lab.withdraw("_25._tcp.mx2.dane.test", "TLSA");
    assert_eq!(asked_at(certified.port(), "dane.test"), Vec::<String>::new());
    assert_eq!(asked_at(certified.port(), "sts.test"), ["mta-sts.policy.max-age-short"]);
    // The key was changed, and the record was not.
    let renewed = lab.open_mail_host(Manner::SelfSigned);
    assert_eq!(asked_at(renewed.port(), "dane.test"), ["tlsa.no-match"]);
    let unvouched = ["mta-sts.policy.max-age-short", "domain.mx-certificate", "domain.mx-certificate"];
    assert_eq!(asked_at(renewed.port(), "sts.test"), unvouched);
    let plain = lab.open_mail_host(Manner::Plain);
    assert_eq!(asked_at(plain.port(), "dane.test"), ["domain.mx-no-starttls"]);
    assert_eq!(asked_at(plain.port(), "none.test"), Vec::<String>::new());
    let endless = lab.open_mail_host(Manner::Endless);
    assert_eq!(asked_at(endless.port(), "dane.test"), ["domain.mx-no-starttls"]);
}

#[test]
fn nobody_is_connected_to_at_an_address_where_no_public_server_can_be() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let options: Vec<String> =
        lab.options().into_iter().filter(|o| o != "--allow-private-addresses").collect();
    let mut command = Command::new(PROGRAM);
    command.args(["lint", "none.test", "--smtp-port", &host.port().to_string()]).args(options);
    command.arg("-c").arg(lab.cache_file()).arg("--config").arg(lab.empty_configuration());
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(said.contains("127.0.0.1 is set aside (loopback"), "{said}");
}

#[test]
fn a_person_is_shown_what_was_found_and_what_is_wrong_with_it() {
    let lab = Laboratory::start();
    let output = lint(&lab, &["sts-moved.test", "--no-connect"]);
    let expected = "\
sts-moved.test MX: insecure
    unsigned-delegation: the zone test. proves that sts-moved.test. is delegated
    without DS
    mx.hosting.test

_mta-sts.sts-moved.test TXT: insecure
    v=STSv1; id=1;

https://mta-sts.sts-moved.test/.well-known/mta-sts.txt: fetched
    version: STSv1
    mode: enforce
    mx: mx.sts-moved.test
    max_age: 604800

line 4, column 10: warning: mta-sts.policy.max-age-short
    max_age: 604800
             ^^^^^^
  what: max_age is under two weeks: whoever can block the domain's policy host
        for so long is rid of the policy.
  mend: Write weeks or more in mode enforce, such as max_age: 2419200.
  rule: RFC 8461 section 3.2

error: domain.mx-not-covered
    mx.hosting.test
  what: No pattern of the policy permits this MX host: in mode enforce no mail
        is delivered to it.
  mend: Add a line mx: for the host, then change the id of the TXT record.
  rule: RFC 8461 section 4.1

note: domain.pattern-without-mx
    mx.sts-moved.test
  what: No MX host of the domain fits this pattern of the policy.
  mend: Remove the line if it is left over; keep it if the host is a spare one.
  rule: RFC 8461 section 4.1

_smtp._tls.sts-moved.test TXT: insecure, there is none

mx.hosting.test: no DANE

found: 1 error, 1 warning, 1 note
";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
}

#[test]
fn what_should_be_published_passes_the_lint_when_it_is() {
    let lab = Laboratory::start();
    let output = lint(&lab, &["--publish", "--mode", "testing", "partly.test", "--format", "json"]);
    let publication = object(&output);
    assert_eq!(
        (output.status.code(), &publication["findings"]),
        (Some(0), &serde_json::json!([])),
        "{publication}"
    );
    let body = publication["policy"]["body"].as_str().unwrap();
    assert_eq!(
        body,
        "version: STSv1\nmode: testing\nmx: mx.partly.test\nmx: mx.hosting.test\nmax_age: 1209600\n"
    );
    assert_eq!(publication["policy"]["media_type"], "text/plain");
    let mut texts = vec![("mta-sts-policy", body)];
    for (record, kind) in publication["records"].as_array().unwrap().iter().zip(["mta-sts-txt", "tlsrpt-txt"])
    {
        texts.push((kind, record["text"].as_str().unwrap()));
        lab.publish(
            record["name"].as_str().unwrap(),
            "TXT",
            &format!("{:?}", record["text"].as_str().unwrap()),
        );
    }
    for (kind, text) in texts {
        let mut command = Command::new(PROGRAM);
        command.args(["lint", "--strict", "--kind", kind]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }
    // Only the file is still missing.
    assert_eq!(found(&lab, "partly.test").0, ["mta-sts.server.unreachable"]);
}

#[test]
fn nothing_is_proposed_where_the_mx_hosts_are_not_known_or_there_are_none() {
    let lab = Laboratory::start();
    for (domain, exit) in [("bogus.test", 75), ("null.test", 1), ("no domain", 64)] {
        let output = lint(&lab, &["--publish", domain]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(exit), 0), "{domain}");
        assert_eq!(output.stderr.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count(), 1);
    }
    let output = lint(&lab, &["--publish", "--rua", "tls@none.test", "none.test"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0));
}

#[test]
fn strangers_texts_leave_the_report_only_escaped() {
    let lab = Laboratory::start();
    for hostile in ["v=STSv1; id=\\027[2J\\010verdict=x", "v=STSv1; \\226\\128\\174=1", "\\\"v=STSv1"] {
        lab.replace("_mta-sts.sts.test", "TXT", &format!("\"{hostile}\""));
        for format in ["human", "json"] {
            let output = lint(&lab, &["sts.test", "--no-connect", "--format", format]);
            assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{output:?}");
            assert!(output.stdout.iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)), "{output:?}");
        }
    }
}

#[test]
fn a_policy_that_this_machine_has_stored_is_compared_and_left_as_it_is() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let linted = || {
        let mut command = Command::new(PROGRAM);
        command.args(["lint", "sts.test", "--no-connect", "--format", "json"]).args(lab.options());
        command.arg("-c").arg(program.cache()).arg("--config").arg(lab.empty_configuration());
        words(&object(&command.output().unwrap()))
    };
    assert_eq!(linted(), ["mta-sts.policy.max-age-short"]);
    assert!(!program.cache().exists(), "a look makes no cache");
    assert_eq!(program.route("sts.test").get("cache"), "stored");
    let stored = std::fs::read(program.cache()).unwrap();
    let newer = "version: STSv1\nmode: none\nmax_age: 2419200\n";
    lab.conduct_policy_host("mta-sts.sts.test", Conduct::serving(newer));
    assert_eq!(linted(), ["mta-sts.server.id-unchanged"]);
    lab.replace("_mta-sts.sts.test", "TXT", "\"v=STSv1; id=another;\"");
    assert_eq!(linted(), Vec::<String>::new());
    lab.withdraw("_mta-sts.sts.test", "TXT");
    assert_eq!(linted(), ["domain.policy-removed", "mta-sts.server.no-record"]);
    assert_eq!(std::fs::read(program.cache()).unwrap(), stored);
}
