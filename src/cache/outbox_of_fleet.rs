//! What the outbox knows of a fleet: which reports are the fleet's and not this host's own, and what was handed in to it.
//!
//! What is counted of a domain on a day is told once: by the fleet, from the moment at which the database has acknowledged it, or by this host alone, from
//! the moment at which it has begun to. Whatever is written here is written before the other one could be.

use super::error::CacheError;
use super::outbox::Outbox;
use super::statement::{integer, one};
use crate::name::PolicyDomain;
use crate::reports::tally::Day;
use crate::time::UnixTime;
use rusqlite::{Connection, Transaction};
use std::collections::{BTreeMap, BTreeSet};

const ORIGINS: &str = "SELECT day, domain, store, part FROM origin";

const SET_ORIGIN: &str = "INSERT OR REPLACE INTO origin (day, domain, store, part) VALUES (?1, ?2, ?3, ?4)";

const ADMIT: &str = "INSERT INTO report (day, domain, state, next, first, tries, words)
    VALUES (?1, ?2, 'due', ?3, 0, 0, '')";

const IS_OPEN: &str = "SELECT EXISTS (SELECT 1 FROM report WHERE day = ?1 AND domain = ?2
    AND state IN ('due', 'claimed', 'handed'))";

const REMOVE: [&str; 3] = [
    "DELETE FROM report WHERE day = ?1 AND domain = ?2",
    "DELETE FROM destination WHERE day = ?1 AND domain = ?2",
    "DELETE FROM package WHERE day = ?1 AND domain = ?2",
];

/// What this host has begun to tell alone is never handed in, also once a report of the fleet has taken its place here.
const KEEP_BEGUN: &str = "INSERT OR IGNORE INTO handed (day, domain, store)
    SELECT day, domain, 'alone' FROM report WHERE day = ?1 AND domain = ?2 AND NOT (state = 'due' AND tries = 0)
    AND NOT EXISTS (SELECT 1 FROM origin WHERE origin.day = report.day AND origin.domain = report.domain)";

const HANDED: &str = "SELECT domain FROM handed WHERE day = ?1 AND substr(store, 1, 8) <> 'perhaps '";

const HANDED_PERHAPS: &str = "SELECT domain FROM handed WHERE day = ?1 AND substr(store, 1, 8) = 'perhaps '";

/// What was handed in is so for good, and what is on its way may yet be.
const SET_HANDED: &str = "INSERT INTO handed (day, domain, store) VALUES (?1, ?2, ?3)
    ON CONFLICT (day, domain) DO UPDATE SET store = excluded.store WHERE substr(store, 1, 8) = 'perhaps '";

const NOT_HANDED: &str =
    "DELETE FROM handed WHERE day = ?1 AND domain = ?2 AND substr(store, 1, 8) = 'perhaps '";

/// What this host alone has only planned to tell.
const GIVE_UP_PLAN: &str = "DELETE FROM report WHERE day = ?1 AND domain = ?2 AND state = 'due' AND tries = 0
    AND NOT EXISTS (SELECT 1 FROM origin WHERE origin.day = report.day AND origin.domain = report.domain)";

const BEGUN: &str = "SELECT domain FROM report WHERE day = ?1 AND NOT (state = 'due' AND tries = 0)
    AND NOT EXISTS (SELECT 1 FROM origin WHERE origin.day = report.day AND origin.domain = report.domain)";

const JOINED: &str = "SELECT min(day) FROM handed WHERE domain = ''";

/// A report of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The id of the fleet's memory.
    pub store: String,
    /// 0, or the number of a supplement.
    pub part: u8,
}

impl Outbox {
    /// Which of the reports that are kept are a fleet's.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn origins(&self) -> Result<BTreeMap<(Day, PolicyDomain), Origin>, CacheError> {
        let found = self.database.read(|connection| {
            let mut statement = connection.prepare(ORIGINS)?;
            let mut rows = statement.query([])?;
            let mut all = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let (day, domain): (i64, String) = (row.get(0)?, row.get(1)?);
                let (store, part): (String, i64) = (row.get(2)?, row.get(3)?);
                let key = u64::try_from(day).ok().map(Day).zip(PolicyDomain::parse(&domain).ok());
                let origin = u8::try_from(part).ok().map(|part| Origin { store, part });
                all.extend(key.zip(origin));
            }
            Ok(all)
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Takes on a report that this host has claimed for its fleet, due at once. What it knew of an earlier one about that day and domain goes, if that is
    /// over; whether it was taken on.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn take_on(
        &self,
        reports: &[(Day, PolicyDomain, Origin)],
        now: UnixTime,
    ) -> Result<Vec<bool>, CacheError> {
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        self.database.write("taking on reports of the fleet", |transaction| {
            let one_report = |(day, domain, origin): &(Day, PolicyDomain, Origin)| {
                let (day, name) = (integer(day.0), domain.as_str());
                if one::<bool>(transaction, IS_OPEN, (day, name))? {
                    return Ok(false);
                }
                transaction.prepare_cached(KEEP_BEGUN)?.execute((day, name))?;
                for statement in REMOVE {
                    transaction.prepare_cached(statement)?.execute((day, name))?;
                }
                transaction.prepare_cached(ADMIT)?.execute((day, name, integer(now.0)))?;
                let row = (day, name, origin.store.as_str(), i64::from(origin.part));
                transaction.prepare_cached(SET_ORIGIN)?.execute(row)?;
                Ok(true)
            };
            reports.iter().map(one_report).collect()
        })
    }

    /// The domains of a day that were handed in, and an empty name if that was all of it.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn handed_in(&self, day: Day) -> Result<BTreeSet<String>, CacheError> {
        self.names(HANDED, day)
    }

    /// The domains of a day that are on their way to a fleet's database: what became of them was not heard.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn handed_in_perhaps(&self, day: Day) -> Result<BTreeSet<String>, CacheError> {
        self.names(HANDED_PERHAPS, day)
    }

    /// The domains of a day that this host has begun to tell of alone.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn begun_alone(&self, day: Day) -> Result<BTreeSet<String>, CacheError> {
        self.names(BEGUN, day)
    }

    fn names(&self, statement: &'static str, day: Day) -> Result<BTreeSet<String>, CacheError> {
        let found = self.database.read(|connection: &Connection| {
            let mut statement = connection.prepare_cached(statement)?;
            statement.query_map([integer(day.0)], |row| row.get(0))?.collect::<rusqlite::Result<_>>()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Notes that these domains of a day were handed in to that store, an empty name that it was all: what was planned about them here is the fleet's now.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn hand_in<'a>(
        &self,
        store: &str,
        day: Day,
        domains: impl Iterator<Item = &'a str>,
    ) -> Result<(), CacheError> {
        let domains: Vec<&str> = domains.collect();
        self.database.write("noting what was handed in to the fleet", |transaction| {
            for domain in &domains {
                transaction.prepare_cached(SET_HANDED)?.execute((integer(day.0), domain, store))?;
                transaction.prepare_cached(GIVE_UP_PLAN)?.execute((integer(day.0), domain))?;
            }
            Ok(())
        })
    }

    /// Notes, before it is done, that these domains of a day are handed in to that store: whoever loses its answer does not tell them alone.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written: then they are not to be handed in.
    pub fn hand_in_perhaps<'a>(
        &self,
        store: &str,
        day: Day,
        domains: impl Iterator<Item = &'a str>,
    ) -> Result<(), CacheError> {
        self.hand_in(&format!("perhaps {store}"), day, domains)
    }

    /// Notes that the database has none of these.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn not_handed_in<'a>(
        &self,
        day: Day,
        domains: impl Iterator<Item = &'a str>,
    ) -> Result<(), CacheError> {
        let domains: Vec<&str> = domains.collect();
        if domains.is_empty() {
            return Ok(());
        }
        self.database.write("noting what was not handed in to the fleet", |transaction| {
            let one =
                |domain: &&str| transaction.prepare_cached(NOT_HANDED)?.execute((integer(day.0), domain));
            domains.iter().try_for_each(|domain| one(domain).map(drop))
        })
    }

    /// The first day of which all was handed in, as far as that is remembered: since then this host is one of a fleet.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn joined(&self) -> Result<Option<Day>, CacheError> {
        let day = self.database.read(|connection| one::<Option<i64>>(connection, JOINED, []))?;
        Ok(day.flatten().and_then(|day| u64::try_from(day).ok()).map(Day))
    }
}

/// Forgets what is older.
pub(super) fn forget(transaction: &Transaction<'_>, oldest: [i64; 1]) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM origin WHERE day < ?1", oldest)?;
    transaction.execute("DELETE FROM handed WHERE day < ?1", oldest).map(drop)
}

/// Forgets which reports about a domain are a fleet's. That it was handed in stays known until the day is: nothing of it is handed in twice.
pub(super) fn purge(transaction: &Transaction<'_>, domain: &PolicyDomain) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM origin WHERE domain = ?1", [domain.as_str()]).map(drop)
}

#[cfg(test)]
mod tests;
