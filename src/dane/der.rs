//! As much DER as it takes to find key and names in a certificate (X.690 sections 8.1 and 10.1, RFC 5280 section 4.1).
//!
//! A walk over lengths, forwards, without recursion. It judges the frame and nothing in it: a certificate that no
//! authority of the web would sign is as good as any for DANE-EE(3) (RFC 7672 section 3.1.1), so that a parser which
//! demands extensions, versions or known algorithms would refuse what has to be accepted.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, the version of a certificate.
const VERSION: u8 = 0xa0;

/// The parts of a certificate that matter here, each with its tag and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Certificate<'a> {
    /// Who signed it, as it says itself.
    pub(super) issuer: &'a [u8],
    /// Whose it is.
    pub(super) subject: &'a [u8],
    /// The SubjectPublicKeyInfo.
    pub(super) public_key: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads one certificate; `None` if the octets are none, or more than one.
    pub(super) fn read(octets: &'a [u8]) -> Option<Self> {
        let mut certificate = the_only(SEQUENCE, octets)?;
        let mut signed = Elements(certificate.next(SEQUENCE)?.content);
        certificate.next(SEQUENCE)?; // signatureAlgorithm
        certificate.next(BIT_STRING)?; // signatureValue
        certificate.end()?;
        if signed.tag() == Some(VERSION) {
            signed.next(VERSION)?;
        }
        signed.next(INTEGER)?; // serialNumber
        signed.next(SEQUENCE)?; // signature
        let issuer = signed.next(SEQUENCE)?.whole;
        signed.next(SEQUENCE)?; // validity
        let subject = signed.next(SEQUENCE)?.whole;
        let public_key = signed.next(SEQUENCE)?.whole;
        is_public_key(public_key).then_some(Self { issuer, subject, public_key })
    }
}

/// A SubjectPublicKeyInfo, taken apart (RFC 5280 section 4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey<'a> {
    /// What is in the AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    /// The key itself, without the octet that counts unused bits, which are none.
    pub(crate) key: &'a [u8],
}

/// What a signature of a certificate is about, and the names at both ends of it (RFC 5280 section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignedParts<'a> {
    /// What is signed, with its tag and length.
    pub(crate) signed: &'a [u8],
    /// What is in the AlgorithmIdentifier of the signature.
    pub(crate) algorithm: &'a [u8],
    /// The signature, without the octet that counts unused bits, which are none.
    pub(crate) signature: &'a [u8],
    /// What is in the issuer's name.
    pub(crate) issuer: &'a [u8],
    /// What is in the subject's name.
    pub(crate) subject: &'a [u8],
}

impl<'a> SignedParts<'a> {
    /// Those of one certificate.
    pub(crate) fn of(octets: &'a [u8]) -> Option<Self> {
        let read = Certificate::read(octets)?;
        let mut certificate = the_only(SEQUENCE, octets)?;
        let signed = certificate.next(SEQUENCE)?.whole;
        let algorithm = certificate.next(SEQUENCE)?.content;
        let signature = certificate.next(BIT_STRING)?.content.strip_prefix(&[0])?;
        let content = |name| Some(Elements(name).next(SEQUENCE)?.content);
        Some(Self {
            signed,
            algorithm,
            signature,
            issuer: content(read.issuer)?,
            subject: content(read.subject)?,
        })
    }
}

impl<'a> PublicKey<'a> {
    /// The key of one certificate.
    pub(crate) fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut info = the_only(SEQUENCE, Certificate::read(certificate)?.public_key)?;
        Self::next_in(&mut info)
    }

    /// The key in what is in a SubjectPublicKeyInfo.
    pub(crate) fn in_info(content: &'a [u8]) -> Option<Self> {
        Self::next_in(&mut Elements(content))
    }

    fn next_in(info: &mut Elements<'a>) -> Option<Self> {
        let algorithm = info.next(SEQUENCE)?.content;
        let key = info.next(BIT_STRING)?.content.strip_prefix(&[0])?;
        Some(Self { algorithm, key })
    }
}

/// Whether the octets are one SubjectPublicKeyInfo.
pub(super) fn is_public_key(octets: &[u8]) -> bool {
    let parts = || {
        let mut info = the_only(SEQUENCE, octets)?;
        Elements(info.next(SEQUENCE)?.content).next(OBJECT_IDENTIFIER)?;
        info.next(BIT_STRING)?;
        info.end()
    };
    parts().is_some()
}

/// What is in the one element that the octets are made of.
fn the_only(tag: u8, octets: &[u8]) -> Option<Elements<'_>> {
    let mut elements = Elements(octets);
    let element = elements.next(tag)?;
    elements.end()?;
    Some(Elements(element.content))
}

struct Element<'a> {
    /// With its tag and length.
    whole: &'a [u8],
    content: &'a [u8],
}

/// Elements one behind the other; those not read yet.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// Takes the next element, which must have this tag.
    fn next(&mut self, tag: u8) -> Option<Element<'a>> {
        let (found, rest) = self.0.split_first()?;
        let (length, content) = length(rest)?;
        let (content, behind) = content.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len().checked_sub(behind.len())?)?;
        self.0 = behind;
        (*found == tag).then_some(Element { whole, content })
    }

    /// There is nothing more.
    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// A length in its only form (X.690 section 10.1), and what stands behind it. No certificate has 16 MiB.
fn length(octets: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = octets.split_first()?;
    let count = match first {
        0..=0x7f => return Some((usize::from(*first), rest)),
        0x81..=0x83 => usize::from(first & 0x7f),
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(count)?;
    let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
    let is_shortest = length > 0x7f && digits.first() != Some(&0);
    is_shortest.then_some((length, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    fn public_key_of(octets: &[u8]) -> Option<&[u8]> {
        Certificate::read(octets).map(|certificate| certificate.public_key)
    }

    fn certificate() -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["mx.test".into()]).unwrap().self_signed(&key).unwrap();
        (certificate.der().to_vec(), key.subject_public_key_info())
    }

    #[test]
    fn the_public_key_of_a_certificate_is_its_subject_public_key_info() {
        let (certificate, key) = certificate();
        assert_eq!(public_key_of(&certificate), Some(key.as_slice()));
        assert!(is_public_key(&key) && !is_public_key(&certificate) && public_key_of(&key).is_none());
        let PublicKey { algorithm, key: point } = PublicKey::of(&certificate).unwrap();
        // id-ecPublicKey and prime256v1 (RFC 5480 section 2.1), and an uncompressed point.
        assert!(algorithm.starts_with(&[6, 7]) && algorithm.len() == 19, "{algorithm:x?}");
        assert!(point.len() == 65 && key.ends_with(point), "{point:x?}");
        let Certificate { issuer, subject, .. } = Certificate::read(&certificate).unwrap();
        assert_eq!(issuer, subject, "it is signed by itself");
    }

    #[test]
    fn what_is_signed_and_the_signature_fit_the_key() {
        let (certificate, key) = certificate();
        let parts = SignedParts::of(&certificate).unwrap();
        // ecdsa-with-SHA256 (RFC 5758 section 3.2).
        assert_eq!(parts.algorithm, [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
        // A SEQUENCE of 89 octets: both lengths stand in one octet each.
        let info = PublicKey::in_info(&key[2..]).unwrap();
        assert_eq!(PublicKey::of(&certificate), Some(info));
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, info.key);
        assert!(public.verify(parts.signed, parts.signature).is_ok());
        assert!(public.verify(&parts.signed[1..], parts.signature).is_err());
        let Certificate { issuer, subject, .. } = Certificate::read(&certificate).unwrap();
        assert_eq!((parts.issuer, parts.subject), (&issuer[2..], &subject[2..]));
    }

    #[test]
    fn a_certificate_that_is_cut_or_has_a_tail_is_none() {
        let (certificate, key) = certificate();
        for cut in 0..certificate.len() {
            assert_eq!(public_key_of(&certificate[..cut]), None, "{cut}");
        }
        for cut in 0..key.len() {
            assert!(!is_public_key(&key[..cut]), "{cut}");
        }
        for octets in [certificate, key] {
            let longer = [octets, vec![0]].concat();
            assert!(public_key_of(&longer).is_none() && !is_public_key(&longer));
        }
    }

    #[test]
    fn a_length_has_one_form() {
        for (octets, expected) in [
            (&[0x00][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0x81, 0x80], Some(128)),
            (&[0x82, 0x01, 0x00], Some(256)),
            (&[0x83, 0x01, 0x00, 0x00], Some(65_536)),
            (&[0x80], None),
            (&[0x81, 0x7f], None),
            (&[0x82, 0x00, 0xff], None),
            (&[0x83, 0x00, 0xff, 0xff], None),
            (&[0x84, 0x01, 0x00, 0x00, 0x00], None),
            (&[0xff], None),
            (&[], None),
        ] {
            assert_eq!(length(octets).map(|(length, _)| length), expected, "{octets:x?}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (public_key_of(&octets), is_public_key(&octets));
        }

        #[test]
        fn one_wrong_octet_never_panics_and_never_leads_outside(at in 0_usize..400, octet: u8) {
            let (mut certificate, _) = certificate();
            let at = at % certificate.len();
            certificate[at] = octet;
            if let Some(key) = public_key_of(&certificate) {
                prop_assert!(is_public_key(key));
            }
        }
    }
}
