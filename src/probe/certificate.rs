//! What a certificate says of itself, for people, and the kinds of distrust in one.

use crate::time::UnixTime;

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
    /// The DNS names of its subjectAltName (RFC 5280 section 4.2.1.6), as they stand there.
    pub names: Vec<String>,
    /// From when it counts.
    pub not_before: UnixTime,
    /// Until when it counts.
    pub not_after: UnixTime,
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
            Self::Other => "certificate-not-trusted",
        }
    }
}
