//! Each domain of the laboratory, asked about once.

use crate::support::laboratory::{Laboratory, deliveries};
use crate::support::program::Program;

#[test]
fn every_delivery_of_the_laboratory_gets_its_answer() {
    let lab = Laboratory::start();
    let program = Program::new(&lab).with_configuration(lab.configuration());
    let mut wrong = Vec::new();
    for delivery in deliveries::all() {
        let domain = delivery.domain;
        let told = delivery.host.map_or_else(|| program.route(domain), |host| program.delivery(domain, host));
        if told.of(["verdict", "policy", "tls", "reason"]) != delivery.answer {
            wrong.push(format!("{delivery:?}, and it got {}", told.line));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_enforced_policy_demands_a_verified_handshake_with_the_host() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).delivery("enforced.test", "mx1.enforced.test");
    let keys = ["verdict", "tls", "policy", "mode", "auth", "mx", "cache", "reason"];
    assert_eq!(
        told.of(keys),
        ["deliver", "webpki", "smtp-sts", "enforce", "dnssec", "match", "stored", "policy-met"]
    );
}

#[test]
fn a_policy_that_only_reports_demands_nothing() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).delivery("report.test", "mx.report.test");
    assert_eq!(
        told.of(["verdict", "tls", "mode", "auth", "mx"]),
        ["deliver", "opportunistic", "testing", "dnssec", "mismatch"]
    );
}

#[test]
fn https_authenticates_only_the_very_text_of_the_record() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).delivery("webpki.test", "mx.webpki.test");
    assert_eq!(told.of(["auth", "tls", "reason"]), ["webpki", "webpki", "policy-met"]);
    assert_eq!(lab.visits(), ["webpki.test /sts"]);
}

#[test]
fn a_policy_host_that_cannot_vouch_leaves_the_policy_to_first_use() {
    use crate::support::laboratory::policy_host::{Body, Certificate, Conduct};
    let lab = Laboratory::start();
    let good = Certificate::Good;
    for (body, certificate) in [
        (Body::Text("v=STS1; to=true; mx=mx.attacker.test; a=webpki; c=webpki; e=86400".into()), good),
        (Body::Text(String::new()), good),
        (Body::Missing, good),
        (Body::Redirect, good),
        (Body::Policy, Certificate::Expired),
        (Body::Policy, Certificate::WrongName),
        (Body::Policy, Certificate::SelfSigned),
    ] {
        let conduct = Conduct { body, certificate };
        lab.conduct_policy_host("webpki.test", conduct.clone());
        let told = Program::new(&lab).delivery("webpki.test", "mx.webpki.test");
        assert_eq!(
            told.of(["verdict", "tls", "auth", "reason"]),
            ["deliver", "opportunistic", "first-use", "first-use"],
            "{conduct:?}: {}",
            told.line
        );
    }
}

#[test]
fn a_policy_host_that_stalls_costs_no_more_than_the_deadline() {
    use crate::support::laboratory::policy_host::{Body, Certificate, Conduct};
    let lab = Laboratory::start();
    lab.conduct_policy_host("webpki.test", Conduct { body: Body::Stall, certificate: Certificate::Good });
    let start = std::time::Instant::now();
    let told = Program::new(&lab).with(["--deadline", "1"]).delivery("webpki.test", "mx.webpki.test");
    assert_eq!(
        told.of(["verdict", "auth", "reason"]),
        ["deliver", "first-use", "first-use"],
        "{}",
        told.line
    );
    assert!(start.elapsed().as_millis() < 2_500, "{:?}", start.elapsed());
}

#[test]
fn a_policy_host_on_a_private_address_is_not_visited() {
    let lab = Laboratory::start();
    let told =
        Program::new(&lab).without("--allow-private-addresses").delivery("webpki.test", "mx.webpki.test");
    assert_eq!(told.of(["verdict", "auth"]), ["deliver", "first-use"], "{}", told.line);
    assert!(lab.visits().is_empty());
}

#[test]
fn a_router_learns_which_hosts_are_permitted() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for (domain, verdict, mxre) in [
        ("enforced.test", "deliver", "^([^.]+[.]enforced[.]test)$"),
        ("partly.test", "deliver", "^(mx[.]partly[.]test)$"),
    ] {
        let told = program.route(domain);
        assert_eq!(told.of(["verdict", "mxre"]), [verdict, mxre], "{}", told.line);
    }
}
