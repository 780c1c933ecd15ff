//! The pipeline: from Exim's question to the verdict, in the order of the draft's appendix 1.
//!
//! It gathers what [`crate::verdict`] judges: what memory knows, what DNS proves, what an HTTPS copy confirms. It
//! never decides, and it touches the outside only through [`Memory`], [`Resolve`] and [`Fetch`].

pub mod announcement;
pub mod asked;
mod context;
pub mod dane;
pub mod discovery;
mod evaluation;
mod evidence_log;
mod exchangers;
pub mod explain;
pub mod grounds;
mod mta_sts;
pub mod mx;
pub mod refresh;
pub mod remembered;
mod report;
mod request;
mod smtp_sts;

use crate::cache::Memory;
use crate::dns::{Outage, Resolve, ZoneStatus};
use crate::https::{Fetch, FetchError, PolicyUrl};
use crate::time::UnixTime;
use crate::verdict::{LookupError, Verdict};
use evaluation::Evaluation;
pub use evidence_log::{Ending, Fetched, Heard};
pub use report::{CacheUse, Evidence, NoEvaluation, Report, StandIn};
pub use request::{NextHop, Request, SMTP_PORT};

/// The answer that memory alone can give: without a packet, and without writing.
#[must_use]
pub fn from_memory(request: &Request, memory: Option<&impl Memory>, now: UnixTime) -> Option<Report> {
    let evaluation = Evaluation::open(request, memory, now);
    let judgement = evaluation.judged()?;
    let delivers = judgement.verdict == Verdict::Deliver;
    let settled = delivers && evaluation.hosts_are_known() && evaluation.is_kept(&judgement);
    settled.then(|| evaluation.close(judgement))
}

/// Whether the mail of a domain may go, and how its TLS has to be verified: from memory as far as that goes, for the rest from DNS and policy
/// hosts. What the next delivery must know is written to the memory before this returns. It never fails: whatever goes wrong is in the report, and
/// decides as a delivery would have to. Deadlines are those of the resolver and the fetcher that are given.
pub async fn verify<M: Memory>(
    request: &Request,
    memory: Option<&M>,
    dns: &impl Resolve,
    https: &impl Fetch,
    now: UnixTime,
) -> Report {
    let mut evaluation = Evaluation::open(request, memory, now);
    evaluation.forget_exchangers_that_forbid();
    evaluation.ask(dns, https).await;
    let judgement = evaluation.conclude(dns, https).await;
    evaluation.close(judgement)
}

/// What is known of a policy whose fetch ended for want of something of this machine's: nothing.
fn out_of_resources(url: &PolicyUrl, error: &FetchError) -> LookupError {
    LookupError::Unreachable(Outage::OutOfResources, ZoneStatus::Unknown, format!("{url}: {error}"))
}

fn words(trouble: &LookupError) -> &str {
    match trouble {
        LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why) => why,
    }
}
