//! What zones and servers do that no book foresees, and that other validators take.

use super::scene::*;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData};
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKeyBuf};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{RData, Record};

const HOST: &str = "mx.mail.test.";
const TLSA_AT: &str = "_25._tcp.mx.mail.test.";

/// A scene in which `mail.test.` denies the DS of `mx.mail.test.` as at a delegation.
fn balanced() -> Scene {
    let mut scene = Scene::new();
    let cut = scene.mail.nsec(HOST, "n.mail.test.", "NS RRSIG NSEC");
    scene.put(HOST, "DS", denial(vec![cut]));
    scene
}

fn spoilt(mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        if let RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) = &record.data {
            let mut octets = rrsig.sig().to_vec();
            octets[9] ^= 1;
            let rrsig = hickory_proto::dnssec::rdata::RRSIG::from_sig(rrsig.input().clone(), octets);
            record.data = RData::DNSSEC(DNSSECRData::RRSIG(rrsig));
        }
    }
    records
}

// ---- load balancers: a delegation without DS, whose data the zone above holds (RFC 4035 section 5.3.1) ------------

#[test]
fn what_the_zone_above_has_signed_below_such_a_cut_is_secure() {
    let mut scene = balanced();
    let (host, below) =
        (scene.mail.signed(vec![address(HOST)]), scene.mail.signed(vec![txt(TLSA_AT, "stands in for TLSA")]));
    scene.put(HOST, "A", data(vec![host]));
    scene.put(TLSA_AT, "TXT", data(vec![below]));
    expect(&scene.ask(HOST, "A"), "secure 1 data");
    expect(&scene.ask(TLSA_AT, "TXT"), "secure 1 data");
}

#[test]
fn so_it_is_with_nsec3_under_opt_out_and_below_unsupported_keys() {
    let unsupported = |scene: &Scene| {
        let ds = scene.mail.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[0; 32]);
        let ds = Record::from_rdata(name(HOST), TTL, ds.data);
        data(vec![scene.mail.signed(vec![ds])])
    };
    let cuts: [&dyn Fn(&Scene) -> Message; 3] = [
        &|scene| denial(vec![scene.mail.nsec3_at(HOST, "NS", PLAIN)]),
        &|scene| {
            denial(vec![
                scene.mail.nsec3_at("mail.test.", "SOA NS", OPT_OUT),
                scene.mail.nsec3_over(HOST, OPT_OUT),
            ])
        },
        &unsupported,
    ];
    for cut in cuts {
        let mut scene = Scene::new();
        let reply = cut(&scene);
        scene.put(HOST, "DS", reply);
        let host = scene.mail.signed(vec![address(HOST)]);
        scene.put(HOST, "A", data(vec![host]));
        expect(&scene.ask(HOST, "A"), "secure 1 data");
        scene.put(HOST, "A", data(vec![vec![address(HOST)]]));
        assert!(short(&scene.ask(HOST, "A")).starts_with("insecure 1 data"));
    }
}

#[test]
fn what_nobody_or_another_zone_has_signed_there_stays_insecure() {
    let mut scene = balanced();
    let by_above = scene.test.signed(vec![address(HOST)]);
    for answer in [vec![address(HOST)], by_above] {
        scene.put(HOST, "A", data(vec![answer]));
        expect(&scene.ask(HOST, "A"), "insecure 1 data (unsigned-delegation)");
    }
    // A signature over something else does not help.
    let other = [scene.mail.signed(vec![txt(HOST, "signed")]), vec![address(HOST)]].concat();
    scene.put(HOST, "A", data(vec![other]));
    expect(&scene.ask(HOST, "A"), "insecure 1 data (unsigned-delegation)");
}

#[test]
fn the_zone_above_denies_nothing_there() {
    let mut scene = balanced();
    let nodata = scene.mail.nsec(HOST, "n.mail.test.", "NS RRSIG NSEC");
    scene.put(HOST, "AAAA", denial(vec![scene.mail.signed(vec![soa("mail.test.", 60)]), nodata.clone()]));
    expect(&scene.ask(HOST, "AAAA"), "insecure nodata (unsigned-delegation)");
    let gone = reply(ResponseCode::NXDomain, vec![], vec![nodata]);
    scene.put(TLSA_AT, "TXT", gone);
    expect(&scene.ask(TLSA_AT, "TXT"), "insecure nxdomain (unsigned-delegation)");
}

#[test]
fn a_wrong_signature_of_the_zone_above_is_bogus_there_as_in_unbound_and_delv() {
    let mut scene = balanced();
    let wrong = spoilt(scene.mail.signed(vec![address(HOST)]));
    scene.put(HOST, "A", data(vec![wrong]));
    expect(&scene.ask(HOST, "A"), "bogus (wrong-signature)");
}

#[test]
fn a_wildcard_of_the_zone_above_does_not_answer_there() {
    let mut scene = balanced();
    let expanded = scene.mail.expanded(vec![address(HOST)], 2);
    scene.put(HOST, "A", data(vec![expanded.clone()]));
    expect(&scene.ask(HOST, "A"), "bogus (wildcard-unproven)");
    let cut = scene.mail.nsec(HOST, "n.mail.test.", "NS RRSIG NSEC");
    scene.put(HOST, "A", reply(ResponseCode::NoError, vec![expanded], vec![cut]));
    expect(&scene.ask(HOST, "A"), "bogus (wildcard-unproven)");
}

#[test]
fn an_alias_that_the_zone_above_has_signed_there_is_followed() {
    let mut scene = balanced();
    let alias = scene.mail.signed(vec![cname(HOST, "a.mail.test.")]);
    let target = scene.mail.signed(vec![address("a.mail.test.")]);
    scene.put(HOST, "A", data(vec![alias]));
    scene.put("a.mail.test.", "A", data(vec![target]));
    expect(&scene.ask(HOST, "A"), "secure 1 data");
    scene.put(HOST, "A", data(vec![vec![cname(HOST, "a.mail.test.")]]));
    expect(&scene.ask(HOST, "A"), "insecure 1 data (unsigned-delegation)");
}

// ---- a DS without NS (RFC 4035 section 2.4) ------------------------------------------------------------------------

#[test]
fn a_bitmap_with_ds_and_without_ns_is_that_of_a_cut() {
    for types in ["DS", "DS RRSIG NSEC", "NS DS RRSIG NSEC"] {
        let mut scene = Scene::new();
        let (nsec, nsec3) =
            (scene.mail.nsec(HOST, "n.mail.test.", types), scene.mail.nsec3_at(HOST, types, PLAIN));
        for proof in [nsec, nsec3] {
            // What stands at the name is denied by the zone below alone, and a DS was withheld.
            scene.put(HOST, "TXT", denial(vec![proof.clone()]));
            scene.put(HOST, "DS", denial(vec![proof.clone()]));
            assert!(short(&scene.ask(HOST, "TXT")).starts_with("bogus"), "{types}");
            expect(&scene.ask(HOST, "DS"), "bogus (withheld)");
        }
        // Nor does such a record deny what is below it.
        let mut scene = Scene::new();
        let below = "a.mx.mail.test.";
        let cover = scene.mail.nsec(HOST, "n.mail.test.", types);
        let encloser = scene.mail.nsec3_at(HOST, types, PLAIN);
        let covers = ["a.mx.mail.test.", "*.mx.mail.test."].map(|over| scene.mail.nsec3_over(over, PLAIN));
        for proof in [vec![cover], [vec![encloser], covers.to_vec()].concat()] {
            scene.put(below, "TXT", reply(ResponseCode::NXDomain, vec![], proof));
            assert!(!short(&scene.ask(below, "TXT")).starts_with("secure"), "{types}");
        }
    }
}

// ---- NODATA without SOA (RFC 2308 section 2.2) ---------------------------------------------------------------------

/// NOERROR with an NS record in the authority section and nothing else.
fn without_soa(recursion_available: bool) -> Message {
    let ns = record("mail.test.", RData::NS(NS(name("ns.mail.test."))));
    let mut message = denial(vec![vec![ns]]);
    message.metadata.recursion_available = recursion_available;
    message
}

#[test]
fn where_recursion_is_available_ns_without_soa_is_nodata_in_a_zone_that_is_proven_unsigned() {
    let mut scene = Scene::new();
    let cut = scene.test.nsec("mail.test.", "n.test.", "NS RRSIG NSEC");
    scene.put("mail.test.", "DS", denial(vec![cut]));
    scene.put("mail.test.", "MX", without_soa(true));
    let finding = scene.ask("mail.test.", "MX");
    expect(&finding, "insecure nodata (unsigned-delegation)");
    assert_eq!(finding.valid_until.unwrap().0, NOW, "without SOA it is not kept (RFC 2308 section 5)");
    scene.put("mail.test.", "MX", without_soa(false));
    expect(&scene.ask("mail.test.", "MX"), "unreachable ProvenInsecure (no-answer)");
}

#[test]
fn in_a_signed_zone_it_is_bogus_and_where_nothing_is_proven_it_is_no_answer() {
    let mut scene = Scene::new();
    for recursion_available in [true, false] {
        scene.put("mail.test.", "MX", without_soa(recursion_available));
        expect(&scene.ask("mail.test.", "MX"), "bogus (no-proof)");
    }
    scene.fail("mail.test.", "DS");
    scene.put("mail.test.", "MX", without_soa(true));
    expect(&scene.ask("mail.test.", "MX"), "unreachable Unknown (no-answer)");
}

// ---- keys that cannot be used --------------------------------------------------------------------------------------

/// RFC 3110 section 2: an odd number of so many bits, twice.
fn rsa(modulus_bits: usize, exponent_bits: usize) -> Vec<u8> {
    let number = |bits: usize| {
        let mut octets = vec![0; bits.div_ceil(8)];
        octets[0] = 1 << ((bits - 1) % 8);
        *octets.last_mut().unwrap() |= 1;
        octets
    };
    let exponent = number(exponent_bits);
    let mut key = vec![u8::try_from(exponent.len()).unwrap()];
    key.extend(exponent);
    key.extend(number(modulus_bits));
    key
}

/// What is said of a zone whose only key is this one, named by its DS, and whose signature is over nothing.
fn only_key(algorithm: Algorithm, octets: Vec<u8>) -> String {
    let mut scene = Scene::new();
    let key = DNSKEY::with_flags(257, PublicKeyBuf::new(octets, algorithm));
    let tag = key.calculate_key_tag().unwrap();
    let digest = key.to_digest(&name("mail.test."), DigestType::SHA256).unwrap();
    let ds = scene.mail.ds_of(tag, algorithm, DigestType::SHA256, digest.as_ref());
    scene.put("mail.test.", "DS", data(vec![scene.test.signed(vec![ds])]));
    let keys = vec![record("mail.test.", RData::DNSSEC(DNSSECRData::DNSKEY(key)))];
    let keys = scene.mail.signed_but(keys, |input| (input.algorithm, input.key_tag) = (algorithm, tag));
    scene.put("mail.test.", "DNSKEY", data(vec![keys]));
    scene.put("mail.test.", "MX", data(vec![vec![txt("mail.test.", "whatever")]]));
    short(&scene.ask("mail.test.", "MX"))
}

#[test]
fn a_key_that_cannot_be_used_is_called_so_and_its_zone_stays_bogus() {
    for (modulus, exponent, word) in [
        (512, 17, "unusable-key"),
        (1_000, 17, "unusable-key"),
        (1_023, 17, "unusable-key"),
        (1_024, 17, "wrong-signature"),
        (2_048, 33, "wrong-signature"),
        (2_048, 34, "unusable-key"),
        (2_048, 2_000, "unusable-key"),
        (8_192, 17, "wrong-signature"),
        (8_193, 17, "unusable-key"),
    ] {
        let said = only_key(Algorithm::RSASHA256, rsa(modulus, exponent));
        assert_eq!(said, format!("bogus ({word})"), "{modulus} {exponent}");
    }
    for (algorithm, octets) in [
        (Algorithm::RSASHA256, vec![]),
        (Algorithm::RSASHA256, vec![3, 1, 0, 1]),
        (Algorithm::RSASHA512, vec![200, 1, 0, 1]),
        (Algorithm::RSASHA256, vec![0, 1]),
        (Algorithm::ECDSAP256SHA256, vec![4; 65]),
        (Algorithm::ECDSAP384SHA384, vec![4; 64]),
        (Algorithm::ED25519, vec![4; 31]),
        // RFC 8017 section 3.1: neither exponent nor modulus is zero.
        (Algorithm::RSASHA256, [vec![1, 0], vec![0xff; 256]].concat()),
        (Algorithm::RSASHA256, [vec![1, 3], vec![0; 256]].concat()),
    ] {
        assert_eq!(only_key(algorithm, octets.clone()), "bogus (unusable-key)", "{algorithm:?} {octets:?}");
    }
    // RFC 6605 section 4 and RFC 8080 section 3: as long as a key of the algorithm is.
    for (algorithm, length) in
        [(Algorithm::ECDSAP256SHA256, 64), (Algorithm::ECDSAP384SHA384, 96), (Algorithm::ED25519, 32)]
    {
        assert_eq!(only_key(algorithm, vec![4; length]), "bogus (wrong-signature)", "{algorithm:?}");
    }
}

#[test]
fn a_zone_whose_data_only_such_a_key_has_signed_is_bogus_and_a_usable_key_beside_it_is_enough() {
    let mut scene = Scene::new();
    let short = DNSKEY::with_flags(256, PublicKeyBuf::new(rsa(512, 17), Algorithm::RSASHA256));
    let tag = short.calculate_key_tag().unwrap();
    let keys = vec![scene.mail.key(), record("mail.test.", RData::DNSSEC(DNSSECRData::DNSKEY(short)))];
    scene.put("mail.test.", "DNSKEY", data(vec![scene.mail.signed(keys)]));
    let policy = || vec![txt("_p.mail.test.", "v=STSv1")];
    let by_short = scene.mail.signed_but(policy(), |input| {
        (input.algorithm, input.key_tag) = (Algorithm::RSASHA256, tag);
    });
    scene.put("_p.mail.test.", "TXT", data(vec![by_short.clone()]));
    expect(&scene.ask("_p.mail.test.", "TXT"), "bogus (unusable-key)");
    let by_both = [by_short, scene.mail.signed(policy())].concat();
    scene.put("_p.mail.test.", "TXT", data(vec![by_both]));
    expect(&scene.ask("_p.mail.test.", "TXT"), "secure 1 data");
}
