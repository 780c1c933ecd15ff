//! How a case is judged (draft section 3.5 and appendix 1, with the decisions of its digest).

use super::{
    Absence, Aliases, Case, Handshake, HostJudgement, Judgement, Memorandum, MxCheck, MxFindings,
    OnUnreachable, Permitted, PolicyFindings, PolicyType, Standing, Tls, Trouble, Verdict,
};
use crate::cache::{Authentication, StoredPolicy};
use crate::dns::{Blame, Outage, ZoneStatus};
use crate::name::MxHost;
use crate::policy::pattern::MxPattern;
use crate::policy::{Constraint, Mode, Policy};
use crate::reason::Reason;

/// Judges a case.
#[must_use]
pub fn judge(case: Case<'_>) -> Judgement {
    match case.policy {
        PolicyFindings::Unknown(trouble) => without_answer(case, trouble),
        PolicyFindings::Absent(absence) => without_policy(case, absence),
        PolicyFindings::InForce(policy) => under(case, policy, History::Met),
        PolicyFindings::NeverApplied(policy) => under(case, policy, History::New),
    }
}

/// Nobody can tell whether there is a policy, and none is in force. Only in a zone that is proven to be unsigned is
/// silence harmless: there an attacker could as well have sent an absence.
fn without_answer(case: Case<'_>, trouble: &Trouble) -> Judgement {
    match case.on_unreachable {
        _ if must_wait(trouble) => Judgement::plain(Verdict::Defer, reason_of(trouble), case.hosts),
        OnUnreachable::Defer => Judgement::plain(Verdict::Defer, Reason::PolicyUnreachable, case.hosts),
        OnUnreachable::Deliver => bound_by_nothing(case, Reason::PolicyUnreachable),
    }
}

fn without_policy(case: Case<'_>, absence: &Absence) -> Judgement {
    let reason = match absence {
        Absence::Malformed(_) => Reason::PolicyMalformed,
        Absence::Nothing => Reason::NoPolicy,
        Absence::Unauthenticated(_) => Reason::PolicyUnauthenticated,
    };
    bound_by_nothing(case, reason)
}

/// No policy counts. A forged MX would still lead the mail astray: an MX RRset that should be provable and is not lets
/// it wait.
fn bound_by_nothing(case: Case<'_>, reason: Reason) -> Judgement {
    let (verdict, reason) = match case.mx {
        MxFindings::Null => (Verdict::Deliver, Reason::NullMx),
        MxFindings::TooMany(_) => (Verdict::Defer, Reason::TooManyMx),
        MxFindings::Unknown(trouble) if must_wait(trouble) => (Verdict::Defer, reason_of(trouble)),
        MxFindings::Hosts { .. } | MxFindings::Unknown(_) => (Verdict::Deliver, reason),
    };
    Judgement::plain(verdict, reason, case.hosts)
}

/// Whether a policy was met before this delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum History {
    Met,
    New,
}

/// What a policy may do to a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Force {
    /// Refuse it.
    Binding,
    /// Nothing: it was never met (draft section 3.3).
    Disregarded,
    /// Nothing but report: `to=false`.
    Reporting,
    /// Nothing: it demands what cannot be validated here (draft section 3.3).
    Unsupported,
}

fn under(case: Case<'_>, policy: &StoredPolicy, history: History) -> Judgement {
    let terms = &policy.policy;
    let hosts: Vec<(&MxHost, Standing)> =
        candidates(&case).iter().map(|host| (host, standing(terms, case.mx, host))).collect();
    let met = hosts.iter().any(|(_, standing)| *standing == Standing::Conforms);
    let in_force = history == History::Met || (met && puts_in_force(&case, policy.authentication));
    let force = match (terms.mode(), terms.constraint()) {
        (Mode::Testing | Mode::None, _) => Force::Reporting,
        (Mode::Enforce, Constraint::Tlsa) => Force::Unsupported,
        (Mode::Enforce, Constraint::WebPki) if in_force => Force::Binding,
        (Mode::Enforce, Constraint::WebPki) => Force::Disregarded,
    };
    let rule = |standing| consequence(&case, policy.authentication, force, standing);
    let judged: Vec<HostJudgement> = hosts
        .iter()
        .map(|(host, standing)| {
            let (verdict, reason) = rule(*standing);
            HostJudgement { host: (*host).clone(), standing: *standing, verdict, reason }
        })
        .collect();
    let (verdict, reason) = together(&judged).unwrap_or_else(|| rule(Standing::Open));
    // A router asks where to go, not whether a host may be used: with no host left the mail waits.
    let verdict = if case.hosts.is_empty() && verdict == Verdict::Refuse { Verdict::Defer } else { verdict };
    Judgement {
        verdict,
        tls: if force == Force::Binding { Tls::WebPki } else { Tls::Opportunistic },
        policy: PolicyType::SmtpSts,
        mode: terms.mode(),
        authentication: Some(policy.authentication),
        mx: compared(&judged),
        reason,
        permitted: match force {
            Force::Binding => Permitted::Only(permitted(terms, case.mx)),
            _ if verdict == Verdict::Deliver => Permitted::Every,
            Force::Disregarded | Force::Reporting | Force::Unsupported => Permitted::Only(Vec::new()),
        },
        hosts: judged,
        memorandum: match history {
            History::New if in_force => Memorandum::Applied,
            History::New if met => Memorandum::Seen,
            History::Met | History::New => Memorandum::Nothing,
        },
    }
}

/// Whom the judgement is about: the hosts asked about, or else the domain's own.
fn candidates<'a>(case: &Case<'a>) -> &'a [MxHost] {
    match case.mx {
        MxFindings::Hosts { names, .. } if case.hosts.is_empty() => names,
        _ => case.hosts,
    }
}

/// Decided: only hosts that were asked about put a policy in force, the domain's own MX hosts only where none was
/// named. So the first question of all, about a host that the policy forbids, refuses nothing (draft section 3.3);
/// whoever asks for the domain first, as the enforcing router does, is protected from the first mail on.
///
/// An authenticated policy is in force once one host has met it: certificate and STARTTLS are Exim's to enforce, as
/// `tls=` demands. One taken on first use needs a verified handshake: else one forged record could block a domain.
fn puts_in_force(case: &Case<'_>, authentication: Authentication) -> bool {
    match authentication {
        Authentication::Dnssec | Authentication::WebPki => case.handshake != Handshake::Unverified,
        Authentication::FirstUse => case.handshake == Handshake::Verified && !case.hosts.is_empty(),
    }
}

/// A host reached through a validated alias counts as the MX name that led there.
fn standing(terms: &Policy, mx: &MxFindings, host: &MxHost) -> Standing {
    let MxFindings::Hosts { names, aliases } = mx else {
        return if terms.permits(host) { Standing::Open } else { Standing::NotInPolicy };
    };
    let targets = aliases.iter().flat_map(|aliases| &aliases.targets);
    let stands_for = targets.filter(|(target, _)| target == host).map(|(_, name)| name);
    let mut is_mx_host = false;
    for name in names.iter().filter(|name| *name == host).chain(stands_for) {
        is_mx_host = true;
        if terms.permits(name) {
            return Standing::Conforms;
        }
    }
    if is_mx_host || !terms.permits(host) {
        Standing::NotInPolicy
    } else if aliases.as_ref().is_some_and(|aliases| aliases.unseen.is_some()) {
        Standing::Open
    } else {
        Standing::NotInDns
    }
}

/// What follows for one host. A host that the policy forbids is forbidden whatever DNS says today; for one that it
/// permits, the MX RRset must be known.
fn consequence(
    case: &Case<'_>,
    authentication: Authentication,
    force: Force,
    standing: Standing,
) -> (Verdict, Reason) {
    let handshake_failed = case.handshake == Handshake::Unverified;
    match (force, standing) {
        (Force::Binding, Standing::NotInPolicy) => return (Verdict::Refuse, Reason::MxNotInPolicy),
        (Force::Binding, Standing::NotInDns) => return (Verdict::Refuse, Reason::MxNotInDns),
        (Force::Binding, _) if handshake_failed => return (Verdict::Refuse, Reason::TlsUnverified),
        _ => {}
    }
    let unproven = if standing == Standing::Open { without_mx(case.mx, force) } else { None };
    unproven.unwrap_or(match force {
        Force::Binding => (Verdict::Deliver, Reason::PolicyMet),
        Force::Disregarded if authentication == Authentication::FirstUse => {
            (Verdict::Deliver, Reason::FirstUse)
        }
        Force::Disregarded => (Verdict::Deliver, Reason::NeverApplied),
        Force::Reporting if handshake_failed => (Verdict::Deliver, Reason::ReportOnly),
        Force::Reporting if standing == Standing::Conforms => (Verdict::Deliver, Reason::PolicyMet),
        Force::Reporting => (Verdict::Deliver, Reason::ReportOnly),
        Force::Unsupported => (Verdict::Deliver, Reason::UnsupportedConstraint),
    })
}

/// What follows for a host of which it cannot be learnt whether it is an MX host.
fn without_mx(mx: &MxFindings, force: Force) -> Option<(Verdict, Reason)> {
    match mx {
        MxFindings::Hosts { aliases: Some(Aliases { unseen: Some(trouble), .. }), .. }
            if force == Force::Binding =>
        {
            Some((Verdict::Defer, reason_of(trouble)))
        }
        // MX records, and none of them names a host.
        MxFindings::Hosts { names, .. } if names.is_empty() && force == Force::Binding => {
            Some((Verdict::Defer, Reason::MxNotInDns))
        }
        MxFindings::Hosts { .. } => None,
        MxFindings::Null => Some((Verdict::Deliver, Reason::NullMx)),
        MxFindings::TooMany(_) => Some((Verdict::Defer, Reason::TooManyMx)),
        MxFindings::Unknown(trouble) if force == Force::Binding || must_wait(trouble) => {
            Some((Verdict::Defer, reason_of(trouble)))
        }
        MxFindings::Unknown(_) => None,
    }
}

/// One host that may be used is enough; the reason is that of the best one.
fn together(hosts: &[HostJudgement]) -> Option<(Verdict, Reason)> {
    let rank = |host: &&HostJudgement| match (host.verdict, host.standing) {
        (Verdict::Deliver, Standing::Conforms) => 0,
        (Verdict::Deliver, _) => 1,
        (Verdict::Defer, _) => 2,
        (Verdict::Refuse, _) => 3,
    };
    hosts.iter().min_by_key(rank).map(|host| (host.verdict, host.reason))
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

/// The patterns of the policy; where it has none, the hosts that DNS names.
fn permitted(terms: &Policy, mx: &MxFindings) -> Vec<MxPattern> {
    match mx {
        MxFindings::Hosts { names, aliases } if terms.mx().is_empty() => names
            .iter()
            .chain(aliases.iter().flat_map(|aliases| &aliases.targets).map(|(target, _)| target))
            .map(MxPattern::from)
            .collect(),
        _ => terms.mx().to_vec(),
    }
}

const fn must_wait(trouble: &Trouble) -> bool {
    !matches!(trouble, Trouble::Unreachable(_, ZoneStatus::ProvenInsecure, _))
}

const fn reason_of(trouble: &Trouble) -> Reason {
    match trouble {
        Trouble::Bogus(Blame::Clock, _) => Reason::ClockSuspect,
        Trouble::Bogus(Blame::Domain, _) => Reason::DnssecBogus,
        Trouble::Bogus(Blame::StrippingResolver, _) => Reason::DnssecStripped,
        Trouble::Bogus(Blame::TrustAnchor, _) | Trouble::Unreachable(Outage::NoTrustAnchor, ..) => {
            Reason::NoTrustAnchor
        }
        Trouble::Unreachable(Outage::Deadline, ..) => Reason::Deadline,
        Trouble::Unreachable(Outage::Budget | Outage::NoAnswer, ..) => Reason::DnsUnreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::PolicyDomain;
    use crate::policy::smtp_sts::Record;
    use crate::time::UnixTime;

    const ENFORCE: &str = "v=STS1; to=true; mx=*.example.com; a=dnssec; c=webpki; e=86400";
    const REPORT: &str = "v=STS1; to=false; mx=*.example.com; a=dnssec; c=webpki; e=86400";

    fn host(text: &str) -> MxHost {
        MxHost::from_text(text).unwrap()
    }

    fn policy(record: &str, authentication: Authentication) -> StoredPolicy {
        let domain = PolicyDomain::parse("example.com").unwrap();
        let record = Record::parse(record).unwrap();
        StoredPolicy::fetched(&domain, record, authentication, UnixTime(1_000), UnixTime(2_000))
    }

    fn mx(names: &[&str]) -> MxFindings {
        MxFindings::Hosts { names: names.iter().map(|name| host(name)).collect(), aliases: None }
    }

    fn silence(zone: ZoneStatus) -> Trouble {
        Trouble::Unreachable(Outage::NoAnswer, zone, "silence".into())
    }

    fn judged(policy: &PolicyFindings, mx: &MxFindings, asked: &[&str], handshake: Handshake) -> Judgement {
        let hosts: Vec<MxHost> = asked.iter().map(|name| host(name)).collect();
        judge(Case { hosts: &hosts, handshake, on_unreachable: OnUnreachable::Deliver, policy, mx })
    }

    fn outcome(policy: &PolicyFindings, mx: &MxFindings, asked: &[&str]) -> (Verdict, Reason, Tls) {
        let judgement = judged(policy, mx, asked, Handshake::NotSeen);
        (judgement.verdict, judgement.reason, judgement.tls)
    }

    fn in_force(record: &str) -> PolicyFindings {
        PolicyFindings::InForce(policy(record, Authentication::Dnssec))
    }

    fn new(record: &str, authentication: Authentication) -> PolicyFindings {
        PolicyFindings::NeverApplied(policy(record, authentication))
    }

    #[test]
    fn under_a_policy_in_force_only_a_permitted_mx_host_gets_the_mail() {
        let (policy, mx) = (in_force(ENFORCE), mx(&["mx1.example.com", "backup.example.net"]));
        for (asked, expected) in [
            ("mx1.example.com", (Verdict::Deliver, Reason::PolicyMet, Tls::WebPki)),
            ("backup.example.net", (Verdict::Refuse, Reason::MxNotInPolicy, Tls::WebPki)),
            ("mx2.example.com", (Verdict::Refuse, Reason::MxNotInDns, Tls::WebPki)),
            ("evil.test", (Verdict::Refuse, Reason::MxNotInPolicy, Tls::WebPki)),
        ] {
            assert_eq!(outcome(&policy, &mx, &[asked]), expected, "{asked}");
        }
    }

    #[test]
    fn of_several_hosts_one_that_conforms_is_enough() {
        let judgement = judged(
            &in_force(ENFORCE),
            &mx(&["mx1.example.com"]),
            &["evil.test", "mx1.example.com"],
            Handshake::NotSeen,
        );
        assert_eq!((judgement.verdict, judgement.mx), (Verdict::Deliver, MxCheck::Match));
        let verdicts: Vec<Verdict> = judgement.hosts.iter().map(|host| host.verdict).collect();
        assert_eq!(verdicts, [Verdict::Refuse, Verdict::Deliver]);
    }

    #[test]
    fn a_router_is_told_to_wait_where_no_mx_host_is_left() {
        let judgement = judged(&in_force(ENFORCE), &mx(&["backup.example.net"]), &[], Handshake::NotSeen);
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Defer, Reason::MxNotInPolicy));
        assert!(judgement.forbids());
        assert_eq!(judgement.permitted, Permitted::Only(vec![MxPattern::parse("*.example.com").unwrap()]));
    }

    #[test]
    fn mail_waits_where_no_mx_record_names_a_host() {
        assert_eq!(
            outcome(&in_force(ENFORCE), &mx(&[]), &[]),
            (Verdict::Defer, Reason::MxNotInDns, Tls::WebPki)
        );
    }

    #[test]
    fn an_alias_target_counts_as_its_mx_name() {
        let mx = MxFindings::Hosts {
            names: vec![host("mx.example.com")],
            aliases: Some(Aliases {
                targets: vec![(host("mail.provider.test"), host("mx.example.com"))],
                unseen: None,
            }),
        };
        assert_eq!(outcome(&in_force(ENFORCE), &mx, &["mail.provider.test"]).0, Verdict::Deliver);
        let other = in_force("v=STS1; to=true; mx=mail.provider.test; a=dnssec; e=86400");
        assert_eq!(outcome(&other, &mx, &["mail.provider.test"]).1, Reason::MxNotInPolicy);
    }

    #[test]
    fn without_patterns_the_mx_hosts_themselves_are_permitted() {
        let open = in_force("v=STS1; to=true; a=dnssec; e=86400");
        let mx = mx(&["mx1.example.com"]);
        assert_eq!(outcome(&open, &mx, &["mx1.example.com"]).0, Verdict::Deliver);
        assert_eq!(outcome(&open, &mx, &["evil.test"]).1, Reason::MxNotInDns);
        let judgement = judged(&open, &mx, &[], Handshake::NotSeen);
        assert_eq!(judgement.permitted, Permitted::Only(vec![MxPattern::from(&host("mx1.example.com"))]));
    }

    #[test]
    fn a_policy_that_only_reports_never_refuses() {
        for findings in
            [in_force(REPORT), new(REPORT, Authentication::Dnssec), new(REPORT, Authentication::FirstUse)]
        {
            let mx = mx(&["mx1.example.com"]);
            assert_eq!(
                outcome(&findings, &mx, &["mx1.example.com"]),
                (Verdict::Deliver, Reason::PolicyMet, Tls::Opportunistic)
            );
            assert_eq!(
                outcome(&findings, &mx, &["evil.test"]),
                (Verdict::Deliver, Reason::ReportOnly, Tls::Opportunistic)
            );
        }
    }

    #[test]
    fn an_authenticated_policy_is_in_force_once_one_host_has_met_it() {
        for authentication in [Authentication::Dnssec, Authentication::WebPki] {
            let findings = new(ENFORCE, authentication);
            let mx = mx(&["mx1.example.com"]);
            let met = judged(&findings, &mx, &["mx1.example.com"], Handshake::NotSeen);
            assert_eq!(
                (met.verdict, met.tls, met.memorandum),
                (Verdict::Deliver, Tls::WebPki, Memorandum::Applied)
            );
            let unmet = judged(&findings, &mx, &["evil.test"], Handshake::NotSeen);
            assert_eq!((unmet.verdict, unmet.reason), (Verdict::Deliver, Reason::NeverApplied));
            assert_eq!((unmet.tls, unmet.memorandum), (Tls::Opportunistic, Memorandum::Nothing));
            let failed = judged(&findings, &mx, &["mx1.example.com"], Handshake::Unverified);
            assert_eq!((failed.verdict, failed.memorandum), (Verdict::Deliver, Memorandum::Seen));
        }
    }

    #[test]
    fn a_policy_on_first_use_waits_for_a_verified_handshake() {
        let findings = new(ENFORCE, Authentication::FirstUse);
        let mx = mx(&["mx1.example.com"]);
        let seen = judged(&findings, &mx, &["mx1.example.com"], Handshake::NotSeen);
        assert_eq!(
            (seen.verdict, seen.reason, seen.tls),
            (Verdict::Deliver, Reason::FirstUse, Tls::Opportunistic)
        );
        assert_eq!(seen.memorandum, Memorandum::Seen);
        assert_eq!(
            judged(&findings, &mx, &["evil.test"], Handshake::Verified).memorandum,
            Memorandum::Nothing
        );
        assert_eq!(judged(&findings, &mx, &[], Handshake::Verified).memorandum, Memorandum::Seen);
        let verified = judged(&findings, &mx, &["mx1.example.com"], Handshake::Verified);
        assert_eq!((verified.tls, verified.memorandum), (Tls::WebPki, Memorandum::Applied));
    }

    #[test]
    fn an_unverified_handshake_breaks_a_policy_in_force() {
        let (policy, mx) = (in_force(ENFORCE), mx(&["mx1.example.com"]));
        let judgement = judged(&policy, &mx, &["mx1.example.com"], Handshake::Unverified);
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Refuse, Reason::TlsUnverified));
        assert!(judgement.forbids());
    }

    #[test]
    fn an_unsupported_constraint_binds_nobody() {
        let findings = in_force("v=STS1; to=true; mx=mx1.example.com; a=dnssec; c=tlsa; e=86400");
        for asked in ["mx1.example.com", "evil.test"] {
            let expected = (Verdict::Deliver, Reason::UnsupportedConstraint, Tls::Opportunistic);
            assert_eq!(outcome(&findings, &mx(&["mx1.example.com"]), &[asked]), expected);
        }
    }

    #[test]
    fn a_host_that_the_policy_forbids_is_refused_whatever_dns_says() {
        let troubles = [
            MxFindings::Null,
            MxFindings::TooMany(1_000),
            MxFindings::Unknown(silence(ZoneStatus::ProvenInsecure)),
            MxFindings::Unknown(Trouble::Bogus(Blame::Domain, String::new())),
        ];
        for mx in &troubles {
            assert_eq!(outcome(&in_force(ENFORCE), mx, &["evil.test"]).0, Verdict::Refuse, "{mx:?}");
        }
        let verdicts = troubles.each_ref().map(|mx| outcome(&in_force(ENFORCE), mx, &["mx1.example.com"]).0);
        assert_eq!(verdicts, [Verdict::Deliver, Verdict::Defer, Verdict::Defer, Verdict::Defer]);
    }

    #[test]
    fn silence_is_an_absence_only_where_the_zone_is_proven_to_be_unsigned() {
        let asks = |trouble: Trouble, on_unreachable| {
            let policy = PolicyFindings::Unknown(trouble);
            let judgement = judge(Case {
                hosts: &[],
                handshake: Handshake::NotSeen,
                on_unreachable,
                policy: &policy,
                mx: &mx(&["mx.example.com"]),
            });
            (judgement.verdict, judgement.reason)
        };
        use OnUnreachable::{Defer, Deliver};
        assert_eq!(
            asks(silence(ZoneStatus::ProvenInsecure), Deliver),
            (Verdict::Deliver, Reason::PolicyUnreachable)
        );
        assert_eq!(
            asks(silence(ZoneStatus::ProvenInsecure), Defer),
            (Verdict::Defer, Reason::PolicyUnreachable)
        );
        for zone in [ZoneStatus::Signed, ZoneStatus::Unknown] {
            assert_eq!(asks(silence(zone), Deliver), (Verdict::Defer, Reason::DnsUnreachable));
        }
        for (blame, reason) in [
            (Blame::Domain, Reason::DnssecBogus),
            (Blame::StrippingResolver, Reason::DnssecStripped),
            (Blame::Clock, Reason::ClockSuspect),
            (Blame::TrustAnchor, Reason::NoTrustAnchor),
        ] {
            assert_eq!(asks(Trouble::Bogus(blame, String::new()), Deliver), (Verdict::Defer, reason));
        }
    }

    #[test]
    fn without_a_policy_mail_flows_unless_the_mx_rrset_is_a_proven_lie() {
        let nothing = PolicyFindings::Absent(Absence::Nothing);
        for (mx, expected) in [
            (mx(&["mx.example.com"]), (Verdict::Deliver, Reason::NoPolicy)),
            (MxFindings::Null, (Verdict::Deliver, Reason::NullMx)),
            (MxFindings::TooMany(65), (Verdict::Defer, Reason::TooManyMx)),
            (MxFindings::Unknown(silence(ZoneStatus::ProvenInsecure)), (Verdict::Deliver, Reason::NoPolicy)),
            (MxFindings::Unknown(silence(ZoneStatus::Signed)), (Verdict::Defer, Reason::DnsUnreachable)),
            (
                MxFindings::Unknown(Trouble::Bogus(Blame::Domain, String::new())),
                (Verdict::Defer, Reason::DnssecBogus),
            ),
        ] {
            let judgement = judged(&nothing, &mx, &["mx.example.com"], Handshake::NotSeen);
            assert_eq!((judgement.verdict, judgement.reason), expected, "{mx:?}");
            assert_eq!(judgement.tls, Tls::Opportunistic);
        }
    }
}
