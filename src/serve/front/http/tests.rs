use super::*;
use crate::serve::front::connection_limiter::ConnectionLimiter;
use crate::serve::seats::asker::Peer;
use std::cell::Cell;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep, sleep_until};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[derive(Default)]
struct Alive {
    turns: Cell<usize>,
}

impl Pages for Alive {
    async fn turn(&self) {
        self.turns.set(self.turns.get() + 1);
    }

    async fn page(&self, _: Page) -> Reply {
        Reply::words(200, "alive\n")
    }
}

/// Serves a peer over a connection that holds so many octets; how long that took, and how many ends of that kind were counted.
async fn served<F: Future<Output = ()>>(
    room: usize,
    why: Cutting,
    peer: impl FnOnce(DuplexStream) -> F,
) -> (Duration, u64) {
    let (began, counters) = (Instant::now(), Arc::new(Counters::default()));
    let permit = ConnectionLimiter::new(1, 1, Arc::clone(&counters));
    let permit = permit.acquire(Protocol::Http, Peer::default()).await;
    let (theirs, ours) = duplex(room);
    let served = async {
        serve(ours, permit, Alive::default(), Arc::clone(&counters)).await;
        began.elapsed()
    };
    let (took, ()) = futures_util::join!(served, peer(theirs));
    (took, counters.connections_ended.of(Protocol::Http).of(why).get())
}

#[tokio::test(start_paused = true)]
async fn a_head_is_waited_for_five_seconds() {
    let (five, moment) = (Duration::from_secs(5), Duration::from_millis(2));
    for (whole_after, is_answered) in [(five - moment, true), (five + moment, false)] {
        let mut said = Vec::new();
        let (took, slow) = served(8_192, Cutting::SlowRequest, async |mut peer| {
            let (first, rest) = REQUEST.split_at(20);
            peer.write_all(first).await.unwrap();
            sleep(whole_after).await;
            if peer.write_all(rest).await.is_ok() {
                peer.shutdown().await.unwrap();
            }
            peer.read_to_end(&mut said).await.unwrap();
        })
        .await;
        assert_eq!(said.starts_with(b"HTTP/1.1 200 "), is_answered, "{whole_after:?}");
        assert_eq!(slow, u64::from(!is_answered), "{whole_after:?}");
        assert!(is_answered || (five..five + moment).contains(&took), "{took:?}");
    }
}

/// Whoever asks every four seconds and reads each reply, and whoever asks on and reads nothing.
#[tokio::test(start_paused = true)]
async fn a_connection_for_pages_lives_for_half_a_minute_whatever_its_peer_does() {
    let life = Duration::from_secs(30);
    let mut answered = 0;
    let (took, cut) = served(8_192, Cutting::SlowReader, async |mut peer| {
        let (mut said, began) = ([0; 4_096], Instant::now());
        // The last one an eye-blink before the end.
        let turns = (0..8).map(|number| Duration::from_secs(4 * number));
        for at in turns.chain([life - Duration::from_millis(5)]) {
            sleep_until(began + at).await;
            peer.write_all(REQUEST).await.unwrap();
            answered += usize::from(peer.read(&mut said).await.is_ok_and(|octets| octets > 0));
        }
        assert_eq!(peer.read(&mut said).await.unwrap(), 0, "and then it is closed");
    })
    .await;
    assert_eq!((answered, cut), (9, 1));
    assert!((life..life + Duration::from_millis(5)).contains(&took), "{took:?}");
    let (took, cut) = served(64, Cutting::SlowReader, async |mut peer| {
        peer.write_all(REQUEST).await.unwrap();
        sleep(life * 2).await;
    })
    .await;
    assert_eq!(cut, 1);
    assert!((life..life + Duration::from_millis(5)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn each_request_for_a_page_has_its_turn_and_so_has_one_that_is_refused() {
    let (pages, counters) = (Alive::default(), Counters::default());
    for (turn, host, status) in [(1, "localhost", 200), (2, "attacker.example", 421)] {
        let request = Request::get("/healthz").header(HOST, host).body(()).unwrap();
        assert_eq!(answer(&request, &pages, &counters).await.status, status);
        assert_eq!(pages.turns.get(), turn);
    }
}

struct Broken;

impl Pages for Broken {
    async fn turn(&self) {}

    async fn page(&self, _: Page) -> Reply {
        panic!("as a mistake of ours might");
    }
}

#[test]
fn a_page_that_panics_is_a_500_that_is_counted_and_ends_nothing_else() {
    let counters = Counters::default();
    for times in 1..=2 {
        let reply = made(Page::Status, &Broken, &counters).now_or_never().unwrap();
        assert_eq!((reply.status, counters.panics.of(Thread::Front).get()), (500, times));
    }
}
