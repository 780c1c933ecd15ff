//! The thread that looks things up: DNS, HTTPS and validation, the command's own pipeline, for many domains at once.

use super::answer::Answer;
use super::question::Question;
use super::silence::Silence;
use super::store::Store;
use super::world::{Decree, World};
use crate::cache::{Dossier, InMemory, Ledger};
use crate::dns::session::Resolver;
use crate::https::HttpsFetcher;
use crate::limits::{MAX_LOOK_UPS_AT_ONCE, MAX_LOOK_UPS_WAITING, PAUSE_AFTER_DEFER};
use crate::time::{Clock as _, SystemClock, UnixTime};
use crate::verdict::{Handshake, PolicyType, Verdict};
use crate::verify::{self, CacheUse, Report, Request};
use futures_util::future::{Either, select};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;
use tokio::runtime;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::LocalSet;

/// How far a look-up has come.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Nothing can be said yet.
    UnderWay,
    /// Whoever cannot wait any longer is told this: a policy in the cache is in force, whatever the network says.
    Meanwhile(Arc<Answer>),
    /// This is the answer, and it stands in that span.
    Landed {
        /// The answer.
        answer: Arc<Answer>,
        /// When it was found.
        from: UnixTime,
        /// The first moment at which it stands no more.
        until: UnixTime,
    },
}

/// One look-up that is wanted.
#[derive(Debug)]
pub struct Order {
    /// Under which world.
    pub world: Arc<World>,
    /// What is asked.
    pub question: Question,
    /// What Exim saw.
    pub handshake: Handshake,
    /// Whoever waits for it; dropped before the end, it says that the look-up failed.
    pub tell: watch::Sender<Stage>,
}

/// The way to the desk.
#[derive(Clone, Debug)]
pub struct Desk {
    orders: mpsc::Sender<Order>,
    pulses: mpsc::Sender<oneshot::Sender<()>>,
    store: Store,
}

impl Desk {
    /// Starts the thread, which tells `hear` of each look-up that asked the network; it ends when nobody can order anything any more and all look-ups have ended.
    ///
    /// # Errors
    /// If the system has no thread or descriptor left.
    pub fn open(
        store: Store,
        hear: impl Fn(&Question, &Report) + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (orders, mut waiting) = mpsc::channel::<Order>(MAX_LOOK_UPS_WAITING);
        let (pulses, mut felt) = mpsc::channel::<oneshot::Sender<()>>(1);
        let desk = Self { orders, pulses, store: store.clone() };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = Builder::new().name("desk".into()).spawn(move || {
            let local = LocalSet::new();
            let seats = Arc::new(Semaphore::new(MAX_LOOK_UPS_AT_ONCE));
            let hear = Rc::new(hear);
            runtime.block_on(local.run_until(async move {
                let through = store.clone();
                tokio::task::spawn_local(async move {
                    while let Some(tell) = felt.recv().await {
                        if through.pulse().await.is_ok() {
                            // Whoever asked may have given up.
                            let _ = tell.send(());
                        }
                    }
                });
                while let Some(order) = waiting.recv().await {
                    // Seats are given in the order of the orders.
                    let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { break };
                    let (store, hear) = (store.clone(), Rc::clone(&hear));
                    tokio::task::spawn_local(async move {
                        look_up(order, &store, &*hear).await;
                        drop(seat);
                    });
                }
            }));
        })?;
        Ok((desk, thread))
    }

    /// Comes back when the desk has had its turn and the store has done something; if one of them hangs, never.
    pub async fn pulse(&self) {
        let (tell, told) = oneshot::channel();
        if self.pulses.send(tell).await.is_err() || told.await.is_err() {
            std::future::pending().await
        }
    }

    /// Comes back when the store has done all that it was told before.
    pub async fn settled(&self) {
        // A store that is gone does nothing more.
        let _ = self.store.settled().await;
    }

    /// Waits until one of the two threads is gone, which takes a mistake of ours; tells which.
    pub async fn lost(&self) -> &'static str {
        match select(pin!(self.orders.closed()), pin!(self.store.lost())).await {
            Either::Left(_) => "desk",
            Either::Right(_) => "store",
        }
    }

    /// The way to the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Orders a look-up, if there is room in the queue.
    ///
    /// # Errors
    /// The order, if there is none.
    pub fn order(&self, order: Order) -> Result<(), Order> {
        self.orders.try_send(order).map_err(|full| match full {
            mpsc::error::TrySendError::Full(order) | mpsc::error::TrySendError::Closed(order) => order,
        })
    }
}

/// One look-up, from the cache to the answer.
async fn look_up(order: Order, store: &Store, hear: &impl Fn(&Question, &Report)) {
    let Order { world, question, handshake, tell } = order;
    let now = SystemClock.now();
    let landed = |report: &Report, until| {
        let answer = Arc::new(Answer::of(report, &question));
        tell.send_replace(Stage::Landed { answer, from: now, until });
    };
    let (request, notes) = match world.decree(&question, handshake, now) {
        Decree::Ask(request, notes) => (request, notes),
        Decree::Ignored(report, ends) => return landed(&report, ends),
    };
    let noted =
        |report: Report| Report { notes: notes.iter().cloned().chain(report.notes).collect(), ..report };
    let domain = question.domain.clone();
    let Ok(dossier) = store.ask(&world, move |cache| Dossier::of(cache, &domain)).await else { return };
    let ledger = Ledger::of(&question.domain, &dossier, now);
    if let Some(report) = verify::from_memory(&request, Some(&ledger), now) {
        let until = stands_until(&report, &request, ledger.memory(), now);
        return landed(&noted(report), until);
    }
    if let Some(answer) = meanwhile(&request, &dossier, &question, now).await {
        tell.send_replace(Stage::Meanwhile(Arc::new(answer)));
    }
    let deadline = Instant::now() + world.look_up_within;
    let resolver = Resolver::new(&world.name_servers, Arc::clone(&world.anchors), now, deadline.into());
    let fetcher = HttpsFetcher::new(&resolver, world.https.clone(), deadline).sharing(&world.tls);
    let mut report = verify::verify(&request, Some(&ledger), &resolver, &fetcher, now).await;
    hear(&question, &report);
    let until = stands_until(&report, &request, ledger.memory(), now);
    let writes = ledger.close();
    if !writes.is_empty() {
        let domain = question.domain.clone();
        match store.ask(&world, move |cache| cache.apply(&domain, &writes)).await {
            Ok(Ok(())) => {}
            Ok(Err(trouble)) => {
                report.cache = CacheUse::Unavailable;
                report.notes.push(trouble.to_string());
            }
            Err(_) => return,
        }
    }
    landed(&noted(report), until);
}

/// What the cache alone can answer for, if a policy in it decides.
async fn meanwhile(
    request: &Request,
    dossier: &Dossier,
    question: &Question,
    now: UnixTime,
) -> Option<Answer> {
    let memory = dossier.rehearsal(&request.domain, now);
    let report = verify::verify(request, Some(&memory), &Silence, &Silence, now).await;
    let is_policy = matches!(report.judgement.policy, PolicyType::MtaSts | PolicyType::SmtpSts);
    is_policy.then(|| Answer::of(&report, question))
}

/// The first moment at which this answer is to be looked up again.
fn stands_until(report: &Report, request: &Request, memory: &InMemory, now: UnixTime) -> UnixTime {
    let settled = verify::from_memory(request, Some(memory), now).and_then(|_| memory.settled_until());
    match (report.judgement.verdict, settled) {
        (Verdict::Deliver, Some(until)) => until,
        _ => now.plus(PAUSE_AFTER_DEFER),
    }
}
