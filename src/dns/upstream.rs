//! Asks the name servers of this machine one question and brings back the first useful reply.
//!
//! One server after the other: the next one at once after a failure, or beside a silent one after
//! [`UPSTREAM_PATIENCE`]. A server that stays silent or cannot serve us is asked last from then on. It never sends more
//! than the [`Quota`] allows and never waits longer than [`QUESTION_DEADLINE`]. Nothing in a reply is believed here.

use super::delivery::{Delivery, Opinion, QueryFailure};
use super::exchange::{Complaint, Received, exchange, reread};
use super::quota::Quota;
use super::{Outage, Question};
use crate::limits::{QUESTION_DEADLINE, UPSTREAM_PATIENCE};
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Whoever carries questions to name servers and brings their replies home: [`Upstreams`], somebody who takes down what
/// they bring, or a recording that stands in for them.
pub trait Carrier: fmt::Debug + Send + Sync + 'static {
    /// How many name servers there are; a second opinion needs two.
    fn count(&self) -> usize;

    /// The opinion that is to be had from another server than the one that served last.
    fn second_opinion(&self) -> Opinion;

    /// Whether a question can be asked with CD clear: a recording made before that was done holds no such replies.
    fn has_checked_opinion(&self) -> bool {
        true
    }

    /// Asks until a server gives a useful reply (NOERROR or NXDOMAIN).
    ///
    /// # Errors
    /// [`QueryFailure`] when every server failed, or when the quota, the question's time or the run's `deadline` is over.
    fn ask(
        &self,
        question: &Question,
        opinion: Opinion,
        quota: &Quota,
        deadline: Instant,
    ) -> impl Future<Output = Result<Delivery, QueryFailure>> + Send;
}

impl Delivery {
    /// A reply that `server` gave at another time, read and counted as if it came now.
    ///
    /// # Errors
    /// [`QueryFailure`] if it is no useful reply to this question, or more than the quota allows.
    pub fn reread(
        question: &Question,
        server: SocketAddr,
        octets: Vec<u8>,
        quota: &Quota,
    ) -> Result<Self, QueryFailure> {
        reread(question, octets, quota)
            .map(|Received { message, octets }| Self { server, message, octets })
            .map_err(|Complaint { outage, text, .. }| QueryFailure {
                outage,
                text: format!("{server}: {text}"),
            })
    }
}

/// The name servers of one run, and what was learnt about them.
#[derive(Debug)]
pub struct Upstreams {
    servers: Vec<Server>,
    /// The place of the server that gave the latest useful reply.
    latest: AtomicUsize,
}

/// One name server.
#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// Useful replies so far; more of them than at a question's beginning means that it is alive.
    replies: AtomicUsize,
    /// Stayed silent or cannot serve us: asked last.
    avoided: AtomicBool,
}

impl Upstreams {
    /// The name servers in the order in which they are asked.
    #[must_use]
    pub fn new(addresses: &[SocketAddr]) -> Self {
        let server =
            |&address| Server { address, replies: AtomicUsize::new(0), avoided: AtomicBool::new(false) };
        Self { servers: addresses.iter().map(server).collect(), latest: AtomicUsize::new(0) }
    }

    /// The places of all servers, in the order of that opinion, those to be avoided last.
    fn order(&self, opinion: Opinion) -> Vec<usize> {
        let count = self.servers.len();
        let first = match opinion {
            Opinion::First | Opinion::Checked => 0,
            Opinion::Second(place) => place,
        };
        let ring = (0..count).map(|step| first.wrapping_add(step) % count);
        let is_avoided =
            |place: &usize| self.servers.get(*place).is_some_and(|server| server.avoided.load(Relaxed));
        let (last, now): (Vec<_>, Vec<_>) = ring.partition(is_avoided);
        now.into_iter().chain(last).collect()
    }

    /// The failure of a question that nobody has answered by its `end`, which may be the run's `deadline`.
    fn out_of_time(&self, end: Instant, deadline: Instant, complaints: &[Option<Complaint>]) -> QueryFailure {
        if end == deadline {
            self.failure(Outage::Deadline, "the deadline of the run came first", complaints)
        } else {
            self.failure(Outage::NoAnswer, "no reply in time", complaints)
        }
    }

    /// The failure of a question, with what each server said.
    fn failure(&self, outage: Outage, what: &str, complaints: &[Option<Complaint>]) -> QueryFailure {
        // What we could not send, or had to stop, says more than what else was not answered.
        let ours = [Outage::OutOfResources, Outage::Budget].into_iter();
        let is_said =
            |outage: &Outage| complaints.iter().flatten().any(|complaint| complaint.outage == *outage);
        let outage = { ours }.find(is_said).unwrap_or(outage);
        let said = self.servers.iter().zip(complaints).map(|(server, complaint)| match complaint {
            Some(complaint) => format!("{}: {}", server.address, complaint.text),
            None => format!("{}: silent", server.address),
        });
        let parts: Vec<_> =
            Some(what.to_owned()).filter(|what| !what.is_empty()).into_iter().chain(said).collect();
        QueryFailure { outage, text: parts.join("; ") }
    }
}

impl Carrier for Upstreams {
    fn count(&self) -> usize {
        self.servers.len()
    }

    fn second_opinion(&self) -> Opinion {
        Opinion::Second(self.latest.load(Relaxed).saturating_add(1))
    }

    async fn ask(
        &self,
        question: &Question,
        opinion: Opinion,
        quota: &Quota,
        deadline: Instant,
    ) -> Result<Delivery, QueryFailure> {
        let end = deadline.min(Instant::now() + QUESTION_DEADLINE);
        let mut time_is_up = pin!(sleep_until(end));
        let mut ring = self.order(opinion).into_iter().cycle();
        let mut complaints: Vec<Option<Complaint>> = vec![None; self.servers.len()];
        let mut tries = FuturesUnordered::new();
        loop {
            // Whoever complained is not asked again; whoever is silent is, after the others.
            let next = ring
                .by_ref()
                .take(self.servers.len())
                .find(|place| matches!(complaints.get(*place), Some(None)));
            match next.and_then(|place| Some((place, self.servers.get(place)?))) {
                Some((place, server)) if quota.take_query() => {
                    tries.push(async move { (place, server.attempt(question, opinion, quota).await) });
                }
                Some(_) if tries.is_empty() => {
                    let text = "the quota of questions is spent".to_owned();
                    return Err(QueryFailure { outage: Outage::Budget, text });
                }
                None if tries.is_empty() => return Err(self.failure(Outage::NoAnswer, "", &complaints)),
                Some(_) | None => {}
            }
            let patience = pin!(sleep(UPSTREAM_PATIENCE));
            match select(time_is_up.as_mut(), select(tries.next(), patience)).await {
                Either::Left(_) => return Err(self.out_of_time(end, deadline, &complaints)),
                Either::Right((Either::Left((Some((place, Ok(delivery))), _)), _)) => {
                    self.latest.store(place, Relaxed);
                    return Ok(delivery);
                }
                Either::Right((Either::Left((Some((place, Err(complaint))), _)), _)) => {
                    if let Some(slot) = complaints.get_mut(place) {
                        *slot = Some(complaint);
                    }
                }
                Either::Right((Either::Left((None, _)) | Either::Right(_), _)) => {}
            }
        }
    }
}

impl Server {
    /// One try, which may outlast the patience for it; remembers how the server behaved.
    async fn attempt(
        &self,
        question: &Question,
        opinion: Opinion,
        quota: &Quota,
    ) -> Result<Delivery, Complaint> {
        let before = self.replies.load(Relaxed);
        let mut exchange = pin!(exchange(self.address, question, opinion.checking(), quota));
        let result = match timeout(UPSTREAM_PATIENCE, exchange.as_mut()).await {
            Ok(result) => result,
            Err(_) => {
                if self.replies.load(Relaxed) == before {
                    self.avoided.store(true, Relaxed);
                }
                exchange.await
            }
        };
        match &result {
            Ok(_) => {
                self.replies.fetch_add(1, Relaxed);
                self.avoided.store(false, Relaxed);
            }
            Err(complaint) if complaint.lasting => self.avoided.store(true, Relaxed),
            Err(_) => {}
        }
        result.map(|Received { message, octets }| Delivery { server: self.address, message, octets })
    }
}

#[cfg(test)]
mod tests;
