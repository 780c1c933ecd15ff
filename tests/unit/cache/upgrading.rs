//! A file of an earlier version with very many policies becomes one of today, and is killed while it does.

use super::crowd::command;
use super::migration;
use super::place::*;
use rusqlite::Connection;
use smtp_sts_verify::cache::*;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const POLICIES: u32 = 50_000;
const KILLS: u32 = 12;

/// Adds so many rows that are nobody's to an old file.
fn fill(place: &Place) {
    let connection = Connection::open(place.path()).unwrap();
    let fill = format!(
        "INSERT INTO policy (domain, fingerprint, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {POLICIES})
         SELECT printf('d%d.test', i), x'00', 'smtp-sts', printf('v=STS1; %d', i), 'dnssec', i, i + 1, NULL, 'False', randomblob(32)
         FROM n"
    );
    connection.execute_batch(&fill).unwrap();
}

/// How many policies of one file are not in the other, to the letter, or the other way round.
fn different(one: &Path, other: &Path) -> u32 {
    const ROWS: &str = "domain, fingerprint, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum";
    let connection = Connection::open(one).unwrap();
    connection.execute("ATTACH ?1 AS other", [other.to_str().unwrap()]).unwrap();
    let less = |one: &str, other: &str| {
        format!("SELECT {ROWS} FROM {one}.policy EXCEPT SELECT {ROWS} FROM {other}.policy")
    };
    let count = format!(
        "SELECT (SELECT count(*) FROM ({})) + (SELECT count(*) FROM ({}))",
        less("main", "other"),
        less("other", "main")
    );
    connection.query_row(&count, [], |row| row.get(0)).unwrap()
}

#[test]
fn f12_an_upgrade_of_fifty_thousand_policies_that_is_killed_loses_none_of_them() {
    for older in [1, 2] {
        let (place, before) = (Place::new(), Place::new());
        let role = if older == 1 { "upgrade" } else { "upgrade-2" };
        if older == 1 {
            migration::restore(&before)
        } else {
            migration::restore_2(&before)
        }
        fill(&before);
        let begin = || {
            fs::copy(before.path(), place.path()).unwrap();
            let child = command(role, &place.path(), "enforced.test").spawn().unwrap();
            let (began, journal) = (Instant::now(), place.path().with_extension("db-journal"));
            while !journal.exists() {
                assert!(began.elapsed() < Duration::from_secs(60), "no upgrade begins");
                std::thread::yield_now();
            }
            (child, Instant::now())
        };
        let (mut child, began) = begin();
        assert!(child.wait().unwrap().success());
        let whole = began.elapsed();
        let mut old = 0;
        for round in 0..KILLS {
            let (mut child, _) = begin();
            // The moment is the subject of the test.
            std::thread::sleep(whole * round / KILLS);
            child.kill().unwrap();
            child.wait().unwrap();
            let version = migration::version(&place);
            assert!([older, 4].contains(&version), "round {round}: version {version}");
            old += u32::from(version == older);
            assert_eq!(different(&place.path(), &before.path()), 0, "round {round}, version {version}");
            if round % 4 == 3 {
                // The next one takes it over, or finds that to be done.
                let cache = open(&place.path(), migration::THEN_2);
                assert!(
                    cache.policies(&domain("enforced.test")).unwrap().smtp_sts.is_some(),
                    "round {round}"
                );
                assert_eq!((migration::version(&place), cache.trouble()), (4, None), "round {round}");
                assert_eq!(different(&place.path(), &before.path()), 0, "round {round}");
                assert_eq!(place.names(), ["cache.db"], "round {round}");
            }
        }
        assert!(old > KILLS / 4, "{old} kills were before the end of the upgrade from version {older}");
        println!("{old} of {KILLS} kills left version {older}, {whole:?} for the whole");
    }
}
