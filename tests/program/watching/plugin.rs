//! `probe --format nagios`: one line and a state, whatever happens.

use super::fixture::*;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::mail_host::Manner;

const NAGIOS: [&str; 2] = ["--format", "nagios"];

/// The line and the exit code; nothing else is said.
fn asked(lab: &Laboratory, port: u16, arguments: &[&str]) -> (String, i32) {
    let output = probe(lab, port, &[&NAGIOS, arguments].concat());
    assert_eq!(complaint(&output), "");
    let line = said(&output);
    assert!(line.starts_with("SMTP-STS ") && line.lines().count() == 1 && line.ends_with('\n'), "{line:?}");
    assert!(line.matches('|').count() <= 1, "{line:?}");
    (line, exit(&output))
}

#[test]
fn the_state_of_a_domain_is_that_of_its_mail() {
    let lab = Laboratory::start();
    let good = lab.open_mail_host(Manner::Certified);
    let (line, state) = asked(&lab, good.port(), &["sts.test"]);
    assert_eq!(state, 0, "{line}");
    assert!(line.starts_with("SMTP-STS OK - sts.test: mail is taken by 2 of 2 MX hosts, "), "{line}");
    for datum in ["'certificate'=", "'policy'=", "'hosts'=2;;;0;2", "'time'="] {
        assert!(line.contains(datum), "{datum}: {line}");
    }
    let plain = lab.open_mail_host(Manner::Plain);
    let (line, state) = asked(&lab, plain.port(), &["sts.test"]);
    assert_eq!(state, 2, "{line}");
    assert!(
        line.contains("an enforcing sender would not deliver: mx1.sts.test 127.0.0.1 no-starttls"),
        "{line}"
    );
    let (line, state) = asked(&lab, plain.port(), &["none.test"]);
    assert_eq!((state, line.contains("in clear text")), (1, true), "{line}");
    drop(plain);
    let closed = lab.open_mail_host(Manner::Plain).port();
    let (line, state) = asked(&lab, closed, &["sts.test"]);
    assert_eq!((state, line.contains("no MX host could be asked: mx1.sts.test")), (3, true), "{line}");
    let (line, state) = asked(&lab, good.port(), &["null.test"]);
    assert_eq!((state, line.contains("takes no mail (null MX)")), (2, true), "{line}");
}

#[test]
fn the_worst_of_several_domains_counts() {
    let lab = Laboratory::start();
    let good = lab.open_mail_host(Manner::Certified);
    let (line, state) = asked(&lab, good.port(), &["sts.test", "null.test", "sts.test"]);
    assert_eq!(state, 2, "{line}");
    assert!(line.starts_with("SMTP-STS CRITICAL - 1 of 2 domains; null.test: "), "{line}");
    assert_eq!(line.matches("'sts.test_certificate'=").count(), 1, "{line}");
}

#[test]
fn a_tlsa_record_that_was_forgotten_is_critical() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::SelfSigned);
    lab.replace("_25._tcp.mx1.dane.test", "TLSA", &host.tlsa());
    lab.replace("_25._tcp.mx2.dane.test", "TLSA", &host.tlsa());
    let (line, state) = asked(&lab, host.port(), &["dane.test"]);
    assert_eq!(state, 0, "{line}");
    let renewed = lab.open_mail_host(Manner::SelfSigned);
    let (line, state) = asked(&lab, renewed.port(), &["dane.test"]);
    assert_eq!((state, line.contains("127.0.0.1 tlsa-no-match")), (2, true), "{line}");
}

#[test]
fn days_are_those_of_the_one_who_asks() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    // The laboratory's certificates end in two thousand years.
    let state = |warning, critical| {
        asked(&lab, host.port(), &["none.test", "--warning", warning, "--critical", critical]).1
    };
    assert_eq!((state("21", "7"), state("4000000", "7"), state("4000000", "4000000")), (0, 1, 2));
}

#[test]
fn whoever_asks_wrongly_is_answered_with_unknown() {
    let lab = Laboratory::start();
    for arguments in [
        &["--nonsense"][..],
        &[],
        &["--batch", "-"],
        &["no domain"],
        &["a|b'c\nd"],
        &["[192.0.2.1]"],
        &["none.test", "--warning", "7", "--critical", "21"],
        &["none.test", "--warning", "x"],
        &["none.test", "--config", "/nonexistent"],
        &["none.test", "--ca-file", "/nonexistent"],
        &["none.test", "--format", "json"],
    ] {
        let (line, state) = asked(&lab, 25, arguments);
        assert_eq!((state, line.starts_with("SMTP-STS UNKNOWN - ")), (3, true), "{arguments:?}: {line}");
        assert!(line.len() > 40 && !line.contains(['|', '\'']), "{arguments:?}: {line}");
    }
    assert_eq!(lab.questions(), 0);
}
