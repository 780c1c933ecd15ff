//! What a mail host calls itself in its reply to EHLO (`receiving-mx-helo` of RFC 8460 section 4.4). Pure.

use crate::limits::MAX_HELO_OCTETS;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A name, or an address in brackets, as the host spelled it: letters, digits, hyphens, underscores, dots; inert wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Helo(Box<str>);

impl Helo {
    /// Finds it in a reply: the first word behind the code in the first line (RFC 5321 section 4.1.1.1). `None` where no name
    /// stands there.
    #[must_use]
    pub fn of_reply(reply: &str) -> Option<Self> {
        let line = reply.lines().next()?;
        let behind = line.strip_prefix("250")?;
        let behind = behind.strip_prefix('-').or_else(|| behind.strip_prefix(' '))?;
        Self::parse(behind.split([' ', '\t']).next()?)
    }

    /// The same, where the code may be missing.
    #[must_use]
    pub fn of_greeting(greeting: &str) -> Option<Self> {
        Self::of_reply(greeting).or_else(|| Self::parse(greeting.lines().next()?.split([' ', '\t']).next()?))
    }

    /// Reads a name of dots, letters, digits and hyphens, or an address literal.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if word.len() > MAX_HELO_OCTETS {
            return None;
        }
        let literal = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        let is_plausible = match literal {
            Some(literal) => {
                let of_six = literal.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
                match (of_six, literal.get(5..)) {
                    (Some(_), Some(address)) => address.parse::<Ipv6Addr>().is_ok(),
                    _ => literal.parse::<Ipv4Addr>().is_ok(),
                }
            }
            None => word.strip_suffix('.').unwrap_or(word).split('.').all(is_label),
        };
        is_plausible.then(|| Self(word.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    let is_within = (1..=63).contains(&label.len());
    let is_edged = label.starts_with('-') || label.ends_with('-');
    is_within
        && !is_edged
        && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

impl fmt::Display for Helo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_first_word_of_the_first_line_and_nothing_else() {
        for (reply, expected) in [
            ("250-mx.r.test Hello [192.0.2.1]\r\n250 STARTTLS", Some("mx.r.test")),
            ("250 MX1.R.test", Some("MX1.R.test")),
            ("250-mx.r.test.\n250 HELP", Some("mx.r.test.")),
            ("250-mx.r.test\tat your service", Some("mx.r.test")),
            ("250-mx.r.test Gr\u{fffd}\u{e9}tings \"quoted\"\r\n", Some("mx.r.test")),
            ("250-[192.0.2.25] hi", Some("[192.0.2.25]")),
            ("250-[IPv6:2001:db8::25]", Some("[IPv6:2001:db8::25]")),
            ("250-sink", Some("sink")),
            ("250-m\u{fffd}x.r.test", None),
            ("250-\"mx.r.test\"", None),
            ("250-mx..r.test", None),
            ("250--mx.r.test", None),
            ("250-[2001:db8::25]", None),
            ("250-<script>", None),
            ("250-", None),
            ("250", None),
            ("220 mx.r.test ESMTP", None),
            ("", None),
        ] {
            let found = Helo::of_reply(reply);
            assert_eq!(found.as_ref().map(Helo::as_str), expected, "{reply:?}");
        }
        let long = format!("250 {}", vec!["a".repeat(60); 5].join("."));
        assert_eq!(Helo::of_reply(&long), None);
        let most = vec!["a".repeat(50); 5].join(".");
        assert_eq!(most.len(), MAX_HELO_OCTETS - 1);
        assert!(Helo::parse(&most).is_some());
    }
}
