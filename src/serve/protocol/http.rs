//! HTTP: which page a request wants, or why it gets none; and what every reply carries. Pure.
//!
//! Pages are read from this machine only, and only read. A browser on this machine is the one dangerous client: a page of
//! a stranger's may send it here under a name that resolves to 127.0.0.1 (DNS rebinding), and then it could read ours. So
//! a request has to name a loopback address or `localhost` (RFC 9110 section 7.4). Nothing of a request is ever echoed.

use std::net::IpAddr;

/// What there is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/`: for people.
    Status,
    /// `/metrics`: for Prometheus.
    Metrics,
    /// `/healthz`: whether the daemon lives.
    Healthz,
    /// `/readyz`: whether it can do its work.
    Readyz,
}

/// What of a request's head matters here.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Its method.
    pub method: &'a str,
    /// The path of its target, without the query.
    pub path: &'a str,
    /// The authority of its target, which counts instead of the Host field if there is one (RFC 9112 section 3.2.2).
    pub authority: Option<&'a str>,
    /// Its Host fields; `None` for one that is not ASCII.
    pub hosts: &'a [Option<&'a str>],
}

/// Why a request gets no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No Host field, or several (RFC 9112 section 3.2).
    NoHost,
    /// There is no such page.
    NotFound,
    /// Pages are read, and nothing else is done to them.
    NotAllowed,
    /// It names a host that is not this one.
    Misdirected,
}

impl Refusal {
    /// The status code (RFC 9110 section 15.5).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NoHost => 400,
            Self::NotFound => 404,
            Self::NotAllowed => 405,
            Self::Misdirected => 421,
        }
    }

    /// What the peer is told.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoHost => "A request names its host once.\n",
            Self::NotFound => "There are /, /metrics, /healthz and /readyz.\n",
            Self::NotAllowed => "Pages are read with GET or HEAD, and nothing can be changed here.\n",
            Self::Misdirected => "Ask by a loopback address or as localhost.\n",
        }
    }
}

/// The methods of [`Refusal::NotAllowed`]'s Allow field (RFC 9110 section 10.2.1).
pub const ALLOWED: &str = "GET, HEAD";

/// Fields of every reply beside `Content-Type` and `Content-Security-Policy`: nobody embeds a page, guesses its type,
/// keeps it, or learns from it where somebody came from.
pub const ALWAYS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// What is sent back, but for what HTTP itself adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The media type of the body.
    pub media_type: &'static str,
    /// What a browser may load for the page (Content Security Policy Level 3).
    pub content_security_policy: String,
    /// The body.
    pub body: String,
}

impl Reply {
    /// A few words.
    #[must_use]
    pub fn words(status: u16, words: impl Into<String>) -> Self {
        Self {
            status,
            media_type: "text/plain; charset=utf-8",
            content_security_policy: "default-src 'none'; frame-ancestors 'none'".to_owned(),
            body: words.into(),
        }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        Self::words(refusal.status(), refusal.words())
    }
}

/// The page that a request wants.
///
/// # Errors
/// [`Refusal`]; whoever names another host is told nothing else.
pub fn wanted(head: &Head<'_>) -> Result<Page, Refusal> {
    let host = match (head.authority, head.hosts) {
        (Some(authority), _) => Some(authority),
        (None, [host]) => *host,
        (None, _) => return Err(Refusal::NoHost),
    };
    if !host.is_some_and(is_this_machine) {
        return Err(Refusal::Misdirected);
    }
    let page = match head.path {
        "/" => Page::Status,
        "/metrics" => Page::Metrics,
        "/healthz" => Page::Healthz,
        "/readyz" => Page::Readyz,
        _ => return Err(Refusal::NotFound),
    };
    if matches!(head.method, "GET" | "HEAD") { Ok(page) } else { Err(Refusal::NotAllowed) }
}

/// Whether `HOST[:PORT]` is a loopback address or `localhost`; at whatever port, since a tunnel may have another one.
fn is_this_machine(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port =
        |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|octet| octet.is_ascii_digit());
    let address = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(bare) => bare.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    };
    port.is_none_or(is_port)
        && (host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
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
}
