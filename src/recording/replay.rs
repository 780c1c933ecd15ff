//! Stands in for name servers and policy hosts with what a recording holds. It has no socket, and waits for nothing.

use super::{Asked, Brought, Fetched, Fetching, Recording, Turn};
use crate::dns::delivery::{Delivery, Opinion, QueryFailure};
use crate::dns::quota::Quota;
use crate::dns::session::Resolver;
use crate::dns::upstream::Carrier;
use crate::dns::{Outage, Question, Resolve};
use crate::explain::Explanation;
use crate::https::{Fetch, FetchError, FetchFailure, MediaType, PolicyUrl, Retold};
use crate::limits::DEADLINE_MAX;
use crate::verify::explain::explain;
use hickory_proto::rr::RecordType;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Builder;
use tokio::time::Instant;

impl Recording {
    /// Explains once more what was explained then.
    ///
    /// # Errors
    /// If the system has no memory or descriptor left.
    pub fn explain(&self) -> io::Result<Explanation> {
        // Neither sockets nor timers: a replay that opened one would end at once.
        let runtime = Builder::new_current_thread().build()?;
        let replayer = Replayer::new(self.settings.name_servers.len(), &self.dns);
        Ok(runtime.block_on(self.explain_over(replayer)))
    }

    /// The same, with another carrier, such as one that brings the replies in another order.
    pub async fn explain_over(&self, carrier: impl Carrier) -> Explanation {
        let Self { question, cache, moment, settings, .. } = self;
        let moment = *moment;
        if question.is_ignored(moment) {
            return Explanation::ignored(question, cache, moment);
        }
        // Nothing waits for it.
        let deadline = Instant::now() + DEADLINE_MAX;
        let resolver = Resolver::over(carrier, Arc::new(settings.anchors.clone()), moment, deadline);
        let fetcher = ReplayedFetch::new(&resolver, &self.https);
        let memory = cache.known.rehearsal(&question.request.domain, moment);
        let explained = explain(&question.request, &memory, &resolver, &fetcher, moment).await;
        Explanation::of(question, cache, &explained, moment)
    }
}

/// Answers as name servers did then.
#[derive(Debug)]
pub struct Replayer {
    servers: usize,
    brought: HashMap<(Turn, Question), Brought>,
}

impl Replayer {
    /// Answers what was asked then, of so many servers.
    #[must_use]
    pub fn new(servers: usize, asked: &[Asked]) -> Self {
        let entry = |asked: &Asked| ((asked.turn, asked.question.clone()), asked.brought.clone());
        Self { servers, brought: asked.iter().map(entry).collect() }
    }

    /// What the question brought in that turn, or else in the other one: which of the two is asked may depend on who
    /// answers first. What was asked for with CD clear stands for itself, for it is asked last.
    fn brought(&self, question: &Question, turn: Turn) -> Option<&Brought> {
        let in_turn = |turn| {
            let brought = self.brought.get(&(turn, question.clone()));
            brought.filter(|brought| **brought != Brought::Nothing)
        };
        in_turn(turn).or_else(|| in_turn(turn.other()?))
    }
}

impl Carrier for Replayer {
    fn count(&self) -> usize {
        self.servers
    }

    fn second_opinion(&self) -> Opinion {
        Opinion::Second(1)
    }

    fn has_checked_opinion(&self) -> bool {
        self.brought.keys().any(|(turn, _)| *turn == Turn::Checked)
    }

    async fn ask(
        &self,
        question: &Question,
        opinion: Opinion,
        quota: &Quota,
        _: Instant,
    ) -> Result<Delivery, QueryFailure> {
        let failure = |outage, text: &str| QueryFailure { outage, text: text.to_owned() };
        if !quota.take_query() {
            return Err(failure(Outage::Budget, "the quota of questions is spent"));
        }
        match self.brought(question, opinion.into()) {
            Some(Brought::Reply { server, octets }) => {
                Delivery::reread(question, *server, octets.clone(), quota)
            }
            Some(Brought::Failure(failure)) => Err(failure.clone()),
            Some(Brought::Nothing) | None => {
                Err(failure(Outage::NoAnswer, "the recording has no reply to this question"))
            }
        }
    }
}

/// Gives what policy hosts gave then.
#[derive(Debug)]
pub struct ReplayedFetch<'r, R> {
    resolver: &'r R,
    /// One outcome for each time that a policy was asked for.
    fetched: Mutex<HashMap<PolicyUrl, VecDeque<Fetched>>>,
}

impl<'r, R: Resolve> ReplayedFetch<'r, R> {
    /// Gives what was fetched then, with the names of hosts asked of that resolver.
    #[must_use]
    pub fn new(resolver: &'r R, fetching: &[Fetching]) -> Self {
        let mut fetched: HashMap<_, VecDeque<_>> = HashMap::new();
        for Fetching { url, fetched: one, .. } in fetching {
            fetched.entry(url.clone()).or_default().push_back(one.clone());
        }
        Self { resolver, fetched: Mutex::new(fetched) }
    }

    fn next(&self, url: &PolicyUrl) -> Option<Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).get_mut(url)?.pop_front()
    }
}

impl<R: Resolve> Fetch for ReplayedFetch<'_, R> {
    async fn fetch(&self, url: &PolicyUrl, _: MediaType) -> Result<Vec<u8>, FetchError> {
        let fetched = self.next(url);
        let is_asked_for = match &fetched {
            Some(Fetched::Failure(retold)) => retold.failure != FetchFailure::Misconfigured,
            Some(Fetched::Body(_) | Fetched::Nothing) | None => true,
        };
        if is_asked_for {
            // As a fetch does it: the questions spend from the budgets of the verdict.
            let name = url.host().to_dns();
            let questions = [RecordType::AAAA, RecordType::A].map(|rtype| Question::new(&name, rtype));
            let _spent = self.resolver.resolve(&questions).await;
        }
        match fetched {
            Some(Fetched::Body(octets)) => Ok(octets),
            Some(Fetched::Failure(retold)) => Err(FetchError::Retold(retold)),
            Some(Fetched::Nothing) | None => Err(FetchError::Retold(Retold::unknown())),
        }
    }
}
