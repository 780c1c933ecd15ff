//! How far a fetch is: whom it asks, since when, and what the error says when a step fails.

use super::{FetchError, Step};
use crate::name::PolicyDomain;
use crate::resources::is_want_of_resources;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// One fetch from one policy host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress<'h> {
    pub(super) host: &'h PolicyDomain,
    begun: Instant,
    ends: Instant,
}

/// The same, at the address that is tried or has answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer<'h> {
    pub(super) fetch: Progress<'h>,
    pub(super) address: SocketAddr,
}

impl<'h> Progress<'h> {
    /// Begins now; ends after `whole`, or when the run does.
    pub(super) fn begin(host: &'h PolicyDomain, whole: Duration, run_ends: std::time::Instant) -> Self {
        let begun = Instant::now();
        let run_ends = Instant::from_std(run_ends);
        Self { host, begun, ends: begun.checked_add(whole).map_or(run_ends, |end| end.min(run_ends)) }
    }

    pub(super) const fn at(self, address: SocketAddr) -> Peer<'h> {
        Peer { fetch: self, address }
    }

    /// Waits for `work` until the fetch ends.
    pub(super) async fn until_the_end<T>(
        &self,
        step: Step,
        work: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        timeout_at(self.ends, work).await.map_err(|_| self.timed_out(step, None))
    }

    fn timed_out(&self, step: Step, address: Option<SocketAddr>) -> FetchError {
        FetchError::TimedOut { host: self.host.clone(), address, step, after: self.begun.elapsed() }
    }
}

impl Peer<'_> {
    /// Waits for `work` as long as this step may take, but never beyond the end of the fetch.
    pub(super) async fn within<T>(
        &self,
        patience: Duration,
        step: Step,
        work: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        let ends =
            Instant::now().checked_add(patience).map_or(self.fetch.ends, |end| end.min(self.fetch.ends));
        timeout_at(ends, work).await.map_err(|_| self.fetch.timed_out(step, Some(self.address)))
    }

    /// Waits for `work` until the fetch ends.
    pub(super) async fn until_the_end<T>(
        &self,
        step: Step,
        work: impl Future<Output = T>,
    ) -> Result<T, FetchError> {
        self.within(Duration::MAX, step, work).await
    }

    /// The system reported this error, in these words: the connection broke, unless this machine has nothing left for one.
    pub(super) fn broke(&self, step: Step, error: Option<&io::Error>, why: String) -> FetchError {
        if error.is_some_and(is_want_of_resources) {
            return FetchError::OutOfResources { host: self.fetch.host.clone(), step, why };
        }
        self.interrupted(step, why)
    }

    /// The connection broke, in these words.
    pub(super) fn interrupted(&self, step: Step, why: impl Into<String>) -> FetchError {
        FetchError::Interrupted {
            host: self.fetch.host.clone(),
            address: self.address,
            step,
            why: why.into(),
        }
    }

    pub(super) fn malformed(&self, why: impl Into<String>) -> FetchError {
        FetchError::Malformed { host: self.fetch.host.clone(), why: why.into() }
    }

    pub(super) fn too_large(&self, what: String) -> FetchError {
        FetchError::TooLarge { host: self.fetch.host.clone(), what }
    }
}
