//! MTA-STS (RFC 8461): the policy that HTTPS authenticates, and its life in the cache.

use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::policy_host::{Body, Certificate, Conduct};
use crate::support::life::{DAY, HOUR, Life};
use crate::support::program::Program;
use smtp_sts_verify::limits::UNPROVEN_ASKED_AGAIN;

const DOMAIN: &str = "sts.test";
const HOST: &str = "mx1.sts.test";
const STRANGER: &str = "mx.hosting.test";
const RECORD: &str = "_mta-sts.sts.test";
const POLICY_HOST: &str = "mta-sts.sts.test";

/// The TTL of everything in the laboratory, seconds.
const TTL: u64 = 300;
/// `max_age` of the policy of sts.test.
const WEEK: u64 = 7 * DAY;

const MET: [&str; 4] = ["deliver", "mta-sts", "webpki", "policy-met"];
const FORBIDDEN: [&str; 4] = ["refuse", "mta-sts", "webpki", "mx-not-in-policy"];
const NOT_FETCHED: [&str; 4] = ["deliver", "none", "opportunistic", "policy-not-fetched"];

/// A policy for the stranger alone.
const MOVED: &str = "version: STSv1 | mode: enforce | mx: mx.hosting.test | max_age: 604800";

/// Every way in which a policy host can fail that is quick to fail (rows D2, D4, D6, D7 of the faults; D3 below).
fn failures() -> [Conduct; 8] {
    [
        Body::Missing.into(),
        Body::Redirect.into(),
        Body::Html.into(),
        Body::Oversized.into(),
        Body::Text("version: STSv1\r\nmode: enforce\r\nmax_age: 604800\r\n".into()).into(),
        Certificate::Expired.into(),
        Certificate::WrongName.into(),
        Certificate::SelfSigned.into(),
    ]
}

#[test]
fn a_first_answer_fetches_the_policy_once_and_the_next_one_asks_nobody() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let cold = program.delivery(DOMAIN, HOST);
    assert_eq!(
        cold.of(["verdict", "tls", "policy", "mode", "auth", "mx", "cache", "reason"]),
        ["deliver", "webpki", "mta-sts", "enforce", "webpki", "match", "stored", "policy-met"]
    );
    assert_eq!(lab.visits(), ["mta-sts.sts.test /.well-known/mta-sts.txt"]);
    lab.forget();
    let warm = program.delivery(DOMAIN, HOST);
    assert_eq!(warm.of(["verdict", "tls", "cache", "reason"]), ["deliver", "webpki", "hit", "policy-met"]);
    assert_eq!((lab.questions(), lab.visits().len()), (0, 0));
}

#[test]
fn a_router_learns_which_hosts_the_policy_permits() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for (domain, tls, mxre) in [
        ("sts.test", "webpki", "^([^.]+[.]sts[.]test)$"),
        ("sts-partly.test", "webpki", "^(mx[.]sts-partly[.]test)$"),
        ("sts-testing.test", "opportunistic", "^(.+)$"),
    ] {
        assert_eq!(program.route(domain).of(["verdict", "tls", "mxre"]), ["deliver", tls, mxre], "{domain}");
    }
}

#[test]
fn where_both_dialects_are_authenticated_the_answer_names_the_one_that_was_passed_over() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    for _ in ["cold", "warm"] {
        let told = program.delivery("both.test", "mx1.both.test");
        assert_eq!(told.of(["policy", "auth", "passed"]), ["mta-sts", "webpki", "smtp-sts"], "{}", told.line);
    }
    assert_eq!(program.delivery(DOMAIN, HOST).get("passed"), "");
}

#[test]
fn a_policy_that_cannot_be_fetched_leaves_the_mail_alone() {
    let lab = Laboratory::start();
    for conduct in failures() {
        lab.conduct_policy_host(POLICY_HOST, conduct.clone());
        let [verdict, policy, tls, _] = Life::begin(&lab).told(0, DOMAIN, STRANGER);
        assert_eq!([verdict, policy, tls], ["deliver", "none", "opportunistic"], "{conduct:?}");
    }
}

/// Row E3.
#[test]
fn a_policy_that_cannot_be_fetched_again_stays_in_force() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    let mut now = 0;
    for conduct in failures() {
        now += 6 * HOUR;
        lab.change_policy(DOMAIN, &format!("at{now}"), MOVED);
        lab.conduct_policy_host(POLICY_HOST, conduct.clone());
        assert_eq!(life.told(now, DOMAIN, HOST), MET, "{conduct:?}");
        assert_eq!(life.told(now, DOMAIN, STRANGER), FORBIDDEN, "{conduct:?}");
    }
}

/// Row D3.
#[test]
fn a_policy_host_that_stalls_costs_no_more_than_the_deadline() {
    let lab = Laboratory::start();
    let start = std::time::Instant::now();
    let program = Program::new(&lab).with(["--deadline", "1"]);
    let told = program.delivery("sts-stall.test", "mx.sts-stall.test");
    assert_eq!(told.of(["verdict", "policy", "tls", "reason"]), NOT_FETCHED, "{}", told.line);
    assert!(start.elapsed().as_millis() < 2_500, "{:?}", start.elapsed());
}

/// Row D1.
#[test]
fn a_policy_host_on_a_private_address_is_not_visited() {
    let lab = Laboratory::start();
    let told = Program::new(&lab).without("--allow-private-addresses").delivery(DOMAIN, HOST);
    assert_eq!(told.of(["verdict", "policy", "tls", "reason"]), NOT_FETCHED, "{}", told.line);
    assert!(lab.visits().is_empty());
}

#[test]
fn an_unchanged_id_causes_no_fetch() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    for now in [0, TTL + 1, HOUR, 12 * HOUR] {
        assert_eq!(life.told(now, DOMAIN, HOST), MET);
    }
    assert_eq!(lab.fetches_of(DOMAIN), 1);
}

#[test]
fn a_changed_id_in_an_unsigned_zone_is_noticed_within_seconds_whatever_its_ttl_says() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.change_policy(DOMAIN, "2", "version: STSv1 | mode: testing | mx: *.sts.test | max_age: 604800");
    lab.forget();
    assert_eq!(life.told(UNPROVEN_ASKED_AGAIN - 1, DOMAIN, HOST), MET);
    assert_eq!((lab.questions_for(RECORD, "TXT"), lab.fetches_of(DOMAIN)), (0, 0));
    assert_eq!(
        life.told(UNPROVEN_ASKED_AGAIN + 1, DOMAIN, HOST),
        ["deliver", "mta-sts", "opportunistic", "policy-met"]
    );
    assert_eq!((lab.questions_for(RECORD, "TXT"), lab.fetches_of(DOMAIN)), (1, 1));
}

#[test]
fn a_forged_mx_answer_ends_with_the_attack_for_the_command_too() {
    for forged in ["0 .", "1 strange.test.", "1 192.0.2.1."] {
        let lab = Laboratory::start();
        let life = Life::begin(&lab);
        assert_eq!(life.told(0, DOMAIN, HOST), MET);
        lab.replace(DOMAIN, "MX", forged);
        assert_ne!(life.told(UNPROVEN_ASKED_AGAIN + 1, DOMAIN, HOST), MET, "{forged}");
        lab.replace(DOMAIN, "MX", "10 mx1.sts.test.");
        assert_eq!(life.told(UNPROVEN_ASKED_AGAIN + 11, DOMAIN, HOST), MET, "{forged}");
    }
}

/// Row E1.
#[test]
fn a_policy_in_force_outlives_every_trouble_with_its_record() {
    for manner in [Manner::Servfail, Manner::Stripped, Manner::Altered, Manner::Nothing] {
        for (domain, host) in [(DOMAIN, HOST), ("sts-partly.test", "mx.sts-partly.test")] {
            let lab = Laboratory::start();
            let life = Life::begin(&lab);
            assert_eq!(life.told(0, domain, host), MET);
            lab.behave(Scope::question(&format!("_mta-sts.{domain}"), "TXT"), manner.clone());
            assert_eq!(life.told(DAY, domain, host), MET, "{domain} {manner:?}");
            assert_eq!(life.told(DAY, domain, "mx1.dane.test"), FORBIDDEN, "{domain} {manner:?}");
        }
    }
}

/// Row E2.
#[test]
fn a_policy_outlives_its_record_until_its_own_end() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.withdraw(RECORD, "TXT");
    lab.conduct_policy_host(POLICY_HOST, Body::Missing);
    assert_eq!(life.told(WEEK - 1, DOMAIN, HOST), MET);
    assert_eq!(life.told(WEEK - 1, DOMAIN, STRANGER), FORBIDDEN);
    assert_eq!(life.told(WEEK, DOMAIN, STRANGER), ["deliver", "none", "opportunistic", "no-policy"]);
}

#[test]
fn a_malformed_or_double_record_does_not_end_a_policy_either() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.publish(RECORD, "TXT", "\"v=STSv1; id=2;\"");
    assert_eq!(life.told(HOUR, DOMAIN, STRANGER), FORBIDDEN);
    lab.replace(RECORD, "TXT", "\"v=STSv1; id=a-b;\"");
    assert_eq!(life.told(2 * HOUR, DOMAIN, STRANGER), FORBIDDEN);
}

#[test]
fn a_policy_in_use_is_fetched_daily_and_lives_on() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    for hour in (0..=9 * 24).step_by(6) {
        assert_eq!(life.told(hour * HOUR, DOMAIN, HOST), MET, "after {hour} hours");
    }
    assert!((9..=10).contains(&lab.fetches_of(DOMAIN)), "{} fetches in nine days", lab.fetches_of(DOMAIN));
    lab.conduct_policy_host(POLICY_HOST, Body::Missing);
    assert_eq!(life.told(15 * DAY, DOMAIN, STRANGER), FORBIDDEN, "six days after the last fetch");
    assert_eq!(life.told(17 * DAY, DOMAIN, STRANGER), NOT_FETCHED, "eight days after it");
}

/// Row E5.
#[test]
fn an_unchanged_id_alone_proves_nothing_about_time() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.conduct_policy_host(POLICY_HOST, Body::Missing);
    for day in 1..7 {
        assert_eq!(life.told(day * DAY, DOMAIN, HOST), MET, "day {day}");
    }
    assert_eq!(life.told(WEEK - 1, DOMAIN, STRANGER), FORBIDDEN);
    assert_eq!(life.told(WEEK + DAY, DOMAIN, STRANGER), NOT_FETCHED);
}

/// Row E4.
#[test]
fn a_weaker_policy_is_taken_when_it_is_authenticated() {
    let lab = Laboratory::start();
    for (mode, reason) in [("testing", "report-only"), ("none", "mode-none")] {
        let life = Life::begin(&lab);
        assert_eq!(life.told(0, "sts-partly.test", STRANGER), FORBIDDEN);
        let weaker = format!("version: STSv1 | mode: {mode} | mx: mx.sts-partly.test | max_age: 604800");
        lab.change_policy("sts-partly.test", mode, &weaker);
        let told = life.told(TTL + 1, "sts-partly.test", STRANGER);
        assert_eq!(told, ["deliver", "mta-sts", "opportunistic", reason], "{mode}");
        lab.change_policy(
            "sts-partly.test",
            "1",
            "version: STSv1 | mode: enforce | mx: mx.sts-partly.test | max_age: 604800",
        );
    }
}

/// Row E4.
#[test]
fn the_history_tells_what_weakened_a_policy_and_what_did_not() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    let mut now = 0;
    let mut ask = |pause: u64| {
        now += pause;
        life.told(now, DOMAIN, HOST)
    };
    assert_eq!(ask(0), MET);
    ask(DAY + 1); // fetched again, and it is the same
    lab.conduct_policy_host(POLICY_HOST, Body::Missing);
    lab.change_policy(DOMAIN, "2", "version: STSv1 | mode: testing | mx: *.sts.test | max_age: 604800");
    ask(HOUR);
    lab.conduct_policy_host(POLICY_HOST, Conduct::default());
    ask(HOUR);
    lab.withdraw(RECORD, "TXT");
    ask(HOUR);
    lab.publish(RECORD, "TXT", "\"v=STSv1; id=3;\"");
    lab.serve_policy(DOMAIN, "version: STSv1 | mode: none | max_age: 86400");
    ask(HOUR);
    lab.change_policy(DOMAIN, "4", "version: STSv1 | mode: enforce | mx: *.sts.test | max_age: 604800");
    assert_eq!(ask(HOUR), MET);
    let expected = [
        ["learnt", "webpki", "-", "enforce"],
        ["fetch-failed", "webpki", "enforce", "enforce"],
        ["weakened", "webpki", "enforce", "testing"],
        ["withdrawn", "webpki", "testing", "testing"],
        ["weakened", "webpki", "testing", "none"],
        ["changed", "webpki", "none", "enforce"],
    ];
    assert_eq!(life.history(DOMAIN), expected);
}

/// Row E4.
#[test]
fn nobody_without_the_certificate_weakens_a_policy() {
    let lab = Laboratory::start();
    for certificate in [Certificate::Expired, Certificate::WrongName, Certificate::SelfSigned] {
        let life = Life::begin(&lab);
        lab.change_policy(DOMAIN, "1", "version: STSv1 | mode: enforce | mx: *.sts.test | max_age: 604800");
        lab.conduct_policy_host(POLICY_HOST, Conduct::default());
        assert_eq!(life.told(0, DOMAIN, HOST), MET);
        lab.change_policy(DOMAIN, "2", "version: STSv1 | mode: none | max_age: 86400");
        lab.conduct_policy_host(POLICY_HOST, certificate);
        assert_eq!(life.told(HOUR, DOMAIN, STRANGER), FORBIDDEN, "{certificate:?}");
    }
}

#[test]
fn before_it_refuses_it_looks_for_a_newer_policy() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.replace(DOMAIN, "MX", &format!("10 {STRANGER}."));
    lab.change_policy(DOMAIN, "2", MOVED);
    assert_eq!(life.told(10, DOMAIN, STRANGER), MET, "long before the TTL of the record is over");
    assert_eq!(life.told(11, DOMAIN, HOST)[0], "refuse", "and the newer one counts from then on");
}

#[test]
fn a_look_before_a_refusal_that_finds_nothing_new_refuses() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.forget();
    assert_eq!(life.told(10, DOMAIN, STRANGER), FORBIDDEN);
    assert_eq!(lab.questions_for(RECORD, "TXT"), 1, "it looked, once");
    assert!(lab.fetches_of(DOMAIN) <= 1);
}

/// Row D11 (RFC 8461 section 3.3: no more than once every five minutes).
#[test]
fn a_policy_host_that_fails_is_left_alone_for_longer_and_longer() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    let (domain, host) = ("sts-missing.test", "mx.sts-missing.test");
    let mut now = 0;
    assert_eq!(life.told(now, domain, host), NOT_FETCHED);
    for pause in [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, DAY, DAY] {
        lab.forget();
        assert_eq!(life.told(now + pause - 1, domain, host), NOT_FETCHED);
        assert_eq!(lab.fetches_of(domain), 0, "before the end of a pause of {pause} seconds");
        now += pause + 1;
        assert_eq!(life.told(now, domain, host), NOT_FETCHED);
        assert_eq!(lab.fetches_of(domain), 1, "after a pause of {pause} seconds");
    }
    lab.conduct_policy_host("mta-sts.sts-missing.test", Conduct::default());
    assert_eq!(life.told(now + DAY + 1, domain, host), MET);
}

/// Row D11: refusals are no reason to hammer a policy host that fails.
#[test]
fn refusals_do_not_hammer_a_policy_host_that_fails() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    lab.change_policy(DOMAIN, "2", MOVED);
    lab.conduct_policy_host(POLICY_HOST, Body::Missing);
    lab.forget();
    for second in 10..20 {
        assert_eq!(life.told(second, DOMAIN, STRANGER), FORBIDDEN);
    }
    assert!(lab.fetches_of(DOMAIN) <= 1, "{} fetches for ten refusals", lab.fetches_of(DOMAIN));
}

/// Row E6.
#[test]
fn at_first_contact_trouble_with_the_record_counts_as_it_does_for_every_mechanism() {
    for (domain, host, manner, expected) in [
        ("none.test", "mx.none.test", Manner::Altered, ["defer", "dnssec-bogus"]),
        ("none.test", "mx.none.test", Manner::Nothing, ["defer", "dnssec-bogus"]),
        ("none.test", "mx.none.test", Manner::Servfail, ["defer", "dns-unreachable"]),
        ("plain.test", "mx.plain.test", Manner::Servfail, ["deliver", "policy-unreachable"]),
    ] {
        let lab = Laboratory::start();
        lab.behave(Scope::question(&format!("_mta-sts.{domain}"), "TXT"), manner.clone());
        let [verdict, _, _, reason] = Life::begin(&lab).told(0, domain, host);
        assert_eq!([verdict, reason], expected, "{domain} {manner:?}");
    }
}

/// Row E10.
#[test]
fn a_clock_that_went_back_lifts_no_policy() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    assert_eq!(life.told(10 * DAY, DOMAIN, HOST), MET);
    lab.withdraw(RECORD, "TXT");
    assert_eq!(life.told(0, DOMAIN, STRANGER), FORBIDDEN);
}

/// Row D12.
#[test]
fn a_life_of_many_digits_is_a_year() {
    let lab = Laboratory::start();
    let life = Life::begin(&lab);
    lab.serve_policy(DOMAIN, "version: STSv1 | mode: enforce | mx: *.sts.test | max_age: 9999999999");
    assert_eq!(life.told(0, DOMAIN, HOST), MET);
    // Meanwhile every signature of this world ended, so that nothing new can be learnt.
    assert_eq!(life.told(365 * DAY, DOMAIN, STRANGER), FORBIDDEN);
    assert_eq!(life.told(366 * DAY, DOMAIN, STRANGER)[0], "defer");
}
