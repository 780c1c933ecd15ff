//! `cache.reports.db`: the counts for TLS reports, by day. It is no cache, but it keeps the rules of one ([`super::file`]).
//!
//! Losing it costs a report, never a verdict.

use super::database::Database;
use super::error::CacheError;
use super::file::CachePath;
use super::fingerprint::Fingerprint;
use super::schema::REPORTS;
use super::statement::integer;
use crate::limits::{
    MAX_REPORT_ROWS_PER_DAY, MAX_REPORT_ROWS_PER_DOMAIN, MAX_REPORTED_TEXTS_OF_DOMAIN,
    MAX_REPORTED_TEXTS_STORED, REPORTS_KEPT_DAYS,
};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::reason_code::ReasonCode;
use crate::policy::{Mode, PolicyType};
use crate::reports::helo::Helo;
use crate::reports::session::Ended;
use crate::reports::tally::{Applied, Day, Row};
use crate::reports::text::PolicyText;
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension, Params, Transaction, named_params};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const ADD: &str = "UPDATE session SET number = number + :number
    WHERE day = :day AND domain = :domain AND policy = :policy AND host = :host AND address = :address
    AND sender = :sender AND helo = :helo AND result = :result AND code = :code";

const INSERT: &str =
    "INSERT INTO session (day, domain, policy, host, address, sender, helo, result, code, number)
    VALUES (:day, :domain, :policy, :host, :address, :sender, :helo, :result, :code, :number)";

const OF_DAY: &str = "SELECT count(*) FROM session WHERE day = ?1";

const OF_DOMAIN: &str = "SELECT count(*) FROM session WHERE day = ?1 AND domain = ?2";

const FIND_POLICY: &str =
    "SELECT number FROM policy WHERE text = ?4 AND kind = ?1 AND mode = ?2 AND base = ?3";

const ADD_POLICY: &str = "INSERT INTO policy (kind, mode, base, text) VALUES (?1, ?2, ?3, ?4)";

const FIND_TEXT: &str = "SELECT number FROM text WHERE digest = ?1";

const ADD_TEXT: &str = "INSERT INTO text (digest, octets, text) VALUES (?1, ?2, ?3)";

const OCTETS_OF_TEXTS: &str = "SELECT coalesce(sum(octets), 0) FROM text";

/// What stands for a text that is none, and for one that has no room.
const NOTHING: i64 = 0;
const LEFT_OUT: i64 = -1;

const TEXTS_OF_DOMAIN: &str = "SELECT DISTINCT digest FROM session
    JOIN policy ON policy.number = session.policy JOIN text ON text.number = policy.text
    WHERE day = ?1 AND domain = ?2";

const FORGET: &str = "DELETE FROM session WHERE day < ?1";

const HAS_OLD: &str = "SELECT EXISTS (SELECT 1 FROM session WHERE day < ?1)";

const FORGET_POLICIES: &str = "DELETE FROM policy WHERE number NOT IN (SELECT policy FROM session);
    DELETE FROM text WHERE number NOT IN (SELECT text FROM policy)";

const ALL: &str = "SELECT day, domain, policy, host, address, sender, helo, result, code, number FROM session
    WHERE day BETWEEN ?1 AND ?2
    ORDER BY day, domain, policy, result, code, host, address, sender, helo";

const POLICY: &str = "SELECT kind, mode, base, policy.text, text.text FROM policy
    LEFT JOIN text ON text.number = policy.text WHERE policy.number = ?1";

const DOMAINS: &str = "SELECT DISTINCT domain FROM session WHERE day = ?1 ORDER BY domain";

const ALL_OF_DOMAIN: &str =
    "SELECT day, domain, policy, host, address, sender, helo, result, code, number FROM session
    WHERE day = ?1 AND domain = ?2 ORDER BY policy, result, code, host, address, sender, helo";

const PURGE: &str = "DELETE FROM session WHERE domain = ?1";

/// The file of the counts, at one moment.
#[derive(Debug)]
pub struct Counts {
    database: Database,
    kept_days: u64,
}

impl Counts {
    /// The counts beside the cache at that path; the bound of the file is the cache's own.
    #[must_use]
    pub fn beside(cache: &CachePath, max_domains: u64, now: UnixTime) -> Self {
        let path = cache.of_reports();
        let database = Database::new(path, &REPORTS, Fingerprint::OF_NOTHING, max_domains, now);
        Self { database, kept_days: REPORTS_KEPT_DAYS }
    }

    /// The same counts, kept for so many days before today.
    #[must_use]
    pub fn keeping(self, days: u64) -> Self {
        Self { kept_days: days, ..self }
    }

    /// The same counts, opened for reading only.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { database: self.database.read_only(), ..self }
    }

    /// Adds what was counted, all or nothing, and forgets days that are long over. Returns the sessions for which there was
    /// no room.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was added.
    pub fn add(&self, counted: &[(Row, u64)]) -> Result<u64, CacheError> {
        let oldest = Day::of(self.database.now).before(self.kept_days);
        self.database.write("counting sessions", |transaction| {
            if transaction.execute(FORGET, [integer(oldest.0)])? > 0 {
                transaction.execute_batch(FORGET_POLICIES)?;
            }
            let mut lost = 0_u64;
            let mut rows = Rows::default();
            let mut room = Room::of(&self.database);
            for (row, number) in counted {
                if !add(transaction, row, *number, &mut rows, &mut room)? {
                    lost = lost.saturating_add(*number);
                }
            }
            Ok(lost)
        })
    }

    /// Forgets days that are long over, if there are any: nobody may count any more.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was forgotten.
    pub fn forget(&self) -> Result<(), CacheError> {
        let oldest = [integer(Day::of(self.database.now).before(self.kept_days).0)];
        let has_old =
            self.database.read(|connection| connection.query_row(HAS_OLD, oldest, |row| row.get(0)))?;
        if has_old != Some(true) {
            return Ok(());
        }
        self.database.write("forgetting old counts", |transaction| {
            transaction.execute(FORGET, oldest)?;
            transaction.execute_batch(FORGET_POLICIES)
        })
    }

    /// What was counted on one day, or on all that are remembered, in the order of days and domains. What cannot be read is
    /// not there.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn of(&self, day: Option<Day>) -> Result<Vec<(Row, u64)>, CacheError> {
        let (first, last) = day.map_or((0, i64::MAX), |day| (integer(day.0), integer(day.0)));
        self.rows(ALL, [first, last])
    }

    /// The rows that a statement finds, which selects the columns of [`ALL`].
    fn rows(&self, statement: &str, key: impl Params + Clone) -> Result<Vec<(Row, u64)>, CacheError> {
        let rows = self.database.read(|connection| {
            let mut policies = HashMap::new();
            let mut statement = connection.prepare(statement)?;
            let mut found = statement.query(key.clone())?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                rows.extend(understand(row, connection, &mut policies));
            }
            Ok(rows)
        })?;
        Ok(rows.unwrap_or_default())
    }

    /// The domains of which something was counted on a day, in their order.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn domains(&self, day: Day) -> Result<Vec<PolicyDomain>, CacheError> {
        let names = self.database.read(|connection| {
            let mut statement = connection.prepare(DOMAINS)?;
            let names = statement.query_map([integer(day.0)], |row| {
                Ok(row.get_ref(0)?.as_str().ok().and_then(|name| PolicyDomain::parse(name).ok()))
            })?;
            names.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(names.unwrap_or_default().into_iter().flatten().collect())
    }

    /// What was counted of one domain on one day: a report's worth, so that those of very many domains are never in memory together.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn of_domain(&self, day: Day, domain: &PolicyDomain) -> Result<Vec<(Row, u64)>, CacheError> {
        self.rows(ALL_OF_DOMAIN, (integer(day.0), domain.as_str()))
    }

    /// Forgets all that was counted of a domain; how many rows that were.
    ///
    /// # Errors
    /// [`CacheError`] if nothing was forgotten.
    pub fn purge(&self, domain: &PolicyDomain) -> Result<usize, CacheError> {
        // Where there is nothing to be forgotten no file is made for it.
        let known = self.database.read(|connection| {
            connection.query_row("SELECT count(*) FROM session WHERE domain = ?1", [domain.as_str()], |row| {
                row.get::<_, i64>(0)
            })
        })?;
        if known.unwrap_or(0) == 0 {
            return Ok(0);
        }
        self.database.write("forgetting a domain", |transaction| {
            let rows = transaction.execute(PURGE, [domain.as_str()])?;
            transaction.execute_batch(FORGET_POLICIES)?;
            Ok(rows)
        })
    }
}

/// Adds sessions to a row. Where there is no room for a new row they are counted among the others; `false` if there is no room
/// for those either.
fn add(
    transaction: &Transaction<'_>,
    row: &Row,
    number: u64,
    rows: &mut Rows,
    room: &mut Room,
) -> rusqlite::Result<bool> {
    let bounded;
    let row = if rows.has_room_for_text(transaction, row)? {
        row
    } else {
        let policy = Applied { text: PolicyText::LeftOut, ..row.policy.clone() };
        bounded = Row { policy, ..row.clone() };
        &bounded
    };
    let policy = policy(transaction, &row.policy, room)?;
    if insert(transaction, ADD, row, policy, number)? {
        return Ok(true);
    }
    let day = integer(row.day.0);
    let (of_day, of_domain) = rows.of(transaction, day, &row.domain)?;
    if of_day < MAX_REPORT_ROWS_PER_DAY && of_domain < MAX_REPORT_ROWS_PER_DOMAIN {
        rows.one_more(day, &row.domain);
        return insert(transaction, INSERT, row, policy, number);
    }
    let others = row.clone().among_others();
    if insert(transaction, ADD, &others, policy, number)? {
        return Ok(true);
    }
    // Every kind of end may have its row of others, and a day its domains.
    let has_room = of_day < 2 * MAX_REPORT_ROWS_PER_DAY && of_domain < 2 * MAX_REPORT_ROWS_PER_DOMAIN;
    if has_room {
        rows.one_more(day, &row.domain);
    }
    Ok(has_room && insert(transaction, INSERT, &others, policy, number)?)
}

/// How many rows there are, counted once for each day and each domain of what is added together.
#[derive(Default)]
struct Rows {
    of_day: BTreeMap<i64, u64>,
    of_domain: BTreeMap<(i64, PolicyDomain), u64>,
    /// The digests of the texts under which a domain's sessions of a day are counted.
    texts: BTreeMap<(i64, PolicyDomain), BTreeSet<Vec<u8>>>,
}

impl Rows {
    /// The rows of that day, and of that domain on it.
    fn of(
        &mut self,
        transaction: &Transaction<'_>,
        day: i64,
        domain: &PolicyDomain,
    ) -> rusqlite::Result<(u64, u64)> {
        let of_day = match self.of_day.get(&day) {
            Some(number) => *number,
            None => one(transaction, OF_DAY, [day])?,
        };
        let key = (day, domain.clone());
        let of_domain = match self.of_domain.get(&key) {
            Some(number) => *number,
            None => one(transaction, OF_DOMAIN, (day, domain.as_str()))?,
        };
        self.of_day.insert(day, of_day);
        self.of_domain.insert(key, of_domain);
        Ok((of_day, of_domain))
    }

    /// Whether sessions may be counted under the text of that row: a domain has few policies a day, whoever publishes a new one for each.
    fn has_room_for_text(&mut self, transaction: &Transaction<'_>, row: &Row) -> rusqlite::Result<bool> {
        let PolicyText::Whole(text) = &row.policy.text else { return Ok(true) };
        let texts = match self.texts.entry((integer(row.day.0), row.domain.clone())) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let mut statement = transaction.prepare_cached(TEXTS_OF_DOMAIN)?;
                let key = (new.key().0, row.domain.as_str());
                let found = statement.query_map(key, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
                new.insert(found)
            }
        };
        let digest = text.digest().as_slice();
        if texts.contains(digest) {
            return Ok(true);
        }
        let has_room = texts.len() < MAX_REPORTED_TEXTS_OF_DOMAIN;
        if has_room {
            texts.insert(digest.to_vec());
        }
        Ok(has_room)
    }

    fn one_more(&mut self, day: i64, domain: &PolicyDomain) {
        let numbers = [self.of_day.get_mut(&day), self.of_domain.get_mut(&(day, domain.clone()))];
        for number in numbers.into_iter().flatten() {
            *number = number.saturating_add(1);
        }
    }
}

fn one(transaction: &Transaction<'_>, statement: &'static str, key: impl Params) -> rusqlite::Result<u64> {
    let count: i64 = transaction.prepare_cached(statement)?.query_row(key, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn insert(
    transaction: &Transaction<'_>,
    statement: &'static str,
    row: &Row,
    policy: i64,
    number: u64,
) -> rusqlite::Result<bool> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let changed = transaction.prepare_cached(statement)?.execute(named_params! {
        ":day": integer(row.day.0),
        ":domain": row.domain.as_str(),
        ":policy": policy,
        ":host": row.host.as_ref().map_or("", |host| host.as_str()),
        ":address": text(row.address.map(|address| address.to_string())),
        ":sender": text(row.from.map(|address| address.to_string())),
        ":helo": row.helo.as_ref().map_or("", |helo| helo.as_str()),
        ":result": row.ended.word(),
        ":code": text(row.code.map(|code| code.to_string())),
        ":number": integer(number),
    })?;
    Ok(changed > 0)
}

/// The number of a policy; a new policy is stored under a new number.
fn policy(transaction: &Transaction<'_>, policy: &Applied, room: &mut Room) -> rusqlite::Result<i64> {
    let text = text(transaction, &policy.text, room)?;
    let base = policy.base.as_ref().map_or("", |base| base.as_str());
    let key = (policy.kind.word(), policy.mode.word(), base, text);
    let found = transaction.prepare_cached(FIND_POLICY)?.query_row(key, |row| row.get(0)).optional()?;
    match found {
        Some(number) => Ok(number),
        None => {
            transaction.prepare_cached(ADD_POLICY)?.execute(key)?;
            Ok(transaction.last_insert_rowid())
        }
    }
}

/// The room for the texts of policies in the file.
#[derive(Debug)]
pub(super) struct Room {
    most: u64,
    /// Octets that are taken; `None` until they are first asked for.
    taken: Option<u64>,
}

impl Room {
    /// The room in one file: half of it at most.
    pub(super) fn of(database: &Database) -> Self {
        Self { most: MAX_REPORTED_TEXTS_STORED.min(database.most_octets() / 2), taken: None }
    }

    /// Takes so many octets; `false` if there are not that many left.
    fn take(&mut self, transaction: &Transaction<'_>, octets: u64) -> rusqlite::Result<bool> {
        let taken = match self.taken {
            Some(taken) => taken,
            None => one(transaction, OCTETS_OF_TEXTS, [])?,
        };
        let then = taken.saturating_add(octets);
        let is_there = then <= self.most;
        self.taken = Some(if is_there { then } else { taken });
        Ok(is_there)
    }
}

/// The number of a text; a new text is stored under a new number.
pub(super) fn text(
    transaction: &Transaction<'_>,
    text: &PolicyText,
    room: &mut Room,
) -> rusqlite::Result<i64> {
    let text = match text {
        PolicyText::Nothing => return Ok(NOTHING),
        PolicyText::LeftOut => return Ok(LEFT_OUT),
        PolicyText::Whole(text) => text,
    };
    let key = [text.digest().as_slice()];
    let found = transaction.prepare_cached(FIND_TEXT)?.query_row(key, |row| row.get(0)).optional()?;
    if let Some(number) = found {
        return Ok(number);
    }
    let octets = u64::try_from(text.as_str().len()).unwrap_or(u64::MAX);
    if !room.take(transaction, octets)? {
        return Ok(LEFT_OUT);
    }
    let key = (text.digest().as_slice(), integer(octets), text.as_str());
    transaction.prepare_cached(ADD_TEXT)?.execute(key)?;
    Ok(transaction.last_insert_rowid())
}

/// The policy of that number; `None` for one that this program would not write.
fn applied(connection: &Connection, number: i64) -> rusqlite::Result<Option<Applied>> {
    let read = |row: &rusqlite::Row<'_>| {
        let word = |column| row.get_ref(column).ok()?.as_str().ok();
        let parsed = || {
            let (kind, mode) = (PolicyType::from_word(word(0)?)?, Mode::from_word(word(1)?)?);
            let base = match word(2)? {
                "" => None,
                base => Some(MxHost::from_text(base).ok()?),
            };
            let text = match row.get::<_, i64>(3).ok()? {
                NOTHING => PolicyText::Nothing,
                LEFT_OUT => PolicyText::LeftOut,
                _ => PolicyText::of(word(4)?),
            };
            Some(Applied { kind, mode, base, text })
        };
        Ok(parsed())
    };
    let key = [number];
    Ok(connection.prepare_cached(POLICY)?.query_row(key, |row| read(row)).optional()?.flatten())
}

/// A row as this program writes it; policies that were read before are shared.
fn understand(
    row: &rusqlite::Row<'_>,
    connection: &Connection,
    policies: &mut HashMap<i64, Option<Applied>>,
) -> Option<(Row, u64)> {
    let number = |column| row.get::<_, i64>(column).ok().and_then(|number| u64::try_from(number).ok());
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let optional = |column| text(column).map(|text| Some(text).filter(|text| !text.is_empty()));
    let parsed = |column| -> Option<Option<std::net::IpAddr>> {
        optional(column)?.map(|text| text.parse().ok()).map_or(Some(None), |address| address.map(Some))
    };
    let its_policy: i64 = row.get(2).ok()?;
    let policy = match policies.get(&its_policy) {
        Some(policy) => policy.clone(),
        None => {
            let policy = applied(connection, its_policy).ok().flatten();
            policies.insert(its_policy, policy.clone());
            policy
        }
    };
    let row = Row {
        day: Day(number(0)?),
        domain: PolicyDomain::parse(text(1)?).ok()?,
        policy: policy?,
        host: match optional(3)? {
            None => None,
            Some(host) => Some(MxHost::from_text(host).ok()?),
        },
        address: parsed(4)?,
        from: parsed(5)?,
        helo: match optional(6)? {
            None => None,
            Some(helo) => Some(Helo::parse(helo)?),
        },
        ended: Ended::from_word(text(7)?)?,
        code: match optional(8)? {
            None => None,
            Some(code) => Some(ReasonCode::from_word(code)?),
        },
    };
    Some((row, number(9)?))
}

#[cfg(test)]
mod tests;
