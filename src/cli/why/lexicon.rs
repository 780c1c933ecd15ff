//! Every word that this program says and explains, from the closed lists that its outputs draw on.

use crate::cli::exit::ExitStatus;
use crate::doctor::Check;
use crate::doctor::explanation::CheckExplanation;
use crate::policy::WordEntry;
use crate::policy::lint::{Code, Family, Severity};
use crate::policy::result::ResultType;
use crate::probe;
use crate::reason::Reason;
use crate::render::page::Tone;
use crate::tls_report::finding;
use std::borrow::Cow;

/// One word.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Entry {
    /// The word.
    pub(in crate::cli) word: Cow<'static, str>,
    /// Where it is said.
    pub(in crate::cli) kind: Kind,
    /// What is looked at, true when all is well; of checks alone, whose meaning is what it means if it is not so.
    pub(in crate::cli) about: Option<&'static str>,
    /// How much it matters, where the word itself says that.
    pub(in crate::cli) severity: Option<Severity>,
    /// What it means, for the mail first of all.
    pub(in crate::cli) meaning: &'static str,
    /// What to do; empty if nothing has to be done.
    pub(in crate::cli) fix: &'static str,
    /// Where the rule stands.
    pub(in crate::cli) rule: &'static str,
    /// Under which result type a TLS report tells of it (RFC 8460 section 4.3).
    pub(in crate::cli) reported_as: Option<&'static str>,
}

/// Where a word is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    /// `reason=`, in every answer about a delivery.
    Reason,
    /// A finding of `lint`, of that family.
    Lint(Family),
    /// A check of `doctor`.
    Check,
    /// What a probe says of an address.
    Probe,
    /// A result type of TLS reports.
    ResultType,
    /// A finding of `reports read`.
    Report,
    /// A number that the program ends with.
    ExitCode,
}

impl Kind {
    /// Every kind, in the order in which they are listed.
    pub(in crate::cli) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Reason).chain(Family::ALL.map(Self::Lint)).chain([
            Self::Check,
            Self::Probe,
            Self::ResultType,
            Self::Report,
            Self::ExitCode,
        ])
    }

    /// The word for it in JSON.
    pub(in crate::cli) const fn word(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::Lint(_) => "lint",
            Self::Check => "check",
            Self::Probe => "probe",
            Self::ResultType => "tls-report",
            Self::Report => "tls-report-finding",
            Self::ExitCode => "exit-code",
        }
    }

    /// Where the word is said, for people.
    pub(in crate::cli) fn title(self) -> String {
        match self {
            Self::Reason => "reasons of a verdict (reason=)".to_owned(),
            Self::Lint(family) => format!("lint, {}", family.about),
            Self::Check => "checks of doctor".to_owned(),
            Self::Probe => "what probe says of an address".to_owned(),
            Self::ResultType => "result types of TLS reports (RFC 8460)".to_owned(),
            Self::Report => "reports read, what is wrong with a report".to_owned(),
            Self::ExitCode => "exit codes".to_owned(),
        }
    }

    /// What the words of this kind begin with, up to their last dot, where they have that in common.
    pub(in crate::cli) const fn prefix(self) -> Option<&'static str> {
        match self {
            Self::Lint(family) => Some(family.prefix),
            Self::Report => Some(finding::PREFIX),
            Self::Reason | Self::Check | Self::Probe | Self::ResultType | Self::ExitCode => None,
        }
    }

    /// The same about one word.
    pub(in crate::cli) fn of_one(self) -> String {
        match self {
            Self::Reason => "a reason of a verdict".to_owned(),
            Self::Lint(family) => format!("a finding of lint in {}", family.about),
            Self::Check => "a check of doctor".to_owned(),
            Self::Probe => "what probe says of an address".to_owned(),
            Self::ResultType => "a result type of TLS reports".to_owned(),
            Self::Report => "a finding of reports read in a TLS report".to_owned(),
            Self::ExitCode => "an exit code".to_owned(),
        }
    }
}

/// Where a rule stands that is this program's own.
const MANUAL: &str = "this program's manual";

impl Entry {
    /// A word without a severity of its own.
    fn of(kind: Kind, entry: WordEntry) -> Self {
        let WordEntry { word, meaning, fix, rule, result_type } = entry;
        let reported_as = result_type.map(ResultType::word);
        Self { word: word.into(), kind, about: None, severity: None, meaning, fix, rule, reported_as }
    }

    /// How the meaning is painted.
    pub(in crate::cli) const fn tone(&self) -> Tone {
        match self.severity {
            Some(Severity::Error) => Tone::Bad,
            Some(Severity::Warning) => Tone::Warning,
            Some(Severity::Note) | None => Tone::Plain,
        }
    }
}

/// Every word; those of one kind follow each other.
pub(in crate::cli) fn entries() -> impl Iterator<Item = Entry> {
    let reasons = Reason::ALL.into_iter().map(|reason| Entry::of(Kind::Reason, reason.explain()));
    let codes = Code::ALL.iter().map(|code| Entry {
        severity: Some(code.severity()),
        ..Entry::of(Kind::Lint(code.family()), code.explain())
    });
    let checks = Check::ALL.into_iter().map(|check| {
        let CheckExplanation { word, about, meaning, fix, .. } = check.explain();
        let entry = WordEntry { word, meaning, fix, rule: MANUAL, result_type: None };
        Entry { about: Some(about), ..Entry::of(Kind::Check, entry) }
    });
    // A word that TLS reports have, too, means the same there.
    let is_reported = |word: &str| ResultType::from_word(word).is_some();
    let of_probe = probe::words::all()
        .filter(move |it| !is_reported(it.word))
        .map(|entry| Entry::of(Kind::Probe, entry));
    let result_types =
        ResultType::ALL.into_iter().map(|result| Entry::of(Kind::ResultType, result.explain()));
    let of_reports = finding::Code::ALL
        .iter()
        .map(|code| Entry { severity: Some(code.severity()), ..Entry::of(Kind::Report, code.explain()) });
    let exit_codes = ExitStatus::ALL.into_iter().map(|status| {
        let entry =
            WordEntry { word: "", meaning: status.meaning(), fix: "", rule: MANUAL, result_type: None };
        Entry { word: status.code().to_string().into(), ..Entry::of(Kind::ExitCode, entry) }
    });
    reasons.chain(codes).chain(checks).chain(of_probe).chain(result_types).chain(of_reports).chain(exit_codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_has_two_meanings() {
        let mut words: Vec<_> = entries().map(|entry| entry.word).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn every_word_is_of_a_kind_that_is_listed_and_says_something() {
        for Entry { word, kind, meaning, rule, .. } in entries() {
            assert!(Kind::all().any(|listed| listed == kind), "{word}");
            assert!(!meaning.is_empty() && !rule.is_empty(), "{word}");
        }
    }

    #[test]
    fn what_a_verdict_is_reported_as_is_explained_too() {
        for entry in entries() {
            if let Some(word) = entry.reported_as {
                assert!(ResultType::from_word(word).is_some(), "{word}");
            }
        }
    }
}
