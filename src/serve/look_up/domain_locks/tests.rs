use super::*;
use crate::serve::seats::asker::Peer;
use std::time::Duration;
use tokio::task::{LocalSet, spawn_local, yield_now};

fn asker(user: u32) -> Asker {
    Asker { peer: Peer { place: 0, user: Some(user) }, connection: u64::from(user) }
}

/// Who has the lock, one after the other, of those who wait behind a first one: by number and user.
async fn order_of(all: &[(u64, u32)], joins: Option<(u64, u32)>) -> Vec<u64> {
    let (locks, order) = (Rc::new(DomainLocks::default()), Rc::new(RefCell::new(Vec::new())));
    let domain = PolicyDomain::parse("a.test").unwrap();
    LocalSet::new()
        .run_until(async {
            let first = locks.lock(&domain, u64::MAX, &[asker(0)]).await;
            let mut tasks = Vec::new();
            for (number, user) in all.iter().copied() {
                let (locks, order, domain) = (Rc::clone(&locks), Rc::clone(&order), domain.clone());
                tasks.push(spawn_local(async move {
                    let _lock = locks.lock(&domain, number, &[asker(user)]).await;
                    order.borrow_mut().push(number);
                    yield_now().await;
                }));
                yield_now().await;
            }
            if let Some((number, user)) = joins {
                locks.join(number, asker(user));
            }
            drop(first);
            for task in tasks {
                task.await.unwrap();
            }
            assert!(locks.is_empty() && locks.queues.borrow().is_empty());
        })
        .await;
    order.take()
}

#[tokio::test]
async fn who_asks_about_a_thousand_hosts_of_a_domain_takes_one_turn_of_many() {
    let many = (0..1_000).map(|number| (number, 7));
    let others = (1_000..1_003).map(|number| (number, 8));
    let order = order_of(&many.chain(others).collect::<Vec<_>>(), None).await;
    let place = |number| order.iter().position(|one| *one == number).unwrap();
    assert!(place(1_000) <= 2 && place(1_001) <= 4 && place(1_002) <= 6, "{:?}", &order[..10]);
}

#[tokio::test]
async fn who_joins_a_look_up_of_somebody_elses_hastens_it() {
    let many: Vec<(u64, u32)> = (0..100).map(|number| (number, 7)).collect();
    let order = order_of(&many, Some((99, 8))).await;
    assert!(order.iter().position(|one| *one == 99).unwrap() <= 2, "{order:?}");
}

#[tokio::test]
async fn work_of_our_own_takes_no_lock_from_anybody_and_has_its_turn() {
    let locks = Rc::new(DomainLocks::default());
    let domain = PolicyDomain::parse("a.test").unwrap();
    let first = locks.lock(&domain, 0, &[asker(0)]).await;
    assert!(locks.try_lock(&domain).is_none());
    let mut moment = Box::pin(locks.moment(&domain));
    assert!(futures_util::poll!(&mut moment).is_pending());
    drop(first);
    assert!(futures_util::poll!(&mut moment).is_ready());
    drop(moment);
    drop(locks.try_lock(&domain).expect("nobody has it"));
    assert!(locks.is_empty());
}

#[tokio::test]
async fn a_domain_has_one_at_a_time_in_their_order_and_nobody_waits_for_another_domain() {
    let (locks, order) = (Rc::new(DomainLocks::default()), Rc::new(RefCell::new(Vec::new())));
    let domain = |text| PolicyDomain::parse(text).unwrap();
    LocalSet::new()
        .run_until(async {
            let first = locks.lock(&domain("a.test"), 9, &[asker(0)]).await;
            let tasks: Vec<_> = (0..3)
                .map(|number| {
                    let (locks, order) = (Rc::clone(&locks), Rc::clone(&order));
                    spawn_local(async move {
                        let _lock = locks.lock(&domain("a.test"), number, &[asker(0)]).await;
                        order.borrow_mut().push(number);
                        yield_now().await;
                    })
                })
                .collect();
            yield_now().await;
            assert!(locks.is_held(&domain("a.test")) && !locks.is_held(&domain("b.test")));
            drop(locks.lock(&domain("b.test"), 10, &[asker(0)]).await);
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
                let _lock = inner.lock(&name, 0, &[asker(0)]).await;
                panic!("as a task may");
            });
            assert!(task.await.is_err());
            drop(locks.lock(&domain, 1, &[asker(0)]).await);
        })
        .await;
    assert!(locks.is_empty());
}

#[tokio::test]
async fn who_stops_waiting_leaves_nothing_behind_and_the_next_one_has_the_lock() {
    let (locks, one) = (Rc::new(DomainLocks::default()), [asker(0)]);
    let domain = PolicyDomain::parse("a.test").unwrap();
    let first = locks.lock(&domain, 0, &one).await;
    let mut waits = Box::pin(locks.lock(&domain, 1, &one));
    let mut next = Box::pin(locks.lock(&domain, 2, &one));
    assert!(futures_util::poll!(&mut waits).is_pending() && futures_util::poll!(&mut next).is_pending());
    drop(waits);
    drop(first);
    assert!(locks.is_held(&domain));
    drop(next.await);
    let mut waits = Box::pin(locks.lock(&domain, 3, &one));
    assert!(futures_util::poll!(&mut waits).is_ready(), "nobody has it");
    drop(waits);
    assert!(locks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_works_under_a_lock_for_a_second_gives_it_back() {
    let domain = PolicyDomain::parse("a.test").unwrap();
    for (milliseconds, keeps) in [(999, true), (1_002, false)] {
        let locks = Rc::new(DomainLocks::default());
        let mut lock = Some(locks.lock(&domain, 0, &[asker(0)]).await);
        DomainLock::during(&mut lock, tokio::time::sleep(Duration::from_millis(milliseconds))).await;
        assert_eq!((lock.is_some(), locks.try_lock(&domain).is_none()), (keeps, keeps), "{milliseconds}");
    }
}
