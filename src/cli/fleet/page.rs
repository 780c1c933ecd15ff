//! What `fleet status` says to people, and to programs.

use crate::fleet::{DayOfReports, Host, Kinds, StoreState, Weakened};
use crate::overrides::Decree;
use crate::policy::Authentication;
use crate::text::{Printable, excerpt};
use crate::time::{UnixTime, span};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Something that the database tells; or why it does not, in words.
type Known<T> = Result<T, String>;

/// What there is to be told.
pub(super) struct Page {
    pub(super) standing: StoreState,
    pub(super) server: Known<String>,
    pub(super) hosts: Known<Vec<Host>>,
    /// Rows of history, and policies.
    pub(super) estimates: Known<(u64, u64)>,
    pub(super) kinds: Known<Kinds>,
    pub(super) fetched_twice: Known<u64>,
    pub(super) weakened: Known<Vec<Weakened>>,
    pub(super) reports: Known<DayOfReports>,
    pub(super) overrides: Known<Vec<Decree>>,
}

impl Page {
    /// What the database has not told, and why.
    pub(super) fn unknown(&self) -> Vec<(&'static str, &str)> {
        fn why<T>(known: &Known<T>) -> Option<&str> {
            known.as_ref().err().map(String::as_str)
        }
        [
            ("which server it is", why(&self.server)),
            ("the hosts", why(&self.hosts)),
            ("how many policies there are", why(&self.estimates)),
            ("how many policies there are of each kind", why(&self.kinds)),
            ("what two hosts fetched within a minute", why(&self.fetched_twice)),
            ("what became weaker within a day", why(&self.weakened)),
            ("the TLS reports about the day before", why(&self.reports)),
            ("the overrides by decree", why(&self.overrides)),
        ]
        .into_iter()
        .filter_map(|(what, why)| Some((what, why?)))
        .collect()
    }

    /// For programs: what is not known is null, and `unknown` says why.
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
        fn list<T>(known: &Known<Vec<T>>, one: impl Fn(&T) -> Value) -> Option<Vec<Value>> {
            known.as_ref().ok().map(|all| all.iter().map(one).collect())
        }
        let (estimates, kinds) = (self.estimates.as_ref().ok(), self.kinds.as_ref().ok());
        let authentications = kinds.map(|kinds| {
            let one = |(one, number): &(Authentication, u64)| (one.word().to_owned(), json!(number));
            kinds.by_authentication.iter().map(one).collect::<Map<_, _>>()
        });
        let demands = kinds.map(|kinds| {
            let one = |(word, number): &(&str, u64)| ((*word).to_owned(), json!(number));
            kinds.by_demand.iter().map(one).collect::<Map<_, _>>()
        });
        let reports = self.reports.as_ref().ok().filter(|reports| reports.is_any).map(|reports| {
            json!({
                "day": reports.day.to_string(), "missing": reports.missing, "unclaimed": reports.unclaimed,
                "claimed": reports.claimed.iter().map(claimed).collect::<Vec<_>>(), "more": reports.is_more,
            })
        });
        let unknown = self.unknown().into_iter().map(|(what, why)| json!({ "what": what, "why": why }));
        json!({
            "store": self.standing.id, "schema": self.standing.version, "server": self.server.as_ref().ok(),
            "policies": estimates.map(|(_, policies)| policies), "history": estimates.map(|(history, _)| history),
            "by_authentication": authentications,
            "by_mode": demands,
            "fetched_twice": self.fetched_twice.as_ref().ok(),
            "hosts": list(&self.hosts, host),
            "weakened": list(&self.weakened, weakened),
            "reports": reports,
            "overrides": list(&self.overrides, decree),
            "unknown": unknown.collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(super) fn text(&self, now: UnixTime) -> String {
        let mut text = format!("store {}, schema {}", Printable(&self.standing.id), self.standing.version);
        if let Ok(server) = &self.server {
            text.push_str(&format!(", at {}", excerpt(server, 80)));
        }
        if let Ok((_, policies)) = &self.estimates {
            text.push_str(&format!(", about {policies} policies"));
        }
        text.push('\n');
        if let Ok(kinds) = &self.kinds {
            of_each_kind(kinds, &mut text);
        }
        if let Ok(hosts) = &self.hosts {
            self.hosts(hosts, now, &mut text);
        }
        if let Ok(twice) = &self.fetched_twice
            && *twice > 0
        {
            text.push_str(&format!("fetched by two hosts within a minute so far: {twice}\n"));
        }
        for one in self.weakened.iter().flatten() {
            text.push_str(&format!(
                "weaker within a day: {}, {} after {}, by {}, fetched by {} so far\n",
                excerpt(&one.domain, 255),
                excerpt(&one.after, 40),
                excerpt(&one.before, 40),
                excerpt(&one.host, 63),
                if one.roles == 1 { "one role".to_owned() } else { format!("{} roles", one.roles) }
            ));
        }
        if let Ok(of_a_day) = &self.reports
            && of_a_day.is_any
        {
            reports(of_a_day, &mut text);
        }
        for decree in self.overrides.iter().flatten() {
            text.push_str(&format!(
                "the override for {} ({}) counts until {}: {}\n",
                decree.of(),
                decree.effect.word(),
                decree.ends,
                decree.why()
            ));
        }
        for (what, why) in self.unknown() {
            text.push_str(&format!("not known: {what}, for {why}\n"));
        }
        text
    }

    fn hosts(&self, hosts: &[Host], now: UnixTime, text: &mut String) {
        text.push_str(&row(["host", "seen", "clock", "outbox", "oldest", "behind", "overdue", "version"]));
        for host in hosts {
            let seen = format!("{} s ago", host.unseen_for);
            let behind = self.standing.change.saturating_sub(host.applied_change).to_string();
            let (clock, outbox) = (format!("{:+} s", host.clock_offset), host.outbox.to_string());
            let oldest = host.outbox_since.map_or_else(|| "-".to_owned(), |at| span(now.since(at)));
            let (name, version, overdue) =
                (excerpt(&host.name, 63), excerpt(&host.version, 40), host.overdue.to_string());
            text.push_str(&row([&name, &seen, &clock, &outbox, &oldest, &behind, &overdue, &version]));
        }
        for host in hosts {
            if let Some((at, why)) = &host.trouble {
                let (name, why) = (excerpt(&host.name, 63), excerpt(why, 300));
                text.push_str(&format!("the last trouble of {name}, {} ago: {why}\n", span(now.since(*at))));
            }
        }
        let groups: BTreeSet<&str> = hosts.iter().map(|host| host.fingerprint.as_str()).collect();
        if groups.len() > 1 {
            text.push_str(&format!(
                "note: the hosts learn under {} different trust anchors, authorities or laboratory settings, and share nothing across them; \
                 configure them alike\n",
                groups.len()
            ));
        }
    }
}

/// As far as the database has looked at samples of the policies.
fn of_each_kind(kinds: &Kinds, text: &mut String) {
    let demands = kinds.by_demand.iter().map(|(word, number)| format!("{number} {word}"));
    let authentications =
        kinds.by_authentication.iter().map(|(one, number)| format!("{number} {}", one.word()));
    let (demands, authentications) = (demands.collect::<Vec<_>>(), authentications.collect::<Vec<_>>());
    if !(demands.is_empty() && authentications.is_empty()) {
        text.push_str(&format!(
            "of them, about, by mode: {}; by authentication: {}\n",
            demands.join(", "),
            authentications.join(", ")
        ));
    }
}

fn reports(reports: &DayOfReports, text: &mut String) {
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

fn row([host, seen, clock, outbox, oldest, behind, overdue, version]: [&str; 8]) -> String {
    format!("{host:<24} {seen:>12} {clock:>8} {outbox:>7} {oldest:>20} {behind:>7} {overdue:>7}  {version}\n")
}
