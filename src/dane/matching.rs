//! Does a certificate chain match the TLSA records of its host? (RFC 6698 section 2.1, RFC 7671 sections 5 and 9.)
//!
//! Only that: names and dates have no part in DANE-EE(3) (RFC 7672 section 3.1.1), and of DANE-TA(2) this is the first
//! half. Whether the chain down from the trust anchor is well signed and bears the name of the host (RFC 7672 section
//! 3.2.2) is for the one who speaks TLS.

use super::der;
use super::tlsa::{Association, Selector, Tlsa, Usage};
use ring::digest;

/// The record that a certificate chain matches, if it matches one. The chain is in DER, the server's own certificate
/// first, as TLS brings it.
///
/// Where records of one usage and selector bear digests of two kinds, only the stronger kind counts (RFC 7671 section
/// 9).
#[must_use]
pub fn matched<'a>(chain: &[impl AsRef<[u8]>], records: &'a [Tlsa]) -> Option<&'a Tlsa> {
    records.iter().filter(|record| !is_outdone(record, records)).find(|record| {
        let candidates = match record.usage {
            Usage::EndEntity => chain.get(..1).unwrap_or_default(),
            Usage::TrustAnchor => chain,
        };
        candidates.iter().any(|certificate| is_matched(certificate.as_ref(), record))
    })
}

fn is_outdone(record: &Tlsa, records: &[Tlsa]) -> bool {
    let stronger = |other: &Tlsa| {
        (other.usage, other.selector) == (record.usage, record.selector)
            && matches!(other.association, Association::Sha512(_))
    };
    matches!(record.association, Association::Sha256(_)) && records.iter().any(stronger)
}

fn is_matched(certificate: &[u8], record: &Tlsa) -> bool {
    let selected = match record.selector {
        Selector::Certificate => Some(certificate),
        Selector::PublicKey => der::public_key_of(certificate),
    };
    let digest = |algorithm, octets| digest::digest(algorithm, octets);
    selected.is_some_and(|octets| match &record.association {
        Association::Full(data) => data == octets,
        Association::Sha256(hash) => digest(&digest::SHA256, octets).as_ref() == hash,
        Association::Sha512(hash) => digest(&digest::SHA512, octets).as_ref() == hash,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData};

    /// An authority and a server's certificate by it, which is for another name and over.
    struct Chain {
        der: [Vec<u8>; 2],
        keys: [Vec<u8>; 2],
    }

    fn chain() -> Chain {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec!["elsewhere.test".into()]).unwrap();
        leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
        leaf.not_before = rcgen::date_time_ymd(2000, 1, 1);
        let leaf = leaf.signed_by(&key, &authority).unwrap();
        Chain {
            der: [leaf.der().to_vec(), authority.der().to_vec()],
            keys: [key.subject_public_key_info(), authority.key().subject_public_key_info()],
        }
    }

    /// A record about these octets in every matching type.
    fn records(usage: u8, selector: u8, octets: &[u8]) -> [Tlsa; 3] {
        let sha256 = digest::digest(&digest::SHA256, octets).as_ref().to_vec();
        let sha512 = digest::digest(&digest::SHA512, octets).as_ref().to_vec();
        let of = |matching, data| Tlsa::new(usage, selector, matching, data).unwrap();
        [of(0, octets.to_vec()), of(1, sha256), of(2, sha512)]
    }

    #[test]
    fn dane_ee_is_about_the_servers_own_certificate_whatever_its_names_and_dates() {
        let Chain { der, keys } = chain();
        for record in records(3, 0, &der[0]).into_iter().chain(records(3, 1, &keys[0])) {
            assert_eq!(matched(&der, std::slice::from_ref(&record)), Some(&record));
            assert_eq!(matched(&der[1..], std::slice::from_ref(&record)), None, "{record}");
        }
        for record in records(3, 0, &der[1]).into_iter().chain(records(3, 1, &keys[1])) {
            assert_eq!(matched(&der, std::slice::from_ref(&record)), None, "{record}");
        }
    }

    #[test]
    fn dane_ta_is_about_any_certificate_that_the_server_sends() {
        let Chain { der, keys } = chain();
        for at in [0, 1] {
            for record in records(2, 0, &der[at]).into_iter().chain(records(2, 1, &keys[at])) {
                assert_eq!(matched(&der, std::slice::from_ref(&record)), Some(&record));
            }
        }
        let authority_not_sent = &der[..1];
        for record in records(2, 0, &der[1]) {
            assert_eq!(matched(authority_not_sent, std::slice::from_ref(&record)), None, "{record}");
        }
    }

    #[test]
    fn a_certificate_is_not_its_key_and_another_chain_is_another_chain() {
        let (here, other) = (chain(), chain());
        for usage in [2, 3] {
            let digest = digest::digest(&digest::SHA256, &here.keys[0]).as_ref().to_vec();
            let key_by_the_wrong_selector = Tlsa::new(usage, 0, 1, digest).unwrap();
            let [_, of_another, _] = records(usage, 1, &other.keys[0]);
            assert_eq!(matched(&here.der, &[key_by_the_wrong_selector, of_another]), None);
        }
        let none: [Vec<u8>; 0] = [];
        assert_eq!(matched(&none, &records(3, 1, &here.keys[0])), None);
        assert_eq!(matched(&here.der, &[]), None);
        assert_eq!(matched(&[b"no certificate"], &records(3, 1, &here.keys[0])), None);
    }

    /// The example of RFC 7671 section 9: beside SHA2-512 a match of SHA2-256 alone counts for nothing.
    #[test]
    fn of_two_digests_of_one_usage_and_selector_only_the_stronger_counts() {
        let (here, other) = (chain(), chain());
        let [full, weak, _] = records(3, 1, &here.keys[0]);
        let [_, _, strong_elsewhere] = records(3, 1, &other.keys[0]);
        assert_eq!(matched(&here.der, &[weak.clone(), strong_elsewhere.clone()]), None);
        assert_eq!(matched(&here.der, &[weak.clone(), strong_elsewhere, full.clone()]), Some(&full));
        let [_, _, strong_of_the_certificate] = records(3, 0, &other.der[0]);
        let another_selector = [weak.clone(), strong_of_the_certificate];
        assert_eq!(matched(&here.der, &another_selector), Some(&weak));
    }
}
