//! Resolvers of one process that share the zones that they have proven, in the laboratory.

use super::{arrived, classes, mx, policy, question};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use hickory_proto::rr::RecordType;
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::proven_zones::ProvenZones;
use smtp_sts_verify::dns::reply_memory::ReplyMemory;
use smtp_sts_verify::dns::session::Resolver;
use smtp_sts_verify::dns::{self, Class, Content, Outcome, Resolve};
use smtp_sts_verify::serve::look_up::resolution_failures::{FailureCachingResolver, ResolutionFailureCache};
use smtp_sts_verify::time::Clock;
use smtp_sts_verify::time::clock::SystemClock;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

fn zones(laboratory: &Laboratory) -> ProvenZones {
    let anchors = std::fs::read_to_string(laboratory.trust_anchor()).unwrap();
    ProvenZones::under(Arc::new(TrustAnchors::parse(&anchors).unwrap()))
}

fn beside(servers: &[SocketAddr], zones: &ProvenZones) -> Resolver {
    let deadline = Instant::now() + Duration::from_secs(5);
    Resolver::beside_others(servers, zones, (&ReplyMemory::default(), ""), SystemClock.now(), deadline)
}

const WAY: [(&str, &str); 5] = [
    (".", "DNSKEY"),
    ("test", "DS"),
    ("test", "DNSKEY"),
    ("enforced.test", "DS"),
    ("enforced.test", "DNSKEY"),
];

#[tokio::test]
async fn the_way_down_is_asked_for_once_a_process() {
    let laboratory = Laboratory::start();
    let zones = zones(&laboratory);
    let asked = |(name, rtype): (&str, &str)| laboratory.questions_for(name, rtype);
    for _ in 0..3 {
        let resolver = beside(&[laboratory.dns()], &zones);
        assert_eq!(classes(&resolver.resolve(&[policy(), mx()]).await), [Class::Secure; 2]);
        assert_eq!(WAY.map(asked), [1; 5]);
    }
    let unsigned =
        [question("_mta-sts.webpki.test.", RecordType::TXT), question("webpki.test.", RecordType::MX)];
    for _ in 0..2 {
        let resolver = beside(&[laboratory.dns()], &zones);
        assert_eq!(classes(&resolver.resolve(&unsigned).await), [Class::Insecure; 2]);
        assert_eq!(laboratory.questions_for("webpki.test", "DS"), 1);
    }
    assert_eq!(WAY.map(asked), [1; 5]);
    // Another configuration begins anew.
    let resolver = beside(&[laboratory.dns()], &self::zones(&laboratory));
    assert_eq!(classes(&resolver.resolve(&[policy()]).await), [Class::Secure]);
    assert_eq!(WAY.map(asked), [2; 5]);
}

#[tokio::test]
async fn what_somebody_changed_on_the_way_is_nobody_elses() {
    for manner in [Manner::Altered, Manner::Stripped, Manner::Nothing, Manner::Servfail] {
        for (name, rtype) in WAY {
            let laboratory = Laboratory::start();
            let zones = zones(&laboratory);
            laboratory.behave(Scope::question(name, rtype), manner.clone());
            let spoilt = beside(&[laboratory.dns()], &zones).ask(policy()).await;
            assert!(spoilt.outcome.content().is_none(), "{manner:?} {name} {rtype}: {spoilt:?}");
            laboratory.behave_well();
            let answers = beside(&[laboratory.dns()], &zones).resolve(&[policy(), mx()]).await;
            assert_eq!(classes(&answers), [Class::Secure; 2], "{manner:?} {name} {rtype}");
            // And whoever knows the way is not led astray by it any more.
            laboratory.behave(Scope::question(name, rtype), manner.clone());
            let answers = beside(&[laboratory.dns()], &zones).resolve(&[policy(), mx()]).await;
            assert_eq!(classes(&answers), [Class::Secure; 2], "{manner:?} {name} {rtype}");
        }
    }
}

#[tokio::test]
async fn a_false_answer_is_judged_by_keys_that_were_asked_for_after_it() {
    let laboratory = Laboratory::start();
    let zones = zones(&laboratory);
    beside(&[laboratory.dns()], &zones).ask(policy()).await;
    laboratory.forget();
    laboratory.behave(Scope::name("_smtp_sts.enforced.test."), Manner::Altered);
    let resolver = beside(&[laboratory.dns()], &zones);
    assert_eq!(classes(&resolver.resolve(&[policy(), mx()]).await), [Class::Bogus, Class::Secure]);
    for (name, rtype) in WAY {
        // Once more to judge it with CD set, and once with CD clear.
        assert_eq!(laboratory.questions_for(name, rtype), 2, "{name} {rtype}");
    }
}

#[tokio::test]
async fn a_domain_that_does_not_exist_is_not_asked_about_again() {
    let laboratory = Laboratory::start();
    let zones = zones(&laboratory);
    for is_cold in [true, false] {
        let name = if is_cold { "nobody1.test." } else { "nobody2.test." };
        let resolver = beside(&[laboratory.dns()], &zones);
        let first = resolver.resolve(&[question(name, RecordType::MX)]).await;
        assert!(matches!(first[0].outcome, Outcome::Secure(Content::Nxdomain)), "{first:?}");
        let before = arrived(&resolver, &[&laboratory]).await;
        laboratory.forget();
        let below = [
            question(name, RecordType::A),
            question(name, RecordType::AAAA),
            question(&format!("_25._tcp.{name}"), RecordType::TLSA),
            question(&format!("mta-sts.{name}"), RecordType::A),
        ];
        for answer in resolver.resolve(&below).await {
            assert!(matches!(answer.outcome, Outcome::Secure(Content::Nxdomain)), "{answer:?}");
            assert_eq!((answer.queries, answer.valid_until), (0, first[0].valid_until));
        }
        assert_eq!((laboratory.questions(), before <= 6), (0, true));
    }
}

#[tokio::test]
async fn a_name_that_others_have_heard_denied_is_asked_about_unless_the_caller_says_otherwise() {
    let laboratory = Laboratory::start();
    let zones = zones(&laboratory);
    let [first, second] = ["nobody.test", "nobodz.test"];
    let about = |name: &str| question(&format!("{name}."), RecordType::MX);
    let asked = |name: &str| laboratory.questions_for(name, "MX");
    let is_absent = |answer: &dns::Answer| matches!(answer.outcome, Outcome::Secure(Content::Nxdomain));
    for times in 1..=2 {
        assert!(is_absent(&beside(&[laboratory.dns()], &zones).ask(about(first)).await));
        assert_eq!(asked(first), times);
    }
    // As the daemon asks.
    let resolver = beside(&[laboratory.dns()], &zones);
    let failures = RefCell::new(ResolutionFailureCache::default());
    let daemons = FailureCachingResolver::new(&resolver, &failures, Duration::from_secs(1));
    daemons.count_others_denials(true);
    assert!(is_absent(&daemons.ask(about(second)).await));
    assert_eq!(asked(second), 0);
    daemons.count_others_denials(false);
    assert!(is_absent(&daemons.ask(about(second)).await));
    assert_eq!(asked(second), 1);
}
