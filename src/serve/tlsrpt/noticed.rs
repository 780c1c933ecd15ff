//! What the daemon itself notices about a domain's policies while it looks them up: Exim has no event for it. Pure.

use crate::name::MxHost;
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::{ReportedFailure, ResultType};
use crate::policy::{Mode, PolicyType};
use crate::reason::Reason;
use crate::reports::applied::AppliedPolicies;
use crate::verdict::{HostJudgement, Verdict};
use crate::verify::Report;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The mechanism that it is about.
    pub(crate) about: PolicyType,
    /// The mode of its policy, if that decided.
    pub(crate) mode: Mode,
    /// The host, if it is about one.
    pub(crate) host: Option<MxHost>,
    /// What it is.
    pub(crate) failure: ReportedFailure,
}

/// What a look-up found fault with. A look-up stands for the sessions that it answers for: its answer is given many times, and is
/// counted once.
#[must_use]
pub(crate) fn faults(report: &Report) -> Vec<Fault> {
    let judgement = &report.judgement;
    let mode = |about| if about == judgement.policy { judgement.mode } else { Mode::None };
    // Nothing but the fetch of a policy of MTA-STS fails in this way.
    let of_the_policy = |failure: &ReportedFailure| (PolicyType::MtaSts, None, *failure);
    let mut found: Vec<_> = report.failures.iter().map(of_the_policy).collect();
    found.extend(judgement.hosts.iter().filter_map(of_host));
    if found.is_empty() && judgement.reason == Reason::DnssecBogus {
        found.push((PolicyType::None, None, ResultType::DnssecInvalid.into()));
    }
    let mut faults: Vec<Fault> = Vec::new();
    for (about, host, failure) in found {
        let is_known = |fault: &Fault| {
            (fault.about, &fault.host, fault.failure.result) == (about, &host, failure.result)
        };
        if !faults.iter().any(is_known) {
            faults.push(Fault { about, mode: mode(about), host, failure });
        }
    }
    faults
}

/// A host that Exim is kept away from, so that no session of its will tell: what TLSA records or DNSSEC say against it, or a policy
/// in force. Of what only asks for reports, and of TLSA records that are none, the sessions tell. Overrides are nobody else's
/// business.
fn of_host(judged: &HostJudgement) -> Option<(PolicyType, Option<MxHost>, ReportedFailure)> {
    let ruling = &judged.ruling;
    let is_told_by_sessions = ruling.verdict == Verdict::Deliver && ruling.reason != Reason::DaneUnusable;
    let is_wanting = matches!(ruling.reason, Reason::MxNotInDns | Reason::TlsUnverified);
    if is_told_by_sessions || is_wanting || ruling.policy == PolicyType::Override {
        return None;
    }
    let result = ruling.reason.explain().result_type?;
    let host = Some(judged.host.clone());
    let code = (ruling.reason == Reason::MxNotInPolicy).then_some(ReasonCode::MxNotPermitted);
    let failure = ReportedFailure { result, code };
    Some(match ruling.reason {
        Reason::DaneUnusable | Reason::TlsaBogus => (PolicyType::Dane, host, failure),
        // Of MX records, or of what announces a policy: of no host's TLSA records, and of no policy that is known.
        Reason::DnssecBogus if ruling.policy != PolicyType::Dane => (PolicyType::None, host, failure),
        _ if result.is_about_mta_sts() => (PolicyType::MtaSts, None, failure),
        _ => (ruling.policy, host, failure),
    })
}

/// What the answer applied.
#[must_use]
pub(crate) fn applied(report: &Report) -> AppliedPolicies {
    let judgement = &report.judgement;
    let is_a_policy = matches!(judgement.policy, PolicyType::MtaSts | PolicyType::SmtpSts);
    let text = report.record.as_deref().filter(|_| is_a_policy);
    AppliedPolicies::new(text.map(|text| (judgement.policy, judgement.mode, text)), &report.tlsa_sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Ruling, Standing, Tls};
    use crate::verify::NoEvaluation;

    fn report(
        failures: &[ReportedFailure],
        reason: Reason,
        hosts: &[(&str, Verdict, Reason, PolicyType)],
    ) -> Report {
        let mut report = Report::from(NoEvaluation::defer(reason, ""));
        report.failures = failures.to_vec();
        report.judgement.hosts = hosts
            .iter()
            .map(|(host, verdict, reason, policy)| HostJudgement {
                host: MxHost::from_text(host).unwrap(),
                standing: Standing::Open,
                ruling: Ruling { verdict: *verdict, tls: Tls::WebPki, policy: *policy, reason: *reason },
            })
            .collect();
        report
    }

    fn words(report: &Report) -> Vec<String> {
        let word = |fault: Fault| {
            let host = fault.host.map_or_else(|| "-".to_owned(), |host| host.to_string());
            format!("{} {host} {}", fault.about.word(), fault.failure)
        };
        faults(report).into_iter().map(word).collect()
    }

    #[test]
    fn a_policy_that_could_not_be_had_is_noticed_whatever_the_verdict_and_under_mta_sts() {
        for result in
            [ResultType::StsPolicyFetchError, ResultType::StsWebpkiInvalid, ResultType::StsPolicyInvalid]
        {
            let mut dane =
                report(&[ReportedFailure::with(result, ReasonCode::Http(404))], Reason::PolicyMet, &[]);
            dane.judgement.policy = PolicyType::Dane;
            assert_eq!(words(&dane), [format!("mta-sts - {} http-404", result.word())]);
        }
    }

    #[test]
    fn hosts_that_no_session_will_tell_of_are_noticed_under_the_mechanism_that_it_is_about() {
        use PolicyType::{Dane, MtaSts, None as NoPolicy, Override, SmtpSts};
        let hosts = [
            ("a.test", Verdict::Deliver, Reason::PolicyMet, MtaSts),
            ("b.test", Verdict::Refuse, Reason::MxNotInPolicy, MtaSts),
            ("c.test", Verdict::Defer, Reason::TlsaBogus, Dane),
            ("d.test", Verdict::Deliver, Reason::DaneUnusable, Dane),
            ("e.test", Verdict::Deliver, Reason::ReportOnly, MtaSts),
            ("f.test", Verdict::Deliver, Reason::NeverApplied, SmtpSts),
            ("g.test", Verdict::Refuse, Reason::TlsUnverified, MtaSts),
            ("h.test", Verdict::Refuse, Reason::MxNotInDns, MtaSts),
            ("i.test", Verdict::Refuse, Reason::MxNotInPolicy, SmtpSts),
            ("j.test", Verdict::Refuse, Reason::TlsaRequired, SmtpSts),
            ("k.test", Verdict::Refuse, Reason::TlsaRequired, Override),
            ("l.test", Verdict::Defer, Reason::PolicyUnreachable, NoPolicy),
            ("m.test", Verdict::Defer, Reason::PolicyUnreachable, NoPolicy),
        ];
        let expected = [
            "mta-sts b.test validation-failure mx-not-permitted",
            "dane c.test dnssec-invalid",
            "dane d.test tlsa-invalid",
            "smtp-sts i.test validation-failure mx-not-permitted",
            "smtp-sts j.test dane-required",
            "mta-sts - sts-policy-fetch-error",
        ];
        assert_eq!(words(&report(&[], Reason::PolicyMet, &hosts)), expected);
    }

    #[test]
    fn bogus_answers_are_noticed_once_and_under_no_policy() {
        assert_eq!(words(&report(&[], Reason::DnssecBogus, &[])), ["none - dnssec-invalid"]);
        let hosts = [("a.test", Verdict::Defer, Reason::DnssecBogus, PolicyType::MtaSts)];
        assert_eq!(words(&report(&[], Reason::DnssecBogus, &hosts)), ["none a.test dnssec-invalid"]);
        assert!(words(&report(&[], Reason::NoPolicy, &[])).is_empty());
    }
}
