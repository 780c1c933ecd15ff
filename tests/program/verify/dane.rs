//! DANE (RFC 7672), decided for each MX host. Row C18 of the faults, and E8: no policy repairs what DANE found.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::policy_host::Body;
use crate::support::laboratory::zone::Health;
use crate::support::life::{HOUR, Life};
use crate::support::program::Program;

const USABLE: [&str; 4] = ["deliver", "dane", "dane", "dane-usable"];
const NO_POLICY: [&str; 4] = ["deliver", "none", "opportunistic", "no-policy"];

/// Where the TLSA records of a host stand.
fn tlsa_of(host: &str) -> String {
    format!("_25._tcp.{host}")
}

#[test]
fn a_domain_whose_every_mx_host_has_dane_demands_it_of_its_router() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let keys = ["verdict", "tls", "policy", "mode", "auth", "reason"];
    let expected = ["deliver", "dane", "dane", "enforce", "dnssec", "dane-usable"];
    for domain in ["dane.test", "dane-implicit.test", "dane-alias.test", "tlsa.test"] {
        let told = program.route(domain);
        assert_eq!(told.of(keys), expected, "{}", told.line);
    }
}

#[test]
fn the_router_of_a_mixed_domain_gets_the_hosts_of_the_policy_and_those_that_have_dane() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).route("dane-sts-mixed.test");
    assert_eq!(told.of(["verdict", "tls", "policy"]), ["deliver", "webpki", "mta-sts"], "{}", told.line);
    let mxre = told.get("mxre");
    assert!(mxre.contains("mx1[.]dane-sts-mixed[.]test"), "{mxre}");
    assert!(mxre.contains("mx2[.]dane-sts-mixed[.]test"), "{mxre}");
    assert!(!mxre.contains("hosting"), "{mxre}");
}

#[test]
fn the_router_of_a_domain_with_a_host_in_trouble_gets_the_other_hosts_by_name() {
    let lab = Laboratory::start();
    for (domain, tls) in [("dane-half.test", "opportunistic"), ("dane-bogus-sts.test", "webpki")] {
        let told = Program::new(&lab).route(domain);
        assert_eq!(told.of(["verdict", "tls"]), ["deliver", tls], "{}", told.line);
        let other = format!("^(mx2[.]{})$", domain.replace('.', "[.]"));
        assert_eq!(told.get("mxre"), other, "no pattern lets the first host in");
    }
}

#[test]
fn every_trouble_with_the_tlsa_records_of_a_host_keeps_the_mail_from_it() {
    for (manner, reason) in [
        (Manner::Altered, "tlsa-bogus"),
        (Manner::Stripped, "tlsa-bogus"),
        (Manner::Nothing, "tlsa-bogus"),
        (Manner::Servfail, "tlsa-unreachable"),
    ] {
        let lab = Laboratory::start();
        for (domain, host) in [
            ("dane.test", "mx1.dane.test"),
            ("none.test", "mx.none.test"),
            ("enforced.test", "mx1.enforced.test"),
        ] {
            lab.behave(Scope::question(&tlsa_of(host), "TLSA"), manner.clone());
            let [verdict, _, _, told] = Life::begin(&lab).told(0, domain, host);
            assert_eq!([verdict, told], ["defer", reason], "{domain} {manner:?}");
        }
        assert_eq!(Life::begin(&lab).told(0, "dane.test", "mx2.dane.test"), USABLE, "{manner:?}");
    }
}

/// C6: more than an RRset may have is no answer, and never an absence.
#[test]
fn two_hundred_and_fifty_six_tlsa_records_count_and_with_one_more_the_mail_waits() {
    let lab = Laboratory::start();
    let owner = tlsa_of("mx1.dane.test");
    lab.withdraw(&owner, "TLSA");
    let mut there = 0;
    let mut told_with = |records: u32| {
        for number in there..records {
            lab.publish(&owner, "TLSA", &format!("3 1 1 {number:064x}"));
        }
        there = records;
        Life::begin(&lab).told(0, "dane.test", "mx1.dane.test")
    };
    assert_eq!(told_with(256), USABLE);
    // The laboratory signs no more than 64 KiB.
    for records in [257, 800] {
        let [verdict, _, _, reason] = told_with(records);
        assert_eq!([verdict, reason], ["defer", "tlsa-unreachable"], "{records}");
    }
    assert_eq!(Life::begin(&lab).told(0, "dane.test", "mx2.dane.test"), USABLE);
}

#[test]
fn silence_about_tlsa_records_costs_no_more_than_the_deadline() {
    let lab = Laboratory::start();
    lab.behave(Scope::question(&tlsa_of("mx1.dane.test"), "TLSA"), Manner::Silent);
    let start = std::time::Instant::now();
    let told = Program::new(&lab).with(["--deadline", "1"]).delivery("dane.test", "mx1.dane.test");
    assert_eq!(told.get("verdict"), "defer", "{}", told.line);
    assert!(["tlsa-unreachable", "deadline"].contains(&told.get("reason")), "{}", told.line);
    assert!(start.elapsed().as_millis() < 2_500, "{:?}", start.elapsed());
}

#[test]
fn nobody_waits_for_the_tlsa_records_of_an_unsigned_zone() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    // RFC 7672 section 2.2.2: some name servers of unsigned zones answer such questions wrongly or not at all.
    for manner in [Manner::Silent, Manner::Altered, Manner::Nothing] {
        lab.behave(Scope::question(&tlsa_of("mx.dane-loose.test"), "TLSA"), manner.clone());
        let start = std::time::Instant::now();
        let told = program.delivery("dane-away.test", "mx.dane-loose.test");
        assert_eq!(told.of(["verdict", "policy", "tls", "reason"]), NO_POLICY, "{manner:?}: {}", told.line);
        assert!(start.elapsed().as_millis() < 1_500, "{manner:?}: {:?}", start.elapsed());
        program.forget_dns();
    }
}

#[test]
fn an_insecure_mx_rrset_leaves_no_room_for_dane() {
    let lab = Laboratory::start();
    assert_eq!(Life::begin(&lab).told(0, "dane-near.test", "mx1.dane.test"), NO_POLICY);
    lab.behave(Scope::question(&tlsa_of("mx1.dane.test"), "TLSA"), Manner::Servfail);
    assert_eq!(Life::begin(&lab).told(0, "dane-near.test", "mx1.dane.test"), NO_POLICY);
}

#[test]
fn a_zone_that_is_no_longer_signed_has_no_dane() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, "dane.test", "mx1.dane.test"), USABLE);
    lab.set_health("dane.test", Health::Stripped);
    assert_eq!(life.told(HOUR, "dane.test", "mx1.dane.test")[0], "defer", "but its parent has to say so");
    lab.set_health("dane.test", Health::Unsigned);
    assert_eq!(life.told(HOUR, "dane.test", "mx1.dane.test"), NO_POLICY);
}

#[test]
fn tlsa_records_are_believed_for_as_long_as_dns_says() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, "dane-implicit.test", "dane-implicit.test"), USABLE);
    lab.withdraw("_25._tcp.dane-implicit.test", "TLSA");
    assert_eq!(life.told(299, "dane-implicit.test", "dane-implicit.test"), USABLE);
    assert_eq!(life.told(301, "dane-implicit.test", "dane-implicit.test"), NO_POLICY);
    lab.publish("_25._tcp.dane-implicit.test", "TLSA", "0 0 1 DIGEST");
    let told = life.told(602, "dane-implicit.test", "dane-implicit.test");
    assert_eq!(told, ["deliver", "dane", "encrypt", "dane-unusable"]);
}

#[test]
fn each_record_counts_or_not_by_its_own_fields() {
    let lab = Laboratory::start();
    let sha512 = "00".repeat(64);
    for (rdata, usable) in [
        ("3 1 1 DIGEST".to_owned(), true),
        ("3 0 1 DIGEST".to_owned(), true),
        ("2 0 1 DIGEST".to_owned(), true),
        (format!("2 1 2 {sha512}"), true),
        ("0 0 1 DIGEST".to_owned(), false),
        ("1 1 1 DIGEST".to_owned(), false),
        ("4 1 1 DIGEST".to_owned(), false),
        ("255 1 1 DIGEST".to_owned(), false),
        ("3 2 1 DIGEST".to_owned(), false),
        ("3 1 3 DIGEST".to_owned(), false),
        ("3 1 2 DIGEST".to_owned(), false),
        (format!("3 1 1 {sha512}"), false),
        ("3 1 1 00".to_owned(), false),
    ] {
        lab.replace("_25._tcp.dane-implicit.test", "TLSA", &rdata);
        let told = Life::begin(&lab).told(0, "dane-implicit.test", "dane-implicit.test");
        let expected = if usable { USABLE } else { ["deliver", "dane", "encrypt", "dane-unusable"] };
        assert_eq!(told, expected, "{rdata}");
    }
}

#[test]
fn a_verdict_of_dane_waits_for_no_policy_host() {
    let lab = Laboratory::start();
    lab.conduct_policy_host("mta-sts.dane-sts.test", Body::Stall);
    let start = std::time::Instant::now();
    let told = Program::new(&lab).delivery("dane-sts.test", "mx.dane-sts.test");
    assert_eq!(told.of(["verdict", "policy", "tls", "reason"]), USABLE, "{}", told.line);
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn a_handshake_without_dane_is_refused_where_dane_is_demanded() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let told = program.ask(["-d", "dane.test", "-m", "mx1.dane.test", "--tls-verified", "no"]);
    assert_eq!(told.verdict(), ["refuse", "tls-unverified"], "{}", told.line);
}

#[test]
fn a_policy_of_the_draft_that_asks_for_tlsa_binds_once_a_host_met_it() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let second = || program.delivery("tlsa.test", "mx2.tlsa.test");
    assert_eq!(second().verdict(), ["deliver", "never-applied"]);
    let told = program.route("tlsa.test");
    assert_eq!(told.of(["verdict", "policy", "tls"]), ["deliver", "dane", "dane"], "{}", told.line);
    assert_eq!(told.get("mxre"), "^(mx1[.]tlsa[.]test)$");
    let refused = ["refuse", "smtp-sts", "dane", "tlsa-required"];
    let keys = ["verdict", "policy", "tls", "reason"];
    assert_eq!(second().of(keys), refused);
    lab.publish(&tlsa_of("mx2.tlsa.test"), "TLSA", "1 1 1 DIGEST");
    program.forget_dns();
    assert_eq!(second().of(keys), refused, "none that is usable");
    lab.publish(&tlsa_of("mx2.tlsa.test"), "TLSA", "2 1 1 DIGEST");
    program.forget_dns();
    assert_eq!(second().of(keys), USABLE);
}
