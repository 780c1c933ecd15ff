//! Bounds, clocks that jump, and text that looks like SQL.

use super::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::limits::CACHE_OCTETS_LEAST;
use smtp_sts_verify::policy::{Authentication, Policy, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::fs;
use std::path::Path;

const YEAR: u64 = 365 * 86_400;

fn rows(path: &Path, table: &str) -> i64 {
    let sql = match table {
        "policy" => "SELECT count(*) FROM policy",
        _ => "SELECT count(*) FROM answer",
    };
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn f13_a_stream_of_strangers_fills_no_disk_and_displaces_no_policy_in_force() {
    let place = Place::new();
    let protected: Vec<_> =
        (0..10).map(|i| enforced(&format!("enforced{i}.test"), UnixTime(now().0 - 1_000))).collect();
    for policy in &protected {
        assert_eq!(bounded(&place.path(), 40, now()).keep(policy).unwrap(), Kept::Stored);
    }
    for i in 0..150 {
        let stranger = fetched(&format!("stranger{i}.test"), RECORD, Authentication::FirstUse, now());
        assert_eq!(bounded(&place.path(), 40, now()).keep(&stranger).unwrap(), Kept::Stored);
    }
    assert_eq!(rows(&place.path(), "policy"), 40);
    for policy in &protected {
        assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap().as_ref(), Some(policy));
    }
    assert!(place.cache().policy(&domain("stranger149.test"), Dialect::SmtpSts).unwrap().is_some());
}

#[test]
fn f13_room_is_made_in_order_and_never_from_what_is_enforced() {
    let (place, today) = (Place::new(), now());
    let cache = bounded(&place.path(), 4, today);
    let before = |seconds| UnixTime(today.0 - seconds);
    let reporting = |name: &str, age| StoredPolicy {
        applied_at: Some(before(age)),
        ..fetched(name, REPORTING, Authentication::Dnssec, before(age))
    };
    cache.keep(&enforced("enforced.test", before(600_000))).unwrap();
    cache.keep(&reporting("reporting.test", 500_000)).unwrap();
    cache.keep(&fetched("new.test", RECORD, Authentication::Dnssec, before(10))).unwrap();
    bounded(&place.path(), 4, before(700_000)).keep(&enforced("expired.test", before(700_000))).unwrap();
    let names = || -> Vec<String> {
        let connection = Connection::open(place.path()).unwrap();
        let mut statement = connection.prepare("SELECT domain FROM policy ORDER BY domain").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for (next, left, is_told) in [
        ("a.test", ["a.test", "enforced.test", "new.test", "reporting.test"], false),
        ("b.test", ["a.test", "b.test", "enforced.test", "reporting.test"], true),
        ("c.test", ["a.test", "b.test", "c.test", "enforced.test"], true),
    ] {
        assert_eq!(cache.keep(&enforced(next, today)).unwrap(), Kept::Stored);
        assert_eq!(names(), left);
        assert_eq!(cache.what_gave_way(), GaveWay { owner: None, refusing_nothing: is_told }, "{next}");
    }
    assert_eq!(cache.keep(&enforced("d.test", today)).unwrap(), Kept::Full);
    assert_eq!(cache.what_gave_way(), GaveWay::default());
    assert_eq!(
        cache.keep(&StoredPolicy { applied_at: None, ..enforced("a.test", today) }).unwrap(),
        Kept::Unchanged
    );
    assert_eq!(names(), ["a.test", "b.test", "c.test", "enforced.test"]);
    assert_eq!(cache.trouble(), None);
}

/// A policy file of a quarter of a megabyte, and thus 64 MiB in 256 domains.
fn long_policy(mode: &str) -> Policy {
    let label = "x".repeat(63);
    let mx: String = (0..1_250).map(|i| format!("mx: {label}.{label}.{label}.d{i}.test\n")).collect();
    let text = format!("v=STSv1; id=1;\nversion: STSv1\nmode: {mode}\n{mx}max_age: 604800\n");
    Policy::from_text(Dialect::MtaSts, &text).unwrap()
}

fn octets(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn f13_long_policy_files_fill_no_disk_and_displace_no_policy_in_force() {
    let place = Place::new();
    let keep = |name: &str, policy: &Policy| {
        let stored =
            StoredPolicy::fetched(&domain(name), policy.clone(), Authentication::WebPki, now(), now());
        let cache = bounded(&place.path(), 10_000, now());
        let kept = cache.keep(&stored).unwrap();
        assert_eq!(cache.trouble(), None);
        kept
    };
    place.cache().keep(&enforced("draft.test", UnixTime(now().0 - 100))).unwrap();
    place.cache().keep(&mta_sts("rfc.test", "1", "enforce", 604_800, UnixTime(now().0 - 100))).unwrap();
    let (testing, enforcing) = (long_policy("testing"), long_policy("enforce"));
    for i in 0..300 {
        assert_eq!(keep(&format!("stranger{i}.test"), &testing), Kept::Stored, "{i}");
    }
    assert!(octets(&place.path()) <= CACHE_OCTETS_LEAST);
    assert!(place.cache().stored(&domain("stranger0.test")).unwrap().mta_sts.is_none(), "the oldest went");
    assert!(place.cache().history(&domain("stranger0.test")).unwrap().is_empty(), "with its history");
    let stored =
        (0..300).take_while(|i| keep(&format!("enforced{i}.test"), &enforcing) == Kept::Stored).count();
    assert!((240..=261).contains(&stored), "{stored}");
    assert_eq!(keep("new.test", &testing), Kept::Full);
    assert!(octets(&place.path()) <= CACHE_OCTETS_LEAST);
    let later = now().plus(60);
    for i in 0..40 {
        let name = domain(&format!("enforced{i}.test"));
        let cache = bounded(&place.path(), 10_000, later);
        let renewed = StoredPolicy::fetched(&name, enforcing.clone(), Authentication::WebPki, later, later);
        assert_eq!(cache.keep(&renewed).unwrap(), Kept::Stored, "{name}: a full file keeps what is in force");
        cache.note(&name, Dialect::MtaSts, &Notice::Withdrawn);
        assert_eq!(cache.trouble(), None);
        assert_eq!(cache.history(&name).unwrap().last().unwrap().event, Event::Withdrawn);
    }
    let here = place.cache().census().unwrap().here;
    assert_eq!(here, u64::try_from(stored + 2).unwrap(), "what is in force is all there");
    for name in ["draft.test", "rfc.test", "enforced0.test"] {
        let policies = place.cache().policies(&domain(name)).unwrap();
        assert!(policies.iter().all(StoredPolicy::is_enforced) && policies.iter().count() == 1, "{name}");
    }
}

#[test]
fn f13_room_for_one_more_is_not_made_from_what_it_would_not_suffice_for() {
    let place = Place::new();
    let at = |seconds| UnixTime(now().0 - seconds);
    bounded(&place.path(), 1, at(9)).keep(&enforced("enforced.test", at(9))).unwrap();
    let cache = bounded(&place.path(), 3, now());
    cache.keep(&mta_sts("testing.test", "1", "testing", 604_800, now())).unwrap();
    // Two rows more than there is room for, of which only one may go.
    let cache = bounded(&place.path(), 1, now());
    assert_eq!(cache.keep(&enforced("new.test", now())).unwrap(), Kept::Full);
    assert!(place.cache().policies(&domain("testing.test")).unwrap().mta_sts.is_some());
}

#[test]
fn f13_long_dns_results_fill_no_disk() {
    let place = Place::new();
    let text = "x".repeat(17_408);
    let cache = bounded(&place.path(), 10_000, now());
    for i in 0..3_600 {
        cache.remember(&domain(&format!("d{i}.test")), Topic::Dane, &text, now().plus(60 + i));
    }
    assert_eq!(cache.trouble(), None);
    cache.remember(&domain("e.test"), Topic::Dane, &"x".repeat(17_409), now().plus(9_000));
    assert!(cache.recall(&domain("e.test"), Topic::Dane).is_none(), "longer than any result");
    assert!(octets(&place.answers()) <= CACHE_OCTETS_LEAST);
    assert!(cache.recall(&domain("d3599.test"), Topic::Dane).is_some());
    assert!(cache.recall(&domain("d0.test"), Topic::Dane).is_none());
}

#[test]
fn f13_dns_results_are_bounded_too() {
    let place = Place::new();
    for i in 0..400 {
        let cache = bounded(&place.path(), 100, now());
        cache.remember(
            &domain(&format!("d{i}.test")),
            Topic::Published(Dialect::SmtpSts),
            "nothing",
            now().plus(60 + i),
        );
        assert_eq!(cache.trouble(), None);
    }
    let count = rows(&place.answers(), "answer");
    assert!((90..=100).contains(&count), "{count}");
    assert!(place.cache().recall(&domain("d399.test"), Topic::Published(Dialect::SmtpSts)).is_some());
    assert!(place.cache().recall(&domain("d0.test"), Topic::Published(Dialect::SmtpSts)).is_none());
}

#[test]
fn e10_no_jump_of_the_clock_deletes_a_policy() {
    let (place, today) = (Place::new(), now());
    let policies: Vec<_> = (0..5).map(|i| enforced(&format!("d{i}.test"), today)).collect();
    for policy in &policies {
        bounded(&place.path(), 5, today).keep(policy).unwrap();
    }
    for moment in [UnixTime(today.0 - YEAR), today.plus(YEAR)] {
        for i in 0..5 {
            let cache = bounded(&place.path(), 5, moment);
            let stranger = fetched(&format!("stranger{i}.test"), RECORD, Authentication::FirstUse, moment);
            assert_eq!(cache.keep(&stranger).unwrap(), Kept::Full, "at {moment}");
        }
    }
    for policy in &policies {
        assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap().as_ref(), Some(policy));
        let back = open(&place.path(), UnixTime(today.0 - YEAR))
            .policy(&policy.domain, Dialect::SmtpSts)
            .unwrap()
            .unwrap();
        assert_eq!(back.expires_at, policy.expires_at, "kept, not extended");
        assert!(back.is_from_the_future(UnixTime(today.0 - YEAR)));
        assert!(!back.is_from_the_future(today));
    }
}

#[test]
fn f14_text_that_looks_like_sql_is_text() {
    let place = Place::new();
    let hostile = format!("{RECORD}; rua=mailto:x'; DROP TABLE policy; --@test");
    let record = "v=STS1; to=true; mx=*.mx.test; e=604800; rua=mailto:x'||char(59)||\"y\"@test";
    let policy = fetched("example.org", record, Authentication::Dnssec, now());
    assert_eq!(place.cache().keep(&policy).unwrap(), Kept::Stored);
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), Some(policy));
    place.cache().remember(
        &domain("example.org"),
        Topic::Published(Dialect::SmtpSts),
        &hostile,
        now().plus(60),
    );
    assert_eq!(
        place.cache().recall(&domain("example.org"), Topic::Published(Dialect::SmtpSts)).unwrap().text,
        hostile
    );
}

#[test]
fn f14_no_statement_is_put_together_from_text() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cache");
    let statements = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "PRAGMA", "REPLACE"];
    let mut calls = 0;
    let entries = fs::read_dir(sources).unwrap().map(|entry| entry.unwrap().path());
    for path in entries.filter(|path| path.is_file()) {
        let source = fs::read_to_string(&path).unwrap();
        let program = source.split("#[cfg(test)]\nmod ").next().unwrap();
        for (number, line) in program.lines().enumerate() {
            let place = format!("{}:{}: {line}", path.display(), number + 1);
            let puts_together =
                ["format!(", "write!(", "push_str(", "concat!("].iter().any(|call| line.contains(call));
            assert!(!(puts_together && statements.iter().any(|word| line.contains(word))), "{place}");
            for call in [".prepare(", ".prepare_cached(", ".execute_batch(", ".query_row(", ".execute("] {
                let Some((_, argument)) = line.split_once(call) else { continue };
                let fixed = argument.starts_with('"')
                    || argument.starts_with("definition)")
                    || argument.starts_with("statement)")
                    || argument.starts_with("statement, [], |row|") // a &'static str, in checkup.rs
                    || argument.starts_with("pragma,")
                    || argument.starts_with("named_params!")
                    || argument.starts_with("key, |row|") // parameters of a statement that is prepared
                    || argument.starts_with("key)") // the same, in statement.rs
                    || line.contains(&format!(")?{call}")) // the same, of one that is prepared in this line
                    || argument.chars().next().is_some_and(|c| c.is_ascii_uppercase());
                assert!(fixed, "{place}");
                calls += 1;
            }
        }
    }
    assert!(calls > 10, "{calls} calls were looked at");
}
