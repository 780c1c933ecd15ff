//! Where a policy is fetched: `https://`, a name, a path, and nothing else.

use super::uri::consists_of;
use crate::limits::MAX_URL_PATH_OCTETS;
use crate::name::PolicyDomain;
use crate::text::excerpt;
use std::fmt;

/// The address of a policy: the scheme is always `https`, the port is not the publisher's to choose.
///
/// A value of this type is safe to put into a request line: its path is absolute, printable and bounded
/// (RFC 9112 section 3.2.1, `origin-form`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyUrl {
    host: PolicyDomain,
    path: String,
}

/// Why a text is not the address of a policy; shows a safe excerpt of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadUrl {
    shown: String,
    why: &'static str,
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' {}", self.shown, self.why)
    }
}

impl std::error::Error for BadUrl {}

impl PolicyUrl {
    /// Joins a host that is known already with a path, which begins with `/` and may hold a query.
    ///
    /// # Errors
    /// [`BadUrl`] if the path is not one of RFC 3986 sections 3.3 and 3.4, or too long.
    pub fn new(host: PolicyDomain, path: &str) -> Result<Self, BadUrl> {
        let bad = |why| BadUrl { shown: excerpt(path, 64), why };
        if !path.starts_with('/') {
            return Err(bad("is no path: it does not begin with '/'"));
        }
        if path.len() > MAX_URL_PATH_OCTETS {
            return Err(bad("is too long for the path of a policy"));
        }
        // `pchar`, `/` and `?`; a fragment is none.
        if !consists_of(path, b"/?:@") {
            return Err(bad("holds what no path may hold unencoded (RFC 3986 section 3.3)"));
        }
        Ok(Self { host, path: path.to_owned() })
    }

    /// Reads an absolute URI: `https://HOST/PATH`, with `:443` allowed and ignored; no user, other port or fragment.
    ///
    /// # Errors
    /// [`BadUrl`] with the part that does not fit.
    pub fn parse(uri: &str) -> Result<Self, BadUrl> {
        let bad = |why| BadUrl { shown: excerpt(uri, 64), why };
        let (scheme, rest) = uri.split_once("://").ok_or_else(|| bad("is no absolute URI"))?;
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(bad("is not an https URI"));
        }
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, "/"),
        };
        let host = authority.strip_suffix(":443").unwrap_or(authority);
        let host = PolicyDomain::parse(host).ok().filter(PolicyDomain::is_textbook).ok_or_else(|| {
            bad("has an authority that is not a host name alone (no user, no port but 443)")
        })?;
        if path.starts_with('?') { Self::new(host, &format!("/{path}")) } else { Self::new(host, path) }
    }

    /// The host that is asked, and whose certificate has to be shown.
    #[must_use]
    pub const fn host(&self) -> &PolicyDomain {
        &self.host
    }

    /// The absolute path and the query, as the request line carries them.
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
    fn an_https_uri_is_a_host_and_a_path() {
        for (given, expected) in [
            (
                "https://example.com/.well-known/smtp-sts/current",
                "https://example.com/.well-known/smtp-sts/current",
            ),
            ("HTTPS://Example.COM./p?a=b/c?", "https://example.com/p?a=b/c?"),
            ("https://example.com:443/%2e%2F", "https://example.com/%2e%2F"),
            ("https://example.com", "https://example.com/"),
            ("https://example.com?q", "https://example.com/?q"),
            ("https://bücher.test/", "https://xn--bcher-kva.test/"),
        ] {
            assert_eq!(PolicyUrl::parse(given).expect(given).to_string(), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL_PATH_OCTETS));
        for given in [
            "",
            "https:",
            "https:///p",
            "https:/example.com/p",
            "http://example.com/p",
            "ftp://example.com/p",
            "//example.com/p",
            "example.com/p",
            "/p",
            "https://example.com:8443/p",
            "https://example.com:/p",
            "https://user@example.com/p",
            "https://user:443@example.com/p",
            "https://[::1]/p",
            "https://127.0.0.1/p",
            "https://127.1/p",
            "https://example.com\\@evil.test/p",
            "https://example.com/p#f",
            "https://example.com#f",
            "https://example.com/a b",
            "https://example.com/a\r\nHost: evil.test",
            "https://example.com/\u{7f}",
            "https://example.com/ü",
            "https://example.com/%",
            "https://example.com/%4",
            "https://example.com/%zz",
            "https://example.com/\"",
            "https://example.com/{}",
            &long,
        ] {
            assert!(PolicyUrl::parse(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_path_alone_must_be_absolute() {
        let host = || PolicyDomain::parse("example.com").expect("a name");
        assert_eq!(PolicyUrl::new(host(), "/p").expect("a path").to_string(), "https://example.com/p");
        for path in ["", "p", "?q", ".well-known/smtp-sts/current", "/a\0"] {
            assert!(PolicyUrl::new(host(), path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_with_the_address() {
        assert_eq!(PolicyUrl::parse("/p").unwrap_err().to_string(), "'/p' is no absolute URI");
    }
}
