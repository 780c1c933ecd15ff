//! A stored policy looked at again because an operator wants it, by the steps that a delivery takes.

use super::context::Context;
use super::evidence_log::EvidenceLog;
use super::{CacheUse, Request, mta_sts, smtp_sts};
use crate::cache::{Memory, Policies};
use crate::dns::Resolve;
use crate::https::Fetch;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;

/// Whether a policy host that failed is left alone for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// It is left alone.
    Heeded,
    /// An operator knows better.
    Ignored,
}

/// What became of one policy. The words may be untrusted, and are not yet escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Another one took its place; this is what was fetched.
    Changed(StoredPolicy),
    /// It was not fetched, authenticated or kept, and stays as it was; why.
    Failed(String),
    /// The same one was authenticated again, and ends later.
    Renewed(StoredPolicy),
    /// It stays as it was, and nothing is wrong with that; why.
    Stays(String),
}

impl Outcome {
    /// What it means that this was fetched and authenticated.
    pub(super) fn of(stored: &StoredPolicy, fetched: StoredPolicy) -> Self {
        if stored.policy == fetched.policy { Self::Renewed(fetched) } else { Self::Changed(fetched) }
    }
}

/// Looks at one stored policy again, whether it is due or not: fetches it (MTA-STS), or asks for the record and
/// authenticates it by the mechanism of the stored one (the draft's dialect, its appendix 1).
pub async fn refresh<M: Memory>(
    stored: &StoredPolicy,
    backoff: Backoff,
    memory: &M,
    dns: &impl Resolve,
    https: &impl Fetch,
    now: UnixTime,
) -> Outcome {
    let request = Request::about(stored.domain.clone());
    let evidence_log = EvidenceLog::new(CacheUse::Hit);
    let mut policies = Policies::default();
    *policies.of_mut(stored.policy.dialect()) = Some(stored.clone());
    let context = Context::new(&request, Some(memory), &policies, evidence_log, now);
    let outcome = match stored.policy.dialect() {
        Dialect::MtaSts => mta_sts::again(&context, stored, backoff, dns, https).await,
        Dialect::SmtpSts => smtp_sts::again(&context, stored, dns, https).await,
    };
    match (outcome, context.evidence_log.close()) {
        (Outcome::Changed(_) | Outcome::Renewed(_), (_, notes, CacheUse::Unavailable)) => {
            Outcome::Failed(notes.join("; "))
        }
        (outcome, _) => outcome,
    }
}
