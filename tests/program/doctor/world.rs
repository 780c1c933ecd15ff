//! Real resolvers, in the signed world of `tests/dnssec-world`; its `check` brings the world up and runs these.

use super::patient::{Patient, Said};
use std::path::Path;

fn of(server: &str) -> Said {
    let anchor = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dnssec-world/run/root.key");
    Patient::asking(server, &anchor).examined()
}

const ABOUT_ONE: [&str; 6] = [
    "resolver.udp",
    "resolver.tcp",
    "resolver.edns",
    "resolver.dnssec",
    "resolver.denial",
    "resolver.validates",
];

fn all(server: &str) -> [String; 6] {
    let said = of(server);
    ABOUT_ONE.map(|check| said.result(check).to_owned())
}

#[test]
#[ignore = "needs tests/dnssec-world/check"]
fn an_unbound_that_validates_is_fine() {
    assert_eq!(all("127.53.8.1"), ["fine"; 6]);
    let said = of("127.53.8.1");
    assert_eq!([said.result("clock.root-signature"), said.result("anchor.root")], ["fine", "fine"]);
}

#[test]
#[ignore = "needs tests/dnssec-world/check"]
fn an_unbound_that_does_not_validate_serves_us_and_not_exim() {
    assert_eq!(all("127.53.8.2"), ["fine", "fine", "fine", "fine", "fine", "warning"]);
}

#[test]
#[ignore = "needs tests/dnssec-world/check"]
fn a_dnsmasq_before_one_that_validates_hands_signatures_on_and_not_the_word_for_them() {
    assert_eq!(all("127.53.8.4"), ["fine", "fine", "fine", "fine", "fine", "warning"]);
}

#[test]
#[ignore = "needs tests/dnssec-world/check"]
fn forwarders_that_strip_are_wrong() {
    assert_eq!(all("127.53.8.5"), ["fine", "fine", "wrong", "wrong", "wrong", "warning"]);
    assert_eq!(all("127.53.7.2")[3..], ["wrong", "wrong", "warning"]);
    assert_eq!(of("127.53.8.5").exit, 2);
}

#[test]
#[ignore = "needs tests/dnssec-world/check"]
fn where_nobody_listens_that_is_said_once() {
    let unknown = "unchecked";
    assert_eq!(all("127.53.8.9"), ["wrong", unknown, unknown, unknown, unknown, unknown]);
}
