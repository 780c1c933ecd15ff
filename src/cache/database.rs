//! One database file: opened late, believed only after inspection, written in whole transactions.

use super::error::{CacheError, Fate};
use super::file::{CachePath, Identity};
use super::fingerprint::Fingerprint;
use super::schema::{Found, Schema};
use crate::limits::{CACHE_LOCK_PAUSE, CACHE_OCTETS_LEAST, CACHE_OCTETS_PER_DOMAIN};
use crate::time::UnixTime;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// The pages of our files; SQLite's default, and part of the file.
const PAGE_OCTETS: u64 = 4_096;

/// Pages that split where a row goes in: one at each level of the few trees that it goes into.
pub(super) const SPLIT_PAGES: i64 = 16;

/// The smallest page of SQLite; a shorter file is a fragment, which it would take for an empty one.
const LEAST_OCTETS: u64 = 512;

/// One database file and what is known about it in this run.
#[derive(Debug)]
pub(super) struct Database {
    path: CachePath,
    schema: &'static Schema,
    /// What its rows must have been learnt under.
    pub(super) fingerprint: Fingerprint,
    /// The bound on its domains.
    pub(super) max_domains: u64,
    /// The moment of this run.
    pub(super) now: UnixTime,
    access: Access,
    state: RefCell<State>,
}

/// What may be done to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Nothing but reading: no older database is taken over, no damaged one is put aside.
    Look,
    /// Everything.
    Use,
}

#[derive(Debug)]
enum State {
    /// There is no file; the first write makes one.
    Absent,
    /// Nobody wanted it yet.
    Closed,
    /// Open.
    Open(Connection, Identity),
    /// Of no use for the rest of this run.
    Given(CacheError),
}

/// See [`Database::sign`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    identity: Identity,
    /// Of our connection to it; another connection begins anew.
    version: i64,
}

impl Database {
    /// A database under that path; nothing is touched yet.
    pub(super) const fn new(
        path: CachePath,
        schema: &'static Schema,
        fingerprint: Fingerprint,
        max_domains: u64,
        now: UnixTime,
    ) -> Self {
        Self {
            path,
            schema,
            fingerprint,
            max_domains,
            now,
            access: Access::Use,
            state: RefCell::new(State::Closed),
        }
    }

    /// The same, and nothing is ever written.
    pub(super) fn read_only(self) -> Self {
        Self { access: Access::Look, ..self }
    }

    /// Begins a new run at that moment. What is open stays open, if it is still what lies under the path and keeps the rules;
    /// and what was given up is tried again.
    pub(super) fn revisit(&mut self, now: UnixTime) {
        self.now = now;
        let open = match self.state.get_mut() {
            State::Open(_, identity) => *identity,
            State::Absent | State::Closed | State::Given(_) => {
                *self.state.get_mut() = State::Closed;
                return;
            }
        };
        let there = self.path.examine().ok().flatten();
        if there.is_none_or(|there| there.identity != open) {
            *self.state.get_mut() = State::Closed;
        }
    }

    /// What changes whenever somebody else writes into the file or exchanges it, and never by what is written here; `None`
    /// if there is no file.
    pub(super) fn sign(&self) -> Result<Option<Sign>, CacheError> {
        self.open()?;
        let version = self.on_connection("asking whether it changed", |connection| {
            connection.query_row("PRAGMA data_version", [], |row| row.get(0))
        })?;
        Ok(self.identity().zip(version).map(|(identity, version)| Sign { identity, version }))
    }

    /// Reads in one transaction; `None` if there is nothing to read from yet.
    pub(super) fn read<T>(
        &self,
        act: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, CacheError> {
        const DOING: &str = "reading it";
        self.open()?;
        let found = self.on_connection(DOING, |connection| {
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
            Ok(match self.schema.inspect(&transaction)? {
                Found::Current => Reading::Done(act(&transaction)?),
                other => Reading::Otherwise(other),
            })
        })?;
        match found {
            None | Some(Reading::Otherwise(Found::Empty)) => Ok(None),
            Some(Reading::Done(value)) => Ok(Some(value)),
            Some(Reading::Otherwise(Found::Ancestor(_))) if self.access == Access::Look => Err(self
                .unusable(DOING, "an earlier version wrote it; the next delivery takes it over".to_owned())),
            // The one write that a read may cause: once in the life of a file.
            Some(Reading::Otherwise(Found::Ancestor(_))) => {
                self.write(DOING, |writing| act(writing)).map(Some)
            }
            Some(Reading::Otherwise(other)) => Err(self.refuse(other)),
        }
    }

    /// Writes in one transaction, all or nothing, into a file that is made if there is none.
    pub(super) fn write<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        if self.access == Access::Look {
            return Err(self.unusable(doing, "it was opened to be looked at".to_owned()));
        }
        self.open()?;
        if matches!(*self.state.borrow(), State::Absent) {
            self.path.create()?;
            *self.state.borrow_mut() = State::Closed;
            self.open()?;
        }
        let written = self.on_connection(doing, |connection| {
            let _turn = self.path.turn(self.schema.patience);
            self.prepare_for_writing(connection)?;
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            match self.schema.inspect(&transaction)? {
                Found::Current => {}
                Found::Empty => self.schema.create(&transaction)?,
                Found::Ancestor(ancestor) => (ancestor.take_over)(&transaction, self)?,
                other => return Ok(Err(other)),
            }
            let value = act(&transaction)?;
            transaction.commit()?;
            Ok(Ok(value))
        })?;
        match written {
            Some(Ok(value)) => Ok(value),
            Some(Err(found)) => Err(self.refuse(found)),
            None => Err(self.unusable(doing, "the file vanished".to_owned())),
        }
    }

    /// Pages that a transaction may still fill before the file is at its bound.
    pub(super) fn free_pages(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
        let pragma = |pragma| transaction.query_row(pragma, [], |row| row.get::<_, i64>(0));
        let unused = pragma("PRAGMA max_page_count")?.saturating_sub(pragma("PRAGMA page_count")?);
        Ok(unused.saturating_add(pragma("PRAGMA freelist_count")?))
    }

    /// Pages that so many octets take.
    pub(super) fn pages_for(octets: usize) -> i64 {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        i64::try_from(octets / PAGE_OCTETS).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The definitions of this file.
    pub(super) const fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn open(&self) -> Result<(), CacheError> {
        match &*self.state.borrow() {
            State::Absent | State::Open(..) => return Ok(()),
            State::Given(trouble) => return Err(trouble.clone()),
            State::Closed => {}
        }
        let state = match self.path.examine().map_err(|trouble| self.give_up(trouble))? {
            None => State::Absent,
            Some(file) if (1..LEAST_OCTETS).contains(&file.octets) => {
                return Err(self
                    .give_up_damaged(format!("it ends after {} octets", file.octets), Some(file.identity)));
            }
            Some(file) => match connect(&self.path, self.access, self.schema.patience) {
                Ok(connection) => State::Open(connection, file.identity),
                Err(error) => return Err(self.give_up(self.unusable("opening it", error.to_string()))),
            },
        };
        *self.state.borrow_mut() = state;
        Ok(())
    }

    fn on_connection<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, CacheError> {
        let done = match &*self.state.borrow() {
            State::Open(connection, _) => act(connection),
            State::Absent | State::Closed | State::Given(_) => return Ok(None),
        };
        done.map(Some).map_err(|error| {
            if is_damage(&error) {
                self.give_up_damaged(error.to_string(), self.identity())
            } else {
                self.unusable(doing, error.to_string())
            }
        })
    }

    /// What is not ours stays untouched; what only pretends to be ours is damage.
    fn refuse(&self, found: Found) -> CacheError {
        match found {
            Found::Foreign(whose) => {
                self.give_up(CacheError::NotOurs { file: self.path.as_path().to_owned(), whose })
            }
            Found::Ancestor(_) | Found::Current | Found::Empty | Found::Poisoned => {
                let what = "its definitions are not those that this program writes".to_owned();
                self.give_up_damaged(what, self.identity())
            }
        }
    }

    fn identity(&self) -> Option<Identity> {
        match &*self.state.borrow() {
            State::Open(_, identity) => Some(*identity),
            State::Absent | State::Closed | State::Given(_) => None,
        }
    }

    fn give_up_damaged(&self, found: String, identity: Option<Identity>) -> CacheError {
        // Closed before it is renamed, so that SQLite removes no journal of its successor.
        *self.state.borrow_mut() = State::Absent;
        let fate = match identity.filter(|_| self.access == Access::Use) {
            Some(identity) if self.schema.is_expendable => self.path.remove(identity),
            Some(identity) => self.path.move_aside(identity, self.now),
            None => Fate::LeftInPlace,
        };
        self.give_up(CacheError::Corrupt { file: self.path.as_path().to_owned(), found, fate })
    }

    fn give_up(&self, trouble: CacheError) -> CacheError {
        *self.state.borrow_mut() = State::Given(trouble.clone());
        trouble
    }

    fn unusable(&self, doing: &'static str, why: String) -> CacheError {
        CacheError::Unusable { file: self.path.as_path().to_owned(), doing, why }
    }

    /// The bound of the file.
    pub(super) fn most_octets(&self) -> u64 {
        self.max_domains.saturating_mul(CACHE_OCTETS_PER_DOMAIN).max(CACHE_OCTETS_LEAST)
    }

    /// What only a writer needs. Deleted rows are overwritten, so that no damage can bring an old policy back.
    fn prepare_for_writing(&self, connection: &Connection) -> rusqlite::Result<()> {
        let pages = i64::try_from(self.most_octets() / PAGE_OCTETS).unwrap_or(i64::MAX);
        connection.pragma_update(None, "synchronous", self.schema.synchronous)?;
        for (pragma, value) in [("journal_mode", "DELETE"), ("secure_delete", "ON"), ("temp_store", "MEMORY")]
        {
            connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(ignore_no_row)?;
        }
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
    }
}

enum Reading<T> {
    Done(T),
    Otherwise(Found),
}

fn ignore_no_row(error: Error) -> rusqlite::Result<()> {
    if error == Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
}

/// Opens an existing file: nothing in it may run, links are not followed, waiting has an end.
fn connect(path: &CachePath, access: Access, patience: Duration) -> rusqlite::Result<Connection> {
    let access = match access {
        Access::Look => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Use => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = access
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let mut connection = Connection::open_with_flags(path.as_path(), flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")?;
    // Writers take turns before they come here (see CachePath::turn); what is left is over in a moment.
    let mut began = Instant::now();
    connection.busy_handler(Some(move |tries| {
        if tries == 0 {
            began = Instant::now();
        }
        std::thread::sleep(CACHE_LOCK_PAUSE);
        began.elapsed() < patience
    }))?;
    Ok(connection)
}

/// Whether the file itself is at fault, and not the system around it.
fn is_damage(error: &Error) -> bool {
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
