use super::super::database::Database;
use super::super::fingerprint::Fingerprint;
use super::super::schema::{Ancestor, POLICIES, Schema};
use super::super::version_2;
use super::*;
use rusqlite::{Connection, Error, Transaction, ffi};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const VERSION_2: &[u8] = include_bytes!("../../../fixtures/cache/version-2.db");
const NOW: UnixTime = UnixTime(1_800_000_000);

static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
static IS_FULL: AtomicBool = AtomicBool::new(true);

/// As on a disk that is full, until there is room.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    if IS_FULL.load(Ordering::Relaxed) {
        return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None));
    }
    (version_2::ANCESTOR.take_over)(transaction, database)
}

static UNLUCKY: Schema = Schema { ancestors: &[Ancestor { take_over, ..version_2::ANCESTOR }], ..POLICIES };

fn old_file(directory: &Path) -> CachePath {
    let path = CachePath::parse(&directory.join("cache.db")).unwrap();
    fs::write(path.as_path(), VERSION_2).unwrap();
    fs::set_permissions(path.as_path(), Permissions::from_mode(0o640)).unwrap();
    path
}

#[test]
fn an_old_file_for_which_there_is_no_room_is_read_as_it_is_and_tried_again_every_five_minutes() {
    let directory = tempfile::tempdir().unwrap();
    let path = old_file(directory.path());
    let mut database = Database::new(path, &UNLUCKY, Fingerprint::OF_NOTHING, 100, NOW);
    let count =
        |connection: &Connection| connection.query_row("SELECT count(*) FROM policy", [], |row| row.get(0));
    for (after, attempts) in [(0, 1), (0, 1), (299, 1), (300, 2), (301, 2)] {
        database.revisit(NOW.plus(after));
        assert_eq!(database.read(count), Ok(Some(5)), "{after}");
        let kept = database.write("storing a policy", |_| Ok(()));
        assert!(matches!(kept, Err(CacheError::Unusable { .. })), "{after}: {kept:?}");
        assert_eq!(ATTEMPTS.load(Ordering::Relaxed), attempts, "{after}");
    }
    IS_FULL.store(false, Ordering::Relaxed);
    database.revisit(NOW.plus(600));
    assert_eq!(database.read(count), Ok(Some(5)));
    assert_eq!(database.write("storing a policy", |_| Ok(())), Ok(()));
    assert_eq!(ATTEMPTS.load(Ordering::Relaxed), 3);
}

#[test]
fn who_could_not_take_a_file_over_has_no_more_room_in_it_than_others_once_another_did() {
    static UNABLE: Schema = Schema {
        ancestors: &[Ancestor {
            take_over: |_, _| Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)),
            ..version_2::ANCESTOR
        }],
        ..POLICIES
    };
    let directory = tempfile::tempdir().unwrap();
    let path = old_file(directory.path());
    let of = |schema| Database::new(path.clone(), schema, Fingerprint::OF_NOTHING, 100, NOW);
    let (unable, able) = (of(&UNABLE), of(&POLICIES));
    let most_pages = |database: &Database| {
        database.write("storing a policy", |transaction| {
            transaction.query_row("PRAGMA max_page_count", [], |row| row.get::<_, i64>(0))
        })
    };
    assert!(matches!(most_pages(&unable), Err(CacheError::Unusable { .. })));
    // 64 MiB in pages of 4,096 octets: so much has a file of few domains.
    assert_eq!(most_pages(&able), Ok(16_384));
    assert_eq!(most_pages(&unable), Ok(16_384));
}
