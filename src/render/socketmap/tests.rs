use super::*;
use crate::policy::{Dialect, Policy};
use crate::verdict::{Permitted, Ruling, Standing};
use crate::verify::NoEvaluation;
use proptest::prelude::*;

const POLICY: &str =
    "v=STSv1; id=1\nversion: STSv1\nmode: enforce\nmx: *.d.test\nmx: mx.e.test\nmax_age: 86400\n";

/// The ruling for one host, in a word.
fn ruling(word: &str) -> Ruling {
    let (verdict, tls, policy, reason) = match word {
        "dane" => (Verdict::Deliver, Tls::Dane, PolicyType::Dane, Reason::DaneUsable),
        "sts" => (Verdict::Deliver, Tls::WebPki, PolicyType::MtaSts, Reason::PolicyMet),
        "draft" => (Verdict::Deliver, Tls::WebPki, PolicyType::SmtpSts, Reason::PolicyMet),
        "testing" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::MtaSts, Reason::PolicyMet),
        "unmet" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::MtaSts, Reason::ReportOnly),
        "none" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::MtaSts, Reason::ModeNone),
        "unusable" => (Verdict::Deliver, Tls::Encrypt, PolicyType::None, Reason::DaneUnusable),
        "plain" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::None, Reason::NoPolicy),
        "unfetched" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::None, Reason::PolicyNotFetched),
        "malformed" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::None, Reason::PolicyMalformed),
        "override" => (Verdict::Deliver, Tls::Opportunistic, PolicyType::Override, Reason::Override),
        "bogus" => (Verdict::Defer, Tls::Dane, PolicyType::Dane, Reason::TlsaBogus),
        "forbidden" => (Verdict::Refuse, Tls::WebPki, PolicyType::MtaSts, Reason::MxNotInPolicy),
        other => panic!("{other}"),
    };
    Ruling { verdict, tls, policy, reason }
}

/// What is known about example.org with these hosts, by preference; the one that asks for least speaks for all.
fn report(hosts: &[(&str, &str)]) -> Report {
    let judged: Vec<HostJudgement> = hosts
        .iter()
        .map(|(name, word)| HostJudgement {
            host: MxHost::from_text(name).unwrap(),
            standing: Standing::Open,
            ruling: ruling(word),
        })
        .collect();
    let rank = |host: &&HostJudgement| (host.ruling.verdict != Verdict::Deliver, host.ruling.tls);
    let spokesman = judged.iter().min_by_key(rank).map_or_else(|| ruling("plain"), |host| host.ruling);
    let plain = Report::from(NoEvaluation::defer(spokesman.reason, ""));
    let mode = match spokesman.reason {
        Reason::ModeNone => Mode::None,
        _ if spokesman.tls == Tls::Opportunistic => Mode::Testing,
        _ => Mode::Enforce,
    };
    let record = match (spokesman.policy, mode) {
        (PolicyType::MtaSts, Mode::Enforce) => Some(POLICY.to_owned()),
        (PolicyType::MtaSts, mode) => Some(POLICY.replace("enforce", mode.word())),
        _ => None,
    };
    Report {
        domain: Some(PolicyDomain::parse("example.org").unwrap()),
        record,
        judgement: Judgement {
            verdict: if spokesman.verdict == Verdict::Deliver { Verdict::Deliver } else { Verdict::Defer },
            tls: spokesman.tls,
            policy: spokesman.policy,
            mode,
            hosts: judged,
            permitted: Permitted::Every,
            ..plain.judgement
        },
        ..plain
    }
}

#[test]
fn the_level_is_what_the_hosts_ask_for() {
    let secure = |names: &str| format!("OK secure match={names} servername=hostname");
    for (hosts, expected) in [
        (&[("a.d.test", "plain"), ("b.d.test", "plain")][..], "NOTFOUND ".to_owned()),
        (&[("a.d.test", "unfetched")], "NOTFOUND ".to_owned()),
        (&[("a.d.test", "testing"), ("x.test", "unmet")], "NOTFOUND ".to_owned()),
        (&[("a.d.test", "none")], "NOTFOUND ".to_owned()),
        (&[("a.d.test", "override")], "OK may".to_owned()),
        (&[("a.d.test", "dane"), ("b.d.test", "dane")], "OK dane-only".to_owned()),
        (&[("a.d.test", "dane"), ("b.d.test", "bogus")], "OK dane-only".to_owned()),
        (&[("a.d.test", "unusable")], "OK encrypt".to_owned()),
        (&[("a.d.test", "sts"), ("x.test", "forbidden"), ("b.d.test", "sts")], secure("a.d.test:b.d.test")),
        (&[("a.d.test", "draft")], secure("a.d.test")),
        (&[("a.d.test", "sts"), ("b.d.test", "bogus")], secure("a.d.test")),
    ] {
        assert_eq!(policy(&report(hosts)), expected, "{hosts:?}");
    }
}

#[test]
fn where_hosts_differ_the_level_is_never_weaker_than_the_ruling_for_any_of_them() {
    let secure = |names: &str| format!("OK secure match={names} servername=hostname");
    for (hosts, expected) in [
        // A policy binds one host, DANE another: the first by preference counts.
        (&[("a.d.test", "dane"), ("b.d.test", "sts")][..], "OK dane-only".to_owned()),
        (&[("b.d.test", "sts"), ("a.d.test", "dane")], secure("b.d.test")),
        (&[("x.test", "forbidden"), ("a.d.test", "dane"), ("b.d.test", "sts")], "OK dane-only".to_owned()),
        // No policy binds: Postfix tells them apart.
        (&[("a.d.test", "dane"), ("b.d.test", "plain")], "OK dane".to_owned()),
        (&[("b.d.test", "plain"), ("a.d.test", "dane")], "OK dane".to_owned()),
        (&[("a.d.test", "dane"), ("b.d.test", "unusable")], "OK dane".to_owned()),
        (&[("a.d.test", "unusable"), ("b.d.test", "plain")], "OK dane".to_owned()),
        (&[("a.d.test", "testing"), ("b.d.test", "dane")], "OK dane".to_owned()),
        // A host that is to be left alone.
        (&[("a.d.test", "plain"), ("b.d.test", "bogus")], "OK dane".to_owned()),
        (&[("a.d.test", "unusable"), ("b.d.test", "bogus")], "OK dane".to_owned()),
    ] {
        assert_eq!(policy(&report(hosts)), expected, "{hosts:?}");
    }
}

/// B7: what a policy may hold beside its terms (RFC 8461 section 3.2, extension fields), and its record beside its id.
#[test]
fn nothing_that_a_policy_may_hold_becomes_an_attribute_of_postfix() {
    let hostile = "v=STSv1; id=1; x=}policy_failure{;\nversion: STSv1\nmode: enforce\nmx: *.d.test\n\
                   max_age: 86400\nx: }policy_failure:validation-failure{\n";
    assert!(Policy::from_text(Dialect::MtaSts, hostile).is_some(), "it is a policy");
    let harmless = POLICY.replace("mx: mx.e.test\n", "");
    let told = |text: &str| {
        let usual = report(&[("a.d.test", "sts")]);
        policy_tlsrpt(&Report { record: Some(text.to_owned()), ..usual }).into_owned()
    };
    assert_eq!(told(hostile), told(&harmless));
    assert!(told(&harmless).contains("{ policy_string = mx: *.d.test }"), "{}", told(&harmless));
    for mx in ["a.example servername=x", "a.example } policy_ttl=1 {", "a.example\tx=y"] {
        let text = POLICY.replace("mx.e.test", mx);
        assert_eq!(Policy::from_text(Dialect::MtaSts, &text), None, "{mx}");
    }
}

#[test]
fn names_that_postfix_takes_for_words_are_not_matched() {
    for name in ["hostname", "nexthop", "dot-nexthop"] {
        let both = policy(&report(&[(name, "sts"), ("a.d.test", "sts")]));
        assert_eq!(both, "OK secure match=a.d.test servername=hostname");
        let alone = policy(&report(&[(name, "sts")]));
        assert_eq!(alone, "OK secure match=nobody.invalid servername=hostname");
    }
}

#[test]
fn mail_that_waits_is_told_why_and_what_to_do() {
    let with = |reason, domain: Option<&str>| {
        let report = Report::from(NoEvaluation::defer(reason, "said }\nby a stranger"));
        let report = Report { domain: domain.map(|name| PolicyDomain::parse(name).unwrap()), ..report };
        assert_eq!(policy(&report), policy_tlsrpt(&report));
        policy(&report).into_owned()
    };
    let hint = ": smtp-sts-verify explain example.org";
    assert_eq!(with(Reason::MxNotInPolicy, Some("example.org")), format!("TEMP mx-not-in-policy{hint}"));
    assert_eq!(with(Reason::Deadline, Some("example.org")), format!("TIMEOUT deadline{hint}"));
    assert_eq!(with(Reason::Configuration, None), "PERM configuration");
    assert_eq!(policy(&report(&[("x.test", "forbidden")])), format!("TEMP mx-not-in-policy{hint}"));
    assert_eq!(policy(&report(&[("a.d.test", "bogus")])), format!("TEMP tlsa-bogus{hint}"));
}

#[test]
fn what_is_not_asked_about_is_not_found() {
    let literal =
        NoEvaluation { verdict: Verdict::Deliver, reason: Reason::AddressLiteral, why: String::new() };
    assert_eq!(policy(&literal.clone().into()), NOT_FOUND);
    assert_eq!(policy_tlsrpt(&literal.into()), NOT_FOUND);
}

#[test]
fn a_null_mx_is_left_to_postfix_unless_a_policy_in_force_names_hosts() {
    let mut report = report(&[]);
    report.judgement = Judgement { verdict: Verdict::Deliver, reason: Reason::NullMx, ..report.judgement };
    assert_eq!(policy(&report), NOT_FOUND);
    assert_eq!(policy_tlsrpt(&report), NOT_FOUND);
    report.judgement = Judgement { tls: Tls::WebPki, policy: PolicyType::MtaSts, ..report.judgement };
    report.record = Some(POLICY.to_owned());
    assert_eq!(policy(&report), "OK secure match=nobody.invalid servername=hostname");
    assert!(policy_tlsrpt(&report).ends_with(" mx_host_pattern=nobody.invalid"));
}

#[test]
fn a_policy_in_force_is_told_to_reports_line_by_line() {
    assert_eq!(
        policy_tlsrpt(&report(&[("a.d.test", "sts"), ("x.test", "forbidden")])),
        "OK secure match=a.d.test servername=hostname policy_type=sts policy_domain=example.org \
             { policy_string = version: STSv1 } { policy_string = mode: enforce } { policy_string = mx: *.d.test } \
             { policy_string = mx: mx.e.test } { policy_string = max_age: 86400 } \
             mx_host_pattern=*.d.test mx_host_pattern=mx.e.test"
    );
}

/// A name to match is an error at this level, and so is a servername to no use.
#[test]
fn a_policy_in_testing_is_told_to_reports_and_enforced_by_nobody() {
    let expected = "OK may policy_type=sts policy_domain=example.org { policy_string = version: STSv1 } \
             { policy_string = mode: testing } { policy_string = mx: *.d.test } { policy_string = mx: mx.e.test } \
             { policy_string = max_age: 86400 } mx_host_pattern=*.d.test mx_host_pattern=mx.e.test";
    assert_eq!(policy_tlsrpt(&report(&[("a.d.test", "testing")])), expected);
    let unmet = policy_tlsrpt(&report(&[("x.test", "unmet")]));
    assert_eq!(unmet, format!("{expected} policy_failure=validation-failure"));
}

#[test]
fn what_is_no_policy_of_mta_sts_is_told_to_reports_as_such() {
    let none = "OK may policy_type=no-policy-found policy_domain=example.org";
    for (word, expected) in [
        ("plain", none),
        ("none", none),
        // Postfix says the same of itself at these levels, and takes attributes there for an error.
        ("dane", "OK dane-only"),
        ("unusable", "OK encrypt"),
        ("override", "OK may"),
        ("draft", "OK secure match=a.d.test servername=hostname"),
    ] {
        assert_eq!(policy_tlsrpt(&report(&[("a.d.test", word)])), expected, "{word}");
    }
}

#[test]
fn a_policy_that_cannot_be_had_is_told_to_reports_with_what_is_wrong_with_it() {
    let failed =
        |result: &str| format!("OK may policy_type=sts policy_domain=example.org policy_failure={result}");
    for (word, failures, expected) in [
        ("unfetched", vec![ResultType::StsWebpkiInvalid], failed("sts-webpki-invalid")),
        ("unfetched", vec![ResultType::StsPolicyFetchError], failed("sts-policy-fetch-error")),
        ("unfetched", vec![], failed("sts-policy-fetch-error")),
        ("malformed", vec![ResultType::StsPolicyInvalid], failed("sts-policy-invalid")),
        // A record of the draft's.
        ("malformed", vec![], "OK may policy_type=no-policy-found policy_domain=example.org".to_owned()),
    ] {
        let failures = failures.into_iter().map(Into::into).collect();
        let report = Report { failures, ..report(&[("a.d.test", word)]) };
        assert_eq!(policy_tlsrpt(&report), expected, "{word}");
    }
    // What is in force stays in force, and its enforcement does not fail.
    let in_force = report(&[("a.d.test", "sts")]);
    let fading = Report { failures: vec![ResultType::StsPolicyFetchError.into()], ..in_force.clone() };
    assert_eq!(policy_tlsrpt(&fading), policy_tlsrpt(&in_force));
}

/// Postfix 3.10.5 goes by the patterns and forgets the names.
#[test]
fn a_pattern_that_lets_in_a_host_with_another_ruling_is_replaced_by_names() {
    for other in ["bogus", "dane"] {
        let reply = policy_tlsrpt(&report(&[("a.d.test", "sts"), ("b.d.test", other)]));
        assert!(reply.starts_with("OK secure match=a.d.test servername"), "{reply}");
        assert!(reply.ends_with(" } mx_host_pattern=a.d.test"), "{reply}");
    }
}

#[test]
fn a_reply_that_postfix_would_not_take_loses_its_attributes_and_never_its_level() {
    let mut report = report(&[("a.d.test", "sts")]);
    let many: String = (0..4_000).map(|number| format!("mx: mx{number}.example.net\n")).collect();
    report.record = Some(POLICY.replace("mx: mx.e.test\n", &many));
    assert_eq!(policy_tlsrpt(&report), "OK secure match=a.d.test servername=hostname");
}

/// Whom Postfix may hand the mail to at a level, and how sure it is of them, as its documentation has it: what a host's
/// own TLSA records demand it finds out itself at the levels of DANE.
fn weakest_that_is_let_in(reply: &str, host: &str, word: &str) -> Option<Tls> {
    let tlsa = match word {
        "dane" => Some(Tls::Dane),
        "unusable" => Some(Tls::Encrypt),
        "bogus" => None,
        _ => Some(Tls::Opportunistic),
    };
    let words: Vec<&str> = reply.split(' ').collect();
    match words.as_slice() {
        ["NOTFOUND", ""] | ["OK", "may", ..] => Some(Tls::Opportunistic),
        ["OK", "encrypt", ..] => Some(Tls::Encrypt),
        ["OK", "dane", ..] => tlsa,
        ["OK", "dane-only", ..] => tlsa.filter(|tls| *tls == Tls::Dane),
        ["OK", "secure", names, ..] => {
            let names = names.strip_prefix("match=").unwrap();
            names.split(':').any(|name| name == host).then_some(Tls::WebPki)
        }
        ["TEMP", ..] => None,
        other => panic!("{other:?}"),
    }
}

const BOUND: [&str; 6] = ["dane", "sts", "bogus", "forbidden", "dane", "sts"];
const UNBOUND: [&str; 6] = ["dane", "plain", "unusable", "bogus", "testing", "unmet"];

proptest! {
    #[test]
    fn no_host_gets_mail_with_less_than_its_own_ruling_asks_for(
        words in prop_oneof![
            proptest::collection::vec(proptest::sample::select(&BOUND[..]), 1..6),
            proptest::collection::vec(proptest::sample::select(&UNBOUND[..]), 1..6),
        ]
    ) {
        let names: Vec<String> = (0..words.len()).map(|at| format!("mx{at}.d.test")).collect();
        let hosts: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(words).collect();
        let report = report(&hosts);
        for reply in [policy(&report), policy_tlsrpt(&report)] {
            let mut somebody = false;
            for (host, word) in &hosts {
                let ruling = ruling(word);
                let Some(tls) = weakest_that_is_let_in(&reply, host, word) else { continue };
                somebody = true;
                prop_assert_eq!(ruling.verdict, Verdict::Deliver, "{} {:?}", reply, hosts);
                prop_assert!(tls >= ruling.tls, "{} {:?}", reply, hosts);
            }
            // Nor does mail wait that could go.
            prop_assert_eq!(somebody, report.judgement.verdict == Verdict::Deliver, "{} {:?}", reply, hosts);
            prop_assert!(reply.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        }
    }
}
