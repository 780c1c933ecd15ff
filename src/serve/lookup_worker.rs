//! The thread that looks things up: DNS, HTTPS and validation, the command's own pipeline, for many domains at once.
//!
//! What the cache knows is answered first, without a permit and in parallel to any look-up. A look-up that needs the network
//! waits for its domain's lock ([`super::domain_locks`]), then for one of a bounded number of permits; after a wait the cache
//! is read again. A look-up returns its permit once it waits for others' servers, and continues when its clients have left.
//! Every look-up ends with exactly one event, also after a panic, which ends nothing but
//! that look-up.

use super::answer::Answer;
use super::answer_cache::Standing;
use super::counters::{Counters, LookUpEnd, Thread};
use super::domain_locks::DomainLocks;
use super::front::ConcurrencyLimits;
use super::look_up::{Begun, Found, LookUp};
use super::messages::DEBUGGED;
use super::outside::Outside;
use super::question::Question;
use super::renewal;
use super::resolution_failures::{CurrentFailureCache, FailureCachingResolver, ResolutionFailureCache};
use super::store::{Gone, Revision, Store};
use super::tlsrpt_recorder::TlsrptRecorder;
use super::world::World;
use crate::cache::Write;
use crate::limits::{
    LOOK_UP_IS_SLOW_AFTER, MAX_LOOK_UPS_WAITING, STAND_IN_KEPT, STORE_PULSE, WATCHDOG_GRACE,
};
use crate::name::PolicyDomain;
use crate::render::human;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::Handshake;
use crate::verify::StandIn;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use std::cell::RefCell;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Instant;
use tokio::runtime;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::info;

/// One look-up that is wanted.
#[derive(Debug)]
pub struct LookupOrder {
    /// Its number, by which the events about it refer to it.
    pub number: u64,
    /// Under which world.
    pub world: Arc<World>,
    /// What is asked.
    pub question: Question,
    /// What Exim saw.
    pub handshake: Handshake,
}

/// What the worker reports to the engine, in the order in which it happens.
#[derive(Debug)]
pub enum WorkerEvent {
    /// The answer from the cache alone, for clients whose deadline comes before the look-up ends; and whether an earlier answer
    /// may stand in for it: not over a policy that is stored.
    Interim(u64, Arc<Answer>, StandIn),
    /// The queue is full, or the look-up is not needed: nothing is asked.
    Rejected(u64),
    /// That look-up has an answer.
    Completed(CompletedLookup),
    /// That look-up ended without an answer, by a panic.
    Failed(u64),
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
    pub answer: Arc<Answer>,
    /// The answer to those who come later.
    pub standing: Option<Standing>,
    /// The answer to those who come later and cannot have one in time.
    pub stand_in: Option<Standing>,
    /// Whether anything was written about its domain.
    pub wrote: bool,
    /// Where the store was when memory was asked.
    pub revision: Revision,
}

/// What the engine sends to the worker.
#[derive(Debug)]
enum WorkerCommand {
    LookUp(LookupOrder),
    Pulse(oneshot::Sender<()>),
}

/// The handle of the worker's thread.
#[derive(Debug)]
pub struct LookupWorker {
    commands: mpsc::Sender<WorkerCommand>,
    world: watch::Sender<Arc<World>>,
    store: Store,
}

impl LookupWorker {
    /// Starts the thread; it ends with all look-ups when the last handle is dropped. Failures that look-ups
    /// find are also sent to the TLSRPT recorder.
    ///
    /// # Errors
    /// If the system has no thread or descriptor left.
    pub fn open<O: Outside + Send>(
        world: Arc<World>,
        store: Store,
        outside: O,
        limits: ConcurrencyLimits,
        counters: Arc<Counters>,
        tlsrpt_recorder: TlsrptRecorder,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<WorkerEvent>, JoinHandle<()>)> {
        let (commands, mut waiting) = mpsc::channel(MAX_LOOK_UPS_WAITING);
        // Bounded by the look-ups: each sends two events at most.
        let (events, receiver) = mpsc::unbounded_channel();
        let today = Arc::clone(&world);
        let (world, worlds) = watch::channel(world);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let state_store = store.clone();
        let thread = Builder::new().name("lookup-worker".into()).spawn(move || {
            let state = Rc::new(WorkerState {
                outside,
                store: state_store,
                counters,
                events,
                tlsrpt_recorder,
                worlds,
                domain_locks: Rc::default(),
                permits: Semaphore::new(limits.look_ups),
                slow_look_ups: Semaphore::new(limits.slow_look_ups),
                resolution_failures: RefCell::new(CurrentFailureCache::under(today)),
            });
            LocalSet::new().block_on(&runtime, async move {
                spawn_local(pulse(Rc::clone(&state)));
                spawn_local(renewal::walk(Rc::clone(&state)));
                while let Some(command) = waiting.recv().await {
                    match command {
                        WorkerCommand::LookUp(order) => {
                            state.begin(Rc::clone(&state).look_up(order), |counters| {
                                counters.look_ups.of(LookUpEnd::Panicked).one();
                            })
                        }
                        WorkerCommand::Pulse(done) => {
                            let store = state.store.clone();
                            spawn_local(async move {
                                if store.pulse().await.is_ok() {
                                    let _ = done.send(());
                                }
                            });
                        }
                    }
                }
            });
        })?;
        Ok((Self { commands, world, store }, receiver, thread))
    }

    /// The world under which the worker renews policies.
    #[must_use]
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.borrow())
    }

    /// Exchanges it; look-ups that are under way end under theirs.
    pub fn renew(&self, world: Arc<World>) {
        self.world.send_replace(world);
    }

    /// The way to the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Orders a look-up, if the worker still runs.
    ///
    /// # Errors
    /// If it does not: nothing was ordered.
    pub fn order(&self, order: LookupOrder) -> Result<(), Gone> {
        self.commands.try_send(WorkerCommand::LookUp(order)).map_err(|_| Gone)
    }

    /// Returns when the worker has run and the store has done something; never, if one of them hangs.
    pub async fn pulse(&self) {
        let (done, finished) = oneshot::channel();
        if self.commands.send(WorkerCommand::Pulse(done)).await.is_err() || finished.await.is_err() {
            std::future::pending().await
        }
    }

    /// Returns when the store has done all earlier errands.
    pub async fn settled(&self) {
        // A store that is gone does nothing more.
        let _ = self.store.settled().await;
    }

    /// Waits until one of the two threads is gone, which takes a bug; returns its name.
    pub async fn lost(&self) -> &'static str {
        match select(pin!(self.commands.closed()), pin!(self.store.lost())).await {
            Either::Left(_) => "lookup-worker",
            Either::Right(_) => "store",
        }
    }
}

/// What all look-ups share.
pub(super) struct WorkerState<O> {
    pub(super) outside: O,
    pub(super) store: Store,
    pub(super) counters: Arc<Counters>,
    pub(super) events: mpsc::UnboundedSender<WorkerEvent>,
    tlsrpt_recorder: TlsrptRecorder,
    pub(super) worlds: watch::Receiver<Arc<World>>,
    pub(super) domain_locks: Rc<DomainLocks>,
    permits: Semaphore,
    slow_look_ups: Semaphore,
    resolution_failures: RefCell<CurrentFailureCache>,
}

/// Sends the last event of one look-up, exactly once, also after a panic.
struct CompletionGuard<'a> {
    number: u64,
    events: &'a mpsc::UnboundedSender<WorkerEvent>,
    is_sent: bool,
}

impl CompletionGuard<'_> {
    fn send(mut self, event: WorkerEvent) {
        self.is_sent = true;
        // Nobody hears when the process ends.
        let _ = self.events.send(event);
    }
}

impl Drop for CompletionGuard<'_> {
    fn drop(&mut self) {
        if !self.is_sent {
            let _ = self.events.send(WorkerEvent::Failed(self.number));
        }
    }
}

impl<O: Outside> WorkerState<O> {
    /// Begins a task that may panic without taking anything else along.
    pub(super) fn begin(
        &self,
        task: impl Future<Output = ()> + 'static,
        end: impl FnOnce(&Counters) + 'static,
    ) {
        let counters = Arc::clone(&self.counters);
        spawn_local(async move {
            // The guards that the task drops report its end.
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                counters.panics.of(Thread::LookupWorker).one();
                end(&counters);
            }
        });
    }

    /// One look-up, from memory to the answer. Thousands may wait here: what one needs while it asks, some 100,000 octets, has
    /// a box of its own that is there no sooner.
    async fn look_up(self: Rc<Self>, order: LookupOrder) {
        let completion = CompletionGuard { number: order.number, events: &self.events, is_sent: false };
        let (mut look_up, mut revision) = match self.recall(&order).await {
            Err(Gone) => return,
            Ok((Begun::Answered(found), revision)) => {
                return complete(completion, &order, *found, false, revision);
            }
            Ok((Begun::Open(look_up), revision)) => (look_up, revision),
        };
        // Any client of Exim's socket can report handshakes; nothing is asked where a handshake changes nothing.
        if order.handshake == Handshake::Verified && !look_up.awaits_a_handshake() {
            return completion.send(WorkerEvent::Rejected(order.number));
        }
        let meanwhile = Arc::new(look_up.meanwhile().boxed_local().await);
        let _ = self.events.send(WorkerEvent::Interim(order.number, meanwhile, look_up.stand_in()));
        if self.is_full() {
            return completion.send(WorkerEvent::Rejected(order.number));
        }
        let waiting = self.counters.look_ups_waiting.held();
        let (_lock, has_waited) = self.domain_locks.lock(&order.question.domain).await;
        let is_taken = self.permits.available_permits() == 0;
        let Ok(permit) = self.permits.acquire().await else { return };
        drop(waiting);
        if has_waited || is_taken {
            match self.recall(&order).await {
                Err(Gone) => return,
                Ok((Begun::Answered(found), revision)) => {
                    return complete(completion, &order, *found, false, revision);
                }
                Ok((Begun::Open(again), now)) => (look_up, revision) = (again, now),
            }
        }
        let (mut found, writes) = self.ask(&order, &look_up, permit).boxed_local().await;
        let wrote = !writes.is_empty();
        if wrote {
            let domain = order.question.domain.clone();
            match self.store.ask(&order.world, move |cache| cache.apply(&domain, &writes)).await {
                Err(Gone) => return,
                Ok(Err(why)) => {
                    self.counters.store_troubles.one();
                    found = look_up.unkept(found, why, SystemClock.now());
                }
                Ok(Ok(())) => {}
            }
        }
        complete(completion, &order, found, wrote, revision);
    }

    /// The failures that a question under that world has to know and adds to.
    pub(super) fn resolution_failures(&self, world: &Arc<World>) -> Rc<RefCell<ResolutionFailureCache>> {
        self.resolution_failures.borrow_mut().of(world, &self.worlds.borrow())
    }

    fn is_full(&self) -> bool {
        usize::try_from(self.counters.look_ups_waiting.get())
            .is_ok_and(|waiting| waiting >= MAX_LOOK_UPS_WAITING)
    }

    /// What memory says now.
    async fn recall(&self, order: &LookupOrder) -> Result<(Begun, Revision), Gone> {
        let LookupOrder { world, question, handshake, .. } = order;
        let (snapshot, revision) = self.store.snapshot(world, &question.domain).await?;
        Ok((LookUp::begin(world, question, *handshake, snapshot, SystemClock.now()), revision))
    }

    /// Asks the network, with a permit, which it returns once it waits for others' servers.
    async fn ask(
        &self,
        order: &LookupOrder,
        look_up: &LookUp,
        permit: SemaphorePermit<'_>,
    ) -> (Found, Vec<Write>) {
        let _under_way = self.counters.look_ups_under_way.held();
        if look_up.has_lost_a_policy() {
            self.counters.store_troubles.one();
        }
        let world = &order.world;
        let deadline = Instant::now() + world.look_up_within;
        let dns = self.outside.dns(world, look_up.now(), deadline);
        let https = self.outside.https(world, &dns, deadline);
        let resolution_failures = self.resolution_failures(world);
        let resolver = FailureCachingResolver::new(&dns, &resolution_failures, look_up.longest_pause());
        let asking =
            timeout(world.look_up_within + WATCHDOG_GRACE, look_up.ask(&resolver, &https, &SystemClock));
        let a_slow_place = async {
            sleep(LOOK_UP_IS_SLOW_AFTER).await;
            self.slow_look_ups.acquire().await
        };
        let asked = match select(pin!(asking), pin!(a_slow_place)).await {
            Either::Left((asked, _)) => asked,
            Either::Right((_place, asking)) => {
                drop(permit);
                asking.await
            }
        };
        let (end, (found, writes)) = match asked {
            Ok(asked) => (LookUpEnd::Completed, asked),
            // It should have ended by itself.
            Err(_) => (LookUpEnd::Deadline, (look_up.overdue(SystemClock.now()), Vec::new())),
        };
        self.counters.look_ups.of(end).one();
        self.counters.looked_up(&found.report);
        self.tlsrpt_recorder.notice(&found.report);
        if world.debugged.has(&order.question.domain) {
            let domain = order.question.domain.as_str();
            for line in human::evidence(&found.report) {
                info!(target: DEBUGGED, domain, line, "what the look-up heard");
            }
        }
        (found, writes)
    }
}

fn complete(
    completion: CompletionGuard<'_>,
    order: &LookupOrder,
    found: Found,
    wrote: bool,
    revision: Revision,
) {
    let answer = Arc::new(Answer::of(&found.report, &order.question));
    let now = SystemClock.now();
    let stand_in = (found.report.stand_in == StandIn::Possible).then(|| Standing {
        answer: Arc::clone(&answer),
        from: now,
        until: now.plus(STAND_IN_KEPT),
    });
    completion.send(WorkerEvent::Completed(CompletedLookup {
        number: order.number,
        answer,
        standing: found.standing,
        stand_in,
        wrote,
        revision,
    }));
}

/// Looks what others did to the files, again and again; and shows by it that both threads are alive.
async fn pulse<O: Outside>(state: Rc<WorkerState<O>>) {
    let mut ticks = interval(STORE_PULSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let world = Arc::clone(&state.worlds.borrow());
        if let Ok(revision) = state.store.revision(&world).await
            && state.events.send(WorkerEvent::Pulse(revision)).is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outside::Internet;
    use super::*;

    #[test]
    fn a_look_up_that_waits_is_small() {
        fn octets<F: Future>(_: impl FnOnce(Rc<WorkerState<Internet>>, LookupOrder) -> F) -> usize {
            size_of::<F>()
        }
        let octets = octets(WorkerState::<Internet>::look_up);
        assert!(octets <= 2_048, "{octets}");
    }
}
