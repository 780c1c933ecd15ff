//! What the reports of a run add up to: for people by sender, day and policy; for all by type and result. Pure.

use super::collection::Collection;
use super::finding::Code;
use super::{Detail, Failed, Kind, Policy, Report};
use crate::reports::tally::Day;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Sessions that went well and sessions that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Those with TLS as the policy wants it.
    pub successes: u64,
    /// The others.
    pub failures: u64,
}

/// What is told apart of one sender.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The day, if the report says when.
    pub day: Option<Day>,
    /// The policy domain.
    pub domain: Option<String>,
    /// The type of the policy.
    pub kind: Kind,
    /// The mode that its lines name, if they do.
    pub mode: Option<String>,
}

/// Failures that are alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureGroup {
    /// The MX host.
    pub host: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// What it failed for; `None`: the report does not say.
    pub failed: Option<Failed>,
    /// The sender's own word.
    pub reason: Option<String>,
}

/// The sessions of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many there were.
    pub sessions: Sessions,
    /// What those that failed failed for.
    pub failures: BTreeMap<FailureGroup, u64>,
}

/// What failed, over all senders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Sessions.
    pub sessions: u64,
    /// Those who tell of it.
    pub senders: BTreeSet<String>,
    /// At which MX hosts.
    pub hosts: BTreeSet<String>,
}

/// How often a finding was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// Whose reports have it.
    pub senders: BTreeSet<String>,
    /// In how many reports.
    pub reports: u64,
    /// Where it was met first, and what stands there.
    pub example: String,
}

/// The sums of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All sessions.
    pub sessions: Sessions,
    /// By sender, and then by day, domain and policy.
    pub senders: BTreeMap<String, BTreeMap<Group, Sum>>,
    /// By what failed; `None`: no report says what.
    pub faults: BTreeMap<Option<Failed>, Fault>,
    /// By type of policy and result (`None`: it went well).
    pub by_type: BTreeMap<(Kind, Option<Option<Failed>>), u64>,
    /// By what is wrong with the reports.
    pub complaints: BTreeMap<Code, Complaint>,
    /// The first day and the last one.
    pub days: Option<(Day, Day)>,
}

fn add(sum: &mut u64, sessions: u64) {
    *sum = sum.saturating_add(sessions);
}

impl Sums {
    /// Adds up a run.
    #[must_use]
    pub fn of(collection: &Collection) -> Self {
        let mut sums = Self::default();
        for read in collection.reports() {
            let report = &read.received.report;
            sums.report(report);
            for finding in read.received.noticed.findings() {
                let complaint = sums.complaints.entry(finding.code).or_default();
                add(&mut complaint.reports, 1);
                complaint.senders.insert(report.sender().to_owned());
                if complaint.example.is_empty() {
                    let words = [finding.at.as_str(), finding.shown.as_str()];
                    complaint.example =
                        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ");
                }
            }
        }
        sums
    }

    fn report(&mut self, report: &Report) {
        let day = report.day();
        if let Some(day) = day {
            let (first, last) = self.days.unwrap_or((day, day));
            self.days = Some((first.min(day), last.max(day)));
        }
        for policy in &report.policies {
            self.policy(report.sender(), day, policy);
        }
    }

    fn policy(&mut self, sender: &str, day: Option<Day>, policy: &Policy) {
        let (kind, mode) = (policy.kind.clone(), mode(policy));
        let group = Group { day, domain: policy.domain.clone(), kind: kind.clone(), mode };
        let sum = self.senders.entry(sender.to_owned()).or_default().entry(group).or_default();
        for of in [&mut self.sessions, &mut sum.sessions] {
            add(&mut of.successes, policy.successes);
            add(&mut of.failures, policy.failures);
        }
        add(self.by_type.entry((kind.clone(), None)).or_default(), policy.successes);
        let told = policy.details.iter().map(|detail| detail.sessions).fold(0, u64::saturating_add);
        let untold = policy.failures.saturating_sub(told);
        let rest = (untold > 0)
            .then_some((FailureGroup { host: None, address: None, failed: None, reason: None }, untold));
        for (failure, sessions) in policy.details.iter().map(failure).chain(rest) {
            let fault = self.faults.entry(failure.failed.clone()).or_default();
            add(&mut fault.sessions, sessions);
            fault.senders.insert(sender.to_owned());
            fault.hosts.extend(failure.host.clone());
            add(self.by_type.entry((kind.clone(), Some(failure.failed.clone()))).or_default(), sessions);
            add(sum.failures.entry(failure).or_default(), sessions);
        }
    }
}

fn failure(detail: &Detail) -> (FailureGroup, u64) {
    let failure = FailureGroup {
        host: detail.host.clone(),
        address: detail.receiving,
        failed: Some(detail.failed.clone()),
        reason: detail.reason.clone(),
    };
    (failure, detail.sessions)
}

/// The mode of an MTA-STS policy, from its lines.
fn mode(policy: &Policy) -> Option<String> {
    let line = policy.strings.iter().find_map(|line| line.trim().strip_prefix("mode:"))?;
    Some(line.trim().to_owned())
}
