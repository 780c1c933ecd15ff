//! HTTP/1.1 on one connection: heads are bounded in octets and in time, bodies are not read, replies are whole.

use super::connection_limiter::ConnectionPermit;
use crate::limits::{MAX_PAGE_REQUEST_OCTETS, PAGE_CONNECTION_LIFE, PAGE_REQUEST_DEADLINE};
use crate::serve::protocol::http::{ALLOWED, ALWAYS, Head, Page, Refusal, Reply, wanted};
use crate::serve::telemetry::counters::{Counters, Cutting, Protocol, Thread};
use futures_util::FutureExt as _;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// Whoever makes the pages: [`crate::serve::front::status_query::Watch`], or a test.
pub trait Pages {
    /// Returns when it is the turn of a request. Each has its own, refused ones too: hundreds may have come at once.
    fn turn(&self) -> impl Future<Output = ()>;

    /// The page, as it is now.
    fn page(&self, page: Page) -> impl Future<Output = Reply>;
}

/// Serves a connection until it ends, [`PAGE_CONNECTION_LIFE`] at most: so whoever reads slowly ends, too.
pub async fn serve<P: Pages>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    permit: ConnectionPermit,
    pages: P,
    counters: Arc<Counters>,
) {
    permit.mark_evictable();
    let answered = service_fn(async |request| {
        permit.mark_protected();
        let reply = answer(&request, &pages, &counters).await;
        permit.mark_evictable();
        Ok::<_, Infallible>(response(reply))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Whoever has asked and says no more still reads.
        .half_close(true)
        .header_read_timeout(PAGE_REQUEST_DEADLINE)
        .max_buf_size(MAX_PAGE_REQUEST_OCTETS)
        .serve_connection(TokioIo::new(stream), answered);
    let why = match timeout(PAGE_CONNECTION_LIFE, connection).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) if error.is_timeout() => Cutting::SlowRequest,
        Ok(Err(error)) if error.is_parse() => Cutting::Broken,
        // The peer has left.
        Ok(Err(_)) => return,
        Err(_) => Cutting::SlowReader,
    };
    counters.connections_ended.of(Protocol::Http).of(why).one();
}

async fn answer<B>(request: &Request<B>, pages: &impl Pages, counters: &Counters) -> Reply {
    let hosts: Vec<Option<&str>> =
        request.headers().get_all(HOST).iter().map(|value| value.to_str().ok()).collect();
    let head = Head {
        method: request.method().as_str(),
        path: request.uri().path(),
        authority: request.uri().authority().map(Authority::as_str),
        hosts: &hosts,
    };
    pages.turn().await;
    match wanted(&head) {
        Ok(page) => {
            counters.pages.of(page).one();
            made(page, pages, counters).await
        }
        Err(refusal) => {
            counters.page_refusals.of(refusal).one();
            refusal.into()
        }
    }
}

/// The page; a mistake of ours while it is made is told, and ends nothing else.
async fn made(page: Page, pages: &impl Pages, counters: &Counters) -> Reply {
    // What a page reads it does not change: nothing is left half done.
    AssertUnwindSafe(pages.page(page)).catch_unwind().await.unwrap_or_else(|_| {
        counters.panics.of(Thread::Front).one();
        Reply::words(500, "A mistake of ours: please report it.\n")
    })
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.media_type));
    if let Ok(policy) = HeaderValue::from_str(&reply.content_security_policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if reply.status == Refusal::NotAllowed.status() {
        headers.insert(ALLOW, HeaderValue::from_static(ALLOWED));
    }
    response
}

#[cfg(test)]
mod tests {
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
}
