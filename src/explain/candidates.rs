//! Each host to which the mail may go, and what follows for it.

use super::question::Question;
use crate::name::MxHost;
use crate::reason::Reason;
use crate::verdict::{
    Case, Handshake, HostJudgement, Judgement, PolicyFindings, Standing, dane_settles, judge,
};
use crate::verify::grounds::Grounds;
use serde::Serialize;

/// One host, and what follows for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The host.
    pub host: String,
    /// `deliver`, `defer` or `refuse`.
    pub verdict: &'static str,
    /// The least TLS with which the mail may go there.
    pub tls: &'static str,
    /// Which mechanism decided about it.
    pub policy: &'static str,
    /// How it stands to the policy and to the MX records: the word of a closed list.
    pub standing: &'static str,
    /// Why: a reason word.
    pub reason: &'static str,
    /// What that means.
    pub meaning: &'static str,
    /// Where the rule stands.
    pub rule: &'static str,
}

impl Candidate {
    /// The words for every standing.
    pub const STANDINGS: [&'static str; 4] = ["conforms", "not-in-dns", "not-in-policy", "open"];

    /// The hosts of a judgement.
    #[must_use]
    pub fn all(judgement: &Judgement) -> Vec<Self> {
        judgement.hosts.iter().map(Self::of).collect()
    }

    fn of(judged: &HostJudgement) -> Self {
        let standing = match judged.standing {
            Standing::Conforms => "conforms",
            Standing::NotInDns => "not-in-dns",
            Standing::NotInPolicy => "not-in-policy",
            Standing::Open => "open",
        };
        let explanation = judged.ruling.reason.explain();
        Self {
            host: judged.host.to_string(),
            verdict: judged.ruling.verdict.word(),
            tls: judged.ruling.tls.word(),
            policy: judged.ruling.policy.word(),
            standing,
            reason: explanation.word,
            meaning: explanation.meaning,
            rule: explanation.rule,
        }
    }

    /// What the host is to the domain, in a few words.
    #[must_use]
    pub fn stands(&self) -> &'static str {
        match self.standing {
            "conforms" if self.reason == Reason::DaneUsable.word() => "its TLSA records decide",
            "conforms" => "permitted, and an MX host",
            "not-in-dns" => "no MX host of the domain",
            "not-in-policy" => "not permitted by the policy",
            _ => "nothing to compare with",
        }
    }
}

/// The judgement on the domain's own MX hosts, which the enforcing router asks for: by the same rules on the same
/// grounds, whatever host was asked about, and before any handshake.
#[must_use]
pub fn for_a_router(question: &Question, grounds: &Grounds) -> Judgement {
    const NOBODY: [MxHost; 0] = [];
    let not_asked = PolicyFindings::NotAsked;
    let request = &question.request;
    let case = Case {
        hosts: &NOBODY,
        handshake: Handshake::NotSeen,
        on_unreachable: request.on_unreachable,
        requirement: request.requirement,
        dane: &grounds.dane,
        mta_sts: &not_asked,
        smtp_sts: &not_asked,
        mx: &grounds.mx,
    };
    if request.requirement.is_some() || dane_settles(&case) {
        return judge(case);
    }
    judge(Case { mta_sts: &grounds.mta_sts, smtp_sts: &grounds.smtp_sts, ..case })
}
