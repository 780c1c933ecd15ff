//! From what was seen to what it came to: pure, one file a topic.

mod avoided;
mod build;
pub mod cache;
pub mod daemon;
pub mod exim;
pub mod fleet;
pub mod network;
pub mod postfix;
pub mod reports;
pub mod resolv_conf;
pub mod resolvers;
mod signature;
pub mod time;
pub mod trust;

use super::observations::{Caches, Exim, Outside, Postfix, Reports, Seen};
use super::{Check, Diagnosis, Finding, Health};
use crate::time::UnixTime;

/// Everything that was looked at.
#[derive(Clone, Debug)]
pub struct Everything {
    /// What was asked without root's rights.
    pub outside: Seen<Outside>,
    /// The cache.
    pub cache: Caches,
    /// Exim; the error says why there is none.
    pub exim: Seen<Exim>,
    /// Postfix; the error says why there is none.
    pub postfix: Seen<Postfix>,
    /// What reports need; `None` where none are sent.
    pub reports: Option<Reports>,
}

/// What needs DNS: where nobody can be asked, a bad finding of these follows from that, and is not told as another one.
const FOLLOWS_FROM_DNS: [Check; 6] = [
    Check::EximAnswerAsRoot,
    Check::EximAnswerAsExim,
    Check::EximDaemonAnswer,
    Check::ReportsKey,
    Check::ReportsSignature,
    Check::ReportsRecord,
];

/// Judges all of it.
#[must_use]
pub fn judge(seen: &Everything, at: UnixTime) -> Diagnosis {
    let mut findings = match &seen.outside {
        Ok(outside) => of_outside(outside),
        Err(why) => {
            let seen = format!("nothing outside of this machine was looked at: {why}");
            vec![warning(Check::ResolverList, seen).blind()]
        }
    };
    findings.extend(cache::judge(&seen.cache));
    findings.extend(exim::judge(&seen.exim, &seen.cache.place.file, seen.postfix.is_ok()));
    let system = seen.outside.as_ref().map_err(Clone::clone).and_then(|outside| outside.resolv_conf.clone());
    findings.extend(postfix::judge(&seen.postfix, seen.exim.is_ok(), &system));
    if let Some(reports) = &seen.reports {
        findings.extend(reports::judge(reports, &seen.exim, &seen.postfix));
    }
    if seen.exim.is_err() && seen.postfix.as_ref().is_ok_and(postfix::asks_for_ad) {
        // The option is for whoever does not ask himself, as Exim.
        let is_needless = |finding: &&mut Finding| {
            finding.check == Check::ResolvConfTrustAd && finding.health == Health::Warning
        };
        for finding in findings.iter_mut().filter(is_needless) {
            finding.health = Health::Fine;
            finding.seen = "not set; Postfix asks for the AD bit itself".to_owned();
        }
    }
    if seen.outside.as_ref().is_ok_and(|outside| resolvers::are_dead(&outside.servers)) {
        let follows = |finding: &&mut Finding| {
            // The daemon answered Postfix, and could tell nothing: nobody told it anything.
            let says_nothing =
                finding.check == Check::PostfixAnswer && finding.seen.contains("server temporary error");
            (FOLLOWS_FROM_DNS.contains(&finding.check) || says_nothing) && finding.health >= Health::Warning
        };
        for finding in findings.iter_mut().filter(follows) {
            finding.health = Health::NotChecked;
            finding.seen = "cannot be told while no name server answers".to_owned();
        }
    }
    findings.sort_by_key(|finding| Check::ALL.iter().position(|check| *check == finding.check));
    Diagnosis { at, findings }
}

fn of_outside(outside: &Outside) -> Vec<Finding> {
    let mut findings = match &outside.theirs {
        None => resolvers::judge(&outside.servers),
        Some(theirs) => resolvers::judge_apart(&outside.servers, theirs, &outside.resolv_conf),
    };
    let all = outside.servers.iter().flatten().chain(outside.theirs.iter().flatten()).cloned().collect();
    findings.extend(resolv_conf::judge(&outside.resolv_conf, &Ok(all)));
    findings.extend(time::judge(outside));
    findings.extend(trust::judge(outside));
    findings.extend(outside.fleet.iter().flat_map(fleet::judge));
    findings.extend(network::judge(outside));
    findings
}

/// It could not be looked at.
fn unchecked(check: Check, why: impl Into<String>) -> Finding {
    Finding::new(check, Health::NotChecked, why)
}

fn fine(check: Check, seen: impl Into<String>) -> Finding {
    Finding::new(check, Health::Fine, seen)
}

fn warning(check: Check, seen: impl Into<String>) -> Finding {
    Finding::new(check, Health::Warning, seen)
}

fn wrong(check: Check, seen: impl Into<String>) -> Finding {
    Finding::new(check, Health::Wrong, seen)
}

/// So many seconds in the largest unit that fits.
fn ago(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// So many octets in a unit that people read.
fn octets(count: u64) -> String {
    match count {
        0..10_240 => format!("{count} octets"),
        10_240..10_485_760 => format!("{} KiB", count / 1_024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

#[cfg(test)]
pub(super) mod tests;
