//! `cache.outbox.db`: the reports on their way, and the destinations that are left alone. It is no cache, but it keeps the rules of one
//! ([`super::file`]).
//!
//! What is about to be done is written down before it is done: a sender that is killed leaves a report that is `claimed`, and nobody
//! has heard of it, or `handed`, and its destination has, or has not. The octets of a report are kept until it is over, so that every
//! copy has the same. Losing the file costs a report, or has one sent twice, never a verdict.

use super::cause::Cause;
use super::database::Database;
use super::error::{CacheError, Use};
use super::file::CachePath;
use super::fingerprint::Fingerprint;
use super::schema::OUTBOX;
use super::statement::{integer, one};
use crate::limits::{MAX_OUTBOX_ROWS, REPORTS_SENT_DAYS};
use crate::name::PolicyDomain;
use crate::reporting::outbox::{Glance, Leg, Made, OutboxEntry, State, Suppression};
use crate::reporting::schedule::Failing;
use crate::reports::tally::Day;
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};
use std::fs::File;
use std::io;

const PLAN: &str = "INSERT OR IGNORE INTO report (day, domain, state, next, first, tries, words)
    VALUES (?1, ?2, 'due', ?3, 0, 0, '')";

/// What nobody asked for is of no use when it cannot leave any more.
const FORGET_UNWANTED: &str = "DELETE FROM report WHERE day < ?1 AND state = 'unwanted'";

const DUE: &str = "SELECT day, domain, state, next, first, tries, words FROM report
    WHERE state IN ('due', 'claimed', 'handed') AND next <= ?1 AND day >= ?2 AND day <= ?3 AND (next, day, domain) > (?4, ?5, ?6)
    ORDER BY next, day, domain LIMIT ?7";

const ONE: &str =
    "SELECT day, domain, state, next, first, tries, words FROM report WHERE day = ?1 AND domain = ?2";

const LIST: &str = "SELECT day, domain, state, next, first, tries, words FROM report
    WHERE (day, domain) > (?1, ?2) ORDER BY day, domain LIMIT ?3";

const LEGS: &str =
    "SELECT place, state, tries, next, words FROM destination WHERE day = ?1 AND domain = ?2 ORDER BY place";

const SET: &str = "UPDATE report SET state = ?3, next = ?4, first = ?5, tries = ?6, words = ?7 WHERE day = ?1 AND domain = ?2";

const ADD_LEG: &str = "INSERT OR IGNORE INTO destination (day, domain, place, state, tries, next, words)
    VALUES (?1, ?2, ?3, 'due', 0, ?4, '')";

const SET_LEG: &str = "UPDATE destination SET state = ?4, tries = ?5, next = ?6, words = ?7
    WHERE day = ?1 AND domain = ?2 AND place = ?3";

const PACK: &str =
    "INSERT OR IGNORE INTO package (day, domain, id, contact, made, octets) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const PACKAGE: &str = "SELECT id, contact, made, octets FROM package WHERE day = ?1 AND domain = ?2";

const UNPACK: &str = "DELETE FROM package WHERE day = ?1 AND domain = ?2";

const STATES: &str = "SELECT state, count(*) FROM report WHERE day = ?1 GROUP BY state";

const FAILED: &str = "SELECT day, domain, state, next, first, tries, words FROM report
    WHERE day BETWEEN ?1 AND ?2 AND (state = 'gave-up' OR state IN ('due', 'claimed', 'handed') AND tries > 0)
    ORDER BY day DESC, domain LIMIT ?3";

const LAST_RUN: &str = "SELECT max(at) FROM run";

const RAN: &str = "INSERT OR REPLACE INTO run (number, at) VALUES (1, ?1)";

const FAILING: &str = "SELECT place, since, until, times, reason, hand FROM suppression WHERE place = ?1";

const ALL_FAILING: &str =
    "SELECT place, since, until, times, reason, hand FROM suppression ORDER BY place LIMIT ?1";

const SET_FAILING: &str = "INSERT OR REPLACE INTO suppression (place, since, until, times, reason, hand)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const FORGIVE: &str = "DELETE FROM suppression WHERE place = ?1 AND (hand = 0 OR until <= ?2)";

const LIFT: &str = "DELETE FROM suppression WHERE place = ?1 OR substr(place, 1, length(?1) + 1) = ?1 || ' '";

/// The file of the outbox, at one moment.
#[derive(Debug)]
pub struct Outbox {
    pub(super) database: Database,
    lock: CachePath,
}

/// The lock that one sender has at a time; it is released when the value is dropped, and when the process ends.
#[derive(Debug)]
pub struct SendingTurn(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

/// What a hand-over says about its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// Nothing new.
    Nothing,
    /// It failed, and is left alone perhaps.
    Failed(Suppression),
    /// It took a report: what it failed for is forgotten.
    Accepted(String),
}

impl Outbox {
    /// The outbox beside the cache at that path; the bound of the file is the cache's own.
    #[must_use]
    pub fn beside(cache: &CachePath, max_domains: u64, now: UnixTime) -> Self {
        let path = cache.of_outbox();
        let lock = path.with_lock();
        Self { database: Database::new(path, &OUTBOX, Fingerprint::OF_NOTHING, max_domains, now), lock }
    }

    /// The same outbox, opened for reading only.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { database: self.database.read_only(), ..self }
    }

    /// The turn to send; `None` if another process has it.
    ///
    /// # Errors
    /// [`CacheError`] if the lock cannot be had, or is not to be believed.
    pub fn turn(&self) -> Result<Option<SendingTurn>, CacheError> {
        self.lock.keeps_the_rules()?;
        let unusable = |error: io::Error| CacheError::Unusable {
            file: self.lock.as_path().to_owned(),
            doing: "locking it",
            to: Use::Write,
            why: Cause::from(&error),
        };
        let file = self.lock.open_to_lock().map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(SendingTurn(file))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// Notes that a run has its turn, and the reports of a day, each with its moment; what is noted already stays as it is. Forgets what is
    /// older than `oldest`.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was noted.
    pub fn plan(
        &self,
        day: Day,
        oldest: Day,
        reports: &[(PolicyDomain, UnixTime)],
    ) -> Result<(), CacheError> {
        self.database.write("noting reports", |transaction| {
            self.forget_in(transaction, oldest)?;
            transaction.execute(FORGET_UNWANTED, [integer(day.before(REPORTS_SENT_DAYS).0)])?;
            transaction.execute(RAN, [integer(self.database.now.0)])?;
            let mut statement = transaction.prepare_cached(PLAN)?;
            for (domain, moment) in reports {
                let key = (integer(day.0), domain.as_str(), integer(moment.0));
                statement.execute(key)?;
            }
            Ok(())
        })
    }

    /// The open reports of those days whose moment has come, the earliest first, behind the last one that was had: [`MAX_OUTBOX_ROWS`]
    /// at most; with their destinations.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn due(
        &self,
        now: UnixTime,
        (first, last): (Day, Day),
        behind: Option<(UnixTime, Day, &PolicyDomain)>,
    ) -> Result<Vec<OutboxEntry>, CacheError> {
        let (next, day, domain) = behind
            .map_or((-1, -1, ""), |(next, day, domain)| (integer(next.0), integer(day.0), domain.as_str()));
        let days = (integer(first.0), integer(last.0));
        let key = (integer(now.0), days.0, days.1, next, day, domain, MAX_OUTBOX_ROWS);
        self.entries(|connection| connection.prepare(DUE)?.query_map(key, entry)?.collect())
    }

    /// One report.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn entry(&self, day: Day, domain: &PolicyDomain) -> Result<Option<OutboxEntry>, CacheError> {
        let key = (integer(day.0), domain.as_str());
        let found = self.entries(|connection| connection.prepare(ONE)?.query_map(key, entry)?.collect())?;
        Ok(found.into_iter().next())
    }

    /// The reports that are kept, by day and domain, behind the last one that was shown: [`MAX_OUTBOX_ROWS`] at most.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn behind(&self, last: Option<(Day, &PolicyDomain)>) -> Result<Vec<OutboxEntry>, CacheError> {
        let (day, domain) = last.map_or((-1, ""), |(day, domain)| (integer(day.0), domain.as_str()));
        let key = (day, domain, MAX_OUTBOX_ROWS);
        self.entries(|connection| connection.prepare(LIST)?.query_map(key, entry)?.collect())
    }

    fn entries(
        &self,
        read: impl Fn(&Connection) -> rusqlite::Result<Vec<Option<OutboxEntry>>>,
    ) -> Result<Vec<OutboxEntry>, CacheError> {
        let entries = self.database.read(|connection| {
            let mut entries: Vec<OutboxEntry> = read(connection)?.into_iter().flatten().collect();
            for one in &mut entries {
                one.destinations = legs(connection, one)?;
            }
            Ok(entries)
        })?;
        Ok(entries.unwrap_or_default())
    }

    /// The octets of a report that was made.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn package(&self, day: Day, domain: &PolicyDomain) -> Result<Option<Made>, CacheError> {
        let made = self.database.read(|connection| {
            let mut statement = connection.prepare_cached(PACKAGE)?;
            let key = (integer(day.0), domain.as_str());
            statement
                .query_row(key, |row| {
                    let at: i64 = row.get(2)?;
                    let at = UnixTime(u64::try_from(at).unwrap_or(0));
                    Ok(Made { id: row.get(0)?, contact: row.get(1)?, at, package: row.get(3)? })
                })
                .optional()
        })?;
        Ok(made.flatten())
    }

    /// Claims a report: it is made, and goes to its destinations. What was made before keeps its octets.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn claim(&self, entry: &OutboxEntry, made: &Made) -> Result<(), CacheError> {
        self.database.write("claiming a report", |transaction| {
            let (day, domain) = (integer(entry.day.0), entry.domain.as_str());
            let pack = (day, domain, &made.id, &made.contact, integer(made.at.0), &made.package);
            transaction.prepare_cached(PACK)?.execute(pack)?;
            for leg in &entry.destinations {
                let key = (day, domain, &leg.key, integer(leg.next.0));
                transaction.prepare_cached(ADD_LEG)?.execute(key)?;
                set_leg(transaction, entry, leg, leg.state)?;
            }
            set(transaction, entry, State::Claimed)
        })
    }

    /// Notes that a report is being handed over to a destination, before it is.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written: then nothing must be handed over.
    pub fn hand(&self, entry: &OutboxEntry, leg: &Leg) -> Result<(), CacheError> {
        self.database.write("handing over a report", |transaction| {
            set_leg(transaction, entry, leg, State::Handed)?;
            set(transaction, entry, State::Handed)
        })
    }

    /// Notes what became of a report at its destinations, how far it is as a whole, and what that means for a destination in reports
    /// to come. Of what is over, the octets go.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn settle(&self, entry: &OutboxEntry, lesson: &Lesson) -> Result<(), CacheError> {
        let now = integer(self.database.now.0);
        self.database.write("noting what became of a report", |transaction| {
            conclude(transaction, entry)?;
            match lesson {
                Lesson::Nothing => Ok(()),
                Lesson::Failed(failing) => remember(transaction, failing),
                Lesson::Accepted(key) => transaction.execute(FORGIVE, (key, now)).map(|_| ()),
            }
        })
    }

    /// Notes how far a report is as a whole; of what is over, the octets go.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn conclude(&self, entries: &[OutboxEntry]) -> Result<(), CacheError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.database.write("noting how far reports are", |transaction| {
            entries.iter().try_for_each(|entry| conclude(transaction, entry))
        })
    }

    /// What is remembered of a destination.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn suppression(&self, key: &str) -> Result<Option<Suppression>, CacheError> {
        let found = self.database.read(|connection| {
            connection.prepare_cached(FAILING)?.query_row([key], suppression).optional()
        })?;
        Ok(found.flatten())
    }

    /// Every destination of which something is remembered, [`MAX_OUTBOX_ROWS`] at most.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn suppressions(&self) -> Result<Vec<Suppression>, CacheError> {
        let all = self.database.read(|connection| {
            connection.prepare(ALL_FAILING)?.query_map([MAX_OUTBOX_ROWS], suppression)?.collect()
        })?;
        Ok(all.unwrap_or_default())
    }

    /// Has a destination left alone.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn suppress(&self, suppression: &Suppression) -> Result<(), CacheError> {
        self.database.write("suppressing a destination", |transaction| remember(transaction, suppression))
    }

    /// Has it tried again; whether it was left alone, or failing.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was written.
    pub fn lift(&self, key: &str) -> Result<bool, CacheError> {
        self.database.write("lifting a suppression", |transaction| Ok(transaction.execute(LIFT, [key])? > 0))
    }

    /// The outbox at a glance: how far the reports about that day are, and what failed of it and the day before, so many at most.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn glance(&self, day: Day, most: u32) -> Result<Glance, CacheError> {
        let mut glance = Glance { day: day.0, ..Glance::default() };
        let read = self.database.read(|connection| {
            let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
            let mut states = connection.prepare(STATES)?;
            let states = states.query_map([integer(day.0)], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((states, one::<Option<i64>>(connection, LAST_RUN, [])?))
        })?;
        let Some((states, last_run)) = read else { return Ok(glance) };
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        glance.last_run = last_run.map(|at| UnixTime(unsigned(at)));
        for (word, number) in states {
            for (place, state) in glance.by_state.iter_mut().zip(State::ALL) {
                if state.word() == word {
                    *place = unsigned(number);
                }
            }
        }
        let key = (integer(day.before(1).0), integer(day.0), most);
        glance.failed =
            self.entries(|connection| connection.prepare(FAILED)?.query_map(key, entry)?.collect())?;
        Ok(glance)
    }
}

fn conclude(transaction: &Transaction<'_>, entry: &OutboxEntry) -> rusqlite::Result<()> {
    set(transaction, entry, entry.state)?;
    for leg in &entry.destinations {
        set_leg(transaction, entry, leg, leg.state)?;
    }
    if !entry.state.is_open() {
        transaction.prepare_cached(UNPACK)?.execute((integer(entry.day.0), entry.domain.as_str()))?;
    }
    Ok(())
}

fn set(transaction: &Transaction<'_>, entry: &OutboxEntry, state: State) -> rusqlite::Result<()> {
    let key = (integer(entry.day.0), entry.domain.as_str());
    let times = (integer(entry.next.0), integer(entry.first.0), integer(entry.tries));
    let values = (key.0, key.1, state.word(), times.0, times.1, times.2, entry.words.as_str());
    transaction.prepare_cached(SET)?.execute(values).map(|_| ())
}

fn set_leg(
    transaction: &Transaction<'_>,
    entry: &OutboxEntry,
    leg: &Leg,
    state: State,
) -> rusqlite::Result<()> {
    let key = (integer(entry.day.0), entry.domain.as_str(), leg.key.as_str());
    let values =
        (key.0, key.1, key.2, state.word(), integer(leg.tries), integer(leg.next.0), leg.words.as_str());
    transaction.prepare_cached(SET_LEG)?.execute(values).map(|_| ())
}

fn remember(transaction: &Transaction<'_>, suppression: &Suppression) -> rusqlite::Result<()> {
    let Suppression { key, failing, reason, is_by_hand } = suppression;
    let numbers = (integer(failing.since), integer(failing.until), i64::from(failing.times));
    let values = (key.as_str(), numbers.0, numbers.1, numbers.2, reason.as_str(), i64::from(*is_by_hand));
    transaction.prepare_cached(SET_FAILING)?.execute(values).map(|_| ())
}

/// A row, without its destinations; one that this program would not write is not there.
fn entry(row: &Row<'_>) -> rusqlite::Result<Option<OutboxEntry>> {
    let number = |column| row.get::<_, i64>(column).ok().and_then(|number| u64::try_from(number).ok());
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let read = || {
        Some(OutboxEntry {
            day: Day(number(0)?),
            domain: PolicyDomain::parse(text(1)?).ok()?,
            state: State::from_word(text(2)?)?,
            next: UnixTime(number(3)?),
            first: UnixTime(number(4)?),
            tries: number(5)?,
            words: inert(text(6)?)?,
            destinations: Vec::new(),
        })
    };
    Ok(read())
}

fn legs(connection: &Connection, entry: &OutboxEntry) -> rusqlite::Result<Vec<Leg>> {
    let read = |row: &Row<'_>| {
        let number = |column| row.get::<_, i64>(column).ok().and_then(|number| u64::try_from(number).ok());
        let text = |column| row.get_ref(column).ok()?.as_str().ok();
        let read = || {
            Some(Leg {
                key: inert(text(0)?)?,
                state: State::from_word(text(1)?)?,
                tries: number(2)?,
                next: UnixTime(number(3)?),
                words: inert(text(4)?)?,
            })
        };
        Ok(read())
    };
    let mut statement = connection.prepare_cached(LEGS)?;
    let legs = statement.query_map((integer(entry.day.0), entry.domain.as_str()), read)?;
    Ok(legs.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn suppression(row: &Row<'_>) -> rusqlite::Result<Suppression> {
    let number = |column| row.get::<_, i64>(column).map(|number| u64::try_from(number).unwrap_or(0));
    let text = |column| row.get::<_, String>(column).map(|text| inert(&text).unwrap_or_default());
    let times = u32::try_from(number(3)?).unwrap_or(u32::MAX);
    let failing = Failing { since: number(1)?, until: number(2)?, times };
    Ok(Suppression { key: text(0)?, failing, reason: text(4)?, is_by_hand: number(5)? > 0 })
}

/// A text as this program writes it: printable ASCII.
fn inert(text: &str) -> Option<String> {
    text.bytes().all(|octet| (b' '..=b'~').contains(&octet)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;
