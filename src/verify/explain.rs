//! The pipeline once more, for `explain`: the same steps and the same decision, and everything that they rest on.
//!
//! A delivery waits for nobody who cannot decide any more; here every mechanism is asked to its end, so that what was
//! passed over is seen, too, and nothing depends on who answers first. DNS is asked afresh; the policies that are
//! remembered count as they do in a delivery.

use super::context::Context;
use super::evaluation::{Evaluation, Findings};
use super::evidence_log::EvidenceLog;
use super::exchangers::Exchangers;
use super::grounds::{Explained, Grounds, Remembered};
use super::{CacheUse, Report, Request, from_memory, mta_sts, smtp_sts};
use crate::cache::{CacheError, Failures, Kept, Memory, Notice, Policies, Recollection, Topic};
use crate::dns::{Question, Resolve};
use crate::https::Fetch;
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use crate::verdict::{DaneFindings, MxFindings, PolicyFindings};
use futures_util::future::join3;
use hickory_proto::rr::RecordType;

/// Judges as [`super::verify`] does, and tells everything.
pub async fn explain<M: Memory>(
    request: &Request,
    memory: &M,
    dns: &impl Resolve,
    https: &impl Fetch,
    now: UnixTime,
) -> Explained {
    let remembered = from_memory(request, Some(memory), now);
    let afresh = Afresh(memory);
    let before = memory.policies(&request.domain).unwrap_or_default();
    let remembered = remembered.map(|report| Remembered { until: end(&report, &before, now), report });
    let mut evaluation = Evaluation::open(request, Some(&afresh), now);
    evaluation.context.evidence_log =
        std::mem::replace(&mut evaluation.context.evidence_log, EvidenceLog::new(CacheUse::None)).in_full();

    let mechanism = || {
        let evidence_log = EvidenceLog::new(CacheUse::None).in_full();
        Context::new(request, Some(&afresh), &evaluation.stored, evidence_log, now)
    };
    let (for_exchangers, for_mta_sts, for_smtp_sts) = (mechanism(), mechanism(), mechanism());
    let (exchangers, mta_sts, smtp_sts) = join3(
        Exchangers::default().look(&for_exchangers, dns),
        ask_mta_sts(&for_mta_sts, evaluation.stored.mta_sts.as_ref(), dns, https),
        ask_smtp_sts(&for_smtp_sts, evaluation.stored.smtp_sts.as_ref(), dns, https),
    )
    .await;
    // In this order, whatever order they came in.
    let evidence_log = &evaluation.context.evidence_log;
    let of_exchangers = evidence_log.absorb(for_exchangers.evidence_log);
    let of_mta_sts = evidence_log.absorb(for_mta_sts.evidence_log);
    let of_smtp_sts = evidence_log.absorb(for_smtp_sts.evidence_log);

    evaluation.exchangers = exchangers;
    // Where the administrator's word stands above every policy, the policies are only looked at.
    if request.requirement.is_none() {
        evaluation.findings = Findings { mta_sts: Some(mta_sts.clone()), smtp_sts: Some(smtp_sts.clone()) };
    }
    let judgement = evaluation.conclude(dns, https).await;

    let unasked = || MxFindings::Hosts { names: Vec::new(), aliases: None };
    let grounds = Grounds {
        mx: evaluation.exchangers.mx().cloned().unwrap_or_else(unasked),
        dane: evaluation.exchangers.dane().cloned().unwrap_or_else(|| DaneFindings::Hosts(Vec::new())),
        mta_sts: evaluation.findings.mta_sts.clone().unwrap_or(mta_sts),
        smtp_sts: evaluation.findings.smtp_sts.clone().unwrap_or(smtp_sts),
        of_exchangers,
        of_mta_sts,
        of_smtp_sts,
        of_second_look: evaluation.context.evidence_log.heard(),
    };
    let report = evaluation.close(judgement);
    Explained { report, grounds, remembered, kept: news(&before, memory.policies(&request.domain)) }
}

/// The policy of RFC 8461; and, where it was fetched, the addresses of its host: the reason why a fetch fails is often
/// there.
async fn ask_mta_sts<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> PolicyFindings {
    if !context.request.mechanisms.mta_sts {
        return PolicyFindings::NotAsked;
    }
    let findings = mta_sts::look(context, stored, dns, https).await;
    if let Some(fetched) = context.evidence_log.heard().fetches.first() {
        let host = fetched.url.host().to_dns();
        let questions = [RecordType::A, RecordType::AAAA].map(|rtype| Question::new(&host, rtype));
        context.evidence_log.answers(&dns.resolve(&questions).await);
    }
    findings
}

/// The policy of the draft; one in force stands whatever is published, which is looked at all the same.
async fn ask_smtp_sts<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> PolicyFindings {
    if !context.request.mechanisms.smtp_sts {
        return PolicyFindings::NotAsked;
    }
    match smtp_sts::recall(context, stored) {
        Some(findings) => {
            smtp_sts::glance(context, dns).await;
            findings
        }
        None => smtp_sts::look(context, stored, dns, https).await,
    }
}

/// Until when memory can give the same answer: until the first of the results that it rests on ends, or the policy that
/// counts does, or that policy is due to be fetched again.
fn end(report: &Report, stored: &Policies, now: UnixTime) -> UnixTime {
    let results = report.rests_until().into_iter();
    let policies = stored.iter().map(|policy| policy.expires_at);
    let renewal = stored.mta_sts.iter().map(StoredPolicy::due_at).filter(|at| *at > now);
    results.chain(policies).chain(renewal).min().unwrap_or(now)
}

/// What memory holds now and did not hold before.
fn news(before: &Policies, after: Result<Policies, CacheError>) -> Policies {
    let after = after.unwrap_or_default();
    Policies {
        mta_sts: after.mta_sts.filter(|policy| Some(policy) != before.mta_sts.as_ref()),
        smtp_sts: after.smtp_sts.filter(|policy| Some(policy) != before.smtp_sts.as_ref()),
        unreadable: Vec::new(),
    }
}

/// A memory that recalls no DNS results; what is written into it is remembered.
#[derive(Debug)]
struct Afresh<'a, M>(&'a M);

impl<M: Memory> Memory for Afresh<'_, M> {
    fn policies(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        self.0.policies(domain)
    }

    fn keep(&self, policy: &StoredPolicy) -> Result<Kept, CacheError> {
        self.0.keep(policy)
    }

    fn note(&self, domain: &PolicyDomain, dialect: Dialect, notice: &Notice) {
        self.0.note(domain, dialect, notice);
    }

    fn recall(&self, _: &PolicyDomain, _: Topic) -> Option<Recollection> {
        None
    }

    fn remember(&self, domain: &PolicyDomain, topic: Topic, text: &str, valid_until: UnixTime) {
        self.0.remember(domain, topic, text, valid_until);
    }

    fn forget(&self, domain: &PolicyDomain, topic: Topic) {
        self.0.forget(domain, topic);
    }

    fn failures(&self, domain: &PolicyDomain, dialect: Dialect) -> Option<Failures> {
        self.0.failures(domain, dialect)
    }

    fn trouble(&self) -> Option<CacheError> {
        self.0.trouble()
    }
}
