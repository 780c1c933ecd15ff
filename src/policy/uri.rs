//! Where reports go: URIs, by the grammar of RFC 3986.

use std::net::Ipv6Addr;

/// A URI in its parts (RFC 3986 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uri<'a> {
    /// Before the first colon.
    pub(super) scheme: &'a str,
    /// The host in the authority, without user and port; `None` without an authority.
    pub(super) host: Option<&'a str>,
    /// Between these and a `?` or `#`.
    pub(super) path: &'a str,
}

impl<'a> Uri<'a> {
    /// Takes a URI apart; `None` for what is none.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':').filter(|_| has_scheme(text))?;
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(host(authority)?), path)
            }
        };
        let fits = consists_of(path, b":@/") && consists_of(query, b":@/?") && consists_of(fragment, b":@/?");
        fits.then_some(Self { scheme, host, path })
    }
}

/// Whether it begins with a scheme and a colon (RFC 3986 section 3.1).
pub(super) fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

/// The host of `[ userinfo "@" ] host [ ":" port ]` (RFC 3986 section 3.2).
fn host(authority: &str) -> Option<&str> {
    let (user, rest) = authority.split_once('@').unwrap_or(("", authority));
    let (host, after, fits) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            (address, after, address.parse::<Ipv6Addr>().is_ok())
        }
        None => {
            let (name, after) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
            (name, after, consists_of(name, b""))
        }
    };
    let port = after.strip_prefix(':').unwrap_or(after);
    (fits && consists_of(user, b":") && port.bytes().all(|b| b.is_ascii_digit())).then_some(host)
}

/// Whether it consists of unreserved characters, delimiters below the grammar's (RFC 3986 section 2.2), complete
/// percent-encodings and of `more`.
pub(super) fn consists_of(text: &str, more: &[u8]) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let fits = match octet {
            b'%' => {
                octets.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && octets.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            b'-' | b'.' | b'_' | b'~' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => true,
            _ => octet.is_ascii_alphanumeric() || more.contains(&octet),
        };
        if !fits {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_a_scheme_a_host_perhaps_and_a_path() {
        for (text, scheme, host, path) in [
            ("mailto:a@b.example?subject=x", "mailto", None, "a@b.example"),
            ("https://r.example/v1/tlsrpt?x=1/2?#f", "https", Some("r.example"), "/v1/tlsrpt"),
            ("HTTPS://u:p@r.example:8443", "HTTPS", Some("r.example"), ""),
            ("https://[2001:db8::1]:443/", "https", Some("2001:db8::1"), "/"),
            ("https:///x", "https", Some(""), "/x"),
            ("a+b-c.1:", "a+b-c.1", None, ""),
            ("x:%2C%3b", "x", None, "%2C%3b"),
        ] {
            assert_eq!(Uri::parse(text), Some(Uri { scheme, host, path }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "a",
            ":x",
            "1a:x",
            "a b:x",
            "é:x",
            "x:%",
            "x:%4",
            "x:%zz",
            "x:a b",
            "x:\"",
            "x:<a>",
            "x:[",
            "x:#a#b",
            "x://a@b@c/",
            "x://a:b:c/",
            "x://h:p/",
            "x://[::1/",
            "x://[1.2.3.4]/",
            "x://[::1]a/",
            "x:é",
        ] {
            assert_eq!(Uri::parse(text), None, "{text}");
        }
    }
}
