//! Trust on first use: what nothing authenticates is remembered, and binds nobody before a handshake has proven it.

use crate::support::laboratory::Laboratory;
use crate::support::program::Program;

const DOMAIN: &str = "first.test";
const HOST: &str = "mx.first.test";
const STRANGER: &str = "mx.hosting.test";

#[test]
fn a_policy_on_first_use_refuses_nothing() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for host in [HOST, STRANGER, HOST, STRANGER] {
        let told = program.delivery(DOMAIN, host);
        assert_eq!(
            told.of(["verdict", "tls", "auth"]),
            ["deliver", "opportunistic", "first-use"],
            "{host}: {}",
            told.line
        );
    }
    assert_eq!(program.route(DOMAIN).of(["verdict", "tls"]), ["deliver", "opportunistic"]);
}

#[test]
fn a_verified_handshake_puts_it_in_force() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery(DOMAIN, HOST).verdict(), ["deliver", "first-use"]);
    program.report_verified(DOMAIN, HOST);
    let told = program.delivery(DOMAIN, HOST);
    assert_eq!(told.of(["verdict", "tls", "reason"]), ["deliver", "webpki", "policy-met"], "{}", told.line);
    assert_eq!(program.delivery(DOMAIN, STRANGER).verdict(), ["refuse", "mx-not-in-policy"]);
}

#[test]
fn a_handshake_that_was_not_verified_puts_nothing_in_force() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for _ in 0..2 {
        let told = program.ask(["-d", DOMAIN, "-m", HOST, "--tls-verified", "no"]);
        assert_eq!(told.get("verdict"), "deliver", "{}", told.line);
    }
    assert_eq!(program.delivery(DOMAIN, STRANGER).get("verdict"), "deliver");
}

#[test]
fn a_verified_handshake_with_a_host_outside_of_the_policy_puts_nothing_in_force() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.report_verified(DOMAIN, STRANGER);
    assert_eq!(program.delivery(DOMAIN, STRANGER).get("verdict"), "deliver");
}

#[test]
fn one_forged_record_blocks_no_domain() {
    let lab = Laboratory::start();
    let forged = "\"v=STS1; to=true; mx=mx.attacker.test; a=dnssec; c=webpki; e=999999\"";
    lab.publish("_smtp_sts.plain.test", "TXT", forged);
    let program = Program::new(&lab);
    assert_eq!(program.delivery("plain.test", "mx.plain.test").get("verdict"), "deliver");
    program.report_verified("plain.test", "mx.plain.test");
    lab.withdraw("_smtp_sts.plain.test", "TXT");
    program.forget_dns();
    for host in ["mx.plain.test", "mx.attacker.test"] {
        assert_eq!(program.delivery("plain.test", host).get("verdict"), "deliver");
    }
}

#[test]
fn a_later_unauthenticated_record_does_not_displace_one_in_force() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.report_verified(DOMAIN, HOST);
    lab.replace(
        "_smtp_sts.first.test",
        "TXT",
        "\"v=STS1; to=false; mx=mx.hosting.test; a=dnssec; c=webpki; e=86400\"",
    );
    program.forget_dns();
    let told = program.delivery(DOMAIN, STRANGER);
    assert_eq!(told.verdict(), ["refuse", "mx-not-in-policy"], "{}", told.line);
}

#[test]
fn where_authentication_is_required_it_is_neither_kept_nor_used() {
    let lab = Laboratory::start();
    let strict = Program::new(&lab).with(["--require-authentication"]);
    for _ in 0..2 {
        let told = strict.report_verified(DOMAIN, HOST);
        assert_eq!(
            told.of(["verdict", "tls", "policy"]),
            ["deliver", "opportunistic", "none"],
            "{}",
            told.line
        );
        assert_eq!(told.get("reason"), "policy-unauthenticated");
    }
    let lenient = Program::new(&lab).with_cache_of(&strict);
    lenient.forget_dns();
    assert_eq!(lenient.delivery(DOMAIN, STRANGER).get("verdict"), "deliver", "nothing was kept");
}

#[test]
fn where_authentication_is_required_what_was_kept_before_does_not_count() {
    let lab = Laboratory::start();
    let lenient = Program::new(&lab);
    lenient.report_verified(DOMAIN, HOST);
    assert_eq!(lenient.delivery(DOMAIN, STRANGER).get("verdict"), "refuse");
    let strict = Program::new(&lab).with_cache_of(&lenient).with(["--require-authentication"]);
    assert_eq!(strict.delivery(DOMAIN, STRANGER).verdict(), ["deliver", "policy-unauthenticated"]);
    assert_eq!(lenient.delivery(DOMAIN, STRANGER).get("verdict"), "refuse", "and it was not lost");
}

#[test]
fn authentication_that_is_required_is_met_by_dnssec_and_by_https() {
    let lab = Laboratory::start();
    let strict = Program::new(&lab).with(["--require-authentication"]);
    for (domain, host, auth) in
        [("enforced.test", "mx1.enforced.test", "dnssec"), ("webpki.test", "mx.webpki.test", "webpki")]
    {
        let told = strict.delivery(domain, host);
        assert_eq!(told.of(["tls", "auth", "reason"]), ["webpki", auth, "policy-met"], "{}", told.line);
    }
}
