//! The daemon's page for people: what it does now, which mail it held and why, which policies it holds to.
//!
//! No script, one stylesheet within the page, nothing from elsewhere; [`content_security_policy`] has the browser hold us
//! to that. The page does not load itself again: whoever reads slowly, or listens to it, would lose their place (WCAG
//! 2.2, failure F41); a link does it. No meaning is in a colour alone.

use super::fleet_page;
use super::markup::{Markup, grouped};
use super::reports_page;
use crate::cache::Outlook;
use crate::policy::{Mode, StoredPolicy};
use crate::reason::Reason;
use crate::serve::telemetry::counters::{Counters, Cutting, Mta, Source};
use crate::serve::telemetry::recent::Withheld;
use crate::serve::telemetry::status::Status;
use crate::time::{UnixTime, span};
use crate::verdict::Verdict;
use aws_lc_rs::digest;
use data_encoding::BASE64;
use std::time::Duration;

/// The media type of the page.
pub const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// How the page looks: light or dark as the reader's system is, and as narrow as a telephone.
const STYLE: &str = include_str!("status_page.css");

/// Sixteen by sixteen: an envelope. Written into the page, so that no browser asks for `/favicon.ico`.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Crect x='1' y='3' width='14' height='10' rx='2' fill='%233f9d63'/%3E\
    %3Cpath d='M2.5 5.5 8 9.5l5.5-4' fill='none' stroke='white' stroke-width='1.5'/%3E%3C/svg%3E";

/// What a browser may load for the page: this stylesheet, known by its digest, and the icon within the page (Content
/// Security Policy Level 3).
#[must_use]
pub fn content_security_policy() -> String {
    let style = BASE64.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()).as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

/// The page.
#[must_use]
pub fn page(status: &Status) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
    page.text(if status.readiness().is_ok() { "Ready" } else { "Not ready" });
    page.raw(" - smtp-sts-verify</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"");
    page.raw(ICON);
    page.raw("\">\n<style>");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n");
    header(&mut page, status);
    page.raw("<main>\n");
    glance(&mut page, status);
    withheld(&mut page, status);
    policies(&mut page, status);
    resolver(&mut page, status);
    fleet_page::fleet(&mut page, status);
    reports_page::reports(&mut page, status);
    connections(&mut page, &status.counters);
    counted(&mut page, &status.counters);
    page.raw(
        "</main>\n<footer class=\"faint\">For machines: <a href=\"/metrics\">/metrics</a> (Prometheus), ",
    );
    page.raw(
        "<a href=\"/healthz\">/healthz</a>, <a href=\"/readyz\">/readyz</a>. Nothing can be changed here; ",
    );
    page.raw("<code>smtp-sts-verify cache</code> looks after the policies.</footer>\n</body>\n</html>\n");
    page.finish()
}

fn header(page: &mut Markup, status: &Status) {
    page.raw("<header>\n<h1>smtp-sts-verify <small>");
    page.text(env!("CARGO_PKG_VERSION"));
    page.raw("</small></h1>\n");
    match status.readiness() {
        Ok(()) => {
            page.raw("<p class=\"state good\"><strong>Ready.</strong> Questions are taken at ");
            for (place, name) in status.places.iter().enumerate() {
                page.raw(if place == 0 { "<code>" } else { ", <code>" });
                page.text(name);
                page.raw("</code>");
            }
            page.raw(".</p>\n");
        }
        Err(why) => {
            page.raw("<p class=\"state bad\"><strong>Not ready:</strong> ");
            page.text(why);
            page.raw(".</p>\n");
        }
    }
    if let Some(why) = &status.older {
        page.raw("<p class=\"state bad\"><strong>An older configuration is in force:</strong> ");
        page.text(why);
        page.raw("</p>\n");
    }
    page.raw("<p class=\"faint\">As of ");
    page.moment(status.now);
    page.raw(" &middot; running for ");
    page.text(span(status.now.since(status.started_at)));
    page.raw(" &middot; configuration read ");
    page.ago(status.loaded_at, status.now);
    page.raw(" &middot; <a href=\"/\">look again</a></p>\n</header>\n");
}

/// The four numbers that somebody looks for first.
fn glance(page: &mut Markup, status: &Status) {
    let counters = &status.counters;
    page.raw("<dl class=\"tiles\">\n");
    page.tile("Policies in force", |page| match &status.outlook {
        Ok(outlook) => {
            page.number(outlook.number());
            page.note(&match outlook.next_end() {
                Some(end) => format!("the first ends in {}", span(end.since(status.now))),
                None => "none yet".to_owned(),
            });
        }
        Err(_) => {
            page.raw("<span class=\"number\">?</span>");
            page.note("the store does not tell");
        }
    });
    page.tile("Answers", |page| {
        let of =
            |verdict| Mta::ALL.iter().map(|mta| counters.answers.of(*mta).of(verdict).get()).sum::<u64>();
        let (deliver, defer, refuse) = (of(Verdict::Deliver), of(Verdict::Defer), of(Verdict::Refuse));
        page.number(deliver.saturating_add(defer).saturating_add(refuse));
        page.bar("deliver, defer and refuse", &[("good", deliver), ("wait", defer), ("bad", refuse)]);
        page.note(&format!(
            "{} deliver, {} defer, {} refuse",
            grouped(deliver),
            grouped(defer),
            grouped(refuse)
        ));
    });
    page.tile("Warm answers", |page| {
        page.number(u64::try_from(status.cached_answers).unwrap_or(u64::MAX));
        let warm = counters.latency.of(Source::Warm).within(99).map(duration);
        page.note(&warm.map_or_else(
            || "at hand in memory".to_owned(),
            |within| format!("99 of 100 given within {within}"),
        ));
    });
    page.tile("Look-ups under way", |page| {
        page.number(counters.look_ups_under_way.get());
        let cold = counters.latency.of(Source::LookUp).within(50).map(duration);
        let cold = cold.map_or_else(String::new, |within| format!("; half take up to {within}"));
        page.note(&format!("{} waiting{cold}", grouped(counters.look_ups_waiting.get())));
    });
    page.raw("</dl>\n");
}

fn withheld(page: &mut Markup, status: &Status) {
    page.section("withheld", "Refused or deferred of late");
    if status.recent.is_empty() {
        page.raw(
            "<p class=\"faint\">No mail was refused or deferred since the start.</p>\n</div>\n</section>\n",
        );
        return;
    }
    page.raw("<p class=\"faint\">The newest first. A mail that waits is tried again by the mail server.</p>\n</div>\n");
    page.table("withheld", &["When", "Domain", "Verdict", "Reason"]);
    for mail in &status.recent {
        withheld_row(page, mail, status.now);
    }
    page.raw("</tbody>\n</table>\n<dl class=\"meanings\">\n");
    let reasons = |reason: &&Reason| status.recent.iter().any(|mail| mail.reason == **reason);
    for reason in Reason::ALL.iter().filter(reasons) {
        let explained = reason.explain();
        page.raw("<dt><code>");
        page.text(explained.word);
        page.raw("</code></dt><dd>");
        page.text(explained.meaning);
        page.raw(" ");
        page.text(explained.fix);
        page.raw("</dd>\n");
    }
    page.raw("</dl>\n</section>\n");
}

fn withheld_row(page: &mut Markup, mail: &Withheld, now: UnixTime) {
    page.row();
    page.cell("When", |page| {
        page.ago(mail.last, now);
        if mail.times > 1 {
            page.note(&format!("{} times in {}", grouped(mail.times), span(mail.last.since(mail.first))));
        }
    });
    page.cell("Domain", |page| {
        page.raw("<strong>");
        page.text(mail.question.domain.as_str());
        page.raw("</strong>");
        if let Some(host) = &mail.question.host {
            page.note(&format!("to {}", host.as_str()));
        }
    });
    page.cell("Verdict", |page| {
        let tone = if mail.verdict == Verdict::Refuse { "bad" } else { "wait" };
        page.pill(tone, mail.verdict.word());
    });
    page.cell("Reason", |page| {
        page.raw("<code>");
        page.text(mail.reason.word());
        page.raw("</code>");
    });
    page.raw("</tr>\n");
}

fn policies(page: &mut Markup, status: &Status) {
    page.section("policies", "Policies in force");
    match &status.outlook {
        Err(why) => {
            page.raw("<p class=\"state bad\">The store does not tell: ");
            page.text(why.to_string());
            page.raw(". What it told before stays in force.</p>\n</div>\n");
        }
        Ok(outlook) if outlook.soonest.is_empty() => {
            page.raw("<p class=\"faint\">None yet: the first mail to a domain that publishes one brings it here.</p>\n</div>\n");
        }
        Ok(outlook) => policies_table(page, outlook, status.now),
    }
    page.raw("</section>\n");
}

fn policies_table(page: &mut Markup, outlook: &Outlook, now: UnixTime) {
    let (shown, all) = (outlook.soonest.len(), outlook.number());
    page.raw("<p class=\"faint\">");
    if u64::try_from(shown).unwrap_or(u64::MAX) < all {
        page.text(format!("The {shown} that end first, of {}. ", grouped(all)));
    }
    page.raw(
        "Each is fetched again before it ends; one that cannot be fetched stays until its end.</p>\n</div>\n",
    );
    page.table("policies", &["Domain", "Mode", "Permits", "Vouched by", "Ends"]);
    for policy in &outlook.soonest {
        policy_row(page, policy, now);
    }
    page.raw("</tbody>\n</table>\n");
}

/// Patterns of one policy that a row shows.
const PATTERNS: usize = 4;

fn policy_row(page: &mut Markup, stored: &StoredPolicy, now: UnixTime) {
    let policy = &stored.policy;
    page.row();
    page.cell("Domain", |page| {
        page.raw("<strong>");
        page.text(stored.domain.as_str());
        page.raw("</strong>");
        page.note(policy.dialect().word());
    });
    page.cell("Mode", |page| {
        page.pill(if policy.mode() == Mode::Enforce { "good" } else { "plain" }, policy.mode().word());
    });
    page.cell("Permits", |page| {
        let patterns = policy.mx();
        for (place, pattern) in patterns.iter().take(PATTERNS).enumerate() {
            page.raw(if place == 0 { "<span>" } else { ", " });
            page.text(pattern);
        }
        if let Some(more) = patterns.len().checked_sub(PATTERNS).filter(|more| *more > 0) {
            page.text(format!(" and {more} more"));
        }
        page.raw(if patterns.is_empty() { "<span>any host</span>" } else { "</span>" });
    });
    page.cell("Vouched by", |page| page.text(stored.authentication.word()));
    page.cell("Ends", |page| {
        page.raw("<span>in ");
        page.text(span(stored.expires_at.since(now)));
        page.raw("<span class=\"faint\">");
        page.moment(stored.expires_at);
        page.raw("</span></span>");
    });
    page.raw("</tr>\n");
}

fn resolver(page: &mut Markup, status: &Status) {
    let counters = &status.counters;
    page.section("resolver", "Name servers");
    page.raw("<p class=\"faint\">Each answer is proven here, from the trust anchor down; a name server is only asked.</p>\n");
    page.raw("</div>\n<div class=\"groups\">\n<div>\n<h3>Asked</h3>\n<dl>\n");
    if status.name_servers.is_empty() {
        page.raw("<dt>none</dt><dd></dd>\n");
    }
    for server in &status.name_servers {
        page.raw("<dt><code>");
        page.text(server);
        page.raw("</code></dt><dd></dd>\n");
    }
    page.count("Questions sent", counters.dns_questions.get());
    page.raw("</dl>\n</div>\n<div>\n<h3>What their answers were</h3>\n");
    let of = |class| counters.dns_answers.of(class).get();
    use crate::dns::Class::{Bogus, Insecure, Secure, Unreachable};
    page.bar(
        "secure, insecure, unreachable and bogus",
        &[("good", of(Secure)), ("other", of(Insecure)), ("wait", of(Unreachable)), ("bad", of(Bogus))],
    );
    page.counts(&counters.dns_answers);
    page.raw("</div>\n<div>\n<h3>Policies fetched over HTTPS</h3>\n");
    page.counts(&counters.fetches);
    page.raw("</div>\n</div>\n</section>\n");
}

fn connections(page: &mut Markup, counters: &Counters) {
    page.section("connections", "Connections");
    page.raw("</div>\n");
    page.table(
        "connections",
        &["Protocol", "Accepted", "Open", "Refused", "Evicted", "Slow request", "Slow reader", "Broken"],
    );
    for (protocol, accepted) in counters.connections.iter() {
        let ended = counters.connections_ended.of(protocol);
        page.row();
        page.cell("Protocol", |page| page.raw(protocol.word()));
        page.cell("Accepted", |page| page.amount(accepted.get()));
        page.cell("Open", |page| page.amount(counters.connections_open.of(protocol).get()));
        for (why, label) in [
            (Cutting::Refused, "Refused"),
            (Cutting::Evicted, "Evicted"),
            (Cutting::SlowRequest, "Slow request"),
            (Cutting::SlowReader, "Slow reader"),
            (Cutting::Broken, "Broken"),
        ] {
            page.cell(label, |page| page.amount(ended.of(why).get()));
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n</section>\n");
}

/// What else was counted, for whoever wants to know more and has no Prometheus.
fn counted(page: &mut Markup, counters: &Counters) {
    page.section("counted", "Since the start");
    page.raw("</div>\n<div class=\"groups\">\n");
    page.raw("<div>\n<h3>Answers from</h3>\n<dl>\n");
    for (source, histogram) in counters.latency.iter() {
        let (_, all) = histogram.cumulated();
        page.count(source.word(), all);
    }
    page.raw("</dl>\n</div>\n<div>\n<h3>Look-ups</h3>\n");
    page.counts(&counters.look_ups);
    page.raw("</div>\n<div>\n<h3>Renewals</h3>\n");
    page.counts(&counters.renewals);
    page.raw("</div>\n<div>\n<h3>Events</h3>\n");
    page.counts(&counters.events);
    page.raw("</div>\n<div>\n<h3>For TLS reports</h3>\n<dl>\n");
    page.count("sessions without room", counters.sessions_lost.get());
    page.raw("</dl>\n");
    page.raw("</div>\n<div>\n<h3>Trouble</h3>\n<dl>\n");
    page.count("store", counters.store_troubles.get());
    page.count("accepting connections", counters.accept_errors.get());
    page.count("panics", counters.panics.iter().map(|(_, counter)| counter.get()).sum());
    for (end, counter) in counters.reloads.iter() {
        page.raw("<dt>reload: ");
        page.text(end.word());
        page.raw("</dt>");
        page.figure(counter.get());
    }
    page.raw("</dl>\n</div>\n</div>\n</section>\n");
}

/// A duration of [`crate::serve::telemetry::counters::LATENCIES`], short.
fn duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_secs_f64() * 1_000.0)
    } else {
        format!("{} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::telemetry::counters::LATENCIES;

    #[test]
    fn durations_are_short() {
        let shown: Vec<String> = LATENCIES.into_iter().map(duration).collect();
        assert_eq!(
            shown.join(", "),
            "0.01 ms, 0.05 ms, 0.1 ms, 0.5 ms, 1 ms, 5 ms, 10 ms, 25 ms, 50 ms, 100 ms, 250 ms, 500 ms, 1 s, 2.5 s, 5 s"
        );
    }
}
