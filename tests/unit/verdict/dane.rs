//! DANE host by host, beside policies, and what the administrator requires.

use super::*;

fn bogus() -> DaneHost {
    DaneHost::Unknown(LookupError::Bogus(Blame::Domain, String::new()))
}

fn hosts(found: &[(&str, DaneHost)]) -> DaneFindings {
    DaneFindings::Hosts(found.iter().map(|(name, found)| (host(name), found.clone())).collect())
}

/// The domain's answer for a router: the keys that it acts on.
fn routed(found: &[(&str, DaneHost)], mta_sts: &PolicyFindings) -> (Verdict, Tls, PolicyType, String) {
    let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
    let (mx, dane) = (mx(&names), hosts(found));
    let judgement = judge(Case { dane: &dane, mta_sts, ..without_policies(&[], &mx) });
    let permitted = match judgement.permitted {
        Permitted::Every => "every".to_owned(),
        Permitted::Only(patterns) => patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    (judgement.verdict, judgement.tls, judgement.policy, permitted)
}

fn absent() -> PolicyFindings {
    PolicyFindings::Absent(Absence::Nothing)
}

#[test]
fn a_domain_is_dane_only_if_every_host_that_may_be_used_is_usable() {
    use DaneHost::{Absent, Unusable, Usable};
    use Verdict::{Defer, Deliver};
    for (found, expected) in [
        (
            vec![("a.test", Usable), ("b.test", Usable)],
            (Deliver, Tls::Dane, PolicyType::Dane, "a.test b.test"),
        ),
        (
            vec![("a.test", Usable), ("b.test", Absent)],
            (Deliver, Tls::Opportunistic, PolicyType::None, "every"),
        ),
        (
            vec![("a.test", Usable), ("b.test", Unusable)],
            (Deliver, Tls::Encrypt, PolicyType::Dane, "a.test b.test"),
        ),
        (
            vec![("a.test", Absent), ("b.test", bogus())],
            (Deliver, Tls::Opportunistic, PolicyType::None, "a.test"),
        ),
        (vec![("a.test", Usable), ("b.test", bogus())], (Deliver, Tls::Dane, PolicyType::Dane, "a.test")),
        (vec![("a.test", bogus()), ("b.test", bogus())], (Defer, Tls::Dane, PolicyType::Dane, "")),
    ] {
        let (verdict, tls, policy, permitted) = expected;
        assert_eq!(routed(&found, &absent()), (verdict, tls, policy, permitted.to_owned()), "{found:?}");
    }
}

#[test]
fn under_a_policy_a_mixed_domain_is_webpki_and_lists_what_the_policy_permits_and_what_dane_decides_about() {
    let policy = fetched("enforce", &["*.example.com"]);
    let mixed = [
        ("mx.example.com", DaneHost::Absent),
        ("dane.example.com", DaneHost::Usable),
        ("dane.example.net", DaneHost::Usable),
        ("plain.example.net", DaneHost::Absent),
    ];
    let expected =
        (Verdict::Deliver, Tls::WebPki, PolicyType::MtaSts, "*.example.com dane.example.net".to_owned());
    assert_eq!(routed(&mixed, &policy), expected);
}

#[test]
fn a_pattern_never_lets_in_a_host_that_has_to_be_left_alone() {
    let policy = fetched("enforce", &["*.example.com"]);
    let found = [("mx.example.com", DaneHost::Absent), ("lied.example.com", bogus())];
    let expected = (Verdict::Deliver, Tls::WebPki, PolicyType::MtaSts, "mx.example.com".to_owned());
    assert_eq!(routed(&found, &policy), expected);
}

#[test]
fn of_a_policy_with_hundreds_of_patterns_a_router_is_told_the_hosts_that_it_may_use() {
    let patterns: Vec<String> = (0..300).map(|i| format!("mx{i}.example.com")).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let found = [("mx299.example.com", DaneHost::Absent), ("other.example.com", DaneHost::Absent)];
    let (verdict, tls, _, permitted) = routed(&found, &fetched("enforce", &patterns));
    assert_eq!((verdict, tls, permitted.as_str()), (Verdict::Deliver, Tls::WebPki, "mx299.example.com"));
}

#[test]
fn a_failure_of_dane_is_not_repaired_by_a_policy() {
    let policy = fetched("enforce", &["mx.example.com"]);
    for (found, reason) in [
        (bogus(), Reason::TlsaBogus),
        (DaneHost::Unknown(silence(ZoneStatus::Signed)), Reason::TlsaUnreachable),
        (DaneHost::Unknown(LookupError::Bogus(Blame::Clock, String::new())), Reason::ClockSuspect),
    ] {
        let (mx, dane) = (mx(&["mx.example.com"]), hosts(&[("mx.example.com", found)]));
        let asked = [host("mx.example.com")];
        for asked in [&asked[..], &[]] {
            let case = Case { dane: &dane, mta_sts: &policy, ..without_policies(asked, &mx) };
            let judgement = judge(case);
            assert_eq!((judgement.verdict, judgement.reason), (Verdict::Defer, reason));
            assert!(dane_settles(&case), "no policy has to be waited for");
            assert_eq!(judgement.forbidden_by(), None, "no newer policy helps");
        }
    }
}

#[test]
fn a_host_that_dane_decides_about_need_not_be_in_the_policy() {
    let policy = fetched("enforce", &["other.example.com"]);
    let (mx, dane) = (mx(&["mx.example.com"]), hosts(&[("mx.example.com", DaneHost::Usable)]));
    let asked = [host("mx.example.com")];
    let case = Case { dane: &dane, mta_sts: &policy, ..without_policies(&asked, &mx) };
    let judgement = judge(case);
    assert_eq!((judgement.verdict, judgement.tls), (Verdict::Deliver, Tls::Dane));
    assert_eq!((judgement.mode.word(), judgement.authentication), ("enforce", Some(Authentication::Dnssec)));
    let failed = judge(Case { handshake: Handshake::Unverified, ..case });
    assert_eq!((failed.verdict, failed.reason), (Verdict::Refuse, Reason::TlsUnverified));
}

#[test]
fn the_target_of_an_alias_is_judged_by_the_records_of_the_mx_name() {
    let mx = MxFindings::Hosts {
        names: vec![host("mx.example.com"), host("lied.example.com")],
        aliases: Some(Aliases {
            targets: vec![
                (host("mail.provider.test"), host("mx.example.com")),
                (host("mail.provider.test"), host("lied.example.com")),
                (host("other.provider.test"), host("mx.example.com")),
            ],
            unseen: None,
        }),
    };
    let dane = hosts(&[("mx.example.com", DaneHost::Usable), ("lied.example.com", bogus())]);
    for (asked, verdict) in
        [("mail.provider.test", Verdict::Defer), ("other.provider.test", Verdict::Deliver)]
    {
        let asked = [host(asked)];
        assert_eq!(judge(Case { dane: &dane, ..without_policies(&asked, &mx) }).verdict, verdict);
    }
}

#[test]
fn mta_sts_passes_over_an_authenticated_record_of_the_draft_and_says_so() {
    let mx = mx(&["mx.example.com"]);
    let record = "v=STS1; to=true; mx=mx.example.com; a=dnssec; e=86400";
    let testing = fetched("testing", &["other.example.com"]);
    for (authentication, passed) in
        [(Authentication::Dnssec, Some(PolicyType::SmtpSts)), (Authentication::FirstUse, None)]
    {
        let draft = PolicyFindings::NeverApplied(policy(record, authentication));
        let case = Case { mta_sts: &testing, smtp_sts: &draft, ..without_policies(&[], &mx) };
        let judgement = judge(case);
        assert_eq!((judgement.policy, judgement.passed), (PolicyType::MtaSts, passed));
        assert_eq!(judgement.reason, Reason::ReportOnly);
    }
}

#[test]
fn an_mta_sts_policy_that_enforces_refuses_from_its_first_fetch_on() {
    let mx = mx(&["mx.example.com", "stray.example.net"]);
    let policy = fetched("enforce", &["*.example.com"]);
    for (asked, expected) in [
        ("mx.example.com", (Verdict::Deliver, Reason::PolicyMet)),
        ("stray.example.net", (Verdict::Refuse, Reason::MxNotInPolicy)),
        ("gone.example.com", (Verdict::Refuse, Reason::MxNotInDns)),
    ] {
        let asked = [host(asked)];
        let judgement = judge(Case { mta_sts: &policy, ..without_policies(&asked, &mx) });
        assert_eq!((judgement.verdict, judgement.reason), expected);
        assert_eq!(judgement.tls, Tls::WebPki);
    }
}

#[test]
fn what_the_administrator_requires_stands_above_all() {
    let mx = mx(&["mx.example.com"]);
    let policy = fetched("enforce", &["other.example.com"]);
    let under = |requirement, found: DaneHost, asked: &[MxHost]| {
        let dane = hosts(&[("mx.example.com", found)]);
        let requirement = Some(requirement);
        let judgement =
            judge(Case { requirement, dane: &dane, mta_sts: &policy, ..without_policies(asked, &mx) });
        assert_eq!(judgement.policy, PolicyType::Override);
        (judgement.verdict, judgement.tls, judgement.reason)
    };
    let asked = [host("mx.example.com")];
    let stray = [host("stray.example.net")];
    use Requirement::{Dane, None, WebPki};
    for (requirement, found, asked, expected) in [
        (None, bogus(), &asked[..], (Verdict::Deliver, Tls::Opportunistic, Reason::Override)),
        (WebPki, bogus(), &asked, (Verdict::Deliver, Tls::WebPki, Reason::Override)),
        (WebPki, DaneHost::Absent, &[], (Verdict::Deliver, Tls::WebPki, Reason::Override)),
        (WebPki, DaneHost::Absent, &stray, (Verdict::Refuse, Tls::WebPki, Reason::MxNotInDns)),
        (Dane, DaneHost::Usable, &asked, (Verdict::Deliver, Tls::Dane, Reason::Override)),
        (Dane, DaneHost::Absent, &asked, (Verdict::Refuse, Tls::Dane, Reason::TlsaRequired)),
        (Dane, DaneHost::Unusable, &[], (Verdict::Defer, Tls::Dane, Reason::TlsaRequired)),
        (Dane, bogus(), &[], (Verdict::Defer, Tls::Dane, Reason::TlsaBogus)),
    ] {
        assert_eq!(under(requirement, found.clone(), asked), expected, "{requirement:?} {found:?} {asked:?}");
    }
}

#[test]
fn nobody_is_led_around_dane_to_a_host_that_the_signed_mx_records_do_not_name() {
    use DaneHost::{Absent, Unusable, Usable};
    let mx = MxFindings::Hosts {
        names: vec![host("a.test"), host("b.test")],
        aliases: Some(Aliases { targets: vec![(host("target.test"), host("b.test"))], unseen: None }),
    };
    let policy = fetched("enforce", &["evil.test"]);
    let refused = (Verdict::Refuse, Tls::Dane, Reason::MxNotInDns, MxCheck::Mismatch);
    let free = (Verdict::Deliver, Tls::Opportunistic, Reason::NoPolicy, MxCheck::Unchecked);
    for (one, other, expected) in [
        (Usable, Usable, refused),
        (Usable, Unusable, refused),
        (Unusable, bogus(), refused),
        // Here a forger could as well forge the address of the host without TLSA records.
        (Usable, Absent, free),
        (Absent, bogus(), free),
    ] {
        let dane = hosts(&[("a.test", one), ("b.test", other)]);
        let asked = [host("evil.test")];
        let case = Case { dane: &dane, ..without_policies(&asked, &mx) };
        for mta_sts in [&absent(), &policy] {
            let judgement = judge(Case { mta_sts, ..case });
            let told = (judgement.verdict, judgement.tls, judgement.reason, judgement.mx);
            if expected == refused || *mta_sts == absent() {
                assert_eq!(told, expected, "{dane:?}");
            }
        }
        assert_eq!(dane_settles(&case), expected == refused, "{dane:?}");
        let target = [host("target.test")];
        let judgement = judge(Case { dane: &dane, ..without_policies(&target, &mx) });
        assert_ne!(judgement.reason, Reason::MxNotInDns, "an alias is followed: {dane:?}");
    }
}

#[test]
fn an_alias_lets_in_no_host_that_has_to_be_left_alone() {
    let targets = vec![
        (host("shared.test"), host("good.example.com")),
        (host("shared.test"), host("lied.example.net")),
        (host("lied.example.net"), host("good.example.com")),
        (host("own.test"), host("good.example.com")),
    ];
    let names = vec![host("good.example.com"), host("lied.example.net")];
    let mx = MxFindings::Hosts { names, aliases: Some(Aliases { targets, unseen: None }) };
    for found in [DaneHost::Usable, DaneHost::Absent, DaneHost::Unusable] {
        let dane = hosts(&[("good.example.com", found), ("lied.example.net", bogus())]);
        for mta_sts in
            [absent(), fetched("enforce", &["*.example.com"]), fetched("testing", &["*.example.com"])]
        {
            let judgement = judge(Case { dane: &dane, mta_sts: &mta_sts, ..without_policies(&[], &mx) });
            let Permitted::Only(patterns) = judgement.permitted else { panic!("somebody is left alone") };
            for (name, expected) in [
                ("good.example.com", true),
                ("own.test", true),
                ("shared.test", false),
                ("lied.example.net", false),
            ] {
                let is_let_in = patterns.iter().any(|pattern| pattern.permits(&host(name)));
                assert_eq!(is_let_in, expected, "{name}: {dane:?} {mta_sts:?}");
            }
        }
    }
}

#[test]
fn a_null_mx_needs_no_tlsa_records() {
    let dane = DaneFindings::Inapplicable(String::new());
    for requirement in [Requirement::None, Requirement::WebPki, Requirement::Dane] {
        let case = without_policies(&[], &MxFindings::Null);
        let judgement = judge(Case { requirement: Some(requirement), dane: &dane, ..case });
        assert_eq!(
            (judgement.verdict, judgement.reason),
            (Verdict::Deliver, Reason::NullMx),
            "{requirement:?}"
        );
    }
}

#[test]
fn the_answer_says_what_the_tlsa_records_of_the_hosts_that_may_be_used_are_good_for() {
    use DaneHost::{Absent, Unusable, Usable};
    let policy = fetched("enforce", &["*.example.com"]);
    for (found, mta_sts, expected) in [
        (vec![("a.example.com", Usable)], &absent(), Some(Tlsa::Usable)),
        (vec![("a.example.com", Unusable), ("b.example.com", Usable)], &absent(), Some(Tlsa::Usable)),
        (vec![("a.example.com", Unusable), ("b.example.com", Absent)], &policy, Some(Tlsa::Unusable)),
        (vec![("a.example.com", Absent), ("b.example.com", Absent)], &policy, None),
        // The usable one is left alone, or the policy forbids the unusable one: neither gets the mail.
        (vec![("a.example.com", Unusable), ("b.example.com", bogus())], &policy, Some(Tlsa::Unusable)),
        (vec![("a.example.com", Absent), ("b.example.net", Unusable)], &policy, None),
    ] {
        let names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        let (mx, dane) = (mx(&names), hosts(&found));
        let case = Case { dane: &dane, mta_sts, ..without_policies(&[], &mx) };
        assert_eq!(judge(case).tlsa, expected, "{found:?}");
        let required = Case { requirement: Some(Requirement::WebPki), ..case };
        assert_eq!(judge(required).tlsa, None, "{found:?}");
    }
}

/// RFC 7672 section 2.1.2: a lookup that failed is no absence, whichever of the names was looked at last.
#[test]
fn of_several_mx_names_for_one_host_the_one_that_asks_for_more_counts_in_any_order() {
    let names = ["mx1.test", "mx2.test"];
    let aliases =
        Aliases { targets: names.map(|name| (host("target.test"), host(name))).to_vec(), unseen: None };
    let mx = MxFindings::Hosts { names: names.map(host).to_vec(), aliases: Some(aliases) };
    let asked = [host("target.test")];
    for (weaker, stronger, expected) in [
        (DaneHost::Absent, bogus(), (Verdict::Defer, Tls::Dane)),
        (DaneHost::Usable, bogus(), (Verdict::Defer, Tls::Dane)),
        (DaneHost::Absent, DaneHost::Usable, (Verdict::Deliver, Tls::Dane)),
        (DaneHost::Absent, DaneHost::Unusable, (Verdict::Deliver, Tls::Encrypt)),
        (DaneHost::Unusable, DaneHost::Usable, (Verdict::Deliver, Tls::Dane)),
    ] {
        for found in [[&weaker, &stronger], [&stronger, &weaker]] {
            let dane = hosts(&[("mx1.test", found[0].clone()), ("mx2.test", found[1].clone())]);
            let judgement = judge(Case { dane: &dane, ..without_policies(&asked, &mx) });
            assert_eq!((judgement.verdict, judgement.tls), expected, "{found:?}");
        }
    }
}

/// RFC 7672 section 2.2: what is insecure has no DANE, and no mail waits for it.
#[test]
fn an_alias_that_was_not_seen_holds_mail_up_only_where_a_signature_could_have_proven_something() {
    let asked = [host("elsewhere.test")];
    let dane = hosts(&[("mx.test", DaneHost::Absent)]);
    for (trouble, expected) in [
        (silence(ZoneStatus::Signed), Verdict::Defer),
        (LookupError::Bogus(Blame::Domain, String::new()), Verdict::Defer),
        (silence(ZoneStatus::ProvenInsecure), Verdict::Deliver),
    ] {
        let aliases = Aliases { targets: Vec::new(), unseen: Some(trouble.clone()) };
        let mx = MxFindings::Hosts { names: vec![host("mx.test")], aliases: Some(aliases) };
        let judgement = judge(Case { dane: &dane, ..without_policies(&asked, &mx) });
        assert_eq!(judgement.verdict, expected, "{trouble:?}");
    }
}

/// RFC 8461 section 5.1: what a policy in `testing` does not permit is delivered, and forbids nothing.
#[test]
fn a_policy_forbids_only_what_it_keeps_from_being_delivered() {
    let (mx, asked) = (mx(&["mx.test"]), [host("mx.test")]);
    for (mode, expected) in
        [("testing", (Verdict::Deliver, None)), ("enforce", (Verdict::Refuse, Some(Dialect::MtaSts)))]
    {
        let policy = fetched(mode, &["mx.example.com"]);
        let judgement = judge(Case { mta_sts: &policy, ..without_policies(&asked, &mx) });
        assert_eq!((judgement.mx, judgement.verdict), (MxCheck::Mismatch, expected.0), "{mode}");
        assert_eq!(judgement.forbidden_by(), expected.1, "{mode}");
    }
}

/// The draft, section 3.3 and appendix 1: a policy on first use, or one that was never applied, was not met.
#[test]
fn only_a_delivery_that_met_a_policy_or_that_none_binds_lets_a_newer_one_take_its_place() {
    for (verdict, reason, expected) in [
        (Verdict::Deliver, Reason::PolicyMet, true),
        (Verdict::Deliver, Reason::NoPolicy, true),
        (Verdict::Deliver, Reason::FirstUse, false),
        (Verdict::Deliver, Reason::NeverApplied, false),
        (Verdict::Defer, Reason::PolicyMet, false),
        (Verdict::Refuse, Reason::NoPolicy, false),
    ] {
        let judgement = Judgement::plain(verdict, reason, &[host("mx.test")]);
        assert_eq!(judgement.is_met_or_binds_nobody(), expected, "{verdict:?} {reason:?}");
        let permitted =
            if verdict == Verdict::Deliver { Permitted::Every } else { Permitted::Only(Vec::new()) };
        assert_eq!(judgement.permitted, permitted);
    }
}

/// RFC 7672 section 2.2.1: a host that the secure MX records name, and whose TLSA records can be used, is where the mail belongs.
#[test]
fn a_host_that_dane_decides_about_conforms_without_any_policy() {
    let (mx, dane) = (mx(&["mx.test"]), hosts(&[("mx.test", DaneHost::Usable)]));
    for asked in [&[host("mx.test")][..], &[]] {
        let judgement = judge(Case { dane: &dane, ..without_policies(asked, &mx) });
        assert_eq!((judgement.mx, judgement.hosts[0].standing), (MxCheck::Match, Standing::Conforms));
    }
}

/// RFC 8461 section 2: a policy does not repair DANE, so none of its patterns leads around hosts that DANE holds up; and what the administrator
/// requires is no business of its patterns either.
#[test]
fn patterns_are_handed_on_only_where_the_policy_decides() {
    let policy = fetched("enforce", &["*.example.com"]);
    let found = [("mx.example.com", bogus()), ("mx2.example.com", bogus())];
    let expected = (Verdict::Defer, Tls::Dane, PolicyType::Dane, String::new());
    assert_eq!(routed(&found, &policy), expected);
    let (mx, dane) = (mx(&["mx.example.com"]), hosts(&[("mx.example.com", DaneHost::Absent)]));
    let requirement = Some(Requirement::WebPki);
    let judgement = judge(Case { dane: &dane, mta_sts: &policy, requirement, ..without_policies(&[], &mx) });
    let names = vec![MxPattern::from(&host("mx.example.com"))];
    assert_eq!((judgement.tls, judgement.permitted), (Tls::WebPki, Permitted::Only(names)));
}

/// The words of the manual page smtp-sts-verify(1), by which Exim and scripts tell them apart.
#[test]
fn what_tlsa_records_are_good_for_has_its_word() {
    assert_eq!(Tlsa::ALL.map(Tlsa::word), ["usable", "unusable"]);
    assert!(Tlsa::Unusable < Tlsa::Usable);
}
