//! What look-ups of one process prove of zones for one another: what counts, for how long, and what is proven anew.

use super::scene::*;
use hickory_proto::dnssec::DigestType;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType, SerialNumber};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::proven_zones::ProvenZones;
use smtp_sts_verify::dns::walk::{Finding, Replies, Step, TrustContext, Walk};
use smtp_sts_verify::dns::{Class, Question};
use smtp_sts_verify::limits::{
    DELEGATIONS_BEFORE_KEYS_WAIT, DELEGATIONS_COUNTED, DELEGATIONS_TO_ONE_SIGNED, MAX_NEGATIVE_TTL,
    MAX_SHARED_ZONES_OCTETS, SHARED_DENIALS_LIFE, SHARED_ZONE_LEAST_LIFE, SHARED_ZONES_OWNERS,
};
use smtp_sts_verify::time::UnixTime;
use std::sync::Arc;

const POLICY: &str = "_smtp-sts.mail.test.";
const DAY: u32 = 86_400;

fn anchors(scene: &Scene) -> Arc<TrustAnchors> {
    Arc::new(TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap())
}

fn zones(scene: &Scene) -> ProvenZones {
    ProvenZones::under(anchors(scene))
}

/// A look-up so many seconds after the others; the proof is looked through.
fn ask_at(
    scene: &Scene,
    zones: &ProvenZones,
    seconds: u64,
    question: (&str, &str),
) -> (Finding, Vec<String>) {
    let mut trust = TrustContext::sharing(zones, UnixTime(NOW + seconds));
    let (finding, asked) = scene.walk_under(&mut trust, question.0, question.1);
    if let Err(flaw) = scene.audit(&finding) {
        panic!("{flaw}\n  {finding:#?}");
    }
    (finding, asked)
}

fn ask(scene: &Scene, zones: &ProvenZones, question: (&str, &str)) -> (Finding, Vec<String>) {
    ask_at(scene, zones, 0, question)
}

/// The records with that TTL.
fn lasting(ttl: u32, mut records: Vec<Record>) -> Vec<Record> {
    records.iter_mut().for_each(|record| record.ttl = ttl);
    records
}

/// A scene whose zones have that TTL, and a policy record that has the usual one.
fn scene(ttl: u32) -> Scene {
    let mut scene = Scene::new();
    for part in [".", "test.", "mail.test."] {
        let zone = [&scene.root, &scene.test, &scene.mail].into_iter().find(|zone| zone.origin == name(part));
        let keys = zone.map(|zone| zone.signed(lasting(ttl, vec![zone.key()]))).unwrap();
        scene.put(part, "DNSKEY", data(vec![keys]));
    }
    let test = scene.root.signed(lasting(ttl, vec![scene.test.ds(DigestType::SHA256)]));
    let mail = scene.test.signed(lasting(ttl, vec![scene.mail.ds(DigestType::SHA256)]));
    scene.put("test.", "DS", data(vec![test]));
    scene.put("mail.test.", "DS", data(vec![mail]));
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put(POLICY, "TXT", data(vec![policy]));
    scene
}

/// The questions of a look-up that nobody has helped.
fn cold(scene: &Scene, question: (&str, &str)) -> (Finding, Vec<String>) {
    ask(scene, &zones(scene), question)
}

#[test]
fn what_one_has_proven_costs_the_next_one_nothing() {
    let scene = scene(TTL);
    let zones = zones(&scene);
    let (first, _) = ask(&scene, &zones, (POLICY, "TXT"));
    let mut trust = TrustContext::sharing(&zones, UnixTime(NOW + 1));
    let (second, asked) = scene.walk_under(&mut trust, POLICY, "TXT");
    expect(&second, "secure 1 data");
    assert_eq!(asked, ["_smtp-sts.mail.test. TXT"]);
    assert_eq!(trust.spent().verifications, 1);
    assert_eq!(second.proof, first.proof, "the proof says from the anchor down what it rests on");
}

#[test]
fn it_counts_until_the_first_ttl_ends_and_an_answer_rests_on_it_no_longer() {
    let scene = scene(TTL);
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    let last = u64::from(TTL) - SHARED_ZONE_LEAST_LIFE;
    let (finding, asked) = ask_at(&scene, &zones, last, (POLICY, "TXT"));
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(finding.valid_until, Some(UnixTime(NOW + u64::from(TTL))), "its own TTL ends later");
    let (finding, asked) = ask_at(&scene, &zones, last + 1, (POLICY, "TXT"));
    assert_eq!(asked.len(), cold(&scene, (POLICY, "TXT")).1.len(), "{asked:?}");
    assert_eq!(finding.valid_until, Some(UnixTime(NOW + last + 1 + u64::from(TTL))));
}

#[test]
fn it_counts_until_the_first_signature_ends() {
    let mut scene = scene(TTL);
    let soon = u32::try_from(NOW).unwrap() + 100;
    let keys = scene.test.signed_but(vec![scene.test.key()], |input| {
        input.sig_expiration = SerialNumber::new(soon);
    });
    scene.put("test.", "DNSKEY", data(vec![keys]));
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    assert_eq!(ask_at(&scene, &zones, 90, (POLICY, "TXT")).1, ["_smtp-sts.mail.test. TXT"]);
    let asked = ask_at(&scene, &zones, 91, (POLICY, "TXT")).1;
    assert!(asked.contains(&"test. DNSKEY".to_owned()), "{asked:?}");
    assert!(!asked.contains(&". DNSKEY".to_owned()), "the root's keys hold: {asked:?}");
    // Beyond it nothing is proven, cold or not.
    let mut trust = TrustContext::sharing(&zones, UnixTime(NOW + 101));
    expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, "bogus (signature-expired)");
}

#[test]
fn a_clock_that_goes_back_or_far_ahead_finds_nothing_proven() {
    let scene = scene(DAY);
    let zones = zones(&scene);
    ask_at(&scene, &zones, 1_000, (POLICY, "TXT"));
    let all = cold(&scene, (POLICY, "TXT")).1.len();
    for seconds in [999, 0, 1_000 + u64::from(DAY)] {
        let mut trust = TrustContext::sharing(&zones, UnixTime(NOW + seconds));
        assert_eq!(scene.walk_under(&mut trust, POLICY, "TXT").1.len(), all, "{seconds}");
    }
}

/// `plain.test.`, delegated without DS, as these records say; and a host there.
fn with_unsigned(scene: &mut Scene, denial_of_ds: Vec<Vec<Record>>) {
    scene.put("plain.test.", "DS", denial(denial_of_ds));
    for host in ["a.plain.test.", "b.c.plain.test."] {
        scene.put(host, "A", data(vec![vec![address(host)]]));
    }
}

#[test]
fn an_unsigned_delegation_is_known_for_an_hour_at_most() {
    let mut scene = scene(DAY);
    let nsec = scene.test.nsec("plain.test.", "q.test.", "NS RRSIG NSEC").swap_remove(0);
    let nsec = scene.test.signed(lasting(DAY, vec![nsec]));
    with_unsigned(&mut scene, vec![nsec]);
    let zones = zones(&scene);
    expect(&ask(&scene, &zones, ("a.plain.test.", "A")).0, "insecure 1 data (unsigned-delegation)");
    let last = MAX_NEGATIVE_TTL - SHARED_ZONE_LEAST_LIFE;
    let (finding, asked) = ask_at(&scene, &zones, last, ("b.c.plain.test.", "A"));
    expect(&finding, "insecure 1 data (unsigned-delegation)");
    assert_eq!(asked, ["b.c.plain.test. A"], "however deep it lies below");
    let asked = ask_at(&scene, &zones, last + 1, ("a.plain.test.", "A")).1;
    assert_eq!(asked, ["plain.test. DS", "a.plain.test. A"], "keys hold on");
}

#[test]
fn so_is_one_under_opt_out() {
    let mut scene = scene(TTL);
    let proof = vec![
        scene.test.nsec3_at("test.", "NS SOA RRSIG DNSKEY NSEC3PARAM", OPT_OUT),
        scene.test.nsec3_over("plain.test.", OPT_OUT),
    ];
    with_unsigned(&mut scene, proof);
    let zones = zones(&scene);
    for (host, expected) in [
        ("a.plain.test.", vec![". DNSKEY", "test. DS", "test. DNSKEY", "plain.test. DS", "a.plain.test. A"]),
        ("b.c.plain.test.", vec!["b.c.plain.test. A"]),
    ] {
        let (finding, asked) = ask(&scene, &zones, (host, "A"));
        expect(&finding, "insecure 1 data (opt-out)");
        assert_eq!(asked, expected);
    }
}

#[test]
fn what_only_these_replies_make_so_is_nobody_elses() {
    // A zone that cannot deny shows what it shows for every name: it says nothing about this one.
    let mut scene = scene(TTL);
    let heavy = Nsec3 { iterations: 2_501, ..PLAIN };
    let proof = vec![scene.test.nsec3_over("other.test.", heavy)];
    scene.put("mail.test.", "DS", denial(proof));
    let zones = zones(&scene);
    scene.put("_x.mail.test.", "TXT", data(vec![vec![txt("_x.mail.test.", "anybody's")]]));
    expect(&ask(&scene, &zones, ("_x.mail.test.", "TXT")).0, "insecure 1 data (nsec3-iterations)");
    let genuine = scene.test.signed(vec![scene.mail.ds(DigestType::SHA256)]);
    scene.put("mail.test.", "DS", data(vec![genuine]));
    expect(&ask(&scene, &zones, (POLICY, "TXT")).0, "secure 1 data");
    expect(&ask(&scene, &zones, ("_x.mail.test.", "TXT")).0, "bogus (no-signature)");
}

#[test]
fn broken_and_doubtful_cuts_are_nobody_elses() {
    for (owner, rtype) in [
        (".", "DNSKEY"),
        ("test.", "DS"),
        ("test.", "DNSKEY"),
        ("mail.test.", "DS"),
        ("mail.test.", "DNSKEY"),
    ] {
        let mut broken = scene(TTL);
        broken.change(owner, rtype, |message| {
            message.answers.retain(|record| record.record_type() != RecordType::RRSIG);
        });
        let mut failing = scene(TTL);
        failing.fail(owner, rtype);
        for mut scene in [broken, failing] {
            let zones = zones(&scene);
            let mut trust = TrustContext::sharing(&zones, UnixTime(NOW));
            let (finding, _) = scene.walk_under(&mut trust, POLICY, "TXT");
            assert!(finding.outcome.content().is_none(), "{owner} {rtype}: {finding:?}");
            // The same keys, mended.
            let zone = |origin: &str| {
                [&scene.root, &scene.test, &scene.mail]
                    .into_iter()
                    .find(|zone| zone.origin == name(origin))
                    .unwrap()
            };
            let mended = match rtype {
                "DS" => {
                    let parent = if owner == "test." { &scene.root } else { &scene.test };
                    parent.signed(vec![zone(owner).ds(DigestType::SHA256)])
                }
                _ => zone(owner).signed(vec![zone(owner).key()]),
            };
            scene.put(owner, rtype, data(vec![mended]));
            expect(&ask(&scene, &zones, (POLICY, "TXT")).0, "secure 1 data");
        }
    }
}

#[test]
fn an_alias_on_the_way_is_no_cut_for_others_either() {
    let mut scene = scene(TTL);
    let moved = scene.mail.signed(vec![dname("d.mail.test.", "e.mail.test.")]);
    for (owner, rtype) in [("x.d.mail.test.", "TXT"), ("x.d.mail.test.", "DS"), ("d.mail.test.", "DS")] {
        let at_owner = if owner == "d.mail.test." {
            denial(vec![scene.mail.nsec("d.mail.test.", "e.mail.test.", "DNAME RRSIG NSEC")])
        } else {
            data(vec![moved.clone()])
        };
        scene.put(owner, rtype, at_owner);
    }
    let target = scene.mail.signed(vec![txt("x.e.mail.test.", "here")]);
    scene.put("x.e.mail.test.", "TXT", data(vec![target]));
    let zones = zones(&scene);
    for expected in [9, 2] {
        let (finding, asked) = ask(&scene, &zones, ("x.d.mail.test.", "TXT"));
        expect(&finding, "secure 1 data");
        assert!(asked.len() <= expected, "{asked:?}");
    }
}

#[test]
fn top_level_names_that_do_not_exist_take_nobodys_room() {
    let mut scene = scene(TTL);
    for question in ["TXT", "DS"] {
        let gone = vec![
            scene.root.nsec("m.", "o.", "NS RRSIG NSEC"),
            scene.root.nsec(".", "a.", "NS SOA RRSIG NSEC DNSKEY"),
        ];
        scene.put("nobody.", question, reply(ResponseCode::NXDomain, vec![], gone));
    }
    let zones = zones(&scene);
    for expected in [vec![". DNSKEY", "nobody. DS", "nobody. TXT"], vec!["nobody. DS", "nobody. TXT"]] {
        let (finding, asked) = ask(&scene, &zones, ("nobody.", "TXT"));
        expect(&finding, "secure nxdomain");
        assert_eq!(asked, expected);
    }
}

// ---- names that do not exist (RFC 8198) ------------------------------------------------------------------------

/// A look-up so many seconds after the others, which holds no mail back.
fn hearing(zones: &ProvenZones, seconds: u64) -> TrustContext {
    let mut trust = TrustContext::sharing(zones, UnixTime(NOW + seconds));
    trust.count_others_denials(true);
    trust
}

/// What such a look-up finds and asks.
fn heard_at(
    scene: &Scene,
    zones: &ProvenZones,
    seconds: u64,
    question: (&str, &str),
) -> (Finding, Vec<String>) {
    let (finding, asked) = scene.walk_under(&mut hearing(zones, seconds), question.0, question.1);
    if let Err(flaw) = scene.audit(&finding) {
        panic!("{flaw}\n  {finding:#?}");
    }
    (finding, asked)
}

/// Whether the name is absent by what others have heard.
fn is_absent_at(scene: &Scene, zones: &ProvenZones, seconds: u64, owner: &str) -> bool {
    let (finding, asked) = scene.walk_under(&mut hearing(zones, seconds), owner, "TXT");
    assert!(!asked.is_empty() || short(&finding) == "secure nxdomain", "{finding:?}");
    asked.is_empty()
}

fn is_absent(scene: &Scene, zones: &ProvenZones, owner: &str) -> bool {
    is_absent_at(scene, zones, 0, owner)
}

/// Owner, next name and types of an NSEC record.
type Link<'a> = (&'a str, &'a str, &'a str);

/// These records of `test.`, with that TTL, signed so many seconds ago.
fn signed_ago(scene: &Scene, ago: u32, ttl: u32, links: &[Link<'_>]) -> Vec<Vec<Record>> {
    let inception = SerialNumber::new(u32::try_from(NOW).unwrap() - ago);
    let signed = |(owner, next, types): &Link<'_>| {
        let nsec = scene.test.nsec(owner, next, types).swap_remove(0);
        scene.test.signed_but(lasting(ttl, vec![nsec]), |input| input.sig_inception = inception)
    };
    links.iter().map(signed).collect()
}

/// Another look-up, so many seconds after the first one, hears that there is no such name.
fn hear_at(scene: &mut Scene, zones: &ProvenZones, seconds: u64, absent: &str, proof: &[Vec<Record>]) {
    for rtype in ["TXT", "DS"] {
        scene.put(absent, rtype, reply(ResponseCode::NXDomain, vec![], proof.to_vec()));
    }
    let mut trust = TrustContext::sharing(zones, UnixTime(NOW + seconds));
    expect(&scene.walk_under(&mut trust, absent, "TXT").0, "secure nxdomain");
}

/// `gone.test.` does not exist, as `test.` says by these records with that TTL.
fn with_gone(ttl: u32, proof: &[Link<'_>]) -> Scene {
    let mut scene = scene(DAY);
    let gone = signed_ago(&scene, 3_600, ttl, proof);
    for rtype in ["TXT", "DS"] {
        scene.put("gone.test.", rtype, reply(ResponseCode::NXDomain, vec![], gone.clone()));
    }
    scene
}

const AROUND: Link<'_> = ("dane.test.", "mail.test.", "NS DS RRSIG NSEC");
const WILDCARD: Link<'_> = ("test.", "dane.test.", "NS SOA RRSIG NSEC DNSKEY");

#[test]
fn a_name_between_two_that_a_top_level_domain_has_is_absent_without_a_question() {
    let scene = with_gone(TTL, &[AROUND, WILDCARD]);
    let zones = zones(&scene);
    let (_, asked) = ask(&scene, &zones, ("gone.test.", "TXT"));
    assert!(asked.contains(&"gone.test. DS".to_owned()), "{asked:?}");
    // Letters of either case are the same, and octets stand in their order (RFC 4034 section 6.1).
    for (other, rtype) in [
        ("gone.test.", "MX"),
        ("x.gone.test.", "A"),
        ("hello.test.", "TXT"),
        ("_mta-sts.lost.test.", "TXT"),
        ("HELLO.Test.", "TXT"),
        ("dane-.test.", "TXT"),
        ("l-z.test.", "TXT"),
    ] {
        let (finding, asked) = heard_at(&scene, &zones, 0, (other, rtype));
        expect(&finding, "secure nxdomain");
        assert!(asked.is_empty(), "{other}: {asked:?}");
        assert_eq!(finding.valid_until, Some(UnixTime(NOW + u64::from(TTL))));
    }
    // Nor is it looked for again below one that is absent.
    let mut trust = hearing(&zones, 0);
    let [above, below] = ["lost.test.", "_mta-sts.lost.test."]
        .map(|absent| scene.walk_under(&mut trust, absent, "TXT").0.proof);
    assert_eq!(above, below);
    // The names at both ends, those below them, those beyond, and what a reload begins with, have to be asked about.
    for other in [
        "dane.test.",
        "x.dane.test.",
        "MAIL.test.",
        "_x.mail.test.",
        "zoo.test.",
        "mb.test.",
        "test.",
        "other.",
    ] {
        assert!(!is_absent(&scene, &zones, other), "{other}");
    }
    let reloaded = self::zones(&scene);
    assert!(!is_absent(&scene, &reloaded, "gone.test."));
}

#[test]
fn whoever_could_be_held_back_asks_whatever_others_have_heard() {
    let mut scene = with_gone(TTL, &[AROUND, WILDCARD]);
    let zones = zones(&scene);
    ask(&scene, &zones, ("gone.test.", "TXT"));
    // It is there again.
    let unsigned = scene.test.nsec("hello.test.", "i.test.", "NS RRSIG NSEC");
    scene.put("hello.test.", "DS", denial(vec![unsigned]));
    scene.put("hello.test.", "TXT", data(vec![vec![txt("hello.test.", "here")]]));
    assert!(is_absent(&scene, &zones, "hello.test."));
    let mut trust = hearing(&zones, 0);
    assert!(!trust.count_others_denials(true), "nothing was absent by it yet");
    assert!(scene.walk_under(&mut trust, "hello.test.", "TXT").1.is_empty());
    assert!(trust.count_others_denials(false), "hello.test. was");
    assert!(!trust.count_others_denials(false));
    for trust in [&mut trust, &mut TrustContext::sharing(&zones, UnixTime(NOW))] {
        let (finding, asked) = scene.walk_under(trust, "hello.test.", "TXT");
        expect(&finding, "insecure 1 data (unsigned-delegation)");
        assert!(asked.contains(&"hello.test. TXT".to_owned()), "{asked:?}");
    }
}

#[test]
fn that_counts_until_its_ttl_ends_and_for_a_quarter_of_an_hour_at_most() {
    for (ttl, life) in [(TTL, u64::from(TTL)), (DAY, SHARED_DENIALS_LIFE)] {
        let scene = with_gone(ttl, &[AROUND, WILDCARD]);
        let zones = zones(&scene);
        ask_at(&scene, &zones, 100, ("gone.test.", "TXT"));
        let last = 100 + life - SHARED_ZONE_LEAST_LIFE;
        let (finding, asked) = heard_at(&scene, &zones, last, ("gone.test.", "TXT"));
        assert!(asked.is_empty(), "{asked:?}");
        assert_eq!(finding.valid_until, Some(UnixTime(NOW + 100 + life)));
        assert!(!is_absent_at(&scene, &zones, last + 1, "gone.test."));
        assert!(!is_absent_at(&scene, &zones, 99, "gone.test."), "nor by a clock that was set back");
    }
}

#[test]
fn a_denial_ends_with_what_its_zone_rests_on() {
    // The DS and the keys have a minute.
    let mut scene = scene(60);
    let zones = zones(&scene);
    let proof = signed_ago(&scene, 3_600, DAY, &[AROUND, WILDCARD]);
    hear_at(&mut scene, &zones, 0, "gone.test.", &proof);
    assert!(is_absent_at(&scene, &zones, 40, "hello.test."));
    ask_at(&scene, &zones, 100, (POLICY, "TXT"));
    assert!(!is_absent_at(&scene, &zones, 100, "hello.test."));
}

#[test]
fn what_was_signed_by_a_key_that_the_zone_has_no_more_denies_nothing() {
    let mut scene = with_gone(DAY, &[AROUND, WILDCARD]);
    let zones = zones(&scene);
    ask(&scene, &zones, ("gone.test.", "TXT"));
    assert!(is_absent(&scene, &zones, "hello.test."));
    scene.test = Zone::new("test.");
    let ds = scene.root.signed(vec![scene.test.ds(DigestType::SHA256)]);
    let keys = scene.test.signed(vec![scene.test.key()]);
    scene.put("test.", "DS", data(vec![ds]));
    scene.put("test.", "DNSKEY", data(vec![keys]));
    let proof = signed_ago(&scene, 60, DAY, &[("mail.test.", "zoo.test.", "NS DS RRSIG NSEC"), WILDCARD]);
    hear_at(&mut scene, &zones, 0, "nobody.test.", &proof);
    assert!(is_absent(&scene, &zones, "none.test."), "by the new key");
    assert!(!is_absent(&scene, &zones, "hello.test."), "by the old one");
}

#[test]
fn the_last_record_of_a_zone_leads_back_to_its_apex() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    let last = ("mail.test.", "test.", "NS DS RRSIG NSEC");
    let proof = signed_ago(&scene, 3_600, DAY, &[last, WILDCARD]);
    hear_at(&mut scene, &zones, 0, "zoo.test.", &proof);
    assert!(is_absent(&scene, &zones, "zulu.test.") && is_absent(&scene, &zones, "zz.test."));
    for other in ["mail.test.", "x.mail.test.", "hello.test.", "test."] {
        assert!(!is_absent(&scene, &zones, other), "{other}");
    }
}

#[test]
fn where_a_wildcard_might_answer_or_may_be_denied_otherwise_it_is_asked() {
    // A wildcard that exists answers for others, too; one of which nothing is said might.
    let exists = ("*.test.", "dane.test.", "MX RRSIG NSEC");
    for proof in [vec![AROUND, exists], vec![AROUND]] {
        let scene = with_gone(TTL, &proof);
        let zones = zones(&scene);
        scene.walk_under(&mut TrustContext::sharing(&zones, UnixTime(NOW)), "gone.test.", "TXT");
        for other in ["gone.test.", "hello.test."] {
            assert!(!is_absent(&scene, &zones, other), "{other}: {proof:?}");
        }
    }
    // Below the wildcard itself it answers for nobody (RFC 4592 section 2.2.1).
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    let proof = signed_ago(&scene, 3_600, DAY, &[exists]);
    hear_at(&mut scene, &zones, 0, "x.*.test.", &proof);
    assert!(is_absent(&scene, &zones, "y.*.test."));
    assert!(!is_absent(&scene, &zones, "y.test.") && !is_absent(&scene, &zones, "*.test."));
}

#[test]
fn names_below_an_alias_of_a_whole_tree_and_in_unsigned_zones_of_the_configuration_are_not_absent() {
    use smtp_sts_verify::dns::scope::InsecureZones;
    let scene = with_gone(TTL, &[("dane.test.", "mail.test.", "DNAME RRSIG NSEC"), WILDCARD]);
    let zones = zones(&scene);
    ask(&scene, &zones, ("gone.test.", "TXT"));
    assert!(is_absent(&scene, &zones, "hello.test.") && !is_absent(&scene, &zones, "x.dane.test."));
    let excepted = InsecureZones::from(vec!["corp.test".parse().unwrap()]);
    let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap().except(excepted);
    let zones = ProvenZones::under(Arc::new(anchors));
    ask(&scene, &zones, ("gone.test.", "TXT"));
    assert!(is_absent(&scene, &zones, "hello.test.") && !is_absent(&scene, &zones, "x.corp.test."));
}

/// What `test.` says of `corp.test.`, at which no zone begins, holds for the names below it, too (RFC 4035 section 5.4).
#[test]
fn below_a_name_that_is_there_and_begins_no_zone_others_are_absent_without_a_question() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    let corp = signed_ago(&scene, 3_600, DAY, &[("corp.test.", "dane.test.", "A RRSIG NSEC")]);
    scene.put("corp.test.", "DS", denial(corp.clone()));
    hear_at(&mut scene, &zones, 0, "gone.corp.test.", &corp);
    assert!(is_absent(&scene, &zones, "lost.corp.test.") && is_absent(&scene, &zones, "x.y.corp.test."));
    assert!(!is_absent(&scene, &zones, "corp.test.") && !is_absent(&scene, &zones, "d.test."));
}

#[test]
fn what_a_look_up_has_seen_itself_is_there_whatever_others_hear_after_it() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    let hello = signed_ago(&scene, 3_600, DAY, &[("hello.test.", "i.test.", "A RRSIG NSEC")]);
    scene.put("hello.test.", "DS", denial(hello.clone()));
    scene.put("hello.test.", "MX", denial(hello));
    let mut trust = hearing(&zones, 0);
    expect(&scene.walk_under(&mut trust, "hello.test.", "MX").0, "secure nodata");
    let proof = signed_ago(&scene, 60, DAY, &[AROUND, WILDCARD]);
    hear_at(&mut scene, &zones, 0, "gone.test.", &proof);
    let (_, asked) = scene.walk_under(&mut trust, "hello.test.", "TXT");
    assert_eq!(asked, ["hello.test. TXT"]);
}

#[test]
fn of_two_denials_of_one_owner_and_second_the_one_that_was_heard_later_counts() {
    let (wide, narrow) = (AROUND, ("dane.test.", "hello.test.", "NS DS RRSIG NSEC"));
    for (first, second, is_hi_absent) in [(wide, narrow, false), (narrow, wide, true)] {
        let mut scene = scene(DAY);
        let zones = zones(&scene);
        for link in [first, second] {
            let proof = signed_ago(&scene, 3_600, DAY, &[link, WILDCARD]);
            hear_at(&mut scene, &zones, 0, "gone.test.", &proof);
        }
        assert!(is_absent(&scene, &zones, "east.test."));
        assert_eq!(is_absent(&scene, &zones, "hi.test."), is_hi_absent);
    }
}

#[test]
fn a_name_that_is_there_ends_nothing_that_does_not_deny_it() {
    let mut scene = with_gone(DAY, &[AROUND, WILDCARD]);
    let zones = zones(&scene);
    ask(&scene, &zones, ("gone.test.", "TXT"));
    let zoo = scene.test.nsec("zoo.test.", "zz.test.", "TXT RRSIG NSEC");
    let text = scene.test.signed(vec![txt("zoo.test.", "here")]);
    scene.put("zoo.test.", "DS", denial(vec![zoo]));
    scene.put("zoo.test.", "TXT", data(vec![text]));
    expect(&ask(&scene, &zones, ("zoo.test.", "TXT")).0, "secure 1 data");
    assert!(is_absent(&scene, &zones, "hello.test."));
}

/// Of three, the second was signed after the first and says otherwise, and the third after both: the first is known to be no longer so,
/// and the second not to be so.
#[test]
fn a_denial_that_is_outdated_itself_ends_an_older_one_of_the_same_owner() {
    let types = "NS DS RRSIG NSEC";
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    for (absent, ago, link) in [
        ("gone.test.", 300, AROUND),
        ("mb.test.", 100, ("mail.test.", "n.test.", types)),
        ("pop.test.", 200, ("dane.test.", "zoo.test.", types)),
    ] {
        let proof = signed_ago(&scene, ago, DAY, &[link, WILDCARD]);
        hear_at(&mut scene, &zones, 0, absent, &proof);
    }
    assert!(is_absent(&scene, &zones, "mc.test."), "what was signed last");
    assert!(!is_absent(&scene, &zones, "hello.test.") && !is_absent(&scene, &zones, "pop.test."));
}

/// What is put down for one question.
type Put = (&'static str, &'static str, Message);

/// Replies that prove that there is `hello.test.`, or names below it, with a TTL of a minute; and a question that hears them.
fn proofs_of_existence(scene: &Scene) -> Vec<(&'static str, Vec<Put>)> {
    let minute = |zone: &Zone, records| zone.signed(lasting(60, records));
    let denies = |types| {
        let nsec = scene.test.nsec("hello.test.", "i.test.", types).swap_remove(0);
        denial(vec![minute(&scene.test, vec![nsec])])
    };
    let signed = Zone::new("hello.test.");
    let text = || vec![txt("hello.test.", "here")];
    let alias = minute(&scene.test, vec![dname("hello.test.", "mail.test.")]);
    vec![
        (
            "hello.test.",
            vec![
                ("hello.test.", "DS", data(vec![minute(&scene.test, vec![signed.ds(DigestType::SHA256)])])),
                ("hello.test.", "DNSKEY", data(vec![minute(&signed, vec![signed.key()])])),
                ("hello.test.", "TXT", data(vec![minute(&signed, text())])),
            ],
        ),
        (
            "hello.test.",
            vec![
                ("hello.test.", "DS", denies("NS RRSIG NSEC")),
                ("hello.test.", "TXT", data(vec![lasting(60, text())])),
            ],
        ),
        (
            "hello.test.",
            vec![
                ("hello.test.", "DS", denies("TXT RRSIG NSEC")),
                ("hello.test.", "TXT", data(vec![minute(&scene.test, text())])),
            ],
        ),
        (
            "x.hello.test.",
            vec![
                ("hello.test.", "DS", denies("DNAME RRSIG NSEC")),
                ("x.hello.test.", "DS", data(vec![alias.clone()])),
                ("x.hello.test.", "TXT", data(vec![alias.clone()])),
                ("x.mail.test.", "TXT", data(vec![scene.mail.signed(vec![txt("x.mail.test.", "here")])])),
            ],
        ),
        // A resolver that answers a DS question with the alias.
        (
            "x.hello.test.",
            vec![
                ("hello.test.", "DS", data(vec![alias.clone()])),
                ("x.hello.test.", "TXT", data(vec![alias])),
                ("x.mail.test.", "TXT", data(vec![scene.mail.signed(vec![txt("x.mail.test.", "here")])])),
            ],
        ),
    ]
}

#[test]
fn a_name_that_is_proven_to_exist_is_denied_no_longer() {
    let way = with_gone(DAY, &[AROUND, WILDCARD]);
    for (number, (owner, _)) in proofs_of_existence(&way).into_iter().enumerate() {
        let mut scene = with_gone(DAY, &[AROUND, WILDCARD]);
        let zones = zones(&scene);
        ask(&scene, &zones, ("gone.test.", "TXT"));
        let replies = proofs_of_existence(&scene).swap_remove(number).1;
        for (at, rtype, message) in replies {
            scene.put(at, rtype, message);
        }
        assert!(is_absent(&scene, &zones, owner), "{number}");
        let mut asks = TrustContext::sharing(&zones, UnixTime(NOW + 10));
        let (finding, _) = scene.walk_under(&mut asks, owner, "TXT");
        assert!(short(&finding).contains("1 data"), "{number}: {finding:?}");
        // While that is known, and when it is not any more.
        for seconds in [20, 100] {
            assert!(!is_absent_at(&scene, &zones, seconds, owner), "{number} after {seconds} s");
        }
    }
}

#[test]
fn nor_is_it_in_a_look_up_that_went_by_the_denial_itself() {
    let way = with_gone(DAY, &[AROUND, WILDCARD]);
    for (number, (owner, _)) in proofs_of_existence(&way).into_iter().enumerate() {
        let mut scene = with_gone(DAY, &[AROUND, WILDCARD]);
        let zones = zones(&scene);
        ask(&scene, &zones, ("gone.test.", "TXT"));
        for (at, rtype, message) in proofs_of_existence(&scene).swap_remove(number).1 {
            scene.put(at, rtype, message);
        }
        let alias = scene.mail.signed(vec![cname("alias.mail.test.", owner)]);
        scene.put("alias.mail.test.", "TXT", data(vec![alias]));
        let mut trust = hearing(&zones, 10);
        let asked = |trust: &mut TrustContext, name: &str| scene.walk_under(trust, name, "TXT").1;
        assert!(asked(&mut trust, owner).is_empty(), "{number}");
        // A walk that has asked goes on asking.
        assert!(asked(&mut trust, "alias.mail.test.").contains(&format!("{owner} TXT")), "{number}");
        assert!(!asked(&mut trust, owner).is_empty(), "{number}");
    }
}

#[test]
fn of_two_denials_the_one_that_was_signed_later_counts_whichever_came_last() {
    let (hello, types) = (("hello.test.", "mail.test.", "NS RRSIG NSEC"), "NS DS RRSIG NSEC");
    let narrower = ("dane.test.", "hello.test.", types);
    // An older and a newer record with a name that each denies; names that are absent by both of them, and others that are not.
    for (older, newer, absent, open) in [
        (
            (AROUND, "gone.test."),
            (hello, "help.test."),
            vec!["help.test."],
            vec!["hallo.test.", "hello.test."],
        ),
        (
            (AROUND, "help.test."),
            (narrower, "gone.test."),
            vec!["good.test."],
            vec!["hello.test.", "home.test."],
        ),
        (
            (hello, "help.test."),
            (AROUND, "gone.test."),
            vec!["hallo.test.", "hello.test.", "help.test."],
            vec![],
        ),
        ((narrower, "gone.test."), (AROUND, "help.test."), vec!["hallo.test.", "hello.test."], vec![]),
    ] {
        for is_newer_last in [true, false] {
            let mut scene = scene(DAY);
            let zones = zones(&scene);
            let mut heard = [(older, 7_200), (newer, 60)];
            if !is_newer_last {
                heard.reverse();
            }
            for ((link, gone), ago) in heard {
                let proof = signed_ago(&scene, ago, DAY, &[link, WILDCARD]);
                hear_at(&mut scene, &zones, 0, gone, &proof);
            }
            let how = format!("{newer:?} after {older:?}: {is_newer_last}");
            for name in &absent {
                assert!(is_absent(&scene, &zones, name), "{name}: {how}");
            }
            for name in &open {
                assert!(!is_absent(&scene, &zones, name), "{name}: {how}");
            }
        }
    }
    // Of two that were signed in the same second the last one that was heard.
    for (links, is_hello_absent) in [
        ([(AROUND, "gone.test."), (hello, "help.test.")], false),
        ([(hello, "help.test."), (AROUND, "gone.test.")], true),
    ] {
        let mut scene = scene(DAY);
        let zones = zones(&scene);
        for (link, gone) in links {
            let proof = signed_ago(&scene, 60, DAY, &[link, WILDCARD]);
            hear_at(&mut scene, &zones, 0, gone, &proof);
        }
        assert!(is_absent(&scene, &zones, "help.test."), "{links:?}");
        for name in ["hallo.test.", "hello.test."] {
            assert_eq!(is_absent(&scene, &zones, name), is_hello_absent, "{name}: {links:?}");
        }
    }
}

#[test]
fn nothing_is_absent_for_others_by_a_denial_that_is_not_signed() {
    let mut scene = with_gone(TTL, &[AROUND, WILDCARD]);
    let zones = zones(&scene);
    for rtype in ["TXT", "DS"] {
        scene.change("gone.test.", rtype, |message| {
            for record in &mut message.authorities {
                if let RData::DNSSEC(DNSSECRData::NSEC(nsec)) = &record.data {
                    let types = nsec.type_set().clone();
                    record.data =
                        RData::DNSSEC(DNSSECRData::NSEC(NSEC::new(name("zoo.test."), types.iter())));
                }
            }
        });
    }
    let mut trust = TrustContext::sharing(&zones, UnixTime(NOW));
    assert!(scene.walk_under(&mut trust, "gone.test.", "TXT").0.outcome.content().is_none());
    for other in ["gone.test.", "mail.test.", "hello.test."] {
        assert!(!is_absent(&scene, &zones, other), "{other}");
    }
}

#[test]
fn what_is_denied_below_top_level_domains_is_nobody_elses() {
    let mut scene = scene(TTL);
    let gone = vec![scene.mail.nsec("mail.test.", "z.mail.test.", "NS SOA RRSIG NSEC DNSKEY")];
    for rtype in ["TXT", "DS"] {
        scene.put("gone.mail.test.", rtype, reply(ResponseCode::NXDomain, vec![], gone.clone()));
    }
    let zones = zones(&scene);
    for _ in 0..2 {
        let (finding, asked) = heard_at(&scene, &zones, 0, ("gone.mail.test.", "TXT"));
        expect(&finding, "secure nxdomain");
        assert!(asked.contains(&"gone.mail.test. TXT".to_owned()), "{asked:?}");
    }
}

#[test]
fn the_room_of_denials_has_an_end_and_begins_anew() {
    use smtp_sts_verify::limits::MAX_SHARED_DENIALS_OCTETS;
    let mut scene = scene(TTL);
    let zones = zones(&scene);
    let apex = scene.test.nsec(WILDCARD.0, WILDCARD.1, WILDCARD.2);
    // Some 900 octets each.
    let many = MAX_SHARED_DENIALS_OCTETS / 600;
    for number in 0..many {
        let (owner, next) = (format!("n{number:06}.test."), format!("n{number:06}a.test."));
        let gone = format!("n{number:06}0.test.");
        let proof = vec![scene.test.nsec(&owner, &next, "NS RRSIG NSEC"), apex.clone()];
        hear_at(&mut scene, &zones, 0, &gone, &proof);
    }
    let absent = |number: usize| is_absent(&scene, &zones, &format!("n{number:06}00.test."));
    assert!(absent(many - 1), "the newest is known");
    assert!(!absent(0), "the oldest has made room");
}

// ---- keys ahead of the DS ----------------------------------------------------------------------------------------

/// A zone below `test.` that is not signed.
fn put_unsigned(scene: &mut Scene, apex: &str) {
    let next = format!("0.{apex}");
    scene.put(apex, "DS", denial(vec![scene.test.nsec(apex, &next, "NS RRSIG NSEC")]));
    scene.put(apex, "TXT", data(vec![vec![txt(apex, "here")]]));
}

/// A zone below `test.` that is signed.
fn put_signed(scene: &mut Scene, apex: &str) {
    let signed = Zone::new(apex);
    scene.put(apex, "DS", data(vec![scene.test.signed(vec![signed.ds(DigestType::SHA256)])]));
    scene.put(apex, "DNSKEY", data(vec![signed.signed(vec![signed.key()])]));
    scene.put(apex, "TXT", data(vec![signed.signed(vec![txt(apex, "here")])]));
}

/// Whether keys are asked for before a DS is there.
fn has_keys_ahead(zones: &ProvenZones, apex: &str) -> bool {
    wanted_first(zones, apex).contains(&format!("{apex} DNSKEY"))
}

#[test]
fn where_hardly_a_zone_is_signed_keys_are_asked_for_when_there_is_a_ds() {
    let mut scene = scene(TTL);
    let zones = zones(&scene);
    let few = DELEGATIONS_BEFORE_KEYS_WAIT;
    // Eight to each of three signed ones.
    let unsigned = 3 * DELEGATIONS_TO_ONE_SIGNED;
    for number in 0..unsigned {
        let apex = format!("p{number:02}.test.");
        put_unsigned(&mut scene, &apex);
        assert_eq!(has_keys_ahead(&zones, &apex), number < few, "{number}");
        expect(&ask(&scene, &zones, (&apex, "TXT")).0, "insecure 1 data (unsigned-delegation)");
    }
    let (finding, asked) = ask(&scene, &zones, (POLICY, "TXT"));
    expect(&finding, "secure 1 data");
    assert!(asked.contains(&"mail.test. DNSKEY".to_owned()), "a signed one has them all the same: {asked:?}");
    // `mail.test.` is the first of the three.
    for apex in ["s1.test.", "s2.test."] {
        assert!(!has_keys_ahead(&zones, "next.test."), "{apex}");
        put_signed(&mut scene, apex);
        expect(&ask(&scene, &zones, (apex, "TXT")).0, "secure 1 data");
    }
    assert!(has_keys_ahead(&zones, "next.test."));
    put_unsigned(&mut scene, "one-more.test.");
    expect(&ask(&scene, &zones, ("one-more.test.", "TXT")).0, "insecure 1 data (unsigned-delegation)");
    assert!(!has_keys_ahead(&zones, "next.test."), "nine to one of them");
}

#[test]
fn a_zone_counts_once_and_keys_of_the_zone_above_do_not() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    put_unsigned(&mut scene, "p.test.");
    for time in 0..u64::from(DELEGATIONS_BEFORE_KEYS_WAIT) + 4 {
        let (finding, asked) = ask_at(&scene, &zones, time * (u64::from(TTL) + 1), ("p.test.", "TXT"));
        expect(&finding, "insecure 1 data (unsigned-delegation)");
        assert!(asked.contains(&"p.test. DS".to_owned()), "it is proven anew: {asked:?}");
    }
    assert!(has_keys_ahead(&zones, "next.test."));
}

#[test]
fn what_was_seen_of_late_counts_more_than_what_was_before() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    // As many unsigned ones as are counted before all is halved; then one signed zone in eight of half as many is enough.
    for number in 0..DELEGATIONS_COUNTED {
        let apex = format!("p{number:04}.test.");
        put_unsigned(&mut scene, &apex);
        expect(&ask(&scene, &zones, (&apex, "TXT")).0, "insecure 1 data (unsigned-delegation)");
    }
    let enough = (DELEGATIONS_COUNTED / 2).div_ceil(DELEGATIONS_TO_ONE_SIGNED);
    for number in 0..enough {
        assert!(!has_keys_ahead(&zones, "next.test."), "{number}");
        let apex = format!("s{number:04}.test.");
        put_signed(&mut scene, &apex);
        expect(&ask(&scene, &zones, (&apex, "TXT")).0, "secure 1 data");
    }
    assert!(has_keys_ahead(&zones, "next.test."));
}

/// The questions that leave together before anything is there.
fn wanted_first(zones: &ProvenZones, apex: &str) -> Vec<String> {
    let mut trust = TrustContext::sharing(zones, UnixTime(NOW));
    let mut walk = Walk::new(Question::new(&name(apex), RecordType::TXT));
    match walk.step(&mut trust, &Replies::default()) {
        Step::Ask(questions) => questions.iter().map(ToString::to_string).collect(),
        Step::Done(finding) => panic!("{finding:?}"),
    }
}

// ---- what fails under it -------------------------------------------------------------------------------------

/// `mail.test.` has other keys from one moment to the next, and signs with them.
fn rolled_over(scene: &mut Scene) {
    scene.mail = Zone::new("mail.test.");
    let ds = scene.test.signed(vec![scene.mail.ds(DigestType::SHA256)]);
    let keys = scene.mail.signed(vec![scene.mail.key()]);
    let policy = scene.mail.signed(vec![txt(POLICY, "v=STSv1")]);
    scene.put("mail.test.", "DS", data(vec![ds]));
    scene.put("mail.test.", "DNSKEY", data(vec![keys]));
    scene.put(POLICY, "TXT", data(vec![policy]));
}

#[test]
fn keys_that_were_exchanged_in_haste_are_found_before_anything_is_bogus_and_count_for_the_next() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    rolled_over(&mut scene);
    let (finding, asked) = ask(&scene, &zones, (POLICY, "TXT"));
    expect(&finding, "secure 1 data");
    let anew = cold(&scene, (POLICY, "TXT")).1;
    assert!(anew.iter().all(|question| asked.contains(question)), "everything anew: {asked:?}");
    assert_eq!(ask(&scene, &zones, (POLICY, "TXT")).1, ["_smtp-sts.mail.test. TXT"]);
}

#[test]
fn a_zone_that_is_no_longer_signed_is_insecure_at_once() {
    let mut scene = scene(DAY);
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    let unsigned = scene.test.nsec("mail.test.", "q.test.", "NS RRSIG NSEC");
    scene.put("mail.test.", "DS", denial(vec![unsigned]));
    scene.put(POLICY, "TXT", data(vec![vec![txt(POLICY, "v=STSv1")]]));
    expect(&ask(&scene, &zones, (POLICY, "TXT")).0, "insecure 1 data (unsigned-delegation)");
    assert_eq!(ask(&scene, &zones, (POLICY, "TXT")).1, ["_smtp-sts.mail.test. TXT"]);
}

#[test]
fn what_is_bogus_cold_is_bogus_for_the_same_reason_and_changes_nothing_for_others() {
    let mut scene = scene(TTL);
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    let forged = "_x.mail.test.";
    scene.put(forged, "TXT", data(vec![vec![txt(forged, "forged")]]));
    let (finding, asked) = ask(&scene, &zones, (forged, "TXT"));
    let (alone, asked_alone) = cold(&scene, (forged, "TXT"));
    assert_eq!((&finding.outcome, &finding.proof), (&alone.outcome, &alone.proof));
    assert_eq!(asked.len(), asked_alone.len(), "{asked:?}");
    assert_eq!(ask(&scene, &zones, (POLICY, "TXT")).1.len(), 1);
}

#[test]
fn silence_is_what_it_is_cold() {
    let mut scene = scene(TTL);
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    scene.fail("_x.mail.test.", "TXT");
    let (finding, _) = ask(&scene, &zones, ("_x.mail.test.", "TXT"));
    assert_eq!(finding.outcome, cold(&scene, ("_x.mail.test.", "TXT")).0.outcome);
    // And where the zone is not signed any more, it is known to be so.
    let unsigned = scene.test.nsec("mail.test.", "q.test.", "NS RRSIG NSEC");
    scene.put("mail.test.", "DS", denial(vec![unsigned]));
    let (finding, _) = ask(&scene, &zones, ("_x.mail.test.", "TXT"));
    assert_eq!(finding.outcome, cold(&scene, ("_x.mail.test.", "TXT")).0.outcome);
}

#[test]
fn who_proves_anew_does_not_disturb_whoever_does_not() {
    let mut scene = scene(TTL);
    let zones = zones(&scene);
    ask(&scene, &zones, (POLICY, "TXT"));
    scene.put("_x.mail.test.", "TXT", data(vec![vec![txt("_x.mail.test.", "forged")]]));
    let mut trust = TrustContext::sharing(&zones, UnixTime(NOW));
    for (part, rtype) in [
        (".", "DNSKEY"),
        ("test.", "DS"),
        ("test.", "DNSKEY"),
        ("mail.test.", "DS"),
        ("mail.test.", "DNSKEY"),
    ] {
        scene.fail(part, rtype);
    }
    // With the way down silent, what is forged is unreachable; what is genuine is secure before and after, as it was.
    expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, "secure 1 data");
    let (finding, _) = scene.walk_under(&mut trust, "_x.mail.test.", "TXT");
    assert_eq!(finding.outcome.class(), Class::Unreachable, "{finding:?}");
    expect(&scene.walk_under(&mut trust, POLICY, "TXT").0, "secure 1 data");
}

// ---- room ----------------------------------------------------------------------------------------------------

#[test]
fn nobody_takes_the_room_of_others() {
    let mut scene = scene(TTL);
    let nsec = scene.test.nsec("plain.test.", "q.test.", "NS RRSIG NSEC");
    with_unsigned(&mut scene, vec![nsec]);
    let zones = zones(&scene);
    ask(&scene, &zones, ("a.plain.test.", "A"));
    // More names of one owner than there is room for altogether, if each took as little as can be.
    let share = MAX_SHARED_ZONES_OCTETS / 4 / SHARED_ZONES_OWNERS;
    let many = share / 200;
    let host = |number: usize| format!("n{number}.mail.test.");
    for number in 0..many {
        let signed = scene.mail.signed(vec![address(&host(number))]);
        scene.put(&host(number), "A", data(vec![signed]));
        let mut trust = TrustContext::sharing(&zones, UnixTime(NOW));
        expect(&scene.walk_under(&mut trust, &host(number), "A").0, "secure 1 data");
    }
    assert_eq!(ask(&scene, &zones, (&host(0), "A")).1.len(), 1, "the first ones are known");
    assert_eq!(ask(&scene, &zones, (&host(many - 1), "A")).1.len(), 2, "the share is spent");
    assert_eq!(ask(&scene, &zones, ("b.c.plain.test.", "A")).1.len(), 1, "others are still known");
}

#[test]
fn a_share_that_has_ended_is_its_owners_again() {
    let scene = &mut scene(TTL);
    let zones = zones(scene);
    let share = MAX_SHARED_ZONES_OCTETS / 4 / SHARED_ZONES_OWNERS;
    let host = |number: usize| format!("n{number}.mail.test.");
    let mut known_at = |number: usize, seconds: u64| {
        let signed = scene.mail.signed(vec![address(&host(number))]);
        scene.put(&host(number), "A", data(vec![signed]));
        expect(&ask_at(scene, &zones, seconds, (&host(number), "A")).0, "secure 1 data");
        ask_at(scene, &zones, seconds, (&host(number), "A")).1.len() == 1
    };
    let spent_with = (0..share / 200).find(|number| !known_at(*number, 0)).expect("a share has an end");
    let later = u64::from(TTL) + 1;
    assert!(known_at(spent_with, later), "what was kept at first counts no more");
    assert!((0..spent_with - 1).all(|number| known_at(number, later)), "all of the share is there again");
    assert!(!known_at(spent_with + 1, later), "and no more than that");
}

#[test]
fn a_zone_with_very_many_keys_is_proven_anew_each_time() {
    let mut scene = scene(TTL);
    let others: Vec<Record> = (0..150).map(|_| Zone::new("mail.test.").key()).collect();
    let keys = scene.mail.signed([vec![scene.mail.key()], others].concat());
    scene.put("mail.test.", "DNSKEY", data(vec![keys]));
    let zones = zones(&scene);
    for _ in 0..2 {
        let (finding, asked) = ask(&scene, &zones, (POLICY, "TXT"));
        expect(&finding, "secure 1 data");
        assert!(asked.contains(&"mail.test. DNSKEY".to_owned()), "{asked:?}");
    }
}

// ---- fewer questions within one verdict ----------------------------------------------------------------------

/// The questions of these, one after the other, in one verdict.
fn in_one_verdict(scene: &Scene, questions: &[(&str, &str)]) -> (Finding, Vec<String>) {
    let mut trust = TrustContext::new(anchors(scene), scene.now);
    let mut last = None;
    for (owner, rtype) in questions {
        last = Some(scene.walk_under(&mut trust, owner, rtype));
    }
    let (finding, asked) = last.unwrap();
    if let Err(flaw) = scene.audit(&finding) {
        panic!("{flaw}\n  {finding:#?}");
    }
    (finding, asked)
}

/// Records that deny `gone.mail.test.` and each wildcard for it; or all but the wildcard.
fn gone(scene: &Scene, whole: bool) -> Vec<Vec<Record>> {
    let cover = scene.mail.nsec("f.mail.test.", "h.mail.test.", "A RRSIG NSEC");
    let wildcard = scene.mail.nsec("mail.test.", "a.mail.test.", "NS SOA MX RRSIG NSEC DNSKEY");
    if whole { vec![cover, wildcard] } else { vec![cover] }
}

#[test]
fn a_name_that_is_proven_not_to_exist_answers_for_all_below_it() {
    let mut scene = scene(TTL);
    scene.put("gone.mail.test.", "MX", reply(ResponseCode::NXDomain, vec![], gone(&scene, true)));
    for question in
        [("gone.mail.test.", "A"), ("_25._tcp.gone.mail.test.", "TLSA"), ("gone.mail.test.", "DS")]
    {
        let (finding, asked) = in_one_verdict(&scene, &[("gone.mail.test.", "MX"), question]);
        expect(&finding, "secure nxdomain");
        assert_eq!(finding.valid_until, Some(UnixTime(NOW + u64::from(TTL))));
        assert!(asked.is_empty(), "{asked:?}");
    }
    // Beside it, nothing is known.
    let (_, asked) = in_one_verdict(&scene, &[("gone.mail.test.", "MX"), ("going.mail.test.", "A")]);
    assert!(asked.contains(&"going.mail.test. A".to_owned()));
}

/// What a zone says to deny a name.
type Denies<'a> = &'a dyn Fn(&Scene) -> Vec<Vec<Record>>;

#[test]
fn an_absence_that_leaves_something_open_answers_for_nothing_else() {
    let without_type =
        |scene: &Scene| vec![scene.mail.nsec("gone.mail.test.", "h.mail.test.", "A RRSIG NSEC")];
    let above_others =
        |scene: &Scene| vec![scene.mail.nsec("f.mail.test.", "x.gone.mail.test.", "A RRSIG NSEC")];
    let opt_out = |scene: &Scene| {
        vec![
            scene.mail.nsec3_at("mail.test.", "NS SOA RRSIG DNSKEY", OPT_OUT),
            scene.mail.nsec3_over("gone.mail.test.", OPT_OUT),
            scene.mail.nsec3_over("*.mail.test.", OPT_OUT),
        ]
    };
    let heavy = |scene: &Scene| {
        let terms = Nsec3 { iterations: 151, ..PLAIN };
        vec![
            scene.mail.nsec3_at("mail.test.", "NS SOA RRSIG DNSKEY", terms),
            scene.mail.nsec3_over("gone.mail.test.", terms),
            scene.mail.nsec3_over("*.mail.test.", terms),
        ]
    };
    let half = |scene: &Scene| gone(scene, false);
    let denials: [Denies<'_>; 5] = [&without_type, &above_others, &opt_out, &heavy, &half];
    for denies in denials {
        let mut scene = scene(TTL);
        let proof = denies(&scene);
        scene.put("gone.mail.test.", "MX", reply(ResponseCode::NXDomain, vec![], proof));
        let here = scene.mail.signed(vec![address("x.gone.mail.test.")]);
        scene.put("x.gone.mail.test.", "A", data(vec![here]));
        let (finding, asked) =
            in_one_verdict(&scene, &[("gone.mail.test.", "MX"), ("x.gone.mail.test.", "A")]);
        expect(&finding, "secure 1 data");
        assert!(asked.contains(&"x.gone.mail.test. A".to_owned()), "{asked:?}");
    }
}

#[test]
fn a_private_zone_below_a_name_that_the_public_dns_denies_is_asked_about() {
    let mut scene = scene(TTL);
    scene.put("gone.mail.test.", "MX", reply(ResponseCode::NXDomain, vec![], gone(&scene, true)));
    scene.put("x.gone.mail.test.", "A", data(vec![vec![address("x.gone.mail.test.")]]));
    let private = vec!["x.gone.mail.test".parse().unwrap()];
    let anchors = Arc::new(TrustAnchors::clone(&anchors(&scene)).except(private.into()));
    let mut trust = TrustContext::new(anchors, scene.now);
    expect(&scene.walk_under(&mut trust, "gone.mail.test.", "MX").0, "secure nxdomain");
    expect(&scene.walk_under(&mut trust, "x.gone.mail.test.", "A").0, "insecure 1 data (insecure-zone)");
}

#[test]
fn next_to_what_a_zone_has_signed_a_host_costs_itself_alone() {
    let mut scene = scene(TTL);
    let signed = scene.mail.signed(vec![address("mx.mail.test.")]);
    scene.put("mx.mail.test.", "A", data(vec![signed]));
    let none = scene.mail.nsec("mx.mail.test.", "n.mail.test.", "A RRSIG NSEC");
    scene.put("mx.mail.test.", "AAAA", denial(vec![none]));
    for (rtype, expected) in [("A", "secure 1 data"), ("AAAA", "secure nodata")] {
        let (finding, asked) = in_one_verdict(&scene, &[(POLICY, "TXT"), ("mx.mail.test.", rtype)]);
        expect(&finding, expected);
        assert_eq!(asked, [format!("mx.mail.test. {rtype}")]);
    }
}

#[test]
fn where_another_zone_begins_there_all_the_same_it_is_found() {
    // Signed.
    let mut scene = scene(TTL);
    let own = Zone::new("mx.mail.test.");
    let ds = scene.mail.signed(vec![own.ds(DigestType::SHA256)]);
    scene.put("mx.mail.test.", "DS", data(vec![ds]));
    scene.put("mx.mail.test.", "DNSKEY", data(vec![own.signed(vec![own.key()])]));
    scene.put("mx.mail.test.", "A", data(vec![own.signed(vec![address("mx.mail.test.")])]));
    let (finding, asked) = in_one_verdict(&scene, &[(POLICY, "TXT"), ("mx.mail.test.", "A")]);
    expect(&finding, "secure 1 data");
    assert_eq!(asked, ["mx.mail.test. A", "mx.mail.test. DS", "mx.mail.test. DNSKEY"]);
    // Unsigned.
    let cut = scene.mail.nsec("mx.mail.test.", "n.mail.test.", "NS RRSIG NSEC");
    scene.put("mx.mail.test.", "DS", denial(vec![cut.clone()]));
    scene.put("mx.mail.test.", "A", data(vec![vec![address("mx.mail.test.")]]));
    let (finding, _) = in_one_verdict(&scene, &[(POLICY, "TXT"), ("mx.mail.test.", "A")]);
    expect(&finding, "insecure 1 data (unsigned-delegation)");
    // What stands above the cut denies nothing below it (RFC 6840 section 4.1).
    scene.put("mx.mail.test.", "AAAA", denial(vec![cut]));
    let (finding, _) = in_one_verdict(&scene, &[(POLICY, "TXT"), ("mx.mail.test.", "AAAA")]);
    assert_eq!(finding.outcome.class(), Class::Insecure, "{finding:?}");
    // And what nobody signed is bogus where no cut begins.
    let none = scene.mail.nsec("mx.mail.test.", "n.mail.test.", "A RRSIG NSEC");
    scene.put("mx.mail.test.", "DS", denial(vec![none]));
    let (finding, _) = in_one_verdict(&scene, &[(POLICY, "TXT"), ("mx.mail.test.", "A")]);
    expect(&finding, "bogus (no-signature)");
}

#[test]
fn a_denial_that_comes_with_every_reply_is_verified_once() {
    let mut scene = scene(TTL);
    let shown = gone(&scene, true);
    for host in ["gone.mail.test.", "g.mail.test.", "ga.mail.test."] {
        scene.put(host, "A", reply(ResponseCode::NXDomain, vec![], shown.clone()));
        scene.put(host, "DS", reply(ResponseCode::NXDomain, vec![], shown.clone()));
    }
    let mut trust = TrustContext::new(anchors(&scene), scene.now);
    let mut spent = Vec::new();
    for host in ["gone.mail.test.", "g.mail.test.", "ga.mail.test."] {
        expect(&scene.walk_under(&mut trust, host, "A").0, "secure nxdomain");
        spent.push(trust.spent().verifications);
    }
    assert!(spent[0] == spent[1] && spent[1] == spent[2], "{spent:?}");
    // A changed one is another one.
    scene.change("ga.mail.test.", "A", |message| {
        for record in &mut message.authorities {
            if let RData::DNSSEC(DNSSECRData::NSEC(nsec)) = &record.data {
                let next = name("zz.mail.test.");
                let nsec = NSEC::new(next, nsec.type_bit_maps());
                record.data = RData::DNSSEC(DNSSECRData::NSEC(nsec));
            }
        }
    });
    let mut trust = TrustContext::new(anchors(&scene), scene.now);
    expect(&scene.walk_under(&mut trust, "gone.mail.test.", "A").0, "secure nxdomain");
    let (finding, _) = scene.walk_under(&mut trust, "ga.mail.test.", "A");
    assert_eq!(finding.outcome.class(), Class::Bogus, "{finding:?}");
}
