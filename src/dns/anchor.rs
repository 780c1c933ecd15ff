//! Trust anchors: the keys from which every chain of trust begins (RFC 4035 section 4.4).
//!
//! Read from the lines of a zone file, DNSKEY or DS, for the root or for islands of trust below it. Whatever else the
//! text holds is refused with its line: a file that is only half understood must not decide what is authentic.

use super::scope::{InsecureZone, InsecureZones};
use crate::text::excerpt;
use data_encoding::BASE64;
use hickory_proto::dnssec::rdata::{DNSKEY, DS};
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKey, PublicKeyBuf};
use hickory_proto::rr::{Name, RecordType};
use std::fmt;
use std::str::FromStr;

/// The root's key signing keys of 2017 (20326) and 2024 (38696), as IANA publishes their digests
/// (<https://data.iana.org/root-anchors/root-anchors.xml>).
const IANA_ROOT: &str = "\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// The anchors of one run: at least one, in a stable order, without repetition; and the zones that no chain of trust is to
/// lead into, whatever the anchors say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchors {
    anchors: Vec<Anchor>,
    insecure_zones: InsecureZones,
}

/// One trusted key of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Anchor {
    zone: Name,
    key: AnchorKey,
}

/// A key, or the digest of one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AnchorKey {
    Key(DNSKEY),
    Digest(DS),
}

/// Why a text holds no trust anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAnchor {
    /// The line, counted from 1; `None` if the whole text is at fault.
    pub line: Option<usize>,
    /// What was found and what was expected, in printable ASCII.
    pub why: String,
}

impl fmt::Display for BadAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for BadAnchor {}

impl TrustAnchors {
    /// The keys of the public root.
    ///
    /// # Errors
    /// None in practice: the text is a constant of this file, and a test reads it.
    pub fn iana() -> Result<Self, BadAnchor> {
        Self::parse(IANA_ROOT)
    }

    /// Reads lines such as `. 86400 IN DNSKEY 257 3 8 AwEAAa...` or `example.org. DS 12345 13 2 49FD46...`.
    ///
    /// Comments begin with `;` or `#`, TTL and class may be missing, parentheses join lines (RFC 1035 section 5.1).
    /// Names are absolute, with or without their final dot.
    ///
    /// # Errors
    /// [`BadAnchor`] with the first line that is neither empty nor a usable anchor, or if there is no anchor at all.
    pub fn parse(text: &str) -> Result<Self, BadAnchor> {
        let mut anchors: Vec<Anchor> = entries(text)?
            .iter()
            .map(|(line, tokens)| anchor(tokens).map_err(|why| BadAnchor { line: Some(*line), why }))
            .collect::<Result<_, _>>()?;
        if anchors.is_empty() {
            return Err(BadAnchor { line: None, why: format!("no trust anchor in it; {EXPECTED}") });
        }
        anchors.sort_by_cached_key(ToString::to_string);
        anchors.dedup();
        Ok(Self { anchors, insecure_zones: InsecureZones::default() })
    }

    /// The same anchors, from which no chain of trust leads into these zones.
    #[must_use]
    pub fn except(self, insecure_zones: InsecureZones) -> Self {
        Self { insecure_zones, ..self }
    }

    /// The zones that no chain of trust is to lead into.
    #[must_use]
    pub const fn insecure_zones(&self) -> &InsecureZones {
        &self.insecure_zones
    }

    /// The zone of those that ends the chain of trust for `name`: an anchor further down begins another one.
    pub(super) fn insecure_above(&self, name: &Name) -> Option<&InsecureZone> {
        let labels = self.deepest_above(name).map_or(0, |zone| zone.iter().count());
        self.insecure_zones.above(name).filter(|zone| zone.as_str().split('.').count() >= labels)
    }

    /// The same anchors give the same text, whatever the order, case, TTLs and comments of the file: what was learnt
    /// under one text must not be believed under another.
    #[must_use]
    pub fn fingerprint_input(&self) -> String {
        self.anchors.iter().map(|anchor| format!("{anchor}\n")).collect()
    }

    /// The deepest zone at or above `name` that has an anchor: there the walk begins.
    pub(super) fn deepest_above(&self, name: &Name) -> Option<&Name> {
        self.anchors
            .iter()
            .map(|anchor| &anchor.zone)
            .filter(|zone| zone.zone_of(name))
            .max_by_key(|zone| zone.iter().count())
    }

    /// The DS form of the anchors of `zone`, and those given as keys.
    pub(super) fn of<'a>(&'a self, zone: &Name) -> (Vec<&'a DS>, Vec<&'a DNSKEY>) {
        let (mut digests, mut keys) = (Vec::new(), Vec::new());
        for anchor in self.anchors.iter().filter(|anchor| anchor.zone == *zone) {
            match &anchor.key {
                AnchorKey::Key(key) => keys.push(key),
                AnchorKey::Digest(ds) => digests.push(ds),
            }
        }
        (digests, keys)
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.to_lowercase();
        match &self.key {
            AnchorKey::Key(key) => write!(f, "{} DNSKEY {key}", zone.to_ascii()),
            AnchorKey::Digest(ds) => write!(f, "{} DS {ds}", zone.to_ascii()),
        }
    }
}

const EXPECTED: &str =
    "expected lines such as '. IN DNSKEY 257 3 8 AwEAAa...' or '. IN DS 20326 8 2 E06D44...'";

/// The words of each entry, with the line on which it begins; comments are gone and parentheses joined.
fn entries(text: &str) -> Result<Vec<(usize, Vec<String>)>, BadAnchor> {
    let mut entries: Vec<(usize, Vec<String>)> = Vec::new();
    let mut open: Option<(usize, Vec<String>)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split([';', '#']).next().unwrap_or_default();
        let spaced = line.replace('(', " ( ").replace(')', " ) ");
        let (start, mut words) = open.take().unwrap_or_else(|| (number, Vec::new()));
        let mut inside = !words.is_empty();
        for word in spaced.split_whitespace() {
            match word {
                "(" => inside = true,
                ")" => inside = false,
                _ => words.push(word.to_owned()),
            }
        }
        if words.is_empty() {
            continue;
        }
        if inside {
            open = Some((start, words));
        } else {
            entries.push((start, words));
        }
    }
    match open {
        Some((start, _)) => {
            Err(BadAnchor { line: Some(start), why: "this parenthesis is never closed".into() })
        }
        None => Ok(entries),
    }
}

/// One entry: owner, TTL and class in either order, type, and the fields of the type.
fn anchor(words: &[String]) -> Result<Anchor, String> {
    let (owner, rest) = words.split_first().ok_or(EXPECTED)?;
    let fields_at = rest
        .iter()
        .position(|word| !word.eq_ignore_ascii_case("IN") && !word.bytes().all(|b| b.is_ascii_digit()))
        .ok_or(EXPECTED)?;
    let (rtype, fields) = rest.split_at(fields_at).1.split_first().ok_or(EXPECTED)?;
    let rtype = match rtype.to_ascii_uppercase().as_str() {
        "DNSKEY" => RecordType::DNSKEY,
        "DS" => RecordType::DS,
        _ => return Err(format!("'{}' is not a trust anchor; {EXPECTED}", excerpt(rtype, 40))),
    };
    let mut zone =
        Name::from_ascii(owner).map_err(|_| format!("'{}' is not the name of a zone", excerpt(owner, 80)))?;
    zone.set_fqdn(true);
    let key = match rtype {
        RecordType::DNSKEY => AnchorKey::Key(usable_key(fields)?),
        _ => AnchorKey::Digest(usable_digest(fields)?),
    };
    Ok(Anchor { zone, key })
}

/// Three numbers, then the rest joined (RFC 4034 sections 2.2 and 5.3: white space is allowed within it).
fn fields<A: FromStr, B: FromStr, C: FromStr>(
    words: &[String],
    expected: &str,
) -> Result<(A, B, C, String), String> {
    let read = || match words {
        [a, b, c, rest @ ..] if !rest.is_empty() => {
            Some((a.parse().ok()?, b.parse().ok()?, c.parse().ok()?, rest.concat()))
        }
        _ => None,
    };
    read().ok_or_else(|| format!("'{}' is not {expected}", excerpt(&words.join(" "), 40)))
}

/// A key that may sign a zone: ZONE flag (RFC 4034 section 2.1.1), not revoked (RFC 5011 section 2.1).
fn usable_key(words: &[String]) -> Result<DNSKEY, String> {
    let (flags, protocol, algorithm, key): (u16, u8, u8, String) =
        fields(words, "flags, protocol, algorithm and key, as in '257 3 8 AwEAAa...'")?;
    let octets = BASE64.decode(key.as_bytes()).ok().filter(|octets| !octets.is_empty());
    let octets = octets.ok_or_else(|| format!("'{}' is not a key in base64", excerpt(&key, 40)))?;
    let key = DNSKEY::with_flags(flags, PublicKeyBuf::new(octets, Algorithm::from_u8(algorithm)));
    if protocol != 3 {
        return Err(format!("the protocol {protocol} is not 3"));
    }
    if !key.zone_key() {
        return Err(format!("the flags {} are not those of a zone's key (256 or 257)", key.flags()));
    }
    if key.revoke() {
        return Err(format!("the flags {} say that this key is revoked", key.flags()));
    }
    if !key.public_key().algorithm().is_supported() {
        return Err(format!("signatures of algorithm {algorithm} cannot be verified"));
    }
    Ok(key)
}

/// A digest of the length that its type has (RFC 4034 section 5.1.4, RFC 4509, RFC 6605).
fn usable_digest(words: &[String]) -> Result<DS, String> {
    let (tag, algorithm, digest_type, digest): (u16, u8, u8, String) =
        fields(words, "key tag, algorithm, digest type and digest, as in '20326 8 2 E06D44...'")?;
    if !Algorithm::from_u8(algorithm).is_supported() {
        return Err(format!("signatures of algorithm {algorithm} cannot be verified"));
    }
    let octets = match digest_type {
        1 => 20,
        2 => 32,
        4 => 48,
        _ => return Err(format!("digests of type {digest_type} cannot be compared")),
    };
    match hexadecimal(&digest) {
        Some(digest) if digest.len() == octets => {
            Ok(DS::new(tag, Algorithm::from_u8(algorithm), DigestType::from(digest_type), digest))
        }
        _ => Err(format!("'{}' is not a digest of {} hexadecimal digits", excerpt(&digest, 40), octets * 2)),
    }
}

/// Pairs of hexadecimal digits.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
