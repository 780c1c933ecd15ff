//! Does a certificate chain match the TLSA records of its host? (RFC 6698 section 2.1, RFC 7671 sections 5 and 9.)
//!
//! Names and dates have no part in DANE-EE(3) (RFC 7672 section 3.1.1). For DANE-TA(2) a match is the first half: who
//! belongs to the chain is what the certificates say of each other. Whether they are well signed, in time, and bear the
//! name of the host (RFC 7672 section 3.2.2) is left to the caller, for one trust anchor at a time.

use super::der::Certificate;
use super::tlsa::{Association, Selector, Tlsa, Unusable, Usage};
use aws_lc_rs::digest;

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
    /// section 3.2.2); the text says why.
    Unverified(String),
    /// An SMTP client cannot act on it.
    Unusable(Unusable),
    /// It has a digest that a stronger one for the same usage and selector supersedes (RFC 7671 section 9).
    Superseded,
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
            Self::Superseded => "superseded",
            Self::NotReached => "not-reached",
        }
    }
}

/// Where a chain is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor<'a> {
    /// At this certificate, in DER.
    Certificate(&'a [u8]),
    /// At this key, which a record brings without a certificate around it (RFC 7671 section 5.2.3).
    Key {
        /// Whose key it is to be: the issuer's name in the last certificate that was sent, in DER.
        name: &'a [u8],
        /// The SubjectPublicKeyInfo, in DER.
        key: &'a [u8],
    },
}

/// What becomes of each record, in the order of the records. The chain is in DER, the server's own certificate first, as
/// TLS brings it; `verifies` says whether it leads to a trust anchor and is for the host, or why not.
///
/// Where usable records of one usage and selector bear digests of two kinds, only the stronger kind counts (RFC 7671
/// section 9). The server's own certificate is no trust anchor of itself, not even if it is self-signed: what mail
/// servers use to verify chains looks for DANE-TA(2) above it.
#[must_use]
pub fn fates<'r>(
    chain: &[impl AsRef<[u8]>],
    records: impl IntoIterator<Item = &'r Result<Tlsa, Unusable>>,
    verifies: impl Fn(Anchor<'_>) -> Result<(), String>,
) -> Vec<Fate> {
    let records: Vec<_> = records.into_iter().collect();
    let usable: Vec<&Tlsa> = records.iter().filter_map(|record| record.as_ref().ok()).collect();
    let issuers =
        chain.split_first().map(|(own, authorities)| (own.as_ref(), Issuers::of(own.as_ref(), authorities)));
    let fate = |record: &Tlsa| match &issuers {
        _ if is_superseded(record, &usable) => Fate::Superseded,
        None => Fate::NotReached,
        Some((own, issuers)) => match record.usage {
            Usage::EndEntity if is_matched(own, record) => Fate::Matched { at: Some(0) },
            Usage::EndEntity => Fate::NotMatched,
            Usage::TrustAnchor => issuers.fate(record, &verifies),
        },
    };
    records.iter().map(|record| record.as_ref().map_or_else(|why| Fate::Unusable(*why), fate)).collect()
}

/// Who issued the server's certificate, directly or at a distance, in what the certificates say of each other.
struct Issuers<'a> {
    /// Those that the server sent, each with its place in the chain.
    sent: Vec<(usize, &'a [u8])>,
    /// The names of all.
    names: Vec<&'a [u8]>,
    /// Of these, the names of those that the server did not send.
    missing: Vec<&'a [u8]>,
}

impl<'a> Issuers<'a> {
    fn of(own: &'a [u8], authorities: &'a [impl AsRef<[u8]>]) -> Self {
        let issuer = |octets| Certificate::read(octets).map(|certificate| certificate.issuer);
        let names = issuer(own).into_iter().collect();
        let mut issuers = Self { sent: Vec::new(), names, missing: Vec::new() };
        let mut others: Vec<_> = (1..)
            .zip(authorities)
            .filter_map(|(at, octets)| Some((at, octets.as_ref(), Certificate::read(octets.as_ref())?)))
            .collect();
        let mut next = 0;
        while let Some(name) = issuers.names.get(next).copied() {
            next += 1;
            let mut is_missing =
                !issuers.names.iter().take(next.saturating_sub(1)).any(|known| *known == name);
            for (at, octets, certificate) in others.extract_if(.., |(_, _, other)| other.subject == name) {
                is_missing = false;
                issuers.sent.push((at, octets));
                issuers.names.push(certificate.issuer);
            }
            if is_missing {
                issuers.missing.push(name);
            }
        }
        issuers
    }

    /// The fate of a record about a trust anchor.
    fn fate(&self, record: &Tlsa, verifies: impl Fn(Anchor<'_>) -> Result<(), String>) -> Fate {
        let sent = self.sent.iter().filter(|(_, octets)| is_matched(octets, record));
        let sent = sent.map(|(at, octets)| (Some(*at), Anchor::Certificate(octets)));
        let mut why = None;
        for (at, anchor) in sent.chain(self.missed(record).into_iter().map(|anchor| (None, anchor))) {
            match verifies(anchor) {
                Ok(()) => return Fate::Matched { at },
                Err(error) => why = why.or(Some(error)),
            }
        }
        why.map_or(Fate::NotMatched, Fate::Unverified)
    }

    /// The issuers that the record brings and the server did not send: only one in full can. With a certificate the
    /// server need not send it (RFC 7671 section 5.2.2); with a key it must, and is forgiven (section 5.2.3).
    fn missed<'r>(&self, record: &'r Tlsa) -> Vec<Anchor<'r>>
    where
        'a: 'r,
    {
        match (&record.association, record.selector) {
            (Association::Full(octets), Selector::Certificate) => Certificate::read(octets)
                .filter(|anchor| self.names.contains(&anchor.subject))
                .map(|_| Anchor::Certificate(octets))
                .into_iter()
                .collect(),
            (Association::Full(key), Selector::PublicKey) => {
                self.missing.iter().copied().map(|name| Anchor::Key { name, key }).collect()
            }
            (Association::Sha256(_) | Association::Sha512(_), _) => Vec::new(),
        }
    }
}

fn is_superseded(record: &Tlsa, usable: &[&Tlsa]) -> bool {
    let stronger = |other: &&Tlsa| {
        (other.usage, other.selector) == (record.usage, record.selector)
            && matches!(other.association, Association::Sha512(_))
    };
    matches!(record.association, Association::Sha256(_)) && usable.iter().any(stronger)
}

fn is_matched(octets: &[u8], record: &Tlsa) -> bool {
    let selected = match record.selector {
        Selector::Certificate => Some(octets),
        Selector::PublicKey => public_key(octets),
    };
    let digest = |algorithm, octets| digest::digest(algorithm, octets);
    selected.is_some_and(|octets| match &record.association {
        Association::Full(data) => data == octets,
        Association::Sha256(hash) => digest(&digest::SHA256, octets).as_ref() == hash,
        Association::Sha512(hash) => digest(&digest::SHA512, octets).as_ref() == hash,
    })
}

/// The SubjectPublicKeyInfo of a certificate in DER, with its tag and length: what selector SPKI(1) selects (RFC 6698
/// section 2.1.2). `None` if the octets are not framed as one certificate.
#[must_use]
pub fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    Certificate::read(certificate).map(|certificate| certificate.public_key)
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

    /// The first record that the chain matches, where everything else is in order.
    fn matched<'a>(chain: &[impl AsRef<[u8]>], records: &'a [Tlsa]) -> Option<&'a Tlsa> {
        let read: Vec<_> = records.iter().cloned().map(Ok).collect();
        let fates = fates(chain, &read, |_| Ok(()));
        let first = fates.iter().position(|fate| matches!(fate, Fate::Matched { .. }));
        first.map(|first| &records[first])
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

    /// RFC 7671 sections 5.2.2 and 5.2.3: only what is published in full can stand for an anchor that is not sent.
    #[test]
    fn an_anchor_that_is_not_sent_has_to_be_published_in_full() {
        let (Chain { der, keys }, other) = (chain(), chain());
        let [in_full, digests @ ..] = records(2, 0, &der[2]);
        assert!(is_match(&der[..2], &in_full));
        let [key_in_full, key_digests @ ..] = records(2, 1, &keys[2]);
        for record in digests.iter().chain(&key_digests) {
            assert!(!is_match(&der[..2], record), "{record}");
        }
        let asked = std::cell::RefCell::new(Vec::new());
        let fates_of = |chain: &[Vec<u8>]| {
            fates(chain, &[Ok(key_in_full.clone())], |anchor| {
                asked.borrow_mut().push(matches!(anchor, Anchor::Key { .. }));
                Err("another key".to_owned())
            })
        };
        assert_eq!(fates_of(&der[..2]), [Fate::Unverified("another key".to_owned())]);
        assert_eq!(fates_of(&der), [Fate::Unverified("another key".to_owned())]);
        assert_eq!(*asked.borrow(), [true, false], "a certificate that is sent stands for itself");
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

    #[test]
    fn each_record_has_a_fate_of_its_own() {
        let (here, other) = (chain(), chain());
        let [full, weak, strong] = records(3, 1, &here.keys[0]);
        let [_, elsewhere, _] = records(3, 0, &other.der[0]);
        let [_, anchor, _] = records(2, 0, &here.der[2]);
        let pkix = Tlsa::new(1, 1, 1, vec![0; 32]);
        let published = [Ok(full), Ok(weak), Ok(strong), Ok(elsewhere), Ok(anchor), pkix.clone()];
        let unusable = Fate::Unusable(pkix.unwrap_err());
        let own = Fate::Matched { at: Some(0) };
        let found = fates(&here.der, &published, |_| Err("expired".to_owned()));
        let unverified = Fate::Unverified("expired".to_owned());
        assert_eq!(
            found,
            [own.clone(), Fate::Superseded, own, Fate::NotMatched, unverified, unusable.clone()]
        );
        let nobody: [Vec<u8>; 0] = [];
        let unreached = Fate::NotReached;
        let expected =
            [unreached.clone(), Fate::Superseded, unreached.clone(), unreached.clone(), unreached, unusable];
        assert_eq!(fates(&nobody, &published, |_| Ok(())), expected);
    }

    #[test]
    fn the_anchor_that_verifies_is_told_by_its_place() {
        let Chain { der, .. } = chain();
        for (at, expected) in [(1, Some(1)), (2, Some(2))] {
            let [_, record, _] = records(2, 0, &der[at]);
            assert_eq!(fates(&der, &[Ok(record)], |_| Ok(())), [Fate::Matched { at: expected }]);
        }
        let [in_full, ..] = records(2, 0, &der[2]);
        assert_eq!(fates(&der[..2], &[Ok(in_full)], |_| Ok(())), [Fate::Matched { at: None }]);
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
