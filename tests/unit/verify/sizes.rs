//! What is as large as it may be is judged, and what is larger is no answer: from the name server to the verdict.

use crate::support::laboratory::Laboratory;
use crate::support::life::Life;

/// A record of so many octets, in strings of 255 (RFC 1035 section 3.3.14).
fn txt(start: &str, octets: usize) -> String {
    let text = format!("{start}; x=");
    let text = text.clone() + &"y".repeat(octets - text.len());
    let strings =
        text.as_bytes().chunks(255).map(|octets| format!("\"{}\"", String::from_utf8_lossy(octets)));
    strings.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_record_of_4096_octets_is_a_policy_and_one_of_an_octet_more_is_none() {
    let none = ["deliver", "none", "opportunistic", "policy-malformed"];
    for (octets, draft, mta_sts) in [
        (
            4_096,
            ["refuse", "smtp-sts", "webpki", "mx-not-in-policy"],
            ["deliver", "mta-sts", "webpki", "policy-met"],
        ),
        (4_097, none, none),
    ] {
        let lab = Laboratory::start();
        let start = "v=STS1; to=true; mx=mx1.enforced.test; a=dnssec; e=86400";
        lab.replace("_smtp_sts.enforced.test", "TXT", &txt(start, octets));
        let life = Life::begin(&lab);
        life.ask(0, "enforced.test", "mx1.enforced.test");
        assert_eq!(life.told(1, "enforced.test", "mx2.enforced.test"), draft, "{octets}");
        lab.replace("_mta-sts.sts.test", "TXT", &txt("v=STSv1; id=20260101", octets));
        assert_eq!(life.told(2, "sts.test", "mx1.sts.test"), mta_sts, "{octets}");
    }
}
