//! MX records that mail servers do not agree on, names that do not exist, and aliases: `explain`, `probe` and `lint` say the same
//! of them, and every part of what they say.
//!
//! What Exim 4.96 does was seen with `exim -bt`, what Postfix 3.7 does with `posttls-finger`, in front of the same records.

use super::fixture::{at, document, explain};
use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use serde_json::Value;
use std::process::{Command, Stdio};

const WORLD: &str = "
zone . signed
zone test signed
zone address.test signed
    @    MX    10 192.0.2.1.
zone zero.test signed
    @    MX    0 0.
zone beside.test signed
    @    MX    0 .
    @    MX    10 mx.beside.test.
    mx   A     127.0.0.1
zone otherwise.test signed
    @    MX    10 .
zone twice.test signed
    @    MX    0 .
    @    MX    10 .
zone alias.test signed
    @    MX    10 mx.alias.test.
    mx   CNAME host.alias.test.
    host A     127.0.2.1
    mail 127.0.2.1 certified
    _25._tcp.mx TLSA 3 1 1 KEY
zone both.test signed
    @    MX    10 mx.both.test.
    mx   CNAME host.both.test.
    host A     127.0.2.1
    _25._tcp.host TLSA 3 1 1 KEY
";

/// The page, its words one blank apart.
fn page(lab: &Laboratory, domain: &str) -> String {
    let output = explain(lab, &Program::new(lab), &[domain]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What `probe` or `lint` says.
fn told(lab: &Laboratory, arguments: &[&str]) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).args(lab.options()).arg("-c").arg(lab.cache_file());
    command.arg("--config").arg(lab.empty_configuration()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(!output.stdout.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn mail_that_comes_back_is_delivered_in_no_part_of_the_page() {
    let lab = Laboratory::with(WORLD);
    for (domain, state, log) in [
        ("twice.test", "no-host", "** user@twice.test: an MX or SRV record indicated no SMTP service"),
        ("gone.test", "no-name", "** user@gone.test: Unrouteable address"),
        (
            "address.test",
            "no-host",
            "** user@address.test: all relevant MX records point to non-existent hosts or (invalidly) to IP addresses",
        ),
        ("zero.test", "no-host", "** user@zero.test: all relevant MX records point to non-existent hosts"),
        (
            "otherwise.test",
            "null-mx",
            "** user@otherwise.test: an MX or SRV record indicated no SMTP service",
        ),
    ] {
        let (document, _) = document(&lab, &Program::new(&lab), &[domain]);
        assert_eq!(at(&document, "/grounds/mx/state"), state, "{domain}");
        assert_eq!(at(&document, "/exim/action"), "returns", "{domain}");
        assert_eq!(at(&document, "/exim/log/0/line"), log, "{domain}");
        assert_eq!(document["candidates"], serde_json::json!([]), "{domain}");
        let page = page(&lab, domain);
        for delivery in
            ["=> user@", "delivered as ever", "Nothing has to be done", "goes to the host of that name"]
        {
            let is_told = page.contains(delivery);
            assert!(!is_told || (state == "null-mx" && delivery.starts_with("Nothing")), "{domain}: {page}");
        }
    }
    assert!(page(&lab, "address.test").contains("Postfix delivers to that address"));
}

#[test]
fn a_null_mx_beside_a_host_is_told_by_everybody() {
    let lab = Laboratory::with(WORLD);
    let sentence = "Exim passes the null MX over and delivers to the hosts, Postfix delivers nothing";
    assert!(page(&lab, "beside.test").contains(sentence), "{}", page(&lab, "beside.test"));
    assert!(told(&lab, &["lint", "beside.test", "--no-connect"]).contains("domain.null-mx-beside"));
    let probe: Value =
        serde_json::from_str(&told(&lab, &["probe", "beside.test", "--format", "json", "--port", "9"]))
            .unwrap();
    assert_eq!(probe["mx_faults"][0]["word"], "null-mx-beside");
}

#[test]
fn a_probe_does_not_take_an_address_for_a_null_mx() {
    let lab = Laboratory::with(WORLD);
    for (domain, reach, word) in [
        ("address.test", "no-usable-mx", "mx-address"),
        ("zero.test", "no-usable-mx", "mx-no-host"),
        ("otherwise.test", "no-host", "null-mx-otherwise"),
        ("twice.test", "no-host", "null-mx-otherwise"),
    ] {
        let probe: Value = serde_json::from_str(&told(&lab, &["probe", domain, "--format", "json"])).unwrap();
        assert_eq!(
            (probe["reach"].as_str(), probe["mx_faults"][0]["word"].as_str()),
            (Some(reach), Some(word))
        );
    }
    let line = told(&lab, &["probe", "address.test", "--format", "nagios"]);
    assert!(line.starts_with("SMTP-STS CRITICAL - ") && line.contains("no-usable-mx"), "{line}");
    assert!(!line.contains("null MX"), "{line}");
}

/// RFC 7672 section 2.2.2 has a sender look at both names; Exim looks at the end of the alias alone.
#[test]
fn tlsa_records_at_an_alias_alone_are_told_by_everybody() {
    let lab = Laboratory::with(WORLD);
    let hosts = lab.open_mail_hosts();
    let port = hosts.port().to_string();
    let waits = "Exim looks only where the alias leads, finds none";
    let page_of_alias = page(&lab, "alias.test");
    assert!(
        page_of_alias.contains(waits) && page_of_alias.contains("mail from Exim waits"),
        "{page_of_alias}"
    );
    assert!(!page_of_alias.contains("Nothing has to be done"), "{page_of_alias}");
    assert!(told(&lab, &["lint", "alias.test", "--no-connect"]).contains("domain.dane-alias"));
    let json = |domain| -> Value {
        serde_json::from_str(&told(&lab, &["probe", domain, "--format", "json", "--port", &port])).unwrap()
    };
    assert_eq!(json("alias.test")["hosts"][0]["tlsa_at_alias_alone"], true);
    let probe = told(&lab, &["probe", "alias.test", "--port", &port]);
    assert!(probe.contains("but not from Exim"), "{probe}");
    let line = told(&lab, &["probe", "alias.test", "--format", "nagios", "--port", &port]);
    assert!(!line.starts_with("SMTP-STS OK"), "{line}");
    // Where the records stand at its end, an alias does no harm.
    assert_eq!(json("both.test")["hosts"][0]["tlsa_at_alias_alone"], false);
    assert!(!page(&lab, "both.test").contains("alias leads, finds none"));
    assert!(!told(&lab, &["lint", "both.test", "--no-connect"]).contains("domain.dane-alias"));
}
