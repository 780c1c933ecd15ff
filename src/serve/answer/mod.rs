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

/// What each of Postfix's maps replies. About a host of a domain, which Postfix does not ask about, there is nothing that only reports need.
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
        let policy = socketmap::policy(report);
        let policy_tlsrpt = match asker {
            Asker::Host => policy.clone(),
            Asker::Router => socketmap::policy_tlsrpt(report),
        };
        let socketmap = Replies { policy, policy_tlsrpt };
        Self { verdict, reason, exim: exim::line(report, asker).into(), socketmap }
    }

    /// Octets of its words, in all protocols.
    #[must_use]
    pub fn octets(&self) -> usize {
        let Replies { policy, policy_tlsrpt } = &self.socketmap;
        [self.exim.len(), policy.len(), policy_tlsrpt.len()].into_iter().fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{MxHost, PolicyDomain};
    use crate::verify::NoEvaluation;

    #[test]
    fn what_only_reports_of_a_domain_need_is_not_said_about_one_of_its_hosts() {
        let domain = PolicyDomain::parse("a.test").unwrap();
        let none = NoEvaluation { verdict: Verdict::Deliver, reason: Reason::NoPolicy, why: String::new() };
        let report = Report { domain: Some(domain.clone()), ..none.into() };
        let replies = |host| MtaAnswer::of(&report, &Question::about(domain.clone(), host)).socketmap;
        let of_domain = replies(None);
        assert_eq!(
            of_domain.of(Map::PolicyTlsrpt),
            "OK may policy_type=no-policy-found policy_domain=a.test"
        );
        let of_host = replies(MxHost::from_text("mx.a.test").ok());
        assert_eq!((of_host.of(Map::Policy), of_host.of(Map::PolicyTlsrpt)), ("NOTFOUND ", "NOTFOUND "));
    }
}
