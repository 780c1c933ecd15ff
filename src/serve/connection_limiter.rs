//! The bound on connections: so many at a time; a new one evicts the connection whose peer has kept us waiting longest.
//!
//! A peer keeps us waiting while it says nothing, has said half of a request, or does not read its answer. Silence is no
//! reason to close a connection as long as there is room: Postfix keeps its connections open between mails, and closes
//! them itself. While a peer waits for our answer, its connection is never evicted.

use super::counters::{Counters, Cutting, Protocol};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};

/// A bounded number of slots, one for each connection.
#[derive(Debug)]
pub struct ConnectionLimiter {
    slots: Box<[Slot]>,
    free: RefCell<Vec<usize>>,
    /// Counts the moments at which somebody began to keep us waiting: their order is all that matters.
    moment: Cell<u64>,
    /// How many were accepted and have no slot yet.
    waiting_for_a_slot: Cell<usize>,
    changed: Notify,
    empty: Notify,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Since which moment its peer keeps us waiting, if it does.
    evictable_since: Cell<Option<u64>>,
    /// Which connection has the slot.
    taken_by: RefCell<Option<(Protocol, Option<AbortHandle>)>>,
}

/// A slot, free again when this is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    limiter: Rc<ConnectionLimiter>,
    number: usize,
}

impl ConnectionLimiter {
    /// A limiter with so many slots.
    #[must_use]
    pub fn new(slots: usize, counters: Arc<Counters>) -> Rc<Self> {
        Rc::new(Self {
            slots: std::iter::repeat_with(Slot::default).take(slots).collect(),
            free: RefCell::new((0..slots).rev().collect()),
            moment: Cell::new(0),
            waiting_for_a_slot: Cell::new(0),
            changed: Notify::new(),
            empty: Notify::new(),
            counters,
        })
    }

    /// A slot. If none is free, the connection that has been evictable longest is ended; if none is, the next free slot is
    /// taken.
    pub async fn acquire(self: &Rc<Self>, protocol: Protocol) -> ConnectionPermit {
        let _waiter = Waiter::of(self);
        loop {
            let free = self.free.borrow_mut().pop();
            if let Some(number) = free {
                if let Some(slot) = self.slots.get(number) {
                    slot.taken_by.replace(Some((protocol, None)));
                }
                self.counters.connections_open.of(protocol).up();
                return ConnectionPermit { limiter: Rc::clone(self), number };
            }
            if let Some(protocol) = self.evict_the_longest_wait() {
                self.counters.connections_ended.of(protocol).of(Cutting::Evicted).one();
            }
            self.changed.notified().await;
        }
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.slots.len().saturating_sub(self.free.borrow().len())
    }

    /// Ends the connections of all who keep us waiting.
    pub fn close_evictable(&self) {
        while self.evict_the_longest_wait().is_some() {}
    }

    /// Waits until no connection is open, for `patience` at most; returns how many still are.
    pub async fn drained(&self, patience: Duration) -> usize {
        let empty = async {
            while self.open_connections() > 0 {
                self.empty.notified().await;
            }
        };
        // Those that are left are counted below.
        let _ = tokio::time::timeout(patience, empty).await;
        self.open_connections()
    }

    /// Ends the connection whose peer has kept us waiting longest, if one does.
    fn evict_the_longest_wait(&self) -> Option<Protocol> {
        let longest = self
            .slots
            .iter()
            .filter_map(|slot| Some((slot.evictable_since.get()?, slot)))
            .min_by_key(|(since, _)| *since);
        let (_, slot) = longest?;
        slot.evictable_since.set(None);
        let (protocol, connection) = slot.taken_by.borrow().clone()?;
        if let Some(connection) = connection {
            connection.abort();
        }
        Some(protocol)
    }
}

impl ConnectionPermit {
    /// Runs the connection that has this slot, as a task that ends early if the slot is needed.
    pub fn occupy<F: Future<Output = ()> + 'static>(self, connection: impl FnOnce(Self) -> F) {
        let (limiter, number) = (Rc::clone(&self.limiter), self.number);
        let task = spawn_local(connection(self));
        if let Some(slot) = limiter.slots.get(number)
            && let Some((_, handle)) = slot.taken_by.borrow_mut().as_mut()
        {
            *handle = Some(task.abort_handle());
        }
    }

    /// From now on the peer keeps us waiting: the connection may be evicted.
    pub fn mark_evictable(&self) {
        let moment = self.limiter.moment.get();
        self.limiter.moment.set(moment.saturating_add(1));
        self.mark(Some(moment));
        if self.limiter.waiting_for_a_slot.get() > 0 {
            self.limiter.changed.notify_one();
        }
    }

    /// From now on the peer waits for us: the connection is not evicted.
    pub fn mark_protected(&self) {
        self.mark(None);
    }

    /// Whether an accepted connection waits for a slot.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        self.limiter.waiting_for_a_slot.get() > 0
    }

    fn mark(&self, evictable_since: Option<u64>) {
        if let Some(slot) = self.limiter.slots.get(self.number) {
            slot.evictable_since.set(evictable_since);
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.mark(None);
        let taken_by = self.limiter.slots.get(self.number).and_then(|slot| slot.taken_by.take());
        if let Some((protocol, _)) = taken_by {
            self.limiter.counters.connections_open.of(protocol).down();
        }
        self.limiter.free.borrow_mut().push(self.number);
        self.limiter.changed.notify_one();
        if self.limiter.open_connections() == 0 {
            self.limiter.empty.notify_one();
        }
    }
}

/// An accepted connection that has no slot yet.
struct Waiter<'a>(&'a ConnectionLimiter);

impl<'a> Waiter<'a> {
    fn of(limiter: &'a ConnectionLimiter) -> Self {
        limiter.waiting_for_a_slot.set(limiter.waiting_for_a_slot.get().saturating_add(1));
        Self(limiter)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting_for_a_slot.set(self.0.waiting_for_a_slot.get().saturating_sub(1));
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
    fn idle(permit: ConnectionPermit) -> oneshot::Receiver<()> {
        let (tell, ended) = oneshot::channel();
        permit.mark_evictable();
        permit.occupy(|permit| async move {
            let _until_the_end: (ConnectionPermit, oneshot::Sender<()>) = (permit, tell);
            std::future::pending::<()>().await;
        });
        ended
    }

    #[test]
    fn the_peer_that_keeps_us_waiting_longest_is_evicted() {
        inside(async {
            let counters = Arc::new(Counters::default());
            let limiter = ConnectionLimiter::new(2, Arc::clone(&counters));
            let mut first = idle(limiter.acquire(Protocol::Exim).await);
            let second = idle(limiter.acquire(Protocol::Postfix).await);
            let third = idle(limiter.acquire(Protocol::Exim).await);
            first.try_recv().expect_err("it was ended, and told nobody anything");
            assert_eq!(limiter.open_connections(), 2);
            let evicted = |protocol| counters.connections_ended.of(protocol).of(Cutting::Evicted).get();
            assert_eq!((evicted(Protocol::Exim), evicted(Protocol::Postfix)), (1, 0));
            let fourth = idle(limiter.acquire(Protocol::Exim).await);
            assert!(second.await.is_err(), "it was the next");
            assert_eq!((evicted(Protocol::Exim), evicted(Protocol::Postfix)), (1, 1));
            drop((third, fourth));
        });
    }

    #[test]
    fn a_peer_that_waits_for_us_is_not_evicted_and_the_next_one_waits() {
        inside(async {
            let limiter = ConnectionLimiter::new(1, Arc::default());
            let permit = limiter.acquire(Protocol::Exim).await;
            permit.mark_protected();
            let next = limiter.acquire(Protocol::Exim);
            let mut next = std::pin::pin!(next);
            assert!(futures_util::poll!(&mut next).is_pending());
            drop(permit);
            next.await;
        });
    }

    #[test]
    fn a_connection_that_becomes_evictable_makes_room_for_one_that_waits() {
        inside(async {
            let limiter = ConnectionLimiter::new(1, Arc::default());
            let (answer, answered) = oneshot::channel();
            limiter.acquire(Protocol::Exim).await.occupy(|permit| async move {
                permit.mark_protected();
                let _ = answered.await;
                permit.mark_evictable();
                std::future::pending::<()>().await;
            });
            let next = limiter.acquire(Protocol::Exim);
            let mut next = std::pin::pin!(next);
            assert!(futures_util::poll!(&mut next).is_pending());
            answer.send(()).unwrap();
            next.await;
        });
    }

    #[test]
    fn a_slot_whose_waiter_has_left_is_free_again() {
        inside(async {
            let counters = Arc::new(Counters::default());
            let limiter = ConnectionLimiter::new(1, Arc::clone(&counters));
            let permit = limiter.acquire(Protocol::Http).await;
            assert!(
                tokio::time::timeout(Duration::from_millis(5), limiter.acquire(Protocol::Http))
                    .await
                    .is_err()
            );
            assert_eq!(
                (limiter.open_connections(), counters.connections_open.of(Protocol::Http).get()),
                (1, 1)
            );
            drop(permit);
            assert_eq!(
                (limiter.open_connections(), counters.connections_open.of(Protocol::Http).get()),
                (0, 0)
            );
            drop(limiter.acquire(Protocol::Http).await);
            assert_eq!(limiter.drained(Duration::ZERO).await, 0);
        });
    }
}
