//! How a case is judged: host by host, mechanism by mechanism, and then together.

use super::sts::{self, Force, Governing, History};
use super::together::together;
use super::{
    Case, DaneHost, HostJudgement, Judgement, Memorandum, MxFindings, PolicyType, Requirement, Ruling,
    Standing, Tls, Verdict, dane,
};
use crate::name::MxHost;

use crate::reason::Reason;

/// Judges a case.
#[must_use]
pub fn judge(case: Case<'_>) -> Judgement {
    let governing = sts::governing(&case);
    let standings: Vec<Candidate<'_>> = candidates(&case)
        .iter()
        .map(|host| {
            let permits = |name: &MxHost| match &governing {
                Governing::Policy(policy, _) if case.requirement.is_none() => policy.policy.permits(name),
                _ => true,
            };
            Candidate { host, standing: sts::standing(permits, case.mx, host), dane: dane::of(&case, host) }
        })
        .collect();
    let (force, memorandum) = match &governing {
        Governing::Policy(policy, history) if case.requirement.is_none() => {
            let met = standings.iter().any(|c| sts::is_met(&policy.policy, c.standing, &c.dane));
            let in_force =
                *history == History::InForce || (met && sts::puts_in_force(&case, policy.authentication));
            let memorandum = match history {
                History::New if in_force => Memorandum::Applied,
                History::New if met => Memorandum::Seen,
                History::InForce | History::New => Memorandum::Nothing,
            };
            (Some(Force::of(policy, in_force)), memorandum)
        }
        _ => (None, Memorandum::Nothing),
    };
    let judged: Vec<HostJudgement> = standings.iter().map(|c| c.judged(&case, &governing, force)).collect();
    let nobody = rule(&case, &governing, force, Standing::Open, &DaneHost::Absent);
    let judgement = together(&case, &governing, judged, nobody);
    Judgement { memorandum, ..judgement }
}

/// A host on trial, and what is known about it.
struct Candidate<'a> {
    host: &'a MxHost,
    standing: Standing,
    dane: DaneHost,
}

impl Candidate<'_> {
    fn judged(&self, case: &Case<'_>, governing: &Governing<'_>, force: Option<Force>) -> HostJudgement {
        let ruling = rule(case, governing, force, self.standing, &self.dane);
        let compares = force.is_some() || case.requirement.is_some();
        let standing = match ruling.policy {
            PolicyType::Dane => Standing::Conforms,
            _ if compares => self.standing,
            _ => Standing::Open,
        };
        HostJudgement { host: self.host.clone(), standing, ruling }
    }
}

/// Whom the judgement is about: the hosts asked about, or else the domain's own.
fn candidates<'a>(case: &Case<'a>) -> &'a [MxHost] {
    match case.mx {
        MxFindings::Hosts { names, .. } if case.hosts.is_empty() => names,
        _ => case.hosts,
    }
}

/// The order of the mechanisms. A failure of DANE is never repaired by a policy (RFC 8461 section 2).
fn rule(
    case: &Case<'_>,
    governing: &Governing<'_>,
    force: Option<Force>,
    standing: Standing,
    found: &DaneHost,
) -> Ruling {
    if let Some(requirement) = case.requirement {
        return required(case, requirement, standing, found);
    }
    if let Some(ruling) = dane::ruling(found, case.handshake) {
        return ruling;
    }
    let ruling = match (governing, force) {
        (Governing::Policy(policy, _), Some(force)) => sts::under(case, policy, force, standing),
        (Governing::Policy(..), None) => sts::bound_by_nobody(case.mx, Reason::NoPolicy),
        (Governing::Nobody(reason), _) => sts::bound_by_nobody(case.mx, *reason),
        (Governing::Unknown(reason), _) => Ruling {
            verdict: Verdict::Defer,
            tls: Tls::Opportunistic,
            policy: PolicyType::None,
            reason: *reason,
        },
    };
    if *found == DaneHost::Unusable { dane::at_least_encrypted(ruling) } else { ruling }
}

/// What the administrator requires stands above everything that the domain publishes; where the mail goes must be
/// known all the same.
fn required(case: &Case<'_>, requirement: Requirement, standing: Standing, found: &DaneHost) -> Ruling {
    let policy = PolicyType::Override;
    let of_mx = |tls, binding| {
        let unproven = if standing == Standing::Open { sts::without_mx(case.mx, binding) } else { None };
        let (verdict, reason) = match (unproven, standing) {
            (Some(unproven), _) => unproven,
            (None, Standing::NotInDns) if binding => (Verdict::Refuse, Reason::MxNotInDns),
            (None, _) => (Verdict::Deliver, Reason::Override),
        };
        Ruling { verdict, tls, policy, reason }
    };
    match requirement {
        Requirement::None => Ruling { policy, ..sts::bound_by_nobody(case.mx, Reason::Override) },
        Requirement::WebPki if case.handshake == super::Handshake::Unverified => {
            Ruling { verdict: Verdict::Refuse, tls: Tls::WebPki, policy, reason: Reason::TlsUnverified }
        }
        Requirement::WebPki => of_mx(Tls::WebPki, true),
        Requirement::Dane => match dane::ruling(found, case.handshake) {
            Some(ruling) if ruling.verdict == Verdict::Deliver => {
                Ruling { policy, reason: Reason::Override, ..ruling }
            }
            Some(ruling) => Ruling { policy, ..ruling },
            None => match of_mx(Tls::Dane, true) {
                ruling if ruling.verdict == Verdict::Deliver => {
                    Ruling { verdict: Verdict::Refuse, reason: Reason::TlsaRequired, ..ruling }
                }
                ruling => ruling,
            },
        },
    }
}
