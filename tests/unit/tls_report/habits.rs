//! Every habit that is read all the same: what it is read as, and the finding.

use super::{codes, one};
use proptest::prelude::*;
use serde_json::{Value, json};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::policy::result::ResultType;
use smtp_sts_verify::policy::{Mode, PolicyType};
use smtp_sts_verify::reports::document::{Sender, document};
use smtp_sts_verify::reports::session::Ended;
use smtp_sts_verify::reports::tally::{Applied, Day, Row};
use smtp_sts_verify::tls_report::Kind;
use smtp_sts_verify::tls_report::finding::Code;
use smtp_sts_verify::tls_report::open::{Received, open};

fn report() -> Value {
    json!({
        "organization-name": "Sender",
        "date-range": {"start-datetime": "2026-11-27T00:00:00Z", "end-datetime": "2026-11-27T23:59:59Z"},
        "contact-info": "a@sender.test",
        "report-id": "1",
        "policies": [{
            "policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": "receiver.test", "mx-host": ["mx.receiver.test"]},
            "summary": {"total-successful-session-count": 5, "total-failure-session-count": 2},
            "failure-details": [{
                "result-type": "certificate-expired", "sending-mta-ip": "192.0.2.1", "receiving-mx-hostname": "mx.receiver.test",
                "receiving-ip": "192.0.2.2", "failed-session-count": 2
            }]
        }]
    })
}

/// A report of which one place is something else; null takes the place away.
fn with(place: &str, value: Option<Value>) -> Received {
    let mut report = report();
    let (above, key) = place.rsplit_once('/').unwrap();
    let object = report.pointer_mut(above).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
    one(report.to_string().as_bytes())
}

const POLICY: &str = "/policies/0/policy";
const DETAIL: &str = "/policies/0/failure-details/0";

#[test]
fn each_habit_has_its_finding_and_no_other() {
    let (policy, detail) = (|key: &str| format!("{POLICY}/{key}"), |key: &str| format!("{DETAIL}/{key}"));
    let summary = |key: &str| format!("/policies/0/summary/{key}");
    for (place, value, expected) in [
        ("/organization-name".to_owned(), None, vec!["organization-name"]),
        ("/organization-name".to_owned(), Some(json!("")), vec!["organization-name"]),
        ("/contact-info".to_owned(), None, vec!["contact-info"]),
        ("/contact-info".to_owned(), Some(Value::Null), vec!["contact-info"]),
        ("/report-id".to_owned(), None, vec!["report-id"]),
        ("/report-id".to_owned(), Some(json!(7)), vec!["report-id"]),
        ("/date-range".to_owned(), None, vec!["date-range"]),
        ("/date-range/end-datetime".to_owned(), Some(json!("2026-11-26T00:00:00Z")), vec!["date-range"]),
        ("/date-range/start-datetime".to_owned(), Some(json!("yesterday")), vec!["date-range"]),
        ("/date-range/start-datetime".to_owned(), Some(json!("2026-11-27T00:00:00")), vec!["date-format"]),
        ("/date-range/start-datetime".to_owned(), Some(json!(1_795_737_600)), vec!["date-format"]),
        ("/date-range/end-datetime".to_owned(), Some(json!("2026-11-28T00:00:00Z")), vec!["date-range-day"]),
        ("/policies".to_owned(), Some(json!([])), vec!["policies"]),
        ("/policies".to_owned(), None, vec!["policies"]),
        ("/policies".to_owned(), Some(json!("none")), vec!["policies"]),
        (policy("policy-type"), None, vec!["policy-type"]),
        (policy("policy-type"), Some(json!("STS")), vec!["policy-type"]),
        (policy("policy-type"), Some(json!("dane")), vec!["policy-type"]),
        (policy("policy-domain"), None, vec!["policy-domain"]),
        (policy("policy-domain"), Some(json!("not a domain")), vec!["policy-domain"]),
        (policy("policy-string"), Some(json!("version: STSv1")), vec!["policy-string"]),
        (policy("policy-string"), Some(json!([1])), vec!["policy-string"]),
        (policy("policy-string"), Some(Value::Null), vec!["empty-value"]),
        (policy("policy-string"), None, vec![]),
        (policy("mx-host"), Some(json!("mx.receiver.test")), vec!["mx-host"]),
        (policy("mx-host"), Some(json!(["mx: mx.receiver.test"])), vec!["mx-host"]),
        (policy("mx-host"), None, vec![]),
        (summary("total-successful-session-count"), None, vec!["session-count"]),
        (summary("total-successful-session-count"), Some(json!("5")), vec!["session-count"]),
        (summary("total-failure-session-count"), Some(json!(-1)), vec!["session-count"]),
        (summary("total-failure-session-count"), Some(json!(2.0)), vec!["session-count"]),
        (summary("total-failure-session-count"), Some(json!(3)), vec!["count-sum"]),
        ("/policies/0/summary".to_owned(), None, vec!["session-count"]),
        ("/policies/0/failure-details".to_owned(), Some(Value::Null), vec!["count-sum", "failure-details"]),
        (detail("result-type"), None, vec!["result-type"]),
        (detail("result-type"), Some(json!("tls-broken")), vec!["result-type"]),
        (detail("result-type"), Some(json!("dnssec-invalid")), vec!["result-type-mechanism"]),
        (detail("receiving-ip"), Some(json!("")), vec!["empty-value"]),
        (detail("receiving-ip"), Some(json!("mx.receiver.test")), vec!["ip-address"]),
        (detail("receiving-mx-hostname"), Some(json!("a b")), vec!["host-name"]),
        (detail("failed-session-count"), Some(json!("2")), vec!["session-count"]),
        (detail("failure_reason_code"), Some(json!("x")), vec!["key-name"]),
        (policy("mx-host-pattern"), Some(json!(["mx.receiver.test"])), vec!["key-name", "repeated-key"]),
        (detail("additional-info-uri"), Some(json!("https://sender.test/")), vec!["key-name"]),
        (detail("speed"), Some(json!("x")), vec!["unknown-key"]),
        ("/report-id".to_owned(), Some(json!("2")), vec![]),
    ] {
        let received = with(&place, value.clone());
        let mut found = codes(&received.noticed);
        found.sort_unstable();
        assert_eq!(found, expected, "{place} {value:?}");
    }
}

#[test]
fn what_is_meant_is_read() {
    let policy =
        |place: &str, value: Value| with(&format!("{POLICY}/{place}"), Some(value)).report.policies.remove(0);
    assert_eq!(policy("policy-type", json!("STS")).kind, Kind::Sts);
    assert_eq!(policy("policy-type", json!("dane")).kind, Kind::Other("dane".to_owned()));
    assert_eq!(
        policy("policy-domain", json!("M\u{fc}nchen.Test.")).domain.as_deref(),
        Some("xn--mnchen-3ya.test")
    );
    assert_eq!(policy("mx-host", json!("a.test, b.test")).mx_hosts, ["a.test", "b.test"]);
    assert_eq!(policy("mx-host", json!(["mx: *.a.test"])).mx_hosts, ["*.a.test"]);
    assert_eq!(policy("policy-string", json!("a\r\nb\n")).strings, ["a", "b"]);
    let summary = |key: &str, value| with(&format!("/policies/0/summary/{key}"), value).report.sessions();
    assert_eq!(summary("total-successful-session-count", Some(json!("7"))), (7, 2));
    assert_eq!(summary("total-successful-session-count", None), (0, 2));
    assert_eq!(summary("total-failure-session-count", None), (5, 2));
    let detail = |key: &str, value| {
        with(&format!("{DETAIL}/{key}"), value).report.policies.remove(0).details.remove(0)
    };
    assert_eq!(detail("failed-session-count", None).sessions, 1);
    assert_eq!(
        detail("receiving-ip", Some(json!("[IPv6:2001:db8::1]"))).receiving,
        Some("2001:db8::1".parse().unwrap())
    );
    assert_eq!(detail("failure_reason_code", Some(json!("x"))).reason.as_deref(), Some("x"));
}

#[test]
fn several_reports_in_one_file_are_all_read() {
    let two = format!("[{},{}]", report(), report());
    let behind = format!("{}\n{}\n", report(), report());
    for text in [two, behind] {
        let opened = open(text.as_bytes(), None);
        assert_eq!(opened.reports.len(), 2);
        assert_eq!(codes(&opened.reports[0].noticed), ["several"]);
    }
    let twice = report().to_string().replacen("\"report-id\"", "\"report-id\":\"0\",\"report-id\"", 1);
    let received = one(twice.as_bytes());
    assert_eq!((received.report.id.as_deref(), codes(&received.noticed)), (Some("0"), vec!["repeated-key"]));
}

/// A code that nothing finds would be a promise in the manual; each is looked for in a file that the others do not have.
#[test]
fn every_code_is_found_somewhere() {
    let sources: String = ["collection.rs", "envelope.rs", "open.rs", "read.rs"]
        .map(|file| {
            let path = format!("{}/src/tls_report/{file}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap().to_owned()
        })
        .concat();
    for code in Code::ALL {
        assert!(sources.contains(&format!("Code::{code:?}")), "{code:?}");
    }
}

/// What this program would report is what this program reads, with nothing wrong in it.
#[test]
fn our_own_reports_are_read_without_a_finding() {
    let domain = PolicyDomain::parse("receiver.test").unwrap();
    let text =
        "v=STSv1; id=1\nversion: STSv1\r\nmode: testing\r\nmx: mx.receiver.test\r\nmax_age: 604800\r\n";
    let kinds = [PolicyType::MtaSts, PolicyType::Dane, PolicyType::None, PolicyType::SmtpSts];
    let ends = ResultType::ALL.into_iter().map(Ended::Failed).chain([Ended::Encrypted]);
    let rows: Vec<(Row, u64)> = ends
        .flat_map(|ended| kinds.map(|kind| (kind, ended)))
        .map(|(kind, ended)| Row {
            day: Day(20_784),
            domain: domain.clone(),
            policy: Applied::new(kind, Mode::Testing, text),
            host: Some(MxHost::from_text("mx.receiver.test").unwrap()),
            address: Some("192.0.2.25".parse().unwrap()),
            from: Some("2001:db8::1".parse().unwrap()),
            helo: None,
            ended,
            code: None,
        })
        .map(|row| (row, 3))
        .collect();
    let sender = Sender { organization: "Sender", contact: "tls@sender.test" };
    let text = document(sender, &domain, Day(20_784), &rows).unwrap().to_string();
    let received = one(text.as_bytes());
    assert_eq!(received.report.sessions(), (12, 132));
    // Only the draft and a bogus answer without a policy make failures of one mechanism stand outside of it, which is no finding.
    assert_eq!(codes(&received.noticed), [""; 0], "{:?}", received.noticed);
}

proptest! {
    /// However a report is damaged in one place, what is not damaged is read.
    #[test]
    fn one_place_of_nonsense_costs_no_more_than_that_place(place in 0_usize..14, nonsense in 0_usize..7) {
        let places = [
            "/organization-name", "/date-range", "/contact-info", "/report-id", "/date-range/start-datetime",
            "/policies/0/policy/policy-type", "/policies/0/policy/policy-string", "/policies/0/policy/policy-domain",
            "/policies/0/policy/mx-host", "/policies/0/failure-details/0/result-type", "/policies/0/failure-details/0/sending-mta-ip",
            "/policies/0/failure-details/0/receiving-mx-hostname", "/policies/0/failure-details/0/receiving-ip",
            "/policies/0/failure-details/0/extra",
        ];
        let nonsenses = [Value::Null, json!(true), json!(-1.5), json!("\u{1b}[2J"), json!([[[]]]), json!({"": {}}), json!("")];
        let received = with(places[place], Some(nonsenses[nonsense].clone()));
        prop_assert_eq!(received.report.sessions(), (5, 2));
        prop_assert_eq!(received.report.policies[0].details[0].sessions, 2);
        // A text may be anybody's name.
        prop_assert!(nonsense == 3 || !received.noticed.findings().is_empty());
    }

    /// Nothing panics, whatever comes.
    #[test]
    fn any_octets_are_taken(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        crate::targets::tls_report(&octets);
    }
}
