//! A second answer about the same domain: from the cache alone, which it does not touch.

use crate::support::laboratory::Laboratory;
use crate::support::program::Program;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Every file of the cache's directory: name, octets, time of the last change.
fn snapshot(cache: &Path) -> Vec<(String, Vec<u8>, SystemTime)> {
    let mut files: Vec<_> = fs::read_dir(cache.parent().unwrap())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap(), entry.metadata().unwrap().modified().unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Domains of every kind, with a host that is asked twice.
const DELIVERIES: [(&str, &str); 23] = [
    ("enforced.test", "mx1.enforced.test"),
    ("webpki.test", "mx.webpki.test"),
    ("report.test", "mx.report.test"),
    ("first.test", "mx.first.test"),
    ("none.test", "mx.none.test"),
    ("plain.test", "mx.plain.test"),
    ("malformed.test", "mx.malformed.test"),
    ("implicit.test", "implicit.test"),
    ("tlsa.test", "mx1.tlsa.test"),
    ("tlsa-less.test", "mx.tlsa-less.test"),
    ("sts.test", "mx1.sts.test"),
    ("sts-testing.test", "mx.hosting.test"),
    ("sts-none.test", "mx.sts-none.test"),
    ("sts-id.test", "mx.sts-id.test"),
    ("sts-missing.test", "mx.sts-missing.test"),
    ("both.test", "mx1.both.test"),
    ("dane.test", "mx1.dane.test"),
    ("dane-alias.test", "mx.dane-alias.test"),
    ("dane-mixed.test", "mx2.dane-mixed.test"),
    ("dane-sts-mixed.test", "mx1.dane-sts-mixed.test"),
    ("dane-unusable.test", "mx.dane-unusable.test"),
    ("dane-away.test", "mx.dane-loose.test"),
    ("dane-near.test", "mx1.dane.test"),
];

#[test]
fn a_warm_answer_sends_nothing_visits_nobody_and_writes_nothing() {
    let lab = Laboratory::start();
    for (domain, host) in DELIVERIES {
        let program = Program::new(&lab);
        let cold = program.delivery(domain, host);
        lab.forget();
        let before = snapshot(program.cache());
        let warm = program.delivery(domain, host);
        assert_eq!((lab.questions(), lab.visits().len()), (0, 0), "{domain}: {}", warm.line);
        assert_eq!(before, snapshot(program.cache()), "{domain}: {}", warm.line);
        assert_eq!(cold.verdict(), warm.verdict(), "{domain}");
        assert_eq!(
            cold.of(["tls", "policy", "mode", "auth", "mx", "passed"]),
            warm.of(["tls", "policy", "mode", "auth", "mx", "passed"]),
            "{domain}"
        );
        assert!(["hit", "unchanged", "none"].contains(&warm.get("cache")), "{domain}: {}", warm.line);
    }
}

#[test]
fn another_permitted_host_of_a_known_domain_sends_nothing_either() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.delivery("enforced.test", "mx1.enforced.test");
    lab.forget();
    let told = program.delivery("enforced.test", "mx2.enforced.test");
    assert_eq!((told.verdict(), lab.questions()), (["deliver", "policy-met"], 0), "{}", told.line);
}

#[test]
fn a_router_s_question_warms_a_delivery() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.route("enforced.test");
    lab.forget();
    let told = program.delivery("enforced.test", "mx1.enforced.test");
    assert_eq!((told.verdict(), lab.questions()), (["deliver", "policy-met"], 0), "{}", told.line);
}

#[test]
fn a_failure_is_not_remembered_as_an_absence() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    assert_eq!(program.delivery("bogus.test", "mx.bogus.test").get("verdict"), "defer");
    lab.set_health("bogus.test", crate::support::laboratory::zone::Health::Signed);
    assert_eq!(program.delivery("bogus.test", "mx.bogus.test").verdict(), ["deliver", "policy-met"]);
}

#[test]
fn the_cache_of_one_domain_says_nothing_about_another() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    program.delivery("enforced.test", "mx1.enforced.test");
    lab.forget();
    assert_eq!(program.delivery("none.test", "mx1.enforced.test").verdict(), ["deliver", "no-policy"]);
    assert!(lab.questions() > 0);
}
