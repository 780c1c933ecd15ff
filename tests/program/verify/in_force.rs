//! A policy in force: what changes it, and what does not.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::policy_host::Conduct;
use crate::support::laboratory::zone::Health;
use crate::support::program::Program;
use std::fs;

const RECORD: &str = "_smtp_sts.enforced.test";
const GOOD: &str = "mx1.enforced.test";
const STRANGER: &str = "mx.hosting.test";

/// A program that has met the policy of enforced.test.
fn settled(lab: &Laboratory) -> Program {
    let program = Program::new(lab);
    assert_eq!(program.delivery("enforced.test", GOOD).verdict(), ["deliver", "policy-met"]);
    program
}

fn policy(to: &str, mx: &str) -> String {
    format!("\"v=STS1; to={to}; mx={mx}; a=dnssec; c=webpki; e=604800\"")
}

#[test]
fn a_host_outside_of_it_is_refused() {
    let lab = Laboratory::start();
    let told = settled(&lab).delivery("enforced.test", STRANGER);
    assert_eq!(told.of(["verdict", "mx", "reason"]), ["refuse", "mismatch", "mx-not-in-policy"]);
    assert_eq!(told.exit, 1);
}

#[test]
fn of_several_hosts_one_inside_of_it_is_enough() {
    let lab = Laboratory::start();
    let told = settled(&lab).ask(["-d", "enforced.test", "-m", STRANGER, "-m", GOOD]);
    assert_eq!(told.of(["verdict", "mx", "reason"]), ["deliver", "match", "policy-met"]);
}

#[test]
fn an_unverified_handshake_is_refused() {
    let lab = Laboratory::start();
    let told = settled(&lab).ask(["-d", "enforced.test", "-m", GOOD, "--tls-verified", "no"]);
    assert_eq!(told.verdict(), ["refuse", "tls-unverified"]);
}

#[test]
fn a_second_look_takes_a_newer_policy_before_it_refuses() {
    let lab = Laboratory::start();
    let program = settled(&lab);
    lab.replace("enforced.test", "MX", &format!("10 {STRANGER}."));
    lab.replace(RECORD, "TXT", &policy("true", STRANGER));
    program.forget_dns();
    let told = program.delivery("enforced.test", STRANGER);
    assert_eq!(told.of(["verdict", "cache", "reason"]), ["deliver", "stored", "policy-met"], "{}", told.line);
    assert_eq!(program.delivery("enforced.test", GOOD).get("verdict"), "refuse");
}

#[test]
fn a_second_look_finds_the_same_policy_and_refuses() {
    let lab = Laboratory::start();
    let program = settled(&lab);
    lab.forget();
    assert_eq!(program.delivery("enforced.test", STRANGER).get("verdict"), "refuse");
    assert_eq!(lab.questions_for(RECORD, "TXT"), 1, "it looked, once");
}

#[test]
fn a_second_look_believes_only_the_mechanism_of_the_old_policy() {
    let lab = Laboratory::start();
    let program = settled(&lab);
    let weaker = "\"v=STS1; to=true; mx=mx.hosting.test; a=webpki; c=webpki; e=604800\"";
    lab.replace(RECORD, "TXT", weaker);
    lab.set_health("enforced.test", Health::Unsigned);
    lab.publish("enforced.test", "A", "127.0.0.1");
    program.forget_dns();
    let told = program.delivery("enforced.test", STRANGER);
    assert_eq!(told.get("verdict"), "refuse", "the zone was unsigned since: {}", told.line);
}

#[test]
fn a_second_look_over_https_believes_https_again() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("webpki.test", "mx.webpki.test").verdict(), ["deliver", "policy-met"]);
    let newer = "v=STS1; to=true; mx=mx.hosting.test; a=webpki:https://webpki.test/sts; c=webpki; e=604800";
    lab.replace("_smtp_sts.webpki.test", "TXT", &format!("\"{newer}\""));
    lab.replace("webpki.test", "MX", "10 mx.hosting.test.");
    lab.conduct_policy_host("webpki.test", Conduct::serving("something else"));
    program.forget_dns();
    assert_eq!(program.delivery("webpki.test", STRANGER).get("verdict"), "refuse", "HTTPS does not vouch");
    lab.conduct_policy_host("webpki.test", Conduct::default());
    program.forget_dns();
    let told = program.delivery("webpki.test", STRANGER);
    assert_eq!(told.of(["verdict", "auth", "cache"]), ["deliver", "webpki", "stored"], "{}", told.line);
}

#[test]
fn it_outlives_its_record() {
    let lab = Laboratory::start();
    let program = settled(&lab);
    lab.withdraw(RECORD, "TXT");
    program.forget_dns();
    assert_eq!(program.delivery("enforced.test", STRANGER).verdict(), ["refuse", "mx-not-in-policy"]);
    assert_eq!(program.delivery("enforced.test", GOOD).of(["verdict", "tls"]), ["deliver", "webpki"]);
}

#[test]
fn it_outlives_a_record_that_became_malformed_or_double() {
    let lab = Laboratory::start();
    let program = settled(&lab);
    lab.publish(RECORD, "TXT", &policy("false", "mx.hosting.test"));
    program.forget_dns();
    assert_eq!(program.delivery("enforced.test", STRANGER).get("verdict"), "refuse", "two records");
    lab.replace(RECORD, "TXT", &policy("perhaps", "mx.hosting.test"));
    program.forget_dns();
    assert_eq!(program.delivery("enforced.test", STRANGER).get("verdict"), "refuse", "a malformed record");
}

#[test]
fn it_outlives_every_trouble_with_its_record() {
    for manner in [
        Manner::Servfail,
        Manner::Stripped,
        Manner::Altered,
        Manner::Nothing,
        Manner::Forged(hickory_proto::rr::RData::TXT(hickory_proto::rr::rdata::TXT::new(vec![
            "v=STS1; to=false; mx=mx.hosting.test; a=dnssec; c=webpki; e=86400".into(),
        ]))),
    ] {
        let lab = Laboratory::start();
        let program = settled(&lab);
        lab.behave(Scope::question(RECORD, "TXT"), manner.clone());
        program.forget_dns();
        let told = program.delivery("enforced.test", STRANGER);
        assert_eq!(told.get("verdict"), "refuse", "{manner:?}: {}", told.line);
        let told = program.delivery("enforced.test", GOOD);
        assert_eq!(told.of(["verdict", "tls"]), ["deliver", "webpki"], "{manner:?}: {}", told.line);
    }
}

#[test]
fn a_policy_that_became_milder_counts_once_it_is_seen_again() {
    let lab = Laboratory::start();
    let program = settled(&lab);
    lab.replace(RECORD, "TXT", &policy("false", "*.enforced.test"));
    program.forget_dns();
    let told = program.delivery("enforced.test", STRANGER);
    assert_eq!(
        told.of(["verdict", "mode", "reason"]),
        ["deliver", "testing", "report-only"],
        "{}",
        told.line
    );
}

#[test]
fn it_is_unknown_under_other_trust_anchors() {
    let (lab, other) = (Laboratory::start(), Laboratory::start());
    let program = settled(&lab);
    lab.withdraw(RECORD, "TXT");
    // The same root may still be trusted, beside another one: that is not the world in which the policy was learnt.
    let both = lab.directory().join("both");
    let anchors = [lab.trust_anchor(), other.trust_anchor()].map(|path| fs::read_to_string(path).unwrap());
    fs::write(&both, anchors.concat()).unwrap();
    let elsewhere = Program::new(&lab).with_cache_of(&program).with_trust_anchor(&both);
    let told = elsewhere.delivery("enforced.test", STRANGER);
    assert_eq!(told.verdict(), ["deliver", "no-policy"], "{}", told.line);
    assert_eq!(program.delivery("enforced.test", STRANGER).get("verdict"), "refuse", "and nothing was lost");
}

#[test]
fn it_is_unknown_under_other_authorities() {
    let (lab, other) = (Laboratory::start(), Laboratory::start());
    let program = settled(&lab);
    lab.withdraw(RECORD, "TXT");
    let authorities = other.ca_file().display().to_string();
    let elsewhere =
        Program::new(&lab).with_cache_of(&program).without("--ca-file").with(["--ca-file", &authorities]);
    assert_eq!(elsewhere.delivery("enforced.test", STRANGER).verdict(), ["deliver", "no-policy"]);
}

/// A copy of the cache from a day on which the domain was not known, or was testing, in the place of one that says `enforce`: the next
/// answer is that of the domain's policy, if it can be fetched. Where DNS is withheld at this very moment, it is that of the day of the copy,
/// which nothing here contradicts: SECURITY.md, what is not promised.
#[test]
fn an_old_copy_of_the_cache_is_believed_as_far_as_it_goes_and_the_policy_is_fetched_again() {
    let lab = Laboratory::start();
    let enforced = "version: STSv1 | mode: enforce | mx: *.sts.test | max_age: 604800";
    for (mode_that_day, while_withheld) in [(None, "policy-unreachable"), (Some("testing"), "report-only")] {
        let program = Program::new(&lab).with(["--deadline", "3"]);
        let copy = program.cache().with_extension("that-day");
        program.delivery("enforced.test", GOOD);
        if let Some(mode) = mode_that_day {
            lab.change_policy("sts.test", "1", &enforced.replace("enforce", mode));
            assert_eq!(program.delivery("sts.test", STRANGER).verdict(), ["deliver", "report-only"]);
        }
        fs::copy(program.cache(), &copy).unwrap();
        lab.change_policy("sts.test", "2", enforced);
        program.forget_dns();
        let refused = ["refuse", "mx-not-in-policy"];
        assert_eq!(program.delivery("sts.test", STRANGER).verdict(), refused);

        fs::copy(&copy, program.cache()).unwrap();
        assert_eq!(program.delivery("sts.test", STRANGER).verdict(), refused, "what DNS said is remembered");
        fs::copy(&copy, program.cache()).unwrap();
        program.forget_dns();
        assert_eq!(program.delivery("sts.test", STRANGER).verdict(), refused, "DNS is asked");

        fs::rename(&copy, program.cache()).unwrap();
        program.forget_dns();
        lab.behave(Scope::question("_mta-sts.sts.test.", "TXT"), Manner::Silent);
        let told = program.delivery("sts.test", STRANGER);
        assert_eq!(told.verdict(), ["deliver", while_withheld], "{mode_that_day:?}: {}", told.line);
        lab.behave_well();
        program.forget_dns();
        assert_eq!(program.delivery("sts.test", STRANGER).verdict(), refused, "{mode_that_day:?}");
    }
}
