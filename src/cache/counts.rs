//! `cache.reports.db`: the counts for TLS reports, by day. It is no cache, but it keeps the rules of one ([`super::file`]).
//!
//! Losing it costs a report, never a verdict.

use super::database::Database;
use super::error::CacheError;
use super::file::CachePath;
use super::fingerprint::Fingerprint;
use super::schema::REPORTS;
use crate::limits::{MAX_REPORT_ROWS_PER_DAY, MAX_REPORT_ROWS_PER_DOMAIN, REPORTS_KEPT_DAYS};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{Mode, PolicyType};
use crate::reports::session::Ended;
use crate::reports::tally::{Applied, Day, Row};
use crate::time::UnixTime;
use rusqlite::{OptionalExtension, Params, Transaction, named_params};
use std::collections::BTreeMap;

const ADD: &str = "UPDATE session SET number = number + :number
    WHERE day = :day AND domain = :domain AND policy = :policy AND host = :host AND address = :address
    AND sender = :sender AND result = :result";

const INSERT: &str = "INSERT INTO session (day, domain, policy, host, address, sender, result, number)
    VALUES (:day, :domain, :policy, :host, :address, :sender, :result, :number)";

const OF_DAY: &str = "SELECT count(*) FROM session WHERE day = ?1";

const OF_DOMAIN: &str = "SELECT count(*) FROM session WHERE day = ?1 AND domain = ?2";

const FIND_POLICY: &str = "SELECT number FROM policy WHERE text = ?3 AND kind = ?1 AND mode = ?2";

const ADD_POLICY: &str = "INSERT INTO policy (kind, mode, text) VALUES (?1, ?2, ?3)";

const FORGET: &str = "DELETE FROM session WHERE day < ?1";

const FORGET_POLICIES: &str = "DELETE FROM policy WHERE number NOT IN (SELECT policy FROM session)";

const ALL: &str = "SELECT day, domain, kind, mode, text, host, address, sender, result, session.number
    FROM session JOIN policy ON policy.number = session.policy
    WHERE day BETWEEN ?1 AND ?2 ORDER BY day, domain, session.policy, result, host, address, sender";

const DOMAINS: &str = "SELECT DISTINCT domain FROM session WHERE day = ?1 ORDER BY domain";

const ALL_OF_DOMAIN: &str =
    "SELECT day, domain, kind, mode, text, host, address, sender, result, session.number
    FROM session JOIN policy ON policy.number = session.policy
    WHERE day = ?1 AND domain = ?2 ORDER BY session.policy, result, host, address, sender";

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
                transaction.execute(FORGET_POLICIES, [])?;
            }
            let mut lost = 0_u64;
            let mut rows = Rows::default();
            for (row, number) in counted {
                if !add(transaction, row, *number, &mut rows)? {
                    lost = lost.saturating_add(*number);
                }
            }
            Ok(lost)
        })
    }

    /// What was counted on one day, or on all that are remembered, in the order of days and domains. What cannot be read is
    /// not there.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn of(&self, day: Option<Day>) -> Result<Vec<(Row, u64)>, CacheError> {
        let (first, last) = day.map_or((0, i64::MAX), |day| (integer(day.0), integer(day.0)));
        let rows = self.database.read(|connection| {
            let mut statement = connection.prepare(ALL)?;
            let rows = statement.query_map([first, last], |row| Ok(understand(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(rows.unwrap_or_default().into_iter().flatten().collect())
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
        let rows = self.database.read(|connection| {
            let mut statement = connection.prepare_cached(ALL_OF_DOMAIN)?;
            let rows = statement.query_map((integer(day.0), domain.as_str()), |row| Ok(understand(row)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        Ok(rows.unwrap_or_default().into_iter().flatten().collect())
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
            transaction.execute(FORGET_POLICIES, [])?;
            Ok(rows)
        })
    }
}

/// Adds to a row; to that of the others where there is no room for one more. `false` if there is none for these, either.
fn add(transaction: &Transaction<'_>, row: &Row, number: u64, rows: &mut Rows) -> rusqlite::Result<bool> {
    let policy = policy(transaction, &row.policy)?;
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
        ":result": row.ended.word(),
        ":number": integer(number),
    })?;
    Ok(changed > 0)
}

/// The number of a policy, which is given to it where it is new.
fn policy(transaction: &Transaction<'_>, policy: &Applied) -> rusqlite::Result<i64> {
    let key = (policy.kind.word(), policy.mode.word(), policy.text.as_str());
    let found = transaction.prepare_cached(FIND_POLICY)?.query_row(key, |row| row.get(0)).optional()?;
    match found {
        Some(number) => Ok(number),
        None => {
            transaction.prepare_cached(ADD_POLICY)?.execute(key)?;
            Ok(transaction.last_insert_rowid())
        }
    }
}

fn understand(row: &rusqlite::Row<'_>) -> Option<(Row, u64)> {
    let number = |column| row.get::<_, i64>(column).ok().and_then(|number| u64::try_from(number).ok());
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let optional = |column| text(column).map(|text| Some(text).filter(|text| !text.is_empty()));
    let parsed = |column| -> Option<Option<std::net::IpAddr>> {
        optional(column)?.map(|text| text.parse().ok()).map_or(Some(None), |address| address.map(Some))
    };
    let row = Row {
        day: Day(number(0)?),
        domain: PolicyDomain::parse(text(1)?).ok()?,
        policy: Applied::new(PolicyType::from_word(text(2)?)?, Mode::from_word(text(3)?)?, text(4)?),
        host: match optional(5)? {
            None => None,
            Some(host) => Some(MxHost::from_text(host).ok()?),
        },
        address: parsed(6)?,
        from: parsed(7)?,
        ended: Ended::from_word(text(8)?)?,
    };
    Some((row, number(9)?))
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
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
            ended: Ended::Failed(ResultType::CertificateExpired),
        }
    }

    fn success() -> Row {
        let policy = Applied::new(PolicyType::None, Mode::None, "");
        Row { policy, ended: Ended::Encrypted, from: None, ..row(9) }
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
        let file = rusqlite::Connection::open(directory.path().join("cache.reports.db")).unwrap();
        for (column, value) in [("result", "x"), ("host", "a b"), ("address", "x"), ("domain", "-x")] {
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

    #[test]
    fn another_programs_file_is_left_alone() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("cache.reports.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(beside(&directory, NOW).add(&[(row(1), 1)]), Err(CacheError::NotOurs { .. })));
        assert!(matches!(beside(&directory, NOW).of(None), Err(CacheError::NotOurs { .. })));
    }
}
