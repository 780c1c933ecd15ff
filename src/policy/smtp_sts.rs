//! The record of draft-margolis-smtp-sts-00 (March 2016), the dialect of the program that this one grew from.
//!
//! Published as TXT at `_smtp_sts.DOMAIN` (the draft's text) or `_smtp-sts.DOMAIN` (its authors' own zones). This
//! module reads the record; whether it is authentic, and what follows for a delivery, is decided elsewhere.

use crate::limits::{MAX_MX_PATTERNS, MAX_POLICY_LIFE, MAX_TXT_OCTETS};
use crate::name::PolicyDomain;
use crate::policy::pattern::MxPattern;
use crate::policy::url::PolicyUrl;
use crate::policy::{Constraint, Mode};
use crate::text::excerpt;
use std::fmt;

/// The labels under which a record may stand, the winning one first.
pub const LABELS: [&str; 2] = ["_smtp_sts", "_smtp-sts"];

/// Where `a=webpki` without a location means (the program that this one grew from asked there).
const DEFAULT_PATH: &str = "/.well-known/smtp-sts/current";

/// A well-formed record: its text as published, what it says, and what its publisher should mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    text: String,
    terms: Terms,
    lints: Vec<Lint>,
}

/// What a record says (draft section 3.1). Prints as a record again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// `to`: refuse what does not conform (`true`), or only report it (`false`).
    pub mode: Mode,
    /// `mx`: the permitted hosts; empty places no constraint.
    pub mx: Vec<MxPattern>,
    /// `a`: how the policy itself is authenticated; without it, it cannot be.
    pub mechanism: Option<Mechanism>,
    /// `c`: how the certificate of the MX host is validated.
    pub constraint: Constraint,
    /// `e`: seconds for which the policy may be kept, at most [`MAX_POLICY_LIFE`]; without it, the TTL.
    pub life: Option<u64>,
    /// `rua`: where reports go, as published.
    pub reports: Vec<String>,
}

/// How a policy is authenticated (draft section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The TXT record is DNSSEC secure.
    Dnssec,
    /// A mechanism that nobody here can validate, as published.
    Unknown(String),
    /// An HTTPS resource of the policy domain serves the same text.
    WebPki(Location),
}

/// Where the HTTPS copy is, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Nothing was said: the well-known place.
    Default,
    /// A path on the policy domain.
    Path(String),
    /// A whole URI.
    Uri(String),
}

/// What is legal, or tolerated, but should be mended by the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// A blank in a list of patterns or addresses.
    BlankInList,
    /// `a=webpki` without a URI.
    LocationMissing,
    /// `a=webpki:` with a path instead of a URI.
    LocationNotAbsolute,
    /// `e` above a year counts as a year.
    LifeCapped,
    /// `e` with more than the six digits of the draft's grammar.
    LifeLong,
    /// No `c`: `webpki` is assumed.
    NoConstraint,
    /// No `e`: the policy is forgotten with the record's TTL.
    NoLife,
    /// No `a`: the policy cannot be authenticated.
    NoMechanism,
    /// No `mx`: every MX host is permitted.
    NoMx,
    /// An address for reports that is not a URI; no report goes there.
    ReportAddress,
    /// A key came twice; the first one counts.
    RepeatedKey,
    /// A key that the draft does not know.
    UnknownKey,
    /// A mechanism that cannot be validated.
    UnknownMechanism,
    /// `_.` where the wildcard `*.` is meant (the draft's own example lost its asterisk).
    UnderscoreWildcard,
}

/// Why a record that begins with the version is no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    field: &'static str,
    why: &'static str,
    shown: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field '{}' {}: '{}'", self.field, self.why, self.shown)
    }
}

impl std::error::Error for Malformed {}

/// What stands at one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// A record that is not well-formed.
    Malformed(Malformed),
    /// No record that begins with the version.
    Nothing,
    /// One well-formed record.
    Record(Record),
    /// So many records that begin with the version: an error in the publication.
    Several(usize),
}

/// Reads the TXT records of one name, each with its character-strings already joined.
#[must_use]
pub fn published(records: &[Vec<u8>]) -> Published {
    let candidates: Vec<&Vec<u8>> = records.iter().filter(|octets| is_candidate(octets)).collect();
    match candidates.as_slice() {
        [] => Published::Nothing,
        [one] => match std::str::from_utf8(one) {
            Ok(text) => Record::parse(text).map_or_else(Published::Malformed, Published::Record),
            Err(_) => Published::Malformed(malformed(
                "v",
                "is followed by text that is not UTF-8",
                &String::from_utf8_lossy(one),
            )),
        },
        several => Published::Several(several.len()),
    }
}

/// Only what begins with the version is one of ours; `STS1` is given as octets and so in this case only.
fn is_candidate(octets: &[u8]) -> bool {
    let skip = |octets: &[u8]| octets.iter().position(|b| !is_blank(*b)).unwrap_or(octets.len());
    let Some(rest) = octets.strip_prefix(b"v").or_else(|| octets.strip_prefix(b"V")) else { return false };
    let Some(rest) = rest.get(skip(rest)..).and_then(|rest| rest.strip_prefix(b"=")) else { return false };
    let Some(rest) = rest.get(skip(rest)..).and_then(|rest| rest.strip_prefix(b"STS1")) else { return false };
    rest.first().is_none_or(|b| is_blank(*b) || *b == b';')
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn malformed(field: &'static str, why: &'static str, shown: &str) -> Malformed {
    Malformed { field, why, shown: excerpt(shown, 80) }
}

impl Record {
    /// Reads one record (draft section 3.1, with the decisions of its digest: blanks around `=` and `;`, keys and
    /// the words `true` and `false` in any case, a final `;`).
    ///
    /// # Errors
    /// [`Malformed`] names the field. A malformed record is no policy; it never passes for one that was met.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_TXT_OCTETS {
            return Err(malformed("v", "begins a record that is too long", text));
        }
        if !is_candidate(text.as_bytes()) {
            return Err(malformed("v", "must be STS1 and come first", text));
        }
        let mut fields = fields(text)?.into_iter().skip(1);
        let mut lints = Vec::new();
        let mode = match fields.next() {
            Some((key, value)) if key.eq_ignore_ascii_case("to") => mode(value)?,
            Some((key, value)) if key.eq_ignore_ascii_case("m") => {
                return Err(malformed("m", "belongs to a later draft, which is not enforced", value));
            }
            Some((key, _)) => return Err(malformed("to", "must come second, but there stands", key)),
            None => return Err(malformed("to", "is missing", text)),
        };
        let mut terms = Terms {
            mode,
            mx: Vec::new(),
            mechanism: None,
            constraint: Constraint::WebPki,
            life: None,
            reports: Vec::new(),
        };
        let mut seen = vec!["to".to_owned()];
        for (key, value) in fields {
            let key = key.to_ascii_lowercase();
            if seen.contains(&key) || key == "v" {
                lints.push(Lint::RepeatedKey);
                continue;
            }
            match key.as_str() {
                "mx" => terms.mx = patterns(value, &mut lints)?,
                "a" => terms.mechanism = Some(mechanism(value, &mut lints)?),
                "c" => terms.constraint = constraint(value)?,
                "e" => terms.life = Some(life(value, &mut lints)?),
                "rua" => terms.reports = reports(value, &mut lints),
                _ => lints.push(Lint::UnknownKey),
            }
            seen.push(key);
        }
        let missing =
            [("mx", Lint::NoMx), ("a", Lint::NoMechanism), ("c", Lint::NoConstraint), ("e", Lint::NoLife)];
        lints.extend(
            missing.into_iter().filter(|(key, _)| !seen.iter().any(|s| s == key)).map(|(_, lint)| lint),
        );
        lints.sort_unstable();
        lints.dedup();
        Ok(Self { text: text.to_owned(), terms, lints })
    }

    /// The text as it was published, its character-strings joined.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the record says.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What the publisher should mend, sorted.
    #[must_use]
    pub fn lints(&self) -> &[Lint] {
        &self.lints
    }
}

impl Location {
    /// The one URL at which the policy domain itself serves the copy; `None` if the record points elsewhere, or not
    /// to HTTPS: such a policy cannot be authenticated (draft section 3.3).
    #[must_use]
    pub fn url(&self, domain: &PolicyDomain) -> Option<PolicyUrl> {
        match self {
            Self::Default => PolicyUrl::new(domain.clone(), DEFAULT_PATH).ok(),
            Self::Path(path) if path.starts_with('/') => PolicyUrl::new(domain.clone(), path).ok(),
            Self::Path(path) => PolicyUrl::new(domain.clone(), &format!("/{path}")).ok(),
            Self::Uri(uri) => PolicyUrl::parse(uri).ok().filter(|url| url.host() == domain),
        }
    }
}

/// `key WSP* = WSP* value`, separated by `WSP* ; WSP*`, an optional `;` at the end.
fn fields(text: &str) -> Result<Vec<(&str, &str)>, Malformed> {
    let body = text.trim_end_matches(blank);
    let body = body.strip_suffix(';').unwrap_or(body);
    body.split(';')
        .map(|field| {
            let Some((key, value)) = field.split_once('=') else {
                return Err(malformed("v", "is followed by a field without '='", field));
            };
            let (key, value) = (key.trim_matches(blank), value.trim_matches(blank));
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
                return Err(malformed("v", "is followed by a field whose name is not a word", field));
            }
            Ok((key, value))
        })
        .collect()
}

fn mode(value: &str) -> Result<Mode, Malformed> {
    if value.eq_ignore_ascii_case("true") {
        Ok(Mode::Enforce)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(Mode::Testing)
    } else {
        Err(malformed("to", "must be true or false", value))
    }
}

fn patterns(value: &str, lints: &mut Vec<Lint>) -> Result<Vec<MxPattern>, Malformed> {
    let mut patterns = Vec::new();
    for item in list(value, lints) {
        let (wildcard, text) = match item.strip_prefix("_.") {
            Some(rest) => (true, format!("*.{rest}")),
            None => (false, item.to_owned()),
        };
        let Some(pattern) = MxPattern::parse(&text) else {
            return Err(malformed("mx", "holds what is neither a host name nor '*.' and one", item));
        };
        if wildcard {
            lints.push(Lint::UnderscoreWildcard);
        }
        patterns.push(pattern);
        if patterns.len() > MAX_MX_PATTERNS {
            return Err(malformed("mx", "holds too many patterns", value));
        }
    }
    Ok(patterns)
}

fn mechanism(value: &str, lints: &mut Vec<Lint>) -> Result<Mechanism, Malformed> {
    let (word, location) = value.split_once(':').map_or((value, None), |(word, rest)| (word, Some(rest)));
    if word.eq_ignore_ascii_case("webpki") {
        return Ok(Mechanism::WebPki(match location {
            None | Some("") => {
                lints.push(Lint::LocationMissing);
                Location::Default
            }
            Some(uri) if has_scheme(uri) => Location::Uri(uri.to_owned()),
            Some(path) => {
                lints.push(Lint::LocationNotAbsolute);
                Location::Path(path.to_owned())
            }
        }));
    }
    match value {
        "" => Err(malformed("a", "must be dnssec or webpki:URI", value)),
        _ if value.eq_ignore_ascii_case("dnssec") => Ok(Mechanism::Dnssec),
        other => {
            lints.push(Lint::UnknownMechanism);
            Ok(Mechanism::Unknown(other.to_owned()))
        }
    }
}

fn constraint(value: &str) -> Result<Constraint, Malformed> {
    if value.eq_ignore_ascii_case("webpki") {
        Ok(Constraint::WebPki)
    } else if value.eq_ignore_ascii_case("tlsa") {
        Ok(Constraint::Tlsa)
    } else {
        Err(malformed("c", "must be webpki or tlsa", value))
    }
}

/// The draft's grammar has six digits although its prose advises two weeks and more; a later revision has ten.
fn life(value: &str, lints: &mut Vec<Lint>) -> Result<u64, Malformed> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    let Some(seconds) = digits.then(|| value.parse::<u64>().ok()).flatten() else {
        return Err(malformed("e", "must be 1 to 10 digits, in seconds", value));
    };
    if value.len() > 6 {
        lints.push(Lint::LifeLong);
    }
    if seconds > MAX_POLICY_LIFE {
        lints.push(Lint::LifeCapped);
    }
    Ok(seconds.min(MAX_POLICY_LIFE))
}

/// What is not a URI is left out: an address for reports never decides about a delivery.
fn reports(value: &str, lints: &mut Vec<Lint>) -> Vec<String> {
    let items: Vec<&str> = list(value, lints);
    let (uris, others): (Vec<&str>, Vec<&str>) =
        items.into_iter().partition(|item| has_scheme(item) && item.bytes().all(|b| b.is_ascii_graphic()));
    if !others.is_empty() {
        lints.push(Lint::ReportAddress);
    }
    uris.into_iter().map(str::to_owned).collect()
}

fn list<'a>(value: &'a str, lints: &mut Vec<Lint>) -> Vec<&'a str> {
    value
        .split(',')
        .map(|item| {
            let trimmed = item.trim_matches(blank);
            if trimmed.len() != item.len() {
                lints.push(Lint::BlankInList);
            }
            trimmed
        })
        .collect()
}

/// RFC 3986 section 3.1.
fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    })
}

impl fmt::Display for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=STS1; to={}", matches!(self.mode, Mode::Enforce))?;
        if !self.mx.is_empty() {
            let patterns: Vec<String> = self.mx.iter().map(ToString::to_string).collect();
            write!(f, "; mx={}", patterns.join(","))?;
        }
        if let Some(mechanism) = &self.mechanism {
            write!(f, "; a={mechanism}")?;
        }
        write!(
            f,
            "; c={}",
            match self.constraint {
                Constraint::Tlsa => "tlsa",
                Constraint::WebPki => "webpki",
            }
        )?;
        if let Some(seconds) = self.life {
            write!(f, "; e={seconds}")?;
        }
        if !self.reports.is_empty() {
            write!(f, "; rua={}", self.reports.join(","))?;
        }
        Ok(())
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dnssec => f.write_str("dnssec"),
            Self::Unknown(other) => f.write_str(other),
            Self::WebPki(Location::Default) => f.write_str("webpki"),
            Self::WebPki(Location::Path(place) | Location::Uri(place)) => write!(f, "webpki:{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Record, Malformed> {
        Record::parse(text)
    }

    fn field_of(text: &str) -> &'static str {
        parse(text).unwrap_err().field
    }

    #[test]
    fn a_whole_record_is_read_into_its_terms() {
        let record = parse("v=STS1; to=true; mx=*.example.com,mx.example.net; a=webpki:https://example.com/p; c=tlsa; e=86400; rua=mailto:a@b.example!10m,https://r.example.com/x").unwrap();
        let terms = record.terms();
        assert_eq!(terms.mode, Mode::Enforce);
        assert_eq!(terms.mx.len(), 2);
        assert_eq!(terms.mechanism, Some(Mechanism::WebPki(Location::Uri("https://example.com/p".into()))));
        assert_eq!(terms.constraint, Constraint::Tlsa);
        assert_eq!(terms.life, Some(86_400));
        assert_eq!(terms.reports.len(), 2);
        assert_eq!(record.lints(), []);
    }

    #[test]
    fn the_shortest_legal_record_is_a_policy_without_constraints() {
        let record = parse("v=STS1; to=false; rua=mailto:sts-feedback@example.com ").unwrap();
        assert_eq!(record.terms().mode, Mode::Testing);
        assert_eq!((record.terms().mechanism.clone(), record.terms().life), (None, None));
        assert_eq!(record.lints(), [Lint::NoConstraint, Lint::NoLife, Lint::NoMechanism, Lint::NoMx]);
    }

    #[test]
    fn blanks_order_and_case_do_not_matter_where_the_grammar_says_so() {
        let plain = parse("v=STS1; to=true; mx=mx.example.com; a=dnssec; c=tlsa; e=86400").unwrap();
        for text in [
            "v = STS1 ; to = true ; mx = mx.example.com ; a = dnssec ; c = tlsa ; e = 86400",
            "v=STS1;to=TRUE;e=86400;c=TLSA;a=DNSSEC;mx=MX.example.com",
            "V=STS1\t;\tTo=true;mx=mx.example.com;a=dnssec;c=tlsa;e=86400;",
        ] {
            assert_eq!(parse(text).unwrap().terms(), plain.terms(), "{text}");
        }
    }

    #[test]
    fn a_malformed_record_names_its_field() {
        for (text, field) in [
            ("v=STS1", "to"),
            ("v=STS1;", "to"),
            ("v=STS1; mx=mx.example.com; to=true", "to"),
            ("v=STS1; to=yes", "to"),
            ("v=STS1; m=report", "m"),
            ("v=STS1; to=true; e=-1", "e"),
            ("v=STS1; to=true; e=", "e"),
            ("v=STS1; to=true; e=12345678901", "e"),
            ("v=STS1; to=true; mx=", "mx"),
            ("v=STS1; to=true; mx=*", "mx"),
            ("v=STS1; to=true; mx=*.*.example.com", "mx"),
            ("v=STS1; to=true; mx=a.example,,b.example", "mx"),
            ("v=STS1; to=true; c=pinned", "c"),
            ("v=STS1; to=true; a=", "a"),
            ("v=STS1; to=true;;", "v"),
            ("v=STS1; to=true; x", "v"),
            ("v=STS1; to=true; b ad=x", "v"),
            ("v=sts1; to=true", "v"),
            ("v=STS2; to=true", "v"),
            ("v=STSv1; id=1", "v"),
        ] {
            assert_eq!(field_of(text), field, "{text}");
        }
    }

    #[test]
    fn a_long_life_is_capped_at_a_year() {
        let record = parse("v=STS1; to=true; e=9999999999").unwrap();
        assert_eq!(record.terms().life, Some(MAX_POLICY_LIFE));
        assert!(record.lints().contains(&Lint::LifeCapped) && record.lints().contains(&Lint::LifeLong));
    }

    #[test]
    fn the_first_of_a_repeated_key_counts() {
        let record = parse("v=STS1; to=true; to=false; e=1; e=2; v=STS1").unwrap();
        assert_eq!((record.terms().mode, record.terms().life), (Mode::Enforce, Some(1)));
        assert!(record.lints().contains(&Lint::RepeatedKey));
    }

    #[test]
    fn the_lost_asterisk_is_read_as_the_wildcard() {
        let record = parse("v=STS1; to=true; mx=_.example.com, mx2.example.net").unwrap();
        assert_eq!(record.terms().to_string(), "v=STS1; to=true; mx=*.example.com,mx2.example.net; c=webpki");
        assert!(
            record.lints().contains(&Lint::UnderscoreWildcard) && record.lints().contains(&Lint::BlankInList)
        );
    }

    #[test]
    fn the_copy_may_only_be_on_the_policy_domain_and_over_https() {
        let domain = PolicyDomain::parse("example.com").unwrap();
        let url = |a: &str| match parse(&format!("v=STS1; to=true; a={a}")).unwrap().terms().mechanism.clone()
        {
            Some(Mechanism::WebPki(location)) => location.url(&domain).map(|url| url.to_string()),
            other => panic!("{other:?}"),
        };
        let default = Some("https://example.com/.well-known/smtp-sts/current".to_owned());
        assert_eq!(url("webpki"), default);
        assert_eq!(url("webpki:.well-known/smtp-sts/current"), default);
        assert_eq!(url("webpki:https://example.com/p"), Some("https://example.com/p".into()));
        for elsewhere in [
            "https://evil.test/x",
            "http://example.com/x",
            "https://www.example.com/x",
            "https://example.com:444/x",
            "ftp:x",
        ] {
            assert_eq!(url(&format!("webpki:{elsewhere}")), None, "{elsewhere}");
        }
    }

    #[test]
    fn only_what_begins_with_the_version_is_a_candidate() {
        let of = |texts: &[&str]| published(&texts.iter().map(|t| t.as_bytes().to_vec()).collect::<Vec<_>>());
        for nothing in
            ["", "0", "v=STSv1; id=1", "v=STS12; to=true", " v=STS1; to=true", "v=spf1 -all", "STS1"]
        {
            assert_eq!(of(&[nothing]), Published::Nothing, "{nothing:?}");
        }
        assert!(matches!(of(&["v=spf1 -all", "v=STS1; to=true"]), Published::Record(_)));
        assert!(matches!(of(&["v=STS1; to=true", "v=STS1; to=true"]), Published::Several(2)));
        assert!(matches!(of(&["v=STS1"]), Published::Malformed(_)));
        assert!(matches!(published(&[b"v=STS1; to=true; x=\xff".to_vec()]), Published::Malformed(_)));
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        let pattern = "(\\*\\.)?[a-z][a-z0-9]{0,5}(\\.[a-z][a-z0-9-]{0,3}[a-z0-9]){1,3}"
            .prop_filter_map("a pattern", |text| MxPattern::parse(&text));
        let mechanism = prop_oneof![
            Just(None),
            Just(Some(Mechanism::Dnssec)),
            "[a-z]{3,5}x".prop_map(|word| Some(Mechanism::Unknown(word))),
            Just(Some(Mechanism::WebPki(Location::Default))),
            "[a-z./-]{1,20}".prop_map(|path| Some(Mechanism::WebPki(Location::Path(path)))),
            "https://[a-z.]{1,20}/[a-z:]{0,9}".prop_map(|uri| Some(Mechanism::WebPki(Location::Uri(uri)))),
        ];
        (
            prop_oneof![Just(Mode::Enforce), Just(Mode::Testing)],
            proptest::collection::vec(pattern, 0..4),
            mechanism,
            prop_oneof![Just(Constraint::Tlsa), Just(Constraint::WebPki)],
            proptest::option::of(0..=MAX_POLICY_LIFE),
            proptest::collection::vec("mailto:[a-z]{1,5}@[a-z]{1,5}(!9m)?", 0..3),
        )
            .prop_map(|(mode, mx, mechanism, constraint, life, reports)| Terms {
                mode,
                mx,
                mechanism,
                constraint,
                life,
                reports,
            })
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(terms in any_terms()) {
            let text = terms.to_string();
            let record = parse(&text).unwrap();
            prop_assert_eq!(record.terms(), &terms);
            prop_assert_eq!(record.as_str(), text);
        }

        #[test]
        fn no_text_panics(text in "v=STS1;( ?(to|mx|a|c|e|rua|x)[ =]\\PC{0,12};?){0,6}|\\PC{0,200}") {
            if let Ok(record) = parse(&text) {
                prop_assert!(parse(&record.terms().to_string()).is_ok());
            }
        }
    }
}
