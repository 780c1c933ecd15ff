//! A next hop in brackets: the mail goes to the host itself, so its own TLSA records at its own port count, and no policy.

use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::zone::Health;
use crate::support::laboratory::{Laboratory, path};
use crate::support::program::Program;
use smtp_sts_verify::serve::answer::MtaAnswer;
use smtp_sts_verify::serve::protocol::Frame;
use smtp_sts_verify::serve::protocol::question::Question;
use smtp_sts_verify::serve::protocol::services::Services;
use smtp_sts_verify::serve::protocol::socketmap::{self, Map, SocketmapRequest};
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;

/// What Postfix is told about a next hop.
fn replied(lab: &Laboratory, key: &str) -> String {
    let mut octets = Vec::new();
    socketmap::write(&format!("policy {key}"), &mut octets);
    match socketmap::read(&octets) {
        Frame::Whole(SocketmapRequest::Reply(words), _) => words.to_owned(),
        Frame::Whole(SocketmapRequest::Policy(map, question), _) => answered(lab, map, &question),
        Frame::Whole(SocketmapRequest::AtService(map, named), _) => {
            match named.question(&Services::parse("our-port 587/tcp\n"), None) {
                Ok(question) => answered(lab, map, &question),
                Err(words) => words.to_owned(),
            }
        }
        other => panic!("{key}: {other:?}"),
    }
}

fn answered(lab: &Laboratory, map: Map, question: &Question) -> String {
    let asked = (question.domain.as_str(), question.next_hop);
    let report = path::ask_by(lab, &lab.cache_file(), asked, None, SystemClock.now());
    MtaAnswer::of(&report, question).socketmap.of(map).to_owned()
}

#[test]
fn a_host_is_held_to_its_own_tlsa_records_at_its_port() {
    let lab = Laboratory::start();
    // RFC 7672 section 2.2: usable records, records that are none of use, none at all, records that cannot be believed.
    for (key, expected) in [
        ("[mx1.dane.test]", "OK dane-only"),
        ("[mx1.dane.test]:25", "OK dane-only"),
        ("[mx1.dane.test]:smtp", "OK dane-only"),
        ("[mx1.dane.test]:587", "NOTFOUND "),
        ("[mx.dane-unusable.test]", "OK encrypt"),
        ("[mx.none.test]:587", "NOTFOUND "),
        ("[mx.plain.test]", "NOTFOUND "),
        ("[192.0.2.1]:25", "NOTFOUND "),
        ("[localhost]:10025", "NOTFOUND "),
        ("[mail.corp.internal]", "NOTFOUND "),
        // Nowhere among services: Postfix cannot deliver there, and nobody can tell where TLSA records would count.
        ("[mx1.dane.test]:nowhere", "NOTFOUND "),
        ("dane.test:nowhere", "NOTFOUND "),
    ] {
        assert_eq!(replied(&lab, key), expected, "{key}");
    }
    for (key, reason) in
        [("[mx.dane-bogus.test]", "tlsa-bogus"), ("[mx.dane-failing.test]", "tlsa-unreachable")]
    {
        let reply = replied(&lab, key);
        assert!(reply.starts_with(&format!("TEMP {reason}")), "{key}: {reply}");
    }
    let record = format!("3 1 1 {}", "ab".repeat(32));
    lab.publish("_587._tcp.mx1.dane.test", "TLSA", &record);
    assert_eq!(replied(&lab, "[mx1.dane.test]:587"), "OK dane-only");
    assert_eq!(replied(&lab, "[mx1.dane.test]:submission"), "OK dane-only");
    assert_eq!(replied(&lab, "[mx1.dane.test]:our-port"), "OK dane-only");
    assert_eq!(replied(&lab, "dane.test:our-port"), replied(&lab, "dane.test:587"));
}

#[test]
fn neither_mx_records_nor_policies_of_the_name_have_a_say() {
    let lab = Laboratory::start();
    let by_mx = replied(&lab, "sts.test");
    assert!(by_mx.starts_with("OK secure match=mx1.sts.test"), "{by_mx}");
    let asked = lab.questions_for("sts.test", "MX");
    assert_eq!(replied(&lab, "[sts.test]"), "NOTFOUND ");
    assert_eq!(replied(&lab, "[dane.test]:25"), "NOTFOUND ");
    assert_eq!(lab.questions_for("sts.test", "MX"), asked);
    assert_eq!(lab.questions_for("dane.test", "MX"), 0);
    assert_eq!(lab.questions_for("_mta-sts.dane.test", "TXT"), 0);
    // Nor is anything learnt from it about the domain.
    assert_eq!(replied(&lab, "sts.test"), by_mx);
    assert_eq!(replied(&lab, "dane.test"), "OK dane-only");
}

#[test]
fn mail_by_mx_to_another_port_is_held_to_the_records_there() {
    let lab = Laboratory::start();
    assert_eq!(replied(&lab, "dane.test:25"), "OK dane-only");
    assert_eq!(replied(&lab, "dane.test:587"), "NOTFOUND ");
    assert!(replied(&lab, "sts.test:587").starts_with("OK secure match=mx1.sts.test"));
    assert_eq!(replied(&lab, "dane.test:25"), "OK dane-only");
}

#[test]
fn an_attacker_who_spoils_the_signatures_of_the_host_lets_no_mail_out() {
    let lab = Laboratory::start();
    lab.set_health("dane.test", Health::Expired);
    assert!(
        replied(&lab, "[mx1.dane.test]")
            .starts_with("TEMP tlsa-bogus: smtp-sts-verify -d [mx1.dane.test]:25 -v")
    );
    let lab = Laboratory::start();
    lab.behave(Scope::question("_25._tcp.mx1.dane.test", "TLSA"), Manner::Servfail);
    assert!(replied(&lab, "[mx1.dane.test]").starts_with("TEMP tlsa-unreachable"));
}

#[test]
fn the_command_is_asked_in_the_same_words() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for (hop, expected) in [
        ("[mx1.dane.test]", ["deliver", "dane", "dane-usable"]),
        ("[mx1.dane.test]:587", ["deliver", "opportunistic", "no-policy"]),
        ("[sts.test]", ["deliver", "opportunistic", "no-policy"]),
        ("[mx.dane-bogus.test]:25", ["defer", "dane", "tlsa-bogus"]),
        ("[192.0.2.1]", ["deliver", "opportunistic", "address-literal"]),
        ("[localhost]:10025", ["deliver", "opportunistic", "special-use-name"]),
    ] {
        assert_eq!(program.route(hop).of(["verdict", "tls", "reason"]), expected, "{hop}");
    }
    for wrong in
        ["[mx1.dane.test", "[mx1.dane.test]25", "[mx1.dane.test]:0", "[mx1.dane.test]:our-port", "[]", "[-v]"]
    {
        assert_eq!(program.route(wrong).exit, 64, "{wrong}");
    }
}
