//! Name servers that serve, strip, fall silent or are not there.

use super::patient::Patient;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::strace;
use std::time::{Duration, Instant};

#[test]
fn a_name_server_that_hands_on_everything_is_fine() {
    let lab = Laboratory::start();
    let said = Patient::of(&lab).examined();
    for check in ["resolver.udp", "resolver.tcp", "resolver.dnssec", "resolver.denial", "resolver.place"] {
        assert_eq!(said.of(check).0, "fine", "{check}: {}", said.of(check).1);
    }
    assert_eq!([said.result("clock.root-signature"), said.result("anchor.root")], ["fine", "fine"]);
    assert_eq!(said.result("clock.https-date"), "unchecked");
    assert_eq!(said.result("ca.store"), "fine");
}

#[test]
fn a_name_server_that_strips_is_wrong_and_the_exit_code_says_so() {
    let lab = Laboratory::start();
    let said = Patient::of(&lab).but("--dns", &lab.stripped_dns().to_string()).examined();
    assert_eq!([said.result("resolver.dnssec"), said.result("resolver.denial")], ["wrong", "wrong"]);
    assert_eq!(said.exit, 2);
    assert_eq!(said.result("clock.root-signature"), "unchecked", "the clock is not to blame");
}

#[test]
fn beside_one_that_serves_a_stripping_name_server_is_a_warning() {
    let lab = Laboratory::start();
    let (good, bad) = (lab.dns().to_string(), lab.stripped_dns().to_string());
    let said = Patient::of(&lab).with(["--dns", &bad]).examined();
    let about = |server: &str| said.result_about("resolver.dnssec", server);
    assert_eq!([about(&good), about(&bad)], ["fine", "warning"]);
}

#[test]
fn an_anchor_of_another_root_is_told_apart_from_a_bad_resolver() {
    let lab = Laboratory::start();
    let other = Laboratory::start();
    let anchor = other.trust_anchor().display().to_string();
    std::fs::set_permissions(other.directory(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = Patient::of(&lab).but("--trust-anchor", &anchor).examined();
    assert_eq!([said.result("anchor.root"), said.result("resolver.dnssec")], ["wrong", "unchecked"]);
    assert_eq!(said.exit, 2);
}

#[test]
fn silence_ends_with_the_deadline_and_is_told() {
    let lab = Laboratory::start();
    lab.behave(Scope::Everything, Manner::Silent);
    let began = Instant::now();
    let said = Patient::of(&lab).with(["--deadline", "3"]).examined();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!([said.result("resolver.udp"), said.result("resolver.dnssec")], ["wrong", "unchecked"]);
    assert_eq!(said.exit, 2);
}

#[test]
fn nobody_there_is_told_at_once() {
    let lab = Laboratory::start();
    let began = Instant::now();
    let said = Patient::of(&lab).but("--dns", "127.0.0.1:1").examined();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // One cause is told once.
    assert_eq!([said.result("resolver.udp"), said.result("resolver.tcp")], ["wrong", "unchecked"]);
}

#[test]
fn a_name_server_that_could_not_be_asked_for_want_of_descriptors_is_not_called_silent() {
    if !strace::is_here("a doctor without descriptors") {
        return;
    }
    let lab = Laboratory::start();
    let no_socket = "exec strace -f -o /dev/null -e trace=socket -e inject=socket:error=EMFILE \"$@\"";
    let said = Patient::of(&lab).started_by(no_socket).examined();
    let seen = "it could not be asked: Too many open files (os error 24)";
    assert_eq!(said.of("resolver.udp"), ("warning", seen));
    let [meaning, fix] = said.advice("resolver.udp");
    assert_eq!(meaning, "This was not looked at: it may be in order or not.");
    assert!(fix.contains("ulimit -n"), "{fix}");
    for check in ["edns", "dnssec", "denial", "validates", "speed", "place"] {
        let check = format!("resolver.{check}");
        assert_eq!(said.of(&check), ("unchecked", "it could not be asked"), "{check}");
    }
    assert_eq!(said.result("resolver.tcp"), "unchecked");
}

#[test]
fn a_web_server_that_does_not_tell_the_time_is_no_failure() {
    let lab = Laboratory::start();
    let options = ["--https-url", "https://nothing.invalid/", "--deadline", "5"];
    let patient = Patient::of(&lab).with(options).without_offline();
    let said = patient.examined();
    assert_eq!(said.result("clock.https-date"), "unchecked", "{}", said.of("clock.https-date").1);
}

#[test]
fn what_cannot_be_understood_is_told_before_anything_is_asked() {
    let lab = Laboratory::start();
    for options in
        [["--https-url", "http://example.org/"], ["--cachedb", "relative.db"], ["--deadline", "99"]]
    {
        let mut patient = Patient::of(&lab).without_offline();
        patient.replace(options);
        let output = patient.run("human");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(64 | 78)), "{options:?}: {:?}", output.status);
        assert!(output.stdout.is_empty() && words.contains(options[1].split(':').next().unwrap()), "{words}");
    }
    assert_eq!(lab.questions(), 0);
}
