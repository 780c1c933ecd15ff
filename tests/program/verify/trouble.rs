//! Bogus and unreachable, at each of the two names, with and without a policy in force.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::zone::Health;
use crate::support::program::{PROGRAM, Program, told};
use crate::support::strace::strace;

const NAMES: [&str; 2] = ["_smtp_sts", "_smtp-sts"];

/// What a signed zone may do to a question, and the reason that it gets where nothing is cached.
fn troubles() -> [(Manner, &'static str); 4] {
    [
        (Manner::Altered, "dnssec-bogus"),
        (Manner::Nothing, "dnssec-bogus"),
        (Manner::Stripped, "dnssec-bogus"),
        (Manner::Servfail, "dns-unreachable"),
    ]
}

#[test]
fn trouble_at_either_name_of_a_signed_zone_without_a_record_lets_the_mail_wait() {
    for label in NAMES {
        for (manner, reason) in troubles() {
            let lab = Laboratory::start();
            lab.behave(Scope::question(&format!("{label}.none.test"), "TXT"), manner.clone());
            let told = Program::new(&lab).delivery("none.test", "mx.none.test");
            assert_eq!(told.verdict(), ["defer", reason], "{label} {manner:?}: {}", told.line);
        }
    }
}

#[test]
fn a_record_at_either_name_counts_whatever_happens_at_the_other() {
    for (domain, other) in [("enforced.test", "_smtp-sts"), ("hyphen.test", "_smtp_sts")] {
        for (manner, _) in troubles() {
            let lab = Laboratory::start();
            lab.behave(Scope::question(&format!("{other}.{domain}"), "TXT"), manner.clone());
            let host = if domain == "hyphen.test" { "mx.hyphen.test" } else { "mx1.enforced.test" };
            let told = Program::new(&lab).delivery(domain, host);
            assert_eq!(told.verdict(), ["deliver", "policy-met"], "{domain} {manner:?}: {}", told.line);
        }
    }
}

#[test]
fn servfail_in_a_zone_proven_to_be_unsigned_is_delivered_unless_the_administrator_wants_it_otherwise() {
    let lab = Laboratory::start();
    for label in NAMES {
        lab.behave(Scope::question(&format!("{label}.plain.test"), "TXT"), Manner::Servfail);
    }
    let delivery = |program: Program| program.delivery("plain.test", "mx.plain.test");
    assert_eq!(delivery(Program::new(&lab)).verdict(), ["deliver", "policy-unreachable"]);
    let strict = Program::new(&lab).with(["--on-unreachable", "defer"]);
    assert_eq!(delivery(strict).verdict(), ["defer", "policy-unreachable"]);
}

#[test]
fn where_the_status_of_the_zone_cannot_be_learnt_the_mail_waits() {
    let lab = Laboratory::start();
    lab.behave(Scope::name("plain.test"), Manner::Servfail);
    for label in NAMES {
        lab.behave(Scope::name(&format!("{label}.plain.test")), Manner::Servfail);
    }
    let told = Program::new(&lab).delivery("plain.test", "mx.plain.test");
    assert_eq!(told.verdict(), ["defer", "dns-unreachable"], "{}", told.line);
}

#[test]
fn a_forged_record_in_a_signed_zone_is_bogus_and_not_a_policy() {
    let lab = Laboratory::start();
    let forged = hickory_proto::rr::rdata::TXT::new(vec![
        "v=STS1; to=true; mx=mx.attacker.test; a=dnssec; e=99".into(),
    ]);
    let forged = hickory_proto::rr::RData::TXT(forged);
    lab.behave(Scope::question("_smtp_sts.none.test", "TXT"), Manner::Forged(forged));
    let told = Program::new(&lab).delivery("none.test", "mx.none.test");
    assert_eq!(told.of(["verdict", "policy", "reason"]), ["defer", "none", "dnssec-bogus"], "{}", told.line);
}

#[test]
fn a_zone_in_trouble_does_not_lift_a_policy_in_force() {
    for health in [Health::Altered, Health::Expired, Health::Stripped, Health::Unsigned] {
        let lab = Laboratory::start();
        let program = Program::new(&lab);
        assert_eq!(program.delivery("enforced.test", "mx1.enforced.test").get("verdict"), "deliver");
        lab.set_health("enforced.test", health);
        program.forget_dns();
        let told = program.delivery("enforced.test", "mx.hosting.test");
        assert_eq!(told.get("verdict"), "refuse", "{health:?}: {}", told.line);
        let told = program.delivery("enforced.test", "mx1.enforced.test");
        let waits = told.get("verdict") == "defer";
        assert!(waits || told.of(["verdict", "tls"]) == ["deliver", "webpki"], "{health:?}: {}", told.line);
    }
}

#[test]
fn silence_costs_no_more_than_the_deadline() {
    let lab = Laboratory::start();
    let start = std::time::Instant::now();
    let told = Program::new(&lab).with(["--deadline", "1"]).delivery("silent.test", "mx.silent.test");
    assert_eq!(told.get("verdict"), "defer", "{}", told.line);
    assert!(["deadline", "dns-unreachable"].contains(&told.get("reason")), "{}", told.line);
    assert!(start.elapsed().as_millis() < 2_500, "{:?}", start.elapsed());
}

#[test]
fn a_policy_in_force_needs_no_answer_about_its_record() {
    let lab = Laboratory::start();
    let program = Program::new(&lab).with(["--deadline", "2"]);
    assert_eq!(program.delivery("enforced.test", "mx1.enforced.test").get("verdict"), "deliver");
    program.forget_dns();
    for label in NAMES {
        lab.behave(Scope::question(&format!("{label}.enforced.test"), "TXT"), Manner::Silent);
    }
    let told = program.delivery("enforced.test", "mx1.enforced.test");
    assert_eq!(told.of(["verdict", "tls", "reason"]), ["deliver", "webpki", "policy-met"], "{}", told.line);
    assert_eq!(program.delivery("enforced.test", "mx.hosting.test").get("verdict"), "refuse");
}

#[test]
fn what_goes_wrong_for_every_name_is_not_blamed_on_the_domain() {
    let lab = Laboratory::start();
    lab.behave(Scope::Everything, Manner::Stripped);
    let told = Program::new(&lab).delivery("enforced.test", "mx1.enforced.test");
    assert_eq!(told.verdict(), ["defer", "dnssec-stripped"], "{}", told.line);
    lab.behave_well();
    lab.set_health(".", Health::Expired);
    let told = Program::new(&lab).delivery("enforced.test", "mx1.enforced.test");
    assert_eq!(told.verdict(), ["defer", "clock-suspect"], "{}", told.line);
}

#[test]
fn another_root_is_told_from_a_bogus_domain() {
    let (lab, other) = (Laboratory::start(), Laboratory::start());
    let program = Program::new(&lab).with_trust_anchor(&other.trust_anchor());
    let told = program.delivery("enforced.test", "mx1.enforced.test");
    assert_eq!(told.verdict(), ["defer", "no-trust-anchor"], "{}", told.line);
}

#[test]
fn with_however_few_descriptors_no_mail_goes_without_the_policy_of_its_domain() {
    for domain in ["sts.test", "webpki.test"] {
        let lab = Laboratory::start();
        let ample = Program::new(&lab).route(domain);
        assert_eq!(ample.verdict(), ["deliver", "policy-met"], "{}", ample.line);
        let mut ends = [0; 2];
        for descriptors in 8..32 {
            let output = Program::new(&lab).run_under(&format!("ulimit -n {descriptors}"), ["-d", domain]);
            let few = told(output, true);
            let is_whole = few.of(["verdict", "tls", "policy"]) == ample.of(["verdict", "tls", "policy"]);
            let waits = few.get("verdict") == "defer";
            assert!(is_whole || waits, "{descriptors}: {}", few.line);
            ends[usize::from(is_whole)] += usize::from(is_whole || few.get("reason") == "out-of-resources");
        }
        assert!(ends.iter().all(|number| *number > 0), "{domain}: {ends:?}");
    }
}

#[test]
fn a_policy_in_force_decides_without_a_descriptor_for_the_network() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("sts.test", "mx1.sts.test").verdict(), ["deliver", "policy-met"]);
    for descriptors in 8..16 {
        let output =
            program.run_under(&format!("ulimit -n {descriptors}"), ["-d", "sts.test", "-m", "mx1.sts.test"]);
        let few = told(output, false);
        assert_eq!(few.of(["verdict", "policy", "cache"]), ["deliver", "mta-sts", "hit"], "{}", few.line);
    }
}

#[test]
fn a_fetch_for_which_this_machine_has_nothing_left_says_nothing_of_the_domain_now_or_later() {
    let lab = Laboratory::start();
    let authorities = lab.ca_file();
    let authorities = authorities.to_str().unwrap();
    // The connection has no buffers; or the CA certificates, which were read once already, cannot be opened.
    for (call, fault, narrowed) in
        [("setsockopt", "error=ENOBUFS", None), ("openat", "error=EMFILE:when=2+", Some(authorities))]
    {
        for domain in ["sts.test", "webpki.test"] {
            let program = Program::new(&lab);
            let Some(mut traced) = strace("a machine that has nothing left", call, fault) else { return };
            traced.args(narrowed.iter().flat_map(|path| ["-P", path])).args(["-f", PROGRAM]);
            let output = traced.args(program.command(["-d", domain]).get_args()).output().unwrap();
            let few = told(output, true);
            assert_eq!(few.verdict(), ["defer", "out-of-resources"], "{domain} {call}: {}", few.line);
            let ample = program.route(domain);
            assert_eq!(ample.verdict(), ["deliver", "policy-met"], "{domain} {call}: {}", ample.line);
        }
    }
}
