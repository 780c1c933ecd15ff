//! The bound on connections. A new connection is accepted at once; where there is no room for it, another one is closed.
//!
//! A peer keeps us waiting while it says nothing, has said half of a request, or does not read its answer. Silence is no
//! reason to close a connection as long as there is room: Postfix keeps its connections open between mails, and closes
//! them itself. When more are open than may be while one is idle, idle ones are closed; but nobody who came a moment ago and has
//! had no time to ask ([`IDLE_GRACE`]), unless there is no other room.
//!
//! While a peer waits for our answer its connection is kept, as long as there is any room: such a connection costs little, and who
//! comes next may ask for what is known. Where not even one more of them has room, one that waits is closed for it: of a peer
//! that has at least two more than the newcomer, or one that has waited for [`KEPT_WAITING`].
//!
//! What peers have not read yet is bounded for all of them together ([`MAX_UNSENT_OCTETS`]): beyond it the one of which most is kept is closed.
//!
//! Who is closed is chosen by peer: of the peer with most connections, the one that kept us waiting, or waited, longest. So whoever
//! opens thousands closes his own, and a flood at one place closes nothing at another.

use crate::limits::{IDLE_GRACE, KEPT_WAITING, MAX_UNSENT_OCTETS, SEATS_LOOKED_AT};
use crate::serve::seats::asker::{Asker, Peer};
use crate::serve::telemetry::counters::{Counters, Cutting, Protocol};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, sleep, timeout};

/// A bounded number of slots, one for each connection.
#[derive(Debug)]
pub struct ConnectionLimiter {
    slots: Box<[Slot]>,
    free: RefCell<Vec<usize>>,
    /// How many may be open as long as one of them is idle.
    with_idle: usize,
    /// How many each peer has.
    peers: RefCell<HashMap<Peer, usize>>,
    /// The number of the next connection.
    number: Cell<u64>,
    /// Counts the moments at which somebody began to wait: their order is all that matters.
    moment: Cell<u64>,
    /// How many were accepted and have no slot yet.
    waiting_for_a_slot: Cell<usize>,
    /// How many were told to end and have not ended yet.
    leaving: Cell<usize>,
    /// Octets that peers have not read yet.
    unsent: Cell<usize>,
    /// Whether a task is closing the connections that are too many.
    is_trimming: Cell<bool>,
    changed: Notify,
    empty: Notify,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Who waits for whom.
    waits: Cell<Waits>,
    /// Octets that its peer has not read yet.
    unsent: Cell<usize>,
    /// Which connection has the slot.
    taken_by: RefCell<Option<Taken>>,
}

impl Slot {
    /// Whether nothing is kept for it any more: its connection has been told to end, or there is none.
    fn is_leaving(&self) -> bool {
        self.taken_by.borrow().as_ref().is_none_or(|taken| taken.is_leaving)
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum Waits {
    /// Nobody, for there is no connection, or it has been told to end.
    #[default]
    Nobody,
    /// We for the peer, since that moment.
    Here(u64, Instant),
    /// The peer for us, since then.
    There(u64, Instant),
}

#[derive(Debug)]
struct Taken {
    protocol: Protocol,
    peer: Peer,
    task: Option<AbortHandle>,
    is_leaving: bool,
}

/// A slot, free again when this is dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    limiter: Rc<ConnectionLimiter>,
    slot: usize,
    asker: Asker,
}

impl ConnectionLimiter {
    /// A limiter with so many slots; so many of them may be taken as long as one of the connections is idle.
    #[must_use]
    pub fn new(with_idle: usize, slots: usize, counters: Arc<Counters>) -> Rc<Self> {
        Rc::new(Self {
            slots: std::iter::repeat_with(Slot::default).take(slots).collect(),
            free: RefCell::new((0..slots).rev().collect()),
            with_idle,
            peers: RefCell::default(),
            number: Cell::new(0),
            moment: Cell::new(0),
            waiting_for_a_slot: Cell::new(0),
            leaving: Cell::new(0),
            unsent: Cell::new(0),
            is_trimming: Cell::new(false),
            changed: Notify::new(),
            empty: Notify::new(),
            counters,
        })
    }

    /// A slot; others make room for it.
    pub async fn acquire(self: &Rc<Self>, protocol: Protocol, peer: Peer) -> ConnectionPermit {
        let _waiter = Waiter::of(self);
        loop {
            let free = self.free.borrow_mut().pop();
            if let Some(slot) = free {
                let permit = self.occupied(slot, protocol, peer);
                self.trim();
                return permit;
            }
            if self.leaving.get() < self.waiting_for_a_slot.get() && !self.evict(Duration::ZERO) {
                let own = self.peers.borrow().get(&peer).copied().unwrap_or(0);
                self.displace(|waits, open| waits >= KEPT_WAITING || open >= own + 2);
            }
            // Where nothing has changed, a connection may have waited long enough by now to be closed for this one.
            let _ = timeout(SEATS_LOOKED_AT, self.changed.notified()).await;
        }
    }

    /// Ends a connection so that its descriptor is free: an idle one, or one that has waited for long. Returns whether there was one.
    pub fn make_room(&self) -> bool {
        self.evict(Duration::ZERO) || self.displace(|waits, _| waits >= KEPT_WAITING)
    }

    /// How many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.slots.len().saturating_sub(self.free.borrow().len())
    }

    /// Ends the connections of all who keep us waiting.
    pub fn close_evictable(&self) {
        while self.evict(Duration::ZERO) {}
    }

    /// Waits until no connection is open, for `patience` at most; returns how many still are.
    pub async fn drained(&self, patience: Duration) -> usize {
        let empty = async {
            while self.open_connections() > 0 {
                self.empty.notified().await;
            }
        };
        // Those that are left are counted below.
        let _ = timeout(patience, empty).await;
        self.open_connections()
    }

    fn occupied(self: &Rc<Self>, slot: usize, protocol: Protocol, peer: Peer) -> ConnectionPermit {
        let connection = self.number.get();
        self.number.set(connection.wrapping_add(1));
        if let Some(slot) = self.slots.get(slot) {
            slot.taken_by.replace(Some(Taken { protocol, peer, task: None, is_leaving: false }));
            slot.waits.set(Waits::There(self.next_moment(), Instant::now()));
        }
        *self.peers.borrow_mut().entry(peer).or_default() += 1;
        self.counters.connections_open.of(protocol).up();
        ConnectionPermit { limiter: Rc::clone(self), slot, asker: Asker { peer, connection } }
    }

    /// Ends idle connections, until no more are open than may be: now, and when those that came last have had their time.
    fn trim(self: &Rc<Self>) {
        if self.has_too_many() && !self.is_trimming.replace(true) {
            let limiter = Rc::clone(self);
            spawn_local(async move {
                while limiter.has_too_many() {
                    while limiter.has_too_many() && limiter.evict(IDLE_GRACE) {}
                    sleep(IDLE_GRACE).await;
                }
                limiter.is_trimming.set(false);
            });
        }
        while self.has_too_many() && self.evict(IDLE_GRACE) {}
    }

    fn has_too_many(&self) -> bool {
        self.open_connections().saturating_sub(self.leaving.get()) > self.with_idle
    }

    /// Ends the connection that has kept us waiting longest, if for so long, of the peer that has most; whether there was one.
    fn evict(&self, for_so_long: Duration) -> bool {
        self.end(Cutting::Evicted, |slot, _| match slot.waits.get() {
            Waits::Here(since, at) if at.elapsed() >= for_so_long => Some(Reverse(since)),
            Waits::Nobody | Waits::Here(..) | Waits::There(..) => None,
        })
    }

    /// Ends the connection that has waited for us longest, of the peer that has most, if it may be ended; whether there was one.
    fn displace(&self, may: impl Fn(Duration, usize) -> bool) -> bool {
        self.end(Cutting::Displaced, |slot, open| match slot.waits.get() {
            Waits::There(since, at) if may(at.elapsed(), open) => Some(Reverse(since)),
            Waits::Nobody | Waits::Here(..) | Waits::There(..) => None,
        })
    }

    /// Ends the connection whose peer has most to read, of the peer that has most connections; whether there was one.
    fn shed(&self) -> bool {
        self.end(Cutting::SlowReader, |slot, _| Some(slot.unsent.get()).filter(|unsent| *unsent > 0))
    }

    /// Of those that may be ended, ends the one of the highest rank of the peer that has most.
    fn end<R: Ord>(&self, why: Cutting, rank: impl Fn(&Slot, usize) -> Option<R>) -> bool {
        let highest = {
            let peers = self.peers.borrow();
            let candidates = self.slots.iter().filter_map(|slot| {
                let taken = slot.taken_by.borrow();
                let open = peers.get(&taken.as_ref()?.peer).copied()?;
                Some((open, rank(slot, open)?, slot))
            });
            candidates.max_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1))).map(|(_, _, slot)| slot)
        };
        let Some(slot) = highest else { return false };
        slot.waits.set(Waits::Nobody);
        self.keep(slot, 0);
        let mut taken = slot.taken_by.borrow_mut();
        let Some(taken) = taken.as_mut() else { return false };
        taken.is_leaving = true;
        self.leaving.set(self.leaving.get() + 1);
        self.counters.connections_ended.of(taken.protocol).of(why).one();
        if let Some(task) = &taken.task {
            task.abort();
        }
        true
    }

    /// So many octets are kept there for its peer.
    fn keep(&self, slot: &Slot, octets: usize) {
        let before = slot.unsent.replace(octets);
        self.unsent.set(self.unsent.get().saturating_sub(before).saturating_add(octets));
    }

    fn next_moment(&self) -> u64 {
        let moment = self.moment.get();
        self.moment.set(moment.saturating_add(1));
        moment
    }
}

impl ConnectionPermit {
    /// Whose connection it is.
    #[must_use]
    pub const fn asker(&self) -> Asker {
        self.asker
    }

    /// Runs the connection that has this slot, as a task that ends early if the slot is needed.
    pub fn occupy<F: Future<Output = ()> + 'static>(self, connection: impl FnOnce(Self) -> F) {
        let (limiter, slot) = (Rc::clone(&self.limiter), self.slot);
        let task = spawn_local(connection(self));
        if let Some(slot) = limiter.slots.get(slot)
            && let Some(taken) = slot.taken_by.borrow_mut().as_mut()
        {
            if taken.is_leaving {
                task.abort();
            }
            taken.task = Some(task.abort_handle());
        }
    }

    /// From now on the peer keeps us waiting: the connection may be evicted.
    pub fn mark_evictable(&self) {
        self.mark(Waits::Here(self.limiter.next_moment(), Instant::now()));
        if self.limiter.waiting_for_a_slot.get() > 0 {
            self.limiter.changed.notify_one();
        }
    }

    /// From now on the peer waits for us: the connection is kept as long as there is any room.
    pub fn mark_protected(&self) {
        let waits = self.limiter.slots.get(self.slot).map(|slot| slot.waits.get());
        if !matches!(waits, Some(Waits::There(..))) {
            self.mark(Waits::There(self.limiter.next_moment(), Instant::now()));
        }
    }

    /// From now on so many octets are kept that the peer has not read yet. Where all of them are too many, connections are ended.
    pub fn mark_unsent(&self, octets: usize) {
        if let Some(slot) = self.limiter.slots.get(self.slot)
            && !slot.is_leaving()
        {
            self.limiter.keep(slot, octets);
            while self.limiter.unsent.get() > MAX_UNSENT_OCTETS && self.limiter.shed() {}
        }
    }

    /// Whether an accepted connection waits for a slot.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        self.limiter.waiting_for_a_slot.get() > 0
    }

    /// One that has been told to end is not marked any more.
    fn mark(&self, waits: Waits) {
        if let Some(slot) = self.limiter.slots.get(self.slot)
            && !slot.is_leaving()
        {
            slot.waits.set(waits);
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let limiter = &self.limiter;
        let taken = limiter.slots.get(self.slot).and_then(|slot| {
            slot.waits.set(Waits::Nobody);
            limiter.keep(slot, 0);
            slot.taken_by.take()
        });
        if let Some(Taken { protocol, peer, is_leaving, .. }) = taken {
            limiter.counters.connections_open.of(protocol).down();
            if is_leaving {
                limiter.leaving.set(limiter.leaving.get().saturating_sub(1));
            }
            let mut peers = limiter.peers.borrow_mut();
            if let Some(open) = peers.get_mut(&peer) {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    peers.remove(&peer);
                }
            }
        }
        limiter.free.borrow_mut().push(self.slot);
        limiter.changed.notify_one();
        if limiter.open_connections() == 0 {
            limiter.empty.notify_one();
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
mod tests;
