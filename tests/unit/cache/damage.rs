//! Poisoned and damaged databases.

use super::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use smtp_sts_verify::policy::{Authentication, StoredPolicy};
use smtp_sts_verify::time::UnixTime;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Changes a healthy database behind the program's back, then says what it does with it.
fn after(poison: &str) -> (Place, Result<Option<StoredPolicy>, CacheError>) {
    let place = Place::new();
    place.cache().keep(&enforced("example.org", now())).unwrap();
    let connection = Connection::open(place.path()).unwrap();
    connection.execute_batch(poison).unwrap_or_else(|error| panic!("{poison}: {error}"));
    drop(connection);
    let found = place.cache().policy(&domain("example.org"), Dialect::SmtpSts);
    (place, found)
}

#[test]
fn f5_definitions_of_another_hand_are_put_aside_once() {
    for poison in [
        "CREATE TRIGGER t AFTER INSERT ON policy BEGIN DELETE FROM policy; END",
        "CREATE TABLE other (x)",
        "DROP VIEW sts_cache",
        "DROP VIEW sts_cache; CREATE VIEW sts_cache AS SELECT load_extension('x') AS domain",
        "ALTER TABLE policy ADD COLUMN extra TEXT",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 7",
    ] {
        let (place, found) = after(poison);
        let Err(CacheError::Corrupt { fate: Fate::MovedTo(aside), .. }) = found else {
            panic!("{poison}: {found:?}")
        };
        assert!(aside.exists());
        assert_eq!(place.cache().keep(&enforced("example.org", now())).unwrap(), Kept::Stored, "{poison}");
        fs::write(place.path(), "damaged again").unwrap();
        let again = place.cache().policy(&domain("example.org"), Dialect::SmtpSts);
        assert!(matches!(again, Err(CacheError::Corrupt { fate: Fate::LeftInPlace, .. })), "{again:?}");
        assert_eq!(place.moved_aside(), 1);
    }
}

#[test]
fn f5_definitions_that_another_hand_changes_in_a_file_that_is_open_are_noticed() {
    for change in [
        "CREATE TRIGGER t AFTER INSERT ON policy BEGIN DELETE FROM policy; END",
        "CREATE INDEX other ON policy (domain)",
        "DROP INDEX policy_unmet",
        "DROP TRIGGER policy_comes",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 99",
    ] {
        let place = Place::new();
        let mut open = place.cache();
        open.keep(&enforced("example.org", now())).unwrap();
        assert!(open.policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some());
        Connection::open(place.path()).unwrap().execute_batch(change).unwrap();
        open.revisit(now());
        let found = open.policy(&domain("example.org"), Dialect::SmtpSts);
        assert!(
            matches!(found, Err(CacheError::Corrupt { .. } | CacheError::NotOurs { .. })),
            "{change}: {found:?}"
        );
    }
}

#[test]
fn f5_rows_that_we_would_not_have_written_do_not_exist() {
    for poison in [
        "UPDATE policy SET record = replace(record, 'mx.test', 'evil.test')",
        "UPDATE policy SET applied_at = NULL",
        "UPDATE policy SET applied_at = applied_at + 1",
        "UPDATE policy SET fetched_at = fetched_at + 1",
        "UPDATE policy SET expires_at = 9223372036854775807",
        "UPDATE policy SET expires_at = -1",
        "UPDATE policy SET authentication = 'webpki'",
        "UPDATE policy SET authentication = 'none'",
        "UPDATE policy SET mechanism = 'mta-sts'",
        "UPDATE policy SET tls_only = 'False'",
        "UPDATE policy SET domain = 'example.com'",
        "UPDATE policy SET checksum = x'00'",
        "UPDATE policy SET checksum = zeroblob(1000000)",
        "UPDATE policy SET record = printf('%.*c', 3000000, 'x')",
        "UPDATE policy SET record = ''",
        "UPDATE policy SET body = ''",
        "UPDATE policy SET body = printf('%.*c', 3000000, 'x')",
    ] {
        let (place, found) = after(poison);
        assert_eq!(found.unwrap(), None, "{poison}");
        assert_eq!(place.cache().policy(&domain("example.com"), Dialect::SmtpSts).unwrap(), None, "{poison}");
        assert_eq!(place.cache().keep(&enforced("example.org", now())).unwrap(), Kept::Stored, "{poison}");
        assert!(
            place.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some(),
            "{poison}"
        );
    }
}

#[test]
fn f5_other_programs_and_newer_versions_files_stay_untouched() {
    for (definitions, whose) in [
        ("CREATE TABLE mail (x); INSERT INTO mail VALUES (1)", "another program's database (application 0)"),
        (
            "PRAGMA application_id = 99; CREATE TABLE policy (x)",
            "another program's database (application 99)",
        ),
        (
            "PRAGMA user_version = 4; CREATE TABLE sts_cache (domain text, tls_only text, sts_record text, expires int)",
            "another program's database (application 0)",
        ),
        (
            "PRAGMA application_id = 1398035280; PRAGMA user_version = 5; CREATE TABLE policy (x)",
            "a newer version's (schema 5, this program knows 4)",
        ),
    ] {
        let place = Place::new();
        Connection::open(place.path()).unwrap().execute_batch(definitions).unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o600)).unwrap();
        let before = fs::read(place.path()).unwrap();
        let cache = place.cache();
        let told = cache.policy(&domain("example.org"), Dialect::SmtpSts);
        assert!(matches!(&told, Err(CacheError::NotOurs { whose: of, .. }) if of == whose), "{told:?}");
        assert!(cache.keep(&enforced("example.org", now())).is_err());
        assert!(matches!(
            place.cache().keep(&enforced("example.org", now())),
            Err(CacheError::NotOurs { .. })
        ));
        assert_eq!(fs::read(place.path()).unwrap(), before);
        assert_eq!(place.names(), ["cache.db"]);
    }
}

#[test]
fn f5_a_newer_versions_file_stays_untouched_where_only_the_meaning_of_its_rows_is_another() {
    let (place, found) = after("PRAGMA user_version = 99");
    let newer = "a newer version's (schema 99, this program knows 4)";
    assert!(matches!(&found, Err(CacheError::NotOurs { whose, .. }) if whose == newer), "{found:?}");
    assert!(place.cache().keep(&enforced("example.org", now())).is_err());
    Connection::open(place.path()).unwrap().execute_batch("PRAGMA user_version = 4").unwrap();
    assert!(place.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some());
}

#[test]
fn f6_what_is_no_database_is_put_aside_and_an_empty_one_started() {
    for content in
        [b"not a database, but long enough to be looked at as one".repeat(40), vec![0xff; 9_000], vec![1]]
    {
        let place = Place::new();
        fs::write(place.path(), content).unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o600)).unwrap();
        let cache = place.cache();
        let found = cache.policy(&domain("example.org"), Dialect::SmtpSts);
        assert!(matches!(found, Err(CacheError::Corrupt { fate: Fate::MovedTo(_), .. })), "{found:?}");
        assert!(cache.keep(&enforced("example.org", now())).is_err(), "this run says unavailable");
        assert_eq!(place.cache().keep(&enforced("example.org", now())).unwrap(), Kept::Stored);
        let aside = CachePath::parse(&place.path()).unwrap().set_aside().unwrap();
        assert_eq!((aside, place.moved_aside()), (vec![format!("cache.db.corrupt-{}", now().0)], 1));
    }
}

#[test]
fn f6_in_a_directory_open_to_others_nothing_is_moved() {
    let place = Place::new();
    fs::set_permissions(place.directory.path(), Permissions::from_mode(0o755)).unwrap();
    fs::write(place.path(), "somebody's notes, for a wrong -c names them").unwrap();
    let found = place.cache().policy(&domain("example.org"), Dialect::SmtpSts);
    assert!(matches!(found, Err(CacheError::Corrupt { fate: Fate::LeftInPlace, .. })), "{found:?}");
    assert_eq!(place.names(), ["cache.db"]);
}

#[test]
fn f6_damaged_dns_results_are_dropped() {
    let place = Place::new();
    fs::write(place.answers(), "x".repeat(5_000)).unwrap();
    let cache = place.cache();
    assert_eq!(cache.recall(&domain("example.org"), Topic::MxHosts), None);
    assert!(matches!(cache.trouble(), Some(CacheError::Corrupt { fate: Fate::Removed, .. })));
    place.cache().remember(&domain("example.org"), Topic::MxHosts, "x", now().plus(60));
    assert!(place.cache().recall(&domain("example.org"), Topic::MxHosts).is_some());
}

#[test]
fn f6_no_flipped_bit_changes_a_policy() {
    let healthy = Place::new();
    let policies: Vec<StoredPolicy> = (0..60)
        .map(|i| match i % 4 {
            0 => enforced(&format!("d{i}.test"), now()),
            1 => mta_sts(&format!("d{i}.test"), "1", "enforce", 604_800, now()),
            2 => fetched(&format!("d{i}.test"), REPORTING, Authentication::WebPki, now()),
            _ => fetched(&format!("d{i}.test"), RECORD, Authentication::FirstUse, now()),
        })
        .collect();
    let cache = healthy.cache();
    for policy in &policies {
        let older = RECORD.replace("mx.test", "old.test");
        let before = UnixTime(policy.fetched_at.0 - 9);
        cache.keep(&fetched(policy.domain.as_str(), &older, Authentication::FirstUse, before)).unwrap();
        assert_eq!(cache.keep(policy).unwrap(), Kept::Stored);
    }
    let bytes = fs::read(healthy.path()).unwrap();
    let stored: Vec<_> = policies
        .iter()
        .map(|policy| healthy.cache().policy(&policy.domain, policy.policy.dialect()).unwrap())
        .collect();
    assert!(stored.iter().all(Option::is_some));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut alive, mut given_up) = (0, 0);
    for round in 0..1_000 {
        let place = Place::new();
        let mut damaged = bytes.clone();
        for _ in 0..=round % 4 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bit = usize::try_from(random >> 20).unwrap() % (damaged.len() * 8);
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        if round % 50 == 49 {
            damaged.truncate(usize::try_from(random >> 33).unwrap() % damaged.len());
        }
        fs::write(place.path(), &damaged).unwrap();
        let cache = place.cache();
        for (policy, stored) in policies.iter().zip(&stored) {
            match cache.policy(&policy.domain, policy.policy.dialect()) {
                Ok(Some(found)) => {
                    alive += 1;
                    assert_eq!(Some(found), *stored, "round {round}");
                }
                Ok(None) => {}
                Err(_) => given_up += 1,
            }
        }
        if round % 10 == 0 {
            let _stored_or_not = cache.keep(&enforced("new.test", now()));
        }
    }
    assert!(alive > 30_000 && given_up > 0, "{alive} rows survived, {given_up} were given up");
}

#[test]
fn f6_no_flipped_bit_changes_a_dns_result() {
    let healthy = Place::new();
    let end = now().plus(600);
    let cache = healthy.cache();
    for i in 0..60 {
        cache.remember(&domain(&format!("d{i}.test")), Topic::MxHosts, &format!("mx{i}.test"), end);
    }
    let bytes = fs::read(healthy.answers()).unwrap();
    let mut alive = 0;
    for round in 0..300 {
        let place = Place::new();
        let mut damaged = bytes.clone();
        let bit = round * 7_919 * 11 % (damaged.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(place.answers(), &damaged).unwrap();
        let cache = place.cache();
        for i in 0..60 {
            if let Some(found) = cache.recall(&domain(&format!("d{i}.test")), Topic::MxHosts) {
                assert_eq!((found.text, found.valid_until), (format!("mx{i}.test"), end), "round {round}");
                alive += 1;
            }
        }
    }
    assert!(alive > 10_000, "{alive} rows survived");
}

#[test]
fn a_row_that_is_not_believed_is_told_of_until_a_policy_takes_its_place() {
    for (poison, is_told) in [
        ("UPDATE policy SET record = replace(record, 'mx.test', 'evil.test')", true),
        ("UPDATE policy SET checksum = x'00'", true),
        ("UPDATE policy SET mechanism = 'none'", true),
        ("UPDATE policy SET record = printf('%.*c', 3000000, 'x')", true),
        ("UPDATE policy SET expires_at = 1", true),
        // What has ended, or was never met, bound nobody.
        ("UPDATE policy SET expires_at = 1, fetched_at = 1", false),
        ("UPDATE policy SET applied_at = NULL", false),
    ] {
        let (place, _) = after(poison);
        let name = domain("example.org");
        let unreadable = |place: &Place| !place.cache().policies(&name).unwrap().unreadable.is_empty();
        assert_eq!(unreadable(&place), is_told, "{poison}");
        let [policies, _] = place.cache().check_up();
        assert_eq!(policies.unwrap().unwrap().damaged, 1, "{poison}");
        place.cache().keep(&enforced("example.org", now())).unwrap();
        let mechanism_is_lost = poison.contains("mechanism");
        assert_eq!(unreadable(&place), mechanism_is_lost, "{poison}");
        place.cache().purge(&name).unwrap();
        assert!(!unreadable(&place), "{poison}");
    }
}
