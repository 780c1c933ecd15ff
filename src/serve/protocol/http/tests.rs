use super::*;
use proptest::prelude::*;

fn get(path: &str, host: &str) -> Result<Page, Refusal> {
    wanted(&Head { method: "GET", path, authority: None, hosts: &[Some(host)] })
}

#[test]
fn there_are_four_pages_and_nothing_else() {
    for (path, expected) in [
        ("/", Ok(Page::Status)),
        ("/metrics", Ok(Page::Metrics)),
        ("/healthz", Ok(Page::Healthz)),
        ("/readyz", Ok(Page::Readyz)),
        ("", Err(Refusal::NotFound)),
        ("*", Err(Refusal::NotFound)),
        ("/metrics/", Err(Refusal::NotFound)),
        ("//metrics", Err(Refusal::NotFound)),
        ("/Metrics", Err(Refusal::NotFound)),
        ("/../metrics", Err(Refusal::NotFound)),
        ("/favicon.ico", Err(Refusal::NotFound)),
    ] {
        assert_eq!(get(path, "localhost"), expected, "{path}");
    }
}

#[test]
fn pages_are_only_read() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PURGE", ""] {
        let head = Head { method, path: "/metrics", authority: None, hosts: &[Some("localhost")] };
        assert_eq!(wanted(&head), Err(Refusal::NotAllowed), "{method}");
    }
    let head = Head { method: "HEAD", path: "/", authority: None, hosts: &[Some("localhost")] };
    assert_eq!(wanted(&head), Ok(Page::Status));
}

#[test]
fn a_request_names_this_machine() {
    for host in
        ["localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:8462", "127.5.6.7:1", "[::1]", "[::1]:8462"]
    {
        assert_eq!(get("/metrics", host), Ok(Page::Metrics), "{host}");
    }
    for host in [
        "",
        ":80",
        "evil.example",
        "127.0.0.1.evil.example:8462",
        "localhost.evil.example",
        "evil.localhost",
        "0.0.0.0",
        "192.0.2.1:8462",
        "127.1",
        "2130706433",
        "0x7f.1",
        "::1",
        "[::1",
        "[::ffff:127.0.0.1]",
        "[::]",
        "[127.0.0.1]",
        "127.0.0.1:",
        "127.0.0.1:+80",
        "127.0.0.1:65536",
        "localhost:80:80",
        "user@127.0.0.1",
        "127.0.0.1 evil.example",
        "localhost,evil.example",
    ] {
        assert_eq!(get("/metrics", host), Err(Refusal::Misdirected), "{host}");
    }
}

#[test]
fn a_request_names_one_host_and_the_target_goes_before_the_field() {
    let head = |authority, hosts| wanted(&Head { method: "GET", path: "/", authority, hosts });
    assert_eq!(head(None, &[]), Err(Refusal::NoHost));
    assert_eq!(head(None, &[Some("localhost"), Some("localhost")]), Err(Refusal::NoHost));
    assert_eq!(head(None, &[None]), Err(Refusal::Misdirected));
    assert_eq!(head(Some("evil.example"), &[Some("localhost")]), Err(Refusal::Misdirected));
    assert_eq!(head(Some("127.0.0.1:8462"), &[Some("127.0.0.1:8462")]), Ok(Page::Status));
}

/// Whoever asks for another host learns nothing about what there is.
#[test]
fn another_host_is_refused_before_anything_else() {
    for (method, path) in [("POST", "/metrics"), ("GET", "/nothing")] {
        let head = Head { method, path, authority: None, hosts: &[Some("evil.example")] };
        assert_eq!(wanted(&head), Err(Refusal::Misdirected));
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_a_page_is_read_by_a_loopback_name_alone(method in "\\PC{0,8}|GET", path in "\\PC{0,20}|/", host in "\\PC{0,20}|[0-9.:\\[\\]]{0,20}|localhost") {
        let head = Head { method: &method, path: &path, authority: None, hosts: &[Some(&host)] };
        if wanted(&head).is_ok() {
            let bare = host.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(host.as_str(), |(bare, _)| bare);
            let lower = bare.to_ascii_lowercase();
            prop_assert!(lower == "localhost" || bare == "[::1]" || bare.starts_with("127.") || bare.starts_with("[0"), "{}", host);
            prop_assert!(matches!(method.as_str(), "GET" | "HEAD"));
        }
    }
}
