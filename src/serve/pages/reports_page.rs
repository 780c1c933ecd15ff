//! What the daemon's page says of the TLS reports that leave. Pure.

use super::markup::{Markup, grouped};
use crate::reporting::outbox::{Glance, OutboxEntry, State};
use crate::reports::tally::Day;
use crate::serve::telemetry::status::Status;
use crate::time::{UnixTime, span};

/// A section, if reports are sent, or were.
pub(crate) fn reports(page: &mut Markup, status: &Status) {
    let Some(reports) = &status.reports else { return };
    let glance = match &reports.glance {
        Ok(glance) if !reports.is_sending && glance.last_run.is_none() => return,
        Ok(glance) => glance,
        Err(why) => {
            page.section("reports", "TLS reports that leave");
            page.raw("<p class=\"state bad\">The outbox cannot be read: ");
            page.text(why);
            page.raw("</p>\n</div>\n</section>\n");
            return;
        }
    };
    page.section("reports", "TLS reports that leave");
    page.raw("<p class=\"faint\">");
    if !reports.is_sending {
        page.raw("The configuration has none sent any more. ");
    }
    match glance.last_run {
        None => page.raw("Nobody has looked after them yet: is smtp-sts-verify-reports.timer enabled?"),
        Some(at) => {
            page.raw("Looked after ");
            page.ago(at, status.now);
            page.raw(". <code>smtp-sts-verify reports outbox</code> tells of each.");
        }
    }
    page.raw("</p>\n</div>\n<div class=\"groups\">\n<div>\n<h3>About ");
    page.text(Day(glance.day));
    page.raw("</h3>\n<dl>\n");
    for (label, number) in numbers(glance) {
        page.count(label, number);
    }
    page.raw("</dl>\n</div>\n</div>\n");
    if !glance.failed.is_empty() {
        page.table("reports", &["Day", "Domain", "State", "Last words"]);
        for entry in &glance.failed {
            failed(page, entry, status.now);
        }
        page.raw("</tbody>\n</table>\n");
    }
    page.raw("</section>\n");
}

/// What people want to hear, in their words.
fn numbers(glance: &Glance) -> [(&'static str, u64); 4] {
    let open = State::ALL.into_iter().filter(|state| state.is_open()).map(|state| glance.of(state)).sum();
    [
        ("sent", glance.of(State::Sent)),
        ("due", open),
        ("given up", glance.of(State::GaveUp)),
        ("not asked for", glance.of(State::Unwanted)),
    ]
}

fn failed(page: &mut Markup, entry: &OutboxEntry, now: UnixTime) {
    page.row();
    page.cell("Day", |page| page.text(entry.day));
    page.cell("Domain", |page| {
        page.raw("<strong>");
        page.text(entry.domain.as_str());
        page.raw("</strong>");
    });
    page.cell("State", |page| {
        page.pill(if entry.state == State::GaveUp { "bad" } else { "wait" }, entry.state.word());
        if entry.state.is_open() {
            page.note(&format!("{} tries, again in {}", grouped(entry.tries), span(entry.next.since(now))));
        }
    });
    page.cell("Last words", |page| page.text(&entry.words));
    page.raw("</tr>\n");
}
