//! The names of mail, and the only place that decides what is one.
//!
//! A name that got through here is made of letters, digits, hyphens and underscores in lower case, without a final dot, in
//! lengths that the DNS can carry, and is neither an address nor an option. Whether it is a textbook host name (RFC 1123
//! section 2.1, RFC 5891) is nobody's business here: a mail server asks the DNS for what it was given, and so is this asked
//! about as it is. U-labels are asked about as the A-labels that a mail server would ask about (UTS 46, non-transitional: what
//! nobody sees is removed as it says, and joiners stay), and where these rules know none, as what Punycode makes of them (RFC
//! 3492).
//!
//! What the DNS cannot carry (RFC 1035 section 2.3.4: an empty label, more than 63 octets in one or 253 in all) can have no
//! policy. Everything else is refused with the reason, before a packet is sent.

use crate::limits::MAX_ARGUMENT_OCTETS;
use crate::text::excerpt;
use hickory_proto::rr::Name;
use idna::punycode;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The domain behind the `@` whose policy is asked for (RFC 8461 section 1.1, "Policy Domain").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyDomain(String);

/// A host that takes a domain's mail, as an MX record or Exim's `$host` names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MxHost(String);

/// What the right side of a mail address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A domain, which may have a policy.
    Domain(PolicyDomain),
    /// An address such as `[192.0.2.1]` (RFC 5321 section 4.1.3), which has none.
    AddressLiteral,
    /// A name that the DNS cannot carry, so that nobody can have published a policy for it; why. What becomes of its mail is
    /// for the mail server to say, which cannot find it either.
    Unpublishable(BadName),
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
        Self::from_text(bounded(argument)?)
    }

    /// Reads the domain that Postfix asks about.
    ///
    /// # Errors
    /// The same.
    pub fn from_text(text: &str) -> Result<Self, BadName> {
        if text.len() > MAX_ARGUMENT_OCTETS {
            return Err(too_long(text.as_bytes()));
        }
        if is_address_literal(text) {
            return Ok(Self::AddressLiteral);
        }
        Ok(match Spelled::read(text)? {
            // What is ASCII has been looked at.
            Spelled::Name(name) if !text.is_ascii() && is_address_literal(&name) => Self::AddressLiteral,
            Spelled::Name(name) => Self::Domain(PolicyDomain(name)),
            Spelled::Uncarried(why) => Self::Unpublishable(bad(text, why)),
        })
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
        carried(text).map(Self)
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

    /// Whether it is a host name by the book ([`MxHost::is_textbook`]).
    #[must_use]
    pub fn is_textbook(&self) -> bool {
        is_textbook(&self.0)
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
        if is_address_literal(text) {
            return Err(bad(text, "is an address, not the name of an MX host"));
        }
        carried(text).map(Self)
    }

    /// Takes the target of an MX record; `None` if no mail server would take it for the name of a host (or it is the root:
    /// null MX, RFC 7505). Exim and Postfix pass over one with a hyphen at an end of a label.
    #[must_use]
    pub fn from_dns(name: &Name) -> Option<Self> {
        let host = Self::from_text(&name.to_ascii()).ok()?;
        host.0.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-')).then_some(host)
    }

    /// Whether it is a host name by the book: what may stand in a policy (RFC 8461 section 3.2), and what certificates are
    /// made out to (RFC 1123 section 2.1, RFC 5891).
    #[must_use]
    pub fn is_textbook(&self) -> bool {
        is_textbook(&self.0)
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

const NOT_A_NAME: &str = "is not a host or domain name: it may hold letters, digits, '-', '_' and '.', and does not begin \
                          with '-'";
const TOO_LONG: &str = "is longer than a name in the DNS can be: 253 octets";
const LONG_LABEL: &str = "has a label that is longer than the DNS can carry: 63 octets";
const EMPTY_LABEL: &str = "has an empty label, which the DNS cannot carry";

fn bad(text: &str, why: &'static str) -> BadName {
    BadName { shown: excerpt(text, 64), why }
}

fn too_long(octets: &[u8]) -> BadName {
    let start = octets.get(..64).unwrap_or_default();
    let shown = format!("{}... ({} octets)", excerpt(&String::from_utf8_lossy(start), 64), octets.len());
    BadName { shown, why: "is longer than any name can be" }
}

fn bounded(argument: &OsStr) -> Result<&str, BadName> {
    if argument.len() > MAX_ARGUMENT_OCTETS {
        return Err(too_long(argument.as_encoded_bytes()));
    }
    argument.to_str().ok_or_else(|| bad(&argument.to_string_lossy(), "is not UTF-8"))
}

/// How a text reads as a name.
enum Spelled {
    /// A name that the DNS can carry, in lower case, without a final dot.
    Name(String),
    /// It cannot; why.
    Uncarried(&'static str),
}

impl Spelled {
    /// # Errors
    /// [`BadName`] for what is no attempt at a name: nothing at all, an option, characters that a shell, Exim or a terminal
    /// would react to, and what nobody sees.
    fn read(text: &str) -> Result<Self, BadName> {
        let read = if text.is_ascii() { Self::read_ascii(text) } else { Self::read_unicode(text) };
        read.ok_or_else(|| bad(text, NOT_A_NAME))
    }

    /// Names in ASCII, nearly all that is asked about, in one pass. `None` for what is no attempt at a name, as below.
    fn read_ascii(text: &str) -> Option<Self> {
        let trimmed = text.strip_suffix('.').unwrap_or(text);
        let (mut label, mut longest, mut has_empty) = (0_usize, 0_usize, false);
        for octet in trimmed.bytes() {
            match octet {
                b'.' => {
                    has_empty |= label == 0;
                    label = 0;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    label = label.saturating_add(1);
                    longest = longest.max(label);
                }
                _ => return None,
            }
        }
        has_empty |= label == 0;
        let is_none = longest == 0 || trimmed.starts_with('-');
        (!is_none).then(|| Self::carried(trimmed.to_ascii_lowercase(), has_empty, longest))
    }

    /// Any names. `None` for an option, for nothing but dots, and for what has characters that no name has.
    fn read_unicode(text: &str) -> Option<Self> {
        let seen = without_what_maps_to_nothing(text);
        let trimmed = seen.strip_suffix('.').unwrap_or(&seen);
        if trimmed.starts_with('-')
            || trimmed.chars().all(|c| c == '.')
            || trimmed.chars().any(|c| is_ignorable(c) || c.is_control() || c.is_whitespace())
        {
            return None;
        }
        let name = if trimmed.is_ascii() { trimmed.to_ascii_lowercase() } else { to_a_labels(trimmed) };
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return None;
        }
        let has_empty = name.split('.').any(str::is_empty);
        let longest = name.split('.').map(str::len).max().unwrap_or_default();
        Some(Self::carried(name, has_empty, longest))
    }

    /// What the DNS says of a name with an empty label or none, and of the length of its longest one.
    fn carried(name: String, has_empty: bool, longest: usize) -> Self {
        match () {
            () if has_empty => Self::Uncarried(EMPTY_LABEL),
            () if longest > 63 => Self::Uncarried(LONG_LABEL),
            () if name.len() > 253 => Self::Uncarried(TOO_LONG),
            () => Self::Name(name),
        }
    }
}

/// A name that the DNS can carry.
fn carried(text: &str) -> Result<String, BadName> {
    match Spelled::read(text)? {
        Spelled::Name(name) if is_address_literal(&name) => {
            Err(bad(text, "is another spelling of an address"))
        }
        Spelled::Name(name) => Ok(name),
        Spelled::Uncarried(why) => Err(bad(text, why)),
    }
}

/// UTS 46 as mail servers apply it: what a label may hold by IDNA2008 is not asked. Where it knows no A-labels for the whole,
/// each label for itself, and one that has none as Punycode spells it. What comes out may be too long for the DNS, or hold
/// characters that no name has.
fn to_a_labels(text: &str) -> String {
    let by_rule = |text: &str| {
        Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
            .ok()
            .map(|name| name.to_ascii_lowercase())
    };
    let alone = |label: &str| {
        let spelled = || punycode::encode_str(&label.to_lowercase()).map(|letters| format!("xn--{letters}"));
        // Nothing but a label beyond all lengths has no spelling; it stays as it is, and is no name.
        by_rule(label).or_else(spelled).unwrap_or_else(|| label.to_owned())
    };
    // RFC 3490 section 3.1: what people type for a dot.
    let is_dot = |c| matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
    by_rule(text).unwrap_or_else(|| {
        let labels = text.split(is_dot);
        let spelled =
            labels.map(|label| if label.is_ascii() { label.to_ascii_lowercase() } else { alone(label) });
        spelled.collect::<Vec<_>>().join(".")
    })
}

/// The text without the characters that UTS 46 maps to nothing, such as the soft hyphen and the variation selectors of emoji: a
/// mail server asks the DNS without them. A byte order mark is no part of a name, wherever it stands.
fn without_what_maps_to_nothing(text: &str) -> Cow<'_, str> {
    let maps_to_nothing = |c: char| {
        let amid = format!("a{c}b");
        let (deny, any) = (AsciiDenyList::EMPTY, DnsLength::Ignore);
        let mapped = Uts46::new().to_ascii(amid.as_bytes(), deny, Hyphens::Allow, any);
        is_ignorable(c) && c != '\u{feff}' && mapped.is_ok_and(|name| name == "ab")
    };
    if text.chars().any(is_ignorable) {
        text.chars().filter(|c| !maps_to_nothing(*c)).collect::<String>().into()
    } else {
        text.into()
    }
}

/// What nobody sees, and what turns the direction of writing: Unicode's `Default_Ignorable_Code_Point` and the marks of
/// annotations, but for the joiners U+200C and U+200D, which are letters of names (RFC 5892 appendix A).
const fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Labels of `[a-z0-9-]`, no hyphen at either end of one, A-labels that stand for something, and an end that no resolver
/// takes for a number (RFC 1123 section 2.1). `name` is one that [`Spelled`] accepted.
fn is_textbook(name: &str) -> bool {
    // Only what an A-label stands for takes the tables of Unicode.
    let follows_the_rules =
        if name.contains("xn--") { has_textbook_labels } else { has_ascii_textbook_labels };
    !ends_in_a_number(name) && follows_the_rules(name)
}

fn has_textbook_labels(name: &str) -> bool {
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let checked = Uts46::new().to_ascii(name.as_bytes(), deny, hyphens, DnsLength::Verify);
    checked.is_ok_and(|checked| checked == name)
}

/// The same for a name without A-labels: its letters and lengths are in order already.
fn has_ascii_textbook_labels(name: &str) -> bool {
    !name.contains('_') && name.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-'))
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
    // An IPv4 address is told from a name by the first octet of its last label, an IPv6 address has a colon.
    let of_last_label = trimmed.bytes().rev().take_while(|octet| *octet != b'.').last();
    (of_last_label.is_some_and(|octet| octet.is_ascii_digit()) && trimmed.split('.').all(numeric))
        || (text.bytes().any(|octet| octet == b':') && text.parse::<Ipv6Addr>().is_ok())
}

fn ends_in_a_number(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    last.bytes().all(|b| b.is_ascii_digit())
}

fn to_dns(text: &str) -> Name {
    // Cannot fail for what `Spelled` accepted; the root is a name that has no policy, no MX and no mail.
    let mut name = Name::from_labels(text.split('.').map(str::as_bytes)).unwrap_or_else(|_| Name::root());
    name.set_fqdn(true);
    name
}

#[cfg(test)]
mod tests;
