//! One database file: opened late, believed only after inspection, written in whole transactions.

use super::cause::Cause;
use super::connection::{Access, OpenFile, at_last, is_damage, waits_for_a_writer};
use super::error::{CacheError, Fate, Use};
use super::file::{CachePath, Identity};
use super::fingerprint::Fingerprint;
use super::owners::Owners;
use super::postponed::Postponed;
use super::schema::{Ancestor, Found, Schema};
use super::statement;
use super::taking_over::{Begun, Heartbeat, TakingOver};
use super::turn::Patience;
use crate::limits::{CACHE_OCTETS_LEAST, CACHE_OCTETS_PER_DOMAIN};
use crate::time::UnixTime;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::cell::{Cell, RefCell};

/// The pages of our files; SQLite's default, and part of the file.
const PAGE_OCTETS: u64 = 4_096;

/// Pages in memory: those that one commit of many look-ups changes find room, and a file of a million domains takes no more.
const CACHED_PAGES: i64 = 2_048;

/// Pages that one new row may split: one at each level of the few B-trees that it is written to.
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
    was_counted: Cell<bool>,
    /// How the last attempt to write ended.
    last_write: RefCell<Option<Result<(), CacheError>>>,
    /// The owners of many domains, which may be evicted next.
    pub(super) owners: Owners,
    patience: Patience,
    postponed: Postponed,
    taking_over: TakingOver,
    heartbeat: Heartbeat,
}

#[derive(Debug)]
enum State {
    /// There is no file; the first write makes one.
    Absent,
    /// It is not open yet.
    Closed,
    /// Open.
    Open(OpenFile),
    /// It cannot be used for the rest of this run; why.
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
    pub(super) fn new(
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
            was_counted: Cell::new(false),
            last_write: RefCell::default(),
            // Of what is expendable something else may always go.
            owners: if schema.is_expendable { Owners::when_due() } else { Owners::new() },
            patience: Patience::new(schema.patience),
            postponed: Postponed::default(),
            taking_over: TakingOver::default(),
            heartbeat: Heartbeat::default(),
        }
    }

    /// Has that called while an older file is being taken over.
    pub(super) fn beat(&mut self, heartbeat: Heartbeat) {
        self.heartbeat = heartbeat;
    }

    /// The same database, of which nothing is ever written; only an interrupted write is undone.
    pub(super) fn read_only(self) -> Self {
        Self { access: Access::Look, ..self }
    }

    /// Begins a new run at that moment. What is open stays open, if it is still what lies under the path and keeps the rules;
    /// and what was given up is tried again.
    pub(super) fn revisit(&mut self, now: UnixTime) {
        self.now = now;
        let open = match self.state.get_mut() {
            State::Open(open) => open.identity,
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
        let version = self.on_file("asking whether it changed", Use::Read, |open| {
            let version = statement::one(&open.connection, "PRAGMA data_version", [])?;
            if open.version.replace(Some(version)) != Some(version) {
                // Whoever wrote may have changed how the file keeps its journal.
                open.is_ready_to_write.set(false);
            }
            Ok(version)
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
        let found = self.on_file(DOING, Use::Read, |open| {
            let transaction = Transaction::new_unchecked(&open.connection, TransactionBehavior::Deferred)?;
            Ok(match self.inspect(open, &transaction)? {
                Found::Current => Reading::Done(act(&transaction)?),
                other => Reading::Otherwise(other),
            })
        })?;
        match found {
            None | Some(Reading::Otherwise(Found::Empty)) => Ok(None),
            Some(Reading::Done(value)) => Ok(Some(value)),
            Some(Reading::Otherwise(Found::Ancestor(_))) if self.access == Access::Look => {
                let trouble =
                    self.waiting("an earlier version wrote it, and the next delivery takes it over");
                self.read_as_it_is(DOING, act)?.map(Some).ok_or(trouble)
            }
            Some(Reading::Otherwise(Found::Ancestor(_))) => self.read_older(DOING, act).map(Some),
            Some(Reading::Otherwise(other)) => Err(self.refuse(other)),
        }
    }

    /// Takes an older file over, the one write that a read may cause: once in the life of a file. Neither a full disk nor somebody's
    /// lock keeps anybody from what an earlier version knew.
    fn read_older<T>(
        &self,
        doing: &'static str,
        act: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let trouble = match self.postponed.trouble(self.now) {
            Some(trouble) => trouble,
            None => match self.write(doing, |writing| act(writing)) {
                Ok(done) => return Ok(done),
                Err(trouble @ CacheError::Unusable { .. }) => {
                    // A lock is gone in a moment.
                    if !trouble.is_locked() {
                        let octets = self.path.examine().ok().flatten().map_or(0, |file| file.octets);
                        self.postponed.failed(&self.path, octets, trouble.clone(), self.now);
                    }
                    trouble
                }
                Err(trouble) => return Err(trouble),
            },
        };
        let trouble = trouble.on_reading();
        self.read_as_it_is(doing, act)?.ok_or(trouble)
    }

    /// Reads an older file, which was not taken over; `None` if that takes other statements.
    fn read_as_it_is<T>(
        &self,
        doing: &'static str,
        act: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, CacheError> {
        self.on_file(doing, Use::Read, |open| {
            let transaction = Transaction::new_unchecked(&open.connection, TransactionBehavior::Deferred)?;
            Ok(match self.inspect(open, &transaction)? {
                Found::Current => Some(act(&transaction)?),
                Found::Ancestor(old) if old.is_read_alike => Some(act(&transaction)?),
                Found::Ancestor(_) | Found::Empty | Found::Foreign(_) | Found::Poisoned => None,
            })
        })
        .map(Option::flatten)
    }

    /// Writes in one transaction, all or nothing, into a file that is made if there is none.
    pub(super) fn write<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        let done = self.write_once(doing, act);
        self.last_write.replace(Some(done.as_ref().map(drop).map_err(Clone::clone)));
        done
    }

    /// How the last attempt to write ended; `None` if there was none.
    pub(super) fn last_write(&self) -> Option<Result<(), CacheError>> {
        self.last_write.borrow().clone()
    }

    fn write_once<T>(
        &self,
        doing: &'static str,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        if self.access == Access::Look {
            return Err(self.unusable(doing, Use::Write, Cause::from("it was opened to be looked at")));
        }
        self.open()?;
        if matches!(*self.state.borrow(), State::Absent) {
            self.path.create()?;
            *self.state.borrow_mut() = State::Closed;
            self.open()?;
        }
        let written = self.on_file(doing, Use::Write, |open| {
            let (_turn, transaction) = self.patience.to_begin(&self.path, || {
                open.prepare_for_writing(self.schema.synchronous, self.most_pages())?;
                Transaction::new_unchecked(&open.connection, TransactionBehavior::Immediate)
            })?;
            let mut taken_over = None;
            match self.inspect(open, &transaction)? {
                Found::Current => {}
                Found::Empty => self.schema.create(&transaction)?,
                Found::Ancestor(ancestor) if self.postponed.trouble(self.now).is_none() => {
                    taken_over = Some(self.take_over(open, &transaction, ancestor)?);
                }
                other => return Ok(Err(other)),
            }
            let value = act(&transaction)?;
            match taken_over {
                Some(taken_over) => taken_over.commit(transaction)?,
                None => transaction.commit()?,
            }
            Ok(Ok(value))
        })?;
        match written {
            Some(Ok(value)) => Ok(value),
            Some(Err(found)) => Err(self.refuse(found)),
            None => Err(self.unusable(doing, Use::Write, Cause::from("the file vanished"))),
        }
    }

    /// Whether the definitions are ours, which is found out once for as long as they do not change.
    fn inspect(&self, open: &OpenFile, transaction: &Transaction<'_>) -> rusqlite::Result<Found> {
        let mark = |pragma| statement::one::<i64>(transaction, pragma, []);
        // A newer version of this program may change no definition, and what stands in the rows.
        let marks = (mark("PRAGMA schema_version")?, mark("PRAGMA user_version")?);
        if open.inspected.get() == Some(marks) {
            return Ok(Found::Current);
        }
        let found = self.schema.inspect(transaction)?;
        transaction.pragma_update(None, "cache_size", CACHED_PAGES)?;
        open.inspected.set(matches!(found, Found::Current).then_some(marks));
        Ok(found)
    }

    /// Whether the domains may be counted anew although their number is known: once in each process, before something is
    /// refused because of that number.
    pub(super) fn counts_once_more(&self) -> bool {
        !self.was_counted.replace(true)
    }

    /// Pages that a transaction may still fill before the file is at its bound.
    pub(super) fn free_pages(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
        let pragma = |pragma| statement::one::<i64>(transaction, pragma, []);
        let unused = pragma("PRAGMA max_page_count")?.saturating_sub(pragma("PRAGMA page_count")?);
        Ok(unused.saturating_add(pragma("PRAGMA freelist_count")?))
    }

    /// Pages that so many octets take.
    pub(super) fn pages_for(octets: usize) -> i64 {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        i64::try_from(octets / PAGE_OCTETS).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Where it is.
    pub(super) const fn path(&self) -> &CachePath {
        &self.path
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
        let state = at_last(|| self.open_once())?.ok_or_else(|| {
            let why =
                "is exchanged again and again while it is opened: somebody else writes into its directory";
            self.give_up(CacheError::unsafe_path(self.path.as_path(), why))
        })?;
        *self.state.borrow_mut() = state;
        Ok(())
    }

    /// Opens what keeps the rules; `None` if it is no longer what lies under the path. SQLite opens it by its name, and follows no symbolic
    /// link; a second name of somebody else's database is a file like any other, so what was opened is looked at again. (Whoever exchanges it
    /// twice meanwhile is not noticed: he has to be the directory's owner.)
    fn open_once(&self) -> Result<Option<State>, CacheError> {
        let examine = || self.path.examine().map_err(|trouble| self.give_up(trouble));
        let Some(file) = examine()? else { return Ok(Some(State::Absent)) };
        if (1..LEAST_OCTETS).contains(&file.octets) {
            let found = format!("it ends after {} octets", file.octets);
            return Err(self.give_up_damaged(found, Some(file.identity)));
        }
        let (access, patience) = (self.access, &self.patience);
        let opened = OpenFile::of(&self.path, file.identity, access, patience, &self.taking_over);
        if examine()?.is_none_or(|there| there.identity != file.identity) {
            return Ok(None);
        }
        let open = opened
            .map_err(|error| self.give_up(self.unusable("opening it", Use::Read, Cause::from(&error))))?;
        Ok(Some(State::Open(open)))
    }

    fn on_file<T>(
        &self,
        doing: &'static str,
        to: Use,
        act: impl FnOnce(&OpenFile) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, CacheError> {
        let done = match &*self.state.borrow() {
            State::Open(open) => act(open),
            State::Absent | State::Closed | State::Given(_) => return Ok(None),
        };
        done.map(Some).map_err(|error| {
            if is_damage(&error) {
                return self.give_up_damaged(error.to_string(), self.identity());
            }
            if waits_for_a_writer(&error) {
                return self.waiting("a write was interrupted, and the next delivery undoes it");
            }
            self.unusable(doing, to, Cause::from(&error))
        })
    }

    /// What is not ours stays untouched; what only pretends to be ours is damage.
    fn refuse(&self, found: Found) -> CacheError {
        if let (Found::Ancestor(_), Some(trouble)) = (&found, self.postponed.trouble(self.now)) {
            return trouble;
        }
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
            State::Open(open) => Some(open.identity),
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

    pub(super) fn unusable(&self, doing: &'static str, to: Use, why: Cause) -> CacheError {
        CacheError::Unusable { file: self.path.as_path().to_owned(), doing, to, why }
    }

    fn waiting(&self, what: &'static str) -> CacheError {
        CacheError::Waiting { file: self.path.as_path().to_owned(), what }
    }

    /// The bound of the file.
    pub(super) fn most_octets(&self) -> u64 {
        self.max_domains.saturating_mul(CACHE_OCTETS_PER_DOMAIN).max(CACHE_OCTETS_LEAST)
    }

    fn octets(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
        let pages: i64 = statement::one(transaction, "PRAGMA page_count", [])?;
        Ok(u64::try_from(pages).unwrap_or(0).saturating_mul(PAGE_OCTETS))
    }

    fn most_pages(&self) -> i64 {
        i64::try_from(self.most_octets() / PAGE_OCTETS).unwrap_or(i64::MAX)
    }

    /// Makes an older file ours; it is not committed yet. What it gains may take more room than it has left: meanwhile it may be twice
    /// as long.
    fn take_over(
        &self,
        open: &OpenFile,
        transaction: &Transaction<'_>,
        ancestor: &Ancestor,
    ) -> rusqlite::Result<Begun> {
        let set_bound =
            |pages: i64| transaction.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
        let (file, octets) = (self.path.as_path().display().to_string(), Self::octets(transaction)?);
        let begun = self.taking_over.begin(transaction, file, octets, ancestor.work, &self.heartbeat)?;
        // What is undone leaves the bound of the connection as it is: the next write begins with its own.
        open.is_ready_to_write.set(false);
        set_bound(self.most_pages().saturating_mul(2))?;
        (ancestor.take_over)(transaction, self)?;
        set_bound(self.most_pages())?;
        Ok(begun)
    }
}

enum Reading<T> {
    Done(T),
    Otherwise(Found),
}
