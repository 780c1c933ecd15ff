//! What a policy host learns from us: one request, and nothing about the machine that sends it.

use super::site::{
    Act, Authority, HOST, Hello, Names, Site, TEXT, fetch_with, host_params, policy_with, settings, url,
};
use smtp_sts_verify::https::{Fetch as _, FetchError, HttpsFetcher, MediaType};
use smtp_sts_verify::journal::Journal;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

async fn fetch_over(alpn: &[&str]) -> (Site, Result<Vec<u8>, FetchError>) {
    fetch_over_with(alpn, policy_with("")).await
}

async fn fetch_over_with(alpn: &[&str], script: Vec<Act>) -> (Site, Result<Vec<u8>, FetchError>) {
    let authority = Authority::new();
    let site = Site::serve_with_alpn(authority.issue(&host_params()), script, alpn).await;
    let fetched =
        fetch_with(&Names::at(site.address.ip()), settings(&site, authority.roots()), MediaType::Any).await;
    (site, fetched)
}

#[tokio::test]
async fn the_request_has_five_header_fields_and_no_more() {
    let (site, fetched) = fetch_over(&["http/1.1"]).await;
    assert_eq!(fetched.unwrap(), TEXT);
    let port = site.address.port();
    let expected = format!(
        "GET /.well-known/smtp-sts/current HTTP/1.1\r\n\
         host: {HOST}:{port}\r\n\
         user-agent: smtp-sts-verify\r\n\
         accept: text/plain\r\n\
         accept-encoding: identity\r\n\
         connection: close\r\n\r\n"
    );
    assert_eq!(site.requests(), [expected]);
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn http_1_1_alone_is_offered_to_the_named_host() {
    let (site, fetched) = fetch_over(&["h2", "http/1.1"]).await;
    assert!(fetched.is_ok());
    assert_eq!(site.hellos(), [Hello { server_name: Some(HOST.into()), alpn: vec!["http/1.1".into()] }]);
}

#[tokio::test]
async fn a_server_that_knows_no_alpn_is_spoken_to_in_http_1_1() {
    assert!(fetch_over(&[]).await.1.is_ok());
}

#[tokio::test]
async fn a_server_that_speaks_http_2_alone_has_no_policy() {
    let (site, fetched) = fetch_over(&["h2"]).await;
    assert!(matches!(&fetched, Err(FetchError::Tls { why, .. }) if why.contains("HTTP/2")), "{fetched:?}");
    assert_eq!(site.requests(), Vec::<String>::new());
}

/// A server of HTTP/2 that does not look at ALPN begins with a SETTINGS frame (RFC 9113 sections 3.4 and 6.5).
#[tokio::test]
async fn a_server_that_speaks_http_2_unasked_is_called_so() {
    let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
    let (_, fetched) = fetch_over_with(&[], vec![Act::Send(settings.to_vec()), Act::Close]).await;
    let told = fetched.expect_err("no HTTP/1.1").to_string();
    assert!(told.ends_with("sent no usable HTTP/1.1 reply: it speaks HTTP/2 alone"), "{told}");
}

#[tokio::test]
async fn a_journal_tells_the_steps_of_a_fetch_up_to_the_one_that_failed() {
    let authority = Authority::new();
    for (roots, steps) in [(authority.roots(), 5), (Authority::new().roots(), 4)] {
        let site =
            Site::serve_with_alpn(authority.issue(&host_params()), policy_with(""), &["http/1.1"]).await;
        let began = Instant::now();
        let journal = Journal::since(began);
        let names = journal.watch(Names::at(site.address.ip()));
        let fetcher = HttpsFetcher::new(&names, settings(&site, roots), began + Duration::from_secs(10));
        let fetched = fetcher.noted_in(&journal).fetch(&url(), MediaType::Any).await;
        assert_eq!(fetched.is_ok(), steps == 5, "{fetched:?}");
        let timeline = journal.timeline();
        let told: Vec<_> = timeline.steps.iter().map(|step| step.what.clone()).collect();
        let all = [
            format!("{HOST}. AAAA"),
            format!("{HOST}. A"),
            format!("connect to {}", site.address),
            format!("TLS with {HOST}"),
            format!("GET {}", url()),
        ];
        assert_eq!(told, all[..steps]);
        assert!(timeline.steps.iter().all(|step| step.to.is_some()), "{timeline:?}");
        assert_eq!(timeline.critical_path().last().unwrap().what, all[steps - 1]);
    }
}

#[test]
fn nothing_in_the_environment_changes_the_fetch() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let nowhere = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "https::requests::the_request_has_five_header_fields_and_no_more"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &url);
    }
    let key_log = nowhere.path().join("keys");
    child
        .env("SSLKEYLOGFILE", &key_log)
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", nowhere.path());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert!(proxy.accept().is_err(), "the proxy was asked");
    assert!(!key_log.exists(), "TLS keys were written");
}
