//! `explain`.

use crate::screen::typed;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::{Laboratory, path};
use crate::support::program::Program;
use smtp_sts_verify::cache::{Kept, Memory as _};
use smtp_sts_verify::name::PolicyDomain;
use smtp_sts_verify::policy::{Authentication, Dialect, Policy, StoredPolicy};
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};

/// What is told about a domain of which nothing is known yet.
fn told(lab: &Laboratory, line: &str, name: &str) {
    typed(line).at(lab, &Program::new(lab)).shows(name);
}

#[test]
fn a_domain_whose_mail_goes_under_a_policy() {
    let lab = Laboratory::start();
    told(&lab, "explain sts.test", "explain-mta-sts");
    told(&lab, "explain dane-sts.test", "explain-dane");
    told(&lab, "explain null.test", "explain-null-mx");
}

#[test]
fn a_host_that_the_policy_forbids() {
    let lab = Laboratory::start();
    told(&lab, "explain sts-partly.test mx.hosting.test", "explain-forbidden-mx");
}

#[test]
fn what_is_published_wrongly() {
    let lab = Laboratory::start();
    told(&lab, "explain sts-body.test", "explain-malformed-policy");
}

#[test]
fn what_nobody_can_tell() {
    let lab = Laboratory::start();
    told(&lab, "explain bogus.test", "explain-bogus");
    told(&lab, "explain quiet.test", "explain-unreachable");
    lab.behave(Scope::Everything, Manner::Stripped);
    told(&lab, "explain sts.test", "explain-stripped-resolver");
}

#[test]
fn a_policy_in_the_cache_that_has_ended_and_one_that_counts() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let fetched = UnixTime(SystemClock.now().0 - 3 * 86_400);
    let domain = PolicyDomain::parse("sts-missing.test").unwrap();
    let text = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: mx.sts-missing.test\nmax_age: 86400\n";
    let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
    let stored = StoredPolicy::fetched(&domain, policy, Authentication::WebPki, fetched, fetched);
    assert_eq!(path::opened(&lab, program.cache(), fetched).keep(&stored), Ok(Kept::Stored));
    typed("explain sts-missing.test").at(&lab, &program).shows("explain-ended-policy");
    program.delivery("enforced.test", "mx1.enforced.test");
    typed("explain enforced.test").at(&lab, &program).shows("explain-policy-of-the-cache");
}

#[test]
fn the_word_of_the_administrator() {
    let lab = Laboratory::start();
    for (line, name) in [
        ("explain waived.test", "explain-override"),
        ("explain mail.left-alone.test", "explain-override-that-ignores"),
    ] {
        let world = typed(line).with(lab.options()).with(["--config".into(), lab.configuration()]);
        let screen = world.with(["-c".into(), lab.cache_file()]);
        screen.masking(lab.directory().to_str().unwrap(), "LAB").shows(name);
    }
}

#[test]
fn a_question_that_is_none() {
    typed("explain a..b").shows("explain-no-domain");
    typed("explain [192.0.2.1]").shows("explain-address");
}
