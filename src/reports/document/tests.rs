use super::*;
use crate::limits::{MAX_REPORT_ROWS_PER_DOMAIN, MAX_REPORTED_POLICY_OCTETS, MAX_REPORTED_TEXTS_OF_DOMAIN};
use crate::policy::Mode;
use crate::reports::helo::Helo;
use crate::reports::tally::Applied;

const SENDER: Sender<'_> = Sender { organization: "Sender", contact: "tls@sender.test" };
const POLICY: &str = "v=STSv1; id=1\nversion: STSv1\r\nmode: testing\r\nmx: *.r.test\r\nmax_age: 604800\r\n";

fn row(kind: PolicyType, text: &str, host: Option<&str>, ended: Ended) -> Row {
    Row {
        day: Day(20_784),
        domain: PolicyDomain::parse("r.test").unwrap(),
        policy: Applied::new(kind, Mode::Testing, text),
        host: host.map(|host| MxHost::from_text(host).unwrap()),
        address: host.map(|_| "192.0.2.25".parse().unwrap()),
        from: None,
        helo: None,
        ended,
        code: None,
    }
}

fn of(rows: &[(Row, u64)]) -> Option<Value> {
    document(SENDER, &PolicyDomain::parse("r.test").unwrap(), Day(20_784), rows)
}

#[test]
fn a_report_has_the_keys_of_the_rfc_and_no_others() {
    let failed = Ended::Failed(ResultType::CertificateExpired);
    let rows = [
        (row(PolicyType::MtaSts, POLICY, Some("a.r.test"), Ended::Encrypted), 40),
        (row(PolicyType::MtaSts, POLICY, Some("a.r.test"), failed), 2),
    ];
    let report = of(&rows).unwrap();
    let id = report["report-id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("2026-11-27.r.test.") && !id.contains([':', '@']), "{id}");
    let expected = json!({
        "organization-name": "Sender",
        "date-range": {"start-datetime": "2026-11-27T00:00:00Z", "end-datetime": "2026-11-27T23:59:59Z"},
        "contact-info": "tls@sender.test",
        "report-id": id,
        "policies": [{
            "policy": {
                "policy-type": "sts", "policy-domain": "r.test", "mx-host": ["*.r.test"],
                "policy-string": ["version: STSv1", "mode: testing", "mx: *.r.test", "max_age: 604800"],
            },
            "summary": {"total-successful-session-count": 40, "total-failure-session-count": 2},
            "failure-details": [{
                "result-type": "certificate-expired", "receiving-ip": "192.0.2.25",
                "receiving-mx-hostname": "a.r.test", "failed-session-count": 2,
            }],
        }],
    });
    assert_eq!(report, expected);
}

/// The report is written down in the fixture, which several readers of others take (`tests/reports/run`).
#[test]
fn what_was_counted_under_three_policies_is_the_report_that_readers_know() {
    let fixture = include_str!("../../../fixtures/corpora/tls_report/whole.json");
    let mut expected: Value = serde_json::from_str(fixture).unwrap();
    let domain = PolicyDomain::parse("receiver.example").unwrap();
    let text =
        "v=STSv1; id=1\nversion: STSv1\r\nmode: testing\r\nmx: *.mx.receiver.example\r\nmax_age: 604800\r\n";
    let row = |policy, ended| Row {
        day: Day(20_784),
        domain: domain.clone(),
        policy,
        host: None,
        address: None,
        from: None,
        helo: None,
        ended,
        code: None,
    };
    let (testing, none) = (|| Applied::new(PolicyType::MtaSts, Mode::Testing, text), Mode::None);
    let dane = Applied {
        base: MxHost::from_text("b.mx.receiver.example").ok(),
        ..Applied::new(
            PolicyType::Dane,
            none,
            "3 1 1 1F850A337E6DB9C609C522D136A475638CC43E1ED424F8EEC8513D747D1D085D\n",
        )
    };
    let untrusted = Row {
        host: MxHost::from_text("a.mx.receiver.example").ok(),
        address: Some("203.0.113.5".parse().unwrap()),
        from: Some("2001:db8::25".parse().unwrap()),
        helo: Helo::parse("a1.receiver.example"),
        code: Some(ReasonCode::SelfSigned),
        ..row(testing(), Ended::Failed(ResultType::CertificateNotTrusted))
    };
    let unfetched = Row {
        code: Some(ReasonCode::Http(404)),
        ..row(testing(), Ended::Failed(ResultType::StsPolicyFetchError))
    };
    let rows = [
        (row(testing(), Ended::Encrypted), 40),
        (untrusted, 2),
        (unfetched, 1),
        (row(dane, Ended::Encrypted), 5),
        (row(Applied::without_text(PolicyType::None, none), Ended::Encrypted), 1),
    ];
    let sender = Sender { organization: "Example Sender", contact: "tls-reports@sender.example" };
    let mut report = document(sender, &domain, Day(20_784), &rows).unwrap();
    // The mark at the end of the id is the program's own, and so is the order of policies.
    let id = report["report-id"].take();
    assert_eq!(
        expected["report-id"].take().as_str().unwrap().rsplit_once('.').unwrap().0,
        id.as_str().unwrap().rsplit_once('.').unwrap().0
    );
    let by_kind = |policy: &Value| policy["policy"]["policy-type"].to_string();
    for value in [&mut report, &mut expected] {
        value["policies"].as_array_mut().unwrap().sort_by_key(by_kind);
    }
    assert_eq!(report, expected);
}

#[test]
fn each_row_stands_under_the_mechanism_that_it_is_about() {
    use PolicyType::{Dane, MtaSts, None as NoPolicy, SmtpSts};
    let failed = |result| Ended::Failed(result);
    let host = Some("mx.r.test");
    for (kind, result, expected) in [
        (Dane, failed(ResultType::ValidationFailure), Some(("tlsa", "mx.r.test"))),
        (Dane, failed(ResultType::StsPolicyFetchError), Some(("sts", "r.test"))),
        (MtaSts, failed(ResultType::TlsaInvalid), Some(("tlsa", "mx.r.test"))),
        (MtaSts, failed(ResultType::StsPolicyInvalid), Some(("sts", "r.test"))),
        (SmtpSts, failed(ResultType::StsPolicyFetchError), Some(("sts", "r.test"))),
        (NoPolicy, failed(ResultType::StsWebpkiInvalid), Some(("sts", "r.test"))),
        (NoPolicy, failed(ResultType::DnssecInvalid), Some(("no-policy-found", "r.test"))),
        (NoPolicy, Ended::Encrypted, Some(("no-policy-found", "r.test"))),
        (SmtpSts, failed(ResultType::CertificateExpired), Some(("no-policy-found", "r.test"))),
        (PolicyType::Override, Ended::Encrypted, None),
    ] {
        let report = of(&[(row(kind, "", host, result), 1)]);
        let policy = report.as_ref().map(|report| &report["policies"][0]["policy"]);
        let found =
            policy.map(|policy| ["policy-type", "policy-domain"].map(|key| policy[key].as_str().unwrap()));
        assert_eq!(found, expected.map(|(kind, domain)| [kind, domain]), "{kind:?} {result:?}");
    }
    let draft = of(&[(row(SmtpSts, "", host, failed(ResultType::CertificateExpired)), 1)]).unwrap();
    assert_eq!(draft["policies"][0]["failure-details"][0]["failure-reason-code"], "smtp-sts-draft");
}

#[test]
fn two_mx_hosts_with_tlsa_records_are_two_policies_under_their_base_domains() {
    let dane = |host: &str, base: &str, records: &str, ended, sessions| {
        let mut row = row(PolicyType::Dane, records, Some(host), ended);
        row.policy.base = MxHost::from_text(base).ok();
        (row, sessions)
    };
    let failed = Ended::Failed(ResultType::ValidationFailure);
    let (first, second) = ("3 1 1 AA\n3 1 1 BB\n", "2 1 1 CC\n");
    let mut rows = [
        dane("a.r.test", "a.r.test", first, Ended::Encrypted, 5),
        dane("a.r.test", "a.r.test", first, failed, 2),
        dane("b.r.test", "end.other.test", second, Ended::Encrypted, 3),
    ];
    rows[1].0.code = Some(ReasonCode::DaneNoMatch);
    rows[1].0.helo = Helo::parse("A1.r.test");
    let report = of(&rows).unwrap();
    let expected = json!([
        {
            "policy": {"policy-type": "tlsa", "policy-domain": "a.r.test", "policy-string": ["3 1 1 AA", "3 1 1 BB"]},
            "summary": {"total-successful-session-count": 5, "total-failure-session-count": 2},
            "failure-details": [{
                "result-type": "validation-failure", "receiving-ip": "192.0.2.25", "receiving-mx-hostname": "a.r.test",
                "receiving-mx-helo": "A1.r.test", "failed-session-count": 2, "failure-reason-code": "dane-no-match",
            }],
        },
        {
            "policy": {"policy-type": "tlsa", "policy-domain": "end.other.test", "policy-string": ["2 1 1 CC"]},
            "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0},
            "failure-details": [],
        },
    ]);
    assert_eq!(report["policies"], expected);
}

#[test]
fn a_long_policy_has_every_line_and_one_without_room_has_none() {
    let long = format!("{POLICY}{}", "mx: a.r.test\r\n".repeat(250));
    let report = of(&[(row(PolicyType::MtaSts, &long, None, Ended::Encrypted), 1)]).unwrap();
    let lines = report["policies"][0]["policy"]["policy-string"].as_array().unwrap();
    assert_eq!((lines.len(), lines.last().unwrap()), (254, &json!("mx: a.r.test")));
    let too_long = format!("{POLICY}{}", "mx: a.r.test\r\n".repeat(6_000));
    let report = of(&[(row(PolicyType::MtaSts, &too_long, None, Ended::Encrypted), 7)]).unwrap();
    assert_eq!(report["policies"][0]["policy"], json!({"policy-type": "sts", "policy-domain": "r.test"}));
    assert_eq!(report["policies"][0]["summary"]["total-successful-session-count"], 7);
}

#[test]
fn a_domain_has_its_a_label_everywhere() {
    let domain = PolicyDomain::parse("B\u{fc}cher.test").unwrap();
    let mut dane = row(PolicyType::Dane, "3 1 1 AA\n", Some("mx.b\u{fc}cher.test"), Ended::Encrypted);
    dane.policy.base = MxHost::from_text("mx.B\u{fc}cher.test").ok();
    let failed = Ended::Failed(ResultType::CertificateExpired);
    let rows = [(dane, 1), (row(PolicyType::MtaSts, POLICY, Some("mx.b\u{fc}cher.test"), failed), 1)]
        .map(|(row, sessions)| (Row { domain: domain.clone(), ..row }, sessions));
    let report = document(SENDER, &domain, Day(20_784), &rows).unwrap();
    let text = report.to_string();
    assert!(text.is_ascii() && !text.to_lowercase().contains("\\u"), "{text}");
    assert_eq!(text.matches("xn--bcher-kva.test").count(), 4, "{text}");
}

#[test]
fn other_days_and_domains_are_left_out() {
    let other = Row { day: Day(20_783), ..row(PolicyType::None, "", None, Ended::Encrypted) };
    assert_eq!(of(&[(other, 1)]), None);
    let other = Row {
        domain: PolicyDomain::parse("other.test").unwrap(),
        ..row(PolicyType::None, "", None, Ended::Encrypted)
    };
    assert_eq!(of(&[(other, 1)]), None);
}

#[test]
fn all_rows_that_a_domain_may_have_are_a_report_that_every_receiver_takes() {
    let failed = Ended::Failed(ResultType::CertificateExpired);
    let rows: Vec<(Row, u64)> = (0..MAX_REPORT_ROWS_PER_DOMAIN)
        .map(|number| {
            let host = format!("mx{number:04}.receiver.r.test");
            let one = row(PolicyType::MtaSts, POLICY, Some(&host), failed);
            (Row { helo: Helo::parse(&host), from: "2001:db8::25".parse().ok(), ..one }, number + 1)
        })
        .collect();
    let report = of(&rows).unwrap();
    assert_eq!(report["policies"].as_array().unwrap().len(), 1);
    assert_eq!(report["policies"][0]["failure-details"].as_array().unwrap().len(), 1_000);
    // Receivers of mail often stop at 10 MB (RFC 8460 section 5.2), before anything is packed.
    let octets = report.to_string().len();
    assert!((200_000..400_000).contains(&octets), "{octets}");
}

#[test]
fn all_policies_that_a_domain_may_have_are_a_report_that_every_receiver_takes() {
    let rows: Vec<(Row, u64)> = (0..MAX_REPORT_ROWS_PER_DOMAIN)
        .map(|number| {
            // As many texts as one domain may have, each as long as one may be, and none like another.
            let which = usize::try_from(number).unwrap() % MAX_REPORTED_TEXTS_OF_DOMAIN;
            let begin = format!(
                "v=STSv1; id=1\nversion: STSv1\nmode: enforce\nmx: mx{which}.r.test\nmax_age: 86400\nx: "
            );
            let text = [begin.as_str(), &"y".repeat(MAX_REPORTED_POLICY_OCTETS - begin.len())].concat();
            let host = format!("mx{number:04}.receiver.r.test");
            (row(PolicyType::MtaSts, &text, Some(&host), Ended::Failed(ResultType::CertificateExpired)), 1)
        })
        .collect();
    let report = of(&rows).unwrap().to_string();
    assert!((64 * 65_000..10_000_000).contains(&report.len()), "{}", report.len());
}
