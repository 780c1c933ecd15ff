use super::*;
use crate::serve::concurrency::ConcurrencyLimits;
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
        let limiter = ConnectionLimiter::new(2, 2, Arc::clone(&counters));
        let mut first = idle(limiter.acquire(Protocol::Exim, Peer::default()).await);
        let second = idle(limiter.acquire(Protocol::Postfix, Peer::default()).await);
        let third = idle(limiter.acquire(Protocol::Exim, Peer::default()).await);
        first.try_recv().expect_err("it was ended, and told nobody anything");
        assert_eq!(limiter.open_connections(), 2);
        let evicted = |protocol| counters.connections_ended.of(protocol).of(Cutting::Evicted).get();
        assert_eq!((evicted(Protocol::Exim), evicted(Protocol::Postfix)), (1, 0));
        let fourth = idle(limiter.acquire(Protocol::Exim, Peer::default()).await);
        assert!(second.await.is_err(), "it was the next");
        assert_eq!((evicted(Protocol::Exim), evicted(Protocol::Postfix)), (1, 1));
        drop((third, fourth));
    });
}

#[test]
fn a_peer_that_waits_for_us_is_not_evicted_and_the_next_one_waits() {
    inside(async {
        let limiter = ConnectionLimiter::new(1, 1, Arc::default());
        let permit = limiter.acquire(Protocol::Exim, Peer::default()).await;
        permit.mark_protected();
        let next = limiter.acquire(Protocol::Exim, Peer::default());
        let mut next = std::pin::pin!(next);
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(permit);
        next.await;
    });
}

#[test]
fn a_connection_that_becomes_evictable_makes_room_for_one_that_waits() {
    inside(async {
        let limiter = ConnectionLimiter::new(1, 1, Arc::default());
        let (answer, answered) = oneshot::channel();
        limiter.acquire(Protocol::Exim, Peer::default()).await.occupy(|permit| async move {
            permit.mark_protected();
            let _ = answered.await;
            permit.mark_evictable();
            std::future::pending::<()>().await;
        });
        let next = limiter.acquire(Protocol::Exim, Peer::default());
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
        let limiter = ConnectionLimiter::new(1, 1, Arc::clone(&counters));
        let permit = limiter.acquire(Protocol::Http, Peer::default()).await;
        assert!(
            timeout(Duration::from_millis(5), limiter.acquire(Protocol::Http, Peer::default()))
                .await
                .is_err()
        );
        assert_eq!((limiter.open_connections(), counters.connections_open.of(Protocol::Http).get()), (1, 1));
        drop(permit);
        assert_eq!((limiter.open_connections(), counters.connections_open.of(Protocol::Http).get()), (0, 0));
        drop(limiter.acquire(Protocol::Http, Peer::default()).await);
        assert_eq!(limiter.drained(Duration::ZERO).await, 0);
    });
}

/// Time that passes as soon as nobody has anything to do.
fn inside_paused<F: Future>(test: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, test)
}

#[test]
fn five_hundred_and_twelve_idle_connections_to_mail_servers_stay_and_sixty_four_to_pages_and_no_more() {
    let limits = ConcurrencyLimits::within(u64::MAX);
    for (protocol, with_idle, slots, expected) in [
        (Protocol::Postfix, limits.mta_connections, limits.mta_connections_that_wait, 512),
        (Protocol::Http, limits.http_connections, limits.http_connections, 64),
    ] {
        inside_paused(async {
            let counters = Arc::new(Counters::default());
            let limiter = ConnectionLimiter::new(with_idle, slots, Arc::clone(&counters));
            let evicted = || counters.connections_ended.of(protocol).of(Cutting::Evicted).get();
            let mut connections = Vec::new();
            for more in 0..3 {
                while connections.len() < expected + more {
                    connections.push(idle(limiter.acquire(protocol, Peer::default()).await));
                }
                sleep(Duration::from_secs(3_600)).await;
                assert_eq!((evicted(), limiter.open_connections()), (u64::try_from(more).unwrap(), expected));
            }
        });
    }
}

#[test]
fn who_has_just_come_is_not_taken_for_an_idle_one_for_twenty_milliseconds() {
    inside_paused(async {
        let limiter = ConnectionLimiter::new(1, 2, Arc::default());
        let began = Instant::now();
        let first = idle(limiter.acquire(Protocol::Exim, Peer::default()).await);
        let _second = idle(limiter.acquire(Protocol::Exim, Peer::default()).await);
        first.await.expect_err("it makes room");
        let took = began.elapsed();
        assert!((20..=21).contains(&took.as_millis()), "{took:?}");
    });
}

/// Of two peers with as many connections each, neither gives one up for the other before it has waited for long.
#[test]
fn a_connection_that_has_waited_for_a_second_and_a_half_makes_room_where_there_is_none() {
    inside_paused(async {
        let counters = Arc::new(Counters::default());
        let limiter = ConnectionLimiter::new(1, 1, Arc::clone(&counters));
        let began = Instant::now();
        limiter.acquire(Protocol::Exim, Peer::default()).await.occupy(|permit| async move {
            permit.mark_protected();
            std::future::pending::<()>().await;
        });
        drop(limiter.acquire(Protocol::Exim, Peer::default()).await);
        let took = began.elapsed();
        // It is looked at forty times a second.
        assert!((1_500..1_530).contains(&took.as_millis()), "{took:?}");
        assert_eq!(counters.connections_ended.of(Protocol::Exim).of(Cutting::Displaced).get(), 1);
    });
}

/// Whoever has most connections, though another peer has more to read.
#[test]
fn of_those_who_do_not_read_whoever_has_most_to_read_makes_room() {
    inside(async {
        let counters = Arc::new(Counters::default());
        let limiter = ConnectionLimiter::new(9, 9, Arc::clone(&counters));
        let of = async |peer, octets| {
            let permit = limiter.acquire(Protocol::Postfix, peer).await;
            permit.mark_unsent(octets);
            permit
        };
        let shed = || counters.connections_ended.of(Protocol::Postfix).of(Cutting::SlowReader).get();
        let other = idle(of(Peer { place: 0, user: Some(1_000) }, 9_000_000).await);
        let mut crowd = Vec::new();
        for octets in [2_000_000, 3_000_000, 1_000_000, 1_777_216] {
            crowd.push(idle(of(Peer::default(), octets).await));
        }
        assert_eq!(shed(), 0, "there is room for 16,777,216 octets");
        crowd.push(idle(of(Peer::default(), 1).await));
        assert_eq!(shed(), 1);
        crowd.remove(1).await.expect_err("it had most to read");
        assert_eq!(limiter.open_connections(), 5);
        let leaves = of(Peer::default(), 2_000_000).await;
        let reads = of(Peer::default(), 0).await;
        drop(leaves);
        for octets in [3_000_000 - 1, 0, 3_000_000 - 1] {
            reads.mark_unsent(octets);
            assert_eq!(shed(), 1, "what was read, or has gone with its connection, counts no more");
        }
        drop((other, crowd));
    });
}
