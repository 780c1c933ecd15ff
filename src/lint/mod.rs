//! Findings for a person who publishes policies. Pure but for [`survey`].
//!
//! The parsers of [`crate::policy`] find what is wrong within one text; this module adds what only a look at the whole
//! domain can see, and shows all of it: [`human`] on a terminal, [`json`] for programs.

mod bogus;
pub mod domain;
pub mod human;
pub mod json;
pub mod kind;
pub mod place;
pub mod publish;
pub mod survey;
pub mod tlsa;

use crate::policy::lint::{Code, Finding, Severity};
use serde_json::Value;

/// One thing that was looked at: a record, a policy, a host.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// What it is, such as `_mta-sts.example.org TXT`; safe to show.
    pub title: String,
    /// What became of the look, such as `secure`; empty if there is nothing to say.
    pub state: String,
    /// The octets that were looked at; untrusted text.
    pub text: Option<Vec<u8>>,
    /// What it says, where it is well-formed.
    pub value: Option<Value>,
    /// What is wrong within the text, in its order.
    pub findings: Vec<Finding>,
    /// What is wrong with it as seen from outside.
    pub about: Vec<Finding>,
    /// What else there is to say; untrusted words in part, not yet escaped.
    pub notes: Vec<String>,
    /// Whether it could not be looked at to its end, for a reason that may be gone tomorrow.
    pub is_unanswered: bool,
}

/// How many findings there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindingCounts {
    /// What makes a thing malformed.
    pub errors: usize,
    /// What is tolerated.
    pub warnings: usize,
    /// What is worth knowing.
    pub notes: usize,
}

impl Part {
    /// Everything that was found about it.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(&self.about)
    }

    /// At most so many findings, each with the text that it is about: those that matter most, in their order.
    fn foremost(&self, most: usize) -> Vec<(&Finding, Option<&[u8]>)> {
        let inside = self.findings.iter().map(|finding| (finding, self.text.as_deref()));
        let mut all: Vec<_> =
            inside.chain(self.about.iter().map(|finding| (finding, None))).enumerate().collect();
        all.sort_by_key(|(place, (finding, _))| (finding.severity(), *place));
        all.truncate(most);
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, finding)| finding).collect()
    }

    /// Adds a finding about no place in the text.
    fn find(&mut self, code: Code, what: &str) {
        self.about.push(Finding::about(code, what));
    }

    /// Title and state.
    fn headline(&self) -> String {
        if self.state.is_empty() {
            format!("{}:", self.title)
        } else {
            format!("{}: {}", self.title, self.state)
        }
    }
}

impl FindingCounts {
    /// Counts.
    #[must_use]
    pub fn of(parts: &[Part]) -> Self {
        let mut tally = Self::default();
        for finding in parts.iter().flat_map(Part::all_findings) {
            match finding.severity() {
                Severity::Error => tally.errors += 1,
                Severity::Warning => tally.warnings += 1,
                Severity::Note => tally.notes += 1,
            }
        }
        tally
    }
}
