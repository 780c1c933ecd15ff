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

    /// The same, of which so many days before today are kept.
    #[must_use]
    pub fn keeping(self, days: u64) -> Self {
        Self { kept_days: days, ..self }
    }

    /// The same for whoever only looks.
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

/// Adds to a row; to that of the others where there is no room for one more. `false` if there is none for these, either.
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
    /// Of that day, and of that domain on it.
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

/// The number of a policy, which is given to it where it is new.
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

/// The room that there is for texts.
#[derive(Debug)]
pub(super) struct Room {
    most: u64,
    /// What is taken, once somebody wanted to know.
    taken: Option<u64>,
}

impl Room {
    /// That of a file: half of it at most.
    pub(super) fn of(database: &Database) -> Self {
        Self { most: MAX_REPORTED_TEXTS_STORED.min(database.most_octets() / 2), taken: None }
    }

    /// Takes so much of it; `false` if it is not there.
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

/// The number of a text, which is given to it where it is new.
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
mod tests {
    use super::*;
    use crate::policy::result::ResultType;
    use crate::reports::session::Ended;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use tempfile::TempDir;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn beside(directory: &TempDir, now: UnixTime) -> Counts {
        Counts::beside(&CachePath::parse(&directory.path().join("cache.db")).unwrap(), 1_000, now)
    }

    fn row(number: u64) -> Row {
        Row {
            day: Day::of(NOW),
            domain: PolicyDomain::parse("example.org").unwrap(),
            policy: Applied::new(PolicyType::MtaSts, Mode::Testing, "v=STSv1; id=1\nversion: STSv1\r\n"),
            host: MxHost::from_text(&format!("mx{number}.example.org")).ok(),
            address: Some("2001:db8::25".parse().unwrap()),
            from: Some("192.0.2.1".parse().unwrap()),
            helo: Helo::parse("Mx.example.org"),
            ended: Ended::Failed(ResultType::CertificateExpired),
            code: Some(ReasonCode::SelfSigned),
        }
    }

    fn success() -> Row {
        let policy = Applied::new(PolicyType::None, Mode::None, "");
        Row { policy, ended: Ended::Encrypted, from: None, helo: None, code: None, ..row(9) }
    }

    #[test]
    fn what_is_added_is_there_again_and_adds_up() {
        let directory = TempDir::new().unwrap();
        let all = [(row(1), 2), (row(2), 1), (success(), 40)];
        assert_eq!(beside(&directory, NOW).add(&all), Ok(0));
        assert_eq!(beside(&directory, NOW).add(&[(row(1), 5)]), Ok(0));
        let mut read = beside(&directory, NOW).read_only().of(None).unwrap();
        read.sort();
        let mut expected = vec![(row(1), 7), (row(2), 1), (success(), 40)];
        expected.sort();
        assert_eq!(read, expected);
        let meta = std::fs::metadata(directory.path().join("cache.reports.db")).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.nlink()), (0o640, 1));
    }

    #[test]
    fn nothing_was_counted_where_there_is_no_file_and_a_look_makes_none() {
        let directory = TempDir::new().unwrap();
        assert_eq!(beside(&directory, NOW).read_only().of(None), Ok(vec![]));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_day_is_shown_by_itself_and_forgotten_when_it_is_long_over() {
        let directory = TempDir::new().unwrap();
        let later = NOW.plus(REPORTS_KEPT_DAYS * 86_400);
        assert_eq!(beside(&directory, NOW).add(&[(row(1), 1)]), Ok(0));
        let today = Row { day: Day::of(later), ..success() };
        assert_eq!(beside(&directory, later).add(&[(today.clone(), 1)]), Ok(0));
        let of = |day| beside(&directory, later).of(day).unwrap().len();
        assert_eq!(
            (of(None), of(Some(Day::of(NOW))), of(Some(Day::of(later))), of(Some(Day(0)))),
            (2, 1, 1, 0)
        );
        assert_eq!(beside(&directory, later.plus(86_400)).add(&[(today, 1)]), Ok(0));
        assert_eq!((of(None), of(Some(Day::of(NOW)))), (1, 0));
    }

    #[test]
    fn a_domain_has_so_many_rows_and_the_rest_is_counted_together() {
        let directory = TempDir::new().unwrap();
        let all: Vec<_> = (0..MAX_REPORT_ROWS_PER_DOMAIN + 50).map(|number| (row(number), 1)).collect();
        let (first, second) = all.split_at(600);
        assert_eq!(beside(&directory, NOW).add(first), Ok(0));
        assert_eq!(beside(&directory, NOW).add(second), Ok(0));
        let read = beside(&directory, NOW).of(None).unwrap();
        assert_eq!(u64::try_from(read.len()), Ok(MAX_REPORT_ROWS_PER_DOMAIN + 1));
        assert!(read.contains(&(row(0).among_others(), 50)));
        // A row that is there goes on.
        assert_eq!(beside(&directory, NOW).add(&[(row(3), 1)]), Ok(0));
        assert!(beside(&directory, NOW).of(None).unwrap().contains(&(row(3), 2)));
    }

    #[test]
    fn a_row_that_this_program_would_not_write_is_not_there() {
        let directory = TempDir::new().unwrap();
        beside(&directory, NOW).add(&[(row(1), 1), (row(2), 1)]).unwrap();
        let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
        for (column, value) in [
            ("result", "x"),
            ("host", "a b"),
            ("address", "x"),
            ("domain", "-x"),
            ("helo", "a b"),
            ("code", "x"),
        ] {
            let before: String = file
                .query_row(&format!("SELECT {column} FROM session WHERE host LIKE 'mx1%'"), [], |row| {
                    row.get(0)
                })
                .unwrap();
            let set = |from: &str, to: &str| {
                let change =
                    format!("UPDATE session SET {column} = ?1 WHERE {column} = ?2 AND address <> ''");
                file.execute(&change, [to, from]).unwrap();
            };
            set(&before, value);
            let rest = beside(&directory, NOW).of(None).unwrap();
            assert!(rest.iter().all(|(one, _)| *one == row(2)), "{column}: {rest:?}");
            set(value, &before);
        }
        assert_eq!(beside(&directory, NOW).of(None).unwrap().len(), 2);
    }

    fn long(number: u64) -> Row {
        let text = format!("v=STSv1; id={number:09}\n{}", "mx: mx.example.org\n".repeat(3_000));
        Row { policy: Applied::new(PolicyType::MtaSts, Mode::Enforce, &text), ..row(1) }
    }

    #[test]
    fn a_policy_is_kept_whole_and_once_and_is_forgotten_with_the_last_session_under_it() {
        let directory = TempDir::new().unwrap();
        let mut dane = row(2);
        dane.policy = Applied::new(PolicyType::Dane, Mode::None, "3 1 1 AA\n");
        dane.policy.base = MxHost::from_text("end.example.net").ok();
        let other = Row { domain: PolicyDomain::parse("example.net").unwrap(), ..long(1) };
        let all = [(long(1), 1), (other, 2), (dane, 3)];
        assert_eq!(beside(&directory, NOW).add(&all), Ok(0));
        let mut read = beside(&directory, NOW).of(None).unwrap();
        read.sort();
        let mut expected = all.to_vec();
        expected.sort();
        assert_eq!(read, expected);
        let texts = || {
            let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
            file.query_row("SELECT count(*) FROM text", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        assert_eq!(texts(), 2);
        let later = NOW.plus((REPORTS_KEPT_DAYS + 1) * 86_400);
        assert_eq!(beside(&directory, later).add(&[]), Ok(0));
        assert_eq!(texts(), 0);
    }

    #[test]
    fn what_has_no_room_for_its_text_is_counted_without_and_that_is_said() {
        let directory = TempDir::new().unwrap();
        let most = MAX_REPORTED_TEXTS_STORED.min(crate::limits::CACHE_OCTETS_LEAST / 2);
        let octets = u64::try_from(long(1).policy.text.as_str().unwrap().len()).unwrap();
        let one = |number: u64| Row {
            domain: PolicyDomain::parse(&format!("d{number}.test")).unwrap(),
            ..long(number)
        };
        let all: Vec<_> = (0..most / octets + 5).map(|number| (one(number), 1)).collect();
        assert_eq!(beside(&directory, NOW).add(&all), Ok(0));
        let read = beside(&directory, NOW).of(None).unwrap();
        let left_out = read.iter().filter(|(row, _)| row.policy.text == PolicyText::LeftOut);
        assert_eq!(left_out.map(|(_, number)| number).sum::<u64>(), 5);
        assert_eq!(read.iter().map(|(_, number)| number).sum::<u64>(), most / octets + 5);
        // What is there already has its room.
        assert_eq!(beside(&directory, NOW).add(&[(one(0), 1)]), Ok(0));
        assert!(beside(&directory, NOW).of(None).unwrap().contains(&(one(0), 2)));
    }

    #[test]
    fn a_domain_has_so_many_policies_a_day_and_of_more_the_text_is_left_out() {
        let directory = TempDir::new().unwrap();
        let most = u64::try_from(MAX_REPORTED_TEXTS_OF_DOMAIN).unwrap();
        for numbers in [0..most, most..most + 3, 0..1] {
            let some: Vec<_> = numbers.map(|number| (long(number), 1)).collect();
            assert_eq!(beside(&directory, NOW).add(&some), Ok(0));
        }
        let told = |text: &dyn Fn(&PolicyText) -> bool| {
            let read = beside(&directory, NOW).of(None).unwrap();
            let rows: Vec<u64> =
                read.iter().filter(|(row, _)| text(&row.policy.text)).map(|(_, number)| *number).collect();
            (rows.len(), rows.iter().sum::<u64>())
        };
        assert_eq!(
            told(&|text| matches!(text, PolicyText::Whole(_))),
            (MAX_REPORTED_TEXTS_OF_DOMAIN, most + 1)
        );
        assert_eq!(told(&|text| *text == PolicyText::LeftOut), (1, 3));
        // Another day, another domain have room of their own.
        let tomorrow = Row { day: Day(Day::of(NOW).0 + 1), ..long(most) };
        let other = Row { domain: PolicyDomain::parse("example.net").unwrap(), ..long(most + 1) };
        assert_eq!(beside(&directory, NOW).add(&[(tomorrow, 1), (other, 1)]), Ok(0));
        assert_eq!(told(&|text| matches!(text, PolicyText::Whole(_))).0, MAX_REPORTED_TEXTS_OF_DOMAIN + 2);
    }

    #[test]
    fn a_domain_that_is_purged_leaves_no_policy_behind() {
        let directory = TempDir::new().unwrap();
        let other = Row { domain: PolicyDomain::parse("example.net").unwrap(), ..long(2) };
        assert_eq!(beside(&directory, NOW).add(&[(long(1), 1), (other.clone(), 2)]), Ok(0));
        assert_eq!(beside(&directory, NOW).purge(&long(1).domain), Ok(1));
        assert_eq!(beside(&directory, NOW).of(None).unwrap(), [(other, 2)]);
        let file = Connection::open(directory.path().join("cache.reports.db")).unwrap();
        let texts: i64 = file.query_row("SELECT count(*) FROM text", [], |row| row.get(0)).unwrap();
        assert_eq!(texts, 1);
    }

    /// A file as the version before wrote it.
    fn version_1(directory: &TempDir) -> std::path::PathBuf {
        let path = directory.path().join("cache.reports.db");
        let file = Connection::open(&path).unwrap();
        for definition in super::super::reports_1::ANCESTOR.definitions.iter().rev() {
            file.execute_batch(definition).unwrap();
        }
        file.pragma_update(None, "application_id", super::super::schema::REPORTS_ID).unwrap();
        file.pragma_update(None, "user_version", 1).unwrap();
        let (whole, cut) =
            ("v=STSv1; id=1\nversion: STSv1\n", format!("version: STSv1\n{}", "mx: a.b\n".repeat(200)));
        for (number, text) in [(1, whole), (2, &cut[..1_024]), (3, "")] {
            let policy = (number, if number == 3 { "dane" } else { "mta-sts" }, "testing", text);
            file.execute("INSERT INTO policy VALUES (?1, ?2, ?3, ?4)", policy).unwrap();
            let row = (Day::of(NOW).0, number, format!("mx{number}.example.org"), 10 * number);
            file.execute(
                "INSERT INTO session VALUES (?1, 'example.org', ?2, ?3, '192.0.2.25', '', 'certificate-expired', ?4)",
                (i64::try_from(row.0).unwrap(), row.1, row.2, row.3),
            )
            .unwrap();
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        path
    }

    #[test]
    fn what_the_version_before_counted_stays_counted() {
        let directory = TempDir::new().unwrap();
        let path = version_1(&directory);
        let read = beside(&directory, NOW).of(None).unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|(row, number)| {
                (row.host.as_ref().unwrap().as_str(), row.policy.kind.word(), &row.policy.text, *number)
            })
            .collect();
        let whole = PolicyText::of("v=STSv1; id=1\nversion: STSv1\n");
        assert_eq!(
            told,
            [
                ("mx1.example.org", "mta-sts", &whole, 10),
                ("mx2.example.org", "mta-sts", &PolicyText::LeftOut, 20),
                ("mx3.example.org", "dane", &PolicyText::Nothing, 30),
            ]
        );
        let file = Connection::open(path).unwrap();
        let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 2);
        // The same session again goes into the same row.
        let again = (read[0].0.clone(), 1);
        assert_eq!(beside(&directory, NOW).add(&[again]), Ok(0));
        assert_eq!(beside(&directory, NOW).of(None).unwrap()[0].1, 11);
    }

    #[test]
    fn another_programs_file_is_left_alone() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("cache.reports.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(beside(&directory, NOW).add(&[(row(1), 1)]), Err(CacheError::NotOurs { .. })));
        assert!(matches!(beside(&directory, NOW).of(None), Err(CacheError::NotOurs { .. })));
    }
}
