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
mod tests;
