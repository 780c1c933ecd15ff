use super::*;
use crate::limits::MAX_CONNECTIONS;
use crate::name::PolicyDomain;
use crate::reason::Reason;
use crate::serve::front::codec::{Exim, Postfix};
use crate::serve::front::connection_limiter::ConnectionLimiter;
use crate::serve::protocol::question::Question;
use crate::serve::seats::asker::{Asker, Peer};
use crate::serve::telemetry::counters::Counters;
use crate::verify::{NoEvaluation, Report};
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

/// An engine that knows `warm.test` and `long.test`, stumbles over `panic.test`, and looks up the rest once it may.
#[derive(Clone, Default)]
struct MadeUp {
    asked: Rc<Cell<usize>>,
    may: Rc<Notify>,
    looked_up: Rc<RefCell<Vec<String>>>,
}

impl Answers for MadeUp {
    fn at_once(&self, question: &Question) -> Option<Arc<MtaAnswer>> {
        let domain = question.domain.to_string();
        assert_ne!(domain, "panic.test", "as a mistake of ours might");
        self.asked.set(self.asked.get() + 1);
        matches!(&*domain, "warm.test" | "long.test").then(|| answer(question))
    }

    async fn answer(&self, _: Asker, question: Question) -> (Arc<MtaAnswer>, Source) {
        self.looked_up.borrow_mut().push(question.domain.to_string());
        self.may.notified().await;
        (answer(&question), Source::LookUp)
    }
}

/// An answer that names its domain; some are long.
fn answer(question: &Question) -> Arc<MtaAnswer> {
    let mut answer = MtaAnswer::of(&Report::from(NoEvaluation::defer(Reason::NoPolicy, "")), question);
    answer.exim = question.domain.to_string().into();
    let times = if answer.exim.starts_with("long") { 300 } else { 1 };
    answer.socketmap.policy = answer.exim.repeat(times).into();
    Arc::new(answer)
}

struct Bench {
    front: Rc<Front<MadeUp>>,
    limiter: Rc<ConnectionLimiter>,
    engine: MadeUp,
}

impl Bench {
    async fn connect<C: Codec>(&self) -> (UnixStream, JoinHandle<()>) {
        let (peer, ours) = UnixStream::pair().unwrap();
        let permit = self.limiter.acquire(C::MTA.protocol(), Peer::default()).await;
        let task = spawn_local(serve::<C, MadeUp>(Stream::Unix(ours), permit, Rc::clone(&self.front)));
        (peer, task)
    }
}

fn inside<F: Future>(test: impl FnOnce(Bench) -> F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let counters = Arc::<Counters>::default();
    let engine = MadeUp::default();
    let bench = Bench {
        front: Front::new(engine.clone(), Arc::clone(&counters)),
        limiter: ConnectionLimiter::new(MAX_CONNECTIONS, MAX_CONNECTIONS, counters),
        engine,
    };
    LocalSet::new().block_on(&runtime, test(bench))
}

fn frames(domains: &[&str]) -> Vec<u8> {
    let mut octets = Vec::new();
    domains.iter().for_each(|domain| Postfix::say(&format!("policy {domain}"), &mut octets));
    octets
}

async fn all(mut peer: UnixStream) -> String {
    let mut said = String::new();
    peer.read_to_string(&mut said).await.unwrap();
    said
}

#[test]
fn a_panic_is_an_answer_that_defers_and_others_do_not_feel_it() {
    inside(|bench| async move {
        let (mut other, _) = bench.connect::<Postfix>().await;
        let (mut exim, task) = bench.connect::<Exim>().await;
        exim.write_all(b"P panic.test\n").await.unwrap();
        assert!(all(exim).await.starts_with("verdict=defer"));
        task.await.expect("the panic was caught");
        let (mut postfix, _) = bench.connect::<Postfix>().await;
        postfix.write_all(&frames(&["warm.test", "panic.test"])).await.unwrap();
        assert!(all(postfix).await.contains("TEMP internal"));
        assert_eq!(bench.front.counters.panics.of(Thread::Front).get(), 2);
        other.write_all(&frames(&["warm.test"])).await.unwrap();
        other.shutdown().await.unwrap();
        assert_eq!(all(other).await, "9:warm.test,");
        assert_eq!(bench.limiter.open_connections(), 0);
    });
}

#[test]
fn so_many_requests_are_under_way_and_no_more() {
    inside(|bench| async move {
        let (mut peer, _) = bench.connect::<Postfix>().await;
        let names: Vec<String> = (0..100).map(|number| format!("d{number}.test")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        peer.write_all(&frames(&names)).await.unwrap();
        peer.shutdown().await.unwrap();
        // Everybody has his turn many times over.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.engine.looked_up.borrow().len(), MAX_QUEUED_REQUESTS);
        let engine = bench.engine.clone();
        spawn_local(async move {
            loop {
                engine.may.notify_waiters();
                tokio::task::yield_now().await;
            }
        });
        let expected: String = names.iter().map(|name| format!("{}:{name},", name.len())).collect();
        assert_eq!(all(peer).await, expected);
        assert_eq!(bench.engine.looked_up.borrow().len(), 100);
    });
}

/// What is at hand and what was looked up.
#[test]
fn a_turn_ends_after_eight_kilobytes_whatever_was_asked() {
    for domain in ["long.test", "long-and-cold.test"] {
        inside(|bench| async move {
            let (mut peer, _) = bench.connect::<Postfix>().await;
            peer.write_all(&frames(&[domain; 32])).await.unwrap();
            while domain != "long.test" && bench.engine.looked_up.borrow().len() < 32 {
                tokio::task::yield_now().await;
            }
            bench.engine.may.notify_waiters();
            let one = 300 * domain.len() + "2700:,".len();
            let (mut said, mut turns) = (vec![0; 200_000], Vec::new());
            while turns.iter().sum::<usize>() < 32 * one {
                tokio::task::yield_now().await;
                turns.extend(peer.try_read(&mut said));
            }
            // Of the first answer that reaches beyond 8,192 octets the rest is said, too.
            let in_a_turn = 8_192_usize.div_ceil(one) * one;
            assert_eq!(turns.iter().max(), Some(&in_a_turn), "{domain}: {turns:?}");
        });
    }
}

#[test]
fn of_those_who_ask_much_at_once_one_has_a_turn_at_a_time_and_others_come_in_between() {
    inside(|bench| async move {
        let mut peers = Vec::new();
        for _ in 0..10 {
            let (mut peer, _) = bench.connect::<Postfix>().await;
            // More than is read at once.
            peer.write_all(&frames(&["warm.test"; 500])).await.unwrap();
            peers.push(peer);
        }
        let asked = &bench.engine.asked;
        while asked.get() == 0 {
            tokio::task::yield_now().await;
        }
        // Nobody knew of the others' many before their first turn.
        assert!(asked.get() <= 320);
        while asked.get() < 5_000 {
            let before = asked.get();
            tokio::task::yield_now().await;
            assert!(asked.get() <= before + MAX_QUEUED_REQUESTS, "{}", asked.get() - before);
        }
    });
}

#[test]
fn whoever_keeps_us_at_work_without_a_pause_makes_room_like_others() {
    inside(|bench| async move {
        let limiter = ConnectionLimiter::new(1, 1, Arc::clone(&bench.front.counters));
        let (mut peer, ours) = UnixStream::pair().unwrap();
        let front = Rc::clone(&bench.front);
        let serve = |permit| serve::<Postfix, MadeUp>(Stream::Unix(ours), permit, front);
        limiter.acquire(Postfix::MTA.protocol(), Peer::default()).await.occupy(serve);
        let asked = |number| {
            let looked_up = Rc::clone(&bench.engine.looked_up);
            async move {
                while looked_up.borrow().len() < number {
                    tokio::task::yield_now().await;
                }
            }
        };
        peer.write_all(&frames(&["a.test"])).await.unwrap();
        asked(1).await;
        peer.write_all(&frames(&["b.test"])).await.unwrap();
        asked(2).await;
        tokio::time::advance(WORK_WITHOUT_PAUSE - Duration::from_millis(1)).await;
        peer.write_all(&frames(&["c.test"])).await.unwrap();
        asked(3).await;
        tokio::time::advance(Duration::from_millis(1)).await;
        peer.write_all(&frames(&["d.test"])).await.unwrap();
        let somebody = spawn_local({
            let limiter = Rc::clone(&limiter);
            async move { limiter.acquire(Exim::MTA.protocol(), Peer::default()).await }
        });
        tokio::task::yield_now().await;
        bench.engine.may.notify_waiters();
        drop(somebody.await.unwrap());
        let mut said = [0; 27];
        peer.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"6:a.test,6:b.test,6:c.test,", "it has the answers that it waited for");
        assert_eq!(bench.engine.looked_up.borrow().len(), 3, "nothing more was read");
    });
}

/// One octet more does not help.
#[test]
fn half_a_request_is_waited_for_ten_seconds_and_no_longer() {
    let (ten, moment) = (Duration::from_secs(10), Duration::from_millis(2));
    for (whole_after, expected) in [(ten - moment, "9:warm.test,"), (ten + moment, "")] {
        inside(|bench| async move {
            let (mut peer, task) = bench.connect::<Postfix>().await;
            let request = frames(&["warm.test"]);
            let began = Instant::now();
            let parts =
                [(&request[..1], Duration::ZERO), (&request[1..2], ten / 2), (&request[2..], whole_after)];
            for (octets, at) in parts {
                tokio::time::sleep_until(began + at).await;
                // Where it is too late, nobody takes it.
                let _ = peer.write_all(octets).await;
            }
            let _ = peer.shutdown().await;
            assert_eq!(all(peer).await, expected, "{whole_after:?}");
            task.await.unwrap();
            let slow = &bench.front.counters.connections_ended;
            let slow = slow.of(Postfix::MTA.protocol()).of(Cutting::SlowRequest).get();
            assert_eq!(slow, u64::from(expected.is_empty()));
        });
    }
}

#[test]
fn whoever_does_not_read_is_waited_for_ten_seconds() {
    let (ten, moment) = (Duration::from_secs(10), Duration::from_millis(2));
    for (after, is_cut) in [(ten - moment, false), (ten + moment, true)] {
        inside(|bench| async move {
            let (mut peer, task) = bench.connect::<Postfix>().await;
            let requests = frames(&["warm.test"; 32]);
            peer.write_all(&requests).await.unwrap();
            // Until the system keeps no more for either of us.
            while peer.try_write(&requests).is_ok() {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(after).await;
            let slow = &bench.front.counters.connections_ended;
            let slow = slow.of(Postfix::MTA.protocol()).of(Cutting::SlowReader).get();
            assert_eq!(slow, u64::from(is_cut), "{after:?}");
            drop(peer);
            task.await.unwrap();
        });
    }
}

#[test]
fn two_hundred_and_fifty_six_withheld_answers_wait_to_be_written_down_and_the_others_are_only_counted() {
    inside(|bench| async move {
        for number in 0..300 {
            let domain = PolicyDomain::parse(&format!("d{number}.test")).unwrap();
            let question = Question::about(domain, None);
            for _ in 0..2 {
                let answer = answer(&question);
                bench.front.answered(Exim::MTA, &question, &answer, Source::LookUp, Duration::ZERO);
            }
        }
        let unwritten = bench.front.unwritten.borrow();
        assert_eq!((unwritten.len(), unwritten.iter().all(|one| one.times == 2)), (256, true));
    });
}

#[test]
fn of_those_who_break_the_protocol_one_in_a_minute_is_told_of() {
    inside(|bench| async move {
        let (_peer, ours) = UnixStream::pair().unwrap();
        let stream = Stream::Unix(ours);
        let told_last = || {
            bench.front.cut(&stream, Postfix::MTA.protocol(), Cutting::Broken);
            bench.front.told.get().unwrap()
        };
        let first = told_last();
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert_eq!(told_last(), first);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(told_last(), first + Duration::from_secs(60));
    });
}

#[test]
fn when_the_daemon_ends_a_connection_ends_with_its_answer() {
    inside(|bench| async move {
        let (mut peer, task) = bench.connect::<Postfix>().await;
        peer.write_all(&frames(&["cold.test"])).await.unwrap();
        while bench.engine.looked_up.borrow().is_empty() {
            tokio::task::yield_now().await;
        }
        bench.front.close();
        bench.limiter.close_evictable();
        bench.engine.may.notify_one();
        assert_eq!(all(peer).await, "9:cold.test,");
        task.await.unwrap();
    });
}

#[test]
fn whoever_comes_and_goes_is_no_breach_of_the_protocol() {
    inside(|bench| async move {
        for _ in 0..2 {
            let (peer, task) = bench.connect::<Exim>().await;
            drop(peer);
            task.await.unwrap();
        }
        let (mut peer, task) = bench.connect::<Postfix>().await;
        peer.write_all(b"x").await.unwrap();
        task.await.unwrap();
        let broken = |mta: crate::serve::telemetry::counters::Mta| {
            bench.front.counters.connections_ended.of(mta.protocol()).of(Cutting::Broken).get()
        };
        assert_eq!((broken(Exim::MTA), broken(Postfix::MTA)), (0, 1));
    });
}

#[test]
fn a_connection_at_rest_is_small() {
    inside(|bench| async move {
        let (_peer, ours) = UnixStream::pair().unwrap();
        let permit = bench.limiter.acquire(Postfix::MTA.protocol(), Peer::default()).await;
        let task = serve::<Postfix, MadeUp>(Stream::Unix(ours), permit, Rc::clone(&bench.front));
        let octets = size_of_val(&task);
        assert!(octets <= 768, "{octets}");
    });
}
