//! What an answer applied: the policy and the TLSA records, as they were when the answer was given. Pure.
//!
//! A report has to show these, and not what the domain published later. The mail server hands the answer's line back with each
//! event of a session; by that line its policies are found again.

use super::event::Answered;
use super::tally::Applied;
use super::text::{PolicyText, Texts};
use crate::dane::set::TlsaSet;
use crate::limits::{MAX_ANSWERS_FOLLOWED, MAX_ANSWERS_OF_DOMAIN_FOLLOWED};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Dialect, Mode, Policy, PolicyType};
use std::collections::HashMap;
use std::sync::Arc;

/// What tells an answer from others about the same domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(u64);

impl Mark {
    /// Of the line that is Exim's answer. Words that say where the answer came from, and not what it is, do not count.
    #[must_use]
    pub fn of(line: &str) -> Self {
        let counts = |word: &&str| !["cache=", "asked=", "reason="].iter().any(|key| word.starts_with(key));
        let words = line.split(' ').filter(counts).flat_map(|word| word.bytes().chain([b' ']));
        // FNV-1a of 64 bits: it tells the answers about one domain apart, and secures nothing.
        Self(words.fold(0xcbf2_9ce4_8422_2325, |mark, octet| {
            (mark ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }
}

/// The policies that one answer applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedPolicies {
    policy: Option<Applied>,
    tlsa_sets: Vec<(MxHost, Applied)>,
}

impl AppliedPolicies {
    /// The policy that decided, as text, and the TLSA records of the hosts.
    #[must_use]
    pub fn new(policy: Option<(PolicyType, Mode, &str)>, tlsa_sets: &[(MxHost, TlsaSet)]) -> Self {
        let of_host = |(host, set): &(MxHost, TlsaSet)| {
            let text = set.text().map_or(PolicyText::LeftOut, |text| PolicyText::of(&text));
            (
                host.clone(),
                Applied {
                    base: Some(set.base.clone()),
                    text,
                    ..Applied::without_text(PolicyType::Dane, Mode::None)
                },
            )
        };
        Self {
            policy: policy.map(|(kind, mode, text)| Applied::new(kind, mode, text)),
            tlsa_sets: tlsa_sets.iter().map(of_host).collect(),
        }
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.policy.is_none() && self.tlsa_sets.is_empty()
    }

    /// The policy of that kind.
    #[must_use]
    pub fn policy(&self, kind: PolicyType) -> Option<&Applied> {
        self.policy.as_ref().filter(|policy| policy.kind == kind)
    }

    /// The TLSA records of a host: it may be the MX host, or what that is an alias for.
    #[must_use]
    pub fn tlsa_set(&self, host: &MxHost) -> Option<&Applied> {
        let of_name = self.tlsa_sets.iter().find(|(name, _)| name == host);
        of_name
            .or_else(|| self.tlsa_sets.iter().find(|(_, set)| set.base.as_ref() == Some(host)))
            .map(|(_, set)| set)
    }

    /// The same, of texts that are kept.
    fn kept(mut self, texts: &mut Texts) -> Self {
        let of_policies = self.policy.iter_mut();
        for applied in of_policies.chain(self.tlsa_sets.iter_mut().map(|(_, set)| set)) {
            applied.text = texts.keep(std::mem::take(&mut applied.text));
        }
        self
    }
}

/// Whether a policy that is only tested permits a host; `None` if the policy is none, or not at hand.
#[must_use]
pub fn permits(applied: &Applied, host: &MxHost) -> Option<bool> {
    let dialect = match applied.kind {
        PolicyType::MtaSts => Dialect::MtaSts,
        PolicyType::SmtpSts => Dialect::SmtpSts,
        PolicyType::Dane | PolicyType::None | PolicyType::Override => return None,
    };
    let text = applied.text.as_str()?;
    // Postfix tells a policy of MTA-STS without its record.
    let whole = match (dialect, text.starts_with("version:")) {
        (Dialect::MtaSts, true) => format!("v=STSv1; id=0\n{text}"),
        _ => text.to_owned(),
    };
    Policy::from_text(dialect, &whole).map(|policy| policy.permits(host))
}

/// The answers that sessions may still be under way for, in two halves: when the new one is full it becomes the old one.
#[derive(Debug, Default)]
pub struct GivenAnswers {
    new: HashMap<PolicyDomain, Vec<(Mark, Arc<AppliedPolicies>)>>,
    old: HashMap<PolicyDomain, Vec<(Mark, Arc<AppliedPolicies>)>>,
    texts: Texts,
}

impl GivenAnswers {
    /// Remembers what an answer about a domain applied.
    pub fn given(&mut self, domain: &PolicyDomain, mark: Mark, policies: AppliedPolicies) {
        if self.new.len() >= MAX_ANSWERS_FOLLOWED / 2 && !self.new.contains_key(domain) {
            self.old = std::mem::take(&mut self.new);
        }
        let mut kept = policies.clone().kept(&mut self.texts);
        if kept != policies && !self.old.is_empty() {
            // Those that nobody asked about lately make room.
            self.old.clear();
            kept = policies.kept(&mut self.texts);
        }
        let earlier = self.old.remove(domain).unwrap_or_default();
        let answers = self.new.entry(domain.clone()).or_insert(earlier);
        answers.retain(|(known, _)| *known != mark);
        if answers.len() >= MAX_ANSWERS_OF_DOMAIN_FOLLOWED {
            answers.remove(0);
        }
        answers.push((mark, Arc::new(kept)));
    }

    /// What the answer applied that a session goes by; if it is not known any more, the last one of its kind and mode.
    #[must_use]
    pub fn of(&self, domain: &PolicyDomain, answered: &Answered) -> Option<Arc<AppliedPolicies>> {
        let answers = self.new.get(domain).or_else(|| self.old.get(domain))?;
        let is_alike = |policies: &AppliedPolicies| match policies.policy(answered.policy) {
            Some(policy) => policy.mode == answered.mode,
            None => answered.policy == PolicyType::Dane,
        };
        let exact = answers.iter().find(|(mark, _)| *mark == answered.mark);
        let found = exact.or_else(|| answers.iter().rfind(|(_, policies)| is_alike(policies)));
        found.map(|(_, policies)| Arc::clone(policies))
    }

    /// Whether the last answer about a domain applied TLSA records of that host.
    #[must_use]
    pub fn knows_tlsa_of(&self, domain: &PolicyDomain, host: &MxHost) -> bool {
        let answers = self.new.get(domain).or_else(|| self.old.get(domain));
        let last = answers.and_then(|answers| answers.last());
        last.is_some_and(|(_, policies)| policies.tlsa_set(host).is_some())
    }

    /// Policies, with their texts as they are kept beside those of the answers.
    pub fn kept(&mut self, policies: AppliedPolicies) -> AppliedPolicies {
        policies.kept(&mut self.texts)
    }

    /// A text, as it is kept beside those of the answers.
    pub fn keep(&mut self, text: PolicyText) -> PolicyText {
        self.texts.keep(text)
    }
}

#[cfg(test)]
mod tests;
