//! TLS reports of others for people: who tells what, what failed and what to do about it, what is wrong with the reports, and what
//! could not be read.

use crate::limits::MAX_RECEIVED_SHOWN;
use crate::policy::lint::Severity;
use crate::render::page::{Page, Paint, Tone};
use crate::text::excerpt;
use crate::tls_report::authentication::Authentication;
use crate::tls_report::collection::Collection;
use crate::tls_report::sums::{Complaint, FailureGroup, Fault, Group, Sessions, Sum, Sums};
use crate::tls_report::{Failed, Kind};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of untrusted text that are shown.
const SHOWN: usize = 120;
/// Names that are listed before the others are counted.
const NAMED: usize = 4;

/// The page.
#[must_use]
pub fn page(collection: &Collection, sums: &Sums, paint: Paint) -> String {
    let mut page = Page::new(paint);
    overview(collection, sums, &mut page);
    for (sender, groups) in &sums.senders {
        page.heading(&excerpt(sender, SHOWN));
        of_sender(groups, &mut page);
    }
    if !sums.faults.is_empty() {
        page.heading("What failed, and what to do");
        let mut faults: Vec<_> = sums.faults.iter().collect();
        faults.sort_by_key(|(_, fault)| std::cmp::Reverse(fault.sessions));
        let left_out = faults.len().saturating_sub(MAX_RECEIVED_SHOWN);
        let shown = faults.into_iter().take(MAX_RECEIVED_SHOWN);
        shown.for_each(|(failed, fault)| of_fault(failed.as_ref(), fault, &mut page));
        if left_out > 0 {
            page.more(Tone::Faint, &format!("and {left_out} words more, which --format json has"));
        }
    }
    if !sums.complaints.is_empty() {
        page.heading("What is wrong with the reports themselves");
        let mut complaints: Vec<_> = sums.complaints.iter().collect();
        complaints.sort_by_key(|(code, _)| (code.severity(), **code));
        for (code, complaint) in complaints {
            let tone = match code.severity() {
                Severity::Error => Tone::Bad,
                Severity::Warning => Tone::Warning,
                Severity::Note => Tone::Plain,
            };
            page.item(code.word(), tone, &of_complaint(complaint));
            page.more(Tone::Plain, code.explain().meaning);
        }
    }
    unread(collection, &mut page);
    page.finish()
}

fn overview(collection: &Collection, sums: &Sums, page: &mut Page) {
    let number = collection.reports().len();
    let when = match sums.days {
        Some((first, last)) if first == last => format!(" of {first}"),
        Some((first, last)) => format!(" of {first} to {last}"),
        None => String::new(),
    };
    page.heading(&match number {
        0 => "No TLS report was found".to_owned(),
        1 => format!("1 TLS report{when}"),
        _ => format!("{number} TLS reports{when}"),
    });
    if number > 0 {
        let tone = if sums.sessions.failures > 0 { Tone::Warning } else { Tone::Good };
        page.item("sessions", tone, &of_sessions(sums.sessions));
        page.item("trust", Tone::Plain, &of_trust(collection));
    }
    for (count, label, one, more) in [
        (
            collection.duplicates(),
            "copies",
            "copy of a report above, which counts once",
            "copies of reports above, each of which counts once",
        ),
        (
            collection.other_mails(),
            "other",
            "mail without a TLS report, passed over",
            "mails without a TLS report, passed over",
        ),
    ] {
        match count {
            0 => {}
            1 => page.item(label, Tone::Plain, &format!("1 {one}")),
            _ => page.item(label, Tone::Plain, &format!("{count} {more}")),
        }
    }
}

/// Who is believed about who sent the reports.
fn of_trust(collection: &Collection) -> String {
    let known: Vec<_> = collection.reports().iter().filter_map(|read| read.received.authentication).collect();
    if known.is_empty() {
        return "Anybody can send a report. Nobody verified here who sent these.".to_owned();
    }
    let passed = known.iter().filter(|one| **one == Authentication::Passed).count();
    format!(
        "{passed} of {} came with a DKIM signature of the sender's that your mail server found in order.",
        known.len()
    )
}

fn of_sessions(Sessions { successes, failures }: Sessions) -> String {
    match failures {
        0 => format!("{successes} went well, none failed"),
        _ => format!("{successes} went well, {failures} failed"),
    }
}

fn of_sender(groups: &BTreeMap<Group, Sum>, page: &mut Page) {
    let mut before = None;
    for (group, sum) in groups {
        let words = format!("{}: {}", of_group(group), of_sessions(sum.sessions));
        let tone = if sum.sessions.failures > 0 { Tone::Warning } else { Tone::Plain };
        if before == Some(group.day) {
            page.more(tone, &words);
        } else {
            let day = group.day.map_or_else(|| "day unknown".to_owned(), |day| day.to_string());
            page.item(&day, tone, &words);
            before = Some(group.day);
        }
        for (failure, sessions) in sum.failures.iter().take(MAX_RECEIVED_SHOWN) {
            page.more(Tone::Plain, &format!("- {sessions} {}", of_failure(failure)));
        }
        let left_out = sum.failures.len().saturating_sub(MAX_RECEIVED_SHOWN);
        if left_out > 0 {
            page.more(Tone::Faint, &format!("- and {left_out} kinds more, which --format json has"));
        }
    }
}

fn of_group(group: &Group) -> String {
    let domain = group
        .domain
        .as_deref()
        .map_or_else(|| "a domain that is not named".to_owned(), |name| excerpt(name, SHOWN));
    let mode = group.mode.as_deref().map(|mode| format!(", mode {}", excerpt(mode, 16))).unwrap_or_default();
    let under = match &group.kind {
        Kind::Sts => "MTA-STS".to_owned(),
        Kind::Tlsa => "DANE".to_owned(),
        Kind::NoPolicyFound => "without a policy".to_owned(),
        Kind::Other(word) if word.is_empty() => "policy of no type".to_owned(),
        Kind::Other(word) => format!("policy of type '{}'", excerpt(word, 32)),
    };
    format!("{domain}, {under}{mode}")
}

fn of_failure(failure: &FailureGroup) -> String {
    let what = match &failure.failed {
        Some(failed) => word(failed),
        None => "for reasons that the report does not tell".to_owned(),
    };
    let host = failure.host.as_deref().map(|host| excerpt(host, SHOWN));
    let place = match (host, failure.address) {
        (Some(host), Some(address)) => format!(" at {host} [{address}]"),
        (Some(host), None) => format!(" at {host}"),
        (None, Some(address)) => format!(" at [{address}]"),
        (None, None) => String::new(),
    };
    let reason =
        failure.reason.as_deref().map(|reason| format!(": {}", excerpt(reason, SHOWN))).unwrap_or_default();
    format!("{what}{place}{reason}")
}

fn word(failed: &Failed) -> String {
    match failed {
        Failed::Known(result) => result.word().to_owned(),
        Failed::Other(word) if word.is_empty() => "(no result type)".to_owned(),
        Failed::Other(word) => format!("'{}'", excerpt(word, 64)),
    }
}

fn of_fault(failed: Option<&Failed>, fault: &Fault, page: &mut Page) {
    let sessions =
        if fault.sessions == 1 { "1 session".to_owned() } else { format!("{} sessions", fault.sessions) };
    let place = if fault.hosts.is_empty() { String::new() } else { format!(" at {}", names(&fault.hosts)) };
    let told = format!("{sessions}{place}, told by {}.", names(&fault.senders));
    match failed {
        Some(Failed::Known(result)) => {
            page.item(result.word(), Tone::Bad, &told);
            page.more(Tone::Plain, result.explain().meaning);
            page.more(Tone::Plain, &format!("To do: {}", result.explain().fix));
        }
        Some(other @ Failed::Other(_)) => {
            page.item(&word(other), Tone::Bad, &told);
            page.more(
                Tone::Plain,
                "RFC 8460 knows no such result type: only the sender can say what it means.",
            );
        }
        None => {
            page.item("not told", Tone::Bad, &told);
            page.more(Tone::Plain, "The reports count more failures than they explain. Look with `smtp-sts-verify probe` at the MX hosts.");
        }
    }
}

fn of_complaint(complaint: &Complaint) -> String {
    let number =
        if complaint.reports == 1 { "1 report".to_owned() } else { format!("{} reports", complaint.reports) };
    let example =
        if complaint.example.is_empty() { String::new() } else { format!(" ({})", complaint.example) };
    format!("{number} of {}{example}", names(&complaint.senders))
}

/// The first names, and how many there are beside them.
fn names(names: &BTreeSet<String>) -> String {
    let first: Vec<String> = names.iter().take(NAMED).map(|name| excerpt(name, SHOWN)).collect();
    let others = names.len().saturating_sub(NAMED);
    if others > 0 { format!("{} and {others} more", first.join(", ")) } else { first.join(", ") }
}

fn unread(collection: &Collection, page: &mut Page) {
    let unread = collection.unread();
    if unread.is_empty() {
        return;
    }
    page.heading("What could not be read");
    for unread in unread.iter().take(MAX_RECEIVED_SHOWN) {
        page.hanging(Tone::Bad, &format!("{}: {}", excerpt(&unread.source, SHOWN), unread.why));
    }
    let left_out = unread.len().saturating_sub(MAX_RECEIVED_SHOWN);
    if left_out > 0 {
        page.hanging(Tone::Bad, &format!("and {left_out} more, which --format json has"));
    }
}
