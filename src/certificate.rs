//! What a certificate says of itself, for people, and the kinds of distrust in one.

use crate::dane::matching::public_key;
use crate::name::MxHost;
use crate::policy::pattern::MxPattern;
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::words::words;
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

/// Octets of a coordinate on P-521 times eight: what its key says that it has.
const P521_IN_OCTETS: usize = 528;

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

/// What a certificate says of itself (RFC 5280 section 4.1). Untrusted texts, not yet escaped.
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
    /// Whether `names` are common names of the subject, since there is no DNS name in subjectAltName.
    pub is_named_in_subject: bool,
    /// Its key.
    pub key: Key,
    /// The algorithm of its signature.
    pub signature: Signature,
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

/// The algorithm with which a certificate is signed, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// With MD5 or an older digest (RFC 6151).
    Md5,
    /// With SHA-1 (RFC 9155).
    Sha1,
    /// Ed448 (RFC 8410).
    Ed448,
    /// Another one.
    Other,
}

impl Signature {
    /// By its object identifier (RFC 3279 section 2.2, RFC 5758 section 3.2, RFC 8410 section 3).
    fn of(oid: &str) -> Self {
        match oid {
            "1.2.840.113549.1.1.2" | "1.2.840.113549.1.1.3" | "1.2.840.113549.1.1.4" => Self::Md5,
            "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" | "1.3.14.3.2.29" => {
                Self::Sha1
            }
            "1.3.101.113" => Self::Ed448,
            _ => Self::Other,
        }
    }
}

/// What somebody's TLS library has against a certificate, whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// [`Distrust::Unsupported`] where it is ours alone that stops there, [`Distrust::WeakSignature`] where others do, too.
    pub kind: Distrust,
    /// What it is, behind "it" or the name of the certificate.
    pub what: String,
    /// What mail servers make of it, by their libraries.
    pub elsewhere: &'static str,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.elsewhere)
    }
}

/// What OpenSSL and GnuTLS do with what our library does not know.
const OTHERS_CAN: &str = "our TLS library cannot check that, OpenSSL and GnuTLS can";

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
        let is_named_in_subject = names.is_empty();
        if is_named_in_subject {
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
            is_named_in_subject,
            signature: Signature::of(&certificate.signature_algorithm.algorithm.to_id_string()),
            key: match certificate.public_key().parsed() {
                Ok(PublicKey::RSA(key)) => Key::Rsa(key.key_size()),
                Ok(PublicKey::EC(point)) if point.key_size() == P521_IN_OCTETS => Key::Ec(521),
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

    /// The same, by the rules of the web: a name in the subject alone is none (RFC 8461 section 4.2, RFC 9525 section 2).
    #[must_use]
    pub fn for_whom_on_the_web(&self) -> String {
        match self.is_named_in_subject && !self.names.is_empty() {
            true => format!(
                "its subjectAltName has no DNS name, and its subject ({}) does not count",
                excerpt(&self.names.join(", "), NAMES_SHOWN)
            ),
            false => self.for_whom(),
        }
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

    /// What there is against it in the eyes of a TLS library, whoever signed it. What a certificate says of its own
    /// signature does not matter where it is its own issuer (RFC 5280 section 6.1).
    #[must_use]
    pub fn flaw(&self) -> Option<Flaw> {
        let ours = |what: String, elsewhere| Some(Flaw { kind: Distrust::Unsupported, what, elsewhere });
        let weak = |digest: &str| {
            let what = format!("is signed with {digest}, which nobody should believe any more");
            let elsewhere = "GnuTLS refuses that, too, and OpenSSL at the level that distributions set";
            Some(Flaw { kind: Distrust::WeakSignature, what, elsewhere })
        };
        match (self.signature, self.key) {
            (Signature::Md5, _) if !self.is_its_own_issuer() => weak("MD5"),
            (Signature::Sha1, _) if !self.is_its_own_issuer() => weak("SHA-1"),
            _ if self.version < 3 => ours(format!("is of version {}, and not 3", self.version), OTHERS_CAN),
            (_, Key::Rsa(bits)) if bits < MIN_RSA_BITS => ours(
                format!("has an RSA key of {bits} bits, which are less than {MIN_RSA_BITS}"),
                "our TLS library stops there; GnuTLS takes 1024 bits, OpenSSL does not at the level that distributions \
                 set, and does at the one that Postfix sets",
            ),
            (Signature::Ed448, _) => ours("is signed by Ed448".to_owned(), OTHERS_CAN),
            _ => None,
        }
    }

    /// Whether it names itself as its issuer.
    #[must_use]
    pub fn is_its_own_issuer(&self) -> bool {
        self.subject == self.issuer
    }
}

/// What was before 1970 is as long ago as can be.
fn moment(time: &ASN1Time) -> UnixTime {
    UnixTime(u64::try_from(time.timestamp()).unwrap_or(0))
}

words! {
    /// The closed list of reasons not to believe a chain.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Distrust {
        /// A certificate of the chain is over.
        Expired = "certificate-expired",
        /// A certificate of the chain does not count yet.
        NotYetValid = "certificate-not-yet-valid",
        /// The certificate is for other names.
        OtherName = "certificate-other-name",
        /// The certificate is signed by itself.
        SelfSigned = "certificate-self-signed",
        /// Nobody whom we trust signed it, directly or at a distance; often an intermediate certificate is not sent.
        UnknownIssuer = "certificate-unknown-issuer",
        /// A signature in the chain is wrong.
        BadSignature = "certificate-bad-signature",
        /// A signature in the chain is made with SHA-1 or an older digest, which hardly anybody believes any more.
        WeakSignature = "certificate-weak-signature",
        /// The chain uses what our TLS library does not, and others may: an algorithm, a short key, a certificate of version 1.
        Unsupported = "certificate-unsupported",
        /// A certificate of the chain is used for what it is not made for.
        WrongPurpose = "certificate-wrong-purpose",
        /// A certificate of the chain cannot be read.
        Malformed = "certificate-malformed",
        /// Another reason.
        Other = "certificate-rejected",
    }
}

impl Distrust {
    /// Whether it is our TLS library that stops there, so that nobody can tell from here what a mail server would do.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::Unsupported)
    }
}

/// Why a chain is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrusted {
    /// The kind, for programs.
    pub kind: Distrust,
    /// In words; untrusted in part, not yet escaped.
    pub why: String,
}

impl fmt::Display for Distrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Distrusted {}
