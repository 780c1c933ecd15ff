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
    let wanted = above.rsplit('.');
    let mut labels = name.iter().rev();
    wanted
        .into_iter()
        .all(|wanted| labels.next().is_some_and(|label| label.eq_ignore_ascii_case(wanted.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(names: &[&str]) -> InsecureZones {
        names.iter().map(|name| name.parse::<InsecureZone>().unwrap()).collect::<Vec<_>>().into()
    }

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn special_use_names_and_all_below_them_are_told_from_names_that_only_look_alike() {
        for (text, expected) in [
            ("localhost.", Some("localhost")),
            ("LOCALHOST.", Some("localhost")),
            ("_25._tcp.mail.corp.internal.", Some("internal")),
            ("printer.local.", Some("local")),
            ("x.onion.", Some("onion")),
            ("x.alt.", Some("alt")),
            ("nobody.invalid.", Some("invalid")),
            ("host.home.arpa.", Some("home.arpa")),
            ("arpa.", None),
            ("home.arpa.example.", None),
            ("notlocal.", None),
            ("local.example.", None),
            ("x.test.", None),
            ("x.example.", None),
            (".", None),
        ] {
            let expected = expected.map_or(Scope::Public, Scope::SpecialUse);
            assert_eq!(InsecureZones::default().scope(&name(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_deepest_zone_of_the_configuration_counts_and_stands_above_special_use() {
        let zones = zones(&["Corp.Example.", "internal", "a.corp.example", "internal"]);
        assert_eq!(
            zones.iter().map(InsecureZone::as_str).collect::<Vec<_>>(),
            ["a.corp.example", "corp.example", "internal"]
        );
        for (text, expected) in [
            ("corp.example.", Some("corp.example")),
            ("x.A.CORP.example.", Some("a.corp.example")),
            ("mail.internal.", Some("internal")),
            ("example.", None),
            ("xcorp.example.", None),
        ] {
            assert_eq!(zones.above(&name(text)).map(InsecureZone::as_str), expected, "{text}");
        }
        assert_eq!(zones.scope(&name("localhost.")), Scope::SpecialUse("localhost"));
    }

    #[test]
    fn the_root_and_top_level_domains_are_refused() {
        for (text, why) in [
            (".", "is the root"),
            ("", "is the root"),
            ("com", "is a top-level domain"),
            ("ORG.", "is a top-level domain"),
            ("de", "is a top-level domain"),
            ("arpa", "is a top-level domain"),
            ("test", "is a top-level domain"),
            ("xn--p1ai", "is a top-level domain"),
            ("a..b", "is not the name of a zone"),
            ("a b.example", "is not the name of a zone"),
            ("*.example", "is not the name of a zone"),
        ] {
            let error = text.parse::<InsecureZone>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        for text in
            ["corp.example", "internal", "home.arpa.", "local", "lan", "10.in-addr.arpa", "_x.corp.example"]
        {
            assert!(text.parse::<InsecureZone>().is_ok(), "{text}");
        }
    }

    /// RFC 1035 section 2.3.4, with the root's octet and the lengths of the labels: 253 characters are left, 63 in a label.
    #[test]
    fn a_zone_has_a_name_of_253_characters_at_most_and_of_63_in_a_label() {
        let name = |last: usize| format!("{}.{}", vec!["a".repeat(63); 3].join("."), "b".repeat(last));
        for (text, is_one) in [
            (name(61), true),
            (format!("{}.", name(61)), true),
            (name(62), false),
            (format!("{}.example", "a".repeat(63)), true),
            (format!("{}.example", "a".repeat(64)), false),
            ("-a_1.example".to_owned(), true),
            ("a+b.example".to_owned(), false),
            (".example".to_owned(), false),
        ] {
            assert_eq!(text.parse::<InsecureZone>().is_ok(), is_one, "{text}");
        }
        assert!(InsecureZones::default().is_empty() && !zones(&["lan"]).is_empty());
    }

    #[test]
    fn an_operator_is_told_where_nothing_is_asked_or_proven() {
        let note = |scope: Scope| scope.note("x.local");
        assert_eq!(note(Scope::Public), None);
        let special = note(Scope::SpecialUse("local")).unwrap();
        assert!(special.starts_with("x.local is not asked about: local is set apart"), "{special}");
        let private = note(Scope::InsecureZone("lan".parse().unwrap())).unwrap();
        assert!(private.contains("names lan: nothing that is said about x.local is proven"), "{private}");
    }

    #[test]
    fn names_of_private_networks_look_like_it() {
        for (text, expected) in [
            ("mail.", true),
            ("mail.lan.", true),
            ("x.corp.internal.", true),
            ("mail.example.", false),
            ("corp.example.", false),
        ] {
            assert_eq!(looks_private(&name(text)), expected, "{text}");
        }
    }
}
