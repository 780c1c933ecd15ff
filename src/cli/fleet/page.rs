//! What `fleet status` says to people, and to programs.

use crate::fleet::{DayOfReports, Host, Kinds, StoreState, Weakened};
use crate::overrides::Decree;
use crate::text::{Printable, excerpt};
use crate::time::{UnixTime, span};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What there is to be told.
pub(super) struct Page {
    pub(super) standing: StoreState,
    pub(super) server: String,
    pub(super) hosts: Vec<Host>,
    pub(super) policies: u64,
    pub(super) history: u64,
    pub(super) kinds: Kinds,
    pub(super) fetched_twice: u64,
    pub(super) weakened: Vec<Weakened>,
    pub(super) reports: DayOfReports,
    pub(super) overrides: Vec<Decree>,
}

impl Page {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let host = |host: &Host| {
            json!({
                "name": host.name, "version": host.version, "circumstances": host.fingerprint,
                "unseen_for": host.unseen_for, "clock_offset": host.clock_offset, "outbox": host.outbox,
                "outbox_since": host.outbox_since.map(|at| at.0), "overdue": host.overdue,
                "trouble": host.trouble.as_ref().map(|(at, why)| json!({ "at": at.0, "why": why })),
                "behind": self.standing.change.saturating_sub(host.applied_change),
            })
        };
        let decree = |decree: &Decree| {
            json!({
                "decree": decree.number, "scope": decree.scope, "effect": decree.effect.word(),
                "ends_at": decree.ends.0, "reason": decree.reason,
            })
        };
        let weakened = |one: &Weakened| {
            json!({
                "domain": one.domain, "host": one.host, "before": one.before, "after": one.after, "at": one.at.0,
                "roles": one.roles,
            })
        };
        let claimed = |(host, state, number): &(String, String, u64)| json!({ "host": host, "state": state, "reports": number });
        let kinds = &self.kinds;
        let authentications =
            kinds.by_authentication.iter().map(|(one, number)| (one.word().to_owned(), json!(number)));
        let demands = kinds.by_demand.iter().map(|(word, number)| ((*word).to_owned(), json!(number)));
        let reports = &self.reports;
        json!({
            "store": self.standing.id, "schema": self.standing.version, "server": self.server,
            "policies": self.policies, "history": self.history,
            "by_authentication": authentications.collect::<serde_json::Map<_, _>>(),
            "by_mode": demands.collect::<serde_json::Map<_, _>>(),
            "fetched_twice": self.fetched_twice,
            "hosts": self.hosts.iter().map(host).collect::<Vec<_>>(),
            "weakened": self.weakened.iter().map(weakened).collect::<Vec<_>>(),
            "reports": reports.is_any.then(|| json!({
                "day": reports.day.to_string(), "missing": reports.missing, "unclaimed": reports.unclaimed,
                "claimed": reports.claimed.iter().map(claimed).collect::<Vec<_>>(), "more": reports.is_more,
            })),
            "overrides": self.overrides.iter().map(decree).collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(super) fn text(&self, now: UnixTime) -> String {
        let mut text = format!(
            "store {}, schema {}, at {}, about {} policies\n",
            Printable(&self.standing.id),
            self.standing.version,
            excerpt(&self.server, 80),
            self.policies
        );
        text.push_str(&row(["host", "seen", "clock", "outbox", "oldest", "behind", "overdue", "version"]));
        for host in &self.hosts {
            let seen = format!("{} s ago", host.unseen_for);
            let behind = self.standing.change.saturating_sub(host.applied_change).to_string();
            let (clock, outbox) = (format!("{:+} s", host.clock_offset), host.outbox.to_string());
            let oldest = host.outbox_since.map_or_else(|| "-".to_owned(), |at| span(now.since(at)));
            let (name, version, overdue) =
                (excerpt(&host.name, 63), excerpt(&host.version, 40), host.overdue.to_string());
            text.push_str(&row([&name, &seen, &clock, &outbox, &oldest, &behind, &overdue, &version]));
        }
        for host in &self.hosts {
            if let Some((at, why)) = &host.trouble {
                let (name, why) = (excerpt(&host.name, 63), excerpt(why, 300));
                text.push_str(&format!("the last trouble of {name}, {} ago: {why}\n", span(now.since(*at))));
            }
        }
        self.groups(&mut text);
        if self.fetched_twice > 0 {
            text.push_str(&format!("fetched by two hosts within a minute so far: {}\n", self.fetched_twice));
        }
        for one in &self.weakened {
            text.push_str(&format!(
                "weaker within a day: {}, {} after {}, by {}, fetched by {} so far\n",
                excerpt(&one.domain, 255),
                excerpt(&one.after, 40),
                excerpt(&one.before, 40),
                excerpt(&one.host, 63),
                if one.roles == 1 { "one role".to_owned() } else { format!("{} roles", one.roles) }
            ));
        }
        if self.reports.is_any {
            self.reports(&mut text);
        }
        for decree in &self.overrides {
            text.push_str(&format!(
                "the override for {} ({}) counts until {}: {}\n",
                decree.of(),
                decree.effect.word(),
                decree.ends,
                decree.why()
            ));
        }
        text
    }

    fn groups(&self, text: &mut String) {
        let groups: BTreeSet<&str> = self.hosts.iter().map(|host| host.fingerprint.as_str()).collect();
        if groups.len() > 1 {
            text.push_str(&format!(
                "note: the hosts learn under {} different trust anchors, authorities or laboratory settings, and share nothing across them; \
                 configure them alike\n",
                groups.len()
            ));
        }
    }

    fn reports(&self, text: &mut String) {
        let reports = &self.reports;
        text.push_str(&format!("TLS reports about {}:", reports.day));
        for (host, state, number) in &reports.claimed {
            text.push_str(&format!(" {number} {} by {},", excerpt(state, 20), excerpt(host, 63)));
        }
        text.push_str(&format!(" {} not claimed\n", reports.unclaimed));
        if reports.is_more {
            text.push_str("note: there are more reports than are counted here\n");
        }
        if !reports.missing.is_empty() {
            let names: Vec<String> = reports.missing.iter().map(|name| excerpt(name, 63)).collect();
            text.push_str(&format!("not handed in yet: what was counted by {}\n", names.join(", ")));
        }
    }
}

fn row([host, seen, clock, outbox, oldest, behind, overdue, version]: [&str; 8]) -> String {
    format!("{host:<24} {seen:>12} {clock:>8} {outbox:>7} {oldest:>20} {behind:>7} {overdue:>7}  {version}\n")
}
