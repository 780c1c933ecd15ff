//! A TLSA record as a person writes it: the data of the record, without owner, TTL, class and type. Pure.
//!
//! RFC 6698 section 2.2: three numbers and hexadecimal digits, among which blanks are allowed; round brackets let it
//! go on in the next line (RFC 1035 section 5.1). `\# LENGTH HEX`, which fits every type, is read, too (RFC 3597
//! section 5). The acronyms of RFC 7218 are not: no name server reads them.

use crate::dane::tlsa::{Association, Selector, Tlsa, Unusable, Usage};
use crate::policy::lint::{Code, Finding, Inspected};
use std::ops::Range;

/// The four fields, usable or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Certificate usage.
    pub usage: u8,
    /// Selector.
    pub selector: u8,
    /// Matching type.
    pub matching: u8,
    /// Certificate association data.
    pub data: Vec<u8>,
}

/// A word of the input, and where it stands.
struct Token<'a> {
    text: &'a [u8],
    at: Range<usize>,
}

/// Where the four fields stand.
struct Places {
    usage: Range<usize>,
    selector: Range<usize>,
    matching: Range<usize>,
    data: Range<usize>,
}

/// Reads one record.
#[must_use]
pub fn inspect(input: &[u8]) -> Inspected<Fields> {
    let malformed = |code, at| Inspected::malformed(Finding::new(code, input, at));
    let words = match words(input) {
        Ok(words) => words,
        Err(bracket) => return malformed(Code::TlsaFields, bracket),
    };
    let read = match words.as_slice() {
        [Token { text: b"\\#", .. }, length, data @ ..] => generic(length, data),
        [usage, selector, matching, data @ ..] => plain([usage, selector, matching], data),
        _ => Err((Code::TlsaFields, input.len()..input.len())),
    };
    match read {
        Err((code, at)) => malformed(code, at),
        Ok((fields, places)) => {
            let findings = judged(&fields, &places, input);
            Inspected::new(fields, findings)
        }
    }
}

/// The words between blanks and brackets; each bracket has its counterpart.
fn words(input: &[u8]) -> Result<Vec<Token<'_>>, Range<usize>> {
    let mut words = Vec::new();
    let mut begun: Option<usize> = None;
    let mut open: Option<usize> = None;
    for (at, octet) in input.iter().copied().chain([b' ']).enumerate() {
        let here = at..at.saturating_add(1);
        match (octet, open) {
            (b'(', None) => open = Some(at),
            (b')', Some(_)) => open = None,
            (b'(' | b')', _) | (b'\n', None) => return Err(here),
            _ => {}
        }
        if matches!(octet, b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')') {
            if let Some(begin) = begun.take() {
                words.push(Token { text: input.get(begin..at).unwrap_or_default(), at: begin..at });
            }
        } else {
            begun = begun.or(Some(at));
        }
    }
    match open {
        Some(at) => Err(at..at.saturating_add(1)),
        None => Ok(words),
    }
}

type Read = Result<(Fields, Places), (Code, Range<usize>)>;

fn plain(numbers: [&Token<'_>; 3], data: &[Token<'_>]) -> Read {
    let number = |word: &Token<'_>| number(word).ok_or_else(|| (Code::TlsaFields, word.at.clone()));
    let [usage, selector, matching] = numbers;
    let end = matching.at.end;
    let places = Places {
        usage: usage.at.clone(),
        selector: selector.at.clone(),
        matching: matching.at.clone(),
        data: data.first().map_or(end, |first| first.at.start)..data.last().map_or(end, |last| last.at.end),
    };
    let (usage, selector, matching) = (number(usage)?, number(selector)?, number(matching)?);
    if data.is_empty() {
        return Err((Code::TlsaFields, end..end));
    }
    Ok((Fields { usage, selector, matching, data: octets(data)? }, places))
}

fn generic(length: &Token<'_>, data: &[Token<'_>]) -> Read {
    let octets = octets(data)?;
    let declared = str::from_utf8(length.text).ok().and_then(|text| text.parse::<usize>().ok());
    if declared != Some(octets.len()) {
        return Err((Code::TlsaFields, length.at.clone()));
    }
    let at = data.first().map_or(length.at.end, |first| first.at.start)
        ..data.last().map_or(length.at.end, |last| last.at.end);
    match octets.as_slice() {
        [usage, selector, matching, data @ ..] => {
            let fields =
                Fields { usage: *usage, selector: *selector, matching: *matching, data: data.to_vec() };
            let places = Places { usage: at.clone(), selector: at.clone(), matching: at.clone(), data: at };
            Ok((fields, places))
        }
        _ => Err((Code::TlsaFields, at)),
    }
}

/// A number of one octet, in 1 to 3 decimal digits.
fn number(word: &Token<'_>) -> Option<u8> {
    let is_number = (1..=3).contains(&word.text.len()) && word.text.iter().all(u8::is_ascii_digit);
    str::from_utf8(word.text).ok().filter(|_| is_number)?.parse().ok()
}

/// The octets of all words together: a blank may stand anywhere, within a pair, too.
fn octets(words: &[Token<'_>]) -> Result<Vec<u8>, (Code, Range<usize>)> {
    let mut octets = Vec::new();
    let mut high: Option<u8> = None;
    for word in words {
        for (place, digit) in word.text.iter().enumerate() {
            let at = word.at.start.saturating_add(place);
            let value = char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            let value = value.ok_or_else(|| (Code::TlsaData, at..at.saturating_add(1)))?;
            match high.take() {
                None => high = Some(value),
                Some(high) => octets.push(high << 4 | value),
            }
        }
    }
    match (high, words.last()) {
        (Some(_), Some(last)) => Err((Code::TlsaData, last.at.end.saturating_sub(1)..last.at.end)),
        _ => Ok(octets),
    }
}

/// SHA-256 of no octet at all.
const SHA256_OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// SHA-512 of the same.
const SHA512_OF_NOTHING: [u8; 64] = [
    0xcf, 0x83, 0xe1, 0x35, 0x7e, 0xef, 0xb8, 0xbd, 0xf1, 0x54, 0x28, 0x50, 0xd6, 0x6d, 0x80, 0x07, 0xd6,
    0x20, 0xe4, 0x05, 0x0b, 0x57, 0x15, 0xdc, 0x83, 0xf4, 0xa9, 0x21, 0xd3, 0x6c, 0xe9, 0xce, 0x47, 0xd0,
    0xd1, 0x3c, 0x5d, 0x85, 0xf2, 0xb0, 0xff, 0x83, 0x18, 0xd2, 0x87, 0x7e, 0xec, 0x2f, 0x63, 0xb9, 0x31,
    0xbd, 0x47, 0x41, 0x7a, 0x81, 0xa5, 0x38, 0x32, 0x7a, 0xf9, 0x27, 0xda, 0x3e,
];

/// Whether it is the digest of nothing, which no certificate and no key has.
fn is_of_nothing(association: &Association) -> bool {
    match association {
        Association::Full(_) => false,
        Association::Sha256(digest) => *digest == SHA256_OF_NOTHING,
        Association::Sha512(digest) => *digest == SHA512_OF_NOTHING,
    }
}

/// Why an SMTP client cannot use the record, every reason of it, and what is better done in another way.
fn judged(fields: &Fields, places: &Places, input: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note = |code, at: &Range<usize>| findings.push(Finding::new(code, input, at.clone()));
    let Fields { mut usage, mut selector, matching, data } = fields.clone();
    // After each reason the record is looked at again as if that one were mended.
    loop {
        match Tlsa::new(usage, selector, matching, data.clone()) {
            Err(Unusable::Usage(found)) => {
                note(if found <= 1 { Code::TlsaUsagePkix } else { Code::TlsaUsageUnknown }, &places.usage);
                usage = 3;
            }
            Err(Unusable::Selector(_)) => {
                note(Code::TlsaSelector, &places.selector);
                if matching == 0 {
                    break;
                }
                selector = 1;
            }
            Err(Unusable::Matching(_)) => {
                note(Code::TlsaMatching, &places.matching);
                break;
            }
            Err(Unusable::DigestLength { .. }) => {
                note(Code::TlsaDigestLength, &places.data);
                break;
            }
            Err(Unusable::NotACertificate | Unusable::NotAPublicKey | Unusable::Truncated) => {
                note(Code::TlsaNotDer, &places.data);
                break;
            }
            Ok(tlsa) => {
                if matches!(tlsa.association, Association::Full(_)) {
                    note(Code::TlsaFullData, &places.matching);
                }
                if is_of_nothing(&tlsa.association) {
                    note(Code::TlsaEmptyDigest, &places.data);
                }
                if fields.usage == usage && fields.selector == selector {
                    match (tlsa.usage, tlsa.selector) {
                        (Usage::EndEntity, Selector::Certificate) => {
                            note(Code::TlsaEndEntityCertificate, &places.selector)
                        }
                        (Usage::TrustAnchor, Selector::PublicKey) => {
                            note(Code::TlsaAnchorKey, &places.selector)
                        }
                        _ => {}
                    }
                }
                break;
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";

    /// The codes, each with the octets that it is about.
    fn found(text: &str) -> Vec<(&'static str, String)> {
        let findings = inspect(text.as_bytes()).findings;
        findings.iter().map(|finding| (finding.code.word(), text[finding.at.clone()].to_owned())).collect()
    }

    #[test]
    fn the_recommended_records_pass_in_every_spelling() {
        let (start, end) = DIGEST.split_at(31);
        for text in [
            format!("3 1 1 {DIGEST}"),
            format!("2 0 1 {DIGEST}"),
            format!("3 1 1 {start} {end}"),
            format!("3\t1  1 (\r\n  {start}\n  {end} )"),
            format!("( 3 1 1 {DIGEST} )"),
            format!("3 1 2 {DIGEST}{DIGEST}"),
            format!("\\# 35 030101{DIGEST}"),
        ] {
            assert_eq!(found(&text), [], "{text}");
            assert!(inspect(text.as_bytes()).value.is_ok());
        }
    }

    /// The digests are those that `openssl dgst` prints of an empty file.
    #[test]
    fn the_digest_of_nothing_is_told() {
        for (matching, algorithm) in [(1, &aws_lc_rs::digest::SHA256), (2, &aws_lc_rs::digest::SHA512)] {
            let digest = aws_lc_rs::digest::digest(algorithm, b"");
            let hex: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(found(&format!("3 1 {matching} {hex}")), [("tlsa.empty-digest", hex.clone())]);
            assert_eq!(found(&format!("2 0 {matching} {hex}")), [("tlsa.empty-digest", hex.clone())]);
            let other = hex.replacen('1', "2", 1);
            assert_eq!(found(&format!("3 1 {matching} {other}")), []);
        }
    }

    #[test]
    fn every_reason_against_a_record_is_told_at_its_place() {
        for (text, expected) in [
            (format!("0 1 1 {DIGEST}"), vec![("tlsa.usage-pkix", "0")]),
            (format!("1 0 1 {DIGEST}"), vec![("tlsa.usage-pkix", "1")]),
            (format!("4 1 1 {DIGEST}"), vec![("tlsa.usage-unknown", "4")]),
            (format!("3 2 1 {DIGEST}"), vec![("tlsa.selector", "2")]),
            (format!("3 1 3 {DIGEST}"), vec![("tlsa.matching-type", "3")]),
            ("3 1 1 abcd".into(), vec![("tlsa.digest-length", "abcd")]),
            (format!("3 1 2 {DIGEST}"), vec![("tlsa.digest-length", DIGEST)]),
            (
                "0 7 1 ab cd".into(),
                vec![("tlsa.usage-pkix", "0"), ("tlsa.selector", "7"), ("tlsa.digest-length", "ab cd")],
            ),
            ("3 1 0 abcd".into(), vec![("tlsa.not-der", "abcd")]),
            (format!("3 0 1 {DIGEST}"), vec![("tlsa.end-entity-certificate", "0")]),
            (format!("2 1 1 {DIGEST}"), vec![("tlsa.anchor-key", "1")]),
            ("3 1 1 abc".into(), vec![("tlsa.data", "c")]),
            ("3 1 1 abxd".into(), vec![("tlsa.data", "x")]),
            ("3 1 1".into(), vec![("tlsa.fields", "")]),
            (String::new(), vec![("tlsa.fields", "")]),
            ("256 1 1 ab".into(), vec![("tlsa.fields", "256")]),
            ("DANE-EE 1 1 ab".into(), vec![("tlsa.fields", "DANE-EE")]),
            (format!("mx.example. IN TLSA 3 1 1 {DIGEST}"), vec![("tlsa.fields", "mx.example.")]),
            (format!("3 1 1 {DIGEST}\n3 1 1 {DIGEST}"), vec![("tlsa.fields", "\n")]),
            (format!("3 1 1 ({DIGEST}"), vec![("tlsa.fields", "(")]),
            (format!("\\# 34 030101{DIGEST}"), vec![("tlsa.fields", "34")]),
        ] {
            let found = found(&text);
            let found: Vec<(&str, &str)> =
                found.iter().map(|(code, shown)| (*code, shown.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic_and_every_place_is_inside(text in proptest::collection::vec(any::<u8>(), 0..120)) {
            let inspected = inspect(&text);
            prop_assert!(inspected.findings.iter().all(|finding| finding.at.end <= text.len()));
        }

        #[test]
        fn nearly_records_do_not_panic(text in "[(]?[0-4] {0,2}[0-3] [0-3] [0-9a-fx ]{0,140}[)]?") {
            let inspected = inspect(text.as_bytes());
            prop_assert!(inspected.value.is_ok() || !inspected.findings.is_empty());
        }
    }
}
