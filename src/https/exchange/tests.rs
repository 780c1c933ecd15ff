use super::super::metered::Metered;
use super::super::progress::Progress;
use super::*;
use crate::name::PolicyDomain;
use proptest::prelude::*;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What is asked for where nothing but the reply matters.
fn wanted(url: &PolicyUrl) -> Wanted<'_> {
    Wanted { url, port: 443, media: MediaType::Any, patience: Duration::from_secs(5), witness: None }
}

/// What the other side could get rid of before it was left alone: `head`, then `rest` again and again.
async fn octets_taken(head: &str, rest: &[u8]) -> usize {
    let (ours, mut theirs) = tokio::io::duplex(1_024);
    let url = PolicyUrl::parse("https://policy.example/").expect("a URL");
    let wanted = wanted(&url);
    let traffic = Arc::new(Traffic::default());
    let stream = Metered::new(ours, Arc::clone(&traffic));
    let until = Instant::now() + Duration::from_secs(10);
    let peer = Progress::begin(url.host(), Duration::from_secs(10), until).at(([192, 0, 2, 1], 443).into());
    let server = async {
        let mut request = [0; 1_024];
        let _ = theirs.read(&mut request).await;
        let mut taken = 0;
        if theirs.write_all(head.as_bytes()).await.is_ok() {
            taken += head.len();
            while theirs.write_all(rest).await.is_ok() {
                taken += rest.len();
            }
        }
        taken
    };
    let fetching = async { exchange(stream, traffic, &peer, wanted).await.expect_err("too large") };
    futures_util::future::join(fetching, server).await.1
}

#[tokio::test]
async fn no_endless_reply_is_read_for_long() {
    for (head, rest, most) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "aaaaaaaa", 130 * 1_024),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "aaaaaaaa", 40 * 1_024),
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n", 40 * 1_024),
        ("HTTP/1.1 200 OK\r\nX: ", "yyyyyyyy", 40 * 1_024),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "a=b;", 130 * 1_024),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n", 130 * 1_024),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", 300 * 1_024),
        ("", "HTTP/1.1 100 Continue\r\n\r\n", 130 * 1_024),
    ] {
        let taken = octets_taken(head, rest.as_bytes()).await;
        assert!(taken <= most, "{taken} octets of {head:?} and {rest:?}");
    }
}

/// What time it is by a reply that begins so.
async fn dated(head: &str) -> Result<UnixTime, FetchError> {
    let (ours, mut theirs) = tokio::io::duplex(1_024);
    let url = PolicyUrl::parse("https://time.example/").expect("a URL");
    let wanted = wanted(&url);
    let until = Instant::now() + Duration::from_secs(10);
    let peer = Progress::begin(url.host(), Duration::from_secs(10), until).at(([192, 0, 2, 1], 443).into());
    let server = async {
        let _ = theirs.read(&mut [0; 1_024]).await;
        let _ = theirs.write_all(head.as_bytes()).await;
    };
    let asking = date(ours, Arc::new(Traffic::default()), &peer, wanted);
    futures_util::future::join(asking, server).await.0
}

#[tokio::test]
async fn the_time_is_in_the_head_of_any_reply_exactly_once() {
    let line = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for status in ["200 OK", "301 Moved", "404 Not Found", "503 Busy"] {
        let told = dated(&format!("HTTP/1.1 {status}\r\n{line}Content-Length: 9999999\r\n\r\n")).await;
        assert_eq!(told, Ok(UnixTime(784_111_777)), "{status}");
    }
    for lines in ["", &format!("{line}{line}"), "Date: soon\r\n"] {
        let told = dated(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).await;
        assert!(matches!(told, Err(FetchError::Malformed { .. })), "{lines:?}: {told:?}");
    }
}

proptest! {
    #[test]
    fn every_address_of_a_policy_fits_into_a_request(path in "/[ -~]{0,40}|/([a-z/?:@!$&'()*+,;=._~-]|%[0-9a-f]{2}){0,80}") {
        let host = PolicyDomain::parse("policy.example").expect("a name");
        if let Ok(url) = PolicyUrl::new(host, &path) {
            let request = get(wanted(&url)).expect("a request");
            prop_assert_eq!(request.uri().to_string(), path);
            prop_assert_eq!(&request.headers()[header::HOST], "policy.example");
        }
    }
}
