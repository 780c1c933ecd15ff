//! A DKIM signature (RFC 6376, RFC 8463), as much of it as a mail server of this machine makes: what it says, and whether it verifies.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use data_encoding::BASE64;
use std::ops::RangeInclusive;

/// The field.
const FIELD: &str = "DKIM-Signature";

/// What a signature says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who signed (`d=`).
    pub domain: String,
    /// By which selector (`s=`).
    pub selector: String,
    /// The fields that are signed (`h=`), in small letters.
    pub fields: Vec<String>,
    /// Whether only a part of the body is (`l=`).
    pub is_of_a_part: bool,
    /// Bits of the RSA key that made it; `None` of a key of another kind.
    pub rsa_bits: Option<usize>,
}

/// Bits of RSA keys of which every receiver takes signatures (RFC 8301 section 3.2): of shorter ones none may.
pub const RSA_BITS: RangeInclusive<usize> = 1_024..=4_096;

/// Those of the longest key by which a signature is verified here.
const MOST_RSA_BITS: usize = 8_192;

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Missing,
    /// There are several: which one counts, each receiver decides.
    Several,
    /// It is not as RFC 6376 has it, or by an algorithm that nobody knows.
    Malformed,
    /// The body is not the one that was signed.
    Body,
    /// It is by an RSA key of so many bits, which is too short to count anywhere, or too long to be verified here.
    Bits(usize),
    /// It is not by that key, or the header is not the one that was signed.
    Key,
}

/// How text is made the same before it is signed (RFC 6376 section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Canonical {
    Simple,
    Relaxed,
}

/// The signature of a message whose lines end with CRLF, if that key made it: the `p=` of a record, decoded.
///
/// # Errors
/// What is wrong with it.
pub fn verified(message: &str, key: &[u8]) -> Result<Signature, Fault> {
    let (header, body) = message.split_once("\r\n\r\n").ok_or(Fault::Malformed)?;
    let fields = fields(header);
    let is_ours = |field: &&&str| name(field).eq_ignore_ascii_case(FIELD);
    let mut found = fields.iter().filter(is_ours);
    let field = *found.next().ok_or(Fault::Missing)?;
    if found.next().is_some() {
        return Err(Fault::Several);
    }
    let (_, value) = field.split_once(':').ok_or(Fault::Malformed)?;
    let tags: Vec<(&str, String)> = value
        .split(';')
        .filter_map(|tag| tag.split_once('='))
        .map(|(name, value)| (name.trim(), value.chars().filter(|c| !c.is_ascii_whitespace()).collect()))
        .collect();
    let tag = |name: &str| tags.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let wanted = |name| tag(name).ok_or(Fault::Malformed);
    let (of_header, of_body) = match tag("c").unwrap_or("simple").split_once('/') {
        Some((header, body)) => (canonical(header)?, canonical(body)?),
        None => (canonical(tag("c").unwrap_or("simple"))?, Canonical::Simple),
    };
    let decoded = |name| BASE64.decode(wanted(name)?.as_bytes()).map_err(|_| Fault::Malformed);
    let (signature, hash, signed) = (decoded("b")?, decoded("bh")?, wanted("h")?.to_ascii_lowercase());
    if wanted("v")? != "1" {
        return Err(Fault::Malformed);
    }
    let signed: Vec<String> = signed.split(':').map(str::to_owned).collect();
    if tag("l").is_none() && digest(&SHA256, body_of(body, of_body).as_bytes()).as_ref() != hash {
        return Err(Fault::Body);
    }
    let text = header_of(&fields, &signed, field, of_header);
    let mut rsa_bits = None;
    let is_by_key = match wanted("a")? {
        "rsa-sha256" => {
            // A signature is as long as the key (RFC 8017 section 8.2.1), whole octets.
            let bits = signature.len().saturating_mul(8);
            if bits < *RSA_BITS.start() || bits > MOST_RSA_BITS {
                return Err(Fault::Bits(bits));
            }
            rsa_bits = Some(bits);
            // Receivers have to verify what so short a key has signed (RFC 8301 section 3.2), whether or not it is wise.
            UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key)
                .verify(text.as_bytes(), &signature)
                .is_ok()
        }
        "ed25519-sha256" => {
            let digest = digest(&SHA256, text.as_bytes());
            UnparsedPublicKey::new(&ED25519, key).verify(digest.as_ref(), &signature).is_ok()
        }
        _ => return Err(Fault::Malformed),
    };
    if !is_by_key {
        return Err(Fault::Key);
    }
    Ok(Signature {
        domain: wanted("d")?.to_owned(),
        selector: wanted("s")?.to_owned(),
        fields: signed,
        is_of_a_part: tag("l").is_some(),
        rsa_bits,
    })
}

fn canonical(word: &str) -> Result<Canonical, Fault> {
    match word {
        "simple" => Ok(Canonical::Simple),
        "relaxed" => Ok(Canonical::Relaxed),
        _ => Err(Fault::Malformed),
    }
}

/// The fields of a header, each with its continuations, without its last CRLF.
fn fields(header: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut begin = 0;
    for (place, _) in header.match_indices("\r\n") {
        let next = place.saturating_add(2);
        if header.get(next..).is_some_and(|rest| !rest.starts_with([' ', '\t'])) {
            fields.extend(header.get(begin..place));
            begin = next;
        }
    }
    fields.extend(header.get(begin..));
    fields
}

fn name(field: &str) -> &str {
    field.split_once(':').map_or("", |(name, _)| name.trim())
}

/// What of the header is signed: the last field of a name first, then the one above it, and the signature itself without its value.
fn header_of(fields: &[&str], signed: &[String], own: &str, canonical: Canonical) -> String {
    let mut left: Vec<&str> = fields.to_vec();
    let mut text = String::new();
    for wanted in signed {
        let Some(place) = left.iter().rposition(|field| name(field).eq_ignore_ascii_case(wanted)) else {
            continue;
        };
        text.push_str(&field_of(left.remove(place), canonical));
        text.push_str("\r\n");
    }
    text.push_str(&field_of(&without_value(own), canonical));
    text
}

fn field_of(field: &str, canonical: Canonical) -> String {
    match (canonical, field.split_once(':')) {
        (Canonical::Relaxed, Some((name, value))) => {
            let words: Vec<&str> = value.split_ascii_whitespace().collect();
            format!("{}:{}", name.trim().to_ascii_lowercase(), words.join(" "))
        }
        _ => field.to_owned(),
    }
}

/// The field with nothing behind `b=`.
fn without_value(field: &str) -> String {
    let mut text = String::new();
    for (number, tag) in field.split(';').enumerate() {
        if number > 0 {
            text.push(';');
        }
        match tag.split_once('=') {
            Some((name, _)) if name.trim() == "b" => {
                text.push_str(name);
                text.push('=');
            }
            _ => text.push_str(tag),
        }
    }
    text
}

fn body_of(body: &str, canonical: Canonical) -> String {
    let mut lines: Vec<String> = body
        .split("\r\n")
        .map(|line| match canonical {
            Canonical::Simple => line.to_owned(),
            Canonical::Relaxed => {
                let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
                let indent = if line.starts_with([' ', '\t']) && !words.is_empty() { " " } else { "" };
                format!("{indent}{}", words.join(" "))
            }
        })
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    match (lines.is_empty(), canonical) {
        (true, Canonical::Relaxed) => String::new(),
        _ => lines.join("\r\n") + "\r\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Messages that Exim 4.96 signed (fixtures/dkim), and the keys by which it did.
    const RELAXED: &str = include_str!("../../../fixtures/dkim/relaxed.eml");
    const SIMPLE: &str = include_str!("../../../fixtures/dkim/simple.eml");
    const CURVE: &str = include_str!("../../../fixtures/dkim/ed25519.eml");

    fn rsa() -> Vec<u8> {
        BASE64.decode(include_bytes!("../../../fixtures/dkim/rsa.key")).unwrap()
    }

    fn curve() -> Vec<u8> {
        BASE64.decode(include_bytes!("../../../fixtures/dkim/ed25519.key")).unwrap()
    }

    #[test]
    fn what_exim_signs_verifies() {
        for (message, key) in [(RELAXED, rsa()), (SIMPLE, rsa()), (CURVE, curve())] {
            let signature = verified(message, &key).unwrap();
            assert_eq!((signature.domain.as_str(), signature.selector.as_str()), ("example.org", "tlsrpt1"));
            assert!(!signature.is_of_a_part);
            for field in ["from", "tls-report-domain", "tls-report-submitter"] {
                assert!(signature.fields.iter().any(|one| one == field), "{field}");
            }
        }
    }

    /// RFC 8301 section 3.2: what is signed by 1024 bits verifies, and by fewer it does not, whoever's key it is.
    #[test]
    fn short_keys_are_told_from_other_keys() {
        let key = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
        let (message, short) = (
            include_str!("../../../fixtures/dkim/rsa1024.eml"),
            key(include_str!("../../../fixtures/dkim/rsa1024.key")),
        );
        assert_eq!(verified(message, &short).unwrap().rsa_bits, Some(1_024));
        assert_eq!(verified(message, &rsa()), Err(Fault::Key));
        assert_eq!(verified(RELAXED, &short), Err(Fault::Key));
        let too_short = include_str!("../../../fixtures/dkim/rsa512.eml");
        let its_own = key(include_str!("../../../fixtures/dkim/rsa512.key"));
        assert_eq!(verified(too_short, &its_own), Err(Fault::Bits(512)));
        assert_eq!(verified(RELAXED, &rsa()).unwrap().rsa_bits, Some(2_048));
        assert_eq!(verified(CURVE, &curve()).unwrap().rsa_bits, None);
    }

    #[test]
    fn what_was_changed_on_the_way_does_not_verify() {
        for (message, key) in [(RELAXED, rsa()), (SIMPLE, rsa()), (CURVE, curve())] {
            assert_eq!(verified(&message.replace("a test.", "a text."), &key), Err(Fault::Body));
            assert_eq!(
                verified(&message.replace("TLS-Report-Domain: e", "TLS-Report-Domain: E"), &key),
                Err(Fault::Key)
            );
            // The field that counts is the last one of its name, and a further one is signed against.
            let more = message.replacen("\r\nFrom:", "\r\nSender: <x@example.org>\r\nFrom:", 1);
            assert_eq!(verified(&more, &key), Err(Fault::Key));
            assert_eq!(
                verified(&message.replace("DKIM-Signature", "X-Signature"), &key),
                Err(Fault::Missing)
            );
            let twice = format!("DKIM-Signature: v=1\r\n{message}");
            assert_eq!(verified(&twice, &key), Err(Fault::Several));
            assert_eq!(verified(&message.replace("-sha256;", "-sha1;"), &key), Err(Fault::Malformed));
            assert_eq!(verified(message, &key[1..]), Err(Fault::Key));
            assert_eq!(verified(&message.replace("\r\n\r\n", "\n\n"), &key), Err(Fault::Malformed));
        }
        assert_eq!(verified(RELAXED, &curve()), Err(Fault::Key));
    }

    /// RFC 6376 section 3.4: what relays change does not count where the signer says so.
    #[test]
    fn relaxed_is_relaxed_and_simple_is_not() {
        let folded = |message: &str| message.replacen("TLS-Report-Domain: ", "tls-report-domain:\r\n  ", 1);
        assert!(verified(&folded(RELAXED), &rsa()).is_ok());
        assert_eq!(verified(&folded(SIMPLE), &rsa()), Err(Fault::Key));
        let ended = |message: &str| message.replacen("a test.", "a test. \t", 1);
        assert!(verified(&ended(RELAXED), &rsa()).is_ok());
        assert_eq!(verified(&ended(SIMPLE), &rsa()), Err(Fault::Body));
        for message in [RELAXED, SIMPLE] {
            assert!(verified(&format!("{message}\r\n\r\n"), &rsa()).is_ok());
        }
    }

    /// RFC 6376 sections 3.4.3 and 3.4.4, with its examples of section 3.4.5.
    #[test]
    fn bodies_are_made_the_same_as_the_rfc_has_it() {
        let body = " C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(body_of(body, Canonical::Relaxed), " C\r\nD E\r\n");
        assert_eq!(body_of(body, Canonical::Simple), " C \r\nD \t E\r\n");
        assert_eq!(
            (body_of("", Canonical::Simple), body_of("", Canonical::Relaxed)),
            ("\r\n".into(), String::new())
        );
        let fields = ["A: X", "B : Y\t\r\n\tZ  "];
        assert_eq!(fields.map(|field| field_of(field, Canonical::Relaxed)), ["a:X", "b:Y Z"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|\r\n|: |; b=|DKIM-Signature:| c=|/){0,60}") {
            let _ = verified(&text, &[]);
            let _ = verified(&format!("DKIM-Signature: v=1; a=rsa-sha256; {text}"), &rsa());
        }
    }
}
