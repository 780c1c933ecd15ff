//! Which names the public DNS speaks about: names that are set apart from it, and zones of which the administrator says that
//! they are private. Pure.
//!
//! Special-use names are never asked about: whoever asked would be told nothing true, or told others what it is about (RFC
//! 6761 section 6.3, RFC 7686 section 2, RFC 9476 section 3). What is known of them is that the public DNS proves nothing.
//!
//! An insecure zone is what unbound calls `domain-insecure` and BIND `validate-except`, a negative trust anchor (RFC 7646)
//! without an end: nothing at or below it is validated, and all of it is asked about, special use or not.

use crate::text::excerpt;
use hickory_proto::rr::Name;
use std::fmt;
use std::str::FromStr;

/// The names that the DNS is not asked about, with all below them: localhost and invalid (RFC 6761), local (RFC 6762), onion
/// (RFC 7686), alt (RFC 9476), home.arpa (RFC 8375), and internal, which ICANN has set apart for private use
/// (board resolution 2024.07.29.06). `test` and `example` are names like any other: laboratories have them.
pub const SPECIAL_USE: [&str; 7] = ["alt", "home.arpa", "internal", "invalid", "local", "localhost", "onion"];

/// Top-level names that are delegated to nobody and will not be: networks have them for themselves (RFC 6762 appendix G; `corp`,
/// `home` and `mail` by ICANN's resolution 2018.02.04.12; `localdomain` by habit).
const PRIVATE_USE: [&str; 7] = ["corp", "home", "intranet", "lan", "localdomain", "mail", "private"];

/// A zone of which the administrator says that it is private: `insecure_zones`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InsecureZone(String);

/// All of them, in a stable order, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InsecureZones(Vec<InsecureZone>);

/// What the public DNS has to say about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What it says of any other.
    Public,
    /// Nothing: the name is at or below this special-use name, and is not asked about.
    SpecialUse(&'static str),
    /// What is said there is believed unproven, for it is at or below this zone of the configuration.
    InsecureZone(InsecureZone),
}

impl Scope {
    /// What an operator should know about a name of that scope; `None` where there is nothing to know.
    #[must_use]
    pub fn note(&self, name: impl fmt::Display) -> Option<String> {
        match self {
            Self::Public => None,
            Self::SpecialUse(special) => Some(format!(
                "{name} is not asked about: {special} is set apart from the public DNS; if it is a private zone of your \
                 network, name it in insecure_zones"
            )),
            Self::InsecureZone(zone) => Some(format!(
                "insecure_zones of the configuration names {zone}: nothing that is said about {name} is proven by DNSSEC"
            )),
        }
    }
}

impl InsecureZone {
    /// The name, in lower case, without a final dot.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InsecureZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InsecureZone {
    type Err = String;

    /// The root and top-level domains are refused: one word would switch DNSSEC off for everybody's mail. No list of those
    /// that are delegated is up to date for long, so a name of one label is refused unless it is set apart, or one of those
    /// that are delegated to nobody.
    fn from_str(text: &str) -> Result<Self, String> {
        let shown = excerpt(text, 64);
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() {
            return Err(format!(
                "'{shown}' is the root or nothing: that would switch DNSSEC off for all names; name your private zones"
            ));
        }
        let is_carried = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() > 253 || !name.split('.').all(is_carried) {
            return Err(format!("'{shown}' is not the name of a zone (letters, digits, '-', '_' and '.')"));
        }
        let is_set_apart = SPECIAL_USE.contains(&name.as_str()) || PRIVATE_USE.contains(&name.as_str());
        if !name.contains('.') && !is_set_apart {
            return Err(format!(
                "'{shown}' is a top-level domain: that would switch DNSSEC off for all names below it; name your own zone \
                 there (of one label only {} and {} may be named)",
                SPECIAL_USE.join(", "),
                PRIVATE_USE.join(", ")
            ));
        }
        Ok(Self(name))
    }
}

impl From<Vec<InsecureZone>> for InsecureZones {
    fn from(mut zones: Vec<InsecureZone>) -> Self {
        zones.sort();
        zones.dedup();
        Self(zones)
    }
}

impl InsecureZones {
    /// Each of them, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = &InsecureZone> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The deepest of them at or above `name`.
    #[must_use]
    pub fn above(&self, name: &Name) -> Option<&InsecureZone> {
        self.0.iter().filter(|zone| is_at_or_below(name, &zone.0)).max_by_key(|zone| zone.0.len())
    }

    /// What the public DNS has to say about `name`.
    #[must_use]
    pub fn scope(&self, name: &Name) -> Scope {
        if let Some(zone) = self.above(name) {
            return Scope::InsecureZone(zone.clone());
        }
        SPECIAL_USE
            .into_iter()
            .find(|special| is_at_or_below(name, special))
            .map_or(Scope::Public, Scope::SpecialUse)
    }
}

/// Whether a name looks like one of a private network: it is set apart, delegated to nobody, or stands alone.
#[must_use]
pub fn looks_private(name: &Name) -> bool {
    name.num_labels() == 1
        || SPECIAL_USE.iter().chain(&PRIVATE_USE).any(|private| is_at_or_below(name, private))
}

/// Labels are compared, from the last one up, without regard to case (RFC 4343).
fn is_at_or_below(name: &Name, above: &str) -> bool {
    let mut wanted = above.as_bytes().rsplit(|octet| *octet == b'.');
    let mut labels = name.iter().rev();
    wanted.all(|wanted| labels.next().is_some_and(|label| label.eq_ignore_ascii_case(wanted)))
}

#[cfg(test)]
mod tests;
