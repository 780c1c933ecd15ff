//! The datagrams of libtlsrpt, with which Postfix 3.10 and later tells of each attempt. Pure.
//!
//! One JSON object each: `dpv`, the version, which is the text `1`, or absent in libtlsrpt 0.5.0rc1, which Debian 13 has; `d`, the domain; `pr`, its TLSRPT record, which is not taken from
//! here; `policies`, an array of
//!
//! | key | value |
//! |---|---|
//! | `policy-type` | 1 of DANE, 2 of MTA-STS, 9 none |
//! | `policy-domain`, `policy-string` | its domain, its lines; either may be absent |
//! | `f` | 0 if the attempt was a success, 1 if it failed |
//! | `failure-details` | `c` the result, `n` the host, `r` its address, `s` ours, `h` its greeting, `f` more words; all but `c` may be absent |
//!
//! Octets above 127 come as the host sent them, so the text may be none in UTF-8. Whoever may write to the socket may claim what
//! they like: what cannot be read as such a datagram is none.

use crate::limits::{MAX_DATAGRAM_OCTETS, MAX_REPORTED_POLICY_OCTETS};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::PolicyType;
use crate::policy::result::ResultType;
use crate::reports::attempt::{Attempt, FailureDetail, Tried};
use crate::reports::helo::Helo;
use serde_json::Value;
use std::str::FromStr;

/// The version that is understood.
const VERSION: &str = "1";

/// Reads a datagram; `None` for what is none.
#[must_use]
pub fn read(octets: &[u8]) -> Option<Attempt> {
    if octets.len() > MAX_DATAGRAM_OCTETS {
        return None;
    }
    let text = String::from_utf8_lossy(octets);
    let object: Value = serde_json::from_str(&text).ok()?;
    if object.get("dpv").is_some_and(|version| version.as_str() != Some(VERSION)) {
        return None;
    }
    let policies = object.get("policies")?.as_array()?.iter().map(tried).collect::<Option<Vec<_>>>()?;
    let domain = PolicyDomain::parse(text_of(&object, "d")?).ok()?;
    (!policies.is_empty()).then_some(Attempt { domain, policies })
}

fn tried(policy: &Value) -> Option<Tried> {
    let kind = match policy.get("policy-type")?.as_u64()? {
        1 => PolicyType::Dane,
        2 => PolicyType::MtaSts,
        9 => PolicyType::None,
        _ => return None,
    };
    let has_failed = match policy.get("f")?.as_u64()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let failures = match policy.get("failure-details") {
        None | Some(Value::Null) => Vec::new(),
        Some(details) => details.as_array()?.iter().map(told).collect::<Option<Vec<_>>>()?,
    };
    let domain = text_of(policy, "policy-domain").and_then(|domain| MxHost::from_text(domain).ok());
    Some(Tried { kind, domain, lines: lines(policy.get("policy-string")), has_failed, failures })
}

/// The lines of a policy: whole, or none.
fn lines(strings: Option<&Value>) -> Vec<String> {
    let is_line = |line: &&str| !line.is_empty() && !line.contains(char::is_control);
    let line = |line: &Value| line.as_str().filter(is_line).map(ToOwned::to_owned);
    let lines =
        strings.and_then(Value::as_array).map(|lines| lines.iter().map(line).collect::<Option<Vec<_>>>());
    let lines = lines.flatten().unwrap_or_default();
    // One octet more for the end of each.
    let octets = lines.iter().map(|line| line.len().saturating_add(1)).sum::<usize>();
    if octets > MAX_REPORTED_POLICY_OCTETS { Vec::new() } else { lines }
}

fn told(detail: &Value) -> Option<FailureDetail> {
    let result = match detail.get("c")?.as_u64()? {
        201 => ResultType::StarttlsNotSupported,
        202 => ResultType::CertificateHostMismatch,
        203 => ResultType::CertificateNotTrusted,
        204 => ResultType::CertificateExpired,
        205 => ResultType::ValidationFailure,
        301 => ResultType::StsPolicyFetchError,
        302 => ResultType::StsPolicyInvalid,
        303 => ResultType::StsWebpkiInvalid,
        304 => ResultType::TlsaInvalid,
        305 => ResultType::DnssecInvalid,
        306 => ResultType::DaneRequired,
        _ => return None,
    };
    Some(FailureDetail {
        result,
        words: text_of(detail, "f").unwrap_or_default().to_owned(),
        host: text_of(detail, "n").and_then(|host| MxHost::from_text(host).ok()),
        address: parsed(detail, "r"),
        from: parsed(detail, "s"),
        helo: text_of(detail, "h").and_then(Helo::of_greeting),
    })
}

fn text_of<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

fn parsed<T: FromStr>(object: &Value, key: &str) -> Option<T> {
    text_of(object, key)?.parse().ok()
}

#[cfg(test)]
mod tests;
