//! The names of mail, and the only place that decides what is one.
//!
//! A name that got through here is made of A-labels in lower case without a final dot, and is neither an address nor
//! an option. It refuses everything else with the reason, before a packet is sent (RFC 5321 section 2.3.5,
//! RFC 5890, RFC 1123 section 2.1).

use crate::limits::MAX_ARGUMENT_OCTETS;
use crate::text::excerpt;
use hickory_proto::rr::Name;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The domain behind the `@` whose policy is asked for (RFC 8461 section 1.1, "Policy Domain").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyDomain(String);

/// A host that takes a domain's mail, as an MX record or Exim's `$host` names it.
///
/// Unlike a [`PolicyDomain`] it may hold underscores: such MX hosts exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MxHost(String);

/// What the right side of a mail address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A domain, which may have a policy.
    Domain(PolicyDomain),
    /// An address such as `[192.0.2.1]` (RFC 5321 section 4.1.3), which has none.
    AddressLiteral,
}

/// Why something is not a name; shows a safe excerpt of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName {
    shown: String,
    why: &'static str,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' {}", self.shown, self.why)
    }
}

impl std::error::Error for BadName {}

impl Destination {
    /// Reads the domain that Exim or an operator gave.
    ///
    /// # Errors
    /// [`BadName`] if it is neither a mail domain nor an address.
    pub fn parse(argument: &OsStr) -> Result<Self, BadName> {
        let text = bounded(argument)?;
        if is_address_literal(text) {
            return Ok(Self::AddressLiteral);
        }
        domain(text).map(Self::Domain)
    }
}

impl PolicyDomain {
    /// Reads a domain; an address is none.
    ///
    /// # Errors
    /// [`BadName`] with the reason.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        if is_address_literal(text) {
            return Err(bad(text, "is an address, not a mail domain"));
        }
        domain(text)
    }

    /// The name as A-labels in lower case, without a final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name for the DNS.
    #[must_use]
    pub fn to_dns(&self) -> Name {
        to_dns(&self.0)
    }

    /// A name below this domain, such as `_smtp_sts.` of it; `None` if it would be too long for the DNS.
    #[must_use]
    pub fn below(&self, label: &str) -> Option<Name> {
        self.to_dns().prepend_label(label).ok()
    }
}

impl MxHost {
    /// Reads a host from the command line.
    ///
    /// # Errors
    /// [`BadName`] with the reason; an address is no MX host (RFC 5321 section 5.1).
    pub fn parse(argument: &OsStr) -> Result<Self, BadName> {
        Self::from_text(bounded(argument)?)
    }

    /// Reads a host from text, such as a row of the cache.
    ///
    /// # Errors
    /// [`BadName`] with the reason.
    pub fn from_text(text: &str) -> Result<Self, BadName> {
        let trimmed = text.strip_suffix('.').unwrap_or(text);
        if is_address_literal(trimmed) {
            return Err(bad(text, "is an address, not the name of an MX host"));
        }
        if trimmed.is_ascii() && trimmed.contains('_') {
            let lower = trimmed.to_ascii_lowercase();
            return if is_host_name(&lower) { Ok(Self(lower)) } else { Err(bad(text, NOT_A_NAME)) };
        }
        to_a_labels(trimmed).map(Self).ok_or_else(|| bad(text, NOT_A_NAME))
    }

    /// Takes the target of an MX record; `None` if it is not the name of a host (or is the root: null MX, RFC 7505).
    #[must_use]
    pub fn from_dns(name: &Name) -> Option<Self> {
        Self::from_text(&name.to_ascii()).ok()
    }

    /// The name as A-labels in lower case, without a final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name for the DNS.
    #[must_use]
    pub fn to_dns(&self) -> Name {
        to_dns(&self.0)
    }
}

impl From<&PolicyDomain> for MxHost {
    /// The implicit MX of a domain without MX records (RFC 5321 section 5.1).
    fn from(domain: &PolicyDomain) -> Self {
        Self(domain.0.clone())
    }
}

impl fmt::Display for PolicyDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MxHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const NOT_A_NAME: &str = "is not a host or domain name: it may hold letters, digits, '-' and '.', \
                          in labels of 1 to 63 characters, 253 together";

fn bad(text: &str, why: &'static str) -> BadName {
    BadName { shown: excerpt(text, 64), why }
}

fn bounded(argument: &OsStr) -> Result<&str, BadName> {
    if argument.len() > MAX_ARGUMENT_OCTETS {
        let start = argument.as_encoded_bytes().get(..64).unwrap_or_default();
        let shown =
            format!("{}... ({} octets)", excerpt(&String::from_utf8_lossy(start), 64), argument.len());
        return Err(BadName { shown, why: "is longer than any name can be" });
    }
    argument.to_str().ok_or_else(|| bad(&argument.to_string_lossy(), "is not UTF-8"))
}

fn domain(text: &str) -> Result<PolicyDomain, BadName> {
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    to_a_labels(trimmed).map(PolicyDomain).ok_or_else(|| bad(text, NOT_A_NAME))
}

/// UTS 46 with the rules for host names; `None` for everything that is not one.
fn to_a_labels(text: &str) -> Option<String> {
    if text.chars().any(is_invisible) {
        return None;
    }
    let ascii = Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    is_host_name(&ascii).then(|| ascii.into_owned())
}

/// What UTS 46 maps to nothing: two names that look alike must not become the same one unseen.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Labels of `[a-z0-9_-]`, 1 to 63 octets each and 253 together, no hyphen at either end of a label, and an end that
/// no resolver takes for a number (RFC 1123 section 2.1).
fn is_host_name(text: &str) -> bool {
    let label_is_good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label_is_good) && !ends_in_a_number(text)
}

/// `[...]`, and what old resolvers take for an IPv4 address: `192.0.2.1`, `127.1`, `0x7f.1` (RFC 5321 section 4.1.3).
fn is_address_literal(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let (tag, v6) = inner.split_at_checked(5).unwrap_or_default();
        return inner.parse::<IpAddr>().is_ok()
            || (tag.eq_ignore_ascii_case("ipv6:") && v6.parse::<Ipv6Addr>().is_ok());
    }
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    let numeric = |label: &str| match label.strip_prefix("0x").or_else(|| label.strip_prefix("0X")) {
        Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()),
    };
    text.parse::<IpAddr>().is_ok() || (!trimmed.is_empty() && trimmed.split('.').all(numeric))
}

fn ends_in_a_number(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    last.bytes().all(|b| b.is_ascii_digit())
}

fn to_dns(text: &str) -> Name {
    // Cannot fail for what `is_host_name` accepted; the root is a name that has no policy, no MX and no mail.
    let mut name = Name::from_ascii(text).unwrap_or_else(|_| Name::root());
    name.set_fqdn(true);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> String {
        match Destination::parse(OsStr::new(text)) {
            Ok(Destination::Domain(domain)) => domain.to_string(),
            Ok(Destination::AddressLiteral) => "(address)".into(),
            Err(_) => "(bad)".into(),
        }
    }

    #[test]
    fn domains_become_a_labels_in_lower_case() {
        for (given, expected) in [
            ("example.org", "example.org"),
            ("Example.ORG.", "example.org"),
            ("bücher.test", "xn--bcher-kva.test"),
            ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
            ("example。org", "example.org"),
            ("faß.test", "xn--fa-hia.test"),
            ("localhost", "localhost"),
            ("1.example", "1.example"),
        ] {
            assert_eq!(parsed(given), expected, "{given}");
        }
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        let long_label = format!("{}.test", "a".repeat(64));
        let long_name = format!("{}test", "a.".repeat(126));
        for given in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "-a",
            "-d",
            "--domain",
            "@file",
            "a-",
            "-a.test",
            "a-.test",
            "_x.test",
            "x_y.test",
            "a\nb",
            "a\tb",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{202e}b",
            "\u{feff}a",
            "a\"b",
            "a'b",
            "$a",
            "{a}",
            "a\\b",
            "a;b",
            "a%b",
            "`id`",
            "a,b",
            "a/b",
            "a:b",
            "xn--example-.org",
            "xn--a.test",
            "a.1",
            "[a]",
            "[",
            "[::1",
            "[1.2.3.4]x",
            "example.org..",
            &long_label,
            &long_name,
        ] {
            assert_eq!(parsed(given), "(bad)", "{given:?}");
        }
    }

    #[test]
    fn addresses_have_no_policy() {
        for given in [
            "[192.0.2.1]",
            "192.0.2.1",
            "[IPv6:2001:db8::1]",
            "[ipv6:::1]",
            "2001:db8::1",
            "0x7f.1",
            "127.1",
            "[::1]",
            "1",
        ] {
            assert_eq!(parsed(given), "(address)", "{given}");
        }
    }

    #[test]
    fn hosts_may_hold_underscores_but_nothing_stranger() {
        assert_eq!(MxHost::from_text("Mail_1.Example.org.").unwrap().as_str(), "mail_1.example.org");
        for given in ["", ".", "-D.test", "x -D.test", "a\nb.test", "192.0.2.1", "[192.0.2.1]", "a..b"] {
            assert!(MxHost::from_text(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn a_mebibyte_is_refused_unread_and_shown_short() {
        let error = Destination::parse(OsStr::new(&"a".repeat(1 << 20))).unwrap_err().to_string();
        assert!(error.contains("(1048576 octets)") && error.len() < 200, "{error}");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_name_is_safe_and_stable(text in "\\PC{0,80}|[a-z0-9._-]{0,300}") {
            if let Ok(Destination::Domain(domain)) = Destination::parse(OsStr::new(&text)) {
                prop_assert!(domain.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-'));
                prop_assert_eq!(parsed(domain.as_str()), domain.to_string());
                prop_assert_eq!(MxHost::from_dns(&domain.to_dns()).map(|h| h.to_string()), Some(domain.to_string()));
            }
        }
    }
}
