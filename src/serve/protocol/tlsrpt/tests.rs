use super::*;
use crate::reports::attempt::Untrusted;
use crate::reports::session::Ended;
use crate::reports::tally::{Day, Row};
use proptest::prelude::*;
use serde_json::json;

const TESTING: [&str; 4] =
    ["version: STSv1", "mode: testing", "mx: *.mx.receiver.example", "max_age: 604800"];

fn datagram(policy: &Value) -> Vec<u8> {
    json!({"dpv": "1", "d": "receiver.example", "pr": "v=TLSRPTv1;rua=mailto:x@y.test", "policies": [policy]})
        .to_string()
        .into_bytes()
}

fn row(policy: &Value, untrusted: Untrusted) -> Row {
    read(&datagram(policy)).unwrap().row(untrusted, Day(20_000)).unwrap()
}

fn meaning(policy: &Value, untrusted: Untrusted) -> String {
    let row = row(policy, untrusted);
    let code = row.code.map(|code| format!(" {code}")).unwrap_or_default();
    format!("{} {}{code}", row.policy.kind.word(), row.ended.word())
}

fn policy(kind: u64, lines: &[&str], failure: Option<(u64, &str)>) -> Value {
    let host = if kind == 1 { "b.mx.receiver.example" } else { "a.mx.receiver.example" };
    let details: Vec<Value> = failure
            .iter()
            .map(|(code, words)| {
                json!({"c": code, "s": "192.0.2.1", "n": host, "h": "a1.receiver.example at your service", "r": "203.0.113.5", "f": words})
            })
            .collect();
    json!({
        "policy-type": kind, "policy-domain": if kind == 1 { host } else { "receiver.example" }, "policy-string": lines,
        "t": details.len(), "f": details.len(), "failure-details": details,
    })
}

/// What Postfix tells, and what it means; the reply of our map before it.
#[test]
fn each_attempt_has_its_meaning() {
    use Untrusted::{IsHidden, IsTold};
    let enforce = TESTING.map(|line| if line.starts_with("mode") { "mode: enforce" } else { line });
    let tlsa = ["3 1 1 1F850A337E6DB9C609C522D136A475638CC43E1ED424F8EEC8513D747D1D085D"];
    let secure = |failure| policy(2, &enforce, failure);
    let testing = |failure| policy(2, &TESTING, failure);
    let dane = |failure| policy(1, &tlsa, failure);
    let none = |failure| policy(9, &[], failure);
    let unfetched = |failure| policy(2, &[], failure);
    for (policy, hidden, told) in [
        (secure(None), "mta-sts success", "mta-sts success"),
        (secure(Some((202, ""))), "mta-sts certificate-host-mismatch", "mta-sts certificate-host-mismatch"),
        (secure(Some((204, ""))), "mta-sts certificate-expired", "mta-sts certificate-expired"),
        (secure(Some((201, ""))), "mta-sts starttls-not-supported", "mta-sts starttls-not-supported"),
        (
            secure(Some((205, "tls-handshake-failure"))),
            "mta-sts validation-failure tls-handshake",
            "mta-sts validation-failure tls-handshake",
        ),
        (
            secure(Some((205, "self-signed_certificate"))),
            "mta-sts certificate-not-trusted self-signed",
            "mta-sts certificate-not-trusted self-signed",
        ),
        (
            secure(Some((203, ""))),
            "mta-sts certificate-not-trusted chain",
            "mta-sts certificate-not-trusted chain",
        ),
        // Nobody looked at the certificate, unless Postfix is told to.
        (testing(None), "none success", "mta-sts success"),
        (testing(Some((204, ""))), "mta-sts certificate-expired", "mta-sts certificate-expired"),
        (testing(Some((201, ""))), "mta-sts starttls-not-supported", "mta-sts starttls-not-supported"),
        // What our look-up tells, and the session without a policy beside it.
        (unfetched(Some((301, ""))), "none success", "none success"),
        (unfetched(Some((302, ""))), "none success", "none success"),
        (unfetched(Some((303, ""))), "none success", "none success"),
        (unfetched(None), "none success", "none success"),
        (dane(None), "dane success", "dane success"),
        (
            dane(Some((203, ""))),
            "dane validation-failure dane-no-match",
            "dane validation-failure dane-no-match",
        ),
        (dane(Some((201, ""))), "dane starttls-not-supported", "dane starttls-not-supported"),
        (dane(Some((306, ""))), "dane dane-required", "dane dane-required"),
        (none(None), "none success", "none success"),
        (none(Some((205, "self-signed_certificate"))), "none success", "none success"),
        (none(Some((201, ""))), "none starttls-not-supported", "none starttls-not-supported"),
        (
            none(Some((205, "tls-handshake-failure"))),
            "none validation-failure tls-handshake",
            "none validation-failure tls-handshake",
        ),
        (none(Some((305, ""))), "dane dnssec-invalid", "dane dnssec-invalid"),
    ] {
        assert_eq!(meaning(&policy, IsHidden), hidden, "{policy}");
        assert_eq!(meaning(&policy, IsTold), told, "{policy}");
    }
    // No word of one mechanism under another.
    assert_eq!(read(&datagram(&dane(Some((301, ""))))).unwrap().row(IsTold, Day(1)), None);
    assert_eq!(read(&datagram(&none(Some((303, ""))))).unwrap().row(IsTold, Day(1)), None);
}

/// What a real Postfix told of hosts that are each wrong in a way of their own, octet for octet.
#[test]
fn the_datagrams_of_a_real_postfix_have_their_meaning() {
    let recorded = include_str!("../../../../fixtures/postfix/tlsrpt-3.10");
    let told: Vec<_> = recorded.split("\n== ").skip(1).collect();
    assert_eq!(told.len(), 13);
    for one in told {
        let (expected, datagram) = one.split_once('\n').unwrap();
        let row = read(datagram.trim_end().as_bytes()).unwrap().row(Untrusted::IsHidden, Day(1)).unwrap();
        let code = row.code.map(|code| format!(" {code}")).unwrap_or_default();
        let found = format!("{} {}{code}", row.policy.kind.word(), row.ended.word());
        assert_eq!(found, expected.split(" (").next().unwrap(), "{expected}");
        let is_known = row.ended == Ended::Encrypted || row.helo.is_some_and(|helo| helo.as_str() == "sink");
        assert!(is_known, "{expected}");
    }
}

#[test]
fn a_host_that_the_policy_does_not_permit_is_told_as_such() {
    let mut strange = policy(2, &TESTING, Some((205, "")));
    assert_eq!(meaning(&strange, Untrusted::IsTold), "mta-sts validation-failure");
    strange["failure-details"][0]["n"] = json!("mx.elsewhere.example");
    assert_eq!(meaning(&strange, Untrusted::IsTold), "mta-sts validation-failure mx-not-permitted");
}

#[test]
fn a_failure_has_its_host_and_a_success_its_policy() {
    let failed = row(&policy(1, &["3 1 1 AA", "3 1 1 BB"], Some((203, ""))), Untrusted::IsHidden);
    assert_eq!(failed.host.as_ref().unwrap().as_str(), "b.mx.receiver.example");
    assert_eq!(failed.policy.base.as_ref().unwrap().as_str(), "b.mx.receiver.example");
    assert_eq!(failed.address.unwrap().to_string(), "203.0.113.5");
    assert_eq!(failed.from.unwrap().to_string(), "192.0.2.1");
    assert_eq!(failed.helo.unwrap().as_str(), "a1.receiver.example");
    assert_eq!(failed.policy.text.as_str(), Some("3 1 1 AA\n3 1 1 BB\n"));
    let succeeded = row(&policy(2, &TESTING, None), Untrusted::IsTold);
    assert_eq!(succeeded.policy.text.as_str(), Some(format!("{}\n", TESTING.join("\n")).as_str()));
    assert_eq!((succeeded.ended, succeeded.host, succeeded.helo), (Ended::Encrypted, None, None));
}

#[test]
fn a_domain_is_the_same_in_whatever_case_and_with_a_final_dot() {
    let plain = read(&datagram(&policy(9, &[], None))).unwrap();
    for domain in ["RECEIVER.Example.", "receiver.example", "Receiver.EXAMPLE"] {
        let text = String::from_utf8(datagram(&policy(9, &[], None))).unwrap();
        let other = text.replacen("\"receiver.example\"", &format!("\"{domain}\""), 1);
        assert_eq!(read(other.as_bytes()).unwrap().domain, plain.domain, "{domain}");
    }
    let umlaut = String::from_utf8(datagram(&policy(9, &[], None))).unwrap();
    let umlaut = umlaut.replacen("\"d\":\"receiver.example\"", "\"d\":\"B\u{fc}cher.Example.\"", 1);
    assert_eq!(read(umlaut.as_bytes()).unwrap().domain.as_str(), "xn--bcher-kva.example");
}

#[test]
fn a_greeting_in_latin_1_leaves_its_name() {
    let text = String::from_utf8(datagram(&policy(9, &[], Some((201, ""))))).unwrap();
    let greeting = b"a1.receiver.example \xe9 \\\"quoted\\\"\\r\\n250 HELP";
    let at = text.find("a1.receiver.example at your service").unwrap();
    let mut octets = text.as_bytes()[..at].to_vec();
    octets.extend_from_slice(greeting);
    octets.extend_from_slice(&text.as_bytes()[at + "a1.receiver.example at your service".len()..]);
    assert!(String::from_utf8(octets.clone()).is_err());
    let row = read(&octets).unwrap().row(Untrusted::IsHidden, Day(1)).unwrap();
    assert_eq!(row.helo.unwrap().as_str(), "a1.receiver.example");
}

#[test]
fn what_is_no_such_datagram_is_none() {
    let good = || serde_json::from_slice::<Value>(&datagram(&policy(2, &TESTING, Some((205, ""))))).unwrap();
    assert!(read(good().to_string().as_bytes()).is_some());
    for (place, nonsense) in [
        ("/dpv", json!("2")),
        ("/dpv", json!(1)),
        ("/dpv", Value::Null),
        ("/dpv", json!("")),
        ("/d", json!("")),
        ("/d", json!("[192.0.2.1]")),
        ("/d", json!(7)),
        ("/policies", json!([])),
        ("/policies", json!({})),
        ("/policies/0", json!([])),
        ("/policies/0/policy-type", json!(3)),
        ("/policies/0/policy-type", json!("2")),
        ("/policies/0/f", json!(2)),
        ("/policies/0/failure-details", json!("x")),
        ("/policies/0/failure-details/0/c", json!(999)),
        ("/policies/0/failure-details/0/c", json!(-1)),
    ] {
        let mut object = good();
        *object.pointer_mut(place).unwrap() = nonsense.clone();
        assert_eq!(read(object.to_string().as_bytes()), None, "{place} {nonsense}");
    }
    for text in ["", "[]", "{}", "null", "x", "{\"dpv\":\"1\"", "\u{0}"] {
        assert_eq!(read(text.as_bytes()), None, "{text}");
    }
    let whole = datagram(&policy(9, &[], None));
    let padded = |octets: usize| [whole.clone(), vec![b' '; octets - whole.len()]].concat();
    assert!(read(&padded(MAX_DATAGRAM_OCTETS)).is_some());
    assert_eq!(read(&padded(MAX_DATAGRAM_OCTETS + 1)), None);
    assert_eq!(read("[".repeat(MAX_DATAGRAM_OCTETS).as_bytes()), None);
}

#[test]
fn a_line_that_is_none_is_no_part_of_a_policy_and_the_session_counts() {
    for lines in
        [json!(["version: STSv1", 7]), json!(["a\nb"]), json!("version: STSv1"), json!(["x".repeat(70_000)])]
    {
        let mut one = policy(2, &[], Some((204, "")));
        one["policy-string"] = lines.clone();
        let row = row(&one, Untrusted::IsTold);
        assert_eq!((row.policy.text.as_str(), row.ended.word()), (None, "certificate-expired"));
    }
}

proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&octets);
    }
}
