//! How a case is judged: host by host, mechanism by mechanism, and then together.

use super::sts::{self, Force, Governing, History};
use super::together::together;
use super::{
    Case, DaneHost, HostJudgement, Judgement, MxFindings, PolicyUpdate, Requirement, Ruling, Standing, Tls,
    Tlsa, Verdict, dane,
};
use crate::name::MxHost;
use crate::policy::PolicyType;
use crate::reason::Reason;

/// Decides whether the mail may go, and to which hosts: each host is judged by the mechanism that stands highest for it (the administrator's word,
/// DANE, MTA-STS, the draft), and then all of them together. Pure: the same case always has the same judgement.
#[must_use]
pub fn judge(case: Case<'_>) -> Judgement {
    let governing = sts::governing(&case);
    let on_trial = |host| Candidate::new(&case, &governing, host);
    let standings: Vec<Candidate<'_>> = candidates(&case).iter().map(on_trial).collect();
    let (force, policy_update) = match &governing {
        Governing::Policy(policy, history) if case.requirement.is_none() => {
            let met = standings.iter().any(|c| sts::is_met(&policy.policy, c.standing, &c.dane));
            let in_force =
                *history == History::InForce || (met && sts::puts_in_force(&case, policy.authentication));
            let policy_update = match history {
                History::New if in_force => PolicyUpdate::Applied,
                History::New if met => PolicyUpdate::Seen,
                History::InForce | History::New => PolicyUpdate::Nothing,
            };
            (Some(Force::of(policy, in_force)), policy_update)
        }
        _ => (None, PolicyUpdate::Nothing),
    };
    let judged: Vec<HostJudgement> = standings.iter().map(|c| c.judged(&case, &governing, force)).collect();
    let tlsa = tlsa(&case, &standings, &judged);
    // Exim may call a host by the name that its MX name is an alias for.
    let targets = targets(case.mx).map(|target| on_trial(target).judged(&case, &governing, force)).collect();
    let nobody = rule(&case, &governing, force, Standing::Open, &DaneHost::Absent, None);
    let judgement = together(&case, &governing, judged, targets, nobody);
    Judgement { policy_update, tlsa, ..judgement }
}

/// What the TLSA records of the hosts to which the mail may go are good for. A mail server that does DANE by itself must
/// not try where none is usable: one linked with OpenSSL holds the host even to a digest of the wrong length.
fn tlsa(case: &Case<'_>, candidates: &[Candidate<'_>], judged: &[HostJudgement]) -> Option<Tlsa> {
    let may_get_it =
        candidates.iter().zip(judged).filter(|(_, judged)| judged.ruling.verdict == Verdict::Deliver);
    let found = may_get_it.filter_map(|(candidate, _)| match candidate.dane {
        DaneHost::Usable => Some(Tlsa::Usable),
        DaneHost::Unusable => Some(Tlsa::Unusable),
        DaneHost::Absent | DaneHost::Unknown(_) => None,
    });
    found.max().filter(|_| case.requirement.is_none())
}

/// A host on trial, and what is known about it.
struct Candidate<'a> {
    host: &'a MxHost,
    standing: Standing,
    dane: DaneHost,
    /// What DANE alone decides.
    by_dane: Option<Ruling>,
}

impl<'a> Candidate<'a> {
    fn new(case: &Case<'_>, governing: &Governing<'_>, host: &'a MxHost) -> Self {
        let permits = |name: &MxHost| match governing {
            Governing::Policy(policy, _) if case.requirement.is_none() => policy.policy.permits(name),
            _ => true,
        };
        let (standing, dane) = (sts::standing(permits, case.mx, host), dane::of(case, host));
        Self { host, standing, by_dane: dane::ruling(case, host, &dane), dane }
    }

    fn judged(&self, case: &Case<'_>, governing: &Governing<'_>, force: Option<Force>) -> HostJudgement {
        let ruling = rule(case, governing, force, self.standing, &self.dane, self.by_dane);
        let compares = force.is_some() || case.requirement.is_some();
        let standing = match ruling.policy {
            PolicyType::Dane if ruling.reason == Reason::MxNotInDns => Standing::NotInDns,
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

/// What the domain's MX hosts are known to be aliases for, as far as these are no MX names themselves.
fn targets(mx: &MxFindings) -> impl Iterator<Item = &MxHost> {
    let (names, targets) = match mx {
        MxFindings::Hosts { names, aliases: Some(aliases) } => (names.as_slice(), aliases.targets.as_slice()),
        _ => (&[][..], &[][..]),
    };
    targets.iter().map(|(target, _)| target).filter(|target| !names.contains(target))
}

/// The order of the mechanisms. A failure of DANE is never repaired by a policy (RFC 8461 section 2).
fn rule(
    case: &Case<'_>,
    governing: &Governing<'_>,
    force: Option<Force>,
    standing: Standing,
    found: &DaneHost,
    by_dane: Option<Ruling>,
) -> Ruling {
    if let Some(requirement) = case.requirement {
        return required(case, requirement, standing, by_dane);
    }
    if let Some(ruling) = by_dane {
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
fn required(
    case: &Case<'_>,
    requirement: Requirement,
    standing: Standing,
    by_dane: Option<Ruling>,
) -> Ruling {
    let policy = PolicyType::Override;
    let of_mx = |tls| {
        let unproven = if standing == Standing::Open { sts::without_mx(case.mx, true) } else { None };
        let (verdict, reason) = match (unproven, standing) {
            (Some(unproven), _) => unproven,
            (None, Standing::NotInDns) => (Verdict::Refuse, Reason::MxNotInDns),
            (None, _) => (Verdict::Deliver, Reason::Override),
        };
        Ruling { verdict, tls, policy, reason }
    };
    match requirement {
        Requirement::None => Ruling { policy, ..sts::bound_by_nobody(case.mx, Reason::Override) },
        Requirement::WebPki if case.handshake == super::Handshake::Unverified => {
            Ruling { verdict: Verdict::Refuse, tls: Tls::WebPki, policy, reason: Reason::TlsUnverified }
        }
        Requirement::WebPki => of_mx(Tls::WebPki),
        Requirement::Dane => match by_dane {
            Some(ruling) if ruling.verdict == Verdict::Deliver => {
                Ruling { policy, reason: Reason::Override, ..ruling }
            }
            Some(ruling) => Ruling { policy, ..ruling },
            None => match of_mx(Tls::Dane) {
                ruling if ruling.reason == Reason::Override => {
                    Ruling { verdict: Verdict::Refuse, reason: Reason::TlsaRequired, ..ruling }
                }
                ruling => ruling,
            },
        },
    }
}
