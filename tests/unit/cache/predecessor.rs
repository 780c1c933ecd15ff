//! A database of the predecessor is taken over.

use super::place::*;
use proptest::prelude::*;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use smtp_sts_verify::cache::*;
use smtp_sts_verify::limits::MAX_FIRST_USE_LIFE;
use smtp_sts_verify::policy::Authentication;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

pub(crate) const DEFINITION: &str =
    "CREATE TABLE sts_cache (domain text, tls_only text, sts_record text, expires int)";

/// A database as the predecessor leaves it.
pub(crate) fn seeded(rows: &[(&str, &str, i64)]) -> Place {
    let place = Place::new();
    let mut connection = Connection::open(place.path()).unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute_batch(DEFINITION).unwrap();
    for (domain, record, expires) in rows {
        transaction
            .execute("INSERT INTO sts_cache VALUES (?, 'True', ?, ?)", params![domain, record, expires])
            .unwrap();
    }
    transaction.commit().unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o600)).unwrap();
    place
}

fn later(seconds: i64) -> i64 {
    i64::try_from(now().0).unwrap() + seconds
}

#[test]
fn its_policies_become_first_uses_that_were_never_applied() {
    let place = seeded(&[("example.org", RECORD, later(1_000))]);
    let policy = place.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().unwrap();
    assert_eq!(policy.policy.to_text(), RECORD);
    assert_eq!(policy.authentication, Authentication::FirstUse);
    assert_eq!(policy.applied_at, None);
    assert!(policy.expires_at.since(now()).abs_diff(1_000) < 60);
    assert_eq!(
        sqlite3(&place.path(), "select tls_only from sts_cache").unwrap_or_else(|| "False".into()),
        "False"
    );
    assert_eq!(place.cache().keep(&enforced("example.org", now())).unwrap(), Kept::Stored);
}

#[test]
fn double_rows_count_once_with_the_later_end_and_doubled_lives_are_cut() {
    let other = RECORD.replace("mx.test", "later.test");
    let year = RECORD.replace("e=604800", "e=31557600");
    let place = seeded(&[
        ("example.org", RECORD, later(100)),
        ("example.org", &other, later(2_000)),
        ("EXAMPLE.org", RECORD, later(1_000)),
        ("doubled.test", RECORD, later(2 * 604_800)),
        ("year.test", &year, later(31_557_600)),
    ]);
    let cache = place.cache();
    let policy = cache.policy(&domain("example.org"), Dialect::SmtpSts).unwrap().unwrap();
    assert_eq!(policy.policy.to_text(), other);
    assert!(policy.expires_at.since(now()) <= 2_000);
    let doubled = cache.policy(&domain("doubled.test"), Dialect::SmtpSts).unwrap().unwrap();
    assert!(doubled.expires_at.since(now()).abs_diff(604_800) < 60, "{doubled:?}");
    let year = cache.policy(&domain("year.test"), Dialect::SmtpSts).unwrap().unwrap();
    assert!(year.expires_at.since(now()).abs_diff(MAX_FIRST_USE_LIFE) < 60);
    let rows: i64 = Connection::open(place.path())
        .unwrap()
        .query_row("SELECT count(*) FROM sts_cache", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 3);
}

#[test]
fn what_means_nothing_is_left_behind() {
    let long = format!("{RECORD}; rua={}", "x".repeat(5_000));
    let place = seeded(&[
        ("expired.test", RECORD, later(-1)),
        ("unparsable.test", "v=STS1; to=perhaps", later(1_000)),
        ("empty.test", "", later(1_000)),
        ("0", RECORD, later(1_000)),
        ("'; DROP TABLE sts_cache; --", RECORD, later(1_000)),
        ("long.test", &long, later(1_000)),
        ("lifeless.test", "v=STS1; to=true; mx=*.mx.test; a=dnssec", later(1_000)),
        ("healthy.test", RECORD, later(1_000)),
    ]);
    let connection = Connection::open(place.path()).unwrap();
    connection
        .execute_batch(
            "INSERT INTO sts_cache VALUES (x'00', 1, 2, 3), (NULL, NULL, NULL, NULL),
             ('type.test', 'True', 'v=STS1; to=true', 'never'), ('real.test', 'True', 'v=STS1; to=true', 9e300)",
        )
        .unwrap();
    drop(connection);
    assert!(place.cache().policy(&domain("healthy.test"), Dialect::SmtpSts).unwrap().is_some());
    let connection = Connection::open(place.path()).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM policy", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn it_is_taken_over_before_the_first_write_too() {
    let place = seeded(&[("example.org", RECORD, later(1_000))]);
    assert_eq!(place.cache().keep(&enforced("example.com", now())).unwrap(), Kept::Stored);
    assert!(place.cache().policy(&domain("example.org"), Dialect::SmtpSts).unwrap().is_some());
}

#[test]
fn no_more_rows_are_taken_over_than_there_is_room_for() {
    let names: Vec<String> = (0..20).map(|i| format!("d{i}.test")).collect();
    let rows: Vec<(&str, &str, i64)> =
        names.iter().zip(1..).map(|(name, i)| (name.as_str(), RECORD, later(i * 100))).collect();
    let place = seeded(&rows);
    let cache = bounded(&place.path(), 5, now());
    assert!(cache.policy(&domain("d19.test"), Dialect::SmtpSts).unwrap().is_some());
    assert!(cache.policy(&domain("d0.test"), Dialect::SmtpSts).unwrap().is_none());
    let connection = Connection::open(place.path()).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM policy", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 5);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Real),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
        "\\PC{0,60}".prop_map(Value::Text),
        "[a-z]{1,8}\\.test".prop_map(Value::Text),
        "v=STS1; to=(true|false); mx=[*_a-z.]{0,12}; e=[0-9]{0,12}".prop_map(Value::Text),
        (-5_000_i64..5_000).prop_map(|seconds| Value::Integer(later(seconds))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn no_row_of_it_is_believed_beyond_a_first_use(
        rows in proptest::collection::vec((any_value(), any_value(), any_value()), 0..30)
    ) {
        let place = seeded(&[]);
        let connection = Connection::open(place.path()).unwrap();
        for (domain, record, expires) in rows {
            connection
                .execute("INSERT INTO sts_cache VALUES (?, 'True', ?, ?)", params![domain, record, expires])
                .unwrap();
        }
        drop(connection);
        prop_assert_eq!(place.cache().policy(&domain("example.org"), Dialect::SmtpSts), Ok(None));
        let connection = Connection::open(place.path()).unwrap();
        let mut statement = connection.prepare("SELECT domain FROM policy").unwrap();
        let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for name in names {
            let policy = place.cache().policy(&domain(&name), Dialect::SmtpSts).unwrap().unwrap();
            prop_assert_eq!((policy.authentication, policy.applied_at), (Authentication::FirstUse, None));
            prop_assert!(policy.expires_at <= now().plus(MAX_FIRST_USE_LIFE));
        }
    }
}
