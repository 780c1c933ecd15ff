//! The thread that looks things up: DNS, HTTPS and validation, the command's own pipeline, for many domains at once.
//! What the cache knows is answered first, without a seat and in parallel to any look-up. A look-up that needs the network
//! waits for its domain's lock ([`crate::serve::look_up::domain_locks`]), then for its seat; after a wait the cache is read again. Whose turn it is, at
//! the cache and at the network, is decided by one discipline ([`crate::serve::seats`], [`crate::serve::seats::queue`]). A look-up that has begun
//! continues when its clients have left, as long as nobody needs its seat; one that has not begun by then is not begun, if others wait.
//! Every look-up ends with exactly one event, also after a panic, which ends nothing but that look-up.

use super::domain_locks::{DomainLock, DomainLocks};
use super::outside::Outside;
use super::renewal;
use super::resolution_failures::{CurrentFailureCache, FailureCachingResolver, ResolutionFailureCache};
use super::{Begun, Found, LookUp};
use crate::cache::Write;
use crate::limits::{
    MAX_KEPT_FOR_THEIR_TURN, MAX_PENDING_LOOK_UPS, MAX_READING_AT_ONCE, RECALLED_ANEW_AFTER, STORE_PULSE,
    WATCHDOG_GRACE,
};
use crate::render::human;
use crate::resources;
use crate::serve::answer::MtaAnswer;
use crate::serve::concurrency::ConcurrencyLimits;
use crate::serve::event::{CompletedLookup, CompletionGuard, WorkerEvent};
use crate::serve::protocol::question::Question;
use crate::serve::seats::GivesUp;
use crate::serve::seats::asker::Asker;
use crate::serve::seats::interests::Interests;
use crate::serve::seats::queue::{Displaced, Place, SeatQueue, Unwanted};
use crate::serve::store::{Gone, Revision, Store};
use crate::serve::telemetry::counters::{Counters, LookUpEnd, Overload, Thread};
use crate::serve::telemetry::messages::DEBUGGED;
use crate::serve::tlsrpt::recorder::TlsrptRecorder;
use crate::serve::world::World;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::Handshake;
use futures_util::FutureExt as _;
use futures_util::future::{Either, join, select};
use std::cell::RefCell;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::info;
#[cfg(feature = "fleet")]
use {
    crate::serve::fleet::exchange::{self, Feed},
    tracing::warn,
};

/// One look-up that is wanted.
#[derive(Debug)]
pub struct LookupOrder {
    /// Its number, by which the events about it refer to it.
    pub number: u64,
    /// Under which world.
    pub world: Arc<World>,
    /// Who asks first.
    pub asker: Asker,
    /// What is asked.
    pub question: Question,
    /// What Exim saw.
    pub handshake: Handshake,
}

/// What the engine sends to the worker.
#[derive(Debug)]
enum WorkerCommand {
    LookUp(LookupOrder),
    Join(u64, Asker),
    Abandon(u64),
    Pulse(oneshot::Sender<()>),
}

/// The handle of the worker's thread.
#[derive(Debug)]
pub struct LookupWorker {
    commands: mpsc::Sender<WorkerCommand>,
    world: watch::Sender<Arc<World>>,
    store: Store,
    counters: Arc<Counters>,
    /// What the fleet's thread needs, until there is one.
    #[cfg(feature = "fleet")]
    fleet: RefCell<Option<Feed>>,
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
        let (commands, mut waiting) = mpsc::channel(2 * MAX_PENDING_LOOK_UPS);
        // Bounded by the look-ups: each sends two events at most.
        let (events, receiver) = mpsc::unbounded_channel();
        let today = Arc::clone(&world);
        let (world, worlds) = watch::channel(world);
        #[cfg(feature = "fleet")]
        let fleet = Feed {
            store: store.clone(),
            events: events.downgrade(),
            worlds: worlds.clone(),
            counters: Arc::clone(&counters),
        };
        let state_store = store.clone();
        let state_counters = Arc::clone(&counters);
        let thread = resources::begin("lookup-worker", move |runtime| {
            let state = Rc::new(WorkerState {
                outside,
                store: state_store,
                counters: state_counters,
                events,
                tlsrpt_recorder,
                worlds,
                domain_locks: Rc::default(),
                interests: Interests::default(),
                reading: SeatQueue::new(MAX_READING_AT_ONCE, GivesUp::Never),
                asking: SeatQueue::new(limits.look_ups, GivesUp::ForOthers),
                resolution_failures: RefCell::new(CurrentFailureCache::under(today)),
            });
            LocalSet::new().block_on(&runtime, async move {
                spawn_local(pulse(Rc::clone(&state)));
                spawn_local(renewal::walk(Rc::clone(&state)));
                let queues = join(state.reading.attend(), state.asking.attend_at_rest());
                let commands = async {
                    while let Some(command) = waiting.recv().await {
                        state.hear(command);
                    }
                };
                select(pin!(commands), pin!(queues)).await;
            });
        })?;
        let worker = Self {
            commands,
            world,
            store,
            counters,
            #[cfg(feature = "fleet")]
            fleet: RefCell::new(Some(fleet)),
        };
        worker.join_the_fleet();
        Ok((worker, receiver, thread))
    }

    /// The world under which the worker renews policies.
    #[must_use]
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.world.borrow())
    }

    /// Exchanges it; look-ups that are under way end under theirs.
    pub fn renew(&self, world: Arc<World>) {
        self.world.send_replace(world);
        self.join_the_fleet();
    }

    /// Where a fleet is and was none, its thread begins.
    fn join_the_fleet(&self) {
        #[cfg(feature = "fleet")]
        if self.world.borrow().fleet.is_some()
            && let Some(feed) = self.fleet.take()
            && let Err(error) = exchange::start(feed)
        {
            let why = crate::causes::of_io(&error);
            warn!(why, "the fleet is left alone: there is no thread for it");
        }
    }

    /// The way to the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What it counts.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Orders a look-up, if the worker still runs.
    ///
    /// # Errors
    /// If it does not: nothing was ordered.
    pub fn order(&self, order: LookupOrder) -> Result<(), Gone> {
        self.commands.try_send(WorkerCommand::LookUp(order)).map_err(|_| Gone)
    }

    /// One more asks for a look-up that was ordered; it may have ended.
    pub fn join(&self, number: u64, asker: Asker) {
        // It only waits for longer.
        let _ = self.commands.try_send(WorkerCommand::Join(number, asker));
    }

    /// Nobody asks any more for a look-up that was ordered; it may have ended.
    pub fn abandon(&self, number: u64) {
        // It only keeps its place for longer.
        let _ = self.commands.try_send(WorkerCommand::Abandon(number));
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
pub(crate) struct WorkerState<O> {
    pub(crate) outside: O,
    pub(crate) store: Store,
    pub(crate) counters: Arc<Counters>,
    pub(crate) events: mpsc::UnboundedSender<WorkerEvent>,
    tlsrpt_recorder: TlsrptRecorder,
    pub(crate) worlds: watch::Receiver<Arc<World>>,
    pub(crate) domain_locks: Rc<DomainLocks>,
    /// Who asks, for each look-up.
    interests: Interests,
    reading: Rc<SeatQueue>,
    asking: Rc<SeatQueue>,
    resolution_failures: RefCell<CurrentFailureCache>,
}

/// Why a look-up ends before it is begun.
enum Unbegun {
    Gone,
    Unwanted,
}

impl From<Gone> for Unbegun {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Unwanted> for Unbegun {
    fn from(_: Unwanted) -> Self {
        Self::Unwanted
    }
}

impl<O: Outside> WorkerState<O> {
    /// Begins a task that may panic without taking anything else along.
    pub(crate) fn begin(
        &self,
        task: impl Future<Output = ()> + 'static,
        end: impl FnOnce(&Counters) + 'static,
    ) {
        let counters = Arc::clone(&self.counters);
        // Boxed, for what an `async` block is given and then waits for has room in it twice.
        let task = AssertUnwindSafe(task).catch_unwind().boxed_local();
        spawn_local(async move {
            // The guards that the task drops report its end.
            if task.await.is_err() {
                counters.panics.of(Thread::LookupWorker).one();
                end(&counters);
            }
        });
    }

    /// Does what the engine wants.
    fn hear(self: &Rc<Self>, command: WorkerCommand) {
        match command {
            WorkerCommand::LookUp(order) => {
                self.interests.begin(order.number, order.asker);
                self.begin(Rc::clone(self).look_up(order), |counters| {
                    counters.look_ups.of(LookUpEnd::Panicked).one();
                });
            }
            WorkerCommand::Join(number, asker) => {
                self.interests.join(number, asker);
                self.domain_locks.join(number, asker);
                self.reading.join(number, asker);
                self.asking.join(number, asker);
            }
            WorkerCommand::Abandon(number) => {
                self.interests.abandon(number);
                self.reading.abandon(number);
                self.asking.abandon(number);
            }
            WorkerCommand::Pulse(done) => {
                let store = self.store.clone();
                spawn_local(async move {
                    if store.pulse().await.is_ok() {
                        let _ = done.send(());
                    }
                });
            }
        }
    }

    /// One look-up, to its one event.
    async fn look_up(self: Rc<Self>, order: LookupOrder) {
        let (number, events, interests) = (order.number, &self.events, &self.interests);
        let completion = CompletionGuard::of(number, events, interests);
        match self.found(&order).await {
            Ok(Some((found, wrote, revision))) => {
                let answer = Arc::new(MtaAnswer::of(&found.report, &order.question));
                self.tlsrpt_recorder.given(&found.report, &answer);
                let stand_in = found.stand_in(&answer, SystemClock.now());
                let standing = found.standing;
                let completed = CompletedLookup { number, answer, standing, stand_in, wrote, revision };
                completion.send(WorkerEvent::Completed(completed));
            }
            Ok(None) => completion.send(WorkerEvent::Rejected(number)),
            Err(Unbegun::Unwanted) => {
                self.counters.overloads.of(Overload::Unbegun).one();
                completion.send(WorkerEvent::Rejected(number));
            }
            // The guard tells it.
            Err(Unbegun::Gone) => {}
        }
    }

    /// From memory to what is found, and whether that was written; `None` if it is not needed. Thousands may wait here, so what a
    /// look-up needs while it asks, some 100,000 octets, is boxed and allocated no sooner; and what the cache said, which may be as
    /// long, is not kept while it waits.
    async fn found(&self, order: &LookupOrder) -> Result<Option<(Found, bool, Revision)>, Unbegun> {
        let (look_up, revision) = match self.recall(order).await? {
            (Begun::Answered(found), revision) => return Ok(Some((*found, false, revision))),
            (Begun::Open(look_up), revision) => (look_up, revision),
        };
        // Any client of Exim's socket can report handshakes; nothing is asked where a handshake changes nothing.
        if order.handshake == Handshake::Verified && !look_up.awaits_a_handshake() {
            return Ok(None);
        }
        let meanwhile = Arc::new(look_up.meanwhile().boxed_local().await);
        let _ = self.events.send(WorkerEvent::Interim(order.number, meanwhile, look_up.stand_in()));
        // Whoever has to wait for long reads memory once more, and keeps nothing of it meanwhile.
        let is_soon = self.asking.waiting() < MAX_KEPT_FOR_THEIR_TURN;
        let is_free = !self.domain_locks.is_held(&order.question.domain);
        let mut known = (is_soon && is_free).then_some((look_up, revision));
        let mut lock = Some(self.lock(order).await?);
        let place = self.place(&self.asking, order)?;
        let (look_up, revision, found, writes) = loop {
            let since = Instant::now();
            let waiting = self.counters.look_ups_waiting.held();
            DomainLock::during(&mut lock, place.turn()).await?;
            drop(waiting);
            if !self.interests.is_wanted(order.number) {
                self.asking.abandon(order.number);
            }
            let fresh = known.take().filter(|_| since.elapsed() < RECALLED_ANEW_AFTER);
            let (look_up, revision) = match fresh {
                Some(known) => known,
                None => {
                    place.stand_by();
                    match self.recall(order).await? {
                        (Begun::Answered(found), revision) => return Ok(Some((*found, false, revision))),
                        (Begun::Open(again), now) => (again, now),
                    }
                }
            };
            let work = place.work(self.ask(order, &look_up).boxed_local());
            match DomainLock::during(&mut lock, work).await {
                Ok((found, writes)) => break (look_up, revision, found, writes),
                Err(Displaced) => {
                    // Until it has a seat again others may ask about the domain.
                    lock = None;
                    self.counters.overloads.of(Overload::Displaced).one();
                }
            }
        };
        drop(place);
        if writes.is_empty() {
            return Ok(Some((found, false, revision)));
        }
        let found = match self.store.write(&order.world, &order.question.domain, writes).await? {
            Err(why) => {
                self.counters.store_troubles.one();
                look_up.unkept(found, why.to_string(), SystemClock.now())
            }
            Ok(()) => found,
        };
        Ok(Some((found, true, revision)))
    }

    /// The lock of its domain, as long as somebody waits for that.
    async fn lock(&self, order: &LookupOrder) -> Result<DomainLock, Unwanted> {
        let _waiting = self.counters.look_ups_waiting.held();
        let askers = self.interests.askers(order.number);
        let lock = pin!(self.domain_locks.lock(&order.question.domain, order.number, &askers));
        // The lock is looked at first: where nobody has it, work goes on whoever has left.
        match select(lock, pin!(self.interests.unwanted(order.number))).await {
            Either::Left((lock, _)) => Ok(lock),
            Either::Right(_) => Err(Unwanted),
        }
    }

    /// A place in one of the queues; none for what nobody asks for any more, if others wait.
    fn place(&self, queue: &Rc<SeatQueue>, order: &LookupOrder) -> Result<Place, Unwanted> {
        if queue.waiting() > 0 && !self.interests.is_wanted(order.number) {
            return Err(Unwanted);
        }
        Ok(queue.wait(order.number, &self.interests.askers(order.number), Some(&order.question.domain)))
    }

    /// The failures that a question under that world has to know and adds to.
    pub(crate) fn resolution_failures(&self, world: &Arc<World>) -> Rc<RefCell<ResolutionFailureCache>> {
        self.resolution_failures.borrow_mut().of(world, &self.worlds.borrow())
    }

    /// What memory says now, once it is its turn there.
    async fn recall(&self, order: &LookupOrder) -> Result<(Begun, Revision), Unbegun> {
        let LookupOrder { world, question, handshake, .. } = order;
        let place = self.place(&self.reading, order)?;
        place.turn().await?;
        let (snapshot, revision) = self.store.snapshot(world, &question.domain).await?;
        Ok((LookUp::begin(world, question, *handshake, snapshot, SystemClock.now()), revision))
    }

    /// Asks the network.
    async fn ask(&self, order: &LookupOrder, look_up: &LookUp) -> (Found, Vec<Write>) {
        let _under_way = self.counters.look_ups_under_way.held();
        if look_up.has_lost_a_policy() {
            self.counters.store_troubles.one();
        }
        let world = &order.world;
        let deadline = Instant::now() + world.look_up_within;
        let dns = self.outside.dns(world, &order.question.domain, look_up.now(), deadline);
        let https = self.outside.https(world, &dns, deadline);
        let resolution_failures = self.resolution_failures(world);
        let resolver = FailureCachingResolver::new(&dns, &resolution_failures, look_up.longest_pause());
        let asking = look_up.ask(&resolver, &https, &SystemClock);
        let (end, (found, writes)) = match timeout(world.look_up_within + WATCHDOG_GRACE, asking).await {
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
    use super::*;
    use crate::serve::look_up::outside::Internet;

    #[test]
    fn a_look_up_that_waits_is_small() {
        fn octets<F: Future>(_: impl FnOnce(Rc<WorkerState<Internet>>, LookupOrder) -> F) -> usize {
            size_of::<F>()
        }
        let octets = octets(WorkerState::<Internet>::look_up);
        assert!(octets <= 2_048, "{octets}");
    }
}
