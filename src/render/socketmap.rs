//! The replies to Postfix, one for each map (`socketmap_table(5)`): a level of `smtp_tls_policy_maps` and its attributes.
//!
//! They hold words of closed lists, names, and what a policy says as it prints from its terms: untrusted text cannot
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
mod tests;
