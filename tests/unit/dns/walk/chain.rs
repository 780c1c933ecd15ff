//! Down from the anchor: signatures, keys, DS, and the proofs that no chain leads further.

use super::scene::*;
use hickory_proto::dnssec::{Algorithm, DigestType};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{DNSClass, Name, RData, SerialNumber};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::walk::{Replies, Step, TrustContext, Walk};
use smtp_sts_verify::dns::{Blame, Outage, Outcome, Question};
use smtp_sts_verify::time::UnixTime;
use std::sync::Arc;

const POLICY: &str = "_smtp-sts.mail.test.";

/// A scene in which `mail.test.` has a policy record.
fn with_policy() -> Scene {
    let mut scene = Scene::new();
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    scene
}

/// A scene in which somebody puts a policy record there without a signature.
fn with_forgery() -> Scene {
    let mut scene = Scene::new();
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "forged")]]));
    scene
}

fn blame(scene: &Scene) -> Blame {
    match scene.ask(POLICY, "TXT").outcome {
        Outcome::Bogus(blame, _) => blame,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_every_zone_down_to_it_has_signed_is_secure() {
    let finding = with_policy().ask(POLICY, "TXT");
    expect(&finding, "secure 1 data");
    assert_eq!(finding.valid_until, Some(UnixTime(NOW + u64::from(TTL))));
}

#[test]
fn everything_foreseeable_is_asked_in_the_first_round_trip() {
    let anchors = Arc::new(TrustAnchors::iana().unwrap());
    let mut trust = TrustContext::new(anchors, UnixTime(NOW));
    let Step::Ask(questions) = Walk::new(Question::new(&name(POLICY), hickory_proto::rr::RecordType::TXT))
        .step(&mut trust, &Replies::default())
    else {
        panic!("nothing is known yet")
    };
    let mut asked: Vec<String> = questions.iter().map(ToString::to_string).collect();
    assert_eq!(asked[0], ". DNSKEY");
    asked.sort();
    assert_eq!(
        asked,
        [
            ". DNSKEY",
            "_smtp-sts.mail.test. TXT",
            "mail.test. DNSKEY",
            "mail.test. DS",
            "test. DNSKEY",
            "test. DS"
        ]
    );
}

#[test]
fn no_more_than_six_names_are_asked_about_ahead() {
    let mut trust = TrustContext::new(Arc::new(TrustAnchors::iana().unwrap()), UnixTime(NOW));
    let deep = name(&"a.".repeat(100));
    let mut walk = Walk::new(Question::new(&deep, hickory_proto::rr::RecordType::A));
    let Step::Ask(questions) = walk.step(&mut trust, &Replies::default()) else { panic!() };
    assert_eq!(questions.len(), 2 + 2 * 6);
}

#[test]
fn a_second_walk_asks_only_for_what_the_first_has_not_proven() {
    let mut scene = with_policy();
    let mx = scene.mail.signed(vec![txt("_mta-sts.mail.test.", "v=STSv1")]);
    scene.put("_mta-sts.mail.test.", "TXT", data(vec![mx]));
    let mut trust = TrustContext::new(
        Arc::new(TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap()),
        scene.now,
    );
    expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, "secure 1 data");
    let spent = trust.spent().verifications;
    let (finding, asked) = scene.walk_under(&mut trust, "_mta-sts.mail.test.", "TXT");
    expect(&finding, "secure 1 data");
    assert_eq!(asked, ["_mta-sts.mail.test. TXT"]);
    assert_eq!(trust.spent().verifications, spent + 1);
}

/// What a walk wants at its first step, or where it begins anew at a name after an alias.
fn wants(scene: &Scene, trust: &mut TrustContext, owner: &str, rtype: &str, after: &str) -> Vec<String> {
    let mut walk = Walk::new(Question::new(&name(owner), types(rtype)[0]));
    let mut replies = Replies::default();
    for _ in 0..50 {
        let Step::Ask(questions) = walk.step(trust, &replies) else { panic!("it has ended") };
        let words: Vec<String> = questions.iter().map(ToString::to_string).collect();
        if words.iter().any(|question| question == after) {
            return words;
        }
        replies.insert(questions[0].clone(), scene.reply_to(&questions[0]));
    }
    panic!("{after} is not asked for");
}

fn trust_of(scene: &Scene) -> TrustContext {
    let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap();
    TrustContext::new(Arc::new(anchors), scene.now)
}

#[test]
fn behind_an_alias_all_is_asked_ahead_but_the_keys_at_its_target() {
    let mut scene = Scene::new();
    let alias = scene.mail.signed(vec![cname(POLICY, "a.other.test.")]);
    scene.put(POLICY, "TXT", data(vec![alias]));
    let mut wanted = wants(&scene, &mut trust_of(&scene), POLICY, "TXT", "a.other.test. TXT");
    assert_eq!(wanted.remove(0), "other.test. DS", "what it waits for comes first");
    wanted.sort();
    assert_eq!(wanted, ["a.other.test. DS", "a.other.test. TXT", "other.test. DNSKEY"]);
}

#[test]
fn beside_a_zone_that_holds_data_no_other_is_looked_for_and_beside_one_that_only_denies_it_is() {
    let mut scene = with_policy();
    let nothing = scene.test.nsec("host.test.", "i.test.", "A RRSIG NSEC");
    for rtype in ["TXT", "DS"] {
        scene.put("host.test.", rtype, denial(vec![nothing.clone()]));
    }
    let mut trust = trust_of(&scene);
    expect(&scene.walk_under(&mut trust, "host.test.", "TXT").0, "secure nodata");
    let wanted = wants(&scene, &mut trust, "mail.test.", "MX", "mail.test. MX");
    assert_eq!(wanted, ["mail.test. DS", "mail.test. MX", "mail.test. DNSKEY"]);
    // Data below the apex, or no more than a denial at the apex itself.
    let addresses = scene.mail.signed(vec![address("www.mail.test.")]);
    scene.put("www.mail.test.", "A", data(vec![addresses]));
    let nothing = scene.mail.nsec("mail.test.", "a.mail.test.", "NS SOA RRSIG NSEC DNSKEY");
    let absent = reply(ResponseCode::NXDomain, vec![], vec![nothing]);
    scene.put("_mta-sts.mail.test.", "TXT", absent);
    for (held_by, rtype, outcome) in
        [("www.mail.test.", "A", "secure 1 data"), ("_mta-sts.mail.test.", "TXT", "secure nxdomain")]
    {
        let mut trust = trust_of(&scene);
        expect(&scene.walk_under(&mut trust, held_by, rtype).0, outcome);
        let wanted = wants(&scene, &mut trust, "mx.mail.test.", "A", "mx.mail.test. A");
        assert_eq!(wanted, ["mx.mail.test. A"], "{held_by}");
    }
}

#[test]
fn what_is_bogus_without_what_others_have_proven_is_looked_at_once() {
    let scene = with_forgery();
    let mut trust = trust_of(&scene);
    expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, "bogus (no-signature)");
    // The keys of three zones, two DS, and that no zone begins at the name.
    assert_eq!(trust.spent().verifications, 6);
}

// ---- signatures (RFC 4035 section 5.3) -----------------------------------------------------------------------

#[test]
fn data_without_signature_is_bogus_in_a_signed_zone() {
    expect(&with_forgery().ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn a_signature_counts_only_by_the_zone_itself() {
    for (signer, expected) in
        [(".", "bogus (no-signature)"), ("test.", "bogus (no-signature)"), ("mail.test.", "secure 1 data")]
    {
        let mut scene = Scene::new();
        let zone = [&scene.root, &scene.test, &scene.mail]
            .into_iter()
            .find(|zone| zone.origin == name(signer))
            .unwrap();
        let policy = zone.signed(vec![txt(POLICY, "v=STSv1")]);
        scene.put(POLICY, "TXT", data(vec![policy]));
        expect(&scene.ask(POLICY, "TXT"), expected);
    }
}

#[test]
fn another_zones_key_under_this_zones_name_signs_nothing() {
    let mut scene = Scene::new();
    let evil = Zone::new("mail.test.");
    let policy = evil.signed(vec![txt(POLICY, "forged")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
    let tag = scene.mail.tag();
    let policy = evil.signed_but(vec![txt(POLICY, "forged")], |input| input.key_tag = tag);
    scene.put(POLICY, "TXT", data(vec![policy]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wrong-signature)");
}

#[test]
fn a_signature_is_good_from_its_first_to_its_last_second() {
    let now = u32::try_from(NOW).unwrap();
    for (from, to, expected) in [
        (now, now, "secure 1 data"),
        (now - 10, now - 1, "bogus (signature-expired)"),
        (now + 1, now + 10, "bogus (signature-not-yet-valid)"),
        (now + 10, now - 10, "bogus (signature-not-yet-valid)"),
        (now - 10, now.wrapping_add(1 << 31), "bogus (signature-expired)"),
    ] {
        let mut scene = Scene::new();
        let policy = scene.mail.signed_but(vec![txt(POLICY, "v=STSv1")], |input| {
            input.sig_inception = SerialNumber::new(from);
            input.sig_expiration = SerialNumber::new(to);
        });
        scene.put(POLICY, "TXT", data(vec![policy]));
        expect(&scene.ask(POLICY, "TXT"), expected);
    }
}

#[test]
fn times_of_signatures_are_serial_numbers_and_go_on_after_2106() {
    let mut scene = Scene::new();
    scene.now = UnixTime((1 << 32) + 100);
    let around = |input: &mut hickory_proto::dnssec::rdata::SigInput| {
        input.sig_inception = SerialNumber::new(u32::MAX - 1_000);
        input.sig_expiration = SerialNumber::new(1_000);
    };
    for zone in [&scene.root, &scene.test, &scene.mail]
        .map(|zone| (zone.origin.to_ascii(), zone.signed_but(vec![zone.key()], around)))
    {
        scene.put(&zone.0, "DNSKEY", data(vec![zone.1]));
    }
    let ds = scene.root.signed_but(vec![scene.test.ds(DigestType::SHA256)], around);
    scene.put("test.", "DS", data(vec![ds]));
    let ds = scene.test.signed_but(vec![scene.mail.ds(DigestType::SHA256)], around);
    scene.put("mail.test.", "DS", data(vec![ds]));
    let policy = scene.mail.signed_but(vec![txt(POLICY, "v=STSv1")], around);
    scene.put(POLICY, "TXT", data(vec![policy]));
    let finding = scene.ask(POLICY, "TXT");
    expect(&finding, "secure 1 data");
    assert_eq!(finding.valid_until, Some(UnixTime((1 << 32) + 100 + 600)));
}

#[test]
fn owner_type_and_tag_of_a_signature_have_to_fit() {
    let mut scene = Scene::new();
    let mut moved = scene.mail.signed(vec![txt("other.mail.test.", "v=STSv1")]);
    moved.iter_mut().for_each(|record| record.name = name(POLICY));
    scene.put(POLICY, "TXT", data(vec![moved]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wrong-signature)");

    let tag = scene.mail.tag();
    let policy =
        scene.mail.signed_but(vec![txt(POLICY, "v=STSv1")], |input| input.key_tag = tag.wrapping_add(1));
    scene.put(POLICY, "TXT", data(vec![policy]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");

    let policy =
        scene.mail.signed_but(vec![txt(POLICY, "v=STSv1")], |input| input.algorithm = Algorithm::ED25519);
    scene.put(POLICY, "TXT", data(vec![policy]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");

    let mut policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    policy.extend(scene.mail.signed(vec![address(POLICY)]));
    policy.remove(1); // the text keeps only the signature of the address
    scene.put(POLICY, "TXT", data(vec![policy]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn order_case_ttl_and_repetition_of_records_do_not_matter() {
    let mut scene = Scene::new();
    let mx = |preference: u16, host: &str| {
        let mx = hickory_proto::rr::rdata::MX::new(preference, name(host));
        record("mail.test.", RData::MX(mx))
    };
    let mut set =
        scene.mail.signed(vec![mx(10, "a.mail.test."), mx(10, "b.mail.test."), mx(5, "c.mail.test.")]);
    set.swap(0, 2);
    set[1].data = mx(10, "B.Mail.TEST.").data;
    set[1].ttl = 5;
    set.insert(0, set[0].clone());
    set.iter_mut().for_each(|record| record.name = name("MAIL.test."));
    scene.put("mail.test.", "MX", data(vec![set]));
    let finding = scene.ask("Mail.Test.", "MX");
    expect(&finding, "secure 3 data");
    assert_eq!(finding.valid_until, Some(UnixTime(NOW + 5)));
}

#[test]
fn one_record_more_or_less_breaks_the_signature() {
    let mut scene = Scene::new();
    let set = scene.mail.signed(vec![txt(POLICY, "a"), txt(POLICY, "b")]);
    let mut more = set.clone();
    more.push(txt(POLICY, "c"));
    scene.put(POLICY, "TXT", data(vec![more]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wrong-signature)");
    scene.put(POLICY, "TXT", data(vec![set[1..].to_vec()]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wrong-signature)");
}

#[test]
fn records_of_another_class_owner_or_section_are_not_seen() {
    let mut scene = with_policy();
    scene.change(POLICY, "TXT", |message| {
        let mut chaos = txt(POLICY, "forged");
        chaos.dns_class = DNSClass::CH;
        message.answers.insert(0, chaos);
        message.answers.push(txt("_mta-sts.mail.test.", "forged"));
        message.additionals.push(txt(POLICY, "forged"));
        message.authorities.push(txt(POLICY, "forged"));
    });
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

#[test]
fn one_good_signature_among_bad_ones_is_enough() {
    let mut scene = with_policy();
    let evil = Zone::new("mail.test.");
    let tag = scene.mail.tag();
    let bad = evil.signed_but(vec![txt(POLICY, "v=STSv1")], |input| input.key_tag = tag);
    scene.change(POLICY, "TXT", |message| message.answers.insert(0, bad[1].clone()));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

// ---- keys (RFC 4034 section 2, RFC 5011) ---------------------------------------------------------------------

#[test]
fn only_keys_of_a_zone_that_are_not_revoked_sign() {
    for (flags, expected) in [
        (257, "secure 1 data"),
        (256, "secure 1 data"), // the SEP flag means nothing
        (0, "bogus (key-mismatch)"),
        (1, "bogus (key-mismatch)"),
        (257 + 128, "bogus (key-mismatch)"),
    ] {
        let mut scene = Scene::new();
        let mail = Zone::with_flags("mail.test.", flags);
        let ds = scene.test.signed(vec![mail.ds(DigestType::SHA256)]);
        scene.put("mail.test.", "DS", data(vec![ds]));
        scene.put("mail.test.", "DNSKEY", data(vec![mail.signed(vec![mail.key()])]));
        scene.put(POLICY, "TXT", data(vec![mail.signed(vec![txt(POLICY, "v=STSv1")])]));
        expect(&scene.ask(POLICY, "TXT"), expected);
    }
}

#[test]
fn a_key_of_the_zone_may_sign_without_a_ds_of_its_own() {
    let mut scene = Scene::new();
    let second = Zone::with_flags("mail.test.", 256);
    let keys = scene.mail.signed(vec![scene.mail.key(), second.key()]);
    let reversed = scene.mail.signed(vec![second.key(), scene.mail.key()]);
    scene.put(POLICY, "TXT", data(vec![second.signed(vec![txt(POLICY, "v=STSv1")])]));
    for keys in [keys, reversed] {
        scene.put("mail.test.", "DNSKEY", data(vec![keys]));
        expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
    }
}

#[test]
fn a_key_that_is_only_put_beside_the_others_signs_nothing() {
    let mut scene = Scene::new();
    let evil = Zone::new("mail.test.");
    scene.change("mail.test.", "DNSKEY", |message| message.answers.insert(0, evil.key()));
    scene.put(POLICY, "TXT", data(vec![evil.signed(vec![txt(POLICY, "forged")])]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wrong-signature)");
    // Not even if it signs the whole key set.
    let keys = evil.signed(vec![scene.mail.key(), evil.key()]);
    scene.put("mail.test.", "DNSKEY", data(vec![keys]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn a_zone_without_its_keys_is_bogus_and_one_that_does_not_answer_is_signed_and_unreachable() {
    let mut scene = with_policy();
    scene.put("mail.test.", "DNSKEY", denial(vec![]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-keys)");
    scene.fail("mail.test.", "DNSKEY");
    expect(&scene.ask(POLICY, "TXT"), "unreachable Signed (no-answer)");
}

// ---- DS (RFC 4035 section 5.2) -------------------------------------------------------------------------------

#[test]
fn a_ds_counts_only_for_its_own_owner_and_by_its_own_parent() {
    let evil = Zone::new("evil.test.");
    let mut scene = with_forgery();
    let ds = scene.test.signed(vec![evil.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32])]);
    scene.put("mail.test.", "DS", data(vec![ds]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-proof)");

    let mut renamed =
        scene.test.signed(vec![evil.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32])]);
    renamed.iter_mut().for_each(|record| record.name = name("mail.test."));
    scene.put("mail.test.", "DS", data(vec![renamed]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (wrong-signature)");

    let by_root =
        scene.root.signed(vec![scene.mail.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32])]);
    scene.put("mail.test.", "DS", data(vec![by_root]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
    let by_itself =
        scene.mail.signed(vec![scene.mail.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32])]);
    scene.put("mail.test.", "DS", data(vec![by_itself]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn a_ds_from_a_wildcard_leads_nowhere() {
    let mut scene = with_forgery();
    let ds = scene.mail.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32]);
    let expanded = scene.test.expanded(vec![ds], 1);
    let absent = scene.test.nsec("a.test.", "z.test.", "A RRSIG NSEC");
    scene.put("mail.test.", "DS", reply(ResponseCode::NoError, vec![expanded], vec![absent]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (expanded-wildcard)");
}

#[test]
fn a_zone_whose_ds_name_nothing_that_can_be_verified_is_insecure() {
    for (algorithm, digest) in [
        (Algorithm::Unknown(200), DigestType::SHA256),
        (Algorithm::ECDSAP256SHA256, DigestType::Unknown(100)),
    ] {
        let mut scene = with_forgery();
        let ds = scene.test.signed(vec![scene.mail.ds_of(1, algorithm, digest, &[1; 32])]);
        scene.put("mail.test.", "DS", data(vec![ds]));
        let finding = scene.ask(POLICY, "TXT");
        expect(&finding, "insecure 1 data (unsupported-algorithm)");
    }
}

#[test]
fn unknown_ds_beside_a_known_one_change_nothing() {
    let mut scene = with_forgery();
    let unknown = scene.mail.ds_of(1, Algorithm::Unknown(200), DigestType::SHA256, &[1; 32]);
    let ds = scene.test.signed(vec![unknown, scene.mail.ds(DigestType::SHA256)]);
    scene.put("mail.test.", "DS", data(vec![ds]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn tag_and_algorithm_of_a_ds_have_to_fit_its_key() {
    let mut scene = with_policy();
    let digest = scene.mail.dnskey.to_digest(&scene.mail.origin, DigestType::SHA256).unwrap();
    for (tag, algorithm) in [
        (scene.mail.tag().wrapping_add(1), Algorithm::ECDSAP256SHA256),
        (scene.mail.tag(), Algorithm::ED25519),
    ] {
        let ds = scene.mail.ds_of(tag, algorithm, DigestType::SHA256, digest.as_ref());
        let ds = scene.test.signed(vec![ds]);
        scene.put("mail.test.", "DS", data(vec![ds]));
        expect(&scene.ask(POLICY, "TXT"), "bogus (key-mismatch)");
    }
}

#[test]
fn sha1_counts_alone_but_not_beside_a_better_digest() {
    let mut scene = with_policy();
    let ds = scene.test.signed(vec![scene.mail.ds(DigestType::SHA1)]);
    scene.put("mail.test.", "DS", data(vec![ds]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");

    let evil = Zone::new("mail.test.");
    let ds = scene.test.signed(vec![evil.ds(DigestType::SHA1), scene.mail.ds(DigestType::SHA256)]);
    scene.put("mail.test.", "DS", data(vec![ds]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
    scene.put("mail.test.", "DNSKEY", data(vec![evil.signed(vec![evil.key()])]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (key-mismatch)");
}

// ---- no DS (RFC 4035 section 5.2, RFC 5155 section 8.9, RFC 6840 section 4.4) --------------------------------

/// The verdict on unsigned data when the DS question about `mail.test.` is answered with these denials.
fn denied(denials: impl FnOnce(&Scene) -> Vec<Vec<hickory_proto::rr::Record>>) -> String {
    let mut scene = with_forgery();
    let denials = denials(&scene);
    scene.put("mail.test.", "DS", denial(denials));
    short(&scene.ask(POLICY, "TXT"))
}

#[test]
fn a_delegation_that_is_proven_to_have_no_ds_is_insecure() {
    assert_eq!(
        denied(|s| vec![s.test.nsec("mail.test.", "n.test.", "NS RRSIG NSEC")]),
        "insecure 1 data (unsigned-delegation)"
    );
    assert_eq!(
        denied(|s| vec![s.test.nsec3_at("mail.test.", "NS", PLAIN)]),
        "insecure 1 data (unsigned-delegation)"
    );
    let opt_out = |s: &Scene| {
        vec![s.test.nsec3_at("test.", "NS SOA", OPT_OUT), s.test.nsec3_over("mail.test.", OPT_OUT)]
    };
    assert_eq!(denied(opt_out), "insecure 1 data (opt-out)");
}

#[test]
fn what_no_zone_above_has_signed_makes_nothing_insecure() {
    let unsigned = |mut records: Vec<hickory_proto::rr::Record>| {
        records.truncate(1);
        records
    };
    assert_eq!(denied(|_| vec![vec![soa("test.", 600)]]), "bogus (no-proof)");
    assert_eq!(denied(|_| vec![]), "bogus (no-proof)");
    assert_eq!(denied(|s| vec![unsigned(s.test.nsec("mail.test.", "n.test.", "NS"))]), "bogus (no-proof)");
    assert_eq!(denied(|s| vec![s.root.nsec("mail.test.", "n.test.", "NS")]), "bogus (no-proof)");
    assert_eq!(denied(|s| vec![s.mail.nsec("mail.test.", "n.mail.test.", "NS")]), "bogus (no-proof)");
    assert_eq!(denied(|_| vec![Zone::new("test.").nsec("mail.test.", "n.test.", "NS")]), "bogus (no-proof)");
    assert_eq!(
        denied(|_| vec![Zone::new("evil.test.").nsec("mail.test.", "n.test.", "NS")]),
        "bogus (no-proof)"
    );
}

#[test]
fn a_denial_with_ds_or_soa_denies_no_ds() {
    assert_eq!(denied(|s| vec![s.test.nsec("mail.test.", "n.test.", "NS DS")]), "bogus (withheld)");
    assert_eq!(denied(|s| vec![s.test.nsec("mail.test.", "n.test.", "NS SOA")]), "bogus (withheld)");
    assert_eq!(denied(|s| vec![s.test.nsec3_at("mail.test.", "NS DS", PLAIN)]), "bogus (withheld)");
}

#[test]
fn a_name_that_is_no_delegation_belongs_to_the_zone_above() {
    // So what `mail.test.` signs counts for nothing, and what nobody signs neither.
    assert_eq!(denied(|s| vec![s.test.nsec("mail.test.", "n.test.", "A")]), "bogus (no-signature)");
    assert_eq!(denied(|s| vec![s.test.nsec("a.test.", "n.test.", "A")]), "bogus (no-signature)");
    assert_eq!(denied(|s| vec![s.test.nsec("a.test.", "b.mail.test.", "A")]), "bogus (no-signature)");
    let absent =
        |s: &Scene| vec![s.test.nsec3_at("test.", "NS SOA", PLAIN), s.test.nsec3_over("mail.test.", PLAIN)];
    assert_eq!(denied(absent), "bogus (no-signature)");
}

#[test]
fn opt_out_needs_the_whole_closest_encloser_proof() {
    assert_eq!(denied(|s| vec![s.test.nsec3_over("mail.test.", OPT_OUT)]), "bogus (no-proof)");
    assert_eq!(denied(|s| vec![s.test.nsec3_at("test.", "NS SOA", OPT_OUT)]), "bogus (no-proof)");
    let other = |s: &Scene| {
        vec![s.test.nsec3_at("test.", "NS SOA", OPT_OUT), s.test.nsec3_over("evil.test.", OPT_OUT)]
    };
    assert_eq!(denied(other), "bogus (no-proof)");
    let salted = Nsec3 { salt: b"x", ..OPT_OUT };
    let mixed =
        |s: &Scene| vec![s.test.nsec3_at("test.", "NS SOA", PLAIN), s.test.nsec3_over("mail.test.", salted)];
    assert_eq!(denied(mixed), "bogus (no-proof)");
}

#[test]
fn opt_out_of_the_zone_above_invents_no_cut_in_a_signed_zone() {
    let mut scene = with_forgery();
    let opt_out =
        vec![scene.test.nsec3_at("test.", "NS SOA", OPT_OUT), scene.test.nsec3_over(POLICY, OPT_OUT)];
    scene.put(POLICY, "DS", denial(opt_out));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
}

#[test]
fn a_denial_expanded_from_a_wildcard_is_none() {
    let nsec = |s: &Scene| {
        let mut nsec = s.test.nsec("mail.test.", "n.test.", "NS");
        nsec.truncate(1);
        vec![s.test.expanded(nsec, 1)]
    };
    assert_eq!(denied(nsec), "bogus (no-proof)");
    let nsec3 = |s: &Scene| {
        let mut nsec3 = s.test.nsec3_at("mail.test.", "NS", PLAIN);
        nsec3.truncate(1);
        vec![s.test.expanded(nsec3, 1)]
    };
    assert_eq!(denied(nsec3), "bogus (no-proof)");
}

#[test]
fn an_nsec3_lies_one_label_below_its_zone_and_has_hashes_of_twenty_octets() {
    let hash = PLAIN.hash(&name("mail.test."));
    let deeper = |s: &Scene| {
        let mut record = s.test.nsec3_record("x", &[0; 20], "NS", PLAIN);
        record.name = name(&format!("{}.below.test.", base32hex(&hash)));
        vec![s.test.signed(vec![record])]
    };
    assert_eq!(denied(deeper), "bogus (no-proof)");
    for length in [19, 21, 0] {
        let odd = |s: &Scene| vec![s.test.nsec3(&hash, &vec![0xff; length], "NS", PLAIN)];
        assert_eq!(denied(odd), "bogus (no-proof)", "{length}");
    }
    let short = |s: &Scene| vec![s.test.nsec3(&hash[..19], &[0xff; 20], "NS", PLAIN)];
    assert_eq!(denied(short), "bogus (no-proof)");
}

#[test]
fn an_insecure_zone_stays_insecure_whatever_stands_below_it() {
    let mut scene = with_policy();
    let denial_of_ds = scene.root.nsec("test.", "u.", "NS RRSIG NSEC");
    scene.put("test.", "DS", denial(vec![denial_of_ds]));
    // The rest of the chain is not even asked for.
    let (finding, asked) = scene.walk(POLICY, "TXT");
    expect(&finding, "insecure 1 data (unsigned-delegation)");
    assert_eq!(asked, [". DNSKEY", "test. DS", "_smtp-sts.mail.test. TXT"]);
}

#[test]
fn a_question_that_fails_tells_what_is_known_of_its_zone() {
    let mut scene = Scene::new();
    scene.fail(POLICY, "TXT");
    expect(&scene.ask(POLICY, "TXT"), "unreachable Signed (no-answer)");
    let insecure = scene.test.nsec("mail.test.", "n.test.", "NS");
    scene.put("mail.test.", "DS", denial(vec![insecure]));
    expect(&scene.ask(POLICY, "TXT"), "unreachable ProvenInsecure (no-answer)");
    scene.fail("mail.test.", "DS");
    expect(&scene.ask(POLICY, "TXT"), "unreachable Unknown (no-answer)");
    scene.fail(".", "DNSKEY");
    expect(&scene.ask(POLICY, "TXT"), "unreachable Unknown (no-answer)");
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NotImp, ResponseCode::YXDomain]
    {
        let mut scene = Scene::new();
        scene.put(POLICY, "TXT", reply(code, vec![], vec![]));
        expect(&scene.ask(POLICY, "TXT"), "unreachable Signed (no-answer)");
    }
}

// ---- what the proven zone has signed counts without a DS -----------------------------------------------------

#[test]
fn signed_data_does_not_wait_for_a_ds_question_that_fails() {
    let mut scene = Scene::new();
    let host = scene.mail.signed(vec![address("mx.mail.test.")]);
    scene.put("mx.mail.test.", "A", data(vec![host]));
    scene.fail("mx.mail.test.", "DS");
    expect(&scene.ask("mx.mail.test.", "A"), "secure 1 data");
    scene.put("mx.mail.test.", "DS", denial(vec![]));
    expect(&scene.ask("mx.mail.test.", "A"), "secure 1 data");
}

#[test]
fn unsigned_data_behind_a_ds_question_that_fails_is_never_insecure() {
    let mut scene = Scene::new();
    scene.put("mx.mail.test.", "A", data(vec![vec![address("mx.mail.test.")]]));
    scene.fail("mx.mail.test.", "DS");
    expect(&scene.ask("mx.mail.test.", "A"), "unreachable Unknown (no-answer)");
    scene.put("mx.mail.test.", "DS", denial(vec![]));
    expect(&scene.ask("mx.mail.test.", "A"), "bogus (no-proof)");
}

#[test]
fn the_parent_signs_nothing_below_a_cut_that_it_has_proven() {
    // Records that the parent signed before it delegated the name.
    let mut scene = Scene::new();
    let old = scene.test.signed(vec![txt(POLICY, "old")]);
    scene.put(POLICY, "TXT", data(vec![old]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
    scene.fail("mail.test.", "DNSKEY");
    expect(&scene.ask(POLICY, "TXT"), "unreachable Signed (no-answer)");
    scene.put("mail.test.", "DNSKEY", denial(vec![]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-keys)");
}

#[test]
fn a_zone_that_begins_with_an_underscore_is_looked_for_when_the_zone_above_proves_nothing() {
    let mut scene = with_forgery();
    let (finding, asked) = scene.walk(POLICY, "TXT");
    expect(&finding, "bogus (no-signature)");
    assert!(asked.contains(&"_smtp-sts.mail.test. DS".to_owned()), "{asked:?}");

    let insecure = scene.mail.nsec(POLICY, "a.mail.test.", "NS RRSIG NSEC");
    scene.put(POLICY, "DS", denial(vec![insecure]));
    expect(&scene.ask(POLICY, "TXT"), "insecure 1 data (unsigned-delegation)");

    let label = Zone::new(POLICY);
    let ds = scene.mail.signed(vec![label.ds(DigestType::SHA256)]);
    scene.put(POLICY, "DS", data(vec![ds]));
    scene.put(POLICY, "DNSKEY", data(vec![label.signed(vec![label.key()])]));
    expect(&scene.ask(POLICY, "TXT"), "bogus (no-signature)");
    scene.put(POLICY, "TXT", data(vec![label.signed(vec![txt(POLICY, "v=STSv1")])]));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

#[test]
fn the_keys_of_a_label_that_is_looked_for_are_wanted_in_the_same_round_trip() {
    let scene = with_forgery();
    let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap();
    let mut trust = TrustContext::new(Arc::new(anchors), scene.now);
    scene.walk_under(&mut trust, "_other.mail.test.", "TXT"); // the zones above are known now
    let mut walk = Walk::new(Question::new(&name(POLICY), hickory_proto::rr::RecordType::TXT));
    let mut replies = Replies::default();
    let forged = data(vec![vec![txt(POLICY, "forged")]]);
    replies.insert(
        Question::new(&name(POLICY), hickory_proto::rr::RecordType::TXT),
        smtp_sts_verify::dns::walk::Reply::Message(Box::new(forged)),
    );
    let Step::Ask(wanted) = walk.step(&mut trust, &replies) else { panic!() };
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    assert_eq!(wanted, ["_smtp-sts.mail.test. DS", "_smtp-sts.mail.test. DNSKEY"]);
}

// ---- too many NSEC3 iterations (RFC 9276 section 3.2, RFC 5155 section 10.3) ----------------------------------

const HEAVY: Nsec3 = Nsec3 { iterations: 151, ..PLAIN };
const UNCOUNTABLE: Nsec3 = Nsec3 { iterations: 2_501, ..PLAIN };

#[test]
fn with_many_iterations_a_denial_is_insecure_and_what_is_signed_stays_secure() {
    let mut scene = Scene::new();
    let no_ds = vec![scene.mail.nsec3_at("mx.mail.test.", "A", HEAVY)];
    scene.put("mx.mail.test.", "DS", denial(no_ds));
    let host = scene.mail.signed(vec![address("mx.mail.test.")]);
    scene.put("mx.mail.test.", "A", data(vec![host]));
    expect(&scene.ask("mx.mail.test.", "A"), "secure 1 data");
    let no_type = vec![scene.mail.nsec3_at("mx.mail.test.", "A", HEAVY), vec![soa("mail.test.", 60)]];
    scene.put("mx.mail.test.", "AAAA", denial(no_type));
    let finding = scene.ask("mx.mail.test.", "AAAA");
    expect(&finding, "insecure nodata (nsec3-iterations)");
    assert_eq!(finding.valid_until, Some(UnixTime(NOW + 60)));
    // But it has to be a denial of just that.
    scene.put("mx.mail.test.", "A", data(vec![vec![address("mx.mail.test.")]]));
    expect(&scene.ask("mx.mail.test.", "A"), "bogus (no-signature)");
    let withheld = vec![scene.mail.nsec3_at("mx.mail.test.", "A", HEAVY)];
    scene.put("mx.mail.test.", "A", denial(withheld));
    expect(&scene.ask("mx.mail.test.", "A"), "bogus (withheld)");
    let elsewhere = vec![scene.mail.nsec3_at("other.mail.test.", "A", HEAVY)];
    scene.put("mx.mail.test.", "MX", denial(elsewhere));
    expect(&scene.ask("mx.mail.test.", "MX"), "bogus (no-proof)");
}

/// RFC 9276 section 3.2 leaves it to a validator from how many iterations on a denial proves nothing (RFC 5155 section 10.3 has 2,500 as the most that
/// anybody may use): the last number that proves and the first that does not, the last that is computed and the first that is not.
#[test]
fn a_denial_with_150_iterations_proves_and_one_with_2500_is_still_held_to_what_it_says() {
    let asked = |rtype: &str, iterations: u16| {
        let mut scene = Scene::new();
        for denied in ["DS", rtype] {
            let terms = Nsec3 { iterations, ..PLAIN };
            scene.put(
                "mx.mail.test.",
                denied,
                denial(vec![scene.mail.nsec3_at("mx.mail.test.", "A", terms)]),
            );
        }
        short(&scene.ask("mx.mail.test.", rtype))
    };
    for (rtype, iterations, expected) in [
        ("AAAA", 150, "secure nodata"),
        ("AAAA", 151, "insecure nodata (nsec3-iterations)"),
        ("A", 2_500, "bogus (withheld)"),
        ("A", 2_501, "insecure nodata (nsec3-iterations)"),
    ] {
        assert_eq!(asked(rtype, iterations), expected, "{rtype} {iterations}");
    }
}

#[test]
fn with_many_iterations_a_cut_without_ds_is_insecure_but_no_ds_can_be_hidden() {
    let insecure = |terms| move |s: &Scene| vec![s.test.nsec3_at("mail.test.", "NS", terms)];
    assert_eq!(denied(insecure(HEAVY)), "insecure 1 data (unsigned-delegation)");
    for (at, types) in [("mail.test.", "NS DS"), ("evil.test.", "NS"), ("mail.test.", "A")] {
        let verdict = denied(|s| vec![s.test.nsec3_at(at, types, HEAVY)]);
        assert!(verdict.starts_with("bogus"), "{at} {types}: {verdict}");
    }
}

#[test]
fn a_zone_with_more_iterations_than_any_may_have_is_insecure_in_all_that_it_has_not_signed() {
    let mut scene = Scene::new();
    let no_ds = vec![scene.mail.nsec3_at("mx.mail.test.", "A", UNCOUNTABLE)];
    scene.put("mx.mail.test.", "DS", denial(no_ds));
    let host = scene.mail.signed(vec![address("mx.mail.test.")]);
    scene.put("mx.mail.test.", "A", data(vec![host]));
    expect(&scene.ask("mx.mail.test.", "A"), "secure 1 data");
    scene.put("mx.mail.test.", "A", data(vec![vec![address("mx.mail.test.")]]));
    expect(&scene.ask("mx.mail.test.", "A"), "insecure 1 data (nsec3-iterations)");
}

/// RFC 5155 section 10.3: such records are none, and what only they could deny is insecure, not bogus.
#[test]
fn where_nothing_can_be_hashed_an_absence_and_a_wildcards_answer_are_insecure() {
    let no_name = |scene: &Scene| scene.mail.nsec3_at("x.mail.test.", "A", UNCOUNTABLE);
    let mut scene = Scene::new();
    scene.put("_x.mail.test.", "TXT", reply(ResponseCode::NXDomain, vec![], vec![no_name(&scene)]));
    expect(&scene.ask("_x.mail.test.", "TXT"), "insecure nxdomain (nsec3-iterations)");
    scene.put("_y.mail.test.", "TXT", denial(vec![no_name(&scene)]));
    expect(&scene.ask("_y.mail.test.", "TXT"), "insecure nodata (nsec3-iterations)");
    let expanded = |scene: &Scene| scene.mail.expanded(vec![txt("_z.mail.test.", "v=STSv1")], 2);
    scene.put(
        "_z.mail.test.",
        "TXT",
        reply(ResponseCode::NoError, vec![expanded(&scene)], vec![no_name(&scene)]),
    );
    expect(&scene.ask("_z.mail.test.", "TXT"), "insecure 1 data (nsec3-iterations)");
    // Without such a record the zone can deny, and has to.
    scene.put("_z.mail.test.", "TXT", data(vec![expanded(&scene)]));
    expect(&scene.ask("_z.mail.test.", "TXT"), "bogus (wildcard-unproven)");
    // Nor does one count that another zone has signed.
    let foreign = scene.test.nsec3_at("x.test.", "A", UNCOUNTABLE);
    scene.put("_z.mail.test.", "TXT", reply(ResponseCode::NoError, vec![expanded(&scene)], vec![foreign]));
    expect(&scene.ask("_z.mail.test.", "TXT"), "bogus (wildcard-unproven)");
}

// ---- a CNAME of a wildcard where a DS was asked for (RFC 4035 section 5.3.4) ----------------------------------

/// What is given for a policy below a name for which a wildcard's CNAME is given where its DS was asked for, with these denials
/// beside that.
fn below_a_wildcards_alias(
    denials: impl Fn(&Scene) -> Vec<Vec<hickory_proto::rr::Record>>,
    policy: impl Fn(&Scene) -> Vec<hickory_proto::rr::Record>,
) -> String {
    let mut scene = Scene::new();
    for (owner, rtype) in [("x.mail.test.", "DS"), ("p.x.mail.test.", "DS"), ("p.x.mail.test.", "TXT")] {
        let answer = if rtype == "TXT" {
            policy(&scene)
        } else {
            scene.mail.expanded(vec![cname(owner, "target.mail.test.")], 2)
        };
        scene.put(owner, rtype, reply(ResponseCode::NoError, vec![answer], denials(&scene)));
    }
    let target = scene.mail.signed(vec![txt("target.mail.test.", "v=STSv1")]);
    scene.put("target.mail.test.", "TXT", data(vec![target]));
    short(&scene.ask("p.x.mail.test.", "TXT"))
}

#[test]
fn a_wildcards_alias_shows_that_there_is_no_cut_if_nothing_closer_exists() {
    let alias = |scene: &Scene| scene.mail.expanded(vec![cname("p.x.mail.test.", "target.mail.test.")], 2);
    let unsigned = |_: &Scene| vec![txt("p.x.mail.test.", "v=STSv1")];
    let nsec = |scene: &Scene| vec![scene.mail.nsec("w.mail.test.", "y.mail.test.", "A")];
    assert_eq!(below_a_wildcards_alias(nsec, alias), "secure 1 data");
    assert_eq!(below_a_wildcards_alias(nsec, unsigned), "bogus (no-signature)");
    let nsec3 = |scene: &Scene| vec![scene.mail.nsec3_over("x.mail.test.", PLAIN)];
    assert_eq!(below_a_wildcards_alias(nsec3, alias), "secure 1 data");
    assert_eq!(below_a_wildcards_alias(nsec3, unsigned), "bogus (no-signature)");
    // Under opt-out an insecure delegation may be hidden behind the wildcard; with too many iterations, anything may be.
    let opt_out = |scene: &Scene| vec![scene.mail.nsec3_over("x.mail.test.", OPT_OUT)];
    let heavy = |scene: &Scene| vec![scene.mail.nsec3_over("x.mail.test.", HEAVY)];
    assert_eq!(below_a_wildcards_alias(opt_out, alias), "insecure 1 data (opt-out)");
    assert_eq!(below_a_wildcards_alias(opt_out, unsigned), "insecure 1 data (opt-out)");
    assert_eq!(below_a_wildcards_alias(heavy, alias), "insecure 1 data (nsec3-iterations)");
    assert_eq!(below_a_wildcards_alias(heavy, unsigned), "insecure 1 data (nsec3-iterations)");
    // Nothing, the wrong name, or the name itself prove nothing.
    let elsewhere = |scene: &Scene| vec![scene.mail.nsec("a.mail.test.", "b.mail.test.", "A")];
    let itself = |scene: &Scene| vec![scene.mail.nsec("x.mail.test.", "y.mail.test.", "NS")];
    assert_eq!(below_a_wildcards_alias(|_| vec![], alias), "bogus (wildcard-unproven)");
    assert_eq!(below_a_wildcards_alias(elsewhere, alias), "bogus (wildcard-unproven)");
    assert_eq!(below_a_wildcards_alias(itself, alias), "bogus (wildcard-unproven)");
    assert_eq!(below_a_wildcards_alias(|_| vec![], unsigned), "bogus (wildcard-unproven)");
    assert_eq!(below_a_wildcards_alias(elsewhere, unsigned), "bogus (wildcard-unproven)");
}

#[test]
fn a_signed_zone_below_one_that_cannot_deny_is_found() {
    let mut scene = Scene::new();
    let no_ds = vec![scene.mail.nsec3_at("a.mail.test.", "", UNCOUNTABLE)];
    scene.put("a.mail.test.", "DS", denial(no_ds));
    let below = Zone::new("b.a.mail.test.");
    let ds = scene.mail.signed(vec![below.ds(DigestType::SHA256)]);
    scene.put("b.a.mail.test.", "DS", data(vec![ds]));
    scene.put("b.a.mail.test.", "DNSKEY", data(vec![below.signed(vec![below.key()])]));
    scene.put("b.a.mail.test.", "A", data(vec![below.signed(vec![address("b.a.mail.test.")])]));
    expect(&scene.ask("b.a.mail.test.", "A"), "secure 1 data");
}

#[test]
fn iterations_are_counted_only_in_what_is_signed() {
    let verdict = |terms| denied(|s| vec![s.test.nsec3_at("mail.test.", "A", terms)]);
    assert_eq!(verdict(UNCOUNTABLE), "insecure 1 data (nsec3-iterations)");
    let unsigned = |s: &Scene| {
        let mut nsec3 = s.test.nsec3_at("mail.test.", "NS", UNCOUNTABLE);
        nsec3.truncate(1);
        vec![nsec3]
    };
    assert_eq!(denied(unsigned), "bogus (no-proof)");
    assert_eq!(denied(|s| vec![s.root.nsec3_at("mail.test.", "NS", UNCOUNTABLE)]), "bogus (no-proof)");
}

// ---- trust anchors -------------------------------------------------------------------------------------------

#[test]
fn a_ds_line_is_as_good_an_anchor_as_a_key() {
    let mut scene = with_policy();
    let RData::DNSSEC(ds) = scene.root.ds(DigestType::SHA256).data else { panic!() };
    scene.trust(format!(". 3600 IN DS {ds}"));
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
    scene.trust(format!(". DNSKEY {}", Zone::new(".").dnskey));
    expect(&scene.ask(POLICY, "TXT"), "bogus (key-mismatch)");
}

#[test]
fn an_island_of_trust_needs_nothing_above_it() {
    let mut scene = with_policy();
    scene.trust(format!("mail.test. DNSKEY {}", scene.mail.dnskey));
    let (finding, asked) = scene.walk(POLICY, "TXT");
    expect(&finding, "secure 1 data");
    assert_eq!(asked, ["mail.test. DNSKEY", "_smtp-sts.mail.test. TXT"]);
}

#[test]
fn without_an_anchor_at_or_above_the_name_nothing_is_said() {
    let mut scene = with_policy();
    scene.trust(format!("mail.test. DNSKEY {}", scene.mail.dnskey));
    for (owner, rtype) in [("test.", "A"), ("other.test.", "TXT"), ("mail.test.", "DS")] {
        let finding = scene.ask(owner, rtype);
        assert!(matches!(finding.outcome, Outcome::Unreachable(Outage::NoTrustAnchor, ..)), "{finding:?}");
    }
}

#[test]
fn a_ds_is_judged_in_the_parent_and_the_roots_own_in_the_root() {
    let mut scene = Scene::new();
    expect(&scene.ask("mail.test.", "DS"), "secure 1 data");
    let none = scene.root.nsec(".", "test.", "NS SOA RRSIG NSEC DNSKEY");
    scene.put(".", "DS", denial(vec![none]));
    expect(&scene.ask(".", "DS"), "secure nodata");
    let by_child = scene.mail.nsec("mail.test.", "a.mail.test.", "NS SOA RRSIG NSEC DNSKEY");
    scene.put("mail.test.", "DS", denial(vec![by_child]));
    expect(&scene.ask("mail.test.", "DS"), "bogus (no-proof)");
}

// ---- blame ---------------------------------------------------------------------------------------------------

#[test]
fn a_bogus_answer_is_blamed_on_what_the_roots_keys_show() {
    assert_eq!(blame(&with_forgery()), Blame::Domain);

    let mut scene = with_forgery();
    scene.change(".", "DNSKEY", |message| message.answers.truncate(1));
    assert_eq!(blame(&scene), Blame::StrippingResolver);
    scene.put(".", "DNSKEY", denial(vec![]));
    assert_eq!(blame(&scene), Blame::StrippingResolver);

    for days in [-40_i64, 40] {
        let mut scene = with_forgery();
        scene.now = UnixTime(NOW.saturating_add_signed(days * 86_400));
        assert_eq!(blame(&scene), Blame::Clock);
    }

    let mut scene = with_forgery();
    scene.trust(format!(". DNSKEY {}", Zone::new(".").dnskey));
    assert_eq!(blame(&scene), Blame::TrustAnchor);

    let mut scene = with_forgery();
    let evil = Zone::new(".");
    let tag = scene.root.tag();
    let keys = evil.signed_but(vec![scene.root.key()], |input| input.key_tag = tag);
    scene.put(".", "DNSKEY", data(vec![keys]));
    assert_eq!(blame(&scene), Blame::Domain);
}

#[test]
fn names_compare_without_case_from_the_anchor_down() {
    let mut scene = with_policy();
    for (owner, rtype) in [("test.", "DS"), ("mail.test.", "DS"), ("mail.test.", "DNSKEY"), (POLICY, "TXT")] {
        scene.change(owner, rtype, |message| {
            for record in &mut message.answers {
                record.name = Name::from_ascii(record.name.to_ascii().to_ascii_uppercase()).unwrap();
            }
        });
    }
    expect(&scene.ask(POLICY, "TXT"), "secure 1 data");
}

// ---- one after the other in one trust context -------------------------------------------------------------------

fn trusting(anchors: &str, scene: &Scene) -> TrustContext {
    TrustContext::new(Arc::new(TrustAnchors::parse(anchors).unwrap()), scene.now)
}

/// RFC 5155 section 6: an opt-out span says nothing of a delegation, and a DS that the zone has signed does (RFC 4035 section 5.2), however early the
/// reply comes.
#[test]
fn what_opt_out_leaves_open_waits_for_the_ds() {
    let mut scene = Scene::new();
    let host = scene.mail.signed(vec![address("mx.mail.test.")]);
    scene.put("mx.mail.test.", "A", data(vec![host]));
    let child = Zone::new("child.mail.test.");
    let ds = scene.mail.signed(vec![child.ds(DigestType::SHA256)]);
    scene.put("child.mail.test.", "DS", data(vec![ds]));
    scene.put("child.mail.test.", "DNSKEY", data(vec![child.signed(vec![child.key()])]));
    let opt_out = vec![
        scene.mail.nsec3_at("mail.test.", "NS SOA", OPT_OUT),
        scene.mail.nsec3_over("child.mail.test.", OPT_OUT),
    ];
    scene.put("child.mail.test.", "MX", denial(opt_out));
    let mut trust = trusting(&format!(". DNSKEY {}", scene.root.dnskey), &scene);
    expect(&scene.walk_under(&mut trust, "mx.mail.test.", "A").0, "secure 1 data");
    let (finding, asked) = scene.walk_under(&mut trust, "child.mail.test.", "MX");
    assert!(short(&finding).starts_with("bogus"), "{finding:?}");
    assert_eq!(asked[0], "child.mail.test. MX", "the reply comes first");
}

/// RFC 4035 section 4.4: what is below a trust anchor is judged from there, whatever is said above it.
#[test]
fn an_island_of_trust_is_there_though_the_zone_above_denies_its_name() {
    let mut scene = with_policy();
    let nsec = scene.test.nsec("test.", "n.test.", "NS SOA RRSIG NSEC DNSKEY");
    scene.put("mail.test.", "DS", reply(ResponseCode::NXDomain, vec![], vec![nsec]));
    let anchors = format!(". DNSKEY {}\nmail.test. DNSKEY {}", scene.root.dnskey, scene.mail.dnskey);
    let mut trust = trusting(&anchors, &scene);
    expect(&scene.walk_under(&mut trust, "mail.test.", "DS").0, "secure nxdomain");
    expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, "secure 1 data");
}

/// RFC 4035 section 5.2: a DS that the zone has signed leads on, below a name of which the zone can deny nothing, too (RFC 9276 section 3.2).
#[test]
fn a_signed_cut_of_services_below_a_name_that_cannot_be_denied_is_found() {
    let mut scene = Scene::new();
    let child = Zone::new("_p.a.test.");
    scene.put("a.test.", "DS", denial(vec![scene.test.nsec3_at("x.test.", "A", UNCOUNTABLE)]));
    let ds = scene.test.signed(vec![child.ds(DigestType::SHA256)]);
    scene.put("_p.a.test.", "DS", data(vec![ds]));
    scene.put("_p.a.test.", "DNSKEY", data(vec![child.signed(vec![child.key()])]));
    scene.put("_p.a.test.", "TXT", data(vec![child.signed(vec![txt("_p.a.test.", "v=STSv1")])]));
    expect(&scene.ask("_p.a.test.", "TXT"), "secure 1 data");
}
