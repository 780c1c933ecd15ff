//! The text exposition format of Prometheus, for the textfile collector of the node exporter.
//!
//! Labels are words of closed lists and the domains that were asked about, so that the number of series is known before
//! anybody is asked, and no MX host can add one. Every count is there in every run, be it zero: an alert that waits for a
//! series that never comes is a silent one.

use super::remembered::{KnownExpiry, Remembered};
use super::{Outcome, Summary, WordCounts};
use crate::exposition::{Exposition, SeriesKind};
use crate::policy::{Dialect, Mode};

/// The series of one name. All of them are gauges: a run knows its moment, not what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Whether mail arrives.
    Success,
    /// What the probe comes down to, one series a word.
    Outcome,
    /// When it was.
    LastRun,
    /// How long it took.
    Duration,
    /// When certificates end.
    CertificateExpiry,
    /// How old the knowledge is.
    CertificateSeen,
    /// Which policy counts.
    PolicyInfo,
    /// When it ends.
    PolicyExpiry,
    /// How long it was to live.
    PolicyLife,
    /// How far the sessions came.
    Addresses,
    /// What a sender would do.
    Hosts,
    /// What became of the TLSA records.
    TlsaRecords,
    /// Where TLSA records and certificates do not fit.
    TlsaMismatchedHosts,
}

impl Family {
    /// Every family, in the order in which they are written.
    pub const ALL: [Self; 13] = [
        Self::Success,
        Self::Outcome,
        Self::LastRun,
        Self::Duration,
        Self::CertificateExpiry,
        Self::CertificateSeen,
        Self::PolicyInfo,
        Self::PolicyExpiry,
        Self::PolicyLife,
        Self::Addresses,
        Self::Hosts,
        Self::TlsaRecords,
        Self::TlsaMismatchedHosts,
    ];

    /// Its name, with the unit at the end (Prometheus, "Metric and label naming").
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "smtp_sts_probe_success",
            Self::Outcome => "smtp_sts_probe_outcome",
            Self::LastRun => "smtp_sts_probe_last_run_timestamp_seconds",
            Self::Duration => "smtp_sts_probe_duration_seconds",
            Self::CertificateExpiry => "smtp_sts_probe_certificate_expiry_timestamp_seconds",
            Self::CertificateSeen => "smtp_sts_probe_certificate_seen_timestamp_seconds",
            Self::PolicyInfo => "smtp_sts_probe_policy_info",
            Self::PolicyExpiry => "smtp_sts_probe_policy_expiry_timestamp_seconds",
            Self::PolicyLife => "smtp_sts_probe_policy_lifetime_seconds",
            Self::Addresses => "smtp_sts_probe_addresses",
            Self::Hosts => "smtp_sts_probe_hosts",
            Self::TlsaRecords => "smtp_sts_probe_tlsa_records",
            Self::TlsaMismatchedHosts => "smtp_sts_probe_tlsa_mismatched_hosts",
        }
    }

    /// What it tells, in a line.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Success => {
                "1 if a sender that enforces what the domain demands would deliver to one of its MX hosts at least."
            }
            Self::Outcome => {
                "1 for what a sender that enforces what the domain demands would meet, 0 for the other outcomes."
            }
            Self::LastRun => "When the MX hosts of the domain were asked last.",
            Self::Duration => "How long it took, from the first DNS question to the last QUIT.",
            Self::CertificateExpiry => {
                "When the certificate ends that ends first, of those that the MX hosts showed; the last that is known if none is \
                 shown now. Not of those that DANE-EE alone vouches for, whose dates nobody checks."
            }
            Self::CertificateSeen => "When the certificate was seen whose end is reported.",
            Self::PolicyInfo => {
                "1 for mechanism and mode of the policy that the decision rests on; 0 where it rests on none, or on DANE."
            }
            Self::PolicyExpiry => {
                "When the policy ends that the decision rests on, unless it is fetched again."
            }
            Self::PolicyLife => "For how long the policy was to be kept that the decision rests on.",
            Self::Addresses => {
                "Addresses of the MX hosts by how far the session came: completed is a handshake in TLS."
            }
            Self::Hosts => "MX hosts by what a sender that enforces would do there.",
            Self::TlsaRecords => {
                "Secure TLSA records of the MX hosts by the best that became of each at one of the addresses."
            }
            Self::TlsaMismatchedHosts => {
                "MX hosts with usable TLSA records none of which fits the certificate that one of the addresses showed."
            }
        }
    }

    /// Its labels beside `domain`.
    #[must_use]
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Outcome | Self::Addresses | Self::TlsaRecords => &["outcome"],
            Self::Hosts => &["action"],
            Self::PolicyInfo => &["mechanism", "mode"],
            Self::Success
            | Self::LastRun
            | Self::Duration
            | Self::CertificateExpiry
            | Self::CertificateSeen
            | Self::PolicyExpiry
            | Self::PolicyLife
            | Self::TlsaMismatchedHosts => &[],
        }
    }
}

/// The exposition of these probes, each domain once, with what the last one knew and these could not see.
#[must_use]
pub fn exposition(summaries: &[Summary], remembered: &Remembered) -> String {
    let mut text = Exposition::default();
    for family in Family::ALL {
        let mut series = text.family(family.name(), SeriesKind::Gauge, family.help());
        for summary in summaries {
            for (values, value) in samples(family, summary, remembered.expiry(&summary.domain)) {
                let others = family.labels().iter().copied().zip(values);
                let labels: Vec<_> =
                    std::iter::once(("domain", summary.domain.as_str())).chain(others).collect();
                series.sample(&labels, value);
            }
        }
    }
    text.finish()
}

type Sample = (Vec<&'static str>, String);

/// The samples of one domain: values for the labels of the family, and the number.
fn samples(family: Family, summary: &Summary, known: Option<KnownExpiry>) -> Vec<Sample> {
    let one = |value: u64| vec![(vec![], value.to_string())];
    let of =
        |tally: &WordCounts| tally.iter().map(|(word, number)| (vec![*word], number.to_string())).collect();
    let expiry = summary
        .certificate
        .as_ref()
        .map(|certificate| KnownExpiry { at: certificate.at, seen: summary.at })
        .or(known);
    let flag = |is_so: bool| u64::from(is_so);
    match family {
        Family::Success => one(flag(matches!(summary.outcome, Outcome::Deliverable | Outcome::Partly))),
        Family::Outcome => Outcome::ALL
            .into_iter()
            .map(|outcome| (vec![outcome.word()], flag(outcome == summary.outcome).to_string()))
            .collect(),
        Family::LastRun => one(summary.at.0),
        Family::Duration => vec![(vec![], format!("{:.3}", summary.took.as_secs_f64()))],
        Family::CertificateExpiry => expiry.map(|expiry| one(expiry.at.0)).unwrap_or_default(),
        Family::CertificateSeen => expiry.map(|expiry| one(expiry.seen.0)).unwrap_or_default(),
        Family::PolicyInfo => policy_info(summary),
        Family::PolicyExpiry => summary.policy.map(|policy| one(policy.expires.0)).unwrap_or_default(),
        Family::PolicyLife => summary.policy.map(|policy| one(policy.life)).unwrap_or_default(),
        Family::Addresses => of(&summary.addresses),
        Family::Hosts => of(&summary.hosts),
        Family::TlsaRecords => of(&summary.tlsa),
        Family::TlsaMismatchedHosts => one(summary.tlsa_mismatched_hosts),
    }
}

fn policy_info(summary: &Summary) -> Vec<Sample> {
    let modes = [Mode::Enforce, Mode::Testing, Mode::None];
    let all = Dialect::ALL.into_iter().flat_map(|dialect| modes.map(|mode| (dialect, mode)));
    let is_it =
        |dialect, mode| summary.policy.is_some_and(|policy| (policy.dialect, policy.mode) == (dialect, mode));
    all.map(|(dialect, mode)| {
        (vec![dialect.word(), mode.word()], u64::from(is_it(dialect, mode)).to_string())
    })
    .collect()
}
