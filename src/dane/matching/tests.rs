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

/// As `fixtures/probe.schema.json` has them.
#[test]
fn each_fate_has_its_word() {
    for (fate, word) in [
        (Fate::Matched { at: None }, "matched"),
        (Fate::NotMatched, "not-matched"),
        (Fate::Unverified("why".to_owned()), "unverified"),
        (Fate::Unusable(Unusable::Usage(1)), "unusable"),
        (Fate::Superseded, "superseded"),
        (Fate::NotReached, "not-reached"),
    ] {
        assert_eq!(fate.word(), word);
    }
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
    let stranger = CertifiedIssuer::self_signed(authority("stranger"), KeyPair::generate().unwrap()).unwrap();
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
    assert_eq!(found, [own.clone(), Fate::Superseded, own, Fate::NotMatched, unverified, unusable.clone()]);
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
