//! An older file that could not be taken over: for a while it is read as it is, and nobody tries again. Each attempt takes seconds where
//! the file is large, and as many are made as mail asks questions.

use super::error::CacheError;
use super::file::CachePath;
use crate::limits::TAKE_OVER_TRIED_AGAIN;
use crate::time::UnixTime;
use std::cell::RefCell;
use tracing::warn;

/// When the take-over of a file last failed, and why.
#[derive(Debug, Default)]
pub(super) struct Postponed(RefCell<Option<(UnixTime, CacheError)>>);

impl Postponed {
    /// Why it is not tried now, if it is not.
    pub(super) fn trouble(&self, now: UnixTime) -> Option<CacheError> {
        let failed = self.0.borrow();
        let (at, trouble) = failed.as_ref()?;
        // A clock that went back postpones nothing.
        (*at <= now && now.since(*at) < TAKE_OVER_TRIED_AGAIN).then(|| trouble.clone())
    }

    /// It failed now, which is said.
    pub(super) fn failed(&self, path: &CachePath, octets: u64, trouble: CacheError, now: UnixTime) {
        let (file, why) = (path.as_path().display().to_string(), trouble.to_string());
        let free = path.free_octets();
        let minutes = TAKE_OVER_TRIED_AGAIN / 60;
        warn!(
            file,
            octets,
            free,
            why,
            "the file of an earlier version cannot be taken over, which takes about as much free room as the file has; it is left as it \
             is, and the next attempt is in {minutes} minutes"
        );
        self.0.replace(Some((now, trouble)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::super::fingerprint::Fingerprint;
    use super::super::schema::{Ancestor, POLICIES, Schema};
    use super::super::version_2;
    use super::*;
    use rusqlite::{Connection, Error, Transaction, ffi};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    const VERSION_2: &[u8] = include_bytes!("../../fixtures/cache/version-2.db");
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

    static UNLUCKY: Schema =
        Schema { ancestors: &[Ancestor { take_over, ..version_2::ANCESTOR }], ..POLICIES };

    #[test]
    fn an_old_file_for_which_there_is_no_room_is_read_as_it_is_and_tried_again_every_five_minutes() {
        let directory = tempfile::tempdir().unwrap();
        let path = CachePath::parse(&directory.path().join("cache.db")).unwrap();
        fs::write(path.as_path(), VERSION_2).unwrap();
        fs::set_permissions(path.as_path(), Permissions::from_mode(0o640)).unwrap();
        let mut database = Database::new(path, &UNLUCKY, Fingerprint::OF_NOTHING, 100, NOW);
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM policy", [], |row| row.get(0))
        };
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
}
