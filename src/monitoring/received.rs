//! What TLS reports of others come down to, as series for Prometheus.
//!
//! Anybody can send a report: so no label holds a word of one, but for the words of closed lists, and what is none of these is
//! `other`. Every series is there in every run, be it zero.

use crate::exposition::{Exposition, SeriesKind};
use crate::policy::lint::Severity;
use crate::policy::result::ResultType;
use crate::tls_report::collection::Collection;
use crate::tls_report::sums::Sums;
use crate::tls_report::{Failed, Kind};

/// Labels with their words, and the number.
type Sample = (Vec<(&'static str, &'static str)>, u64);

/// What no closed list has.
const OTHER: &str = "other";
/// A failure that no report explains.
const UNTOLD: &str = "not-told";
/// A session without a failure.
const SUCCESS: &str = "success";

/// The series of one name, all of them gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What became of the reports that were read.
    Reports,
    /// What they tell.
    Sessions,
    /// What is wrong with them.
    Findings,
    /// The end of the newest.
    NewestEnd,
}

impl Family {
    /// Every family, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Reports, Self::Sessions, Self::Findings, Self::NewestEnd];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reports => "smtp_sts_received_reports",
            Self::Sessions => "smtp_sts_received_sessions",
            Self::Findings => "smtp_sts_received_findings",
            Self::NewestEnd => "smtp_sts_received_newest_end_timestamp_seconds",
        }
    }

    /// What it tells, in a line.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Reports => {
                "TLS reports of others by what became of them: read, duplicate (counted once), unread."
            }
            Self::Sessions => {
                "Sessions that these reports tell of, by type of the policy and result (RFC 8460 section 4.3)."
            }
            Self::Findings => "What is wrong with the reports themselves, each finding once a report.",
            Self::NewestEnd => "When the time ends that the newest report is about; 0 if there is none.",
        }
    }

    /// Its samples: labels, and the number.
    fn samples(self, collection: &Collection, sums: &Sums) -> Vec<Sample> {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        match self {
            Self::Reports => [
                ("read", count(collection.reports().len())),
                ("duplicate", collection.duplicates()),
                ("unread", count(collection.unread().len())),
            ]
            .map(|(outcome, number)| (vec![("outcome", outcome)], number))
            .to_vec(),
            Self::Sessions => sessions(sums),
            Self::Findings => [Severity::Error, Severity::Warning, Severity::Note]
                .map(|severity| {
                    let of_it = sums.complaints.iter().filter(|(code, _)| code.severity() == severity);
                    let number = of_it.map(|(_, complaint)| complaint.reports).fold(0, u64::saturating_add);
                    (vec![("severity", severity.word())], number)
                })
                .to_vec(),
            Self::NewestEnd => {
                let ends = collection.reports().iter().filter_map(|read| read.received.report.end);
                vec![(Vec::new(), ends.max().map_or(0, |end| end.0))]
            }
        }
    }
}

/// Every type of policy with every result.
fn sessions(sums: &Sums) -> Vec<Sample> {
    let results = || {
        let known = ResultType::ALL.into_iter().map(ResultType::word);
        std::iter::once(SUCCESS).chain(known).chain([OTHER, UNTOLD])
    };
    let all =
        Kind::WORDS.into_iter().chain([OTHER]).flat_map(|kind| results().map(move |result| (kind, result)));
    all.map(|(kind, result)| {
        let alike = sums.by_type.iter().filter(|((its_kind, its_result), _)| {
            let its_kind = if matches!(its_kind, Kind::Other(_)) { OTHER } else { its_kind.word() };
            its_kind == kind && word(its_result.as_ref()) == result
        });
        let number = alike.map(|(_, number)| *number).fold(0, u64::saturating_add);
        (vec![("policy", kind), ("result", result)], number)
    })
    .collect()
}

const fn word(result: Option<&Option<Failed>>) -> &'static str {
    match result {
        None => SUCCESS,
        Some(None) => UNTOLD,
        Some(Some(Failed::Known(result))) => result.word(),
        Some(Some(Failed::Other(_))) => OTHER,
    }
}

/// The exposition of a run.
#[must_use]
pub fn exposition(collection: &Collection, sums: &Sums) -> String {
    let mut text = Exposition::default();
    for family in Family::ALL {
        let mut series = text.family(family.name(), SeriesKind::Gauge, family.help());
        for (labels, number) in family.samples(collection, sums) {
            series.sample(&labels, number);
        }
    }
    text.finish()
}
