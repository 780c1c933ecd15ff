//! Policies of the draft's dialect, alone.

use super::*;
use smtp_sts_verify::dns::Class;

const ENFORCE: &str = "v=STS1; to=true; mx=*.example.com; a=dnssec; c=webpki; e=86400";
const REPORT: &str = "v=STS1; to=false; mx=*.example.com; a=dnssec; c=webpki; e=86400";

fn judged(policy: &PolicyFindings, mx: &MxFindings, asked: &[&str], handshake: Handshake) -> Judgement {
    let hosts: Vec<MxHost> = asked.iter().map(|name| host(name)).collect();
    judge(Case { hosts: &hosts, handshake, smtp_sts: policy, mx, ..without_policies(&[], mx) })
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
    let verdicts: Vec<Verdict> = judgement.hosts.iter().map(|host| host.ruling.verdict).collect();
    assert_eq!(verdicts, [Verdict::Refuse, Verdict::Deliver]);
}

#[test]
fn a_router_is_told_to_wait_where_no_mx_host_is_left() {
    let judgement = judged(&in_force(ENFORCE), &mx(&["backup.example.net"]), &[], Handshake::NotSeen);
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Defer, Reason::MxNotInPolicy));
    assert!(judgement.forbidden_by().is_some());
    assert_eq!(judgement.permitted, Permitted::Only(vec![MxPattern::parse("*.example.com").unwrap()]));
}

#[test]
fn mail_waits_where_no_mx_record_names_a_host() {
    assert_eq!(outcome(&in_force(ENFORCE), &mx(&[]), &[]), (Verdict::Defer, Reason::MxNotInDns, Tls::WebPki));
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
            (met.verdict, met.tls, met.policy_update),
            (Verdict::Deliver, Tls::WebPki, PolicyUpdate::Applied)
        );
        let unmet = judged(&findings, &mx, &["evil.test"], Handshake::NotSeen);
        assert_eq!((unmet.verdict, unmet.reason), (Verdict::Deliver, Reason::NeverApplied));
        assert_eq!((unmet.tls, unmet.policy_update), (Tls::Opportunistic, PolicyUpdate::Nothing));
        let failed = judged(&findings, &mx, &["mx1.example.com"], Handshake::Unverified);
        assert_eq!((failed.verdict, failed.policy_update), (Verdict::Deliver, PolicyUpdate::Seen));
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
    assert_eq!(seen.policy_update, PolicyUpdate::Seen);
    assert_eq!(
        judged(&findings, &mx, &["evil.test"], Handshake::Verified).policy_update,
        PolicyUpdate::Nothing
    );
    assert_eq!(judged(&findings, &mx, &[], Handshake::Verified).policy_update, PolicyUpdate::Seen);
    let verified = judged(&findings, &mx, &["mx1.example.com"], Handshake::Verified);
    assert_eq!((verified.tls, verified.policy_update), (Tls::WebPki, PolicyUpdate::Applied));
}

#[test]
fn an_unverified_handshake_breaks_a_policy_in_force() {
    let (policy, mx) = (in_force(ENFORCE), mx(&["mx1.example.com"]));
    let judgement = judged(&policy, &mx, &["mx1.example.com"], Handshake::Unverified);
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Refuse, Reason::TlsUnverified));
    assert!(judgement.forbidden_by().is_some());
}

#[test]
fn a_policy_that_wants_tlsa_records_is_met_by_dane_and_by_nothing_else() {
    let wants = "v=STS1; to=true; mx=mx1.example.com; a=dnssec; c=tlsa; e=86400";
    let mx = mx(&["mx1.example.com", "mx2.example.com"]);
    let under = |policy: &PolicyFindings, found: DaneHost, asked: &str| {
        let dane = DaneFindings::Hosts(vec![(host("mx1.example.com"), found)]);
        let hosts = [host(asked)];
        let judgement = judge(Case { dane: &dane, smtp_sts: policy, ..without_policies(&hosts, &mx) });
        (judgement.verdict, judgement.tls, judgement.reason, judgement.policy_update)
    };
    let policy = in_force(wants);
    for (found, asked, verdict, tls, reason) in [
        (DaneHost::Usable, "mx1.example.com", Verdict::Deliver, Tls::Dane, Reason::DaneUsable),
        (DaneHost::Absent, "mx1.example.com", Verdict::Refuse, Tls::Dane, Reason::TlsaRequired),
        (DaneHost::Unusable, "mx1.example.com", Verdict::Refuse, Tls::Dane, Reason::TlsaRequired),
        (DaneHost::Usable, "mx2.example.com", Verdict::Refuse, Tls::WebPki, Reason::MxNotInPolicy),
    ] {
        let expected = (verdict, tls, reason, PolicyUpdate::Nothing);
        assert_eq!(under(&policy, found.clone(), asked), expected, "{found:?} {asked}");
    }
    let new = new(wants, Authentication::Dnssec);
    assert_eq!(under(&new, DaneHost::Usable, "mx1.example.com").3, PolicyUpdate::Applied);
    let unmet = (Verdict::Deliver, Tls::Opportunistic, Reason::NeverApplied, PolicyUpdate::Nothing);
    assert_eq!(under(&new, DaneHost::Absent, "mx1.example.com"), unmet);
}

#[test]
fn a_host_that_the_policy_forbids_is_refused_whatever_dns_says() {
    let troubles = [
        MxFindings::Null,
        MxFindings::TooMany(1_000, Class::Insecure),
        MxFindings::Unknown(silence(ZoneStatus::ProvenInsecure)),
        MxFindings::Unknown(LookupError::Bogus(Blame::Domain, String::new())),
    ];
    for mx in &troubles {
        assert_eq!(outcome(&in_force(ENFORCE), mx, &["evil.test"]).0, Verdict::Refuse, "{mx:?}");
    }
    let verdicts = troubles.each_ref().map(|mx| outcome(&in_force(ENFORCE), mx, &["mx1.example.com"]).0);
    assert_eq!(verdicts, [Verdict::Deliver, Verdict::Defer, Verdict::Defer, Verdict::Defer]);
}

#[test]
fn silence_is_an_absence_only_where_the_zone_is_proven_to_be_unsigned() {
    let asks = |trouble: LookupError, on_unreachable| {
        let policy = PolicyFindings::Unknown(trouble);
        let mx = mx(&["mx.example.com"]);
        let judgement = judge(Case { on_unreachable, smtp_sts: &policy, ..without_policies(&[], &mx) });
        (judgement.verdict, judgement.reason)
    };
    use OnUnreachable::{Defer, Deliver};
    assert_eq!(
        asks(silence(ZoneStatus::ProvenInsecure), Deliver),
        (Verdict::Deliver, Reason::PolicyUnreachable)
    );
    assert_eq!(asks(silence(ZoneStatus::ProvenInsecure), Defer), (Verdict::Defer, Reason::PolicyUnreachable));
    for zone in [ZoneStatus::Signed, ZoneStatus::Unknown] {
        assert_eq!(asks(silence(zone), Deliver), (Verdict::Defer, Reason::DnsUnreachable));
    }
    for (blame, reason) in [
        (Blame::Domain, Reason::DnssecBogus),
        (Blame::StrippingResolver, Reason::DnssecStripped),
        (Blame::Clock, Reason::ClockSuspect),
        (Blame::TrustAnchor, Reason::NoTrustAnchor),
    ] {
        assert_eq!(asks(LookupError::Bogus(blame, String::new()), Deliver), (Verdict::Defer, reason));
    }
}

#[test]
fn without_a_policy_mail_flows_unless_the_mx_rrset_is_a_proven_lie() {
    let nothing = PolicyFindings::Absent(Absence::Nothing);
    for (mx, expected) in [
        (mx(&["mx.example.com"]), (Verdict::Deliver, Reason::NoPolicy)),
        (MxFindings::Null, (Verdict::Deliver, Reason::NullMx)),
        (MxFindings::TooMany(65, Class::Secure), (Verdict::Defer, Reason::TooManyMx)),
        (MxFindings::TooMany(65, Class::Insecure), (Verdict::Deliver, Reason::NoPolicy)),
        (MxFindings::Unknown(silence(ZoneStatus::ProvenInsecure)), (Verdict::Deliver, Reason::NoPolicy)),
        (MxFindings::Unknown(silence(ZoneStatus::Signed)), (Verdict::Defer, Reason::DnsUnreachable)),
        (
            MxFindings::Unknown(LookupError::Bogus(Blame::Domain, String::new())),
            (Verdict::Defer, Reason::DnssecBogus),
        ),
    ] {
        let judgement = judged(&nothing, &mx, &["mx.example.com"], Handshake::NotSeen);
        assert_eq!((judgement.verdict, judgement.reason), expected, "{mx:?}");
        assert_eq!(judgement.tls, Tls::Opportunistic);
    }
}

/// A row that cannot be read may have been one that enforces: SECURITY.md, nothing in force is lost.
#[test]
fn where_a_policy_of_mta_sts_was_lost_only_one_of_the_draft_that_was_applied_and_enforces_stands_in() {
    let applied =
        |record| StoredPolicy { applied_at: Some(UnixTime(1_000)), ..policy(record, Authentication::Dnssec) };
    let (mx, asked) = (mx(&["mx1.example.com"]), [host("mx1.example.com")]);
    let (lost, trouble) = (PolicyFindings::Lost, PolicyFindings::Unknown(silence(ZoneStatus::Signed)));
    for (draft, is_enforced) in
        [(applied(ENFORCE), true), (applied(REPORT), false), (policy(ENFORCE, Authentication::Dnssec), false)]
    {
        let draft = PolicyFindings::InForce(draft);
        for (mta_sts, reason) in [(&lost, Reason::PolicyLost), (&trouble, Reason::DnsUnreachable)] {
            let judgement = judge(Case { mta_sts, smtp_sts: &draft, ..without_policies(&asked, &mx) });
            let expected = if is_enforced {
                (Verdict::Deliver, Tls::WebPki, Reason::PolicyMet)
            } else {
                (Verdict::Defer, Tls::Opportunistic, reason)
            };
            assert_eq!((judgement.verdict, judgement.tls, judgement.reason), expected, "{draft:?}");
        }
    }
}

/// What the administrator requires stands above what the domain publishes, and says nothing about it.
#[test]
fn under_a_requirement_of_the_administrators_no_policy_is_applied_and_no_wrong_certificate_taken() {
    let (findings, mx) = (new(ENFORCE, Authentication::Dnssec), mx(&["mx1.example.com"]));
    let asked = [host("mx1.example.com")];
    let plain = Case { smtp_sts: &findings, ..without_policies(&asked, &mx) };
    assert_ne!(judge(plain).policy_update, PolicyUpdate::Nothing);
    for requirement in [Requirement::None, Requirement::WebPki, Requirement::Dane] {
        let judgement = judge(Case { requirement: Some(requirement), ..plain });
        assert_eq!(judgement.policy_update, PolicyUpdate::Nothing, "{requirement:?}");
        let mode = if requirement == Requirement::None { Mode::None } else { Mode::Enforce };
        assert_eq!((judgement.mode, judgement.authentication), (mode, None), "{requirement:?}");
    }
    for (handshake, expected) in [
        (Handshake::NotSeen, (Verdict::Deliver, Reason::Override)),
        (Handshake::Verified, (Verdict::Deliver, Reason::Override)),
        (Handshake::Unverified, (Verdict::Refuse, Reason::TlsUnverified)),
    ] {
        let judgement = judge(Case { requirement: Some(Requirement::WebPki), handshake, ..plain });
        assert_eq!((judgement.verdict, judgement.reason), expected, "{handshake:?}");
        assert_eq!(judgement.tls, Tls::WebPki);
    }
}

/// RFC 8461 section 5: under `testing` mail is delivered as without a policy, whatever is wrong; under `enforce` only to a host that is known to be
/// an MX host of the domain.
#[test]
fn what_is_not_known_of_the_mx_records_holds_up_mail_under_a_policy_that_binds_and_under_no_other() {
    let unseen = MxFindings::Hosts {
        names: vec![host("mx1.example.com")],
        aliases: Some(Aliases { targets: Vec::new(), unseen: Some(silence(ZoneStatus::ProvenInsecure)) }),
    };
    for (mx, reason) in [
        (unseen, Reason::DnsUnreachable),
        (MxFindings::TooMany(300, Class::Insecure), Reason::TooManyMx),
        (MxFindings::Unknown(silence(ZoneStatus::ProvenInsecure)), Reason::DnsUnreachable),
    ] {
        let asked = [host("other.example.com")];
        for (mode, expected) in [
            ("enforce", (Verdict::Defer, Tls::WebPki, reason)),
            ("testing", (Verdict::Deliver, Tls::Opportunistic, Reason::ReportOnly)),
        ] {
            let mta_sts = fetched(mode, &["*.example.com"]);
            let judgement = judge(Case { mta_sts: &mta_sts, ..without_policies(&asked, &mx) });
            assert_eq!((judgement.verdict, judgement.tls, judgement.reason), expected, "{mode} {mx:?}");
        }
    }
}

/// RFC 8461 section 5: `testing` delivers where the MX records name no host, too; one host that meets it speaks for all of them.
#[test]
fn under_testing_nothing_waits_and_the_host_that_meets_the_policy_speaks() {
    let mta_sts = fetched("testing", &["*.example.com"]);
    let (nobody, one) = (mx(&[]), mx(&["mx1.example.com", "other.test"]));
    let judgement = judge(Case { mta_sts: &mta_sts, ..without_policies(&[], &nobody) });
    assert_eq!((judgement.verdict, judgement.reason), (Verdict::Deliver, Reason::ReportOnly));
    for asked in [["mx1.example.com", "other.test"], ["other.test", "mx1.example.com"]] {
        let asked = asked.map(host);
        let judgement = judge(Case { mta_sts: &mta_sts, ..without_policies(&asked, &one) });
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Deliver, Reason::PolicyMet));
    }
}

/// RFC 8461 section 5.2, RFC 8460 section 4.3: a certificate that does not fit is a failure, and is reported as one.
#[test]
fn under_testing_a_handshake_that_failed_is_reported_and_none_that_was_verified() {
    let (mx, asked, mta_sts) =
        (mx(&["mx1.example.com"]), [host("mx1.example.com")], fetched("testing", &["*.example.com"]));
    for (handshake, reason) in
        [(Handshake::Verified, Reason::PolicyMet), (Handshake::Unverified, Reason::ReportOnly)]
    {
        let judgement = judge(Case { mta_sts: &mta_sts, handshake, ..without_policies(&asked, &mx) });
        assert_eq!((judgement.verdict, judgement.reason), (Verdict::Deliver, reason), "{handshake:?}");
    }
}
