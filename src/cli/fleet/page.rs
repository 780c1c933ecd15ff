//! What `fleet status` says to people.

use crate::fleet::{Host, StoreState};
use crate::overrides::Decree;
use crate::text::{Printable, excerpt};
use std::collections::BTreeSet;

pub(super) fn page(standing: &StoreState, hosts: &[Host], policies: u64, overrides: &[Decree]) -> String {
    let mut text = format!("store {}, about {policies} policies\n", Printable(&standing.id));
    text.push_str(&row(["host", "seen", "clock", "outbox", "behind", "version"]));
    for host in hosts {
        let seen = format!("{} s ago", host.unseen_for);
        let behind = standing.change.saturating_sub(host.applied_change).to_string();
        let (clock, outbox) = (format!("{:+} s", host.clock_offset), host.outbox.to_string());
        let (name, version) = (excerpt(&host.name, 63), excerpt(&host.version, 40));
        text.push_str(&row([&name, &seen, &clock, &outbox, &behind, &version]));
    }
    let groups: BTreeSet<&str> = hosts.iter().map(|host| host.fingerprint.as_str()).collect();
    if groups.len() > 1 {
        text.push_str(&format!(
            "note: the hosts learn under {} different trust anchors, authorities or laboratory settings, and share nothing across them; \
             configure them alike\n",
            groups.len()
        ));
    }
    for decree in overrides {
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

fn row([host, seen, clock, outbox, behind, version]: [&str; 6]) -> String {
    format!("{host:<24} {seen:>12} {clock:>8} {outbox:>7} {behind:>7}  {version}\n")
}
