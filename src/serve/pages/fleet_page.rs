//! What the daemon's page says of the fleet. Pure.

use super::markup::{Markup, grouped};
use crate::serve::telemetry::fleet::FleetOutcome;
use crate::serve::telemetry::fleet_view::{
    FleetView, HostSeen, OverrideSeen, ReportsOfHost, ReportsSeen, WeakenedSeen,
};
use crate::serve::telemetry::status::Status;
use crate::text::excerpt;
use crate::time::{UnixTime, span};
use std::cmp::Reverse;

/// Characters of a text of the database's that are shown.
const SHOWN: usize = 80;

/// Hosts, weakened policies, overrides and senders of reports that are shown, each; what is worth a look comes first.
const ROWS: usize = 50;

/// A section, if this host has a fleet.
pub(super) fn fleet(page: &mut Markup, status: &Status) {
    let counters = &status.counters;
    if counters.fleet_joined.get() == UnixTime(0) {
        return;
    }
    let (pinned, connected) = (counters.fleet_board.read(), counters.fleet_connected.get());
    page.section("fleet", "The fleet");
    if connected == UnixTime(0) {
        page.raw("<p class=\"state bad\"><strong>The fleet's database is not connected</strong>; this host answers as one without a fleet");
        if let Some((at, why)) = &pinned.trouble {
            page.raw(": ");
            page.text(excerpt(why, 300));
            page.raw(" (");
            page.ago(*at, status.now);
            page.raw(")");
        }
        page.raw(".</p>\n");
    }
    match pinned.view.as_deref() {
        None => {
            page.raw("<p class=\"faint\">Nothing of it was seen yet. No answer waits for it.</p>\n</div>\n")
        }
        Some(view) => seen(page, status, view, connected),
    }
    let in_force = pinned.overrides.iter().filter(|one| status.now < one.ends).cloned();
    overrides(page, &in_force.collect::<Vec<_>>(), status.now);
    if let Some(view) = pinned.view.as_deref() {
        if let Some(of_a_day) = &view.reports {
            reports(page, of_a_day);
        }
        weakened(page, &view.weakened, status.now);
    }
    page.raw("</section>\n");
}

fn seen(page: &mut Markup, status: &Status, view: &FleetView, connected: UnixTime) {
    page.raw("<p class=\"faint\">As ");
    page.text(excerpt(&view.role, SHOWN));
    if connected != UnixTime(0) {
        page.raw(" connected to ");
        page.text(excerpt(&view.server, SHOWN));
        page.raw(" since ");
        page.moment(connected);
    }
    page.raw(", seen ");
    page.ago(view.at.unwrap_or(status.now), status.now);
    page.raw(": store <code>");
    page.text(excerpt(&view.store, SHOWN));
    page.raw("</code>, schema ");
    page.text(view.schema);
    page.raw(".</p>\n");
    if let Some((at, why)) = status.counters.fleet_board.read().trouble.filter(|_| connected != UnixTime(0)) {
        page.raw("<p class=\"faint\">The last trouble, ");
        page.ago(at, status.now);
        page.raw(": ");
        page.text(excerpt(&why, 300));
        page.raw("</p>\n");
    }
    if view.groups() > 1 {
        page.raw("<p class=\"state bad\"><strong>The hosts are in ");
        page.text(view.groups());
        page.raw(" groups that share nothing</strong>: they learn under other trust anchors, authorities or laboratory settings. Configure them alike.</p>\n");
    }
    page.raw("</div>\n<div class=\"groups\">\n");
    numbers(page, status, view);
    page.raw("</div>\n");
    hosts(page, view, status.now);
}

fn numbers(page: &mut Markup, status: &Status, view: &FleetView) {
    let counters = &status.counters;
    page.raw("<div>\n<h3>This host</h3>\n<dl>\n");
    page.count("not offered yet", counters.fleet_outbox.get().0);
    page.raw("<dt>the oldest of it</dt><dd>");
    page.text(view.oldest.map_or_else(|| "-".to_owned(), |at| span(status.now.since(at))));
    page.raw("</dd>\n");
    page.count("changes not read", view.behind());
    page.raw("<dt>clock against the store</dt><dd>");
    page.text(format!("{:+} s", view.clock_offset));
    page.raw("</dd>\n</dl>\n</div>\n<div>\n<h3>Policies, about</h3>\n<dl>\n");
    page.count("all", view.policies);
    for (word, number) in view.by_demand.iter().chain(&view.by_authentication) {
        page.count(word, *number);
    }
    page.raw("</dl>\n</div>\n<div>\n<h3>All hosts</h3>\n<dl>\n");
    page.count("not fetched again in time", view.overdue());
    page.count("fetched twice in a minute", view.fetched_twice);
    page.raw("</dl>\n</div>\n<div>\n<h3>Since the start</h3>\n<dl>\n");
    for (label, outcome) in [
        ("offered and stored", FleetOutcome::Stored),
        ("offered too late or too weak", FleetOutcome::Late),
        ("heard, and binding", FleetOutcome::Bound),
        ("heard of one, not confirmed", FleetOutcome::Provisional),
        ("heard, and weaker than here", FleetOutcome::Weakens),
        ("refused", FleetOutcome::Refused),
    ] {
        page.count(label, counters.fleet.of(outcome).get());
    }
    page.raw("</dl>\n</div>\n");
}

fn hosts(page: &mut Markup, view: &FleetView, now: UnixTime) {
    let mut hosts: Vec<&HostSeen> = view.hosts.iter().collect();
    let worth_a_look =
        |host: &HostSeen| (host.is_unseen(), host.is_off(), host.overdue > 0, host.trouble.is_some());
    hosts.sort_by_key(|host| (Reverse(worth_a_look(host)), host.name.clone()));
    page.table("fleet", &["Host", "Seen", "Clock", "Not offered", "Not read", "Overdue", "Version", "Group"]);
    for host in hosts.iter().take(ROWS) {
        page.row();
        page.cell("Host", |page| {
            page.raw("<strong>");
            page.text(excerpt(&host.name, SHOWN));
            page.raw("</strong>");
            if let Some((at, why)) = &host.trouble {
                page.note(&format!("{} ago: {}", span(now.since(*at)), excerpt(why, SHOWN * 2)));
            }
        });
        page.cell("Seen", |page| {
            if host.is_unseen() {
                page.pill("bad", "unseen");
            }
            page.text(format!(" {} ago", span(host.unseen_for)));
        });
        page.cell("Clock", |page| {
            if host.is_off() {
                page.pill("bad", "off");
            }
            page.text(format!(" {:+} s", host.clock_offset));
        });
        page.cell("Not offered", |page| {
            page.amount(host.outbox);
            if let Some(since) = host.outbox_since {
                page.note(&format!("the oldest for {}", span(now.since(since))));
            }
        });
        page.cell("Not read", |page| page.amount(view.change.saturating_sub(host.applied_change)));
        page.cell("Overdue", |page| page.amount(host.overdue));
        page.cell("Version", |page| page.text(excerpt(&host.version, 40)));
        page.cell("Group", |page| {
            page.raw("<code>");
            page.text(host.circumstances.chars().take(8).collect::<String>());
            page.raw("</code>");
        });
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    more(page, hosts.len());
}

/// Who sends the reports about the day that ended last, and who is waited for.
fn reports(page: &mut Markup, reports: &ReportsSeen) {
    page.raw("<h3>TLS reports about ");
    page.text(excerpt(&reports.day, SHOWN));
    page.raw("</h3>\n<p class=\"faint\">Not claimed yet: ");
    page.number(reports.unclaimed);
    page.raw(if reports.is_more { "; there are more than are counted here. " } else { ". " });
    if reports.missing.is_empty() {
        page.raw("All hosts that were there have handed in what they counted.");
    } else {
        page.raw("Not handed in yet: ");
        let names: Vec<String> = reports.missing.iter().take(ROWS).map(|name| excerpt(name, SHOWN)).collect();
        page.text(names.join(", "));
        if let Some(more) = beyond(reports.missing.len()) {
            page.text(format!(" and {more} more"));
        }
        page.raw(".");
    }
    page.raw("</p>\n");
    if reports.by_host.is_empty() {
        return;
    }
    page.table("fleet", &["Sent by", "Sent", "Open", "Given up", "Not asked for"]);
    let mut by_host: Vec<&ReportsOfHost> = reports.by_host.iter().collect();
    by_host.sort_by_key(|one| (Reverse((one.open, one.gave_up)), one.host.clone()));
    for one in by_host.into_iter().take(ROWS) {
        page.row();
        page.cell("Sent by", |page| {
            page.raw("<strong>");
            page.text(excerpt(&one.host, SHOWN));
            page.raw("</strong>");
        });
        page.cell("Sent", |page| page.amount(one.sent));
        page.cell("Open", |page| page.amount(one.open));
        page.cell("Given up", |page| page.amount(one.gave_up));
        page.cell("Not asked for", |page| page.amount(one.unwanted));
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    more(page, reports.by_host.len());
}

fn overrides(page: &mut Markup, overrides: &[OverrideSeen], now: UnixTime) {
    if overrides.is_empty() {
        return;
    }
    page.table("fleet", &["Decree", "Override for", "Says", "Ends", "Reason"]);
    for one in overrides.iter().take(ROWS) {
        page.row();
        page.cell("Decree", |page| page.text(one.number));
        page.cell("Override for", |page| {
            page.raw("<strong>");
            page.text(&one.scope);
            page.raw("</strong>");
        });
        page.cell("Says", |page| page.pill("wait", one.effect));
        page.cell("Ends", |page| page.text(format!("in {}", span(one.ends.since(now)))));
        page.cell("Reason", |page| page.text(excerpt(&one.reason, 200)));
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    more(page, overrides.len());
}

fn weakened(page: &mut Markup, weakened: &[WeakenedSeen], now: UnixTime) {
    if weakened.is_empty() {
        return;
    }
    page.table("fleet", &["Weakened", "Domain", "From", "To", "First said by", "Fetched by"]);
    for one in weakened.iter().take(ROWS) {
        page.row();
        page.cell("Weakened", |page| page.ago(one.at, now));
        page.cell("Domain", |page| {
            page.raw("<strong>");
            page.text(excerpt(&one.domain, 255));
            page.raw("</strong>");
        });
        page.cell("From", |page| page.text(excerpt(&one.before, SHOWN)));
        page.cell("To", |page| page.text(excerpt(&one.after, SHOWN)));
        page.cell("First said by", |page| page.text(excerpt(&one.host, SHOWN)));
        page.cell("Fetched by", |page| {
            if one.is_confirmed() {
                page.pill("plain", "confirmed");
            } else {
                page.pill("wait", "one host");
            }
            page.note(&format!("roles: {}", grouped(one.roles)));
        });
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    more(page, weakened.len());
}

/// How many there are beyond those that are shown, if there are any.
fn beyond(all: usize) -> Option<usize> {
    all.checked_sub(ROWS).filter(|more| *more > 0)
}

fn more(page: &mut Markup, all: usize) {
    if let Some(more) = beyond(all) {
        page.raw("<p class=\"faint\">");
        page.text(more);
        page.raw(" more are not shown.</p>\n");
    }
}
