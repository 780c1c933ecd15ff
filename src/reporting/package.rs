//! A report as octets: the JSON in a gzip of one member (RFC 8460 section 5.2), and the name of its file (section 5.1). Pure.

use super::schedule::end;
use crate::name::PolicyDomain;
use crate::reports::tally::Day;
use crate::text::Json;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use serde_json::Value;

/// The head of a member: deflate, no name, no time, from whatever system (RFC 1952 section 2.3.1), so that the same JSON is the same octets.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Octets that are made at once.
const PIECE: usize = 32_768;

/// The JSON of a report, in ASCII and on one line.
#[must_use]
pub fn json(document: &Value) -> String {
    Json(document).to_string()
}

/// Those octets in a gzip of one member.
#[must_use]
pub fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut packed = HEAD.to_vec();
    let mut stream = Compress::new(Compression::default(), false);
    let mut piece = vec![0; PIECE];
    loop {
        let taken = usize::try_from(stream.total_in()).unwrap_or(octets.len());
        let before = stream.total_out();
        let status =
            stream.compress(octets.get(taken..).unwrap_or_default(), &mut piece, FlushCompress::Finish);
        let made = usize::try_from(stream.total_out().saturating_sub(before)).unwrap_or(PIECE);
        packed.extend_from_slice(piece.get(..made).unwrap_or_default());
        // An error would be a mistake of ours, and there is none: nothing is flushed in an unfinished state.
        if !matches!(status, Ok(Status::Ok | Status::BufError)) {
            break;
        }
    }
    let mut crc = Crc::new();
    crc.update(octets);
    packed.extend_from_slice(&crc.sum().to_le_bytes());
    packed.extend_from_slice(&crc.amount().to_le_bytes());
    packed
}

/// The id of a report within it; its last part alone tells submitters apart.
#[must_use]
pub fn id(document: &Value) -> &str {
    document.get("report-id").and_then(Value::as_str).unwrap_or_default()
}

/// Whether it tells of a failure.
#[must_use]
pub fn tells_of_a_failure(document: &Value) -> bool {
    let policies = document.get("policies").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let failures =
        |policy: &Value| policy.pointer("/summary/total-failure-session-count").and_then(Value::as_u64);
    policies.iter().any(|policy| failures(policy).unwrap_or(0) > 0)
}

/// The name of the file (RFC 8460 section 5.1): submitter, policy domain, first and last second of the day, and letters and digits.
#[must_use]
pub fn file_name(submitter: &PolicyDomain, domain: &PolicyDomain, day: Day, id: &str) -> String {
    let last = id.rsplit('.').next().unwrap_or_default();
    let unique: String = last.chars().filter(char::is_ascii_alphanumeric).collect();
    let end = end(day).0;
    format!("{submitter}!{domain}!{}!{}!{unique}.json.gz", end.saturating_sub(86_400), end.saturating_sub(1))
}

#[cfg(test)]
mod tests {
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
}
