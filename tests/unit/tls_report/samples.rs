//! Reports as senders write them.

use super::{codes, one, sample};
use smtp_sts_verify::policy::result::ResultType;
use smtp_sts_verify::tls_report::authentication::Authentication;
use smtp_sts_verify::tls_report::open::open;
use smtp_sts_verify::tls_report::{Failed, Kind, Unreadable};

#[test]
fn every_sample_is_read_and_what_is_wrong_with_it_is_told() {
    for (name, sender, day, sessions, findings) in [
        ("rfc-appendix-b.json", "Company-X", "2016-04-01", (5326, 303), vec!["mx-host"]),
        ("whole.json", "Example Sender", "2026-11-27", (46, 3), vec![]),
        ("whole.eml", "Example Sender", "2026-11-27", (46, 3), vec![]),
        ("google.eml", "Google Inc.", "2026-11-27", (12, 0), vec![]),
        ("forwarded.eml", "Google Inc.", "2026-11-27", (12, 0), vec![]),
        (
            "microsoft.eml",
            "Microsoft Corporation",
            "2026-11-27",
            (10, 1),
            vec!["date-format", "policy-string"],
        ),
        ("mailru.eml", "Mail.Ru", "2026-11-27", (5, 1), vec!["count-sum", "date-range-day"]),
        ("postfix.eml", "Example Post", "2026-11-27", (9, 1), vec![]),
        (
            "odd.json",
            "Odd One",
            "2026-11-27",
            (4_294_967_296, 2),
            vec![
                "contact-info",
                "date-format",
                "failure-details",
                "host-name",
                "ip-address",
                "mx-host",
                "policy-domain",
                "policy-string",
                "policy-type",
                "result-type",
                "session-count",
                "empty-value",
                "unknown-key",
            ],
        ),
        ("latin-1.json", "Caf\u{fffd}", "2026-11-27", (1, 0), vec!["encoding", "trailing"]),
        (
            "zip.eml",
            "Zipper",
            "2026-11-27",
            (12, 0),
            vec!["mail-form", "mail-headers", "media-type", "zip", "file-name", "subject"],
        ),
        ("two-members.json.gz", "Example Sender", "2026-11-27", (46, 3), vec!["gzip-members"]),
        ("cut-tail.json.gz", "Example Sender", "2026-11-27", (46, 3), vec!["gzip-cut"]),
        ("plain-in-gzip.eml", "Plain", "2026-11-27", (12, 0), vec!["compression", "disagrees"]),
    ] {
        let received = one(&sample(name));
        assert_eq!(received.report.sender(), sender, "{name}");
        assert_eq!(received.report.day().unwrap().to_string(), day, "{name}");
        assert_eq!(received.report.sessions(), sessions, "{name}");
        assert_eq!(codes(&received.noticed), findings, "{name}: {:?}", received.noticed);
    }
}

#[test]
fn the_example_of_the_rfc_is_read_to_the_last_field() {
    let report = one(&sample("rfc-appendix-b.json")).report;
    assert_eq!(report.contact.as_deref(), Some("sts-reporting@company-x.example"));
    assert_eq!(report.id.as_deref(), Some("5065427c-23d3-47ca-b6e0-946ea0e8c4be"));
    assert_eq!(report.begin.unwrap().to_string(), "2016-04-01T00:00:00Z");
    assert_eq!(report.end.unwrap().to_string(), "2016-04-01T23:59:59Z");
    let [policy] = report.policies.as_slice() else { panic!("{report:?}") };
    assert_eq!((&policy.kind, policy.domain.as_deref()), (&Kind::Sts, Some("company-y.example")));
    assert_eq!(policy.mx_hosts, ["*.mail.company-y.example"]);
    assert_eq!(policy.strings.len(), 4);
    let [expired, plain, other] = policy.details.as_slice() else { panic!("{policy:?}") };
    assert_eq!((&expired.failed, expired.sessions), (&Failed::Known(ResultType::CertificateExpired), 100));
    assert_eq!(expired.sending.unwrap().to_string(), "2001:db8:abcd:12::1");
    assert_eq!(expired.host.as_deref(), Some("mx1.mail.company-y.example"));
    assert_eq!((&plain.failed, plain.sessions), (&Failed::Known(ResultType::StarttlsNotSupported), 200));
    assert_eq!(plain.receiving.unwrap().to_string(), "203.0.113.56");
    assert!(plain.information.as_deref().unwrap().starts_with("https://reports.company-x.example/"));
    assert_eq!(other.reason.as_deref(), Some("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"));
}

#[test]
fn a_list_in_a_text_is_the_list() {
    let report = one(&sample("microsoft.eml")).report;
    let record = "3 1 1 1F850A337E6DB9C609C522D136A475638CC43E1ED424F8EEC8513D747D1D085D";
    assert_eq!(report.policies[0].strings, [record]);
}

#[test]
fn what_is_no_report_says_what_it_is() {
    for (octets, why) in [
        (sample("cut.json.gz"), Unreadable::Gzip),
        (b"".to_vec(), Unreadable::Empty),
        (b" \r\n".to_vec(), Unreadable::Empty),
        (b"rubbish".to_vec(), Unreadable::Unknown),
        (b"Note: not a mail\n\n{}".to_vec(), Unreadable::Unknown),
        (b"<?xml version=\"1.0\"?>".to_vec(), Unreadable::Markup),
        (b"{}".to_vec(), Unreadable::NoReport),
        (b"[1, 2]".to_vec(), Unreadable::NoReport),
        (b"{\"policies\": [".to_vec(), Unreadable::JsonCut { line: 1 }),
        (b"{\n\"policies\": x}".to_vec(), Unreadable::NotJson { line: 2, column: 13 }),
        (b"PK\x03\x04rubbish".to_vec(), Unreadable::Zip),
        (b"\x1f\x8b".to_vec(), Unreadable::Gzip),
    ] {
        let opened = open(&octets, None);
        assert_eq!((opened.reports.len(), opened.troubles), (0, vec![why]), "{octets:?}");
    }
}

#[test]
fn a_mail_without_a_report_is_passed_over_and_one_that_claims_one_is_not() {
    let other = open(&sample("dmarc.eml"), None);
    assert_eq!((other.other_mails, other.troubles, other.reports.len()), (1, vec![], 0));
    let claim = "From: a@b.test\nContent-Type: multipart/report; report-type=tlsrpt; boundary=x\n\n--x\n\nSubject: nothing here\n--x--\n";
    assert_eq!(open(claim.as_bytes(), None).troubles, [Unreadable::NoReport]);
    let cut = "From: a@b.test\nContent-Type: application/tlsrpt+json\n\n{\"policies\": ";
    assert_eq!(open(cut.as_bytes(), None).troubles, [Unreadable::JsonCut { line: 1 }]);
}

#[test]
fn a_server_is_believed_about_the_mail_as_it_came_and_not_about_one_within_it() {
    let result = b"Authentication-Results: mx.receiver.example; dkim=pass header.d=google.com\r\n";
    let found = |octets: &[u8], server| {
        let received = open(octets, server).reports.remove(0);
        let is_noticed = codes(&received.noticed).contains(&"not-authenticated");
        (received.authentication, is_noticed)
    };
    let server = Some("mx.receiver.example");
    let (mail, forwarded) = (sample("google.eml"), sample("forwarded.eml"));
    let signed = [&result[..], &mail].concat();
    let at = forwarded.windows(6).rposition(|window| window == b"From: ").unwrap();
    let within = [&forwarded[..at], &result[..], &forwarded[at..]].concat();
    assert_eq!(found(&mail, None), (None, false));
    assert_eq!(found(&signed, server), (Some(Authentication::Passed), false));
    assert_eq!(found(&signed, Some("mx.other.example")), (Some(Authentication::NotPassed), true));
    for octets in [mail, within, sample("whole.json")] {
        assert_eq!(found(&octets, server), (Some(Authentication::NotPassed), true));
    }
}
