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

const HANDED: &str = "SELECT domain FROM handed WHERE day = ?1";

const SET_HANDED: &str = "INSERT OR IGNORE INTO handed (day, domain, store) VALUES (?1, ?2, ?3)";

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
mod tests {
    use super::*;
    use crate::cache::CachePath;
    use crate::reporting::outbox::{Made, OutboxEntry, State};
    use tempfile::TempDir;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn beside(directory: &TempDir) -> Outbox {
        Outbox::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap(), 1_000, NOW)
    }

    fn domain(name: &str) -> PolicyDomain {
        PolicyDomain::parse(name).unwrap()
    }

    fn origin(part: u8) -> Origin {
        Origin { store: "c0ffee".to_owned(), part }
    }

    #[test]
    fn a_part_takes_the_place_of_one_that_is_over_and_of_no_other() {
        let directory = TempDir::new().unwrap();
        let (outbox, day) = (beside(&directory), Day::of(NOW));
        let claim = |part| [(day, domain("a.test"), origin(part))];
        assert_eq!(outbox.take_on(&claim(0), NOW), Ok(vec![true]));
        let due = || outbox.due(NOW, (day, day), None).unwrap();
        let [entry] = <[OutboxEntry; 1]>::try_from(due()).unwrap();
        let made = Made { id: "1".to_owned(), contact: "a@b.test".to_owned(), at: NOW, package: vec![1] };
        outbox.claim(&entry, &made).unwrap();
        assert_eq!(outbox.take_on(&claim(1), NOW), Ok(vec![false]), "its octets stay");
        assert_eq!(outbox.package(day, &entry.domain), Ok(Some(made)));
        outbox.conclude(&[OutboxEntry { state: State::Sent, ..entry.clone() }]).unwrap();
        assert!(due().is_empty());
        assert_eq!(outbox.take_on(&claim(1), NOW), Ok(vec![true]));
        assert_eq!((due().len(), outbox.package(day, &entry.domain)), (1, Ok(None)));
        assert_eq!(outbox.origins().unwrap().get(&(day, domain("a.test"))), Some(&origin(1)));
        outbox.purge(&domain("a.test")).unwrap();
        assert!(outbox.origins().unwrap().is_empty() && due().is_empty());
    }

    #[test]
    fn what_is_handed_in_is_not_told_alone_and_what_was_begun_alone_is_known() {
        let directory = TempDir::new().unwrap();
        let (outbox, day) = (beside(&directory), Day::of(NOW));
        let all = ["begun.test", "planned.test", "other.test"].map(|name| (domain(name), NOW));
        outbox.plan(day, day.before(8), &all).unwrap();
        let begun = outbox.due(NOW, (day, day), None).unwrap().remove(0);
        outbox.conclude(&[OutboxEntry { tries: 1, ..begun }]).unwrap();
        assert_eq!(outbox.begun_alone(day).unwrap(), BTreeSet::from(["begun.test".to_owned()]));
        assert_eq!(outbox.joined(), Ok(None));
        outbox.hand_in("c0ffee", day, ["planned.test", ""].into_iter()).unwrap();
        assert_eq!(outbox.joined(), Ok(Some(day)));
        let due: Vec<_> =
            outbox.due(NOW, (day, day), None).unwrap().into_iter().map(|one| one.domain).collect();
        assert_eq!(due, [domain("begun.test"), domain("other.test")]);
        assert!(outbox.handed_in(day).unwrap().contains("planned.test"));
        // What was told alone is told: a report of the fleet in its place does not make it something to hand in.
        let told = outbox.due(NOW, (day, day), None).unwrap().remove(0);
        outbox.conclude(&[OutboxEntry { state: State::Sent, tries: 1, ..told }]).unwrap();
        assert_eq!(outbox.take_on(&[(day, domain("begun.test"), origin(0))], NOW), Ok(vec![true]));
        assert!(outbox.handed_in(day).unwrap().contains("begun.test"));
        outbox.plan(Day(day.0 + 9), Day(day.0 + 1), &[]).unwrap();
        assert!(outbox.handed_in(day).unwrap().is_empty(), "it is forgotten with the day");
    }

    #[test]
    fn the_outbox_of_the_version_before_keeps_its_reports() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("cache.outbox.db");
        let file = Connection::open(&path).unwrap();
        for definition in super::super::outbox_1::ANCESTOR.definitions.iter().rev() {
            file.execute_batch(definition).unwrap();
        }
        file.pragma_update(None, "application_id", super::super::schema::OUTBOX_ID).unwrap();
        file.pragma_update(None, "user_version", 1).unwrap();
        let day = Day::of(NOW);
        file.execute("INSERT INTO report VALUES (?1, 'a.test', 'due', 1, 0, 0, '')", [integer(day.0)])
            .unwrap();
        drop(file);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        let outbox = beside(&directory);
        assert!(outbox.origins().unwrap().is_empty());
        outbox.hand_in("c0ffee", day, std::iter::once("b.test")).unwrap();
        assert_eq!(outbox.due(NOW, (day, day), None).unwrap().len(), 1);
    }
}
