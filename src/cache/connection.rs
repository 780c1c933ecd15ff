//! One open database file. Nothing in it may run, links are not followed, and every wait has an end.

use super::file::{CachePath, Identity};
use super::statement;
use super::taking_over::TakingOver;
use super::turn::Patience;
use crate::limits::CACHE_LOCK_PAUSE;
use rusqlite::config::DbConfig;
use rusqlite::ffi::SQLITE_READONLY_ROLLBACK;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Transaction};
use std::cell::Cell;
use std::time::Instant;

/// The version of the SQLite that is compiled into the program, as `3.50.2`; that of the system is not used.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// Statements that stay prepared while a file is open: all of one file's that a look-up needs.
const PREPARED_STATEMENTS: usize = 48;

/// So often a file is opened that was exchanged meanwhile, as an administrator may do once.
const OPENINGS: usize = 3;

/// What may be done to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Nothing but reading: no older database is taken over, no damaged one is put aside.
    Look,
    /// Everything.
    Use,
}

/// An open file, and what need not be found out or said again while it is open.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) connection: Connection,
    pub(super) identity: Identity,
    /// `PRAGMA schema_version`, which changes whenever a definition does, and `PRAGMA user_version`, when both were found to be ours.
    pub(super) inspected: Cell<Option<(i64, i64)>>,
    /// Whether the connection was made ready for writing, since others last wrote.
    pub(super) is_ready_to_write: Cell<bool>,
    /// `PRAGMA data_version`, when it was last asked for.
    pub(super) version: Cell<Option<i64>>,
}

impl OpenFile {
    /// Opens a file that is there.
    pub(super) fn of(
        path: &CachePath,
        identity: Identity,
        access: Access,
        patience: &Patience,
        taking_over: &TakingOver,
    ) -> rusqlite::Result<Self> {
        if access == Access::Look {
            undo_interrupted_write(path, patience);
        }
        let mut connection = connect(path, access, patience)?;
        taking_over.watch(&mut connection)?;
        Ok(Self {
            connection,
            identity,
            inspected: Cell::new(None),
            is_ready_to_write: Cell::new(false),
            version: Cell::new(None),
        })
    }

    /// What only a writer needs. Deleted rows are overwritten, so that no damage can bring an old policy back.
    ///
    /// The journal is one of rollback, and is removed at each commit. In WAL mode a commit would take one sync instead of
    /// five. But Exim's own `lookup sqlite` reads the file as a user who may not write into its directory, and while nobody
    /// has a file of WAL mode open, such a reader gets "attempt to write a readonly database" instead of its row (measured
    /// with SQLite 3.40, modes 0750 and 0640, a reader of the group: it would have to make the `-shm` first). A journal that stays (PERSIST, TRUNCATE)
    /// has to be readable for that reader, too, whose group it has only if its writer is root. Errands that wait together
    /// share a commit instead ([`super::database::Database::write_each`]).
    pub(super) fn prepare_for_writing(&self, synchronous: &str, most_pages: i64) -> rusqlite::Result<()> {
        if self.is_ready_to_write.get() {
            return Ok(());
        }
        let connection = &self.connection;
        connection.pragma_update(None, "synchronous", synchronous)?;
        for (pragma, value) in [("journal_mode", "DELETE"), ("secure_delete", "ON"), ("temp_store", "MEMORY")]
        {
            connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(ignore_no_row)?;
        }
        connection.pragma_update_and_check(None, "max_page_count", most_pages, |_| Ok(()))?;
        self.is_ready_to_write.set(true);
        Ok(())
    }
}

/// A pragma that is set may answer or not.
fn ignore_no_row(error: Error) -> rusqlite::Result<()> {
    if error == Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
}

/// Does one part of a transaction, wholly or not at all. An error of the part is the inner one; after an outer one the
/// transaction is of no use.
pub(super) fn part<T>(
    transaction: &Transaction<'_>,
    act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<rusqlite::Result<T>> {
    let run = |statement| statement::run(transaction, statement, []);
    run("SAVEPOINT part")?;
    match act(transaction) {
        // SQLite itself rolls all of it back where it cannot go on: the disk is full, or fails.
        Err(error) if is_damage(&error) || transaction.is_autocommit() => Err(error),
        Err(error) => {
            run("ROLLBACK TO part")?;
            run("RELEASE part")?;
            Ok(Err(error))
        }
        Ok(value) => {
            run("RELEASE part")?;
            Ok(Ok(value))
        }
    }
}

/// Has SQLite undo what a writer left that was killed: its journal stays, and whoever may not write cannot read before. Who
/// may not do that either is told when he reads ([`waits_for_a_writer`]).
fn undo_interrupted_write(path: &CachePath, patience: &Patience) {
    if path.has_journal() {
        // A journal of somebody who still writes is none of ours, and SQLite knows that by his lock.
        let _undone = connect(path, Access::Use, patience)
            .and_then(|connection| statement::one::<i64>(&connection, "PRAGMA schema_version", []));
    }
}

/// Whether a write was interrupted, and whoever reads may not undo it.
pub(super) fn waits_for_a_writer(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|failure| failure.extended_code == SQLITE_READONLY_ROLLBACK)
}

pub(super) fn connect(path: &CachePath, access: Access, patience: &Patience) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Look => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Use => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = mode
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path.as_path(), flags)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // No plan depends on what is bound: else SQLite compiles some statements anew each time that they run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Those that count (see `tally`) run when we write, and we write only where the definitions are ours, to the letter.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, access == Access::Use)?;
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")?;
    // Writers take turns before they come here (see CachePath::turn); what is left is over in a moment.
    let (mut began, patience) = (Instant::now(), patience.clone());
    connection.busy_handler(Some(move |tries| {
        if tries == 0 {
            began = Instant::now();
        }
        std::thread::sleep(CACHE_LOCK_PAUSE);
        patience.lasts(began)
    }))?;
    Ok(connection)
}

/// What comes of it the first time that anything does, or `None` after [`OPENINGS`] times.
pub(super) fn at_last<T, E>(mut once: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
    (0..OPENINGS).find_map(|_| once().transpose()).transpose()
}

/// Whether the file itself is at fault, and not the system around it.
pub(super) fn is_damage(error: &Error) -> bool {
    match error {
        Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..) | Error::Utf8Error(..) => {
            true
        }
        Error::InvalidColumnType(..) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cannot_undo_an_interrupted_write_knows_that_he_waits_for_a_writer() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("cache.db"), directory.path().join("copy.db"));
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA cache_size = 1; CREATE TABLE t (x); BEGIN").unwrap();
        for _ in 0..100 {
            writer.execute("INSERT INTO t VALUES (zeroblob(4000))", []).unwrap();
        }
        // What a kill leaves: both files as they are in the middle of a write.
        for suffix in ["", "-journal"] {
            let name = |path: &std::path::Path| format!("{}{suffix}", path.display());
            std::fs::copy(name(&path), name(&copy)).unwrap();
        }
        let read = |flags| {
            let connection = Connection::open_with_flags(&copy, flags).unwrap();
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        };
        assert!(waits_for_a_writer(&read(OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap_err()));
        assert_eq!(read(OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap(), 0, "it was undone");
        assert_eq!(read(OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap(), 0);
    }

    #[test]
    fn sqlite_has_nothing_that_only_somebody_elses_database_could_use() {
        let connection = Connection::open_in_memory().unwrap();
        let mut statement = connection.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for chosen in ["OMIT_LOAD_EXTENSION", "OMIT_SHARED_CACHE", "DEFAULT_MEMSTATUS=0"] {
            assert!(
                options.iter().any(|option| option == chosen),
                ".cargo/config.toml has {chosen}: {options:?}"
            );
        }
        for unused in ["DBSTAT", "FTS", "LOAD_EXTENSION", "RTREE", "STAT4"] {
            let enabled = format!("ENABLE_{unused}");
            assert!(!options.iter().any(|option| option.starts_with(&enabled)), "{options:?}");
        }
    }

    #[test]
    fn a_file_that_is_exchanged_is_opened_three_times_at_most() {
        for (exchanges, expected) in [(0, (1, Some("open"))), (2, (3, Some("open"))), (3, (3, None))] {
            let mut openings = 0;
            let opened = at_last(|| {
                openings += 1;
                Ok::<_, Error>((openings > exchanges).then_some("open"))
            });
            assert_eq!((openings, opened.unwrap()), expected, "{exchanges}");
        }
    }
}
