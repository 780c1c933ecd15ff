//! What the lookup worker reports to the engine, and that each look-up reports its end.

use crate::name::PolicyDomain;
use crate::overrides::Decreed;
use crate::serve::answer::MtaAnswer;
use crate::serve::answer::cache::Standing;
use crate::serve::seats::interests::Interests;
use crate::serve::store::Revision;
use crate::verify::StandIn;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the worker reports to the engine, in the order in which it happens.
#[derive(Debug)]
pub enum WorkerEvent {
    /// The answer from the cache alone, for clients whose deadline comes before the look-up ends; and whether an earlier answer
    /// may stand in for it: not over a policy that is stored.
    Interim(u64, Arc<MtaAnswer>, StandIn),
    /// Nobody asks for it any more, or it is not needed: nothing was asked.
    Rejected(u64),
    /// That look-up has an answer.
    Completed(CompletedLookup),
    /// That look-up ended without an answer, by a panic.
    Failed(u64),
    /// The operator of the fleet has decreed overrides: these count from now on, and no other.
    Decreed(Decreed),
    /// What is known about a domain has changed.
    DomainChanged(PolicyDomain),
    /// The worker is alive, and the store is at that revision.
    Pulse(Revision),
}

/// A look-up that has an answer.
#[derive(Debug)]
pub struct CompletedLookup {
    /// Which.
    pub number: u64,
    /// The answer to those who waited.
    pub answer: Arc<MtaAnswer>,
    /// The answer to those who come later.
    pub standing: Option<Standing>,
    /// The answer to those who come later and cannot have one in time.
    pub stand_in: Option<Standing>,
    /// Whether anything was written about its domain.
    pub wrote: bool,
    /// Where the store was when memory was asked.
    pub revision: Revision,
}

/// Sends the last event of one look-up, exactly once, also after a panic.
pub(crate) struct CompletionGuard<'a> {
    number: u64,
    events: &'a mpsc::UnboundedSender<WorkerEvent>,
    interests: &'a Interests,
    is_sent: bool,
}

impl<'a> CompletionGuard<'a> {
    /// Of the look-up with that number, which is asked for no more when it has ended.
    pub(crate) const fn of(
        number: u64,
        events: &'a mpsc::UnboundedSender<WorkerEvent>,
        interests: &'a Interests,
    ) -> Self {
        Self { number, events, interests, is_sent: false }
    }

    /// Sends it.
    pub(crate) fn send(mut self, event: WorkerEvent) {
        self.is_sent = true;
        // Nobody hears when the process ends.
        let _ = self.events.send(event);
    }
}

impl Drop for CompletionGuard<'_> {
    fn drop(&mut self) {
        self.interests.end(self.number);
        if !self.is_sent {
            let _ = self.events.send(WorkerEvent::Failed(self.number));
        }
    }
}
