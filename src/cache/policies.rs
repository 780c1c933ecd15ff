//! `cache.db`: the policies, and what happened to them.

use super::database::Database;
use super::history::{self, Entry, Notice, Origin};
use super::row::{self, Mark};
use super::{CacheError, Census, Kept, Policies, history_table, room};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use rusqlite::{Connection, named_params};

/// Rows that are read in one transaction: a longer one would keep deliveries from writing.
const PAGE: i64 = 64;

const COUNT: &str = "SELECT count(*) FILTER (WHERE fingerprint = :fingerprint), count(*) FROM policy";

const COUNT_ELSEWHERE: &str =
    "SELECT count(*) FROM policy WHERE domain = :domain AND fingerprint <> :fingerprint";

const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM policy WHERE domain = ?1)";

/// Under whatever circumstances they were learnt: Exim's view tells no difference.
const PURGE: &str = "DELETE FROM policy WHERE domain = ?1";

/// The file of policies, as seen under one run's circumstances.
#[derive(Debug)]
pub(super) struct PolicyFile {
    database: Database,
}

impl PolicyFile {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The same, and nothing is ever written.
    pub(super) fn read_only(self) -> Self {
        Self { database: self.database.read_only() }
    }

    /// What is known about this run.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The same, for a new run.
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

    /// Stores what [`StoredPolicy::merge`] makes of the row and the new policy, and writes down what happened to it.
    pub(super) fn keep(&self, new: &StoredPolicy, origin: Origin<'_>) -> Result<Kept, CacheError> {
        let (now, fingerprint) = (self.database.now, self.database.fingerprint);
        let dialect = new.policy.dialect();
        if StoredPolicy::merge(self.stored(&new.domain)?.of(dialect), new, now).is_none() {
            return Ok(Kept::Unchanged);
        }
        self.database.write("storing a policy", |transaction| {
            let old = row::select(transaction, &new.domain, fingerprint, now)?;
            let Some(row) = StoredPolicy::merge(old.of(dialect), new, now) else {
                return Ok(Kept::Unchanged);
            };
            if !room::make(transaction, &row, &self.database)? {
                return Ok(Kept::Full);
            }
            row::replace(transaction, &row, fingerprint)?;
            for entry in history::of_change(old.of(dialect), &row, origin, now) {
                history_table::append(transaction, &row.domain, &entry, &self.database)?;
            }
            Ok(Kept::Stored)
        })
    }

    /// Writes down what was noticed about a policy in force, unless it was written down since its last fetch.
    pub(super) fn note(
        &self,
        domain: &PolicyDomain,
        dialect: Dialect,
        notice: &Notice,
    ) -> Result<(), CacheError> {
        let entry = |connection: &Connection| {
            let fingerprint = self.database.fingerprint;
            let policies = row::select(connection, domain, fingerprint, self.database.now)?;
            let last = history_table::last(connection, domain, dialect, notice.event(), fingerprint)?;
            let row = policies.of(dialect);
            Ok(row.and_then(|row| history::of_notice(row, notice, last, self.database.now)))
        };
        if self.database.read(entry)?.flatten().is_none() {
            return Ok(());
        }
        self.database.write("writing down what happened to a policy", |transaction| {
            // Looked at again: another process may have been faster.
            match entry(transaction)? {
                Some(entry) => history_table::append(transaction, domain, &entry, &self.database),
                None => Ok(()),
            }
        })
    }

    /// What happened to a domain's policies, the oldest first.
    pub(super) fn history(&self, domain: &PolicyDomain) -> Result<Vec<Entry>, CacheError> {
        let found = self
            .database
            .read(|connection| history_table::select(connection, domain, self.database.fingerprint))?;
        Ok(found.unwrap_or_default())
    }

    /// Removes a domain's policies; how many there were.
    pub(super) fn purge(&self, domain: &PolicyDomain) -> Result<usize, CacheError> {
        let name = domain.as_str();
        let exists = |connection: &Connection| connection.query_row(EXISTS, [name], |row| row.get(0));
        if !self.database.read(exists)?.unwrap_or(false) {
            return Ok(0);
        }
        self.database.write("removing a policy", |transaction| {
            let policies = row::select(transaction, domain, self.database.fingerprint, self.database.now)?;
            let count = transaction.execute(PURGE, [name])?;
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

    /// How many rows there are about a domain that were learnt under other circumstances.
    pub(super) fn elsewhere(&self, domain: &PolicyDomain) -> Result<u64, CacheError> {
        let count = self.database.read(|connection| {
            let fingerprint = self.database.fingerprint;
            let key = named_params! { ":domain": domain.as_str(), ":fingerprint": fingerprint.as_bytes() };
            connection.query_row(COUNT_ELSEWHERE, key, |row| row.get::<_, i64>(0))
        })?;
        Ok(u64::try_from(count.unwrap_or_default()).unwrap_or(0))
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
