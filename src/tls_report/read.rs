//! The JSON of a report (RFC 8460 section 4.4), taken as its senders write it. Pure.
//!
//! What cannot be meant otherwise is read, and noticed: so one sender's habit costs no report. Keys are those of the RFC; a
//! text in the place of a list is its only item.

use super::finding::{Code, Noticed};
use super::json::{self, Json};
use super::moment::{self, Moment};
use super::{Detail, Failed, Kind, Policy, Report, Unreadable};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::result::ResultType;
use std::fmt;
use std::net::IpAddr;

/// Seconds of a day but the last one.
const WHOLE_DAY: u64 = 86_399;

/// Every report of a JSON text, with what was noticed in it.
///
/// # Errors
/// [`Unreadable`]: it is no JSON, or no report.
pub(super) fn reports(octets: &[u8]) -> Result<Vec<(Report, Noticed)>, Unreadable> {
    let mut common = Noticed::default();
    let text = String::from_utf8_lossy(octets);
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            common.note(Code::Encoding, "", "a byte order mark");
            rest
        }
        None => &text,
    };
    if std::str::from_utf8(octets).is_err() {
        common.note(Code::Encoding, "", "octets that are no UTF-8");
    }
    let (values, has_more) = json::values(text)?;
    if has_more {
        common.note(Code::Trailing, "", "");
    }
    let mut objects = Vec::new();
    for value in &values {
        match value {
            Json::Object(fields) => objects.push(fields),
            Json::List(items) => objects.extend(items.iter().filter_map(|item| match item {
                Json::Object(fields) => Some(fields),
                _ => None,
            })),
            _ => {}
        }
    }
    objects.retain(|fields| is_a_report(fields));
    if objects.is_empty() {
        return Err(Unreadable::NoReport);
    }
    if objects.len() > 1 {
        common.note(Code::Several, "", &objects.len().to_string());
    }
    let read = |fields: &Vec<(String, Json)>| {
        let mut noticed = common.clone();
        (report(fields, &mut noticed), noticed)
    };
    Ok(objects.into_iter().map(read).collect())
}

/// Whether an object is meant as a report.
fn is_a_report(fields: &[(String, Json)]) -> bool {
    let has = |key: &str| fields.iter().any(|(found, _)| canonical(found) == key);
    has("policies") || has("organization-name") && (has("date-range") || has("report-id"))
}

/// Where something stands; written only if it is told.
#[derive(Clone, Copy)]
enum At<'a> {
    Root,
    Key(&'a Self, &'static str),
    Item(&'a Self, usize),
}

impl At<'_> {
    const fn key<'a>(&'a self, key: &'static str) -> At<'a> {
        At::Key(self, key)
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Root => Ok(()),
            At::Key(At::Root, key) => f.write_str(key),
            At::Key(above, key) => write!(f, "{above}.{key}"),
            At::Item(above, place) => write!(f, "{above}[{place}]"),
        }
    }
}

/// A key as the JSON of section 4.4 has it; the text of that section calls some by other names.
fn canonical(key: &str) -> String {
    let key = key.trim().to_ascii_lowercase().replace('_', "-");
    match key.as_str() {
        "mx-host-pattern" | "mx-host-patterns" => "mx-host".to_owned(),
        "additional-info-uri" => "additional-information".to_owned(),
        _ => key,
    }
}

/// The values of these keys; all other keys are noticed.
fn fields<'a, const N: usize>(
    object: &'a [(String, Json)],
    keys: [&'static str; N],
    at: &At<'_>,
    noticed: &mut Noticed,
) -> [Option<&'a Json>; N] {
    let mut found = [None; N];
    for (key, value) in object {
        let meant = canonical(key);
        let Some((place, known)) = found.iter_mut().zip(keys).find(|(_, known)| *known == meant) else {
            noticed.note(Code::UnknownKey, at, key);
            continue;
        };
        if key != known {
            noticed.note(Code::KeyName, at, key);
        }
        match place {
            Some(_) => noticed.note(Code::RepeatedKey, at, key),
            None => *place = Some(value),
        }
    }
    found
}

/// The fields of a value that should be an object; of any other, none.
fn object<'a>(
    value: Option<&'a Json>,
    code: Code,
    at: &At<'_>,
    noticed: &mut Noticed,
) -> &'a [(String, Json)] {
    match value {
        Some(Json::Object(fields)) => fields,
        Some(other) => {
            noticed.note(code, at, &other.shown());
            &[]
        }
        None => {
            noticed.note(code, at, "");
            &[]
        }
    }
}

/// The objects of a value that should be a list of them.
fn objects<'a>(
    value: Option<&'a Json>,
    code: Code,
    at: &At<'_>,
    noticed: &mut Noticed,
) -> Vec<&'a [(String, Json)]> {
    match value {
        Some(Json::List(items)) => {
            let read = items.iter().enumerate().filter_map(|(place, item)| match item {
                Json::Object(fields) => Some(fields.as_slice()),
                other => {
                    noticed.note(code, At::Item(at, place), &other.shown());
                    None
                }
            });
            read.collect()
        }
        Some(Json::Object(fields)) => {
            noticed.note(code, at, "an object");
            vec![fields]
        }
        Some(other) => {
            noticed.note(code, at, &other.shown());
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// A text; `code` is noticed for what is none, and for one that is absent if it has to be there.
fn text(
    value: Option<&Json>,
    code: Code,
    is_needed: bool,
    at: &At<'_>,
    noticed: &mut Noticed,
) -> Option<String> {
    match value {
        Some(Json::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Some(number @ (Json::Count(_) | Json::Number(_))) => {
            noticed.note(code, at, &number.shown());
            Some(number.shown())
        }
        Some(value @ (Json::Null | Json::Text(_))) => {
            noticed.note(if is_needed { code } else { Code::EmptyValue }, at, &value.shown());
            None
        }
        Some(other) => {
            noticed.note(code, at, &other.shown());
            None
        }
        None => {
            if is_needed {
                noticed.note(code, at, "");
            }
            None
        }
    }
}

fn report(object: &[(String, Json)], noticed: &mut Noticed) -> Report {
    let root = At::Root;
    let keys = ["organization-name", "date-range", "contact-info", "report-id", "policies"];
    let [organization, range, contact, id, policies] = fields(object, keys, &root, noticed);
    let [organization, contact, id] = [
        text(organization, Code::OrganizationName, true, &root.key("organization-name"), noticed),
        text(contact, Code::ContactInfo, true, &root.key("contact-info"), noticed),
        text(id, Code::ReportId, true, &root.key("report-id"), noticed),
    ];
    let (begin, end) = date_range(range, &root.key("date-range"), noticed);
    let at = root.key("policies");
    let items = objects(policies, Code::Policies, &at, noticed);
    if items.is_empty() {
        noticed.note(Code::Policies, at, "");
    }
    let policies =
        items.iter().enumerate().map(|(place, item)| policy(item, &At::Item(&at, place), noticed)).collect();
    Report { organization, contact, id, begin, end, policies }
}

fn date_range(
    value: Option<&Json>,
    at: &At<'_>,
    noticed: &mut Noticed,
) -> (Option<crate::time::UnixTime>, Option<crate::time::UnixTime>) {
    let object = object(value, Code::DateRange, at, noticed);
    let [begin, end] = fields(object, ["start-datetime", "end-datetime"], at, noticed);
    let begin = moment(begin, &at.key("start-datetime"), noticed);
    let mut end = moment(end, &at.key("end-datetime"), noticed);
    if let (Some(from), Some(to)) = (begin, end) {
        if to < from {
            noticed.note(Code::DateRange, at, &format!("{from} to {to}"));
            end = None;
        } else if from.0 % (WHOLE_DAY + 1) != 0 || to.since(from) != WHOLE_DAY {
            noticed.note(Code::DateRangeDay, at, &format!("{from} to {to}"));
        }
    }
    (begin, end)
}

fn moment(value: Option<&Json>, at: &At<'_>, noticed: &mut Noticed) -> Option<crate::time::UnixTime> {
    let read = match value {
        Some(Json::Text(text)) => moment::of_text(text.trim()),
        Some(Json::Count(number)) => Some(moment::of_number(*number)),
        _ => None,
    };
    let shown = value.map(Json::shown).unwrap_or_default();
    let Some(Moment { at: moment, is_standard }) = read else {
        noticed.note(Code::DateRange, at, &shown);
        return None;
    };
    if !is_standard {
        noticed.note(Code::DateFormat, at, &shown);
    }
    Some(moment)
}

fn policy(item: &[(String, Json)], at: &At<'_>, noticed: &mut Noticed) -> Policy {
    let [applied, summary, details] = fields(item, ["policy", "summary", "failure-details"], at, noticed);
    let here = at.key("policy");
    let applied = object(applied, Code::PolicyType, &here, noticed);
    let keys = ["policy-type", "policy-string", "policy-domain", "mx-host"];
    let [kind, strings, domain, mx_hosts] = fields(applied, keys, &here, noticed);
    let word = text(kind, Code::PolicyType, true, &here.key("policy-type"), noticed).unwrap_or_default();
    let kind = Kind::from_word(&word);
    if !word.is_empty() && (kind.word() != word || matches!(kind, Kind::Other(_))) {
        noticed.note(Code::PolicyType, here.key("policy-type"), &word);
    }
    let domain = domain_of(domain, &here.key("policy-domain"), noticed);
    let strings = strings_of(strings, &here.key("policy-string"), noticed);
    let mx_hosts = mx_hosts_of(mx_hosts, &here.key("mx-host"), noticed);

    let at_details = at.key("failure-details");
    let details: Vec<Detail> = objects(details, Code::FailureDetails, &at_details, noticed)
        .into_iter()
        .enumerate()
        .map(|(place, item)| detail(item, &kind, &At::Item(&at_details, place), noticed))
        .collect();

    let here = at.key("summary");
    let summary = object(summary, Code::SessionCount, &here, noticed);
    let keys = ["total-successful-session-count", "total-failure-session-count"];
    let [successes, failures] = fields(summary, keys, &here, noticed);
    let told = details.iter().map(|detail| detail.sessions).fold(0, u64::saturating_add);
    let successes = count(successes, &here.key("total-successful-session-count"), noticed).unwrap_or(0);
    let failures = count(failures, &here.key("total-failure-session-count"), noticed);
    if let Some(total) = failures.filter(|total| *total != told) {
        noticed.note(Code::CountSum, here, &format!("{told} told, {total} in total"));
    }
    Policy { kind, domain, strings, mx_hosts, successes, failures: failures.unwrap_or(told), details }
}

fn domain_of(value: Option<&Json>, at: &At<'_>, noticed: &mut Noticed) -> Option<String> {
    let written = text(value, Code::PolicyDomain, true, at, noticed)?;
    if let Ok(domain) = PolicyDomain::parse(&written) {
        return Some(domain.as_str().to_owned());
    }
    // A TLSA base domain is a host's name, which may be one that no domain has.
    if let Ok(host) = MxHost::from_text(&written) {
        return Some(host.as_str().to_owned());
    }
    noticed.note(Code::PolicyDomain, at, &written);
    Some(written)
}

/// The lines of a policy; one text that holds a list of them, as Microsoft writes TLSA records, is that list.
fn strings_of(value: Option<&Json>, at: &At<'_>, noticed: &mut Noticed) -> Vec<String> {
    let (texts, is_a_list) = texts(value, Code::PolicyString, at, noticed);
    let mut strings = Vec::new();
    for text in texts {
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(inner) => {
                noticed.note(Code::PolicyString, at, &text);
                strings.extend(inner);
            }
            Err(_) if is_a_list => strings.push(text),
            Err(_) => strings.extend(text.lines().map(|line| line.trim().to_owned())),
        }
    }
    strings.retain(|line| !line.is_empty());
    strings
}

fn mx_hosts_of(value: Option<&Json>, at: &At<'_>, noticed: &mut Noticed) -> Vec<String> {
    let (texts, is_a_list) = texts(value, Code::MxHost, at, noticed);
    let mut hosts = Vec::new();
    for text in texts {
        let inner = serde_json::from_str::<Vec<String>>(&text).ok();
        let parts = match inner {
            Some(inner) => inner,
            None if is_a_list => vec![text.clone()],
            None => text.split([',', ' ', '\n']).map(str::to_owned).collect(),
        };
        for part in parts {
            let part = part.trim();
            let bare =
                part.get(..3).filter(|key| key.eq_ignore_ascii_case("mx:")).and_then(|_| part.get(3..));
            if bare.is_some() {
                noticed.note(Code::MxHost, at, part);
            }
            let host = bare.unwrap_or(part).trim();
            if !host.is_empty() {
                hosts.push(host.to_owned());
            }
        }
    }
    hosts
}

/// The texts of a value that should be a list of them, and whether it is one.
fn texts(value: Option<&Json>, code: Code, at: &At<'_>, noticed: &mut Noticed) -> (Vec<String>, bool) {
    match value {
        Some(Json::List(items)) => {
            let read = items.iter().enumerate().filter_map(|(place, item)| match item {
                Json::Text(text) => Some(text.clone()),
                other => {
                    noticed.note(code, At::Item(at, place), &other.shown());
                    None
                }
            });
            (read.collect(), true)
        }
        Some(Json::Text(text)) if !text.is_empty() => {
            noticed.note(code, at, text);
            (vec![text.clone()], false)
        }
        Some(value @ (Json::Null | Json::Text(_))) => {
            noticed.note(Code::EmptyValue, at, &value.shown());
            (Vec::new(), true)
        }
        Some(other) => {
            noticed.note(code, at, &other.shown());
            (Vec::new(), true)
        }
        None => (Vec::new(), true),
    }
}

/// A number of sessions; `None` if nobody can say how many.
fn count(value: Option<&Json>, at: &At<'_>, noticed: &mut Noticed) -> Option<u64> {
    match value {
        Some(Json::Count(number)) => return Some(*number),
        Some(Json::Text(text)) => {
            noticed.note(Code::SessionCount, at, text);
            return text.trim().parse().ok();
        }
        Some(Json::Number(number)) if number.fract() == 0.0 && (0.0..1e15).contains(number) => {
            noticed.note(Code::SessionCount, at, &number.to_string());
            return format!("{number:.0}").parse().ok();
        }
        Some(other) => noticed.note(Code::SessionCount, at, &other.shown()),
        None => noticed.note(Code::SessionCount, at, ""),
    }
    None
}

fn detail(item: &[(String, Json)], kind: &Kind, at: &At<'_>, noticed: &mut Noticed) -> Detail {
    let keys = [
        "result-type",
        "sending-mta-ip",
        "receiving-mx-hostname",
        "receiving-mx-helo",
        "receiving-ip",
        "failed-session-count",
        "additional-information",
        "failure-reason-code",
    ];
    let [result, sending, host, helo, receiving, sessions, information, reason] =
        fields(item, keys, at, noticed);
    let word = text(result, Code::ResultType, true, &at.key("result-type"), noticed).unwrap_or_default();
    let failed = match ResultType::from_word(&word.to_ascii_lowercase()) {
        Some(result) => Failed::Known(result),
        None => Failed::Other(word.clone()),
    };
    if !word.is_empty() && (failed.word() != word || matches!(failed, Failed::Other(_))) {
        noticed.note(Code::ResultType, at.key("result-type"), &word);
    }
    if is_of_the_other(&failed, kind) {
        noticed.note(Code::ResultTypeMechanism, at, &format!("{word} under {}", kind.word()));
    }
    let mut other = |value, code, key| text(value, code, false, &at.key(key), noticed);
    let host = other(host, Code::HostName, "receiving-mx-hostname");
    let [helo, information, reason] = [
        other(helo, Code::EmptyValue, "receiving-mx-helo"),
        other(information, Code::EmptyValue, "additional-information"),
        other(reason, Code::EmptyValue, "failure-reason-code"),
    ];
    Detail {
        sessions: count(sessions, &at.key("failed-session-count"), noticed).unwrap_or(1),
        sending: address(sending, &at.key("sending-mta-ip"), noticed),
        host: host.map(|host| host_of(host, &at.key("receiving-mx-hostname"), noticed)),
        helo,
        receiving: address(receiving, &at.key("receiving-ip"), noticed),
        reason,
        information,
        failed,
    }
}

fn host_of(written: String, at: &At<'_>, noticed: &mut Noticed) -> String {
    match MxHost::from_text(&written) {
        Ok(host) => host.as_str().to_owned(),
        Err(_) => {
            noticed.note(Code::HostName, at, &written);
            written
        }
    }
}

/// An address, also in brackets, or as a mail server writes IPv6 there (RFC 5321 section 4.1.3).
fn address(value: Option<&Json>, at: &At<'_>, noticed: &mut Noticed) -> Option<IpAddr> {
    let written = text(value, Code::IpAddress, false, at, noticed)?;
    if let Ok(address) = written.parse() {
        return Some(address);
    }
    noticed.note(Code::IpAddress, at, &written);
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    bare.strip_prefix("IPv6:").unwrap_or(bare).parse().ok()
}

/// Whether a failure of one mechanism stands under the other one (RFC 8460 section 4.3.2).
const fn is_of_the_other(failed: &Failed, kind: &Kind) -> bool {
    match failed {
        Failed::Known(
            ResultType::StsPolicyFetchError | ResultType::StsPolicyInvalid | ResultType::StsWebpkiInvalid,
        ) => matches!(kind, Kind::Tlsa),
        Failed::Known(ResultType::TlsaInvalid | ResultType::DnssecInvalid | ResultType::DaneRequired) => {
            matches!(kind, Kind::Sts)
        }
        _ => false,
    }
}
