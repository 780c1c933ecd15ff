//! How long things are believed. The path runs in this process, with a clock that the test sets.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::policy_host::Conduct;
use crate::support::laboratory::zone::Health;
use crate::support::life::{DAY, HOUR, Life};
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::verdict::Verdict::{Defer, Deliver, Refuse};

#[test]
fn a_policy_is_in_force_for_its_life_and_no_longer() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.ask(0, "partly.test", "mx.partly.test").judgement.reason, Reason::PolicyMet);
    lab.withdraw("_smtp_sts.partly.test", "TXT");
    let refused = life.ask(DAY - 1, "partly.test", "mx.hosting.test");
    assert_eq!((refused.judgement.verdict, refused.judgement.reason), (Refuse, Reason::MxNotInPolicy));
    let delivered = life.ask(DAY, "partly.test", "mx.hosting.test");
    assert_eq!((delivered.judgement.verdict, delivered.judgement.reason), (Deliver, Reason::NoPolicy));
}

#[test]
fn a_life_of_ten_digits_is_a_year() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    // RFC 8461 section 3.2: the greatest max_age.
    const YEAR: u64 = 31_557_600;
    assert_eq!(life.ask(0, "long.test", "mx.long.test").judgement.reason, Reason::PolicyMet);
    // Meanwhile every signature of this world ended, so that nothing new can be learnt.
    assert_eq!(life.ask(YEAR - 1, "long.test", "mx.hosting.test").judgement.verdict, Refuse);
    assert_eq!(life.ask(YEAR, "long.test", "mx.hosting.test").judgement.verdict, Defer);
}

#[test]
fn a_use_in_the_meantime_does_not_prolong_it() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    for hour in [0, 6, 12, 18, 23] {
        assert_eq!(
            life.ask(hour * HOUR, "partly.test", "mx.partly.test").judgement.reason,
            Reason::PolicyMet
        );
    }
    lab.withdraw("_smtp_sts.partly.test", "TXT");
    let late = life.ask(DAY + 1, "partly.test", "mx.partly.test");
    assert_eq!(late.judgement.reason, Reason::NoPolicy);
}

#[test]
fn a_clock_that_went_back_lifts_no_policy() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.ask(10 * DAY, "partly.test", "mx.partly.test").judgement.reason, Reason::PolicyMet);
    lab.withdraw("_smtp_sts.partly.test", "TXT");
    let report = life.ask(0, "partly.test", "mx.hosting.test");
    assert_eq!(report.judgement.verdict, Refuse);
    assert!(report.notes.iter().any(|note| note.contains("clock")), "{:?}", report.notes);
}

#[test]
fn a_remembered_absence_lasts_as_long_as_dns_says() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    life.ask(0, "none.test", "mx.none.test");
    lab.publish(
        "_smtp_sts.none.test",
        "TXT",
        "\"v=STS1; to=true; mx=mx.none.test; a=dnssec; c=webpki; e=86400\"",
    );
    lab.forget();
    assert_eq!(life.ask(299, "none.test", "mx.none.test").judgement.reason, Reason::NoPolicy);
    assert_eq!(lab.questions(), 0);
    assert_eq!(life.ask(300, "none.test", "mx.none.test").judgement.reason, Reason::PolicyMet);
}

#[test]
fn a_remembered_mx_rrset_lasts_as_long_as_dns_says() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    life.ask(0, "enforced.test", "mx1.enforced.test");
    lab.replace("enforced.test", "MX", "10 new.enforced.test.");
    assert_eq!(life.ask(299, "enforced.test", "mx1.enforced.test").judgement.verdict, Deliver);
    let report = life.ask(300, "enforced.test", "mx1.enforced.test");
    assert_eq!((report.judgement.verdict, report.judgement.reason), (Refuse, Reason::MxNotInDns));
}

#[test]
fn what_is_remembered_of_a_signed_zone_ends_with_its_signatures() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    // The laboratory's signatures end after thirty days: one minute before, the TTL of five minutes no longer counts.
    let close = 30 * DAY - 60;
    assert_eq!(life.ask(close, "none.test", "mx.none.test").judgement.reason, Reason::NoPolicy);
    lab.forget();
    assert_eq!(life.ask(close + 30, "none.test", "mx.none.test").judgement.reason, Reason::NoPolicy);
    assert_eq!(lab.questions(), 0);
    let report = life.ask(close + 120, "none.test", "mx.none.test");
    assert_eq!((report.judgement.verdict, report.judgement.reason), (Defer, Reason::ClockSuspect));
}

#[test]
fn a_policy_host_that_failed_is_left_alone_for_five_minutes() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    life.ask(0, "badcert.test", "mx.badcert.test");
    life.ask(299, "badcert.test", "mx.badcert.test");
    assert_eq!(lab.visits().len(), 1);
    lab.conduct_policy_host("badcert.test", Conduct::default());
    let report = life.ask(301, "badcert.test", "mx.badcert.test");
    assert_eq!((report.judgement.reason, lab.visits().len()), (Reason::PolicyMet, 2));
}

#[test]
fn a_zone_that_lost_its_signatures_is_believed_when_its_parent_proves_it() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.ask(0, "none.test", "mx.none.test").judgement.reason, Reason::NoPolicy);
    lab.set_health("none.test", Health::Stripped);
    assert_eq!(life.ask(HOUR, "none.test", "mx.none.test").judgement.reason, Reason::DnssecBogus);
    lab.set_health("none.test", Health::Unsigned);
    assert_eq!(life.ask(HOUR, "none.test", "mx.none.test").judgement.reason, Reason::NoPolicy);
}
