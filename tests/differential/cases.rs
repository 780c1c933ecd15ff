//! What the servers show and what is published about them; `expected.tsv` has what everybody is to make of it.

use super::pki::{
    Pki, Shown, as_authority, common_name_only, early, ed25519, elsewhere, for_clients, issued, issued_for,
    leaf, over, p384, self_signed, tlsa,
};

/// One MX host.
pub(crate) struct Case {
    /// Its row in `expected.tsv`.
    pub(crate) name: &'static str,
    /// What it shows; the name is its own.
    pub(crate) shows: fn(&Pki, &str) -> Shown,
    /// What its zone publishes.
    pub(crate) tlsa: fn(&Pki, &Shown) -> Vec<String>,
}

const fn case(
    name: &'static str,
    shows: fn(&Pki, &str) -> Shown,
    tlsa: fn(&Pki, &Shown) -> Vec<String>,
) -> Case {
    Case { name, shows, tlsa }
}

/// No TLSA record.
fn none(_: &Pki, _: &Shown) -> Vec<String> {
    Vec::new()
}

/// What everybody should publish.
fn own_key(_: &Pki, shown: &Shown) -> Vec<String> {
    vec![shown.tlsa(3, 1, 1)]
}

/// The certificate of the intermediate CA.
fn middle(pki: &Pki, _: &Shown) -> Vec<String> {
    vec![tlsa(2, 0, 1, pki.middle.der())]
}

/// The rest of a name below its first label.
fn parent(host: &str) -> &str {
    host.split_once('.').unwrap().1
}

pub(crate) const CASES: &[Case] = &[
    // DANE-EE
    case("ee-311", Pki::ordinary, own_key),
    case("ee-301", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 0, 1)]),
    case("ee-312", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 2)]),
    case("ee-302", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 0, 2)]),
    case("ee-300", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 0, 0)]),
    case("ee-310", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 0)]),
    case("ee-expired", |pki, host| pki.chained(over(leaf(host))), own_key),
    case("ee-early", |pki, host| pki.chained(early(leaf(host))), own_key),
    case("ee-wrong-name", |pki, _| pki.chained(leaf("somebody-else.test")), own_key),
    case("ee-self-signed", |_, host| self_signed(&leaf(host)), own_key),
    case("ee-authority", |_, host| self_signed(&as_authority(leaf(host))), own_key),
    case("ee-for-clients", |pki, host| pki.chained(for_clients(host)), own_key),
    case("ee-unknown-ca", |pki, host| issued(leaf(host), &pki.stranger, &[]), own_key),
    case("ee-rollover", Pki::ordinary, |_, shown| vec![elsewhere(3, 1, 1), shown.tlsa(3, 1, 1)]),
    case("ee-one-of-many", Pki::ordinary, |_, shown| {
        vec![elsewhere(2, 0, 1), elsewhere(3, 0, 1), elsewhere(3, 1, 1), shown.tlsa(3, 0, 1)]
    }),
    case("ee-stale", Pki::ordinary, |_, _| vec![elsewhere(3, 1, 1)]),
    case("ee-names-the-ca", Pki::ordinary, |pki, _| vec![tlsa(3, 1, 1, pki.middle.der())]),
    case("ee-wrong-selector", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 1).replacen(" 1 ", " 0 ", 1)]),
    // Digest agility
    case("agility-stronger-elsewhere", Pki::ordinary, |_, shown| {
        vec![shown.tlsa(3, 1, 1), elsewhere(3, 1, 2)]
    }),
    case("agility-weaker-elsewhere", Pki::ordinary, |_, shown| vec![elsewhere(3, 1, 1), shown.tlsa(3, 1, 2)]),
    case("agility-other-selector", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 1), elsewhere(3, 0, 2)]),
    case("agility-other-usage", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 1), elsewhere(2, 1, 2)]),
    case("agility-in-full", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 0), elsewhere(3, 1, 2)]),
    case("agility-malformed", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 1), "3 1 2 0011".into()]),
    // DANE-TA
    case("ta-201", Pki::ordinary, middle),
    case("ta-211", Pki::ordinary, |pki, _| vec![tlsa(2, 1, 1, pki.middle.der())]),
    case("ta-202", Pki::ordinary, |pki, _| vec![tlsa(2, 0, 2, pki.middle.der())]),
    case(
        "ta-root-sent",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.middle, &pki.root]),
        |pki, _| vec![tlsa(2, 0, 1, pki.root.der())],
    ),
    case(
        "ta-root-key-sent",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.middle, &pki.root]),
        |pki, _| vec![tlsa(2, 1, 1, pki.root.der())],
    ),
    case("ta-root-not-sent", Pki::ordinary, |pki, _| vec![tlsa(2, 0, 1, pki.root.der())]),
    case("ta-root-key-not-sent", Pki::ordinary, |pki, _| vec![tlsa(2, 1, 1, pki.root.der())]),
    case("ta-200-not-sent", Pki::ordinary, |pki, _| vec![tlsa(2, 0, 0, pki.root.der())]),
    case(
        "ta-200-sent",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.middle, &pki.root]),
        |pki, _| vec![tlsa(2, 0, 0, pki.root.der())],
    ),
    case(
        "ta-200-direct",
        |pki, host| issued(leaf(host), &pki.middle, &[]),
        |pki, _| vec![tlsa(2, 0, 0, pki.middle.der())],
    ),
    case("ta-210-not-sent", Pki::ordinary, |pki, _| vec![tlsa(2, 1, 0, pki.root.der())]),
    case("ta-expired", |pki, host| pki.chained(over(leaf(host))), middle),
    case("ta-early", |pki, host| pki.chained(early(leaf(host))), middle),
    case("ta-wrong-name", |pki, _| pki.chained(leaf("somebody-else.test")), middle),
    case("ta-wildcard", |pki, host| pki.chained(leaf(&format!("*.{}", parent(host)))), middle),
    case("ta-common-name", |pki, host| pki.chained(common_name_only(host)), middle),
    case("ta-for-clients", |pki, host| pki.chained(for_clients(host)), middle),
    case("ta-of-the-domain", |pki, host| pki.chained(leaf(parent(host))), middle),
    case(
        "ta-anchor-expired",
        |pki, host| issued(leaf(host), &pki.lapsed, &[&pki.lapsed]),
        |pki, _| vec![tlsa(2, 0, 1, pki.lapsed.der())],
    ),
    case(
        "ta-above-anchor-expired",
        |pki, host| issued(leaf(host), &pki.heir, &[&pki.heir, &pki.lapsed_root]),
        |pki, _| vec![tlsa(2, 0, 1, pki.heir.der())],
    ),
    case(
        "ta-root-expired",
        |pki, host| issued(leaf(host), &pki.lapsed_root, &[&pki.lapsed_root]),
        |pki, _| vec![tlsa(2, 0, 1, pki.lapsed_root.der())],
    ),
    case(
        "ta-other-key",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.rotated]),
        |pki, _| vec![tlsa(2, 0, 1, pki.rotated.der())],
    ),
    case("ta-rotated", Pki::ordinary, |pki, _| vec![tlsa(2, 1, 1, pki.rotated.der())]),
    case(
        "ta-no-authority",
        |pki, host| issued(leaf(host), &pki.usurper, &[&pki.usurper, &pki.root]),
        |pki, _| vec![tlsa(2, 0, 1, pki.root.der())],
    ),
    case("ta-authority", |pki, host| pki.chained(as_authority(leaf(host))), middle),
    case("ta-authority-expired", |pki, host| pki.chained(as_authority(over(leaf(host)))), middle),
    case("ta-authority-wrong-name", |pki, _| pki.chained(as_authority(leaf("somebody-else.test"))), middle),
    case(
        "ta-authority-names-itself",
        |_, host| self_signed(&as_authority(leaf(host))),
        |_, shown| vec![shown.tlsa(2, 0, 1)],
    ),
    case("ta-names-itself", |_, host| self_signed(&leaf(host)), |_, shown| vec![shown.tlsa(2, 0, 1)]),
    case(
        "ta-out-of-order",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.root, &pki.middle]),
        |pki, _| vec![tlsa(2, 0, 1, pki.root.der())],
    ),
    case(
        "ta-bystander",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.middle, &pki.stranger]),
        |pki, _| vec![tlsa(2, 0, 1, pki.stranger.der())],
    ),
    case("ta-and-ee", Pki::ordinary, |pki, shown| {
        vec![tlsa(2, 1, 1, pki.rotated.der()), shown.tlsa(3, 1, 1)]
    }),
    case("ta-and-ee-stale", Pki::ordinary, |pki, _| {
        vec![tlsa(2, 1, 1, pki.middle.der()), elsewhere(3, 1, 1)]
    }),
    // What SMTP cannot use
    case("pkix-ee", Pki::ordinary, |_, shown| vec![shown.tlsa(1, 1, 1)]),
    case("pkix-ta", Pki::ordinary, |pki, _| vec![tlsa(0, 0, 1, pki.middle.der())]),
    case("pkix-ee-elsewhere", Pki::ordinary, |_, _| vec![elsewhere(1, 1, 1)]),
    case("pkix-and-ee", Pki::ordinary, |_, shown| vec![elsewhere(1, 1, 1), shown.tlsa(3, 1, 1)]),
    case("pkix-and-ee-stale", Pki::ordinary, |_, shown| vec![shown.tlsa(1, 1, 1), elsewhere(3, 1, 1)]),
    case("malformed-digest", Pki::ordinary, |_, _| vec!["3 1 1 00112233".into()]),
    case("malformed-certificate", Pki::ordinary, |_, _| vec!["3 0 0 00112233".into()]),
    case("malformed-anchor", Pki::ordinary, |_, _| vec!["2 0 0 00112233".into()]),
    case("unassigned-usage", Pki::ordinary, |_, shown| vec![shown.tlsa(4, 1, 1)]),
    case("unassigned-selector", Pki::ordinary, |_, shown| {
        vec![shown.tlsa(3, 1, 1).replacen(" 1 ", " 2 ", 1)]
    }),
    case("unassigned-matching", Pki::ordinary, |_, shown| vec![shown.tlsa(3, 1, 9)]),
    case("malformed-and-ee", Pki::ordinary, |_, shown| vec!["3 1 1 00112233".into(), shown.tlsa(3, 1, 1)]),
    // WebPKI alone
    case("web-fine", |pki, host| issued(leaf(host), &pki.root, &[]), none),
    case("web-chained", Pki::ordinary, none),
    case("web-root-sent", |pki, host| issued(leaf(host), &pki.middle, &[&pki.middle, &pki.root]), none),
    case(
        "web-out-of-order",
        |pki, host| issued(leaf(host), &pki.middle, &[&pki.stranger, &pki.middle]),
        none,
    ),
    case("web-tls12", |pki, host| pki.ordinary(host).over_tls12(), none),
    case("web-tls13", |pki, host| pki.ordinary(host).over_tls13(), none),
    case("web-ed25519", |pki, host| issued_for(ed25519(), leaf(host), &pki.middle, &[&pki.middle]), none),
    case("web-p384", |pki, host| issued_for(p384(), leaf(host), &pki.middle, &[&pki.middle]), none),
    case("web-expired", |pki, host| pki.chained(over(leaf(host))), none),
    case("web-early", |pki, host| pki.chained(early(leaf(host))), none),
    case("web-wrong-name", |pki, _| pki.chained(leaf("somebody-else.test")), none),
    case("web-of-the-domain", |pki, host| pki.chained(leaf(parent(host))), none),
    case("web-unknown-ca", |pki, host| issued(leaf(host), &pki.stranger, &[]), none),
    case("web-unknown-ca-sent", |pki, host| issued(leaf(host), &pki.stranger, &[&pki.stranger]), none),
    case("web-self-signed", |_, host| self_signed(&leaf(host)), none),
    case("web-incomplete", |pki, host| issued(leaf(host), &pki.middle, &[]), none),
    case("web-other-key", |pki, host| issued(leaf(host), &pki.middle, &[&pki.rotated]), none),
    case("web-intermediate-expired", |pki, host| issued(leaf(host), &pki.lapsed, &[&pki.lapsed]), none),
    case("web-no-authority", |pki, host| issued(leaf(host), &pki.usurper, &[&pki.usurper]), none),
    case("web-wildcard", |pki, host| pki.chained(leaf(&format!("*.{}", parent(host)))), none),
    case("web-wildcard-too-high", |pki, _| pki.chained(leaf("*.test")), none),
    case("web-wildcard-partial", |pki, host| pki.chained(leaf(&format!("m*.{}", parent(host)))), none),
    case("web-common-name", |pki, host| pki.chained(common_name_only(host)), none),
    case("web-authority", |pki, host| pki.chained(as_authority(leaf(host))), none),
    case(
        "web-authority-unknown",
        |pki, host| issued(as_authority(leaf(host)), &pki.stranger, &[&pki.stranger]),
        none,
    ),
    case("web-authority-wrong-name", |pki, _| pki.chained(as_authority(leaf("somebody-else.test"))), none),
    case("web-authority-for-clients", |pki, host| pki.chained(as_authority(for_clients(host))), none),
    case("web-for-clients", |pki, host| pki.chained(for_clients(host)), none),
];
