//! One TLSA record, read into what an SMTP client can act on (RFC 6698 section 2.1, RFC 7672 section 3.1).
//!
//! A [`Tlsa`] is usable; what is not says why as an [`Unusable`], and is no failure: records that nobody can use still
//! commit the host to TLS (RFC 7672 section 2.2.3).

use super::der::{Certificate, is_public_key};
use hickory_proto::rr::{RData, RecordType};
use std::fmt;

/// A usable record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// Which certificate of the server's chain it is about.
    pub usage: Usage,
    /// Which part of that certificate.
    pub selector: Selector,
    /// What that part has to be, and in which form it is given.
    pub association: Association,
}

/// The certificate usages of SMTP (RFC 7672 sections 3.1.1 and 3.1.2; names by RFC 7218 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// DANE-TA(2): the trust anchor of the chain.
    TrustAnchor,
    /// DANE-EE(3): the server's own certificate.
    EndEntity,
}

/// The part of the certificate (RFC 6698 section 2.1.2; names by RFC 7218 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// Cert(0): all of it.
    Certificate,
    /// SPKI(1): its SubjectPublicKeyInfo.
    PublicKey,
}

/// The matching type and the certificate association data (RFC 6698 sections 2.1.3 and 2.1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Association {
    /// Full(0): the selected part in DER; [`Tlsa::new`] has seen that it is one.
    Full(Vec<u8>),
    /// SHA2-256(1) of it.
    Sha256([u8; 32]),
    /// SHA2-512(2) of it.
    Sha512([u8; 64]),
}

/// Why a record is not usable (RFC 6698 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The record has less than the three octets of its fixed fields, or is of another type.
    Truncated,
    /// PKIX-TA(0) or PKIX-EE(1), which have no meaning between mail servers (RFC 7672 section 3.1.3), or one that is
    /// not assigned.
    Usage(u8),
    /// A selector that is not assigned.
    Selector(u8),
    /// A matching type that is not assigned.
    Matching(u8),
    /// A digest of this many octets where its type has another length.
    DigestLength {
        /// What stands there.
        found: usize,
        /// What the matching type has.
        expected: usize,
    },
    /// Full(0) with something else than one certificate.
    NotACertificate,
    /// Full(0) with something else than one public key.
    NotAPublicKey,
}

impl Tlsa {
    /// Reads record data as DNS brings it.
    ///
    /// # Errors
    /// [`Unusable`]: why an SMTP client cannot act on it.
    pub fn parse(data: &RData) -> Result<Self, Unusable> {
        match data {
            RData::TLSA(tlsa) => Self::new(
                tlsa.cert_usage.into(),
                tlsa.selector.into(),
                tlsa.matching.into(),
                tlsa.cert_data.clone(),
            ),
            // What the DNS parser could not take apart, it hands on whole.
            RData::Unknown { code: RecordType::TLSA, rdata } => match rdata.anything.as_slice() {
                [usage, selector, matching, data @ ..] => {
                    Self::new(*usage, *selector, *matching, data.to_vec())
                }
                _ => Err(Unusable::Truncated),
            },
            _ => Err(Unusable::Truncated),
        }
    }

    /// Reads the four fields.
    ///
    /// # Errors
    /// [`Unusable`]: why an SMTP client cannot act on them.
    pub fn new(usage: u8, selector: u8, matching: u8, data: Vec<u8>) -> Result<Self, Unusable> {
        let usage = match usage {
            2 => Usage::TrustAnchor,
            3 => Usage::EndEntity,
            _ => return Err(Unusable::Usage(usage)),
        };
        let selector = match selector {
            0 => Selector::Certificate,
            1 => Selector::PublicKey,
            _ => return Err(Unusable::Selector(selector)),
        };
        let association = match (matching, selector) {
            (0, Selector::Certificate) if Certificate::read(&data).is_none() => {
                return Err(Unusable::NotACertificate);
            }
            (0, Selector::PublicKey) if !is_public_key(&data) => return Err(Unusable::NotAPublicKey),
            (0, _) => Association::Full(data),
            (1, _) => Association::Sha256(digest(&data)?),
            (2, _) => Association::Sha512(digest(&data)?),
            _ => return Err(Unusable::Matching(matching)),
        };
        Ok(Self { usage, selector, association })
    }
}

fn digest<const N: usize>(data: &[u8]) -> Result<[u8; N], Unusable> {
    data.try_into().map_err(|_| Unusable::DigestLength { found: data.len(), expected: N })
}

impl fmt::Display for Tlsa {
    /// The presentation format (RFC 6698 section 2.2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = match self.usage {
            Usage::TrustAnchor => 2,
            Usage::EndEntity => 3,
        };
        let selector = match self.selector {
            Selector::Certificate => 0,
            Selector::PublicKey => 1,
        };
        let (matching, data) = match &self.association {
            Association::Full(data) => (0, data.as_slice()),
            Association::Sha256(digest) => (1, digest.as_slice()),
            Association::Sha512(digest) => (2, digest.as_slice()),
        };
        write!(f, "{usage} {selector} {matching} ")?;
        data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "the record is shorter than its usage, selector and matching type"),
            Self::Usage(usage @ (0 | 1)) => {
                write!(
                    f,
                    "certificate usage {usage} trusts public authorities, which mail servers do not: 2 or 3"
                )
            }
            Self::Usage(usage) => write!(f, "certificate usage {usage} is not assigned: 2 or 3"),
            Self::Selector(selector) => write!(f, "selector {selector} is not assigned: 0 or 1"),
            Self::Matching(matching) => write!(f, "matching type {matching} is not assigned: 0, 1 or 2"),
            Self::DigestLength { found, expected } => {
                write!(f, "the digest has {found} octets, and its matching type {expected}")
            }
            Self::NotACertificate => write!(f, "the data is not one certificate in DER"),
            Self::NotAPublicKey => write!(f, "the data is not one SubjectPublicKeyInfo in DER"),
        }
    }
}

impl std::error::Error for Unusable {}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::{NULL, TLSA};
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    /// Each row of RFC 7672 section 3.1, and the digests' lengths.
    #[test]
    fn what_smtp_can_use_and_why_it_cannot_use_the_rest() {
        use Unusable::*;
        for (fields, octets, expected) in [
            ([2, 0, 1], 32, None),
            ([2, 1, 1], 32, None),
            ([3, 0, 1], 32, None),
            ([3, 1, 1], 32, None),
            ([3, 1, 2], 64, None),
            ([2, 0, 2], 64, None),
            ([0, 0, 1], 32, Some(Usage(0))),
            ([1, 1, 1], 32, Some(Usage(1))),
            ([4, 1, 1], 32, Some(Usage(4))),
            ([255, 1, 1], 32, Some(Usage(255))),
            ([3, 2, 1], 32, Some(Selector(2))),
            ([3, 255, 1], 32, Some(Selector(255))),
            ([3, 1, 3], 32, Some(Matching(3))),
            ([3, 1, 255], 32, Some(Matching(255))),
            ([3, 1, 1], 31, Some(DigestLength { found: 31, expected: 32 })),
            ([3, 1, 1], 64, Some(DigestLength { found: 64, expected: 32 })),
            ([3, 1, 2], 32, Some(DigestLength { found: 32, expected: 64 })),
            ([3, 1, 1], 0, Some(DigestLength { found: 0, expected: 32 })),
            ([3, 0, 0], 0, Some(NotACertificate)),
            ([2, 1, 0], 32, Some(NotAPublicKey)),
        ] {
            let [usage, selector, matching] = fields;
            let found = Tlsa::new(usage, selector, matching, vec![7; octets]);
            assert_eq!(found.err(), expected, "{fields:?} with {octets} octets");
        }
    }

    #[test]
    fn full_data_is_a_certificate_or_a_public_key_as_the_selector_says() {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["mx.test".into()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        let key = key.subject_public_key_info();
        assert!(Tlsa::new(3, 0, 0, certificate.clone()).is_ok());
        assert!(Tlsa::new(2, 1, 0, key.clone()).is_ok());
        assert_eq!(Tlsa::new(3, 1, 0, certificate), Err(Unusable::NotAPublicKey));
        assert_eq!(Tlsa::new(2, 0, 0, key), Err(Unusable::NotACertificate));
    }

    #[test]
    fn a_record_too_short_for_its_fields_is_unusable_and_not_fatal() {
        let opaque = |octets: &[u8]| {
            let mut rdata = NULL::new();
            rdata.anything = octets.to_vec();
            RData::Unknown { code: RecordType::TLSA, rdata }
        };
        assert_eq!(Tlsa::parse(&opaque(&[])), Err(Unusable::Truncated));
        assert_eq!(Tlsa::parse(&opaque(&[3, 1])), Err(Unusable::Truncated));
        let expected = Err(Unusable::DigestLength { found: 0, expected: 32 });
        assert_eq!(Tlsa::parse(&opaque(&[3, 1, 1])), expected);
    }

    proptest! {
        #[test]
        fn every_record_is_read_or_refused_and_what_is_read_is_shown_as_published(
            fields: [u8; 3],
            data in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..100),
                proptest::collection::vec(any::<u8>(), 32),
                proptest::collection::vec(any::<u8>(), 64),
            ],
        ) {
            let [usage, selector, matching] = fields.map(|field| field % 5);
            let record = TLSA::new(usage.into(), selector.into(), matching.into(), data.clone());
            if let Ok(tlsa) = Tlsa::parse(&RData::TLSA(record)) {
                let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
                prop_assert_eq!(tlsa.to_string(), format!("{usage} {selector} {matching} {hex}"));
            }
        }
    }

    /// RFC 6698 sections 2.1.1 to 2.1.3 have the numbers that are assigned, RFC 7672 section 3.1.3 the usages that mail servers take.
    #[test]
    fn why_a_record_cannot_be_used_is_said_with_what_is_there_and_what_belongs_there() {
        for (why, words) in [
            (Unusable::Truncated, "shorter than its usage, selector and matching type"),
            (Unusable::Usage(1), "certificate usage 1 trusts public authorities"),
            (Unusable::Usage(255), "certificate usage 255 is not assigned: 2 or 3"),
            (Unusable::Selector(2), "selector 2 is not assigned: 0 or 1"),
            (Unusable::Matching(3), "matching type 3 is not assigned: 0, 1 or 2"),
            (Unusable::DigestLength { found: 31, expected: 32 }, "31 octets, and its matching type 32"),
            (Unusable::NotACertificate, "not one certificate in DER"),
            (Unusable::NotAPublicKey, "not one SubjectPublicKeyInfo in DER"),
        ] {
            assert!(why.to_string().contains(words), "{why}");
        }
    }

    #[test]
    fn record_data_is_read_whether_or_not_the_dns_parser_took_it_apart_and_other_types_are_none() {
        let fields = RData::TLSA(TLSA::new(3.into(), 1.into(), 1.into(), vec![7; 32]));
        let whole = RData::Unknown {
            code: RecordType::TLSA,
            rdata: NULL::with([vec![3, 1, 1], vec![7; 32]].concat()),
        };
        let of_another_type = RData::Unknown {
            code: RecordType::TXT,
            rdata: NULL::with([vec![3, 1, 1], vec![7; 32]].concat()),
        };
        assert_eq!(Tlsa::parse(&fields), Tlsa::new(3, 1, 1, vec![7; 32]));
        assert_eq!(Tlsa::parse(&whole), Tlsa::new(3, 1, 1, vec![7; 32]));
        assert!(Tlsa::parse(&fields).is_ok());
        assert_eq!(Tlsa::parse(&of_another_type), Err(Unusable::Truncated));
    }
}
