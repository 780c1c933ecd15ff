//! What a certificate says of itself, for people, and the kinds of distrust in one.

use crate::dane::matching::public_key;
use crate::name::MxHost;
use crate::policy::pattern::MxPattern;
use crate::text::excerpt;
use crate::time::UnixTime;
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

/// Characters of its names that are told in a sentence.
const NAMES_SHOWN: usize = 160;

/// The bits that the TLS library wants of an RSA key at least.
const MIN_RSA_BITS: usize = 2_048;

/// One certificate of a chain, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the whole, in lower-case hexadecimal: what `openssl x509 -fingerprint -sha256` shows, and the data of
    /// a TLSA record `3 0 1` or `2 0 1`.
    pub sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo, in lower-case hexadecimal: the data of a TLSA record `3 1 1` or `2 1 1`;
    /// `None` if it is not even framed as a certificate.
    pub key_sha256: Option<String>,
    /// What it says; `None` if it cannot be read.
    pub says: Option<Says>,
}

/// What a certificate says of itself (RFC 5280 section 4.1). A stranger's texts, not yet escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Says {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The DNS names of its subjectAltName (RFC 5280 section 4.2.1.6), as they stand there; without any, the common
    /// names of its subject (RFC 7672 section 3.2.3).
    pub names: Vec<String>,
    /// From when it counts.
    pub not_before: UnixTime,
    /// Until when it counts.
    pub not_after: UnixTime,
    /// Its key.
    pub key: Key,
    /// The version, 1 to 3.
    pub version: u32,
    /// Whether it may sign other certificates (RFC 5280 section 4.2.1.9).
    pub is_authority: bool,
    /// How many authorities may stand between it and the server's certificate, if it says so.
    pub path_length: Option<u32>,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// RSA with so many bits.
    Rsa(usize),
    /// A point on an elliptic curve with so many bits.
    Ec(usize),
    /// Another kind, Ed25519 among them.
    Other,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::Ec(bits) => write!(f, "EC {bits}"),
            Self::Other => write!(f, "another kind"),
        }
    }
}

impl Certificate {
    /// Reads one certificate in DER.
    #[must_use]
    pub fn read(der: &[u8]) -> Self {
        Self { sha256: hex(der), key_sha256: public_key(der).map(hex), says: Says::read(der) }
    }
}

fn hex(octets: &[u8]) -> String {
    digest(&SHA256, octets).as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Says {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let names = alternative.iter().flat_map(|extension| &extension.value.general_names);
        let mut names: Vec<String> = names
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            })
            .collect();
        if names.is_empty() {
            let common = certificate.subject().iter_common_name();
            names = common.filter_map(|name| Some(name.as_str().ok()?.to_owned())).collect();
        }
        let constraints = certificate.basic_constraints().ok().flatten().map(|extension| extension.value);
        let X509Version(version) = certificate.version();
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names,
            not_before: moment(&certificate.validity().not_before),
            not_after: moment(&certificate.validity().not_after),
            key: match certificate.public_key().parsed() {
                Ok(PublicKey::RSA(key)) => Key::Rsa(key.key_size()),
                Ok(PublicKey::EC(point)) => Key::Ec(point.key_size()),
                _ => Key::Other,
            },
            version: version.saturating_add(1),
            is_authority: constraints.is_some_and(|constraints| constraints.ca),
            path_length: constraints.and_then(|constraints| constraints.path_len_constraint),
        })
    }

    /// Whether it is for one of these names (RFC 7672 section 3.2.3): a wildcard stands for the whole first label, and
    /// for nothing else.
    #[must_use]
    pub fn is_for(&self, references: &[MxHost]) -> bool {
        let patterns: Vec<_> = self.names.iter().filter_map(|name| MxPattern::parse(name)).collect();
        references.iter().any(|reference| patterns.iter().any(|pattern| pattern.permits(reference)))
    }

    /// For whom it is, in words.
    #[must_use]
    pub fn for_whom(&self) -> String {
        let names = excerpt(&self.names.join(", "), NAMES_SHOWN);
        if self.names.is_empty() { "it names nobody".to_owned() } else { format!("it is for {names}") }
    }

    /// Whether the moment is within its time.
    ///
    /// # Errors
    /// The kind of distrust, if it is over or has not begun.
    pub fn counts_at(&self, now: UnixTime) -> Result<(), Distrust> {
        if now > self.not_after {
            Err(Distrust::Expired)
        } else if now < self.not_before {
            Err(Distrust::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// What the TLS library has against it, in words, whoever signed it.
    #[must_use]
    pub fn flaw(&self) -> Option<String> {
        match self.key {
            _ if self.version < 3 => Some(format!("it is of version {}, and not 3", self.version)),
            Key::Rsa(bits) if bits < MIN_RSA_BITS => {
                Some(format!("its RSA key has {bits} bits, which are less than {MIN_RSA_BITS}"))
            }
            Key::Rsa(_) | Key::Ec(_) | Key::Other => None,
        }
    }
}

/// What was before 1970 is as long ago as can be.
fn moment(time: &ASN1Time) -> UnixTime {
    UnixTime(u64::try_from(time.timestamp()).unwrap_or(0))
}

/// The closed list of reasons not to believe a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distrust {
    /// A certificate of the chain is over.
    Expired,
    /// A certificate of the chain does not count yet.
    NotYetValid,
    /// The certificate is for other names.
    OtherName,
    /// The certificate is signed by itself.
    SelfSigned,
    /// Nobody whom we trust signed it, directly or at a distance; often an intermediate certificate is not sent.
    UnknownIssuer,
    /// A signature in the chain is wrong.
    BadSignature,
    /// The chain uses what the TLS library does not: an algorithm, a short key, a certificate of version 1.
    Unsupported,
    /// A certificate of the chain is used for what it is not made for.
    WrongPurpose,
    /// A certificate of the chain cannot be read.
    Malformed,
    /// Another reason.
    Other,
}

impl Distrust {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Expired,
        Self::NotYetValid,
        Self::OtherName,
        Self::SelfSigned,
        Self::UnknownIssuer,
        Self::BadSignature,
        Self::Unsupported,
        Self::WrongPurpose,
        Self::Malformed,
        Self::Other,
    ];

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Expired => "certificate-expired",
            Self::NotYetValid => "certificate-not-yet-valid",
            Self::OtherName => "certificate-other-name",
            Self::SelfSigned => "certificate-self-signed",
            Self::UnknownIssuer => "certificate-unknown-issuer",
            Self::BadSignature => "certificate-bad-signature",
            Self::Unsupported => "certificate-unsupported",
            Self::WrongPurpose => "certificate-wrong-purpose",
            Self::Malformed => "certificate-malformed",
            Self::Other => "certificate-rejected",
        }
    }
}
