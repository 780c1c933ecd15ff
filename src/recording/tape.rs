//! Takes down what comes in, at the lowest level, and changes nothing of it.

use super::{Asked, Brought, Fetched, Fetching};
use crate::dns::Question;
use crate::dns::delivery::{Delivery, Opinion, QueryFailure};
use crate::dns::quota::Quota;
use crate::dns::upstream::Carrier;
use crate::https::{Fetch, FetchError, MediaType, PolicyUrl, Sighting, Witness};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What came in so far, in the order in which it was asked for.
#[derive(Debug, Default)]
pub struct Tape {
    dns: Mutex<Vec<Asked>>,
    https: Mutex<Vec<Fetching>>,
    witness: Arc<Witness>,
}

impl Tape {
    /// What came in so far; what is still on its way has brought nothing.
    #[must_use]
    pub fn copy(&self) -> (Vec<Asked>, Vec<Fetching>) {
        (locked(&self.dns).clone(), locked(&self.https).clone())
    }

    /// The witness of what policy hosts show; to be given to the fetcher.
    #[must_use]
    pub fn witness(&self) -> Arc<Witness> {
        Arc::clone(&self.witness)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds an entry; its place.
fn begin<T>(entries: &Mutex<Vec<T>>, entry: T) -> usize {
    let mut entries = locked(entries);
    entries.push(entry);
    entries.len().saturating_sub(1)
}

/// Completes an entry.
fn end<T>(entries: &Mutex<Vec<T>>, place: usize, what: impl FnOnce(&mut T)) {
    if let Some(entry) = locked(entries).get_mut(place) {
        what(entry);
    }
}

/// A carrier or a fetcher whose yield is taken down.
#[derive(Debug)]
pub struct Taped<T> {
    inner: T,
    tape: Arc<Tape>,
}

impl<T> Taped<T> {
    /// The same, on tape.
    #[must_use]
    pub const fn new(inner: T, tape: Arc<Tape>) -> Self {
        Self { inner, tape }
    }
}

impl<C: Carrier> Carrier for Taped<C> {
    fn count(&self) -> usize {
        self.inner.count()
    }

    fn second_opinion(&self) -> Opinion {
        self.inner.second_opinion()
    }

    fn has_checked_opinion(&self) -> bool {
        self.inner.has_checked_opinion()
    }

    async fn ask(
        &self,
        question: &Question,
        opinion: Opinion,
        quota: &Quota,
        deadline: Instant,
    ) -> Result<Delivery, QueryFailure> {
        let asked = Asked { question: question.clone(), turn: opinion.into(), brought: Brought::Nothing };
        let place = begin(&self.tape.dns, asked);
        let result = self.inner.ask(question, opinion, quota, deadline).await;
        let brought = match &result {
            Ok(Delivery { server, octets, .. }) => Brought::Reply { server: *server, octets: octets.clone() },
            Err(failure) => Brought::Failure(failure.clone()),
        };
        end(&self.tape.dns, place, |asked| asked.brought = brought);
        result
    }
}

impl<F: Fetch> Fetch for Taped<F> {
    async fn fetch(&self, url: &PolicyUrl, media: MediaType) -> Result<Vec<u8>, FetchError> {
        let fetching =
            Fetching { url: url.clone(), media, fetched: Fetched::Nothing, sighting: Sighting::default() };
        let place = begin(&self.tape.https, fetching);
        let result = self.inner.fetch(url, media).await;
        let fetched = match &result {
            Ok(body) => Fetched::Body(body.clone()),
            Err(error) => Fetched::Failure(error.into()),
        };
        let sighting = self.tape.witness.take(url.host().as_str());
        end(&self.tape.https, place, |fetching| {
            fetching.fetched = fetched;
            fetching.sighting = sighting;
        });
        result
    }
}
