//! An answer in the words of every protocol, made once and given often. Pure.

pub mod cache;
pub mod silence;

use crate::reason::Reason;
use crate::render::exim::{self, Asker};
use crate::render::socketmap;
use crate::serve::protocol::question::Question;
use crate::serve::protocol::socketmap::Map;
use crate::verdict::Verdict;
use crate::verify::Report;
use std::borrow::Cow;

/// An answer as the protocols of mail servers give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MtaAnswer {
    /// What it comes down to, for those who count.
    pub verdict: Verdict,
    /// Why, for the same.
    pub reason: Reason,
    /// Exim's line, without a line end: the one that the command prints.
    pub exim: Box<str>,
    /// Postfix's replies.
    pub socketmap: Replies,
}

/// What each of Postfix's maps replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replies {
    /// [`Map::Policy`].
    pub policy: Cow<'static, str>,
    /// [`Map::PolicyTlsrpt`].
    pub policy_tlsrpt: Cow<'static, str>,
}

impl Replies {
    /// The reply of one map.
    #[must_use]
    pub fn of(&self, map: Map) -> &str {
        match map {
            Map::Policy => &self.policy,
            Map::PolicyTlsrpt => &self.policy_tlsrpt,
        }
    }
}

impl MtaAnswer {
    /// What the report says to whoever asked this.
    #[must_use]
    pub fn of(report: &Report, question: &Question) -> Self {
        let asker = if question.host.is_some() { Asker::Host } else { Asker::Router };
        let (verdict, reason) = (report.judgement.verdict, report.judgement.reason);
        let socketmap =
            Replies { policy: socketmap::policy(report), policy_tlsrpt: socketmap::policy_tlsrpt(report) };
        Self { verdict, reason, exim: exim::line(report, asker).into(), socketmap }
    }
}
