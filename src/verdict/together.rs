//! From the judgement on each host to the one on all of them.

use super::sts::{self, Governing};
use super::{
    Case, HostJudgement, Judgement, MxCheck, MxFindings, Permitted, PolicyUpdate, Requirement, Ruling,
    Standing, Tls, Verdict, dane,
};
use crate::limits::MAX_MX_PATTERNS;
use crate::name::MxHost;
use crate::policy::pattern::MxPattern;
use crate::policy::{Authentication, Mode, PolicyType};

/// One host that may be used is enough. Of those that may be, the one that asks for the least speaks for all: so
/// `tls=dane` and `policy=dane` mean that every host to which the mail may go is usable for DANE.
pub(super) fn together(
    case: &Case<'_>,
    governing: &Governing<'_>,
    hosts: Vec<HostJudgement>,
    targets: Vec<HostJudgement>,
    nobody: Ruling,
) -> Judgement {
    let rank = |judged: &&HostJudgement| match (judged.ruling.verdict, judged.standing) {
        (Verdict::Deliver, standing) => (0, judged.ruling.tls, u8::from(standing != Standing::Conforms)),
        (Verdict::Defer, _) => (1, Tls::Opportunistic, 0),
        (Verdict::Refuse, _) => (2, Tls::Opportunistic, 0),
    };
    let spokesman = hosts.iter().min_by_key(rank).map_or(nobody, |judged| judged.ruling);
    // A router asks where to go, not whether a host may be used: with no host left the mail waits.
    let verdict = match spokesman.verdict {
        Verdict::Refuse if case.hosts.is_empty() => Verdict::Defer,
        verdict => verdict,
    };
    let (mode, authentication) = terms(case, governing, spokesman.policy);
    Judgement {
        verdict,
        tls: spokesman.tls,
        policy: spokesman.policy,
        passed: sts::passed_over(case, governing).filter(|passed| *passed != spokesman.policy),
        mode,
        authentication,
        mx: compared(&hosts),
        reason: spokesman.reason,
        tlsa: None,
        permitted: permitted(governing, spokesman, &hosts, &targets),
        hosts,
        policy_update: PolicyUpdate::Nothing,
    }
}

/// Mode and authentication of whatever decided.
fn terms(case: &Case<'_>, governing: &Governing<'_>, decided: PolicyType) -> (Mode, Option<Authentication>) {
    match (decided, governing) {
        (PolicyType::Dane, _) => (Mode::Enforce, Some(Authentication::Dnssec)),
        (PolicyType::Override, _) if case.requirement == Some(Requirement::None) => (Mode::None, None),
        (PolicyType::Override, _) => (Mode::Enforce, None),
        (PolicyType::MtaSts | PolicyType::SmtpSts, Governing::Policy(policy, _)) => {
            (policy.policy.mode(), Some(policy.authentication))
        }
        (PolicyType::MtaSts | PolicyType::SmtpSts | PolicyType::None, _) => (Mode::None, None),
    }
}

fn compared(hosts: &[HostJudgement]) -> MxCheck {
    let any = |wanted: &[Standing]| hosts.iter().any(|host| wanted.contains(&host.standing));
    if any(&[Standing::Conforms]) {
        MxCheck::Match
    } else if any(&[Standing::NotInDns, Standing::NotInPolicy]) {
        MxCheck::Mismatch
    } else {
        MxCheck::Unchecked
    }
}

/// Which hosts a router may use. Under a policy that binds: those that its patterns permit, and those that DANE
/// decides about; hosts by name where a pattern would let in one that has to be left alone, or the patterns are too many
/// for a line. Without one: every host, unless one has to be left alone or the names are those of signed MX records,
/// which protect only if they are held to. What a host's name is an alias for goes with it, unless it has to be left
/// alone itself.
fn permitted(
    governing: &Governing<'_>,
    spokesman: Ruling,
    hosts: &[HostJudgement],
    targets: &[HostJudgement],
) -> Permitted {
    let patterns = match governing {
        Governing::Policy(policy, _)
            if spokesman.tls >= Tls::WebPki && spokesman.policy == policy.policy.dialect().into() =>
        {
            policy.policy.mx()
        }
        Governing::Policy(..) | Governing::Nobody(_) | Governing::Unknown(_) => &[],
    };
    if spokesman.verdict != Verdict::Deliver {
        return Permitted::Only(patterns.to_vec());
    }
    let lets_in = |judged: &&HostJudgement| patterns.iter().any(|pattern| pattern.permits(&judged.host));
    let (usable, left_alone): (Vec<&HostJudgement>, Vec<_>) =
        hosts.iter().chain(targets).partition(|judged| judged.ruling.verdict == Verdict::Deliver);
    match spokesman.tls {
        Tls::Opportunistic if left_alone.is_empty() => Permitted::Every,
        Tls::WebPki if (1..=MAX_MX_PATTERNS).contains(&patterns.len()) && !left_alone.iter().any(lets_in) => {
            let beside = names(usable.into_iter().filter(|judged| !lets_in(judged)));
            Permitted::Only(patterns.iter().cloned().chain(beside).collect())
        }
        Tls::Dane | Tls::Encrypt | Tls::Opportunistic | Tls::WebPki => {
            Permitted::Only(names(usable.into_iter()).collect())
        }
    }
}

/// The hosts by name, none twice.
fn names<'a>(hosts: impl Iterator<Item = &'a HostJudgement>) -> impl Iterator<Item = MxPattern> {
    let mut names: Vec<&MxHost> = Vec::new();
    for judged in hosts {
        if !names.contains(&&judged.host) {
            names.push(&judged.host);
        }
    }
    names.into_iter().map(MxPattern::from)
}

/// Whether DANE decides about every host in question, so that no policy can change anything any more.
#[must_use]
pub fn dane_settles(case: &Case<'_>) -> bool {
    let MxFindings::Hosts { names, .. } = case.mx else { return false };
    let hosts = if case.hosts.is_empty() { names.as_slice() } else { case.hosts };
    !hosts.is_empty() && hosts.iter().all(|host| dane::ruling(case, host, &dane::of(case, host)).is_some())
}
