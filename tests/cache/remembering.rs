//! What is remembered, and how Exim reads it.

use crate::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::time::UnixTime;
use std::fs;
use std::os::unix::fs::MetadataExt;

#[test]
fn a_policy_comes_back_as_it_was_stored() {
    let place = Place::new();
    let policy = enforced("example.org", now());
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), None);
    assert_eq!(place.cache().keep(&policy).unwrap(), Kept::Stored);
    assert_eq!(place.cache().keep(&policy).unwrap(), Kept::Unchanged);
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), Some(policy));
    assert_eq!(place.cache().policy(&domain("example.com"), Dialect::SmtpSts).unwrap(), None);
}

#[test]
fn an_expired_policy_is_not_in_force_and_not_deleted() {
    let place = Place::new();
    let policy = enforced("example.org", now());
    place.cache().keep(&policy).unwrap();
    assert_eq!(
        open(&place.path(), policy.expires_at).policy(&policy.domain, Dialect::SmtpSts).unwrap(),
        None
    );
    assert_eq!(place.cache().policy(&policy.domain, Dialect::SmtpSts).unwrap(), Some(policy));
}

#[test]
fn what_was_learnt_under_other_circumstances_does_not_exist() {
    let place = Place::new();
    place.cache().keep(&enforced("example.org", now())).unwrap();
    place.cache().remember(&domain("example.org"), Topic::MxHosts, "mx.test", now().plus(60));
    let laboratory = Circumstances { allow_private_addresses: true, ..usual() };
    let elsewhere = Circumstances { name_servers: vec!["192.0.2.1:53".parse().unwrap()], ..usual() };
    for (circumstances, policies) in [(laboratory, 0), (elsewhere, 1)] {
        let cache = Cache::new(CachePath::parse(&place.path()).unwrap(), &circumstances, 100, now());
        assert_eq!(cache.policy(&domain("example.org"), Dialect::SmtpSts).unwrap().iter().count(), policies);
        assert_eq!(cache.recall(&domain("example.org"), Topic::MxHosts), None);
    }
}

#[test]
fn dns_results_come_back_until_their_end() {
    let place = Place::new();
    let (name, end) = (domain("example.org"), now().plus(60));
    place.cache().remember(&name, Topic::Published(Dialect::SmtpSts), "nothing", end);
    place.cache().remember(&name, Topic::MxHosts, "a.test b.test", end);
    let cache = place.cache();
    assert_eq!(cache.recall(&name, Topic::Published(Dialect::SmtpSts)).unwrap().text, "nothing");
    assert_eq!(cache.recall(&name, Topic::MxHosts).unwrap().valid_until, end);
    assert_eq!(open(&place.path(), end).recall(&name, Topic::MxHosts), None);
    assert_eq!(
        open(&place.path(), UnixTime(end.0 - 200_000)).recall(&name, Topic::MxHosts),
        None,
        "clock went back"
    );
    assert_eq!(cache.trouble(), None);
}

#[test]
fn a_warm_answer_writes_nothing_and_a_cold_read_makes_no_file() {
    let place = Place::new();
    assert_eq!(place.cache().recall(&domain("example.org"), Topic::Published(Dialect::SmtpSts)), None);
    assert_eq!(place.names(), Vec::<String>::new());
    let policy = enforced("example.org", now());
    place.cache().keep(&policy).unwrap();
    let before = fs::metadata(place.path()).unwrap();
    let cache = place.cache();
    cache.policy(&policy.domain, Dialect::SmtpSts).unwrap();
    cache.keep(&policy).unwrap();
    let after = fs::metadata(place.path()).unwrap();
    assert_eq!(
        (before.mtime(), before.mtime_nsec(), before.ino()),
        (after.mtime(), after.mtime_nsec(), after.ino())
    );
    assert_eq!(place.names(), ["cache.db"]);
}

const MACRO: &str =
    "select tls_only from sts_cache where domain = 'example.org' and expires > strftime('%s','now')";

#[test]
fn the_macro_of_the_predecessor_reads_true_only_for_what_is_enforced() {
    let tlsa = RECORD.replace("c=webpki", "c=tlsa");
    let applied = |record: &str| StoredPolicy {
        applied_at: Some(now()),
        ..fetched("example.org", record, Authentication::Dnssec, now())
    };
    for (policy, expected) in [
        (applied(RECORD), "True"),
        (fetched("example.org", RECORD, Authentication::Dnssec, now()), "False"),
        (applied(REPORTING), "False"),
        (applied(&tlsa), "True"),
        (
            StoredPolicy {
                applied_at: Some(UnixTime(1)),
                ..fetched("example.org", RECORD, Authentication::Dnssec, UnixTime(1))
            },
            "",
        ),
    ] {
        let place = Place::new();
        open(&place.path(), policy.fetched_at).keep(&policy).unwrap();
        let through_us: String = Connection::open(place.path())
            .unwrap()
            .query_row(MACRO, [], |row| row.get(0))
            .unwrap_or_default();
        assert_eq!(through_us, expected, "{policy:?}");
        if let Some(printed) = sqlite3(&place.path(), MACRO) {
            assert_eq!(printed, expected, "{policy:?}");
        }
    }
}

#[test]
fn the_view_shows_one_row_a_domain() {
    let place = Place::new();
    let circumstances = [usual(), Circumstances { https_port: 8443, ..usual() }];
    for (age, circumstances) in circumstances.iter().enumerate() {
        let cache = Cache::new(CachePath::parse(&place.path()).unwrap(), circumstances, 100, now());
        let at = UnixTime(now().0 - u64::try_from(age).unwrap());
        cache
            .keep(&fetched(
                "example.org",
                if age == 0 { RECORD } else { REPORTING },
                Authentication::Dnssec,
                at,
            ))
            .unwrap();
        cache.keep(&enforced("example.com", now())).unwrap();
    }
    let connection = Connection::open(place.path()).unwrap();
    let mut statement = connection.prepare("SELECT sts_record FROM sts_cache ORDER BY domain").unwrap();
    let shown: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(shown, [RECORD, RECORD]);
}
