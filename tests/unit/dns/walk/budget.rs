//! Whatever the replies hold, the work has an end, and its end is neither secure nor insecure.

use super::scene::*;
use hickory_proto::dnssec::crypto::{Digest, EcdsaSigningKey};
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData};
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKey, PublicKeyBuf, SigningKey, TBS};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::walk::TrustContext;
use smtp_sts_verify::dns::{Class, Outage, Outcome};
use smtp_sts_verify::limits::{
    MAX_DENIALS, MAX_DS_DIGESTS, MAX_HASH_BLOCKS, MAX_KEY_COLLISIONS, MAX_NSEC3_HASHES, MAX_REPLY_RECORDS,
    MAX_RRSET_RECORDS, MAX_VERIFICATIONS, MAX_VERIFICATIONS_PER_MX_HOST, MAX_WRONG_SIGNATURES_PER_RRSET,
};
use std::sync::Arc;
use std::time::Instant;

const POLICY: &str = "_smtp-sts.mail.test.";

#[track_caller]
fn expect_exhausted(scene: &Scene, rtype: &str) {
    let finding = scene.ask(POLICY, rtype);
    assert!(matches!(finding.outcome, Outcome::Unreachable(Outage::Budget, ..)), "{finding:?}");
}

/// A good RRset behind so many bad signatures.
fn behind_bad_signatures(scene: &Scene, bad: usize) -> Vec<Record> {
    let evil = Zone::new("mail.test.");
    let tag = scene.mail.tag();
    let mut set = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    let wrong = evil.signed_but(vec![txt(POLICY, "v=STSv1")], |input| input.key_tag = tag).remove(1);
    for _ in 0..bad {
        set.insert(1, wrong.clone());
    }
    set
}

#[test]
fn eight_wrong_signatures_of_one_rrset_are_passed_over() {
    let mut scene = Scene::new();
    let set = behind_bad_signatures(&scene, MAX_WRONG_SIGNATURES_PER_RRSET);
    scene.put(POLICY, "TXT", data(vec![set]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
    let set = behind_bad_signatures(&scene, MAX_WRONG_SIGNATURES_PER_RRSET + 1);
    scene.put(POLICY, "TXT", data(vec![set]));
    expect_exhausted(&scene, "TXT");
}

#[test]
fn signatures_that_cannot_fit_cost_nothing() {
    let mut scene = Scene::new();
    let mut set = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    let foreign = Zone::new("mail.test.").signed(vec![txt(POLICY, "v=STSv1")]).remove(1);
    for _ in 0..500 {
        set.insert(1, foreign.clone());
    }
    scene.put(POLICY, "TXT", data(vec![set]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

#[test]
fn an_rrset_a_reply_and_its_denials_have_a_size() {
    let mut scene = Scene::new();
    let texts = |count: usize| (0..count).map(|i| txt(POLICY, &i.to_string())).collect::<Vec<_>>();
    let set = scene.mail.signed(texts(MAX_RRSET_RECORDS));
    scene.put(POLICY, "TXT", data(vec![set]));
    expect(&scene.ask(POLICY, "TXT"), &format!("secure {MAX_RRSET_RECORDS} data"));
    let set = scene.mail.signed(texts(MAX_RRSET_RECORDS + 1));
    scene.put(POLICY, "TXT", data(vec![set]));
    expect_exhausted(&scene, "TXT");

    let with_others = |others: usize| {
        let mut set = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
        set.extend((0..others).map(|_| txt("x.mail.test.", "x")));
        data(vec![set])
    };
    let (most, too_many) = (with_others(MAX_REPLY_RECORDS - 2), with_others(MAX_REPLY_RECORDS - 1));
    scene.put(POLICY, "TXT", most);
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
    scene.put(POLICY, "TXT", too_many);
    expect_exhausted(&scene, "TXT");

    let denied_by = |denials: usize| {
        let beside = (1..denials).map(|i| scene.mail.nsec(&format!("a{i}.mail.test."), "b.mail.test.", "A"));
        denial(beside.chain([scene.mail.nsec(POLICY, "x.mail.test.", "TXT RRSIG NSEC")]).collect())
    };
    let (most, too_many) = (denied_by(MAX_DENIALS), denied_by(MAX_DENIALS + 1));
    scene.put(POLICY, "A", most);
    expect(&scene.ask(POLICY, "A"), "secure nodata");
    scene.put(POLICY, "A", too_many);
    expect_exhausted(&scene, "A");
}

#[test]
fn digests_of_keys_are_counted() {
    let mut scene = Scene::new();
    let tag = scene.mail.tag();
    let wrong = |i: u8| scene.mail.ds_of(tag, Algorithm::ECDSAP256SHA256, DigestType::SHA256, &[i; 32]);
    let most = u8::try_from(MAX_DS_DIGESTS).unwrap();
    let none_fits = |digests: u8| data(vec![scene.test.signed((0..digests).map(wrong).collect())]);
    let (as_many, too_many) = (none_fits(most), none_fits(most + 1));
    let few = scene.test.signed(vec![wrong(1), wrong(2), scene.mail.ds(DigestType::SHA256)]);
    scene.put("mail.test.", "DS", too_many);
    expect_exhausted(&scene, "TXT");
    scene.put("mail.test.", "DS", as_many);
    expect(&scene.ask(POLICY, "TXT"), "bogus (key-mismatch)");
    scene.put("mail.test.", "DS", data(vec![few]));
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

/// Asks many questions of one verdict, until nothing more can be spent.
fn drained(scene: &mut Scene, message: impl Fn(&Scene, &str) -> hickory_proto::op::Message) -> TrustContext {
    let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap();
    let mut trust = TrustContext::new(Arc::new(anchors), scene.now);
    for i in 0..1_000 {
        let owner = format!("_{i}.mail.test.");
        let message = message(scene, &owner);
        scene.put(&owner, "TXT", message);
        let (finding, _) = scene.walk_under(&mut trust, &owner, "TXT");
        if matches!(finding.outcome, Outcome::Unreachable(Outage::Budget, ..)) {
            return trust;
        }
    }
    panic!("{:?}", trust.spent());
}

#[test]
fn the_signatures_of_one_verdict_have_an_end() {
    let mut scene = Scene::new();
    let mut trust = drained(&mut scene, |scene, owner| {
        let set = behind_bad_signatures(scene, 8);
        data(vec![
            set.into_iter()
                .map(|mut record| {
                    record.name = name(owner);
                    record
                })
                .collect(),
        ])
    });
    // The last of them all is made, and of the next one it is known only that it would be one too many.
    assert_eq!(trust.spent().verifications, MAX_VERIFICATIONS + 1);
    // What comes afterwards is not judged at all, however good.
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    let (finding, _) = scene.walk_under(&mut trust, POLICY, "TXT");
    assert!(matches!(finding.outcome, Outcome::Unreachable(Outage::Budget, ..)), "{finding:?}");
    // Beginning again does not fill the purse.
    let mut trust = trust.afresh();
    let (finding, _) = scene.walk_under(&mut trust, POLICY, "TXT");
    assert!(matches!(finding.outcome, Outcome::Unreachable(Outage::Budget, ..)), "{finding:?}");
    // An MX host that is looked at brings some of its own.
    trust.allow_mx_hosts(1);
    let mut trust = trust.afresh();
    let (finding, _) = scene.walk_under(&mut trust, POLICY, "TXT");
    assert_eq!(finding.outcome.class(), Class::Secure, "{finding:?}");
    assert!(trust.spent().verifications <= MAX_VERIFICATIONS + MAX_VERIFICATIONS_PER_MX_HOST);
}

#[test]
fn the_hashes_of_one_verdict_have_an_end() {
    for iterations in [0, 150] {
        let terms = Nsec3 { iterations, ..PLAIN };
        let mut scene = Scene::new();
        let deep = "a.".repeat(80);
        let trust = drained(&mut scene, |scene, owner| {
            let proof =
                vec![scene.mail.nsec3_at("mail.test.", "NS SOA", terms), scene.mail.nsec3_over(owner, terms)];
            let mut message = reply(ResponseCode::NXDomain, vec![], proof);
            message.answers.push(txt(&format!("{deep}mail.test."), "x"));
            message
        });
        assert!(trust.spent().nsec3_hashes <= MAX_NSEC3_HASHES + 1);
        assert!(trust.spent().hash_blocks <= MAX_HASH_BLOCKS + 1_000);
    }
}

/// What one question costs here is known to the hash: each label of its name, and once for all questions the apex and the wildcard
/// below it (RFC 5155 section 8.3). Signatures and blocks are far from their ends.
#[test]
fn the_last_hash_of_one_verdict_is_computed_and_the_next_one_is_not() {
    const QUESTIONS: usize = 4;
    let deep = (MAX_NSEC3_HASHES - 2 - 2) / QUESTIONS;
    for (labels_left, is_decided) in [(2, true), (3, false)] {
        let mut scene = Scene::new();
        let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap();
        let mut trust = TrustContext::new(Arc::new(anchors), scene.now);
        let mut decided = Vec::new();
        for (i, labels) in [deep, deep, deep, deep, labels_left].into_iter().enumerate() {
            let next_closer = format!("_{i}.mail.test.");
            let owner = format!("{}{next_closer}", "_.".repeat(labels - 1));
            let proof = vec![
                scene.mail.nsec3_at("mail.test.", "NS SOA", PLAIN),
                scene.mail.nsec3_over(&next_closer, PLAIN),
                scene.mail.nsec3_over("*.mail.test.", PLAIN),
            ];
            scene.put(&owner, "TXT", reply(ResponseCode::NXDomain, vec![], proof));
            decided.push(short(&scene.walk_under(&mut trust, &owner, "TXT").0));
        }
        let spent = trust.spent();
        assert_eq!(decided[..QUESTIONS], ["secure nxdomain"; QUESTIONS]);
        assert_eq!(decided[QUESTIONS] == "secure nxdomain", is_decided, "{decided:?} {spent:?}");
        assert_eq!(spent.nsec3_hashes, MAX_NSEC3_HASHES + usize::from(!is_decided));
        assert!(spent.verifications < MAX_VERIFICATIONS && spent.hash_blocks < MAX_HASH_BLOCKS, "{spent:?}");
    }
}

/// The same key with two of its words exchanged has the same tag (RFC 4034 appendix B), and is another one.
fn same_tag(key: &DNSKEY) -> Vec<DNSKEY> {
    let octets = key.public_key().public_bytes().to_vec();
    let words = octets.len() / 2;
    let pairs = (0..words).flat_map(|i| (i + 1..words).map(move |j| (2 * i, 2 * j)));
    pairs
        .map(|(i, j)| {
            let mut other = octets.clone();
            (other[i], other[i + 1], other[j], other[j + 1]) =
                (octets[j], octets[j + 1], octets[i], octets[i + 1]);
            DNSKEY::with_flags(257, PublicKeyBuf::new(other, Algorithm::ECDSAP256SHA256))
        })
        .filter(|other| other.public_key() != key.public_key())
        .collect()
}

#[test]
fn four_keys_of_one_tag_are_tried_for_a_signature_and_no_fifth() {
    for (before, expected) in
        [(MAX_KEY_COLLISIONS - 1, "secure 1 data"), (MAX_KEY_COLLISIONS, "bogus (wrong-signature)")]
    {
        let mut scene = Scene::new();
        // A zone's keys are tried in canonical order: those before the genuine one are tried first.
        let genuine = scene.mail.dnskey.public_key().public_bytes().to_vec();
        let mut others = same_tag(&scene.mail.dnskey);
        others.retain(|other| other.public_key().public_bytes() < &genuine[..]);
        assert!(others.iter().all(|other| other.calculate_key_tag().unwrap() == scene.mail.tag()));
        let mut keys = vec![scene.mail.key()];
        keys.extend(
            others[..before]
                .iter()
                .map(|other| record("mail.test.", RData::DNSSEC(DNSSECRData::DNSKEY(other.clone())))),
        );
        let keys = scene.mail.signed(keys);
        scene.put("mail.test.", "DNSKEY", data(vec![keys]));
        let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
        scene.put(POLICY, "TXT", data(vec![policy]));
        let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap();
        let mut trust = TrustContext::new(Arc::new(anchors), scene.now);
        expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, expected);
    }
}

#[test]
fn a_deep_name_in_a_zone_with_many_iterations_costs_at_most_the_budget() {
    let mut scene = Scene::new();
    let terms = Nsec3 { iterations: 150, salt: &[7; 255], ..PLAIN };
    let owner = format!("{}mail.test.", "_.".repeat(110));
    let proof = vec![scene.mail.nsec3_over("evil.test.", terms)];
    scene.put(&owner, "TXT", denial(proof));
    let finding = scene.ask(&owner, "TXT");
    assert!(matches!(finding.outcome, Outcome::Unreachable(Outage::Budget, ..)), "{finding:?}");
}

#[test]
#[ignore = "shows what the units of the budget cost: --release --nocapture"]
fn what_work_costs() {
    let measure = |what: &str, work: &mut dyn FnMut()| {
        let once = (0..50).map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        });
        println!("{what}: {:?}", once.min().unwrap());
    };
    for algorithm in [Algorithm::ECDSAP256SHA256, Algorithm::ECDSAP384SHA384] {
        let pkcs8 = EcdsaSigningKey::generate_pkcs8(algorithm).unwrap();
        let secret = EcdsaSigningKey::from_pkcs8(&pkcs8, algorithm).unwrap();
        let key = secret.to_public_key().unwrap();
        let signature = secret.sign(&TBS::from(&b"text"[..])).unwrap();
        measure(&format!("{algorithm:?}"), &mut || key.verify(b"text", &signature).unwrap());
    }
    for (bits, exponent) in
        [(2_048, &[1, 0, 1][..]), (4_096, &[1, 0, 1]), (8_192, &[1, 0, 1]), (8_192, &[1, 255, 255, 255, 255])]
    {
        let mut octets = vec![u8::try_from(exponent.len()).unwrap()];
        octets.extend_from_slice(exponent);
        octets.extend(vec![0xf1; bits / 8]);
        let key = PublicKeyBuf::new(octets, Algorithm::RSASHA512);
        let signature = vec![0x51; bits / 8];
        measure(&format!("RSA {bits}, exponent of {} octets", exponent.len()), &mut || {
            assert!(key.verify(b"text", &signature).is_err());
        });
    }
    let heavy = Nsec3 { iterations: 150, ..PLAIN };
    measure("an NSEC3 hash with 150 iterations", &mut || drop(heavy.hash(&name("mail.test."))));
    let octets = vec![1; 65_536];
    measure("SHA-256 over 64 KiB", &mut || assert!(Digest::new(&octets, DigestType::SHA256).is_ok()));
}
