//! The daemon in series for Prometheus (text exposition format, version 0.0.4).
//!
//! Labels are words of closed lists and what the administrator wrote, so the number of series is known before anybody asks:
//! no domain, host or address that a stranger chose is in any of them. Every count is there from the beginning, be it zero: an
//! alert that waits for a series that never comes is a silent one.

use crate::cache::InForce;
use crate::exposition::{Exposition, Series, SeriesKind};
use crate::policy::Dialect;
use crate::reporting::outbox::State;
use crate::serve::telemetry::counters::{By, Closed, Counter, Gauge, Histogram};
use crate::serve::telemetry::fleet_view::FleetView;
use crate::serve::telemetry::status::Status;
use crate::time::UnixTime;

/// The media type of the exposition.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All series. Their names begin with `smtp_sts_serve_`, but for the one that every process has.
#[must_use]
pub fn exposition(status: &Status) -> String {
    let mut page = Exposition::default();
    house(&mut page, status);
    answers(&mut page, status);
    sockets(&mut page, status);
    look_ups(&mut page, status);
    fleet(&mut page, status);
    policies(&mut page, status);
    reports(&mut page, status);
    page.finish()
}

fn house(page: &mut Exposition, status: &Status) {
    use SeriesKind::{Counter, Gauge};
    let counters = &status.counters;
    let mut family = page.family("smtp_sts_serve_build_info", Gauge, "1 for the version of the program.");
    family.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    let mut family = page.family("process_start_time_seconds", Gauge, "When the process began.");
    family.sample(&[], status.started_at.0);
    let mut family = page.family(
        "smtp_sts_serve_config_loaded_timestamp_seconds",
        Gauge,
        "When the configuration in use was read.",
    );
    family.sample(&[], status.loaded_at.0);
    let help = "1 if an older configuration than that of the file is in force, because that cannot be used.";
    page.family("smtp_sts_serve_config_is_older", Gauge, help).sample(&[], u64::from(status.older.is_some()));
    let help =
        "1 if the daemon can do its work: it listens, has name servers, and lookup worker and store answer.";
    page.family("smtp_sts_serve_ready", Gauge, help).sample(&[], u64::from(status.readiness().is_ok()));
    page.family("smtp_sts_serve_reloads_total", Counter, "Reloads, by what came of them.")
        .counts(&counters.reloads);
    page.family("smtp_sts_serve_panics_total", Counter, "Panics that were caught, by thread.")
        .counts(&counters.panics);
    let help = "What the store could not do: the file, its disk, or its thread.";
    page.family("smtp_sts_serve_store_troubles_total", Counter, help)
        .sample(&[], counters.store_troubles.get());
}

fn answers(page: &mut Exposition, status: &Status) {
    use SeriesKind::{Counter, Gauge, Histogram};
    let counters = &status.counters;
    page.family("smtp_sts_serve_answers_total", Counter, "Answers to mail servers, by protocol and verdict.")
        .counts_twice(&counters.answers);
    page.family("smtp_sts_serve_reasons_total", Counter, "The same answers, by their reason.")
        .counts(&counters.reasons);
    let help = "From the question's last octet to the answer, by where the answer came from.";
    page.family("smtp_sts_serve_answer_seconds", Histogram, help).durations(&counters.latency);
    page.family("smtp_sts_serve_warm_answers", Gauge, "Answers at hand in memory.")
        .sample(&[], status.cached_answers);
    page.family(
        "smtp_sts_serve_events_total",
        Counter,
        "Events that Exim sent about its deliveries, by what became of it.",
    )
    .counts(&counters.events);
    page.family(
        "smtp_sts_serve_tlsrpt_datagrams_total",
        Counter,
        "Datagrams that Postfix (libtlsrpt) sent about its sessions, by what became of it.",
    )
    .counts(&counters.datagrams);
    let help = "Sessions and faults that had no room in the counts for TLS reports.";
    page.family("smtp_sts_serve_tlsrpt_sessions_lost_total", Counter, help)
        .sample(&[], counters.sessions_lost.get());
    page.family("smtp_sts_serve_pages_total", Counter, "Pages that were read over HTTP.")
        .counts(&counters.pages);
    let help = "Requests over HTTP that got no page.";
    page.family("smtp_sts_serve_page_refusals_total", Counter, help).counts(&counters.page_refusals);
}

fn sockets(page: &mut Exposition, status: &Status) {
    use SeriesKind::{Counter, Gauge};
    let counters = &status.counters;
    page.family("smtp_sts_serve_connections_total", Counter, "Connections that were accepted.")
        .counts(&counters.connections);
    page.family("smtp_sts_serve_connections_open", Gauge, "Connections that are open.")
        .gauges(&counters.connections_open);
    let help = "Connections that the daemon ended before the peer did.";
    page.family("smtp_sts_serve_connections_ended_total", Counter, help)
        .counts_twice(&counters.connections_ended);
    let help = "Connections that could not be accepted, such as for want of file descriptors.";
    page.family("smtp_sts_serve_accept_errors_total", Counter, help)
        .sample(&[], counters.accept_errors.get());
}

fn look_ups(page: &mut Exposition, status: &Status) {
    use SeriesKind::{Counter, Gauge};
    let counters = &status.counters;
    page.family("smtp_sts_serve_lookups_total", Counter, "Look-ups, renewals included, by how they ended.")
        .counts(&counters.look_ups);
    page.family("smtp_sts_serve_lookups_under_way", Gauge, "Look-ups at work.")
        .sample(&[], counters.look_ups_under_way.get());
    page.family(
        "smtp_sts_serve_lookups_waiting",
        Gauge,
        "Look-ups that wait for a free place among those under way.",
    )
    .sample(&[], counters.look_ups_waiting.get());
    let help = "Look-ups for which there was no room, by what became of them.";
    page.family("smtp_sts_serve_lookup_overload_total", Counter, help).counts(&counters.overloads);
    page.family("smtp_sts_serve_dns_questions_total", Counter, "Questions that went to name servers.")
        .sample(&[], counters.dns_questions.get());
    let help = "What came of the answers that look-ups asked for, by the chain of trust.";
    page.family("smtp_sts_serve_dns_answers_total", Counter, help).counts(&counters.dns_answers);
    page.family("smtp_sts_serve_fetches_total", Counter, "Policies asked for over HTTPS, by how that ended.")
        .counts(&counters.fetches);
    let help = "Policies that were fetched again before they ended, by what came of it.";
    page.family("smtp_sts_serve_renewals_total", Counter, help).counts(&counters.renewals);
    let help = "Policies in force that should have been fetched again more than an hour ago, as of the last walk through all.";
    page.family("smtp_sts_serve_renewals_overdue", Gauge, help).sample(&[], counters.renewals_overdue.get());
}

/// Where there is a fleet.
fn fleet(page: &mut Exposition, status: &Status) {
    use SeriesKind::{Counter, Gauge};
    let counters = &status.counters;
    if counters.fleet_joined.get() == UnixTime(0) {
        return;
    }
    let help = "Since when the fleet's database is connected, seconds since 1970; 0 while it is not.";
    page.family("smtp_sts_serve_fleet_connected", Gauge, help).sample(&[], counters.fleet_connected.get().0);
    let help = "Policies of this host that the fleet has not heard of.";
    page.family("smtp_sts_serve_fleet_outbox", Gauge, help).sample(&[], counters.fleet_outbox.get().0);
    let help = "What was said between this host and its fleet, by what became of it.";
    page.family("smtp_sts_serve_fleet_total", Counter, help).counts(&counters.fleet);
    let pinned = counters.fleet_board.read();
    // Nothing of it is told while the database is away: an old number would look like a good one.
    if let Some(view) = pinned.view.filter(|_| counters.fleet_connected.get() != UnixTime(0)) {
        seen_of_the_fleet(page, &view);
    }
    // That needs no database.
    let help = "Overrides by decree of the fleet's operator that are in force here.";
    let in_force = pinned.overrides.iter().filter(|one| status.now < one.ends).count();
    page.family("smtp_sts_serve_fleet_overrides", Gauge, help).sample(&[], in_force);
}

/// What there is to see there.
fn seen_of_the_fleet(page: &mut Exposition, view: &FleetView) {
    use SeriesKind::{Counter, Gauge};
    let help = "1 for the store of the fleet and the version of its schema.";
    let schema = view.schema.to_string();
    page.family("smtp_sts_serve_fleet_store_info", Gauge, help)
        .sample(&[("store", view.store.as_str()), ("schema", schema.as_str())], 1);
    let help = "Since when the oldest policy waits that the fleet has not heard of, seconds since 1970; 0: none does.";
    page.family("smtp_sts_serve_fleet_outbox_oldest_timestamp_seconds", Gauge, help)
        .sample(&[], view.oldest.map_or(0, |at| at.0));
    let help = "Changes of the fleet's memory that this host has not read.";
    page.family("smtp_sts_serve_fleet_behind", Gauge, help).sample(&[], view.behind());
    let help = "Seconds by which the clock of this host is ahead of the fleet's database.";
    page.family("smtp_sts_serve_fleet_clock_offset_seconds", Gauge, help).sample(&[], view.clock_offset);
    let (unseen, seen) = view.hosts_by_sight();
    let help = "Hosts of the fleet, by whether they have shown themselves within five minutes.";
    let mut family = page.family("smtp_sts_serve_fleet_hosts", Gauge, help);
    family.sample(&[("state", "seen")], seen);
    family.sample(&[("state", "unseen")], unseen);
    let help = "Groups of hosts that share nothing with those of another one, since they trust others; one is right.";
    page.family("smtp_sts_serve_fleet_groups", Gauge, help).sample(&[], view.groups());
    let help = "Policies that the fleet knows, about.";
    page.family("smtp_sts_serve_fleet_policies", Gauge, help).sample(&[], view.policies);
    let help = "Policies that the hosts of the fleet should have fetched again more than an hour ago.";
    page.family("smtp_sts_serve_fleet_overdue", Gauge, help).sample(&[], view.overdue());
    let help = "Policies that a host fetched within the same minute as another one, in the whole fleet.";
    page.family("smtp_sts_serve_fleet_fetched_twice_total", Counter, help).sample(&[], view.fetched_twice);
    if let Some(reports) = &view.reports {
        let help = "TLS reports about the day that ended last, by what became of them in the fleet; 10,000 are counted.";
        let mut family = page.family("smtp_sts_serve_fleet_reports", Gauge, help);
        reports.by_state().iter().for_each(|(state, number)| family.sample(&[("state", state)], *number));
        let help = "Hosts that have not handed in what they counted on the day that ended last.";
        page.family("smtp_sts_serve_fleet_reports_missing", Gauge, help).sample(&[], reports.missing.len());
    }
    let confirmed = view.weakened.iter().filter(|one| one.is_confirmed()).count();
    let help = "Policies that were replaced by such as protect less within a day, by whether two hosts have fetched those.";
    let mut family = page.family("smtp_sts_serve_fleet_weakened", Gauge, help);
    family.sample(&[("confirmed", "yes")], confirmed);
    family.sample(&[("confirmed", "no")], view.weakened.len().saturating_sub(confirmed));
}

/// Nothing of it is told while the store does not tell: an old number would look like a good one.
fn policies(page: &mut Exposition, status: &Status) {
    use SeriesKind::Gauge;
    let Ok(outlook) = &status.outlook else { return };
    let help = "Policies in force, by mechanism and by whether they refuse mail.";
    let mut family = page.family("smtp_sts_serve_policies_in_force", Gauge, help);
    for dialect in Dialect::ALL {
        for is_enforced in [true, false] {
            let is_it = |kind: &&InForce| (kind.dialect, kind.is_enforced) == (dialect, is_enforced);
            let number = outlook.in_force.iter().find(is_it).map_or(0, |kind| kind.number);
            let enforced = if is_enforced { "yes" } else { "no" };
            family.sample(&[("mechanism", dialect.word()), ("enforced", enforced)], number);
        }
    }
    let help = "When the policy in force ends that ends first, unless it is fetched again.";
    let mut family = page.family("smtp_sts_serve_next_policy_expiry_timestamp_seconds", Gauge, help);
    if let Some(end) = outlook.next_end() {
        family.sample(&[], end.0);
    }
    page.family(
        "smtp_sts_serve_policies_stored",
        Gauge,
        "Policies in the cache file, the ended ones included.",
    )
    .sample(&[], outlook.census.here);
}

/// Nothing of it is told while the store does not tell, either.
fn reports(page: &mut Exposition, status: &Status) {
    use SeriesKind::Gauge;
    let Some(reports) = &status.reports else { return };
    let help = "1 if the configuration has TLS reports sent.";
    page.family("smtp_sts_serve_reports_sending", Gauge, help).sample(&[], u64::from(reports.is_sending));
    let Ok(glance) = &reports.glance else { return };
    let help = "TLS reports about the day that ended last, by how far they are.";
    let mut family = page.family("smtp_sts_serve_reports", Gauge, help);
    for state in State::ALL {
        family.sample(&[("state", state.word())], glance.of(state));
    }
    let help = "When reports were last looked after (smtp-sts-verify reports send); 0: never.";
    let mut family = page.family("smtp_sts_serve_reports_last_run_timestamp_seconds", Gauge, help);
    family.sample(&[], glance.last_run.map_or(0, |at| at.0));
}

impl Series<'_> {
    fn counts<K: Closed>(&mut self, counters: &By<K, Counter>) {
        for (key, counter) in counters.iter() {
            self.sample(&[(K::LABEL, key.word())], counter.get());
        }
    }

    fn gauges<K: Closed>(&mut self, gauges: &By<K, Gauge>) {
        for (key, gauge) in gauges.iter() {
            self.sample(&[(K::LABEL, key.word())], gauge.get());
        }
    }

    fn counts_twice<A: Closed, B: Closed>(&mut self, counters: &By<A, By<B, Counter>>) {
        for (a, inner) in counters.iter() {
            for (b, counter) in inner.iter() {
                self.sample(&[(A::LABEL, a.word()), (B::LABEL, b.word())], counter.get());
            }
        }
    }

    fn durations<K: Closed>(&mut self, histograms: &By<K, Histogram>) {
        for (key, histogram) in histograms.iter() {
            let label = (K::LABEL, key.word());
            let (classes, all) = histogram.cumulated();
            for (end, number) in classes {
                let end = end.as_secs_f64().to_string();
                self.suffixed("_bucket", &[label, ("le", &end)], number);
            }
            self.suffixed("_bucket", &[label, ("le", "+Inf")], all);
            self.suffixed("_sum", &[label], histogram.sum().as_secs_f64());
            self.suffixed("_count", &[label], all);
        }
    }
}
