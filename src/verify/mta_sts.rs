//! MTA-STS: the record that announces a policy, the fetch of the policy, and the life of what was fetched (RFC 8461).
//!
//! The record only says that something changed; it proves nothing about time. So nothing but an authenticated fetch
//! moves the end of a policy, and nothing but its end, or a fetch, takes a policy out of force.

use super::announcement::Announcement;
use super::context::Context;
use super::evidence_log::Ending;
use super::refresh::{Backoff, Outcome};
use super::{CacheUse, words};
use crate::cache::{Memory, Notice, Topic};
use crate::dns::{Question, Resolve};
use crate::https::{Fetch, FetchFailure, MediaType};
use crate::policy::mta_sts::{self, Body, LABEL, Record, policy_url};
use crate::policy::reason_code::ReasonCode;
use crate::policy::result::{ReportedFailure, ResultType};
use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
use crate::verdict::{Absence, PolicyFindings};
use hickory_proto::rr::RecordType;

const TOPIC: Topic = Topic::Published(Dialect::MtaSts);

/// What is to be done about the policy.
enum Plan {
    /// Nothing: this is how it stands.
    Settled(PolicyFindings),
    /// Fetch it, as the record or the stored policy announces it.
    Fetch(Record),
}

/// What memory alone says; `None` if somebody has to be asked.
pub(super) fn recall<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
) -> Option<PolicyFindings> {
    let announcement = recalled(context)?;
    match plan(context, stored, &announcement) {
        Plan::Settled(findings) => Some(findings),
        Plan::Fetch(_) => None,
    }
}

/// Asks for the record, if it is not remembered, and fetches the policy, if that is called for.
///
/// The addresses of the policy host are not asked for ahead of the record: that would save one round trip in five for
/// the few domains that have a policy, and cost all others four more questions (`tests/bench/cold` has the figures).
pub(super) async fn look<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> PolicyFindings {
    let announcement = match recalled(context) {
        Some(announcement) => announcement,
        None => ask(context, dns).await,
    };
    if let (Announcement::Nothing, Some(_), Some(memory)) = (&announcement, stored, context.memory) {
        memory.note(context.domain(), Dialect::MtaSts, &Notice::Withdrawn);
    }
    let found = match plan(context, stored, &announcement) {
        Plan::Settled(findings) => findings,
        Plan::Fetch(record) => fetch(context, stored, record, https).await,
    };
    context.or_lost(Dialect::MtaSts, found)
}

/// Looks for a policy newer than the one in force, before that one refuses mail (RFC 8461 section 5.1).
pub(super) async fn newer<M: Memory>(
    context: &Context<'_, M>,
    current: &StoredPolicy,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> Option<PolicyFindings> {
    let Announcement::Record(record) = ask(context, dns).await else { return None };
    if announces(&record, current) || left_alone(context, &record).is_some() {
        context.evidence_log.cache_is(CacheUse::Unchanged);
        return None;
    }
    let found = fetch(context, Some(current), record, https).await;
    (found != PolicyFindings::InForce(current.clone())).then_some(found)
}

/// Fetches a stored policy again, whether it is due or not.
pub(super) async fn again<M: Memory>(
    context: &Context<'_, M>,
    stored: &StoredPolicy,
    backoff: Backoff,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> Outcome {
    let Policy::MtaSts(policy) = &stored.policy else {
        return Outcome::Failed("it is no policy of MTA-STS".to_owned());
    };
    let record = match ask(context, dns).await {
        Announcement::Record(record) => record,
        // As in a delivery: silencing DNS must not run out the clock.
        Announcement::Unknown(_) => policy.record.clone(),
        Announcement::Malformed(why) => return Outcome::Failed(why),
        Announcement::Nothing => {
            if let Some(memory) = context.memory {
                memory.note(context.domain(), Dialect::MtaSts, &Notice::Withdrawn);
            }
            return Outcome::Stays("its record is gone: it ends at its time".to_owned());
        }
    };
    if let Some((_, why)) = left_alone(context, &record).filter(|_| backoff == Backoff::Heeded) {
        return Outcome::Failed(why);
    }
    match attempt(context, record, https).await {
        Ok(fetched) => Outcome::of(stored, fetched),
        Err(NotHad { why, .. }) => Outcome::Failed(why),
    }
}

/// Whether it is the stored policy that the record announces.
fn announces(record: &Record, stored: &StoredPolicy) -> bool {
    match &stored.policy {
        Policy::MtaSts(policy) => policy.record.id() == record.id(),
        Policy::SmtpSts(_) => false,
    }
}

/// A fetch only if the record announces something new, or the stored policy is due; never while the policy host is
/// left alone. A record that is gone or malformed takes nothing out of force, and renews nothing.
fn plan<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    announcement: &Announcement,
) -> Plan {
    let or_stored = |findings| stored.cloned().map_or(findings, PolicyFindings::InForce);
    let record = match (announcement, stored) {
        (Announcement::Record(record), Some(policy)) if !announces(record, policy) => record.clone(),
        (Announcement::Record(record), None) => record.clone(),
        // The stored record stands for the one that cannot be had: silencing DNS must not run out the clock.
        (Announcement::Record(_) | Announcement::Unknown(_), Some(policy)) if context.is_due(policy) => {
            match &policy.policy {
                Policy::MtaSts(policy) => policy.record.clone(),
                Policy::SmtpSts(_) => return Plan::Settled(PolicyFindings::InForce(policy.clone())),
            }
        }
        (Announcement::Record(_), Some(policy)) => {
            return Plan::Settled(PolicyFindings::InForce(policy.clone()));
        }
        (Announcement::Nothing, Some(policy)) => {
            context
                .evidence_log
                .note("the record of the policy in force is gone: the policy ends at its time");
            return Plan::Settled(PolicyFindings::InForce(policy.clone()));
        }
        (Announcement::Nothing, None) => return Plan::Settled(PolicyFindings::Absent(Absence::Nothing)),
        (Announcement::Malformed(why), _) => {
            context.evidence_log.note(why.clone());
            context
                .evidence_log
                .failed(ReportedFailure::with(ResultType::StsPolicyInvalid, ReasonCode::RecordSyntax));
            return Plan::Settled(or_stored(PolicyFindings::Absent(Absence::Malformed(why.clone()))));
        }
        (Announcement::Unknown(trouble), _) => {
            context.evidence_log.note(words(trouble));
            return Plan::Settled(or_stored(PolicyFindings::Unknown(trouble.clone())));
        }
    };
    match left_alone(context, &record) {
        None => Plan::Fetch(record),
        Some((result, why)) => {
            context.evidence_log.note(why.clone());
            result.into_iter().for_each(|result| context.evidence_log.failed(result));
            Plan::Settled(or_stored(PolicyFindings::Absent(Absence::NotFetched(why))))
        }
    }
}

/// How the policy stands after a fetch: a failed one takes nothing out of force.
async fn fetch<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    record: Record,
    https: &impl Fetch,
) -> PolicyFindings {
    match attempt(context, record, https).await {
        Ok(policy) => PolicyFindings::InForce(policy),
        Err(NotHad { findings, .. }) => stored.cloned().map_or(findings, PolicyFindings::InForce),
    }
}

/// How the policy stands where a fetch brought none and none is stored, and why it brought none.
struct NotHad {
    findings: PolicyFindings,
    why: String,
}

/// One fetch, and what is to be remembered of it.
async fn attempt<M: Memory>(
    context: &Context<'_, M>,
    record: Record,
    https: &impl Fetch,
) -> Result<StoredPolicy, NotHad> {
    let not_had = |absence: fn(String) -> Absence, why: String| NotHad {
        findings: PolicyFindings::Absent(absence(why.clone())),
        why,
    };
    let Some(url) = policy_url(context.domain()) else {
        let why = "the domain's name is too long for a policy host";
        return Err(not_had(Absence::NotFetched, why.to_owned()));
    };
    let version = record.id().to_owned();
    let failed = |result: Option<ReportedFailure>, why: &str| {
        context.evidence_log.note(why);
        result.into_iter().for_each(|result| context.evidence_log.failed(result));
        if let Some(memory) = context.memory {
            memory.fetch_failed(context.domain(), Dialect::MtaSts, &version, (result, why), context.now);
        }
    };
    let outcome = https.fetch(&url, MediaType::TextPlain).await;
    let told = |ending, said| context.evidence_log.fetch(&url, ending, said, &outcome);
    match &outcome {
        Ok(body) => match Body::parse(body) {
            Ok(body) => {
                told(Ending::Authenticated, format!("mode {}", body.mode.word()));
                Ok(took(context, mta_sts::Policy { record, body }))
            }
            Err(malformed) => {
                told(Ending::Malformed, malformed.to_string());
                let why = format!("{url}: {malformed}");
                failed(
                    Some(ReportedFailure::with(ResultType::StsPolicyInvalid, ReasonCode::PolicySyntax)),
                    &why,
                );
                Err(not_had(Absence::Malformed, why))
            }
        },
        // Nothing follows of it for the domain, now or later.
        Err(error) if error.failure() == FetchFailure::OutOfResources => {
            told(Ending::Failed, error.to_string());
            let trouble = super::out_of_resources(&url, error);
            let why = words(&trouble).to_owned();
            context.evidence_log.note(why.clone());
            Err(NotHad { findings: PolicyFindings::Unknown(trouble), why })
        }
        Err(error) => {
            told(Ending::Failed, error.to_string());
            let why = format!("{url}: {error}");
            failed(error.reported(), &why);
            Err(not_had(Absence::NotFetched, why))
        }
    }
}

/// A policy that was fetched with success is in force from now on, and what failed before is forgotten.
fn took<M: Memory>(context: &Context<'_, M>, policy: mta_sts::Policy) -> StoredPolicy {
    let (domain, now) = (context.domain(), context.now);
    let policy = StoredPolicy::fetched(domain, policy, Authentication::WebPki, now, now);
    if let Some(memory) = context.memory {
        context.evidence_log.keep(memory, &policy);
        memory.fetch_succeeded(domain, Dialect::MtaSts);
    }
    policy
}

/// Why the policy host is left alone, if it is: it failed lately, for what reports call so.
fn left_alone<M: Memory>(
    context: &Context<'_, M>,
    record: &Record,
) -> Option<(Option<ReportedFailure>, String)> {
    let failures = context.memory?.failures(context.domain(), Dialect::MtaSts)?;
    let until = failures.forbid(record.id(), context.now)?;
    let last = failures.last();
    let often = match failures.count() {
        1 => format!("at {last}"),
        count => format!("{count} times, the last time at {last}"),
    };
    let cause = failures.cause().map_or_else(String::new, |cause| format!(", {cause}"));
    let why =
        format!("the policy could not be fetched {often}{cause}: it is asked for again from {until} on");
    Some((failures.cause(), why))
}

fn recalled<M: Memory>(context: &Context<'_, M>) -> Option<Announcement> {
    if context.has_lost(Dialect::MtaSts) {
        return None;
    }
    let (line, until) = context.recall(TOPIC)?;
    let (announcement, class, asked_at) = Announcement::from_line(&line)?;
    let until = context.counts_until(class, asked_at, until);
    if !(asked_at..until).contains(&context.now) {
        return None;
    }
    context.evidence_log.recalled(format!("{LABEL}.{}. TXT", context.domain()), class, until);
    Some(announcement)
}

/// Asks for the record, and remembers it for its TTL.
async fn ask<M: Memory>(context: &Context<'_, M>, dns: &impl Resolve) -> Announcement {
    // A name so long that nothing can stand below it announces nothing.
    let Some(name) = context.domain().below(LABEL) else { return Announcement::Nothing };
    let answer = dns.ask(Question::new(&name, RecordType::TXT)).await;
    let announcement = Announcement::read(&answer);
    let class = answer.outcome.class();
    let until = announcement.believed_until(&answer, context.now);
    let until = until.map(|until| context.counts_until(class, context.now, until));
    context.remember(TOPIC, announcement.to_line(class, context.now).as_deref(), until);
    context.evidence_log.answers(&[answer]);
    announcement
}
