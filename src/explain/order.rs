//! Which mechanism decided, which were passed over, and why: in the order in which they are asked.

use super::question::{Decree, Question};
use super::said::Said;
use crate::cache::StoredPolicy;
use crate::policy::Dialect;
use crate::time::UnixTime;
use crate::verdict::{DaneFindings, DaneHost, Judgement, PolicyFindings, PolicyType, Trouble};
use crate::verify::explain::Grounds;
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
            of_dane(&decided, &grounds.dane),
            of_policy(Dialect::MtaSts, &decided, &grounds.mta_sts, question),
            of_policy(Dialect::SmtpSts, &decided, &grounds.smtp_sts, question),
        ]
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

const BY_HAND: &str = "this program's manual";

fn of_decree(decree: Option<&Decree>, now: UnixTime) -> Part {
    let (part, why) = match decree {
        None => ("has-nothing", "the configuration says nothing about this domain".to_owned()),
        Some(decree) if decree.is_in_force(now) => (
            "decides",
            format!(
                "the override for {} ({}) counts until {}: {}",
                decree.scope,
                decree.effect.word(),
                decree.ends,
                decree.why()
            ),
        ),
        Some(decree) => (
            "has-nothing",
            format!(
                "the override for {} ended at {} and is ignored: {}",
                decree.scope,
                decree.ends,
                decree.why()
            ),
        ),
    };
    Part { mechanism: PolicyType::Override.word(), part, why: why.into(), rule: BY_HAND }
}

fn of_dane(decided: &Decided<'_>, dane: &DaneFindings) -> Part {
    const LOOKED_UP: &str = "RFC 7672 section 2.2";
    let part =
        |part, why: String, rule| Part { mechanism: PolicyType::Dane.word(), part, why: why.into(), rule };
    let hosts = match dane {
        DaneFindings::Inapplicable(why) => {
            // What stands behind the colon is told where DANE is asked.
            let why = why.split(':').next().unwrap_or(why);
            let rule = if decided.by(PolicyType::Override) { BY_HAND } else { "RFC 7672 section 2.2.1" };
            return part("does-not-apply", why.to_owned(), rule);
        }
        DaneFindings::Hosts(hosts) => hosts,
    };
    if decided.by(PolicyType::Dane) {
        let about = decided.about(PolicyType::Dane);
        return part(
            "decides",
            format!("what DNS says about TLSA records stands above every policy{about}"),
            LOOKED_UP,
        );
    }
    let has_records = hosts.iter().any(|(_, found)| *found != DaneHost::Absent);
    match (has_records, decided.above(&[PolicyType::Override])) {
        (true, Some(above)) => part("passed-over", format!("the {above} stands above it"), BY_HAND),
        (true, None) => part(
            "passed-over",
            "none of its TLSA records can be used; TLS is demanded all the same".to_owned(),
            LOOKED_UP,
        ),
        (false, _) => part("has-nothing", "no MX host has TLSA records that count".to_owned(), LOOKED_UP),
    }
}

fn of_policy(
    dialect: Dialect,
    decided: &Decided<'_>,
    findings: &PolicyFindings,
    question: &Question,
) -> Part {
    let policy = PolicyType::from(dialect);
    let rule = match dialect {
        Dialect::MtaSts => "RFC 8461 section 5",
        Dialect::SmtpSts => "draft-margolis-smtp-sts-00 section 3.5",
    };
    let part = |part, why: String, rule| Part { mechanism: policy.word(), part, why: why.into(), rule };
    match findings {
        PolicyFindings::InForce(stored) | PolicyFindings::NeverApplied(stored) => {
            if decided.by(policy) {
                let about = decided.about(policy);
                return part("decides", format!("{}{about}", terms(stored)), rule);
            }
            let (above, rule) = stands_above(dialect, decided, question);
            part("passed-over", format!("{}; {above}", terms(stored)), rule)
        }
        PolicyFindings::Absent(_) | PolicyFindings::NotAsked => {
            part("has-nothing", "there is no policy that could count".to_owned(), rule)
        }
        PolicyFindings::Unknown(Trouble::Bogus(_, why) | Trouble::Unreachable(_, _, why)) => {
            part("unknown", format!("nobody can tell whether there is a policy: {why}"), rule)
        }
    }
}

/// Why a policy that exists does not decide.
fn stands_above(
    dialect: Dialect,
    decided: &Decided<'_>,
    question: &Question,
) -> (&'static str, &'static str) {
    if question.request.requirement.is_some() {
        return ("the override stands above it", BY_HAND);
    }
    if decided.by(PolicyType::Dane) {
        return ("DANE decides, and no policy repairs what DANE finds", "RFC 8461 section 2");
    }
    match dialect {
        Dialect::SmtpSts if decided.by(PolicyType::MtaSts) => {
            ("MTA-STS, the published standard, stands above its draft", "RFC 8461 section 1")
        }
        Dialect::MtaSts | Dialect::SmtpSts => {
            ("where the mail goes is not known well enough for it to count", "RFC 8461 section 4.1")
        }
    }
}

fn terms(stored: &StoredPolicy) -> String {
    format!("mode {}, authenticated by {}", stored.policy.mode().word(), stored.authentication.word())
}
