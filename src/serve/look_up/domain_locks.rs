//! A lock for each domain: one look-up at a time, first come, first served. So no name server is asked twice for the same,
//! and a policy host, which is the domain or a name below it, sees one fetch at a time.

use crate::name::PolicyDomain;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The locks that are held or waited for; they live on one thread.
#[derive(Debug, Default)]
pub struct DomainLocks(RefCell<HashMap<PolicyDomain, Arc<Mutex<()>>>>);

/// The lock of one domain, held until this is dropped: also by a panic.
#[derive(Debug)]
pub struct DomainLock {
    locks: Rc<DomainLocks>,
    domain: PolicyDomain,
    guard: Option<OwnedMutexGuard<()>>,
}

impl DomainLocks {
    /// Waits for the lock of that domain. Who stops waiting leaves nothing behind.
    pub async fn lock(self: &Rc<Self>, domain: &PolicyDomain) -> DomainLock {
        let lock = Arc::clone(self.0.borrow_mut().entry(domain.clone()).or_default());
        let mut held = DomainLock { locks: Rc::clone(self), domain: domain.clone(), guard: None };
        held.guard = Some(lock.lock_owned().await);
        held
    }

    /// Whether a look-up holds the lock of that domain, or waits for it.
    #[must_use]
    pub fn is_held(&self, domain: &PolicyDomain) -> bool {
        self.0.borrow().contains_key(domain)
    }

    /// How many domains are locked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether no domain is locked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for DomainLock {
    fn drop(&mut self) {
        self.guard = None;
        let mut locks = self.locks.0.borrow_mut();
        // Those that wait hold a reference, too.
        if locks.get(&self.domain).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.domain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::{LocalSet, spawn_local, yield_now};

    #[tokio::test]
    async fn a_domain_has_one_at_a_time_in_their_order_and_nobody_waits_for_another_domain() {
        let (locks, order) = (Rc::new(DomainLocks::default()), Rc::new(RefCell::new(Vec::new())));
        let domain = |text| PolicyDomain::parse(text).unwrap();
        LocalSet::new()
            .run_until(async {
                let first = locks.lock(&domain("a.test")).await;
                let tasks: Vec<_> = (0..3)
                    .map(|number| {
                        let (locks, order) = (Rc::clone(&locks), Rc::clone(&order));
                        spawn_local(async move {
                            let _lock = locks.lock(&domain("a.test")).await;
                            order.borrow_mut().push(number);
                            yield_now().await;
                        })
                    })
                    .collect();
                yield_now().await;
                assert!(locks.is_held(&domain("a.test")) && !locks.is_held(&domain("b.test")));
                drop(locks.lock(&domain("b.test")).await);
                assert_eq!((order.borrow().len(), locks.len()), (0, 1));
                drop(first);
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await;
        assert_eq!(*order.borrow(), [0, 1, 2]);
        assert!(locks.is_empty(), "a lock that nobody holds is removed");
    }

    #[tokio::test]
    async fn a_panic_releases_the_lock() {
        let locks = Rc::new(DomainLocks::default());
        let domain = PolicyDomain::parse("a.test").unwrap();
        let (inner, name) = (Rc::clone(&locks), domain.clone());
        LocalSet::new()
            .run_until(async {
                let task = spawn_local(async move {
                    let _lock = inner.lock(&name).await;
                    panic!("as a task may");
                });
                assert!(task.await.is_err());
                drop(locks.lock(&domain).await);
            })
            .await;
        assert!(locks.is_empty());
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind_and_the_next_one_has_the_lock() {
        let locks = Rc::new(DomainLocks::default());
        let domain = PolicyDomain::parse("a.test").unwrap();
        let first = locks.lock(&domain).await;
        let mut waits = Box::pin(locks.lock(&domain));
        let mut next = Box::pin(locks.lock(&domain));
        assert!(futures_util::poll!(&mut waits).is_pending() && futures_util::poll!(&mut next).is_pending());
        drop(waits);
        drop(first);
        assert!(locks.is_held(&domain));
        drop(next.await);
        let mut waits = Box::pin(locks.lock(&domain));
        assert!(futures_util::poll!(&mut waits).is_ready(), "nobody has it");
        drop(waits);
        assert!(locks.is_empty());
    }
}
