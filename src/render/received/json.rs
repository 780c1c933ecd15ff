//! TLS reports of others for programs: one object. `fixtures/reports-read.schema.json` describes it.

use crate::limits::MAX_REPORT_TEXT_TOLD;
use crate::text::shortened;
use crate::tls_report::authentication::Authentication;
use crate::tls_report::collection::{Collection, Read};
use crate::tls_report::sums::Sums;
use crate::tls_report::{Detail, Policy};
use serde_json::{Value, json};

/// Every report with what was noticed about it, and the rest in numbers.
#[must_use]
pub fn object(collection: &Collection, sums: &Sums) -> Value {
    let unread = collection
        .unread()
        .iter()
        .map(|unread| json!({"file": text(&unread.source), "why": unread.why.to_string()}));
    json!({
        "reports": collection.reports().iter().map(report).collect::<Vec<_>>(),
        "duplicates": collection.duplicates(),
        "other_mails": collection.other_mails(),
        "unread": unread.collect::<Vec<_>>(),
        "sessions": {"successful": sums.sessions.successes, "failed": sums.sessions.failures},
    })
}

fn report(read: &Read) -> Value {
    let (report, findings) = (&read.received.report, read.received.noticed.findings());
    let moment = |at: Option<crate::time::UnixTime>| at.map(|at| at.to_string());
    let findings = findings.into_iter().map(|finding| {
        json!({
            "code": finding.code.word(),
            "severity": finding.code.severity().word(),
            "at": finding.at,
            "shown": finding.shown,
            "times": finding.times,
        })
    });
    json!({
        "file": text(&read.source),
        "organization": maybe(report.organization.as_ref()),
        "contact": maybe(report.contact.as_ref()),
        "id": maybe(report.id.as_ref()),
        "begin": moment(report.begin),
        "end": moment(report.end),
        "day": report.day().map(|day| day.to_string()),
        "authentication": read.received.authentication.map(Authentication::word),
        "policies": report.policies.iter().map(policy).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn policy(policy: &Policy) -> Value {
    json!({
        "type": text(policy.kind.word()),
        "domain": maybe(policy.domain.as_ref()),
        "strings": policy.strings.iter().map(|line| text(line)).collect::<Vec<_>>(),
        "mx_hosts": policy.mx_hosts.iter().map(|host| text(host)).collect::<Vec<_>>(),
        "successful_sessions": policy.successes,
        "failed_sessions": policy.failures,
        "failures": policy.details.iter().map(detail).collect::<Vec<_>>(),
    })
}

fn detail(detail: &Detail) -> Value {
    json!({
        "result": text(detail.failed.word()),
        "sessions": detail.sessions,
        "host": maybe(detail.host.as_ref()),
        "helo": maybe(detail.helo.as_ref()),
        "address": detail.receiving.map(|address| address.to_string()),
        "from": detail.sending.map(|address| address.to_string()),
        "reason": maybe(detail.reason.as_ref()),
        "information": maybe(detail.information.as_ref()),
    })
}

fn text(text: &str) -> String {
    shortened(text, MAX_REPORT_TEXT_TOLD)
}

fn maybe(value: Option<&String>) -> Option<String> {
    value.map(|value| text(value))
}
