//! Names that are not asked about, and zones below which nothing is validated.

use super::scene::{Scene, cname, data, name, txt};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::scope::InsecureZone;
use smtp_sts_verify::dns::walk::{Finding, Replies, Step, TrustContext, Walk};
use smtp_sts_verify::dns::{Class, Content, Outage, Outcome, Question, ZoneStatus};
use std::sync::Arc;

/// The walk over what a scene says, where these zones are private; and what it asked.
fn walk(scene: &Scene, zones: &[&str], owner: &str, rtype: &str) -> (Finding, Vec<String>) {
    let zones: Vec<InsecureZone> = zones.iter().map(|zone| zone.parse().unwrap()).collect();
    let anchors =
        TrustAnchors::parse(&format!(". DNSKEY {}", scene.root.dnskey)).unwrap().except(zones.into());
    let mut trust = TrustContext::new(Arc::new(anchors), scene.now);
    scene.walk_under(&mut trust, owner, rtype)
}

#[test]
fn special_use_names_end_the_walk_before_anything_is_asked() {
    for owner in [
        "localhost.",
        "_25._tcp.mail.corp.internal.",
        "x.onion.",
        "x.local.",
        "x.home.arpa.",
        "x.alt.",
        "x.invalid.",
    ] {
        let (finding, asked) = walk(&Scene::new(), &[], owner, "A");
        let is_unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unreachable(Outage::NotAsked, ZoneStatus::Unknown, why) if why.starts_with("special-use-name: "));
        assert!(is_unknown(&finding.outcome) && asked.is_empty(), "{owner}: {finding:?} {asked:?}");
    }
}

#[test]
fn an_alias_to_a_special_use_name_leads_nowhere_and_is_not_followed() {
    let mut scene = Scene::new();
    let alias = scene.mail.signed(vec![cname("mx.mail.test.", "mx.internal.")]);
    scene.put("mx.mail.test.", "A", data(vec![alias]));
    let (finding, asked) = walk(&scene, &[], "mx.mail.test.", "A");
    assert_eq!(finding.outcome.content(), Some(&Content::Nxdomain));
    assert_eq!(
        finding.outcome.class(),
        Class::Insecure,
        "the public DNS proves nothing of what is set apart from it"
    );
    assert!(asked.iter().all(|question| !question.contains("internal")), "{asked:?}");
}

#[test]
fn below_a_private_zone_nothing_is_validated_and_no_key_is_asked_for() {
    let mut scene = Scene::new();
    scene.put("x.mail.test.", "TXT", data(vec![vec![txt("x.mail.test.", "not signed")]]));
    assert_eq!(scene.ask("x.mail.test.", "TXT").outcome.class(), Class::Bogus);
    for (zones, expected) in [
        (&["mail.test"][..], Class::Insecure),
        (&["x.mail.test"], Class::Insecure),
        (&["y.mail.test"], Class::Bogus),
        (&["ail.test"], Class::Bogus),
    ] {
        let (finding, asked) = walk(&scene, zones, "x.mail.test.", "TXT");
        assert_eq!(finding.outcome.class(), expected, "{zones:?}");
        if let Outcome::Insecure(_, why) = &finding.outcome {
            assert!(why.starts_with("insecure-zone: ") && why.contains(zones[0]), "{why}");
            assert_eq!(asked, ["x.mail.test. TXT"]);
        }
    }
}

#[test]
fn a_special_use_name_that_the_configuration_names_is_asked_about() {
    let mut scene = Scene::new();
    scene.put("mail.corp.internal.", "TXT", data(vec![vec![txt("mail.corp.internal.", "private")]]));
    for zone in ["internal", "corp.internal"] {
        let (finding, asked) = walk(&scene, &[zone], "mail.corp.internal.", "TXT");
        assert_eq!((finding.outcome.class(), asked.len()), (Class::Insecure, 1), "{zone}");
    }
    assert_eq!(
        walk(&scene, &["x.internal"], "mail.corp.internal.", "TXT").0.outcome.class(),
        Class::Unreachable
    );
}

#[test]
fn a_trust_anchor_below_a_private_zone_begins_a_chain_of_its_own() {
    let mut scene = Scene::new();
    let signed = scene.mail.signed(vec![txt("x.mail.test.", "signed")]);
    scene.put("x.mail.test.", "TXT", data(vec![signed]));
    let anchors = format!(". DNSKEY {}\nmail.test. DNSKEY {}", scene.root.dnskey, scene.mail.dnskey);
    for (zone, expected) in
        [("corp.test", Class::Secure), ("mail.test", Class::Insecure), ("x.mail.test", Class::Insecure)]
    {
        let zones: Vec<InsecureZone> = vec![zone.parse().unwrap()];
        let anchors = TrustAnchors::parse(&anchors).unwrap().except(zones.into());
        let mut trust = TrustContext::new(Arc::new(anchors), scene.now);
        assert_eq!(scene.walk_under(&mut trust, "x.mail.test.", "TXT").0.outcome.class(), expected, "{zone}");
    }
}

#[test]
fn the_first_step_below_a_private_zone_tells_nobody_else() {
    let zones: Vec<InsecureZone> = vec!["corp.test".parse().unwrap()];
    let anchors = TrustAnchors::iana().unwrap().except(zones.into());
    let mut trust = TrustContext::new(Arc::new(anchors), Scene::new().now);
    let question = Question::new(&name("mail.corp.test."), hickory_proto::rr::RecordType::MX);
    let step = Walk::new(question.clone()).step(&mut trust, &Replies::default());
    assert_eq!(step, Step::Ask(vec![question]));
}
