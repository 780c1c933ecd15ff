//! Reports that leave: whether they do, and whether anybody takes them.

use super::avoided::avoids;
use super::postfix::for_reports;
use super::{fine, signature, unchecked, warning};
use crate::doctor::observations::{Exim, Postfix, Reports, Seen};
use crate::doctor::read::exim::Driver;
use crate::doctor::{Check, Finding};
use crate::policy::tls_rpt;
use crate::policy::txt::Published;
use crate::text::excerpt;
use data_encoding::BASE64;

/// The router and the transport of exim/reports.
const OURS: &str = "smtp_sts_reports";

/// The kind of service that a key for reports names (RFC 8460 section 3).
const SERVICE: &str = "tlsrpt";

/// Judges what reports need.
#[must_use]
pub fn judge(reports: &Reports, exim: &Seen<Exim>, postfix: &Seen<Postfix>) -> Vec<Finding> {
    vec![
        match &reports.sendmail {
            Ok(path) => fine(Check::ReportsSendmail, path.display().to_string()),
            Err(why) => warning(Check::ReportsSendmail, why),
        },
        match exim {
            Ok(exim) => route(reports, exim),
            Err(why) => unchecked(Check::ReportsRoute, why),
        },
        key(reports),
        signature::judge(reports),
        match postfix {
            Ok(postfix) => for_reports(reports, postfix),
            Err(why) => unchecked(Check::ReportsPostfix, why),
        },
        timer(&reports.timer),
        own(&reports.own),
    ]
}

/// Whether a router lets nothing pass but what Exim's own user hands over: the one of exim/reports, as it comes.
pub(super) fn is_for_reports_alone(router: &Driver) -> bool {
    let condition = router.option("condition").unwrap_or_default();
    router.name == OURS && condition.contains("{eq{$originator_uid}{$exim_uid}}")
}

fn route(reports: &Reports, exim: &Exim) -> Finding {
    const CHECK: Check = Check::ReportsRoute;
    let (routers, transports) = match (&exim.routers, &exim.transports) {
        (Ok(routers), Ok(transports)) => (routers, transports),
        (Err(why), _) | (_, Err(why)) => return unchecked(CHECK, why),
    };
    let place = |name: &str| routers.iter().position(|router| router.name == name);
    let Some(ours) = place(OURS) else {
        return warning(CHECK, "the router smtp_sts_reports is not loaded");
    };
    let sender = exim.macros.as_ref().ok().and_then(|macros| {
        macros.iter().find(|(name, _)| name == "SMTP_STS_REPORTS_SENDER").map(|(_, value)| value.trim())
    });
    match sender {
        Some(sender) if !sender.eq_ignore_ascii_case(&reports.contact) => {
            return warning(
                CHECK,
                format!(
                    "SMTP_STS_REPORTS_SENDER is {}, and contact is {}",
                    excerpt(sender, 120),
                    excerpt(&reports.contact, 120)
                ),
            );
        }
        None => return unchecked(CHECK, "Exim does not tell SMTP_STS_REPORTS_SENDER"),
        Some(_) => {}
    }
    if place("smtp_sts_ask").is_some_and(|asks| asks < ours) {
        return warning(
            CHECK,
            "the router smtp_sts_reports stands behind smtp_sts_ask, which takes reports first",
        );
    }
    if !routers.get(ours).is_some_and(is_for_reports_alone) {
        return warning(CHECK, "the router smtp_sts_reports lets others pass than Exim's own user");
    }
    let Some(transport) = transports.iter().find(|transport| transport.name == OURS) else {
        return warning(CHECK, "the transport smtp_sts_reports is not loaded");
    };
    if let Some(option) = demand(transport) {
        return warning(CHECK, format!("the transport smtp_sts_reports has {option}"));
    }
    match transports.iter().find_map(avoids) {
        Some(transport) => warning(CHECK, transport),
        None => fine(
            CHECK,
            format!("R=smtp_sts_reports T=smtp_sts_reports for {}", excerpt(&reports.contact, 120)),
        ),
    }
}

/// An option of the transport with which a report would wait, be counted, or be left unsigned.
fn demand(transport: &Driver) -> Option<String> {
    let value = |name: &str| transport.option(name).unwrap_or_default();
    let unwanted =
        ["event_action", "hosts_try_dane", "hosts_require_dane", "hosts_require_tls", "tls_verify_hosts"];
    let set = unwanted.into_iter().find(|name| !value(name).is_empty());
    set.map(|name| format!("{name} = {}", excerpt(value(name), 80)))
        .or_else(|| value("dkim_private_key").is_empty().then(|| "no dkim_private_key".to_owned()))
}

fn key(reports: &Reports) -> Finding {
    const CHECK: Check = Check::ReportsKey;
    let selector = match &reports.selector {
        Ok(selector) => excerpt(selector, 64),
        Err(why) => return unchecked(CHECK, format!("it is not known which selector signs: {why}")),
    };
    let record = match &reports.key {
        Ok(records) => match records.as_slice() {
            [] => return warning(CHECK, format!("no TXT record of the selector {selector}")),
            [record] => record,
            several => {
                return warning(CHECK, format!("{} TXT records of the selector {selector}", several.len()));
            }
        },
        Err(why) => return unchecked(CHECK, format!("the record of the selector {selector}: {why}")),
    };
    let tags: Vec<(&str, &str)> = record
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    let tag = |name: &str| tags.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let published = published(record);
    if published.is_empty() {
        return warning(CHECK, format!("the record of the selector {selector} has no key"));
    }
    match tag("s") {
        Some(SERVICE) => {}
        None => {
            return warning(
                CHECK,
                format!(
                    "the record of the selector {selector} does not say s=tlsrpt: its key is for all mail"
                ),
            );
        }
        Some(other) => {
            return warning(
                CHECK,
                format!("the record of the selector {selector} says s={}, not s=tlsrpt", excerpt(other, 40)),
            );
        }
    }
    if reports.readable == Ok(false) {
        return warning(CHECK, "Exim's user cannot read the key's file: each report waits for its signature");
    }
    match &reports.public {
        Err(why) => fine(CHECK, format!("{selector}, s=tlsrpt; not compared with the key that signs: {why}")),
        Ok(signs) if is_of(&published, signs) => {
            fine(CHECK, format!("{selector}, s=tlsrpt, the key that signs"))
        }
        Ok(_) => warning(
            CHECK,
            format!("the record of the selector {selector} has another key than the one that signs"),
        ),
    }
}

/// The key of a record, base64.
pub(super) fn published(record: &str) -> String {
    let tags = record.split(';').filter_map(|tag| tag.split_once('='));
    let value = tags.into_iter().find_map(|(name, value)| (name.trim() == "p").then_some(value));
    value.unwrap_or_default().split_whitespace().collect()
}

/// Whether the key of a record (a SubjectPublicKeyInfo, as is usual, or the bare key of RFC 6376 section 3.6.1) is that one.
fn is_of(published: &str, signs: &str) -> bool {
    match (BASE64.decode(published.as_bytes()), BASE64.decode(signs.as_bytes())) {
        (Ok(published), Ok(signs)) => !signs.is_empty() && published.ends_with(&signs),
        _ => false,
    }
}

fn timer(timer: &Seen<String>) -> Finding {
    const CHECK: Check = Check::ReportsTimer;
    match timer.as_deref() {
        Ok("enabled" | "enabled-runtime") => fine(CHECK, "smtp-sts-verify-reports.timer is enabled"),
        Ok("") => warning(CHECK, "systemd knows no smtp-sts-verify-reports.timer"),
        Ok(word) => warning(CHECK, format!("smtp-sts-verify-reports.timer: {}", excerpt(word, 80))),
        Err(why) => unchecked(CHECK, why),
    }
}

fn own(own: &Seen<Vec<String>>) -> Finding {
    const CHECK: Check = Check::ReportsRecord;
    let records = match own {
        Ok(records) => records,
        Err(why) => return unchecked(CHECK, why),
    };
    let octets: Vec<Vec<u8>> = records.iter().map(|record| record.as_bytes().to_vec()).collect();
    match tls_rpt::published(&octets) {
        Published::Record(_) => {
            fine(CHECK, records.iter().map(|record| excerpt(record, 120)).collect::<Vec<_>>().join(" "))
        }
        Published::Nothing => warning(CHECK, "no TLSRPT record"),
        Published::Several(number) => warning(CHECK, format!("{number} TLSRPT records, so none counts")),
        Published::Malformed(_) => {
            warning(CHECK, "the TLSRPT record is malformed; `smtp-sts-verify lint` says how")
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
