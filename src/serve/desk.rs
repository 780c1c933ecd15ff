//! The thread that looks things up: DNS, HTTPS and validation, the command's own pipeline, for many domains at once.
//!
//! What memory knows is answered first of all, without a seat and beside any look-up. Whatever has to be asked for waits for
//! its domain's turn ([`super::lanes`]), then for a seat; and when it has waited, memory is looked into again. A look-up goes
//! on when its askers have left; if it has kept them waiting for too long, it gives its seat to others and goes on beside
//! them. Whatever becomes of one, its askers are told: also by a panic, which ends nothing but that look-up.

use super::answer::Answer;
use super::clerk::Clerk;
use super::counters::{Counters, LookUpEnd, Thread};
use super::front::Seats;
use super::lanes::Lanes;
use super::look_up::{Begun, Found, LookUp};
use super::outside::Outside;
use super::question::Question;
use super::renewal;
use super::setbacks::{Patient, Setbacks, SetbacksOfToday};
use super::store::{Gone, Revision, Store};
use super::warm::Standing;
use super::world::World;
use crate::cache::Write;
use crate::limits::{MAX_LOOK_UPS_WAITING, STORE_PULSE, WATCHDOG_GRACE};
use crate::name::PolicyDomain;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::Handshake;
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

/// One look-up that is wanted.
#[derive(Debug)]
pub struct Order {
    /// By which the desk and whoever ordered call it.
    pub number: u64,
    /// Under which world.
    pub world: Arc<World>,
    /// What is asked.
    pub question: Question,
    /// What Exim saw.
    pub handshake: Handshake,
}

/// What the desk has to tell, in the order in which it came to know it.
#[derive(Debug)]
pub enum News {
    /// So far this is all that can be said: whoever cannot wait is told it.
    Meanwhile(u64, Arc<Answer>),
    /// There is no room for that look-up now.
    TurnedAway(u64),
    /// That look-up is at its end.
    Landed(Landed),
    /// That look-up failed, which takes a mistake of ours.
    Lost(u64),
    /// What is known about a domain has changed.
    Changed(PolicyDomain),
    /// The desk is alive, and the store is at that revision.
    Pulse(Revision),
}

/// A look-up at its end.
#[derive(Debug)]
pub struct Landed {
    /// Which.
    pub number: u64,
    /// The answer to those who waited.
    pub answer: Arc<Answer>,
    /// The answer to those who come later.
    pub standing: Option<Standing>,
    /// Whether anything was written about its domain.
    pub wrote: bool,
    /// Where the store was when memory was asked.
    pub revision: Revision,
}

/// What the desk can be told.
#[derive(Debug)]
enum Word {
    LookUp(Order),
    Pulse(oneshot::Sender<()>),
}

/// The way to the desk.
#[derive(Debug)]
pub struct Desk {
    words: mpsc::Sender<Word>,
    world: watch::Sender<Arc<World>>,
    store: Store,
}

impl Desk {
    /// Starts the thread; it ends when nobody can order anything any more, with all look-ups. What they find
    /// fault with is told to the clerk, too.
    ///
    /// # Errors
    /// If the system has no thread or descriptor left.
    pub fn open<O: Outside + Send>(
        world: Arc<World>,
        store: Store,
        outside: O,
        seats: Seats,
        counters: Arc<Counters>,
        clerk: Clerk,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<News>, JoinHandle<()>)> {
        let (words, mut waiting) = mpsc::channel(MAX_LOOK_UPS_WAITING);
        // Bounded by the look-ups: each has at most two to tell.
        let (news, told) = mpsc::unbounded_channel();
        let today = Arc::clone(&world);
        let (world, worlds) = watch::channel(world);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let room_store = store.clone();
        let thread = Builder::new().name("desk".into()).spawn(move || {
            let room = Rc::new(Room {
                outside,
                store: room_store,
                counters,
                news,
                clerk,
                worlds,
                lanes: Rc::default(),
                seats: Semaphore::new(seats.look_ups),
                overtime: Semaphore::new(seats.overtime),
                setbacks: RefCell::new(SetbacksOfToday::under(today)),
            });
            LocalSet::new().block_on(&runtime, async move {
                spawn_local(pulse(Rc::clone(&room)));
                spawn_local(renewal::walk(Rc::clone(&room)));
                while let Some(word) = waiting.recv().await {
                    match word {
                        Word::LookUp(order) => room.begin(Rc::clone(&room).look_up(order), |counters| {
                            counters.look_ups.of(LookUpEnd::Panicked).one();
                        }),
                        Word::Pulse(tell) => {
                            let store = room.store.clone();
                            spawn_local(async move {
                                if store.pulse().await.is_ok() {
                                    let _ = tell.send(());
                                }
                            });
                        }
                    }
                }
            });
        })?;
        Ok((Self { words, world, store }, told, thread))
    }

    /// Under which world the desk works on its own account.
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

    /// Orders a look-up, if the desk still hears.
    ///
    /// # Errors
    /// If it does not: nothing was ordered.
    pub fn order(&self, order: Order) -> Result<(), Gone> {
        self.words.try_send(Word::LookUp(order)).map_err(|_| Gone)
    }

    /// Comes back when the desk has had its turn and the store has done something; if one of them hangs, never.
    pub async fn pulse(&self) {
        let (tell, told) = oneshot::channel();
        if self.words.send(Word::Pulse(tell)).await.is_err() || told.await.is_err() {
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
        match select(pin!(self.words.closed()), pin!(self.store.lost())).await {
            Either::Left(_) => "desk",
            Either::Right(_) => "store",
        }
    }
}

/// What all look-ups share.
pub(super) struct Room<O> {
    pub(super) outside: O,
    pub(super) store: Store,
    pub(super) counters: Arc<Counters>,
    pub(super) news: mpsc::UnboundedSender<News>,
    clerk: Clerk,
    pub(super) worlds: watch::Receiver<Arc<World>>,
    pub(super) lanes: Rc<Lanes>,
    seats: Semaphore,
    overtime: Semaphore,
    setbacks: RefCell<SetbacksOfToday>,
}

/// Tells what became of one look-up, once, whatever becomes of it.
struct Teller<'a> {
    number: u64,
    news: &'a mpsc::UnboundedSender<News>,
    is_told: bool,
}

impl Teller<'_> {
    fn tell(mut self, news: News) {
        self.is_told = true;
        // Nobody hears when the process ends.
        let _ = self.news.send(news);
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            let _ = self.news.send(News::Lost(self.number));
        }
    }
}

impl<O: Outside> Room<O> {
    /// Begins a task that may panic without taking anything else along.
    pub(super) fn begin(
        &self,
        task: impl Future<Output = ()> + 'static,
        end: impl FnOnce(&Counters) + 'static,
    ) {
        let counters = Arc::clone(&self.counters);
        spawn_local(async move {
            // Whoever waits for the task is told of its end by what it drops.
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                counters.panics.of(Thread::Desk).one();
                end(&counters);
            }
        });
    }

    /// One look-up, from memory to the answer. Thousands may wait here: what one needs while it asks, some 100,000 octets, has
    /// a box of its own that is there no sooner.
    async fn look_up(self: Rc<Self>, order: Order) {
        let teller = Teller { number: order.number, news: &self.news, is_told: false };
        let (mut look_up, mut revision) = match self.recall(&order).await {
            Err(Gone) => return,
            Ok((Begun::Answered(found), revision)) => return land(teller, &order, *found, false, revision),
            Ok((Begun::Open(look_up), revision)) => (look_up, revision),
        };
        // Whoever reaches Exim's socket can tell of handshakes; nobody is asked where there is nothing that one could change.
        if order.handshake == Handshake::Verified && !look_up.awaits_a_handshake() {
            return teller.tell(News::TurnedAway(order.number));
        }
        let meanwhile = Arc::new(look_up.meanwhile().boxed_local().await);
        let _ = self.news.send(News::Meanwhile(order.number, meanwhile));
        if self.is_full() {
            return teller.tell(News::TurnedAway(order.number));
        }
        let waiting = self.counters.look_ups_waiting.held();
        let (_turn, has_waited) = self.lanes.turn(&order.question.domain).await;
        let is_taken = self.seats.available_permits() == 0;
        let Ok(seat) = self.seats.acquire().await else { return };
        drop(waiting);
        if has_waited || is_taken {
            match self.recall(&order).await {
                Err(Gone) => return,
                Ok((Begun::Answered(found), revision)) => {
                    return land(teller, &order, *found, false, revision);
                }
                Ok((Begun::Open(again), now)) => (look_up, revision) = (again, now),
            }
        }
        let (mut found, writes) = self.ask(&order, &look_up, seat).boxed_local().await;
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
        land(teller, &order, found, wrote, revision);
    }

    /// The failures that a question under that world has to know and adds to.
    pub(super) fn setbacks(&self, world: &Arc<World>) -> Rc<RefCell<Setbacks>> {
        self.setbacks.borrow_mut().of(world, &self.worlds.borrow())
    }

    fn is_full(&self) -> bool {
        usize::try_from(self.counters.look_ups_waiting.get())
            .is_ok_and(|waiting| waiting >= MAX_LOOK_UPS_WAITING)
    }

    /// What memory says now.
    async fn recall(&self, order: &Order) -> Result<(Begun, Revision), Gone> {
        let Order { world, question, handshake, .. } = order;
        let (dossier, revision) = self.store.dossier(world, &question.domain).await?;
        Ok((LookUp::begin(world, question, *handshake, dossier, SystemClock.now()), revision))
    }

    /// Asks the network, at a seat, and beside the seats once the askers have left.
    async fn ask(&self, order: &Order, look_up: &LookUp, seat: SemaphorePermit<'_>) -> (Found, Vec<Write>) {
        let _under_way = self.counters.look_ups_under_way.held();
        let world = &order.world;
        let deadline = Instant::now() + world.look_up_within;
        let dns = self.outside.dns(world, look_up.now(), deadline);
        let https = self.outside.https(world, &dns, deadline);
        let setbacks = self.setbacks(world);
        let patient = Patient::new(&dns, &setbacks);
        let asking =
            timeout(world.look_up_within + WATCHDOG_GRACE, look_up.ask(&patient, &https, &SystemClock));
        let asked = match select(pin!(asking), pin!(sleep(world.answer_within))).await {
            Either::Left((asked, _)) => asked,
            Either::Right(((), asking)) => {
                let _seat = match self.overtime.try_acquire() {
                    Ok(more) => {
                        drop(seat);
                        more
                    }
                    Err(_) => seat,
                };
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
        self.clerk.notice(&found.report);
        (found, writes)
    }
}

fn land(teller: Teller<'_>, order: &Order, found: Found, wrote: bool, revision: Revision) {
    let answer = Arc::new(Answer::of(&found.report, &order.question));
    let standing = found.standing;
    teller.tell(News::Landed(Landed { number: order.number, answer, standing, wrote, revision }));
}

/// Looks what others did to the files, again and again; and shows by it that both threads are alive.
async fn pulse<O: Outside>(room: Rc<Room<O>>) {
    let mut ticks = interval(STORE_PULSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let world = Arc::clone(&room.worlds.borrow());
        if let Ok(revision) = room.store.revision(&world).await
            && room.news.send(News::Pulse(revision)).is_err()
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
        fn octets<F: Future>(_: impl FnOnce(Rc<Room<Internet>>, Order) -> F) -> usize {
            size_of::<F>()
        }
        let octets = octets(Room::<Internet>::look_up);
        assert!(octets <= 2_048, "{octets}");
    }
}
