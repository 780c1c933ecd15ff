//! Where the mail may go: the validated MX RRset, its aliases, and their absence.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::program::Program;

#[test]
fn a_permitted_name_that_is_no_mx_host_is_refused() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.route("enforced.test").get("verdict"), "deliver");
    let told = program.delivery("enforced.test", "mx9.enforced.test");
    assert_eq!(told.verdict(), ["refuse", "mx-not-in-dns"], "{}", told.line);
}

#[test]
fn a_host_that_is_no_mx_host_is_only_reported_under_a_policy_that_reports() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).delivery("report.test", "other.report.test");
    assert_eq!(told.get("verdict"), "deliver", "{}", told.line);
}

#[test]
fn an_alias_target_counts_as_its_mx_name() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for host in ["mx.alias.test", "mx.hosting.test"] {
        let told = program.delivery("alias.test", host);
        assert_eq!(
            told.of(["verdict", "tls", "reason"]),
            ["deliver", "webpki", "policy-met"],
            "{host}: {}",
            told.line
        );
    }
    assert_eq!(program.delivery("alias.test", "mx.enforced.test").get("verdict"), "refuse");
}

#[test]
fn a_forged_alias_counts_for_nothing() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.route("enforced.test").get("verdict"), "deliver");
    let alias = hickory_proto::rr::rdata::CNAME(crate::support::laboratory::world::name("mx.hosting.test"));
    for kind in ["A", "AAAA", "CNAME"] {
        let forged = Manner::Forged(hickory_proto::rr::RData::CNAME(alias.clone()));
        lab.behave(Scope::question("mx1.enforced.test", kind), forged);
    }
    assert_ne!(program.delivery("enforced.test", "mx.hosting.test").get("verdict"), "deliver");
}

#[test]
fn without_mx_records_the_domain_itself_takes_the_mail() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let told = program.delivery("implicit.test", "implicit.test");
    assert_eq!(told.of(["verdict", "tls", "reason"]), ["deliver", "webpki", "policy-met"], "{}", told.line);
    assert_eq!(program.delivery("implicit.test", "mx.hosting.test").get("verdict"), "refuse");
}

#[test]
fn an_unproved_absence_of_mx_records_is_no_implicit_mx() {
    let lab = Laboratory::start();
    lab.publish(
        "_smtp_sts.none.test",
        "TXT",
        "\"v=STS1; to=true; mx=none.test; a=dnssec; c=webpki; e=86400\"",
    );
    lab.behave(Scope::question("none.test", "MX"), Manner::Nothing);
    let told = Program::new(&lab).delivery("none.test", "none.test");
    assert_ne!(told.get("reason"), "policy-met", "{}", told.line);
    assert_eq!(told.get("verdict"), "defer", "{}", told.line);
}

#[test]
fn a_null_mx_is_left_to_exim() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("null.test", "null.test").get("verdict"), "deliver");
    assert_eq!(program.route("null.test").verdict(), ["deliver", "null-mx"]);
    lab.replace("none.test", "MX", "0 .");
    assert_eq!(program.route("none.test").verdict(), ["deliver", "null-mx"]);
}

#[test]
fn a_bogus_mx_rrset_lets_the_mail_wait() {
    let lab = Laboratory::start();
    lab.behave(Scope::question("enforced.test", "MX"), Manner::Altered);
    lab.behave(Scope::question("none.test", "MX"), Manner::Altered);
    for (domain, host) in [("enforced.test", "mx1.enforced.test"), ("none.test", "mx.none.test")] {
        let told = Program::new(&lab).delivery(domain, host);
        assert_eq!(told.verdict(), ["defer", "dnssec-bogus"], "{}", told.line);
    }
}

#[test]
fn more_mx_records_than_anybody_needs_let_the_mail_wait() {
    let lab = Laboratory::start();
    // Beside the one that it has.
    for i in 1..64 {
        lab.publish("none.test", "MX", &format!("10 mx{i}.none.test."));
    }
    let told = Program::new(&lab).delivery("none.test", "mx.none.test");
    assert_eq!(told.verdict(), ["deliver", "no-policy"], "{}", told.line);
    lab.publish("none.test", "MX", "10 mx64.none.test.");
    let told = Program::new(&lab).delivery("none.test", "mx.none.test");
    assert_eq!(told.verdict(), ["defer", "too-many-mx"], "{}", told.line);
}

#[test]
fn a_policy_that_none_of_the_mx_hosts_meets_is_disregarded() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for _ in 0..2 {
        let told = program.delivery("forbidden.test", "mx.hosting.test");
        assert_eq!(told.of(["verdict", "tls"]), ["deliver", "opportunistic"], "{}", told.line);
        assert_eq!(program.route("forbidden.test").of(["verdict", "tls"]), ["deliver", "opportunistic"]);
    }
}

#[test]
fn a_domain_whose_mx_moved_out_of_its_policy_gets_no_mail() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.route("enforced.test").get("verdict"), "deliver");
    lab.replace("enforced.test", "MX", "10 mx.hosting.test.");
    program.forget_dns();
    let told = program.route("enforced.test");
    assert_eq!(told.verdict(), ["defer", "mx-not-in-policy"], "{}", told.line);
    let regex = told.get("mxre");
    assert!(!regex.contains("hosting"), "{}", told.line);
}
