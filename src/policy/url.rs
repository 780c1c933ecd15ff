//! Where a policy may be fetched: HTTPS, a host of the DNS, a path, and nothing else.

use crate::name::PolicyDomain;
use std::fmt;

/// Octets of a path with its query; no policy needs more (RFC 9110 section 4.1 asks for 8,000 to be supported).
const MAX_PATH_OCTETS: usize = 1_024;

/// An `https:` URL without user, port and fragment: no other one is ever fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyUrl {
    host: PolicyDomain,
    path: String,
}

/// Why something is no policy URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadUrl {
    /// The host is not a name, or there is a user or a port beside it.
    Host,
    /// The path does not begin with `/`, is too long, or holds what RFC 3986 does not allow there.
    Path,
    /// The scheme is not `https`.
    Scheme,
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host of the URL must be a name, without user and port",
            Self::Path => "the path of the URL must begin with '/' and hold only what RFC 3986 allows",
            Self::Scheme => "the URL must begin with https://",
        })
    }
}

impl std::error::Error for BadUrl {}

impl PolicyUrl {
    /// The URL of `path` (with a query, if it has one) at `host`.
    ///
    /// # Errors
    /// [`BadUrl::Path`].
    pub fn new(host: &PolicyDomain, path: &str) -> Result<Self, BadUrl> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%?".contains(&b);
        let good = path.starts_with('/') && path.len() <= MAX_PATH_OCTETS && path.bytes().all(allowed);
        if good { Ok(Self { host: host.clone(), path: path.to_owned() }) } else { Err(BadUrl::Path) }
    }

    /// Reads an absolute URL.
    ///
    /// # Errors
    /// [`BadUrl`] says which part is wrong.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(BadUrl::Scheme)?;
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(BadUrl::Scheme);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at_checked(end).ok_or(BadUrl::Host)?;
        let host = PolicyDomain::parse(host).map_err(|_| BadUrl::Host)?;
        Self::new(&host, if path.is_empty() { "/" } else { path })
    }

    /// The host: the name that is looked up, sent as SNI, and looked for in the certificate.
    #[must_use]
    pub const fn host(&self) -> &PolicyDomain {
        &self.host
    }

    /// The path with its query, as it is sent.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for PolicyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_https_url_is_host_and_path() {
        let url = PolicyUrl::parse("HTTPS://Example.COM/.well-known/x?y=1").unwrap();
        assert_eq!(url.to_string(), "https://example.com/.well-known/x?y=1");
        assert_eq!(PolicyUrl::parse("https://example.com").unwrap().path(), "/");
    }

    #[test]
    fn everything_else_is_refused_by_its_part() {
        for (url, part) in [
            ("http://example.com/x", BadUrl::Scheme),
            ("example.com/x", BadUrl::Scheme),
            ("https://user@example.com/", BadUrl::Host),
            ("https://example.com:8443/", BadUrl::Host),
            ("https://127.0.0.1/", BadUrl::Host),
            ("https:///x", BadUrl::Host),
            ("https://example.com/a b", BadUrl::Path),
            ("https://example.com/a\r\nHost: b", BadUrl::Path),
            ("https://example.com/#x", BadUrl::Path),
            ("https://example.com?x", BadUrl::Path),
        ] {
            assert_eq!(PolicyUrl::parse(url), Err(part), "{url:?}");
        }
    }
}
