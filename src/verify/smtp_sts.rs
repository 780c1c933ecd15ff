//! The draft's dialect: the record at two names, authenticated by DNSSEC or by an HTTPS copy.

use super::context::Context;
use super::discovery::{self, Candidate, Discovery, Proof};
use super::evidence_log::Ending;
use super::refresh::Outcome;
use super::remembered::RememberedDiscovery;
use super::{CacheUse, words};
use crate::cache::{Memory, Topic};
use crate::dns::{Question, Resolve};
use crate::https::{Fetch, FetchError, FetchFailure, MediaType};
use crate::limits::{FETCH_BACKOFF, MAX_NEGATIVE_TTL};
use crate::name::PolicyDomain;
use crate::policy::smtp_sts::LABELS;
use crate::policy::{Authentication, Dialect, Policy, StoredPolicy, life};
use crate::verdict::{Absence, LookupError, PolicyFindings};
use hickory_proto::rr::RecordType;

const TOPIC: Topic = Topic::Published(Dialect::SmtpSts);

/// What memory alone says; `None` if somebody has to be asked. A policy in force needs nobody's confirmation.
pub(super) fn recall<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
) -> Option<PolicyFindings> {
    if let Some(policy) = stored.filter(|policy| policy.is_in_force()) {
        return Some(PolicyFindings::InForce(policy.clone()));
    }
    if context.has_lost(Dialect::SmtpSts) {
        return None;
    }
    let (line, until) = context.recall(TOPIC)?;
    let finding = RememberedDiscovery::from_line(&line, until)?;
    let (Discovery::Absent(_, class, _) | Discovery::Found(Candidate { class, .. })) = &finding.discovery
    else {
        return None;
    };
    let names = LABELS.map(|label| format!("{label}.{}.", context.domain())).join(" and ");
    context.evidence_log.recalled(format!("{names} TXT"), *class, until);
    Some(findings(context, stored, &finding))
}

/// Asks for the record, authenticates it, and remembers what came of it.
pub(super) async fn look<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> PolicyFindings {
    let discovery = discover(context, dns).await;
    let now = context.now;
    let mut believed_until = now.plus(MAX_NEGATIVE_TTL);
    let mut authentication = None;
    if let Discovery::Found(candidate) = &discovery {
        authentication = match prove(context, candidate, None, https).await {
            Ok(authentication) => Some(authentication),
            // Nothing follows of it for the domain, now or later.
            Err(Unproven { want: Some(trouble), .. }) => {
                return context.or_lost(Dialect::SmtpSts, PolicyFindings::Unknown(trouble));
            }
            Err(Unproven { want: None, .. }) => None,
        };
        believed_until = match authentication {
            // Beyond the end of the policy nothing could be kept of it: then it is asked for again.
            Some(how) => {
                let policy = Policy::from(candidate.record.clone());
                let ttl = candidate.valid_until.since(now);
                candidate.valid_until.min(now.plus(life(&policy, how, ttl)))
            }
            // What failed may succeed soon, but a policy host is not to be hammered.
            None => now.plus(FETCH_BACKOFF),
        };
    }
    let finding = RememberedDiscovery { discovery, authentication, fetched_at: now };
    if let Some((line, until)) = finding.to_line() {
        context.remember(TOPIC, Some(&line), Some(until.min(believed_until)));
    }
    context.or_lost(Dialect::SmtpSts, findings(context, stored, &finding))
}

/// Looks for a policy newer than one in force, authenticated by the mechanism of the one in force (draft appendix 1).
pub(super) async fn newer<M: Memory>(
    context: &Context<'_, M>,
    current: &StoredPolicy,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> Option<PolicyFindings> {
    let Discovery::Found(candidate) = discover(context, dns).await else { return None };
    let policy = Policy::from(candidate.record.clone());
    if policy == current.policy {
        context.evidence_log.cache_is(CacheUse::Unchanged);
        return None;
    }
    let authentication = prove(context, &candidate, Some(current.authentication), https).await.ok()?;
    let (domain, until) = (context.domain(), candidate.valid_until);
    let policy = StoredPolicy::fetched(domain, policy, authentication, context.now, until);
    Some(PolicyFindings::NeverApplied(policy))
}

/// Looks at the record of a stored policy again, and authenticates it by the mechanism of the stored one. The same text
/// renews its life; another text takes the place of a policy in force only with a delivery that conforms to it (draft
/// appendix 1).
pub(super) async fn again<M: Memory>(
    context: &Context<'_, M>,
    stored: &StoredPolicy,
    dns: &impl Resolve,
    https: &impl Fetch,
) -> Outcome {
    let candidate = match discover(context, dns).await {
        Discovery::Found(candidate) => candidate,
        Discovery::Absent(Absence::Malformed(why), ..) => return Outcome::Failed(why),
        Discovery::Absent(..) => return Outcome::Stays("its record is gone: it ends at its time".to_owned()),
        Discovery::Unknown(trouble) => return Outcome::Failed(words(&trouble).to_owned()),
    };
    let authentication = match prove(context, &candidate, Some(stored.authentication), https).await {
        Ok(authentication) => authentication,
        Err(Unproven { why, want: None }) if stored.authentication == Authentication::FirstUse => {
            return Outcome::Stays(format!("it is trusted on first use, which nothing renews: {why}"));
        }
        Err(Unproven { why, .. }) => return Outcome::Failed(why),
    };
    let (until, record) = (candidate.valid_until, candidate.record);
    let fetched = StoredPolicy::fetched(context.domain(), record, authentication, context.now, until);
    if fetched.policy != stored.policy && stored.is_in_force() {
        let why = "another record is published: it takes over with the first delivery that conforms to it";
        return Outcome::Stays(why.to_owned());
    }
    if let Some(memory) = context.memory {
        context.evidence_log.keep(memory, &fetched);
    }
    Outcome::of(stored, fetched)
}

/// Asks for the record only to see what is published; what it says changes nothing.
pub(super) async fn glance<M: Memory>(context: &Context<'_, M>, dns: &impl Resolve) {
    context.evidence_log.answers(&dns.resolve(&questions(context.domain())).await);
}

async fn discover<M: Memory>(context: &Context<'_, M>, dns: &impl Resolve) -> Discovery {
    let answers = dns.resolve(&questions(context.domain())).await;
    context.evidence_log.answers(&answers);
    let discovery = discovery::discover(&answers);
    if let Discovery::Unknown(trouble) = &discovery {
        context.evidence_log.note(words(trouble));
    }
    discovery
}

/// The questions for the record; none if the domain is so long that no record can stand below it.
fn questions(domain: &PolicyDomain) -> Vec<Question> {
    let names = LABELS.iter().filter_map(|label| domain.below(label));
    names.map(|name| Question::new(&name, RecordType::TXT)).collect()
}

/// How the candidate is authenticated, or why it cannot be.
async fn prove<M: Memory>(
    context: &Context<'_, M>,
    candidate: &Candidate,
    replaced: Option<Authentication>,
    https: &impl Fetch,
) -> Result<Authentication, Unproven> {
    let unproven = |why: &str| {
        let why = format!("the policy cannot be authenticated: {why}");
        context.evidence_log.note(why.clone());
        Err(Unproven { why, want: None })
    };
    let url = match discovery::proof(candidate, context.domain(), replaced) {
        Proof::Given(authentication) => return Ok(authentication),
        Proof::Impossible(why) => return unproven(&why),
        Proof::Copy(url) => url,
    };
    let outcome = https.fetch(&url, MediaType::Any).await;
    let (ending, said) = match &outcome {
        Ok(body) if discovery::is_copy(body, &candidate.record) => (Ending::Authenticated, String::new()),
        Ok(_) => (Ending::Different, "the HTTPS copy is not the record".to_owned()),
        Err(error) => (Ending::Failed, error.to_string()),
    };
    context.evidence_log.fetch(&url, ending, said.clone(), &outcome);
    if ending == Ending::Authenticated {
        return Ok(Authentication::WebPki);
    }
    let is_want = |error: &&FetchError| error.failure() == FetchFailure::OutOfResources;
    let want = outcome.as_ref().err().filter(is_want).map(|error| super::out_of_resources(&url, error));
    unproven(&format!("{url}: {said}")).map_err(|unproven| Unproven { want, ..unproven })
}

/// Why a candidate is not authenticated.
struct Unproven {
    why: String,
    /// That this machine had nothing left to ask with, if that is it.
    want: Option<LookupError>,
}

/// How what was found stands to what is stored, which was never applied.
fn findings<M: Memory>(
    context: &Context<'_, M>,
    stored: Option<&StoredPolicy>,
    finding: &RememberedDiscovery,
) -> PolicyFindings {
    let candidate = match &finding.discovery {
        Discovery::Unknown(trouble) => return PolicyFindings::Unknown(trouble.clone()),
        Discovery::Absent(absence, ..) => {
            // What nothing ever authenticated does not outlive its record: one forged answer would be enough.
            let authentic = |policy: &&StoredPolicy| policy.authentication != Authentication::FirstUse;
            let absent = || PolicyFindings::Absent(absence.clone());
            return stored.filter(authentic).cloned().map_or_else(absent, PolicyFindings::NeverApplied);
        }
        Discovery::Found(candidate) => candidate,
    };
    let fetched = |authentication| {
        let (at, until, record) = (finding.fetched_at, candidate.valid_until, candidate.record.clone());
        let policy = StoredPolicy::fetched(context.domain(), record, authentication, at, until);
        PolicyFindings::NeverApplied(policy)
    };
    match (finding.authentication, stored) {
        (Some(authentication), _) => fetched(authentication),
        // A policy that is known counts until one comes that authenticates (draft section 3.3).
        (None, Some(stored)) => PolicyFindings::NeverApplied(stored.clone()),
        (None, None) if context.request.require_authentication => {
            PolicyFindings::Absent(Absence::Unauthenticated(candidate.record.as_str().to_owned()))
        }
        (None, None) => fetched(Authentication::FirstUse),
    }
}
