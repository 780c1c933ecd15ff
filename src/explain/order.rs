//! Which mechanism decided, which were passed over, and why: in the order in which they are asked.

use super::question::Question;
use super::rule;
use super::said::Said;
use crate::overrides::Decree;
use crate::policy::{Dialect, PolicyType, StoredPolicy};
use crate::time::UnixTime;
use crate::verdict::{DaneFindings, DaneHost, Judgement, LookupError, PolicyFindings};
use crate::verify::Request;
use crate::verify::grounds::Grounds;
use serde::Serialize;

/// One mechanism, and its part in the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `override`, `dane`, `mta-sts` or `smtp-sts`.
    pub mechanism: &'static str,
    /// `decides`, `passed-over`, `has-nothing`, `does-not-apply` or `unknown`.
    pub part: &'static str,
    /// Why.
    pub why: Said,
    /// Where the rule stands.
    pub rule: &'static str,
}

impl Part {
    /// The words for every part.
    pub const PARTS: [&'static str; 5] =
        ["decides", "does-not-apply", "has-nothing", "passed-over", "unknown"];

    /// All mechanisms, the one that counts most first.
    #[must_use]
    pub fn all(question: &Question, judgement: &Judgement, grounds: &Grounds, now: UnixTime) -> Vec<Self> {
        let decided = Decided(judgement);
        vec![
            of_decree(question.decree.as_ref(), now),
            of_dane(&decided, &grounds.dane).despite(question),
            of_policy(Dialect::MtaSts, &decided, question, grounds),
            of_policy(Dialect::SmtpSts, &decided, question, grounds),
        ]
    }

    /// The same where the configuration leaves DANE out, and TLSA records are asked for all the same.
    fn despite(self, question: &Question) -> Self {
        let Request { mechanisms, requirement, .. } = &question.request;
        if mechanisms.dane || self.part == "does-not-apply" {
            return self;
        }
        let who = if requirement.is_some() { "an override" } else { "a policy in force (c=tlsa)" };
        let despite = "the configuration leaves it out (mechanisms), but";
        let why = format!("{}; {despite} {who} demands TLSA records of this domain's hosts", self.why);
        Self { why: why.into(), ..self }
    }

    /// The administrator's word alone, where nobody else is asked.
    #[must_use]
    pub fn of_decree(decree: Option<&Decree>, now: UnixTime) -> Self {
        of_decree(decree, now)
    }
}

/// What decided about which hosts.
struct Decided<'a>(&'a Judgement);

impl Decided<'_> {
    fn by(&self, policy: PolicyType) -> bool {
        self.0.policy == policy || self.0.hosts.iter().any(|host| host.ruling.policy == policy)
    }

    /// About which hosts, in words; empty where it is all of them.
    fn about(&self, policy: PolicyType) -> String {
        let hosts: Vec<&str> = self
            .0
            .hosts
            .iter()
            .filter(|host| host.ruling.policy == policy)
            .map(|host| host.host.as_str())
            .collect();
        if hosts.is_empty() || hosts.len() == self.0.hosts.len() {
            String::new()
        } else {
            format!(" for {}", hosts.join(", "))
        }
    }

    /// What stands above this mechanism and decided, in words.
    fn above(&self, policies: &[PolicyType]) -> Option<&'static str> {
        policies.iter().copied().find(|policy| self.by(*policy)).map(PolicyType::word)
    }
}

fn of_decree(decree: Option<&Decree>, now: UnixTime) -> Part {
    let (part, why) = match decree {
        None => ("has-nothing", "the configuration says nothing about this domain".to_owned()),
        Some(decree) if decree.is_in_force(now) => (
            "decides",
            format!(
                "the override for {} ({}) counts until {}: {}",
                decree.of(),
                decree.effect.word(),
                decree.ends,
                decree.why()
            ),
        ),
        Some(decree) => (
            "has-nothing",
            format!(
                "the override for {} ended at {} and is ignored: {}",
                decree.of(),
                decree.ends,
                decree.why()
            ),
        ),
    };
    Part { mechanism: PolicyType::Override.word(), part, why: why.into(), rule: rule::MANUAL }
}

fn of_dane(decided: &Decided<'_>, dane: &DaneFindings) -> Part {
    let part =
        |part, why: String, rule| Part { mechanism: PolicyType::Dane.word(), part, why: why.into(), rule };
    let hosts = match dane {
        DaneFindings::Inapplicable(why) => {
            // What stands behind the colon appears in the part about DANE.
            let why = why.split(':').next().unwrap_or(why);
            let rule = if decided.by(PolicyType::Override) { rule::MANUAL } else { rule::DANE_ROUTING };
            return part("does-not-apply", why.to_owned(), rule);
        }
        DaneFindings::Hosts(hosts) => hosts,
    };
    if decided.by(PolicyType::Dane) {
        let about = decided.about(PolicyType::Dane);
        return part(
            "decides",
            format!("what DNS says about TLSA records stands above every policy{about}"),
            rule::DANE,
        );
    }
    let has_records = hosts.iter().any(|(_, found)| *found != DaneHost::Absent);
    match (has_records, decided.above(&[PolicyType::Override])) {
        (true, Some(above)) => part("passed-over", format!("the {above} stands above it"), rule::MANUAL),
        (true, None) => part(
            "passed-over",
            "none of its TLSA records can be used; TLS is demanded all the same".to_owned(),
            rule::DANE,
        ),
        (false, _) => part("has-nothing", "no MX host has TLSA records that count".to_owned(), rule::DANE),
    }
}

fn of_policy(dialect: Dialect, decided: &Decided<'_>, question: &Question, grounds: &Grounds) -> Part {
    let findings = match dialect {
        Dialect::MtaSts => &grounds.mta_sts,
        Dialect::SmtpSts => &grounds.smtp_sts,
    };
    let policy = PolicyType::from(dialect);
    let applied = match dialect {
        Dialect::MtaSts => rule::MTA_STS_APPLIED,
        Dialect::SmtpSts => rule::SMTP_STS_APPLIED,
    };
    let part = |part, why: String, rule| Part { mechanism: policy.word(), part, why: why.into(), rule };
    match findings {
        PolicyFindings::InForce(stored) | PolicyFindings::NeverApplied(stored) => {
            if decided.by(policy) {
                let about = decided.about(policy);
                return part("decides", format!("{}{about}", terms(stored)), applied);
            }
            let (above, rule) = stands_above(decided, question, grounds);
            part("passed-over", format!("{}; {above}", terms(stored)), rule)
        }
        PolicyFindings::Lost => part(
            "unknown",
            "the policy in the cache is damaged, and none was found in its place".to_owned(),
            applied,
        ),
        PolicyFindings::NotAsked => part(
            "has-nothing",
            "the configuration leaves it out (mechanisms); a stored policy is kept and not applied"
                .to_owned(),
            rule::MANUAL,
        ),
        PolicyFindings::Absent(_) => {
            part("has-nothing", "there is no policy that could count".to_owned(), applied)
        }
        PolicyFindings::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why)) => {
            part("unknown", format!("nobody can tell whether there is a policy: {why}"), applied)
        }
    }
}

/// Why a policy that exists does not decide, and where that rule stands.
fn stands_above(
    decided: &Decided<'_>,
    question: &Question,
    grounds: &Grounds,
) -> (&'static str, &'static str) {
    if question.request.requirement.is_some() {
        return ("the override stands above it", rule::MANUAL);
    }
    if decided.by(PolicyType::Dane) {
        return ("DANE decides, and no policy repairs what DANE finds", rule::DANE_ABOVE_MTA_STS);
    }
    match &grounds.mta_sts {
        PolicyFindings::Lost | PolicyFindings::Unknown(_) => {
            ("nobody can tell whether there is a policy of MTA-STS, which stands above it", rule::MANUAL)
        }
        PolicyFindings::InForce(_) | PolicyFindings::NeverApplied(_) => {
            ("MTA-STS, the standard that came of this draft, stands above it", rule::MANUAL)
        }
        // No other mechanism can be in its way.
        PolicyFindings::Absent(_) | PolicyFindings::NotAsked => {
            ("it does not bear on this delivery", rule::MANUAL)
        }
    }
}

fn terms(stored: &StoredPolicy) -> String {
    format!("mode {}, authenticated by {}", stored.policy.mode().word(), stored.authentication.word())
}
