//! Does a certificate chain match the TLSA records of its host? (RFC 6698 section 2.1, RFC 7671 sections 5 and 9.)
//!
//! Only that: names and dates have no part in DANE-EE(3) (RFC 7672 section 3.1.1), and of DANE-TA(2) this is the first
//! half. Who belongs to the chain is what the certificates say of each other; whether they are well signed, and bear the
//! name of the host (RFC 7672 section 3.2.2), is for the one who speaks TLS.

use super::der::Certificate;
use super::tlsa::{Association, Selector, Tlsa, Unusable, Usage};
use ring::digest;

/// What became of one TLSA record before a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The chain is authenticated by it.
    Matched {
        /// The place of the certificate in the chain, the server's own first; `None` for a trust anchor that the record
        /// brings itself (RFC 7671 section 5.2.2).
        at: Option<usize>,
    },
    /// It fits nothing that the server showed.
    NotMatched,
    /// It fits an authority of the chain, but the chain up to there does not verify, or is not for the host (RFC 7672
    /// section 3.1.2); the text says why.
    Unverified(String),
    /// An SMTP client cannot act on it.
    Unusable(Unusable),
    /// It bears a digest beside which there is a stronger one for the same usage and selector, so that it does not count
    /// (RFC 7671 section 9).
    Outdone,
    /// The server showed no certificate.
    NotReached,
}

impl Fate {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Matched { .. } => "matched",
            Self::NotMatched => "not-matched",
            Self::Unverified(_) => "unverified",
            Self::Unusable(_) => "unusable",
            Self::Outdone => "outdone",
            Self::NotReached => "not-reached",
        }
    }
}

/// The record that a certificate chain matches, if it matches one. The chain is in DER, the server's own certificate
/// first, as TLS brings it.
///
/// Where records of one usage and selector bear digests of two kinds, only the stronger kind counts (RFC 7671 section
/// 9). The server's own certificate is no trust anchor of itself, not even if it is self-signed: what mail servers use
/// to verify chains looks for DANE-TA(2) above it.
#[must_use]
pub fn matched<'a>(chain: &[impl AsRef<[u8]>], records: &'a [Tlsa]) -> Option<&'a Tlsa> {
    let (own, authorities) = chain.split_first()?;
    let issuers = Issuers::of(own.as_ref(), authorities);
    records.iter().filter(|record| !is_outdone(record, records)).find(|record| match record.usage {
        Usage::EndEntity => is_matched(own.as_ref(), record),
        Usage::TrustAnchor => {
            issuers.sent.iter().any(|authority| is_matched(authority, record)) || issuers.miss(record)
        }
    })
}

/// Who issued the server's certificate, directly or at a distance, in what the certificates say of each other.
struct Issuers<'a> {
    /// Those that the server sent.
    sent: Vec<&'a [u8]>,
    /// The names of all.
    names: Vec<&'a [u8]>,
}

impl<'a> Issuers<'a> {
    fn of(own: &'a [u8], authorities: &'a [impl AsRef<[u8]>]) -> Self {
        let issuer = |octets| Certificate::read(octets).map(|certificate| certificate.issuer);
        let mut issuers = Self { sent: Vec::new(), names: issuer(own).into_iter().collect() };
        let mut others: Vec<_> = authorities
            .iter()
            .filter_map(|octets| Some((octets.as_ref(), Certificate::read(octets.as_ref())?)))
            .collect();
        let mut next = 0;
        while let Some(name) = issuers.names.get(next).copied() {
            next += 1;
            for (octets, certificate) in others.extract_if(.., |(_, other)| other.subject == name) {
                issuers.sent.push(octets);
                issuers.names.push(certificate.issuer);
            }
        }
        issuers
    }

    /// Whether the record brings an issuer that the server did not send: only a certificate in full can, and then the
    /// server need not send it (RFC 7671 section 5.2.2).
    fn miss(&self, record: &Tlsa) -> bool {
        let Association::Full(octets) = &record.association else { return false };
        Certificate::read(octets).is_some_and(|anchor| self.names.contains(&anchor.subject))
    }
}

fn is_outdone(record: &Tlsa, records: &[Tlsa]) -> bool {
    let stronger = |other: &Tlsa| {
        (other.usage, other.selector) == (record.usage, record.selector)
            && matches!(other.association, Association::Sha512(_))
    };
    matches!(record.association, Association::Sha256(_)) && records.iter().any(stronger)
}

fn is_matched(octets: &[u8], record: &Tlsa) -> bool {
    let selected = match record.selector {
        Selector::Certificate => Some(octets),
        Selector::PublicKey => Certificate::read(octets).map(|certificate| certificate.public_key),
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
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData};

    /// A server's certificate, which is for another name and over, by an authority, by another one.
    struct Chain {
        der: [Vec<u8>; 3],
        keys: [Vec<u8>; 3],
    }

    fn authority(name: &str) -> CertificateParams {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.distinguished_name.push(DnType::CommonName, name);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
    }

    fn chain() -> Chain {
        let root = CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap()).unwrap();
        let middle =
            CertifiedIssuer::signed_by(authority("middle"), KeyPair::generate().unwrap(), &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec!["elsewhere.test".into()]).unwrap();
        leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
        leaf.not_before = rcgen::date_time_ymd(2000, 1, 1);
        let leaf = leaf.signed_by(&key, &middle).unwrap();
        let key_of = |issuer: &CertifiedIssuer<'_, KeyPair>| issuer.key().subject_public_key_info();
        Chain {
            der: [leaf.der().to_vec(), middle.der().to_vec(), root.der().to_vec()],
            keys: [key.subject_public_key_info(), key_of(&middle), key_of(&root)],
        }
    }

    fn is_match(chain: &[Vec<u8>], record: &Tlsa) -> bool {
        matched(chain, std::slice::from_ref(record)) == Some(record)
    }

    /// Records about these octets, by matching type.
    fn records(usage: u8, selector: u8, octets: &[u8]) -> [Tlsa; 3] {
        let sha256 = digest::digest(&digest::SHA256, octets).as_ref().to_vec();
        let sha512 = digest::digest(&digest::SHA512, octets).as_ref().to_vec();
        let of = |matching, data| Tlsa::new(usage, selector, matching, data).unwrap();
        [of(0, octets.to_vec()), of(1, sha256), of(2, sha512)]
    }

    #[test]
    fn dane_ee_is_about_the_servers_own_certificate_whatever_its_names_and_dates() {
        let Chain { der, keys } = chain();
        for record in records(3, 0, &der[0]).iter().chain(&records(3, 1, &keys[0])) {
            assert!(is_match(&der, record) && !is_match(&der[1..], record), "{record}");
        }
        for record in records(3, 0, &der[1]).iter().chain(&records(3, 1, &keys[1])) {
            assert!(!is_match(&der, record), "{record}");
        }
    }

    #[test]
    fn dane_ta_is_about_any_issuer_that_the_server_sends_and_not_about_its_own_certificate() {
        let Chain { der, keys } = chain();
        for at in [1, 2] {
            for record in records(2, 0, &der[at]).iter().chain(&records(2, 1, &keys[at])) {
                assert!(is_match(&der, record), "{record}");
            }
        }
        for record in records(2, 0, &der[0]).iter().chain(&records(2, 1, &keys[0])) {
            assert!(!is_match(&der, record), "{record}");
        }
    }

    #[test]
    fn the_order_in_which_issuers_are_sent_does_not_matter_but_strangers_among_them_do_not_count() {
        let Chain { der: [leaf, middle, root], .. } = chain();
        let stranger =
            CertifiedIssuer::self_signed(authority("stranger"), KeyPair::generate().unwrap()).unwrap();
        let sent = [leaf, root.clone(), stranger.der().to_vec(), middle.clone()];
        for issuer in [&root, &middle] {
            assert!(is_match(&sent, &records(2, 0, issuer)[1]));
        }
        assert!(!is_match(&sent, &records(2, 0, stranger.der())[1]));
    }

    /// RFC 7671 section 5.2.2: only "2 0 0" can stand for an anchor that is not sent.
    #[test]
    fn an_anchor_that_is_not_sent_has_to_be_published_in_full() {
        let (Chain { der, keys }, other) = (chain(), chain());
        let [in_full, digests @ ..] = records(2, 0, &der[2]);
        assert!(is_match(&der[..2], &in_full));
        for record in digests.iter().chain(&records(2, 1, &keys[2])) {
            assert!(!is_match(&der[..2], record), "{record}");
        }
        let [leaf_in_full, ..] = records(2, 0, &other.der[0]);
        assert!(!is_match(&der[..2], &leaf_in_full));
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
