//! Who may be connected: so many at a time, and whoever keeps us waiting longest makes room for the next.
//!
//! A peer keeps us waiting while it says nothing, has said half of a request, or does not read its answer. Silence is no
//! reason to close a connection as long as there is room: Postfix keeps its connections open between mails, and closes
//! them itself. While a peer waits for us, its seat is safe.

use super::counters::{Counters, Cutting, Protocol};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};

/// So many seats.
#[derive(Debug)]
pub struct Gate {
    chairs: Box<[Chair]>,
    free: RefCell<Vec<usize>>,
    /// Counts the moments at which somebody began to keep us waiting: their order is all that matters.
    moment: Cell<u64>,
    /// How many were accepted and have no seat yet.
    at_the_door: Cell<usize>,
    changed: Notify,
    empty: Notify,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Chair {
    /// Since which moment its peer keeps us waiting, if it does.
    waits_since: Cell<Option<u64>>,
    /// Who sits there.
    taken_by: RefCell<Option<(Protocol, Option<AbortHandle>)>>,
}

/// A seat, free again when this is dropped.
#[derive(Debug)]
pub struct Seat {
    gate: Rc<Gate>,
    number: usize,
}

impl Gate {
    /// A gate with so many seats.
    #[must_use]
    pub fn new(seats: usize, counters: Arc<Counters>) -> Rc<Self> {
        Rc::new(Self {
            chairs: std::iter::repeat_with(Chair::default).take(seats).collect(),
            free: RefCell::new((0..seats).rev().collect()),
            moment: Cell::new(0),
            at_the_door: Cell::new(0),
            changed: Notify::new(),
            empty: Notify::new(),
            counters,
        })
    }

    /// A seat. If none is free, it is that of whoever keeps us waiting longest, or else the next that can be had.
    pub async fn enter(self: &Rc<Self>, protocol: Protocol) -> Seat {
        let _door = Door::of(self);
        loop {
            let free = self.free.borrow_mut().pop();
            if let Some(number) = free {
                if let Some(chair) = self.chairs.get(number) {
                    chair.taken_by.replace(Some((protocol, None)));
                }
                self.counters.connections_open.of(protocol).up();
                return Seat { gate: Rc::clone(self), number };
            }
            if let Some(protocol) = self.end_the_longest_wait() {
                self.counters.connections_ended.of(protocol).of(Cutting::Evicted).one();
            }
            self.changed.notified().await;
        }
    }

    /// How many are seated.
    #[must_use]
    pub fn seated(&self) -> usize {
        self.chairs.len().saturating_sub(self.free.borrow().len())
    }

    /// Ends the connections of all who keep us waiting.
    pub fn send_the_waiting_home(&self) {
        while self.end_the_longest_wait().is_some() {}
    }

    /// Waits until nobody is seated, for `patience` at most; tells how many still are.
    pub async fn emptied(&self, patience: Duration) -> usize {
        let empty = async {
            while self.seated() > 0 {
                self.empty.notified().await;
            }
        };
        // Whoever is left is counted below.
        let _ = tokio::time::timeout(patience, empty).await;
        self.seated()
    }

    /// Ends the connection whose peer has kept us waiting longest, if one does.
    fn end_the_longest_wait(&self) -> Option<Protocol> {
        let longest = self
            .chairs
            .iter()
            .filter_map(|chair| Some((chair.waits_since.get()?, chair)))
            .min_by_key(|(since, _)| *since);
        let (_, chair) = longest?;
        chair.waits_since.set(None);
        let (protocol, connection) = chair.taken_by.borrow().clone()?;
        if let Some(connection) = connection {
            connection.abort();
        }
        Some(protocol)
    }
}

impl Seat {
    /// Runs the connection that has this seat, as a task that ends early if the seat is needed.
    pub fn occupy<F: Future<Output = ()> + 'static>(self, connection: impl FnOnce(Self) -> F) {
        let (gate, number) = (Rc::clone(&self.gate), self.number);
        let task = spawn_local(connection(self));
        if let Some(chair) = gate.chairs.get(number)
            && let Some((_, handle)) = chair.taken_by.borrow_mut().as_mut()
        {
            *handle = Some(task.abort_handle());
        }
    }

    /// From now on the peer keeps us waiting.
    pub fn waits(&self) {
        let moment = self.gate.moment.get();
        self.gate.moment.set(moment.saturating_add(1));
        self.mark(Some(moment));
        if self.gate.at_the_door.get() > 0 {
            self.gate.changed.notify_one();
        }
    }

    /// From now on the peer waits for us.
    pub fn works(&self) {
        self.mark(None);
    }

    /// Whether somebody is at the door.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.gate.at_the_door.get() > 0
    }

    fn mark(&self, waits_since: Option<u64>) {
        if let Some(chair) = self.gate.chairs.get(self.number) {
            chair.waits_since.set(waits_since);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.mark(None);
        let taken_by = self.gate.chairs.get(self.number).and_then(|chair| chair.taken_by.take());
        if let Some((protocol, _)) = taken_by {
            self.gate.counters.connections_open.of(protocol).down();
        }
        self.gate.free.borrow_mut().push(self.number);
        self.gate.changed.notify_one();
        if self.gate.seated() == 0 {
            self.gate.empty.notify_one();
        }
    }
}

/// Somebody who has no seat yet.
struct Door<'a>(&'a Gate);

impl<'a> Door<'a> {
    fn of(gate: &'a Gate) -> Self {
        gate.at_the_door.set(gate.at_the_door.get().saturating_add(1));
        Self(gate)
    }
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        self.0.at_the_door.set(self.0.at_the_door.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::task::LocalSet;

    fn inside<F: Future>(test: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        LocalSet::new().block_on(&runtime, test)
    }

    /// A connection that keeps us waiting until it is ended; then `ended` hears of it.
    fn idle(seat: Seat) -> oneshot::Receiver<()> {
        let (tell, ended) = oneshot::channel();
        seat.waits();
        seat.occupy(|seat| async move {
            let _until_the_end: (Seat, oneshot::Sender<()>) = (seat, tell);
            std::future::pending::<()>().await;
        });
        ended
    }

    #[test]
    fn whoever_keeps_us_waiting_longest_makes_room() {
        inside(async {
            let counters = Arc::new(Counters::default());
            let gate = Gate::new(2, Arc::clone(&counters));
            let mut first = idle(gate.enter(Protocol::Exim).await);
            let second = idle(gate.enter(Protocol::Postfix).await);
            let third = idle(gate.enter(Protocol::Exim).await);
            first.try_recv().expect_err("it was ended, and told nobody anything");
            assert_eq!(gate.seated(), 2);
            let evicted = |protocol| counters.connections_ended.of(protocol).of(Cutting::Evicted).get();
            assert_eq!((evicted(Protocol::Exim), evicted(Protocol::Postfix)), (1, 0));
            let fourth = idle(gate.enter(Protocol::Exim).await);
            assert!(second.await.is_err(), "it was the next");
            assert_eq!((evicted(Protocol::Exim), evicted(Protocol::Postfix)), (1, 1));
            drop((third, fourth));
        });
    }

    #[test]
    fn whoever_waits_for_us_keeps_the_seat_and_the_next_one_waits_at_the_door() {
        inside(async {
            let gate = Gate::new(1, Arc::default());
            let seat = gate.enter(Protocol::Exim).await;
            seat.works();
            let next = gate.enter(Protocol::Exim);
            let mut next = std::pin::pin!(next);
            assert!(futures_util::poll!(&mut next).is_pending());
            drop(seat);
            next.await;
        });
    }

    #[test]
    fn somebody_who_begins_to_keep_us_waiting_makes_room_for_whoever_is_at_the_door() {
        inside(async {
            let gate = Gate::new(1, Arc::default());
            let (answer, answered) = oneshot::channel();
            gate.enter(Protocol::Exim).await.occupy(|seat| async move {
                seat.works();
                let _ = answered.await;
                seat.waits();
                std::future::pending::<()>().await;
            });
            let next = gate.enter(Protocol::Exim);
            let mut next = std::pin::pin!(next);
            assert!(futures_util::poll!(&mut next).is_pending());
            answer.send(()).unwrap();
            next.await;
        });
    }

    #[test]
    fn a_seat_that_was_not_waited_for_is_nobodys_loss() {
        inside(async {
            let counters = Arc::new(Counters::default());
            let gate = Gate::new(1, Arc::clone(&counters));
            let seat = gate.enter(Protocol::Http).await;
            assert!(
                tokio::time::timeout(Duration::from_millis(5), gate.enter(Protocol::Http)).await.is_err()
            );
            assert_eq!((gate.seated(), counters.connections_open.of(Protocol::Http).get()), (1, 1));
            drop(seat);
            assert_eq!((gate.seated(), counters.connections_open.of(Protocol::Http).get()), (0, 0));
            drop(gate.enter(Protocol::Http).await);
            assert_eq!(gate.emptied(Duration::ZERO).await, 0);
        });
    }
}
