//! What DANE asks for an MX host, over the wire: what it costs, and what it waits for.

use super::{arrived, resolver};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use smtp_sts_verify::limits::MAX_MX_HOSTS_LOOKED_AT;
use smtp_sts_verify::name::MxHost;
use smtp_sts_verify::verdict::{DaneHost, LookupError};
use smtp_sts_verify::verify::dane::{Looked, look};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::Instant;

/// One round trip, long enough that whatever else takes time cannot be mistaken for another one.
const ROUND_TRIP: Duration = Duration::from_millis(600);

fn hosts(names: &[&str]) -> Vec<MxHost> {
    names.iter().map(|name| MxHost::from_text(name).unwrap()).collect()
}

fn word(dane: &DaneHost) -> &'static str {
    match dane {
        DaneHost::Absent => "absent",
        DaneHost::Unusable => "unusable",
        DaneHost::Usable => "usable",
        DaneHost::Unknown(LookupError::Bogus(..)) => "bogus",
        DaneHost::Unknown(LookupError::Unreachable(..)) => "unreachable",
    }
}

fn words(looked: &Looked) -> Vec<&'static str> {
    looked.hosts.iter().map(|(_, dane)| word(dane)).collect()
}

/// What is learnt about these hosts by a cold resolver, and how long it took.
async fn look_from(laboratory: &Laboratory, names: &[&str]) -> (Looked, Duration) {
    let resolver = resolver(laboratory, &[laboratory.dns()], 5_000);
    let began = Instant::now();
    let looked = look(&resolver, &hosts(names), &[]).await;
    (looked, began.elapsed())
}

#[tokio::test]
async fn every_host_of_the_laboratory_is_what_its_zone_says() {
    let laboratory = Laboratory::start();
    for (host, expected) in [
        ("mx1.dane.test", "usable"),
        ("mx2.dane.test", "usable"),
        ("mx.dane-shared.test", "usable"),
        ("dane-implicit.test", "usable"),
        ("mx.dane-alias.test", "usable"),
        ("mx.dane-named.test", "usable"),
        ("mx.dane-abroad.test", "usable"),
        ("mx2.dane-mixed.test", "absent"),
        ("mx.dane-unusable.test", "unusable"),
        ("mx.dane-loose.test", "absent"),
        ("mx.dane-bogus.test", "bogus"),
        ("mx.dane-failing.test", "unreachable"),
        ("mx.plain.test", "absent"),
        ("nobody.dane.test", "absent"),
    ] {
        let (looked, _) = look_from(&laboratory, &[host]).await;
        assert_eq!(words(&looked), [expected], "{host}: {:?}", looked.hosts);
    }
}

#[tokio::test]
async fn hosts_are_looked_at_in_one_round_trip_and_an_alias_takes_one_more() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::Everything, Manner::Late(ROUND_TRIP));
    let names = ["mx1.dane.test", "mx2.dane.test", "mx2.dane-mixed.test", "mx.dane-loose.test"];
    let (looked, took) = look_from(&laboratory, &names).await;
    assert_eq!(words(&looked), ["usable", "usable", "absent", "absent"]);
    assert!(took < ROUND_TRIP * 2, "{took:?}");
    let (looked, took) = look_from(&laboratory, &["mx.dane-alias.test"]).await;
    assert_eq!(words(&looked), ["usable"]);
    assert!(took < ROUND_TRIP * 4, "{took:?}");
}

/// Name servers like those of which RFC 7672 section 2.2.2 speaks.
#[tokio::test]
async fn nobody_waits_for_a_tlsa_question_that_an_unsigned_zone_never_answers() {
    let laboratory = Laboratory::start();
    laboratory.behave(Scope::question("_25._tcp.mx.plain.test.", "TLSA"), Manner::Silent);
    let (looked, took) = look_from(&laboratory, &["mx.plain.test"]).await;
    assert_eq!(words(&looked), ["absent"]);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// The most that the hosts of one domain can need: each is an alias between two signed zones of four labels that none of
/// the others has anything to do with, and has its records at its own name.
fn far_apart() -> (String, Vec<String>) {
    let mut world = String::from("zone . signed\n");
    let mut names = Vec::new();
    for n in 0..MAX_MX_HOSTS_LOOKED_AT {
        for end in ["here", "there"] {
            let top = format!("{end}{n}");
            for zone in [top.clone(), format!("b.{top}"), format!("c.b.{top}")] {
                writeln!(world, "zone {zone} signed").unwrap();
            }
            match end {
                "here" => {
                    writeln!(world, "mx CNAME mx.c.b.there{n}.\n_25._tcp.mx TLSA 3 1 1 DIGEST").unwrap();
                }
                _ => writeln!(world, "mx A 127.0.0.1").unwrap(),
            }
        }
        names.push(format!("mx.c.b.here{n}"));
    }
    (world, names)
}

#[tokio::test]
async fn ten_hosts_far_apart_each_of_them_an_alias_stay_within_what_one_verdict_may_cost() {
    let (world, names) = far_apart();
    let laboratory = Laboratory::with(&world);
    let resolver = resolver(&laboratory, &[laboratory.dns()], 20_000);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let looked = look(&resolver, &hosts(&names), &[]).await;
    let packets = arrived(&resolver, &[&laboratory]).await;
    println!("{packets} questions for {} hosts", names.len());
    assert_eq!(words(&looked), ["usable"; MAX_MX_HOSTS_LOOKED_AT], "{:?}", looked.hosts);
}
