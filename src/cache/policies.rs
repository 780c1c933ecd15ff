//! `cache.db`: the policies, and what happened to them.

use super::database::Database;
use super::fingerprint::Fingerprint;
use super::history::{self, HistoryEntry, Notice, Origin};
use super::room::{self, Displaces};
use super::row::{self, Mark};
use super::{CacheError, Census, Kept, Policies, Provenance, Write, history_table, offers, statement};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use rusqlite::{Connection, Transaction, named_params};

/// Rows that are read in one transaction: a longer one would keep deliveries from writing.
const PAGE: i64 = 64;

const COUNT: &str = "SELECT count(*) FILTER (WHERE fingerprint = :fingerprint), count(*) FROM policy";

const IS_THERE: &str =
    "SELECT EXISTS (SELECT 1 FROM policy WHERE domain = ?1 AND fingerprint = ?2 AND mechanism = ?3)";

const COUNT_ELSEWHERE: &str =
    "SELECT count(*) FROM policy WHERE domain = :domain AND fingerprint <> :fingerprint";

const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM policy WHERE domain = ?1)";

/// Removes policies whatever the circumstances under which they were learnt: Exim's view does not tell them apart.
const PURGE: &str = "DELETE FROM policy WHERE domain = ?1";

/// The statements that a look-up or `explain` may need here.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[COUNT_ELSEWHERE, EXISTS, PURGE];

/// All that the file knows about a domain.
#[derive(Debug, Default)]
pub(super) struct AllAbout {
    pub(super) policies: Policies,
    pub(super) history: Vec<HistoryEntry>,
    /// Rows that were learnt under other circumstances.
    pub(super) elsewhere: u64,
}

/// What is to be written about a domain's policies, in this order.
#[derive(Debug)]
pub(super) struct Events<'a> {
    pub(super) domain: &'a PolicyDomain,
    pub(super) events: Vec<PolicyEvent<'a>>,
}

/// One thing to be written about a policy.
#[derive(Clone, Copy, Debug)]
pub(super) enum PolicyEvent<'a> {
    Keep(&'a StoredPolicy),
    Note(Dialect, &'a Notice),
}

impl<'a> PolicyEvent<'a> {
    /// What of that concerns policies.
    pub(super) fn all_of(writes: &'a [Write]) -> Vec<Self> {
        let event = |write: &'a Write| match write {
            Write::Keep(policy) => Some(Self::Keep(policy)),
            Write::Note(dialect, notice) => Some(Self::Note(*dialect, notice)),
            Write::Forget(_) | Write::Looked(..) | Write::Remember(..) => None,
        };
        writes.iter().filter_map(event).collect()
    }
}

/// The file of policies, as seen under one run's circumstances.
#[derive(Debug)]
pub(super) struct PolicyFile {
    database: Database,
    /// Whether what is fetched is to be offered to a fleet.
    offers: bool,
}

impl PolicyFile {
    pub(super) const fn new(database: Database) -> Self {
        Self { database, offers: false }
    }

    /// The same file, of which nothing is ever written.
    pub(super) fn read_only(self) -> Self {
        Self { database: self.database.read_only(), ..self }
    }

    /// The same on a host that offers to others what it fetches.
    pub(super) fn offering(self) -> Self {
        Self { offers: true, ..self }
    }

    /// The database file underneath.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The database file underneath, to begin a new run.
    pub(super) const fn database_mut(&mut self) -> &mut Database {
        &mut self.database
    }

    /// What is stored for a domain, the ended policies included.
    pub(super) fn stored(&self, domain: &PolicyDomain) -> Result<Policies, CacheError> {
        let found = self.database.read(|connection| {
            row::select(connection, domain, self.database.fingerprint, self.database.now)
        })?;
        Ok(found.unwrap_or_default())
    }

    /// What is stored for each of these domains, the ended policies included, read in one transaction.
    pub(super) fn stored_for(&self, domains: &[PolicyDomain]) -> Result<Option<Vec<Policies>>, CacheError> {
        let (fingerprint, now) = (self.database.fingerprint, self.database.now);
        self.database.read(|connection| {
            domains.iter().map(|domain| row::select(connection, domain, fingerprint, now)).collect()
        })
    }

    /// All that is known about a domain, read in one transaction.
    pub(super) fn all_about(&self, domain: &PolicyDomain) -> Result<Option<AllAbout>, CacheError> {
        let (fingerprint, now) = (self.database.fingerprint, self.database.now);
        self.database.read(|connection| {
            Ok(AllAbout {
                policies: row::select(connection, domain, fingerprint, now)?,
                history: history_table::select(connection, domain, fingerprint)?,
                elsewhere: elsewhere(connection, domain, fingerprint)?,
            })
        })
    }

    /// Stores what [`StoredPolicy::merge`] makes of the row and the new policy, and writes down what happened to it.
    pub(super) fn keep(&self, new: &StoredPolicy) -> Result<Kept, CacheError> {
        let stored = self.stored(&new.domain)?;
        if StoredPolicy::merge(stored.of(new.policy.dialect()), new, self.database.now).is_none() {
            return Ok(Kept::Unchanged);
        }
        self.database.write("storing a policy", |transaction| self.keep_in(transaction, new, Origin::Fetch))
    }

    /// The same for those that others of a fleet have fetched, all in one transaction if that is possible. They evict nothing: what this host
    /// has met makes no room for what others say.
    pub(super) fn keep_heard(&self, all: &[(&StoredPolicy, Provenance)]) -> Vec<Result<Kept, CacheError>> {
        self.database.write_each("storing policies", all, |transaction, (new, from)| {
            self.put(transaction, new, Origin::Fleet(from), Displaces::Nothing)
        })
    }

    /// Some of the policies that the fleet has not heard of, behind a key, and the keys of those that are no longer stored.
    pub(super) fn outbox(&self, most: usize, behind: &offers::Key) -> Result<offers::Waiting, CacheError> {
        Ok(self
            .database
            .read(|connection| offers::some(connection, most, behind, &self.database))?
            .unwrap_or_default())
    }

    /// These are to be offered, in whatever way they came to be.
    pub(super) fn put_into_the_outbox(&self, policies: &[StoredPolicy]) -> Result<(), CacheError> {
        self.database.write("filling the outbox", |transaction| {
            policies.iter().try_for_each(|policy| offers::put(transaction, policy, &self.database))
        })
    }

    /// A fleet has heard these, and the keys need not be looked at again.
    pub(super) fn acknowledge(&self, sent: &[StoredPolicy], gone: &[offers::Key]) -> Result<(), CacheError> {
        self.database
            .write("emptying the outbox", |transaction| offers::take(transaction, sent, gone, &self.database))
    }

    /// How many there are that a fleet has not heard, up to 100,000, and since when the oldest waits.
    pub(super) fn unheard(&self) -> Result<(u64, Option<UnixTime>), CacheError> {
        let count = |connection: &Connection| offers::count(connection, &self.database);
        Ok(self.database.read(count)?.unwrap_or_default())
    }

    /// The same for many, in one transaction: all of them, or none.
    pub(super) fn keep_all(
        &self,
        all: &[StoredPolicy],
        origin: Origin<'_>,
    ) -> Result<Result<Vec<Kept>, usize>, CacheError> {
        self.database.write_much("storing policies", |transaction| {
            transaction.execute_batch("SAVEPOINT everything")?;
            let mut kept = Vec::with_capacity(all.len());
            for (at, policy) in all.iter().enumerate() {
                match self.keep_in(transaction, policy, origin)? {
                    Kept::Full => {
                        transaction.execute_batch("ROLLBACK TO everything")?;
                        return Ok(Err(at));
                    }
                    other => kept.push(other),
                }
            }
            // What came first may have gone again, to make room for what came later.
            for (at, policy) in all.iter().enumerate() {
                let key = (
                    policy.domain.as_str(),
                    self.database.fingerprint.as_bytes(),
                    policy.policy.dialect().word(),
                );
                if !transaction.prepare_cached(IS_THERE)?.query_row(key, |row| row.get(0))? {
                    transaction.execute_batch("ROLLBACK TO everything")?;
                    return Ok(Err(at));
                }
            }
            Ok(Ok(kept))
        })
    }

    /// Stores policies and notices about each of these domains, all in one transaction if that is possible. What became of
    /// the policies: [`Kept::Full`] if one was not kept for that reason.
    pub(super) fn apply(&self, all: &[Events<'_>]) -> Vec<Result<Kept, CacheError>> {
        self.database.write_each("storing policies", all, |transaction, one| {
            let mut all_kept = Kept::Stored;
            for event in &one.events {
                match event {
                    PolicyEvent::Keep(policy) => {
                        if self.keep_in(transaction, policy, Origin::Fetch)? == Kept::Full {
                            all_kept = Kept::Full;
                        }
                    }
                    PolicyEvent::Note(dialect, notice) => {
                        self.note_in(transaction, one.domain, *dialect, notice)?;
                    }
                }
            }
            Ok(all_kept)
        })
    }

    fn keep_in(
        &self,
        transaction: &Transaction<'_>,
        new: &StoredPolicy,
        origin: Origin<'_>,
    ) -> rusqlite::Result<Kept> {
        self.put(transaction, new, origin, Displaces::Lesser)
    }

    fn put(
        &self,
        transaction: &Transaction<'_>,
        new: &StoredPolicy,
        origin: Origin<'_>,
        displaces: Displaces,
    ) -> rusqlite::Result<Kept> {
        let (now, fingerprint) = (self.database.now, self.database.fingerprint);
        let dialect = new.policy.dialect();
        let old = row::select(transaction, &new.domain, fingerprint, now)?;
        let merge = match origin {
            Origin::Fetch | Origin::Fleet(_) => StoredPolicy::merge,
            Origin::Import(_) => StoredPolicy::merge_imported,
        };
        let Some(row) = merge(old.of(dialect), new, now) else {
            return Ok(Kept::Unchanged);
        };
        if !room::make(transaction, &row, displaces, &self.database)? {
            return Ok(Kept::Full);
        }
        row::replace(transaction, &row, fingerprint)?;
        if self.offers {
            match origin {
                Origin::Fetch => offers::put(transaction, &row, &self.database)?,
                // What was to be offered was this host's own, and it is no longer there.
                Origin::Fleet(_) | Origin::Import(_) => {
                    offers::take_one(transaction, row.domain.as_str(), dialect.word(), &self.database)?;
                }
            }
        }
        for entry in history::of_change(old.of(dialect), &row, origin, now) {
            history_table::append(transaction, &row.domain, &entry, &self.database)?;
        }
        Ok(Kept::Stored)
    }

    /// Writes down what was noticed about a policy in force, unless it was written down since its last fetch.
    pub(super) fn note(
        &self,
        domain: &PolicyDomain,
        dialect: Dialect,
        notice: &Notice,
    ) -> Result<(), CacheError> {
        let entry = |connection: &Connection| self.news(connection, domain, dialect, notice);
        if self.database.read(entry)?.flatten().is_none() {
            return Ok(());
        }
        self.database.write("writing down what happened to a policy", |transaction| {
            // Looked at again: another process may have been faster.
            self.note_in(transaction, domain, dialect, notice)
        })
    }

    fn note_in(
        &self,
        transaction: &Transaction<'_>,
        domain: &PolicyDomain,
        dialect: Dialect,
        notice: &Notice,
    ) -> rusqlite::Result<()> {
        match self.news(transaction, domain, dialect, notice)? {
            Some(entry) => history_table::append(transaction, domain, &entry, &self.database),
            None => Ok(()),
        }
    }

    /// What is to be written down about a notice, if it is news.
    fn news(
        &self,
        connection: &Connection,
        domain: &PolicyDomain,
        dialect: Dialect,
        notice: &Notice,
    ) -> rusqlite::Result<Option<HistoryEntry>> {
        let (fingerprint, now) = (self.database.fingerprint, self.database.now);
        let policies = row::select(connection, domain, fingerprint, now)?;
        let last = history_table::last(connection, domain, dialect, notice.event(), fingerprint)?;
        Ok(policies.of(dialect).and_then(|row| history::of_notice(row, notice, last, now)))
    }

    /// What happened to a domain's policies, the oldest first.
    pub(super) fn history(&self, domain: &PolicyDomain) -> Result<Vec<HistoryEntry>, CacheError> {
        let found = self
            .database
            .read(|connection| history_table::select(connection, domain, self.database.fingerprint))?;
        Ok(found.unwrap_or_default())
    }

    /// Removes a domain's policies; how many there were.
    pub(super) fn purge(&self, domain: &PolicyDomain) -> Result<usize, CacheError> {
        let name = domain.as_str();
        let exists = |connection: &Connection| statement::one(connection, EXISTS, [name]);
        if !self.database.read(exists)?.unwrap_or(false) {
            return Ok(0);
        }
        self.database.write("removing a policy", |transaction| {
            let policies = row::select(transaction, domain, self.database.fingerprint, self.database.now)?;
            let count = statement::run(transaction, PURGE, [name])?;
            offers::forget(transaction, domain)?;
            for policy in policies.iter() {
                let entry = history::of_purge(policy, self.database.now);
                history_table::append(transaction, domain, &entry, &self.database)?;
            }
            Ok(count)
        })
    }

    /// Some policies behind a mark in the order of the domains, and the mark behind them.
    pub(super) fn page(&self, after: &Mark) -> Result<(Vec<StoredPolicy>, Option<Mark>), CacheError> {
        let page =
            self.database.read(|connection| row::page(connection, after, PAGE, self.database.fingerprint))?;
        Ok(page.unwrap_or_default())
    }

    /// How many rows there are.
    pub(super) fn census(&self) -> Result<Census, CacheError> {
        let counts = self.database.read(|connection| {
            let key = named_params! { ":fingerprint": self.database.fingerprint.as_bytes() };
            connection.query_row(COUNT, key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        })?;
        let (here, all) = counts.unwrap_or_default();
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Census { here: count(here), elsewhere: count(all.saturating_sub(here)) })
    }
}

fn elsewhere(
    connection: &Connection,
    domain: &PolicyDomain,
    fingerprint: Fingerprint,
) -> rusqlite::Result<u64> {
    let key = named_params! { ":domain": domain.as_str(), ":fingerprint": fingerprint.as_bytes() };
    let count: i64 = statement::one(connection, COUNT_ELSEWHERE, key)?;
    Ok(u64::try_from(count).unwrap_or(0))
}
