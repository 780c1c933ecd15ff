//! A lane for each domain: one look-up at a time, in the order in which they came. So nobody asks a name server twice for
//! the same, and a policy host, which stands below its domain or is the domain, sees one fetch at a time.

use crate::name::PolicyDomain;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The lanes in which somebody is; they live on one thread.
#[derive(Debug, Default)]
pub struct Lanes(RefCell<HashMap<PolicyDomain, Arc<Mutex<()>>>>);

/// The turn in a lane, until it is dropped: also by a panic.
#[derive(Debug)]
pub struct Turn {
    lanes: Rc<Lanes>,
    domain: PolicyDomain,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Lanes {
    /// Waits for the turn of whoever comes now, and tells whether somebody was there before.
    pub async fn turn(self: &Rc<Self>, domain: &PolicyDomain) -> (Turn, bool) {
        let lane = Arc::clone(self.0.borrow_mut().entry(domain.clone()).or_default());
        let (guard, waited) = match Arc::clone(&lane).try_lock_owned() {
            Ok(guard) => (guard, false),
            Err(_) => (lane.lock_owned().await, true),
        };
        (Turn { lanes: Rc::clone(self), domain: domain.clone(), guard: Some(guard) }, waited)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether nobody is in any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut lanes = self.lanes.0.borrow_mut();
        // Whoever waits has a hold of the lane, too.
        if lanes.get(&self.domain).is_some_and(|lane| Arc::strong_count(lane) == 1) {
            lanes.remove(&self.domain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::{LocalSet, spawn_local, yield_now};

    #[tokio::test]
    async fn a_domain_has_one_at_a_time_in_their_order_and_nobody_waits_for_another_domain() {
        let (lanes, order) = (Rc::new(Lanes::default()), Rc::new(RefCell::new(Vec::new())));
        let domain = |text| PolicyDomain::parse(text).unwrap();
        LocalSet::new()
            .run_until(async {
                let (first, waited) = lanes.turn(&domain("a.test")).await;
                assert!(!waited);
                let tasks: Vec<_> = (0..3)
                    .map(|number| {
                        let (lanes, order) = (Rc::clone(&lanes), Rc::clone(&order));
                        spawn_local(async move {
                            let (_turn, waited) = lanes.turn(&domain("a.test")).await;
                            assert!(waited);
                            order.borrow_mut().push(number);
                            yield_now().await;
                        })
                    })
                    .collect();
                yield_now().await;
                assert!(!lanes.turn(&domain("b.test")).await.1);
                assert_eq!((order.borrow().len(), lanes.len()), (0, 1));
                drop(first);
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await;
        assert_eq!(*order.borrow(), [0, 1, 2]);
        assert!(lanes.is_empty(), "a lane without anybody is none");
    }

    #[tokio::test]
    async fn who_panics_gives_up_the_lane() {
        let lanes = Rc::new(Lanes::default());
        let domain = PolicyDomain::parse("a.test").unwrap();
        let (inner, name) = (Rc::clone(&lanes), domain.clone());
        LocalSet::new()
            .run_until(async {
                let task = spawn_local(async move {
                    let _turn = inner.turn(&name).await;
                    panic!("as a task may");
                });
                assert!(task.await.is_err());
                assert!(!lanes.turn(&domain).await.1);
            })
            .await;
    }
}
