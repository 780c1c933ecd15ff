use super::*;
use crate::name::MxHost;
use crate::policy::result::ResultType;
use crate::policy::{Mode, PolicyType};
use crate::reports::document::{Sender, document};
use crate::reports::session::Ended;
use crate::reports::tally::{Applied, Row};
use serde_json::json;

#[test]
fn the_same_json_is_the_same_octets_and_every_reader_gets_it_back() {
    let text: String = (0..200_000_u32).map(|number| format!("{number:x},")).collect();
    for text in ["", "{}", &text] {
        let packed = gzip(text.as_bytes());
        assert_eq!(packed, gzip(text.as_bytes()));
        let mut read = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut read)
            .unwrap();
        assert_eq!(read, text);
        assert_eq!(packed[4..8], [0; 4], "no time");
    }
}

#[test]
fn the_json_is_ascii() {
    let document = json!({"organization-name": "M\u{fc}ller \u{1f4e7}\u{7f}\u{1b}\n"});
    let text = json(&document);
    assert!(text.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
}

#[test]
fn a_file_is_named_as_the_rfc_says() {
    let of = |name| PolicyDomain::parse(name).unwrap();
    let name =
        file_name(&of("sender.example"), &of("r.example"), Day(20_784), "2026-11-27.r.example.9f2c1a07");
    assert_eq!(name, "sender.example!r.example!1795737600!1795823999!9f2c1a07.json.gz");
}

#[test]
fn a_failure_is_a_failure_under_any_policy() {
    let of = |failures: &[u64]| {
        let policies: Vec<Value> = failures
            .iter()
            .map(|number| json!({"summary": {"total-failure-session-count": number}}))
            .collect();
        tells_of_a_failure(&json!({ "policies": policies }))
    };
    assert!(of(&[0, 1]) && !of(&[0, 0]) && !of(&[]));
}

/// As measured with other programs: 259 KB of JSON, 12 KB of gzip.
#[test]
fn a_thousand_rows_of_a_domain_are_a_small_mail() {
    let domain = PolicyDomain::parse("r.example").unwrap();
    let row = |number: u64| Row {
        day: Day(20_784),
        domain: domain.clone(),
        policy: Applied::new(PolicyType::None, Mode::None, ""),
        host: MxHost::from_text(&format!("mx{}.r.example", number % 10)).ok(),
        address: format!("2001:db8::{number:x}").parse().ok(),
        from: "192.0.2.25".parse().ok(),
        helo: None,
        code: None,
        ended: Ended::Failed(ResultType::CertificateExpired),
    };
    let rows: Vec<(Row, u64)> = (0..1_000).map(|number| (row(number), number + 1)).collect();
    let sender = Sender { organization: "Example Sender", contact: "tls-reports@sender.example" };
    let text = json(&document(sender, &domain, Day(20_784), &rows).unwrap());
    let packed = gzip(text.as_bytes());
    assert!(
        (150_000..300_000).contains(&text.len()) && packed.len() < 20_000,
        "{} {}",
        text.len(),
        packed.len()
    );
}
