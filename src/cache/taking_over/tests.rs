use super::super::CachePath;
use super::super::database::Database;
use super::super::fingerprint::Fingerprint;
use super::super::schema::{ANSWERS, Ancestor, POLICIES, REPORTS, Schema};
use super::*;
use crate::time::UnixTime;
use rusqlite::{Transaction, TransactionBehavior};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_line_is_due_after_five_seconds_and_not_a_moment_before() {
    let began = Instant::now();
    let after = |milliseconds| began + Duration::from_millis(milliseconds);
    // Of ten looks at the clock.
    let mut pace = Pace::new(1_000_000, began);
    assert_eq!(pace.step(after(4_999)), None);
    assert_eq!(pace.step(after(5_000)), Some(20));
    assert_eq!(pace.step(after(9_999)), None);
    assert_eq!(pace.step(after(10_000)), Some(40));
    // More than was thought: it is not over before its end.
    (0..20).for_each(|_| assert_eq!(pace.step(after(10_001)), None));
    assert_eq!(pace.step(after(15_000)), Some(99));
}

#[test]
fn the_heart_beats_until_the_disk_has_what_was_written() {
    let (beat, beats) = channel();
    let heartbeat = Heartbeat::new(move || beat.send(()).unwrap());
    heartbeat.during(|| (0..3).for_each(|_| beats.recv_timeout(Duration::from_secs(60)).unwrap()));
}

const ROWS: u64 = 5_000;

/// The rows of that file when so many domains are in it, and the steps that its take-over needs.
fn measured(schema: &'static Schema, ancestor: &Ancestor, fill: &str) -> (u64, u64) {
    const LOOK: i32 = 100;
    let mut connection = Connection::open_in_memory().unwrap();
    let is_table = |definition: &&&str| definition.starts_with("CREATE TABLE");
    let (tables, others): (Vec<_>, Vec<_>) = ancestor.definitions.iter().partition(is_table);
    tables.into_iter().chain(others).for_each(|one| connection.execute_batch(one).unwrap());
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    connection.execute_batch(&fill.replace("NUMBERS", &numbers)).unwrap();
    let count = ancestor.work.unwrap().rows;
    let rows: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    let looks = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&looks);
    connection
        .progress_handler(LOOK, Some(move || counted.fetch_add(1, Ordering::Relaxed) == u64::MAX))
        .unwrap();
    let path = CachePath::parse(Path::new("/nonexistent/cache.db")).unwrap();
    let database = Database::new(path, schema, Fingerprint::OF_NOTHING, 50_000, UnixTime(1_000));
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).unwrap();
    (ancestor.take_over)(&transaction, &database).unwrap();
    (rows.unsigned_abs(), looks.load(Ordering::Relaxed) * u64::from(LOOK.unsigned_abs()))
}

#[test]
fn what_is_said_of_how_far_it_is_comes_near_the_truth() {
    let [seed, first, second, third] = POLICIES.ancestors else { panic!("a version that is not measured") };
    assert!(third.work.is_none(), "no row of it is touched");
    let policies = |columns: &str| {
        format!(
            "INSERT INTO policy NUMBERS SELECT printf('d%d.test', i), randomblob(16), 'mta-sts', 'v=STSv1; id=1;', 'webpki',
             i, i + 604800, i, 'True', randomblob(32){columns} FROM n"
        )
    };
    let seeds = "INSERT INTO sts_cache NUMBERS SELECT printf('d%d.test', i), 'True',
        'v=STS1; to=true; mx=*.mx.test; a=dnssec; c=webpki; e=604800', 2000 + i FROM n";
    let answers = "INSERT INTO answer NUMBERS SELECT printf('d%d.test', i), randomblob(16), 'mx', 'mx.test', i, randomblob(32) FROM n";
    let reports = "INSERT INTO policy NUMBERS SELECT i, 'sts', 'enforce', printf('text %d', i) FROM n WHERE i <= 10;
        INSERT INTO session NUMBERS SELECT 20000, printf('d%d.test', i), i % 10 + 1, 'mx.test', '192.0.2.1', '', '', i FROM n";
    let files: [(&'static Schema, &Ancestor, &str); 5] = [
        (&POLICIES, seed, seeds),
        (&POLICIES, first, &policies("")),
        (&POLICIES, second, &policies(", 'version: STSv1'")),
        (&ANSWERS, ANSWERS.ancestors.first().unwrap(), answers),
        (&REPORTS, REPORTS.ancestors.first().unwrap(), reports),
    ];
    let found = files.map(|(schema, ancestor, fill)| {
        let (rows, steps) = measured(schema, ancestor, fill);
        assert_eq!(rows, ROWS, "{ancestor:?}");
        (ancestor.work.unwrap().steps_a_row, steps / rows)
    });
    for (said, needed) in found {
        assert!((said * 3 / 4..=said * 5 / 4).contains(&needed), "said and needed: {found:?}");
    }
}
