//! What was counted about one domain on one day, as the JSON of a report (RFC 8460 section 4.4). Pure.
//!
//! The keys of the RFC and no others; what is not known is absent. A session counts once, under the policy that was applied, and what a
//! look-up notices is told under the mechanism that it is about: a failure of MTA-STS never under DANE, nor the other way.

use super::session::Ended;
use super::tally::{Day, Row};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::PolicyType;
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::ResultType;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// His name (`organization-name`).
    pub organization: &'a str,
    /// His address (`contact-info`).
    pub contact: &'a str,
}

/// What is reported together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Policy {
    /// `policy-type`.
    kind: &'static str,
    /// `policy-domain`: of DANE, the MX host.
    domain: String,
    /// `policy-string`.
    strings: Vec<String>,
}

#[derive(Default)]
struct Sessions {
    successes: u64,
    failures: u64,
    details: Vec<Value>,
}

/// The report about a domain and day, of those rows that are about it. `None`: there is nothing to report.
#[must_use]
pub fn document(sender: Sender<'_>, domain: &PolicyDomain, day: Day, rows: &[(Row, u64)]) -> Option<Value> {
    let mut policies: BTreeMap<Policy, Sessions> = BTreeMap::new();
    for (row, sessions) in rows.iter().filter(|(row, _)| row.day == day && row.domain == *domain) {
        let Some(policy) = policy(row) else { continue };
        let counted = policies.entry(policy).or_default();
        match row.ended {
            Ended::Encrypted => counted.successes = counted.successes.saturating_add(*sessions),
            Ended::Failed(result) => {
                counted.failures = counted.failures.saturating_add(*sessions);
                counted.details.push(detail(row, result, *sessions));
            }
        }
    }
    if policies.is_empty() {
        return None;
    }
    Some(json!({
        "organization-name": sender.organization,
        "date-range": {"start-datetime": format!("{day}T00:00:00Z"), "end-datetime": format!("{day}T23:59:59Z")},
        "contact-info": sender.contact,
        "report-id": report_id(sender, domain, day),
        "policies": policies.into_iter().map(told).collect::<Vec<_>>(),
    }))
}

/// The id: the same whenever the same report is made.
fn report_id(sender: Sender<'_>, domain: &PolicyDomain, day: Day) -> String {
    let mark = mark(sender.contact.bytes().chain([b'!']).chain(domain.as_str().bytes()));
    format!("{day}.{domain}.{mark:08x}")
}

/// FNV-1a of 32 bits: it tells senders apart, and secures nothing.
pub fn mark(octets: impl Iterator<Item = u8>) -> u32 {
    octets.fold(0x811c_9dc5_u32, |mark, octet| (mark ^ u32::from(octet)).wrapping_mul(0x0100_0193))
}

/// The same report under an id of its own: several about one domain and day are no copies of each other. The suffix is letters and digits.
#[must_use]
pub fn told_apart(mut document: Value, suffix: &str) -> Value {
    if let Some(Value::String(id)) = document.get_mut("report-id") {
        id.push_str(suffix);
    }
    document
}

/// What a row is reported under; `None`: not at all.
fn policy(row: &Row) -> Option<Policy> {
    use PolicyType::{Dane, MtaSts, None as NoPolicy, Override, SmtpSts};
    let domain = row.domain.as_str();
    let base = row.policy.base.as_ref().or(row.host.as_ref()).map(MxHost::as_str);
    let text = row.policy.text.as_str().unwrap_or_default();
    let result = match row.ended {
        Ended::Failed(result) => Some(result),
        Ended::Encrypted => None,
    };
    let is_about_sts = result.is_some_and(ResultType::is_about_mta_sts);
    let is_about_dane = result.is_some_and(ResultType::is_about_dane);
    let (kind, domain, strings) = match row.policy.kind {
        Override => return None,
        // The policy could not be had, so none was applied; what failed has its own word.
        Dane | NoPolicy | SmtpSts if is_about_sts => ("sts", domain, Vec::new()),
        MtaSts if is_about_dane => match base {
            Some(base) => ("tlsa", base, Vec::new()),
            None => ("no-policy-found", domain, Vec::new()),
        },
        MtaSts => ("sts", domain, lines_of_mta_sts(text)),
        Dane => ("tlsa", base.unwrap_or(domain), text.lines().map(ToOwned::to_owned).collect()),
        NoPolicy | SmtpSts => ("no-policy-found", domain, Vec::new()),
    };
    Some(Policy { kind, domain: domain.to_owned(), strings })
}

/// The lines of a policy of MTA-STS, which is kept behind its record.
fn lines_of_mta_sts(text: &str) -> Vec<String> {
    let body = text.lines().skip_while(|line| !line.trim_start().starts_with("version:"));
    body.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn told((policy, sessions): (Policy, Sessions)) -> Value {
    let mut applied = Map::new();
    applied.insert("policy-type".to_owned(), policy.kind.into());
    applied.insert("policy-domain".to_owned(), policy.domain.into());
    let patterns: Vec<&str> =
        policy.strings.iter().filter_map(|line| line.strip_prefix("mx:")).map(str::trim).collect();
    if !patterns.is_empty() {
        applied.insert("mx-host".to_owned(), json!(patterns));
    }
    if !policy.strings.is_empty() {
        applied.insert("policy-string".to_owned(), json!(policy.strings));
    }
    json!({
        "policy": applied,
        "summary": {
            "total-successful-session-count": sessions.successes,
            "total-failure-session-count": sessions.failures,
        },
        "failure-details": sessions.details,
    })
}

fn detail(row: &Row, result: ResultType, sessions: u64) -> Value {
    let mut detail = Map::new();
    detail.insert("result-type".to_owned(), result.word().into());
    for (key, address) in [("sending-mta-ip", row.from), ("receiving-ip", row.address)] {
        if let Some(address) = address {
            detail.insert(key.to_owned(), address.to_string().into());
        }
    }
    if let Some(host) = &row.host {
        detail.insert("receiving-mx-hostname".to_owned(), host.as_str().into());
    }
    if let Some(helo) = &row.helo {
        detail.insert("receiving-mx-helo".to_owned(), helo.as_str().into());
    }
    detail.insert("failed-session-count".to_owned(), sessions.into());
    let draft = (row.policy.kind == PolicyType::SmtpSts).then_some(ReasonCode::SmtpStsDraft);
    if let Some(code) = draft.or(row.code) {
        detail.insert("failure-reason-code".to_owned(), code.to_string().into());
    }
    Value::Object(detail)
}

#[cfg(test)]
mod tests;
