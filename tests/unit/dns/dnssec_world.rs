//! What only the signed world of `tests/dnssec-world` can show: round trips, and who is to blame for a bogus answer.
//!
//! `tests/dnssec-world/check` brings the world up, with a copy of it that answers 20 ms late, and runs these.

use hickory_proto::rr::{Name, RecordType};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::dns::{Answer, Blame, Class, Outcome, Question, Resolve};
use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock, UnixTime};
use smtp_sts_verify::verdict::{DaneHost, LookupError};
use smtp_sts_verify::verify::dane::look;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The resolver of the world that does not validate, and the one behind 20 ms.
const PLAIN: &str = "127.53.8.2:53";
const LATE: &str = "127.54.8.2:53";
const ROUND_TRIP: Duration = Duration::from_millis(20);
const YEAR: u64 = 31_557_600;

fn anchors() -> Arc<TrustAnchors> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dnssec-world/run/root.key");
    Arc::new(TrustAnchors::parse(&std::fs::read_to_string(file).unwrap()).unwrap())
}

fn resolver(server: &str, anchors: Arc<TrustAnchors>, now: UnixTime) -> Resolver {
    let server: SocketAddr = server.parse().unwrap();
    Resolver::new(&[server], anchors, now, Instant::now() + Duration::from_secs(10))
}

fn question(name: &str, rtype: RecordType) -> Question {
    Question::new(&Name::from_ascii(name).unwrap(), rtype)
}

/// The three questions with which every verdict begins, asked cold; how long they took.
async fn begin(server: &str, domain: &str) -> (Vec<Answer>, Duration, usize) {
    let resolver = resolver(server, anchors(), SystemClock.now());
    let questions = [
        question(&format!("_smtp-sts.{domain}"), RecordType::TXT),
        question(&format!("_smtp_sts.{domain}"), RecordType::TXT),
        question(domain, RecordType::MX),
    ];
    let began = Instant::now();
    let answers = resolver.resolve(&questions).await;
    (answers, began.elapsed(), resolver.packets())
}

/// Warms the caches of the world's own resolver, then counts the round trips of a cold verifier; the best of ten, since
/// a busy machine adds time, and nothing takes any away.
async fn round_trips(domain: &str) -> (Class, u128) {
    begin(PLAIN, domain).await;
    let mut best = (Class::Unreachable, Duration::MAX, 0);
    for _ in 0..10 {
        let (answers, took, packets) = begin(LATE, domain).await;
        if took < best.1 {
            best = (answers.last().unwrap().outcome.class(), took, packets);
        }
    }
    let (class, took, packets) = best;
    println!(
        "{domain}: {took:.1?} for TXT, TXT and MX at {ROUND_TRIP:?} a query, {packets} queries, {class:?}"
    );
    (class, took.as_millis() / ROUND_TRIP.as_millis())
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn policy_and_mx_of_a_signed_and_of_an_unsigned_domain_take_one_round_trip() {
    for (domain, class) in [
        ("p256.nsec.", Class::Secure),
        ("rsa256.nsec.", Class::Secure),
        ("p256.nsec3.", Class::Secure),
        ("signed.optout.", Class::Secure),
        ("unsigned.nsec.", Class::Insecure),
        ("unsigned.nsec3.", Class::Insecure),
        ("unsigned.optout.", Class::Insecure),
        ("any.plain.", Class::Insecure),
    ] {
        assert_eq!(round_trips(domain).await, (class, 1), "{domain}");
    }
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn a_delegated_label_takes_two_round_trips() {
    assert_eq!(round_trips("deleg.nsec.").await, (Class::Secure, 2));
}

async fn blame(anchors: Arc<TrustAnchors>, now: UnixTime) -> (Class, Option<Blame>, String) {
    let resolver = resolver(PLAIN, anchors, now);
    let answer = resolver.ask(question("_smtp-sts.p256.nsec.", RecordType::TXT)).await;
    println!("{:?}", answer.outcome);
    match &answer.outcome {
        Outcome::Bogus(blame, why) => (Class::Bogus, Some(*blame), why.clone()),
        other => (other.class(), None, String::new()),
    }
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn a_clock_that_is_off_is_told_apart_from_a_bogus_domain() {
    let now = SystemClock.now();
    for wrong in [UnixTime(now.0 - YEAR), now.plus(YEAR)] {
        let (class, blame, why) = blame(anchors(), wrong).await;
        assert_eq!((class, blame), (Class::Bogus, Some(Blame::Clock)), "{why}");
    }
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn an_anchor_of_another_root_is_told_apart_from_a_bogus_domain() {
    let (class, blame, why) = blame(Arc::new(TrustAnchors::iana().unwrap()), SystemClock.now()).await;
    assert_eq!((class, blame), (Class::Bogus, Some(Blame::TrustAnchor)), "{why}");
}

/// What DANE asks for the host `mx1` of each of these zones, all looked at by one cold verifier; how long that took.
async fn dane(server: &str, zones: &[&str]) -> (Vec<&'static str>, Duration) {
    let resolver = resolver(server, anchors(), SystemClock.now());
    let hosts: Vec<_> = zones.iter().map(|zone| MxHost::from_text(&format!("mx1.{zone}")).unwrap()).collect();
    let began = Instant::now();
    let looked = look(&resolver, &hosts, &[]).await;
    let took = began.elapsed();
    let word = |(host, dane): &(MxHost, DaneHost)| {
        println!("{host}: {dane:?}");
        match dane {
            DaneHost::Absent => "absent",
            DaneHost::Unusable => "unusable",
            DaneHost::Usable => "usable",
            DaneHost::Unknown(LookupError::Bogus(..)) => "bogus",
            DaneHost::Unknown(LookupError::Unreachable(..)) => "unreachable",
        }
    };
    (looked.hosts.iter().map(word).collect(), took)
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn dane_is_what_the_zone_of_the_host_proves() {
    for (zone, expected) in [
        ("p256.nsec", "usable"),
        ("p384.nsec", "usable"),
        ("csk.nsec", "usable"),
        ("it150.nsec3", "usable"),
        ("it2500.nsec3", "usable"),
        ("signed.optout", "usable"),
        ("unsigned.nsec", "absent"),
        ("unsigned.nsec3", "absent"),
        ("unsigned.optout", "absent"),
        ("any.plain", "absent"),
        ("island.nsec", "absent"),
        ("unsupalg.nsec", "absent"),
        ("expired.nsec", "bogus"),
        ("future.nsec", "bogus"),
        ("badkeysig.nsec", "bogus"),
        ("wrongds.nsec", "bogus"),
    ] {
        assert_eq!(dane(PLAIN, &[zone]).await.0, [expected], "{zone}");
    }
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn ten_mx_hosts_in_ten_zones_of_every_algorithm_fit_into_one_verdict() {
    let zones = [
        "p256.nsec",
        "p384.nsec",
        "rsa256.nsec",
        "rsa512.nsec",
        "ed25519.nsec",
        "csk.nsec",
        "p256.nsec3",
        "salt.nsec3",
        "it100.nsec3",
        "it150.nsec3",
    ];
    assert_eq!(dane(PLAIN, &zones).await.0, ["usable"; 10]);
}

#[tokio::test]
#[ignore = "needs tests/dnssec-world/check"]
async fn the_mx_hosts_take_one_round_trip_however_many_they_are() {
    let zones = ["p256.nsec", "p256.nsec3", "unsigned.nsec", "any.plain"];
    let mut best = Duration::MAX;
    for _ in 0..10 {
        let (words, took) = dane(LATE, &zones).await;
        assert_eq!(words, ["usable", "usable", "absent", "absent"]);
        best = best.min(took);
    }
    println!("{best:.1?} for {} hosts at {ROUND_TRIP:?} a query", zones.len());
    assert!(best < ROUND_TRIP * 2, "{best:?}");
}
