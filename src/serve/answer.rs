//! An answer in the words of every protocol, made once and given often. Pure.

use super::question::Question;
use crate::reason::Reason;
use crate::render::exim::{self, Asker};
use crate::verdict::Verdict;
use crate::verify::Report;

/// An answer as the protocols give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it comes down to, for those who count.
    pub verdict: Verdict,
    /// Why, for the same.
    pub reason: Reason,
    /// Exim's line, without a line end: the one that the command prints.
    pub exim: Box<str>,
}

impl Answer {
    /// What the report says to whoever asked this.
    #[must_use]
    pub fn of(report: &Report, question: &Question) -> Self {
        let asker = if question.host.is_some() { Asker::Host } else { Asker::Router };
        let (verdict, reason) = (report.judgement.verdict, report.judgement.reason);
        Self { verdict, reason, exim: exim::line(report, asker).into() }
    }
}
