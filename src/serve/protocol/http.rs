//! HTTP: which page a request wants, or why it gets none; and what every reply carries. Pure.
//!
//! Pages are read from this machine only, and only read. A browser on this machine is the one dangerous client: a page of
//! a stranger's may send it here under a name that resolves to 127.0.0.1 (DNS rebinding), and then it could read ours. So
//! a request has to name a loopback address or `localhost` (RFC 9110 section 7.4). Nothing of a request is ever echoed.

use crate::words::words;
use std::net::IpAddr;

words! {
    /// What there is to be read.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Page {
        /// `/`: for people.
        Status = "status",
        /// `/metrics`: for Prometheus.
        Metrics = "metrics",
        /// `/healthz`: whether the daemon lives.
        Healthz = "healthz",
        /// `/readyz`: whether it can do its work.
        Readyz = "readyz",
    }
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

words! {
    /// Why a request gets no page.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Refusal {
        /// No Host field, or several (RFC 9112 section 3.2).
        NoHost = "no-host",
        /// There is no such page.
        NotFound = "not-found",
        /// Pages are read, and nothing else is done to them.
        NotAllowed = "not-allowed",
        /// It names a host that is not this one.
        Misdirected = "misdirected",
    }
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
mod tests;
