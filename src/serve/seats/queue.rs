//! The queue in which look-ups wait for their seats: the rules of [`crate::serve::seats`], with tasks and a clock.

use super::asker::Asker;
use super::{Abandoned, GivesUp, LookUpNumber, Loser, Seats, Turn};
use crate::limits::{LOOK_UP_BEGINS_WITHIN, SEATS_LOOKED_AT};
use crate::name::PolicyDomain;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::timeout;

/// Seats, and tasks that wait for them. It lives on one thread.
#[derive(Debug)]
pub struct SeatQueue {
    seats: RefCell<Seats>,
    places: RefCell<HashMap<LookUpNumber, Rc<Call>>>,
    /// Notified when a look-up came, or left.
    moves: Notify,
    /// Notified when work has begun on a seat, or a seat is free again.
    begun: Notify,
    /// How often work that holds a seat was gone on with.
    steps: Cell<u64>,
}

/// What a look-up that waits or has a seat is told.
#[derive(Debug, Default)]
struct Call {
    said: Cell<SeatSignal>,
    told: Notify,
    /// Since its last turn, work has begun, or waits for something else than the processor.
    has_begun: Cell<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SeatSignal {
    #[default]
    Wait,
    Begin,
    /// Nobody asks for it any more.
    Leave,
}

/// A place in the queue and, when its turn has come, a seat; free when this is dropped, also by a panic.
#[derive(Debug)]
pub struct Place {
    queue: Rc<SeatQueue>,
    number: LookUpNumber,
    call: Rc<Call>,
}

/// Nobody asks for it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unwanted;

/// The seat was given up for somebody else: the work is undone, and its turn has to be waited for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Displaced;

impl SeatQueue {
    /// With so many seats.
    #[must_use]
    pub fn new(seats: usize, gives_up: GivesUp) -> Rc<Self> {
        Rc::new(Self {
            seats: RefCell::new(Seats::new(seats, gives_up)),
            places: RefCell::default(),
            moves: Notify::new(),
            begun: Notify::new(),
            steps: Cell::new(0),
        })
    }

    /// A place for one that waits from now on; without a domain where all who wait ask about the same one.
    pub fn wait(
        self: &Rc<Self>,
        number: LookUpNumber,
        askers: &[Asker],
        domain: Option<&PolicyDomain>,
    ) -> Place {
        let call = Rc::new(Call::default());
        self.seats.borrow_mut().wait(number, askers, domain);
        self.places.borrow_mut().insert(number, Rc::clone(&call));
        self.moves.notify_one();
        Place { queue: Rc::clone(self), number, call }
    }

    /// One more asks for it.
    pub fn join(&self, number: LookUpNumber, asker: Asker) {
        self.seats.borrow_mut().join(number, asker);
    }

    /// Nobody asks for it any more.
    pub fn abandon(&self, number: LookUpNumber) {
        if self.seats.borrow_mut().abandon(number) == Abandoned::Unbegun {
            self.tell(number, SeatSignal::Leave);
        }
        self.moves.notify_one();
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.seats.borrow().waiting()
    }

    /// Gives seats to whose turn it is, as soon as there are some, for as long as it is polled.
    pub async fn attend(&self) {
        loop {
            self.seat_all();
            self.moved().await;
        }
    }

    /// The same, one by one: the next one begins when those that have begun leave the processor idle, so that what has begun is not
    /// held up by what begins; or after [`LOOK_UP_BEGINS_WITHIN`], so that nobody keeps others out by keeping it busy.
    pub async fn attend_at_rest(&self) {
        loop {
            match self.seat_one() {
                Some(number) => self.rest_after(number).await,
                None => self.moved().await,
            }
        }
    }

    /// Whether no look-up waits or has a seat.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.places.borrow().is_empty()
    }

    /// Gives seats to those whose turn it is, as long as there are some, and returns. The caller calls it again whenever a look-up came or left.
    pub fn seat_all(&self) {
        while self.seat_one().is_some() {}
    }

    fn seat_one(&self) -> Option<LookUpNumber> {
        let turn = self.seats.borrow_mut().next(Instant::now());
        let Turn { begins, instead_of } = turn?;
        match instead_of {
            Some(Loser::Waits(loser)) => self.tell(loser, SeatSignal::Wait),
            Some(Loser::Gone(loser)) => self.tell(loser, SeatSignal::Leave),
            None => {}
        }
        self.tell(begins, SeatSignal::Begin);
        Some(begins)
    }

    /// Waits until somebody came or left; for a moment, if somebody who waits might have the seat of one who falls silent.
    async fn moved(&self) {
        if self.waiting() == 0 {
            self.moves.notified().await;
        } else {
            // If nobody moved, the silence is longer.
            let _ = timeout(SEATS_LOOKED_AT, self.moves.notified()).await;
        }
    }

    async fn rest_after(&self, number: LookUpNumber) {
        let end = Instant::now() + LOOK_UP_BEGINS_WITHIN;
        let is_to_begin = || self.places.borrow().get(&number).is_some_and(|call| !call.has_begun.get());
        let begun = async {
            while is_to_begin() {
                self.begun.notified().await;
            }
        };
        // If it does not begin, others are not kept from it.
        let _ = timeout(LOOK_UP_BEGINS_WITHIN, begun).await;
        loop {
            let before = self.steps.get();
            // What is ready has its turn, and what came from outside.
            yield_now().await;
            if self.steps.get() == before || Instant::now() >= end {
                return;
            }
        }
    }

    fn tell(&self, number: LookUpNumber, said: SeatSignal) {
        if let Some(call) = self.places.borrow().get(&number) {
            call.said.set(said);
            call.has_begun.set(false);
            call.told.notify_one();
        }
    }

    fn step(&self, number: LookUpNumber) {
        self.begun.notify_one();
        self.steps.set(self.steps.get().wrapping_add(1));
        self.seats.borrow_mut().heard(number, Instant::now());
    }
}

impl Place {
    /// Waits for the turn.
    ///
    /// # Errors
    /// [`Unwanted`].
    pub async fn turn(&self) -> Result<(), Unwanted> {
        loop {
            match self.call.said.get() {
                SeatSignal::Wait => self.call.told.notified().await,
                SeatSignal::Begin => return Ok(()),
                SeatSignal::Leave => return Err(Unwanted),
            }
        }
    }

    /// Before the work it waits for something that takes no processor, such as the store: others may begin meanwhile.
    pub fn stand_by(&self) {
        self.call.has_begun.set(true);
        self.queue.begun.notify_one();
    }

    /// Does the work that the seat is for.
    ///
    /// # Errors
    /// [`Displaced`]: some of it may have been done.
    pub async fn work<T>(&self, work: impl Future<Output = T>) -> Result<T, Displaced> {
        let mut work = pin!(work);
        let work = poll_fn(|cx| {
            self.call.has_begun.set(true);
            self.queue.step(self.number);
            work.as_mut().poll(cx)
        });
        let displaced = async {
            while self.call.said.get() == SeatSignal::Begin {
                self.call.told.notified().await;
            }
        };
        match select(work, pin!(displaced)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Displaced),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.places.borrow_mut().remove(&self.number);
        self.queue.seats.borrow_mut().leave(self.number);
        self.queue.moves.notify_one();
        self.queue.begun.notify_one();
    }
}
