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
use std::collections::hash_map::Entry;
use std::pin::pin;
use std::rc::Rc;
use tokio::time::timeout;

/// The locks that are held or waited for; they live on one thread.
#[derive(Debug, Default)]
pub struct DomainLocks {
    lines: RefCell<HashMap<PolicyDomain, Line>>,
    /// The queue of each look-up that came when the lock was taken, until it drops its own.
    queues: RefCell<HashMap<LookUpNumber, Rc<SeatQueue>>>,
    /// How many numbers were given to work of our own, which no client asked for.
    of_our_own: Cell<u64>,
}

/// Who has the lock of a domain, and who waits for it. A queue takes thousands of octets, and most domains need none.
#[derive(Debug)]
enum Line {
    /// Nobody waits for whoever has it.
    Alone { number: LookUpNumber, askers: Vec<Asker> },
    /// Others came; whoever had it alone stays in its place until its lock is dropped.
    Queue { queue: Rc<SeatQueue>, first: Option<Place> },
}

/// The lock of one domain, held until this is dropped: also by a panic.
#[derive(Debug)]
pub struct DomainLock {
    locks: Rc<DomainLocks>,
    domain: PolicyDomain,
    number: LookUpNumber,
    /// None for whoever came first.
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
        let lock = self.line_up(domain, number, askers);
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
        (!self.is_held(domain)).then(|| self.line_up(domain, self.own_number(), &[Asker::NOBODY]))
    }

    /// One more asks for a look-up that may wait here.
    pub fn join(&self, number: LookUpNumber, asker: Asker) {
        if let Some(queue) = self.queues.borrow().get(&number) {
            queue.join(number, asker);
        }
    }

    /// Whether a look-up holds the lock of that domain, or waits for it.
    #[must_use]
    pub fn is_held(&self, domain: &PolicyDomain) -> bool {
        self.lines.borrow().contains_key(domain)
    }

    /// How many domains are locked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.borrow().len()
    }

    /// Whether no domain is locked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn line_up(self: &Rc<Self>, domain: &PolicyDomain, number: LookUpNumber, askers: &[Asker]) -> DomainLock {
        let askers = if askers.is_empty() { &[Asker::NOBODY] } else { askers };
        let place = match self.lines.borrow_mut().entry(domain.clone()) {
            Entry::Vacant(line) => {
                line.insert(Line::Alone { number, askers: askers.to_vec() });
                None
            }
            Entry::Occupied(mut line) => {
                let queue = line.get_mut().queue();
                let place = queue.wait(number, askers, None);
                self.queues.borrow_mut().insert(number, Rc::clone(&queue));
                queue.seat_all();
                Some(place)
            }
        };
        DomainLock { locks: Rc::clone(self), domain: domain.clone(), number, place }
    }

    /// Look-ups count upwards from zero.
    fn own_number(&self) -> LookUpNumber {
        self.of_our_own.set(self.of_our_own.get().wrapping_add(1));
        u64::MAX.wrapping_sub(self.of_our_own.get())
    }
}

impl Line {
    /// The queue, from now on with whoever was alone in its only seat.
    fn queue(&mut self) -> Rc<SeatQueue> {
        let (number, askers) = match self {
            Self::Queue { queue, .. } => return Rc::clone(queue),
            Self::Alone { number, askers } => (*number, askers),
        };
        let queue = SeatQueue::new(1, GivesUp::Never);
        let first = Some(queue.wait(number, askers, None));
        queue.seat_all();
        *self = Self::Queue { queue: Rc::clone(&queue), first };
        queue
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
        let came_first = self.place.take().is_none();
        self.locks.queues.borrow_mut().remove(&self.number);
        let mut lines = self.locks.lines.borrow_mut();
        let is_idle = match lines.get_mut(&self.domain) {
            Some(Line::Queue { queue, first }) => {
                if came_first {
                    *first = None;
                }
                queue.seat_all();
                queue.is_idle()
            }
            Some(Line::Alone { .. }) | None => true,
        };
        if is_idle {
            lines.remove(&self.domain);
        }
    }
}

#[cfg(test)]
mod tests;
