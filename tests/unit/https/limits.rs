//! A host that is slow or endless takes its own fetch down, soon and cheaply.

use super::site::{
    Act, Authority, Names, Site, TEXT, fetch, fetch_with, host_params, policy_with, say, settings, url,
};
use smtp_sts_verify::dns::{Answer, Question, Resolve};
use smtp_sts_verify::https::{
    Fetch, FetchError, FetchFailure, HttpsFetcher, HttpsSettings, MediaType, Patience, Step,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

// Time passes here as soon as nobody has anything to do, and the limits are those of the program.

/// What may come on top of a limit: the clock ticks in milliseconds.
const GRACE: Duration = Duration::from_millis(5);

/// Fetches with the program's own patience, and tells which step was given up; fails if that was not after so many seconds.
async fn given_up(site: &Site, port: u16, authority: &Authority, names: &impl Resolve, seconds: u64) -> Step {
    let settings = HttpsSettings { patience: Patience::default(), port, ..settings(site, authority.roots()) };
    let begun = Instant::now();
    let fetched = fetch_with(names, settings, MediaType::Any).await;
    let took = begun.elapsed();
    let Err(error @ FetchError::TimedOut { step, .. }) = fetched else { panic!("{fetched:?}") };
    assert_eq!(error.failure(), FetchFailure::Unreachable);
    let limit = Duration::from_secs(seconds);
    assert!(limit <= took && took <= limit + GRACE, "{step:?} took {took:?} of {limit:?}");
    step
}

/// The same at its own address.
async fn given_up_at(site: &Site, authority: &Authority, seconds: u64) -> Step {
    given_up(site, site.address.port(), authority, &Names::at(site.address.ip()), seconds).await
}

async fn tls_site(script: Vec<Act>) -> (Site, Authority) {
    let authority = Authority::new();
    (Site::serve(authority.issue(&host_params()), script).await, authority)
}

/// A queue of accepted connections that is full and never emptied: the system answers no further SYN.
struct BlackHole {
    address: SocketAddr,
    _open: (TcpListener, TcpStream),
}

impl BlackHole {
    async fn at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        // Linux lets one more into the queue than it is told (`sk_acceptq_is_full`).
        let filling = TcpStream::connect(address).await.unwrap();
        Self { address, _open: (listener, filling) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_comes_about_is_given_up() {
    let hole = BlackHole::at("127.0.0.1:0".parse().unwrap()).await;
    let (site, authority) = tls_site(vec![]).await;
    let names = Names::at(hole.address.ip());
    assert_eq!(given_up(&site, hole.address.port(), &authority, &names, 2).await, Step::Connect);
}

/// Says nothing, ever.
struct Silence;

impl Resolve for Silence {
    async fn resolve(&self, _: &[Question]) -> Vec<Answer> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_never_ends_is_given_up() {
    let (site, authority) = tls_site(vec![]).await;
    assert_eq!(given_up(&site, site.address.port(), &authority, &Silence, 8).await, Step::Resolve);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_given_up() {
    let site = Site::serve_bare(vec![Act::Hang]).await;
    assert_eq!(given_up_at(&site, &Authority::new(), 3).await, Step::Handshake);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_given_up() {
    let (site, authority) = tls_site(vec![Act::Hang]).await;
    assert_eq!(given_up_at(&site, &authority, 3).await, Step::Head);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_given_up() {
    let head =
        b"HTTP/1.1 200 OK\r\nX-Slow: and so on, and so on, and so on, and so on, and so on\r\n".to_vec();
    let (site, authority) = tls_site(vec![Act::Drip(head, Duration::from_millis(70)), Act::Hang]).await;
    assert_eq!(given_up_at(&site, &authority, 3).await, Step::Head);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_ends_with_the_fetch() {
    let drip = Act::Drip(vec![b'a'; 1_000], Duration::from_millis(20));
    let (site, authority) =
        tls_site(vec![say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), drip]).await;
    assert_eq!(given_up_at(&site, &authority, 8).await, Step::Body);
}

#[tokio::test(start_paused = true)]
async fn the_run_ends_a_fetch_whatever_the_fetch_may_take() {
    let (site, authority) = tls_site(vec![Act::Hang]).await;
    let names = Names::at(site.address.ip());
    let (begun, run) = (Instant::now(), Duration::from_millis(1_500));
    let fetcher = HttpsFetcher::new(&names, settings(&site, authority.roots()), (begun + run).into());
    let fetched = fetcher.fetch(&url(), MediaType::Any).await;
    assert!(matches!(fetched, Err(FetchError::TimedOut { step: Step::Head, .. })), "{fetched:?}");
    assert!((run..=run + GRACE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_address_that_swallows_everything_costs_a_moment_and_not_a_deadline() {
    let (site, authority) = tls_site(policy_with("")).await;
    let hole = BlackHole::at(SocketAddr::new([127, 0, 0, 2].into(), site.address.port())).await;
    let names = Names::by_turns(vec![vec![hole.address.ip(), site.address.ip()]]);
    let settings = HttpsSettings { patience: Patience::default(), ..settings(&site, authority.roots()) };
    let begun = Instant::now();
    assert!(fetch_with(&names, settings, MediaType::Any).await.is_ok());
    let turn = Duration::from_millis(250);
    assert!((turn..=turn + GRACE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}

async fn is_too_large(script: Vec<Act>) -> String {
    let error = fetch(script).await.unwrap_err();
    assert_eq!(error.failure(), FetchFailure::Refused);
    assert!(matches!(error, FetchError::TooLarge { .. } | FetchError::Malformed { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_body_has_64_kibibytes_and_no_octet_more() {
    let reply = |octets: usize| {
        vec![
            say(format!("HTTP/1.1 200 OK\r\nContent-Length: {octets}\r\n\r\n")),
            say(vec![b'a'; octets]),
            Act::Close,
        ]
    };
    assert_eq!(fetch(reply(65_536)).await.unwrap().len(), 65_536);
    assert!(is_too_large(reply(65_537)).await.ends_with("a body of more than 65536 octets"));
}

#[tokio::test]
async fn an_endless_body_is_refused() {
    let endless = || Act::Forever(vec![b'a'; 4_096]);
    is_too_large(vec![say("HTTP/1.1 200 OK\r\n\r\n"), endless()]).await;
    is_too_large(vec![say("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"), endless()]).await;
    is_too_large(vec![say("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"), endless()])
        .await;
    is_too_large(vec![
        say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Act::Forever([b"1000\r\n".as_slice(), &[b'a'; 4_096], b"\r\n"].concat()),
    ])
    .await;
}

#[tokio::test]
async fn chunks_of_one_octet_are_counted_with_their_frames() {
    let head = || say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let few = vec![head(), say(b"1\r\na\r\n".repeat(1_000)), say("0\r\n\r\n"), Act::Close];
    assert_eq!(fetch(few).await.unwrap(), vec![b'a'; 1_000]);
    is_too_large(vec![head(), Act::Forever(b"1\r\na\r\n".repeat(100))]).await;
}

#[tokio::test]
async fn a_chunk_that_names_an_absurd_size_is_refused() {
    for size in ["ffffffffffffffff", "10000000000000000", "-1", "0x10", "", " ", "1 0"] {
        let chunk = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n");
        is_too_large(vec![say(chunk), Act::Forever(vec![b'a'; 4_096])]).await;
    }
}

#[tokio::test]
async fn endless_chunk_extensions_and_trailers_are_refused() {
    let head = || say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    is_too_large(vec![head(), say("1;"), Act::Forever(b"a=b;".repeat(100))]).await;
    is_too_large(vec![head(), say("1\r\na\r\n0\r\n"), Act::Forever(b"X: y\r\n".repeat(100))]).await;
    is_too_large(vec![head(), say("1\r\na\r\n0\r\nX: "), Act::Forever(b"y".repeat(100))]).await;
}

#[tokio::test]
async fn a_head_is_bounded_in_octets_and_in_fields() {
    let ok = "HTTP/1.1 200 OK\r\n";
    is_too_large(vec![say(ok), Act::Forever(b"X: y\r\n".repeat(100))]).await;
    is_too_large(vec![say(ok), say("X: y\r\n".repeat(10_000)), say("\r\n"), Act::Close]).await;
    is_too_large(vec![say(ok), say("X: "), Act::Forever(vec![b'y'; 1_000])]).await;
    is_too_large(policy_with(&format!("X: {}\r\n", "y".repeat(16_384)))).await;
    is_too_large(policy_with(&"X: y\r\n".repeat(64))).await;
    assert_eq!(fetch(policy_with(&"X: y\r\n".repeat(63))).await.unwrap(), TEXT);
}

#[tokio::test]
async fn interim_replies_are_bounded() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    let after = |count: usize| [vec![say(interim.repeat(count))], policy_with("")].concat();
    assert_eq!(fetch(after(4)).await.unwrap(), TEXT);
    assert!(is_too_large(after(5)).await.ends_with("more than 4 interim replies"));
    is_too_large(vec![Act::Forever(interim.repeat(20).into())]).await;
    is_too_large(vec![Act::Forever(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())]).await;
}

/// The times that a policy host has by default (README, "limits"): a change is a decision.
#[test]
fn each_step_has_its_own_time_by_default() {
    let Patience { connect, stagger, handshake, head, whole } = HttpsSettings::default().patience;
    let expected = [2_000, 250, 3_000, 3_000, 8_000].map(Duration::from_millis);
    assert_eq!([connect, stagger, handshake, head, whole], expected);
}
