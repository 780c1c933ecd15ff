//! A lock for each domain: one look-up at a time, as long as it does not take long. So name servers and the policy host, which is the
//! domain or a name below it, are asked for the same once, or, where they are slow, about once a second. Whose turn is next is decided as it is for seats ([`crate::serve::seats`]): who asks
//! about a thousand hosts of a domain takes one turn of many. One that takes long gives its lock back before it ends
//! ([`DOMAIN_LOCK_HELD`]).

use crate::limits::DOMAIN_LOCK_HELD;
use crate::name::PolicyDomain;
use crate::serve::seats::asker::Asker;
use crate::serve::seats::queue::{Place, SeatQueue};
use crate::serve::seats::{GivesUp, LookUpNumber};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use tokio::time::timeout;

/// The locks that are held or waited for; they live on one thread.
#[derive(Debug, Default)]
pub struct DomainLocks {
    queues: RefCell<HashMap<PolicyDomain, Rc<SeatQueue>>>,
    /// The queue in which each look-up waits, or whose turn it has.
    places: RefCell<HashMap<LookUpNumber, Rc<SeatQueue>>>,
    /// How many numbers were given to work of our own, which no client asked for.
    of_our_own: Cell<u64>,
}

/// The lock of one domain, held until this is dropped: also by a panic.
#[derive(Debug)]
pub struct DomainLock {
    locks: Rc<DomainLocks>,
    domain: PolicyDomain,
    number: LookUpNumber,
    queue: Rc<SeatQueue>,
    place: Option<Place>,
}

impl DomainLocks {
    /// Waits for the lock of that domain. Who stops waiting leaves nothing behind.
    pub async fn lock(
        self: &Rc<Self>,
        domain: &PolicyDomain,
        number: LookUpNumber,
        askers: &[Asker],
    ) -> DomainLock {
        let lock = self.queue(domain, number, askers);
        if let Some(place) = &lock.place {
            // Whoever stops waiting drops this: nobody else takes it out of the queue.
            let _turn = place.turn().await;
        }
        lock
    }

    /// Waits until nobody has the lock of that domain, or it is our turn among those who wait for it.
    pub async fn moment(self: &Rc<Self>, domain: &PolicyDomain) {
        let number = self.own_number();
        drop(self.lock(domain, number, &[Asker::NOBODY]).await);
    }

    /// The lock of that domain for work of our own, if nobody has it.
    pub fn try_lock(self: &Rc<Self>, domain: &PolicyDomain) -> Option<DomainLock> {
        (!self.is_held(domain)).then(|| self.queue(domain, self.own_number(), &[Asker::NOBODY]))
    }

    /// One more asks for a look-up that may wait here.
    pub fn join(&self, number: LookUpNumber, asker: Asker) {
        if let Some(queue) = self.places.borrow().get(&number) {
            queue.join(number, asker);
        }
    }

    /// Whether a look-up holds the lock of that domain, or waits for it.
    #[must_use]
    pub fn is_held(&self, domain: &PolicyDomain) -> bool {
        self.queues.borrow().contains_key(domain)
    }

    /// How many domains are locked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queues.borrow().len()
    }

    /// Whether no domain is locked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn queue(self: &Rc<Self>, domain: &PolicyDomain, number: LookUpNumber, askers: &[Asker]) -> DomainLock {
        let queue = {
            let mut queues = self.queues.borrow_mut();
            let queue = queues.entry(domain.clone()).or_insert_with(|| SeatQueue::new(1, GivesUp::Never));
            Rc::clone(queue)
        };
        let askers = if askers.is_empty() { &[Asker::NOBODY] } else { askers };
        let place = Some(queue.wait(number, askers, domain));
        self.places.borrow_mut().insert(number, Rc::clone(&queue));
        queue.seat_all();
        DomainLock { locks: Rc::clone(self), domain: domain.clone(), number, queue, place }
    }

    /// Look-ups count upwards from zero.
    fn own_number(&self) -> LookUpNumber {
        self.of_our_own.set(self.of_our_own.get().wrapping_add(1));
        u64::MAX.wrapping_sub(self.of_our_own.get())
    }
}

impl DomainLock {
    /// Waits for something, or works, under a lock, which is given back if that takes long.
    pub async fn during<T>(lock: &mut Option<Self>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        match timeout(DOMAIN_LOCK_HELD, work.as_mut()).await {
            Ok(done) => done,
            Err(_) => {
                *lock = None;
                work.await
            }
        }
    }
}

impl Drop for DomainLock {
    fn drop(&mut self) {
        self.place = None;
        self.queue.seat_all();
        self.locks.places.borrow_mut().remove(&self.number);
        if self.queue.is_idle() {
            self.locks.queues.borrow_mut().remove(&self.domain);
        }
    }
}

#[cfg(test)]
mod tests;
