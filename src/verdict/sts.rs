//! Which policy counts, how a host stands to it, and what follows (RFC 8461 section 5; draft section 3.5 and
//! appendix 1, with the decisions of its digest).

use super::{
    Absence, Aliases, Case, DaneHost, Handshake, LookupError, MxFindings, OnUnreachable, PolicyFindings,
    Ruling, Standing, Tls, Verdict,
};
use crate::dns::{Blame, Class, Outage, ZoneStatus};
use crate::name::MxHost;
use crate::policy::{Authentication, Constraint, Dialect, Mode, Policy, PolicyType, StoredPolicy};
use crate::reason::Reason;

/// Whom a delivery has to satisfy where DANE leaves that open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Governing<'a> {
    /// A policy.
    Policy(&'a StoredPolicy, History),
    /// Nobody: the mail is delivered as ever.
    Nobody(Reason),
    /// Nobody can tell: the mail waits.
    Unknown(Reason),
}

/// Whether a policy was in force before this delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum History {
    InForce,
    New,
}

/// What a policy may do to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Force {
    /// Refuse it.
    Binding(Constraint),
    /// Nothing: it was never met (draft section 3.3).
    Disregarded,
    /// Nothing but report: `testing`, `to=false`.
    Reporting,
    /// Nothing at all: mode `none`.
    Withdrawn,
}

/// MTA-STS outranks the draft. Where it cannot be asked for, a policy of the draft that enforces and is in force still
/// protects the mail; nothing weaker does.
pub(super) fn governing<'a>(case: &Case<'a>) -> Governing<'a> {
    let draft = of_draft(case);
    match case.mta_sts {
        PolicyFindings::InForce(policy) | PolicyFindings::NeverApplied(policy) => {
            Governing::Policy(policy, History::InForce)
        }
        PolicyFindings::Lost => match draft {
            Governing::Policy(policy, History::InForce) if policy.is_enforced() => draft,
            Governing::Policy(..) | Governing::Nobody(_) | Governing::Unknown(_) => {
                Governing::Unknown(Reason::PolicyLost)
            }
        },
        PolicyFindings::NotAsked => draft,
        PolicyFindings::Absent(absence) => match draft {
            Governing::Nobody(Reason::NoPolicy) => Governing::Nobody(reason_of_absence(absence)),
            Governing::Nobody(_) | Governing::Policy(..) | Governing::Unknown(_) => draft,
        },
        PolicyFindings::Unknown(trouble) => match (draft, without_answer(case, trouble)) {
            (Governing::Policy(policy, History::InForce), _) if policy.is_enforced() => draft,
            (Governing::Policy(..) | Governing::Unknown(_), Governing::Nobody(_)) => draft,
            (_, unknown) => unknown,
        },
    }
}

fn of_draft<'a>(case: &Case<'a>) -> Governing<'a> {
    match case.smtp_sts {
        PolicyFindings::InForce(policy) => Governing::Policy(policy, History::InForce),
        PolicyFindings::NeverApplied(policy) => Governing::Policy(policy, History::New),
        PolicyFindings::Absent(absence) => Governing::Nobody(reason_of_absence(absence)),
        PolicyFindings::Lost => Governing::Unknown(Reason::PolicyLost),
        PolicyFindings::NotAsked => Governing::Nobody(Reason::NoPolicy),
        PolicyFindings::Unknown(trouble) => without_answer(case, trouble),
    }
}

/// Nobody can tell whether there is a policy, and none is in force. Only in a zone that is proven to be unsigned is
/// silence harmless: there an attacker could as well have sent an absence.
fn without_answer<'a>(case: &Case<'_>, trouble: &LookupError) -> Governing<'a> {
    match case.on_unreachable {
        _ if must_wait(trouble) => Governing::Unknown(reason_of(trouble)),
        OnUnreachable::Defer => Governing::Unknown(Reason::PolicyUnreachable),
        OnUnreachable::Deliver => Governing::Nobody(Reason::PolicyUnreachable),
    }
}

/// The policy that would count if the governing one did not exist, and is authentic.
pub(super) fn passed_over(case: &Case<'_>, governing: &Governing<'_>) -> Option<PolicyType> {
    let draft_is_authentic = match case.smtp_sts {
        PolicyFindings::InForce(policy) | PolicyFindings::NeverApplied(policy) => {
            policy.authentication != Authentication::FirstUse
        }
        PolicyFindings::Absent(_)
        | PolicyFindings::Lost
        | PolicyFindings::NotAsked
        | PolicyFindings::Unknown(_) => false,
    };
    let by_mta_sts =
        matches!(governing, Governing::Policy(policy, _) if policy.policy.dialect() == Dialect::MtaSts);
    (by_mta_sts && draft_is_authentic).then_some(PolicyType::SmtpSts)
}

impl Force {
    /// Decided: only hosts that were asked about put a policy of the draft in force, the domain's own MX hosts only
    /// where none was named. So the first question of all, about a host that the policy forbids, refuses nothing
    /// (draft section 3.3); asking for the domain first, as the enforcing router does, protects from the
    /// first mail on.
    pub(super) const fn of(policy: &StoredPolicy, in_force: bool) -> Self {
        match policy.policy.mode() {
            Mode::None => Self::Withdrawn,
            Mode::Testing => Self::Reporting,
            Mode::Enforce if in_force => Self::Binding(policy.policy.constraint()),
            Mode::Enforce => Self::Disregarded,
        }
    }
}

/// An authenticated policy is in force once one host has met it: certificate and STARTTLS are Exim's to enforce, as
/// `tls=` demands. One taken on first use needs a verified handshake: else one forged record could block a domain.
pub(super) fn puts_in_force(case: &Case<'_>, authentication: Authentication) -> bool {
    match authentication {
        Authentication::Dnssec | Authentication::WebPki => case.handshake != Handshake::Unverified,
        Authentication::FirstUse => case.handshake == Handshake::Verified && !case.hosts.is_empty(),
    }
}

/// Whether a host meets what the policy asks of it, as far as that is known before the handshake.
pub(super) fn is_met(policy: &Policy, standing: Standing, dane: &DaneHost) -> bool {
    let certificate = match policy.constraint() {
        Constraint::Tlsa => *dane == DaneHost::Usable,
        Constraint::WebPki => true,
    };
    standing == Standing::Conforms && certificate
}

/// How a host stands to what permits hosts. One reached through a validated alias counts as the MX name that led
/// there.
pub(super) fn standing(permits: impl Fn(&MxHost) -> bool, mx: &MxFindings, host: &MxHost) -> Standing {
    let MxFindings::Hosts { names, aliases } = mx else {
        return if permits(host) { Standing::Open } else { Standing::NotInPolicy };
    };
    let targets = aliases.iter().flat_map(|aliases| &aliases.targets);
    let stands_for = targets.filter(|(target, _)| target == host).map(|(_, name)| name);
    let mut is_mx_host = false;
    for name in names.iter().filter(|name| *name == host).chain(stands_for) {
        is_mx_host = true;
        if permits(name) {
            return Standing::Conforms;
        }
    }
    if is_mx_host || !permits(host) {
        Standing::NotInPolicy
    } else if aliases.as_ref().is_some_and(|aliases| aliases.unseen.is_some()) {
        Standing::Open
    } else {
        Standing::NotInDns
    }
}

/// What a policy makes of a host. One that it forbids is forbidden whatever DNS says today; for one that it permits,
/// the MX RRset must be known.
pub(super) fn under(case: &Case<'_>, policy: &StoredPolicy, force: Force, standing: Standing) -> Ruling {
    let tls = if matches!(force, Force::Binding(_)) { Tls::WebPki } else { Tls::Opportunistic };
    let ruling = |(verdict, reason)| Ruling { verdict, tls, policy: policy.policy.dialect().into(), reason };
    let handshake_failed = case.handshake == Handshake::Unverified;
    match (force, standing) {
        (Force::Binding(_), Standing::NotInPolicy) => {
            return ruling((Verdict::Refuse, Reason::MxNotInPolicy));
        }
        (Force::Binding(_), Standing::NotInDns) => return ruling((Verdict::Refuse, Reason::MxNotInDns)),
        // A host with usable TLSA records was judged by them.
        (Force::Binding(Constraint::Tlsa), Standing::Conforms) => {
            return Ruling { tls: Tls::Dane, ..ruling((Verdict::Refuse, Reason::TlsaRequired)) };
        }
        (Force::Binding(_), _) if handshake_failed => {
            return ruling((Verdict::Refuse, Reason::TlsUnverified));
        }
        _ => {}
    }
    let binding = matches!(force, Force::Binding(_));
    let unproven = if standing == Standing::Open { without_mx(case.mx, binding) } else { None };
    ruling(unproven.unwrap_or(match force {
        Force::Binding(_) => (Verdict::Deliver, Reason::PolicyMet),
        Force::Disregarded if policy.authentication == Authentication::FirstUse => {
            (Verdict::Deliver, Reason::FirstUse)
        }
        Force::Disregarded => (Verdict::Deliver, Reason::NeverApplied),
        Force::Reporting if handshake_failed => (Verdict::Deliver, Reason::ReportOnly),
        Force::Reporting if standing == Standing::Conforms => (Verdict::Deliver, Reason::PolicyMet),
        Force::Reporting => (Verdict::Deliver, Reason::ReportOnly),
        Force::Withdrawn => (Verdict::Deliver, Reason::ModeNone),
    }))
}

/// What follows where no policy counts. A forged MX would still lead the mail astray: an MX RRset that should be
/// provable and is not lets it wait.
pub(super) fn bound_by_nobody(mx: &MxFindings, reason: Reason) -> Ruling {
    let (verdict, reason) = match mx {
        MxFindings::Null => (Verdict::Deliver, Reason::NullMx),
        // Of these hosts none can have TLSA records that count.
        MxFindings::TooMany(_, Class::Insecure) => (Verdict::Deliver, reason),
        MxFindings::TooMany(..) => (Verdict::Defer, Reason::TooManyMx),
        MxFindings::Unknown(trouble) if must_wait(trouble) => (Verdict::Defer, reason_of(trouble)),
        MxFindings::Hosts { .. } | MxFindings::Unknown(_) => (Verdict::Deliver, reason),
    };
    Ruling { verdict, tls: Tls::Opportunistic, policy: PolicyType::None, reason }
}

/// What follows for a host of which it cannot be learnt whether it is an MX host.
pub(super) fn without_mx(mx: &MxFindings, binding: bool) -> Option<(Verdict, Reason)> {
    match mx {
        MxFindings::Hosts { aliases: Some(Aliases { unseen: Some(trouble), .. }), .. } if binding => {
            Some((Verdict::Defer, reason_of(trouble)))
        }
        // MX records, and none of them names a host.
        MxFindings::Hosts { names, .. } if names.is_empty() && binding => {
            Some((Verdict::Defer, Reason::MxNotInDns))
        }
        MxFindings::Hosts { .. } => None,
        MxFindings::Null => Some((Verdict::Deliver, Reason::NullMx)),
        MxFindings::TooMany(_, Class::Insecure) if !binding => None,
        MxFindings::TooMany(..) => Some((Verdict::Defer, Reason::TooManyMx)),
        MxFindings::Unknown(trouble) if binding || must_wait(trouble) => {
            Some((Verdict::Defer, reason_of(trouble)))
        }
        MxFindings::Unknown(_) => None,
    }
}

pub(super) const fn must_wait(trouble: &LookupError) -> bool {
    !matches!(trouble, LookupError::Unreachable(_, ZoneStatus::ProvenInsecure, _))
}

pub(super) const fn reason_of(trouble: &LookupError) -> Reason {
    match trouble {
        LookupError::Bogus(Blame::Clock, _) => Reason::ClockSuspect,
        LookupError::Bogus(Blame::Domain, _) => Reason::DnssecBogus,
        LookupError::Bogus(Blame::StrippingResolver, _) => Reason::DnssecStripped,
        LookupError::Bogus(Blame::TrustAnchor, _) | LookupError::Unreachable(Outage::NoTrustAnchor, ..) => {
            Reason::NoTrustAnchor
        }
        LookupError::Unreachable(Outage::Deadline, ..) => Reason::Deadline,
        LookupError::Unreachable(Outage::OutOfResources, ..) => Reason::OutOfResources,
        LookupError::Unreachable(Outage::Budget | Outage::NoAnswer | Outage::NotAsked, ..) => {
            Reason::DnsUnreachable
        }
    }
}

const fn reason_of_absence(absence: &Absence) -> Reason {
    match absence {
        Absence::Malformed(_) => Reason::PolicyMalformed,
        Absence::NotFetched(_) => Reason::PolicyNotFetched,
        Absence::Nothing => Reason::NoPolicy,
        Absence::Unauthenticated(_) => Reason::PolicyUnauthenticated,
    }
}
