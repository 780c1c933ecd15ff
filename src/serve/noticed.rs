//! What the daemon itself notices about a domain's policies while it looks them up: Exim has no event for it. Pure.

use crate::name::MxHost;
use crate::policy::result::ResultType;
use crate::reason::Reason;
use crate::verdict::{Judgement, Verdict};
use crate::verify::Report;

/// What a look-up found fault with, and at which host, if at one. A look-up stands for the sessions that it answers for:
/// its answer is given many times, and is counted once.
#[must_use]
pub(super) fn faults(report: &Report) -> Vec<(Option<MxHost>, ResultType)> {
    let judgement = &report.judgement;
    let mut faults: Vec<_> = report.failures.iter().map(|result| (None, *result)).collect();
    faults.extend(of_hosts(judgement));
    if faults.is_empty() && judgement.reason == Reason::DnssecBogus {
        faults.push((None, ResultType::DnssecInvalid));
    }
    faults
}

/// Hosts that Exim is kept away from, so that no session of theirs will tell: what TLSA records or DNSSEC say against them,
/// or a policy in force. Of what only asks for reports, and of TLSA records that are none, the sessions tell.
fn of_hosts(judgement: &Judgement) -> impl Iterator<Item = (Option<MxHost>, ResultType)> {
    judgement.hosts.iter().filter_map(|judged| {
        let ruling = &judged.ruling;
        let is_told_by_sessions = ruling.verdict == Verdict::Deliver && ruling.reason != Reason::DaneUnusable;
        let is_wanting = matches!(ruling.reason, Reason::MxNotInDns | Reason::TlsUnverified);
        let result = ruling.reason.explain().result_type?;
        (!is_told_by_sessions && !is_wanting).then(|| (Some(judged.host.clone()), result))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyType;
    use crate::verdict::{HostJudgement, Ruling, Standing, Tls};
    use crate::verify::NoEvaluation;

    fn report(failures: &[ResultType], reason: Reason, hosts: &[(&str, Verdict, Reason)]) -> Report {
        let mut report = Report::from(NoEvaluation::defer(reason, ""));
        report.failures = failures.to_vec();
        report.judgement.hosts = hosts
            .iter()
            .map(|(host, verdict, reason)| HostJudgement {
                host: MxHost::from_text(host).unwrap(),
                standing: Standing::Open,
                ruling: Ruling {
                    verdict: *verdict,
                    tls: Tls::WebPki,
                    policy: PolicyType::MtaSts,
                    reason: *reason,
                },
            })
            .collect();
        report
    }

    fn words(report: &Report) -> Vec<String> {
        let word = |(host, result): (Option<MxHost>, ResultType)| {
            format!("{} {}", host.map_or_else(|| "-".to_owned(), |host| host.to_string()), result.word())
        };
        faults(report).into_iter().map(word).collect()
    }

    #[test]
    fn a_policy_that_could_not_be_had_is_noticed_whatever_the_verdict() {
        for result in
            [ResultType::StsPolicyFetchError, ResultType::StsWebpkiInvalid, ResultType::StsPolicyInvalid]
        {
            let found = words(&report(&[result], Reason::PolicyMet, &[]));
            assert_eq!(found, [format!("- {}", result.word())]);
        }
    }

    #[test]
    fn hosts_that_no_session_will_tell_of_are_noticed() {
        let hosts = [
            ("a.test", Verdict::Deliver, Reason::PolicyMet),
            ("b.test", Verdict::Refuse, Reason::MxNotInPolicy),
            ("c.test", Verdict::Defer, Reason::TlsaBogus),
            ("d.test", Verdict::Deliver, Reason::DaneUnusable),
            ("e.test", Verdict::Deliver, Reason::ReportOnly),
            ("f.test", Verdict::Deliver, Reason::NeverApplied),
            ("g.test", Verdict::Refuse, Reason::TlsUnverified),
            ("h.test", Verdict::Refuse, Reason::MxNotInDns),
        ];
        let expected = ["b.test validation-failure", "c.test dnssec-invalid", "d.test tlsa-invalid"];
        assert_eq!(words(&report(&[], Reason::PolicyMet, &hosts)), expected);
    }

    #[test]
    fn bogus_answers_are_noticed_once() {
        assert_eq!(words(&report(&[], Reason::DnssecBogus, &[])), ["- dnssec-invalid"]);
        let hosts = [("a.test", Verdict::Defer, Reason::DnssecBogus)];
        assert_eq!(words(&report(&[], Reason::DnssecBogus, &hosts)), ["a.test dnssec-invalid"]);
        assert!(words(&report(&[], Reason::NoPolicy, &[])).is_empty());
    }
}
