//! The pipeline: from Exim's question to the verdict, in the order of the draft's appendix 1.
//!
//! It gathers what [`crate::verdict`] judges: what memory knows, what DNS proves, what an HTTPS copy confirms. It
//! never decides, and it touches the outside only through [`Memory`], [`Resolve`] and [`Fetch`].

pub mod announcement;
pub mod asked;
mod context;
pub mod dane;
pub mod discovery;
mod exchangers;
pub mod explain;
pub mod grounds;
mod inquiry;
mod minutes;
mod mta_sts;
pub mod mx;
pub mod refresh;
pub mod remembered;
mod report;
mod request;
mod smtp_sts;

use crate::cache::Memory;
use crate::dns::Resolve;
use crate::https::Fetch;
use crate::time::UnixTime;
use crate::verdict::{Trouble, Verdict};
use inquiry::Inquiry;
pub use minutes::{Ending, Fetched, Heard};
pub use report::{CacheUse, Evidence, NoInquiry, Report};
pub use request::Request;

/// The answer that memory alone can give: without a packet, and without writing.
#[must_use]
pub fn from_memory(request: &Request, memory: Option<&impl Memory>, now: UnixTime) -> Option<Report> {
    let inquiry = Inquiry::open(request, memory, now);
    let judgement = inquiry.judged()?;
    let delivers = judgement.verdict == Verdict::Deliver;
    let settled = delivers && inquiry.hosts_are_known() && inquiry.is_kept(&judgement);
    settled.then(|| inquiry.close(judgement))
}

/// The answer.
pub async fn verify<M: Memory>(
    request: &Request,
    memory: Option<&M>,
    dns: &impl Resolve,
    https: &impl Fetch,
    now: UnixTime,
) -> Report {
    let mut inquiry = Inquiry::open(request, memory, now);
    inquiry.forget_exchangers_that_forbid();
    inquiry.ask(dns, https).await;
    let judgement = inquiry.conclude(dns, https).await;
    inquiry.close(judgement)
}

fn words(trouble: &Trouble) -> &str {
    match trouble {
        Trouble::Bogus(_, why) | Trouble::Unreachable(_, _, why) => why,
    }
}
