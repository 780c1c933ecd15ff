//! The replies to Postfix, one for each map (`socketmap_table(5)`): a level of `smtp_tls_policy_maps` and its attributes.
//!
//! They hold words of closed lists, names, and what a policy says as it prints from its terms: a stranger's text cannot
//! get here, so nothing can end an attribute or begin another one.
//!
//! Postfix has one level for a domain where we have a ruling for each of its MX hosts. It is never weaker than the
//! ruling for any host that it lets Postfix use:
//!
//! | the hosts to which mail may go                | level                                                          |
//! |-----------------------------------------------|----------------------------------------------------------------|
//! | all have usable TLSA records                  | `dane-only`                                                    |
//! | all are bound by a policy                     | `secure match=` their names                                    |
//! | both kinds                                    | that of the first by preference; the other kind gets no mail   |
//! | some have TLSA records, no policy binds       | `dane`: Postfix tells them apart itself, as RFC 7672 wants     |
//! | none has usable TLSA records, all unusable    | `encrypt` (RFC 7672 section 2.2)                               |
//! | nothing binds, but some host is left alone    | `dane`: its TLSA answer keeps Postfix away from it             |
//! | nothing binds                                 | Postfix's own default; `may` where the administrator said so   |
//!
//! A pattern is never passed on as a name to match: Postfix would take `.example.org` for any number of labels. What
//! stands there are the names of the MX hosts that do match. `servername=hostname` sends the name of the MX host, as RFC
//! 8461 section 7.1 demands (Postfix 3.4 and later).

use crate::limits::MAX_SOCKETMAP_REPLY_OCTETS;
use crate::name::{MxHost, PolicyDomain};
use crate::policy::result::ResultType;
use crate::policy::{Mode, PolicyType, mta_sts};
use crate::reason::Reason;
use crate::verdict::{HostJudgement, Judgement, Tls, Verdict};
use crate::verify::{NextHop, Report};
use std::borrow::Cow;
use std::fmt::Write as _;

/// What Postfix takes for "nothing under this key"; the blank is part of the protocol.
const NOT_FOUND: &str = "NOTFOUND ";

/// A name that nobody can have a certificate for (RFC 2606 section 2): the policy in force lets the mail go to no host.
const NOBODY: &str = "nobody.invalid";

/// The reply of the map `policy`.
#[must_use]
pub fn policy(report: &Report) -> Cow<'static, str> {
    match level(&report.judgement) {
        Some(level) => level.reply(),
        None => waits(report).into(),
    }
}

/// The reply of the map `policy-tlsrpt`: the same with what Postfix 3.10 and later needs for TLS reports
/// (`TLSRPT_README`). There, a domain without a policy that binds has the level `may`: without a level there are no
/// attributes.
#[must_use]
pub fn policy_tlsrpt(report: &Report) -> Cow<'static, str> {
    let Some(level) = level(&report.judgement) else { return waits(report).into() };
    let reply = level.reply();
    let Some(attributes) = attributes(report, &level) else { return reply };
    let told = match level {
        Level::Default => format!("OK may{attributes}"),
        _ => format!("{reply}{attributes}"),
    };
    // Postfix takes no longer one. The level stays, whatever there is no room for.
    if told.len() <= MAX_SOCKETMAP_REPLY_OCTETS { told.into() } else { reply }
}

/// A TLS level of Postfix, weakest first.
#[derive(Debug, PartialEq, Eq)]
enum Level<'a> {
    /// Whatever `smtp_tls_security_level` says.
    Default,
    May,
    Encrypt,
    Dane,
    DaneOnly,
    /// A certificate by a certification authority, for one of these names.
    Secure(Vec<&'a MxHost>),
}

impl Level<'_> {
    fn reply(&self) -> Cow<'static, str> {
        match self {
            Self::Default => NOT_FOUND.into(),
            Self::May => "OK may".into(),
            Self::Encrypt => "OK encrypt".into(),
            Self::Dane => "OK dane".into(),
            Self::DaneOnly => "OK dane-only".into(),
            Self::Secure(hosts) => {
                let names: Vec<&str> = hosts.iter().map(|host| host.as_str()).collect();
                let names = if names.is_empty() { NOBODY.to_owned() } else { names.join(":") };
                format!("OK secure match={names} servername=hostname").into()
            }
        }
    }
}

/// The level for a domain; `None` if its mail waits.
fn level(judgement: &Judgement) -> Option<Level<'_>> {
    if judgement.verdict != Verdict::Deliver {
        return None;
    }
    let (usable, left_alone): (Vec<&HostJudgement>, Vec<_>) =
        judgement.hosts.iter().partition(|host| host.ruling.verdict == Verdict::Deliver);
    let all = |tls| usable.iter().all(|host| host.ruling.tls == tls);
    let is_bound = |host: &&HostJudgement| host.ruling.tls == Tls::WebPki;
    let binds = usable.iter().copied().any(|host| is_bound(&host));
    // Postfix takes `hostname`, `nexthop` and `dot-nexthop` for words of its own; no name without a dot has a
    // certificate by a certification authority.
    let is_matched = |host: &&MxHost| host.as_str().contains('.');
    let secure = || {
        Level::Secure(usable.iter().copied().filter(is_bound).map(|h| &h.host).filter(is_matched).collect())
    };
    Some(match (usable.first(), judgement.tls) {
        // No MX host is known: a null MX, or nobody asked.
        (None, Tls::WebPki) => Level::Secure(Vec::new()),
        (None, Tls::Dane) => Level::DaneOnly,
        (None, Tls::Encrypt) => Level::Encrypt,
        (Some(first), _) if binds && first.ruling.tls != Tls::Dane => secure(),
        (Some(_), _) if binds || all(Tls::Dane) => Level::DaneOnly,
        (Some(_), _) if all(Tls::Encrypt) && left_alone.is_empty() => Level::Encrypt,
        (Some(_), _) if !all(Tls::Opportunistic) || !left_alone.is_empty() => Level::Dane,
        (_, Tls::Opportunistic) | (Some(_), _) if judgement.policy == PolicyType::Override => Level::May,
        (_, Tls::Opportunistic) | (Some(_), _) => Level::Default,
    })
}

/// Why the mail waits. Postfix defers it after each of these statuses, and logs the words.
fn waits(report: &Report) -> String {
    let reason = report.judgement.reason;
    let status = match reason {
        Reason::Deadline => "TIMEOUT",
        Reason::BadDomain | Reason::BadHost | Reason::Configuration | Reason::Usage => "PERM",
        _ => "TEMP",
    };
    let mut reply = format!("{status} {}", reason.word());
    if let Some(domain) = &report.domain {
        // Writing into a String does not fail.
        let _ = match report.next_hop {
            NextHop::Exchangers(_) => write!(reply, ": smtp-sts-verify explain {domain}"),
            NextHop::Host(port) => write!(reply, ": smtp-sts-verify -d [{domain}]:{port} -v"),
        };
    }
    reply
}

/// What a report about such a delivery is to say of the policy; `None` where Postfix knows it best (DANE), or there is
/// nothing that RFC 8460 has a word for.
fn attributes(report: &Report, level: &Level<'_>) -> Option<String> {
    let domain = report.domain.as_ref()?;
    // RFC 8460 has policies of domains, and this is about a host.
    if matches!(report.next_hop, NextHop::Host(_)) {
        return None;
    }
    let Judgement { policy, mode, reason, .. } = &report.judgement;
    let published = match policy {
        PolicyType::MtaSts => report.record.as_deref().and_then(|text| mta_sts::Policy::parse(text).ok()),
        PolicyType::Dane | PolicyType::None | PolicyType::Override | PolicyType::SmtpSts => None,
    };
    match (level, published) {
        (Level::Secure(hosts), Some(published)) => {
            Some(of_policy(domain, &published, &host_patterns(report, &published, hosts)))
        }
        (Level::Default, _) if matches!(reason, Reason::NullMx | Reason::SpecialUseName) => None,
        (Level::Default, Some(published)) if *mode == Mode::Testing => {
            let patterns = published.body.mx.iter().map(ToString::to_string).collect::<Vec<_>>();
            Some(of_policy(domain, &published, &patterns) + &failure(report).unwrap_or_default())
        }
        (Level::Default, _) => Some(failure(report).map_or_else(
            || format!(" policy_type=no-policy-found policy_domain={domain}"),
            |failure| format!(" policy_type=sts policy_domain={domain}{failure}"),
        )),
        (Level::May | Level::Encrypt | Level::Dane | Level::DaneOnly | Level::Secure(_), _) => None,
    }
}

/// A policy as it was published, line by line, and the hosts that Postfix may use under it.
fn of_policy(domain: &PolicyDomain, published: &mta_sts::Policy, patterns: &[String]) -> String {
    let mut text = format!(" policy_type=sts policy_domain={domain}");
    for line in published.body.to_string().lines() {
        let _ = write!(text, " {{ policy_string = {line} }}");
    }
    for pattern in patterns {
        let _ = write!(text, " mx_host_pattern={pattern}");
    }
    text
}

/// The policy's patterns, to which Postfix 3.10.5 and later holds MX hosts. It would go by them alone
/// (`smtp_tls_enforce_sts_mx_patterns`): where they let in a host that is to be left alone, or that DANE decides about,
/// the hosts stand there by name.
fn host_patterns(report: &Report, published: &mta_sts::Policy, hosts: &[&MxHost]) -> Vec<String> {
    let lets_in = |host: &MxHost| published.body.mx.iter().any(|pattern| pattern.permits(host));
    let is_meant = |judged: &HostJudgement| !lets_in(&judged.host) || hosts.contains(&&judged.host);
    if hosts.is_empty() {
        vec![NOBODY.to_owned()]
    } else if report.judgement.hosts.iter().all(is_meant) {
        published.body.mx.iter().map(ToString::to_string).collect()
    } else {
        hosts.iter().map(ToString::to_string).collect()
    }
}

/// What was wrong with the policy, in the words of RFC 8460 section 4.3; nothing if nothing was, or if it was one of the
/// draft's, which reports know nothing of.
fn failure(report: &Report) -> Option<String> {
    let result = match (report.judgement.reason, report.failures.first().map(|failure| &failure.result)) {
        (Reason::PolicyMalformed | Reason::PolicyNotFetched, Some(result)) => *result,
        // It failed lately, and was left alone since.
        (Reason::PolicyNotFetched, None) => ResultType::StsPolicyFetchError,
        (Reason::ReportOnly, _) => ResultType::ValidationFailure,
        _ => return None,
    };
    Some(format!(" policy_failure={result}"))
}

#[cfg(test)]
mod tests {
    use super::*;
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
                verdict: if spokesman.verdict == Verdict::Deliver {
                    Verdict::Deliver
                } else {
                    Verdict::Defer
                },
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
            (
                &[("a.d.test", "sts"), ("x.test", "forbidden"), ("b.d.test", "sts")],
                secure("a.d.test:b.d.test"),
            ),
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
            (
                &[("x.test", "forbidden"), ("a.d.test", "dane"), ("b.d.test", "sts")],
                "OK dane-only".to_owned(),
            ),
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
        report.judgement =
            Judgement { verdict: Verdict::Deliver, reason: Reason::NullMx, ..report.judgement };
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
        let failed = |result: &str| {
            format!("OK may policy_type=sts policy_domain=example.org policy_failure={result}")
        };
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
}
