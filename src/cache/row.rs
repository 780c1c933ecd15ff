//! One row of `policy`, as SQLite holds it.

use super::Policies;
use super::fingerprint::{Fingerprint, short_digest};
use crate::limits::{CLOCK_JUMP, MAX_POLICY_LIFE, MAX_STORED_POLICY_OCTETS, MAX_TXT_OCTETS};
use crate::name::PolicyDomain;
use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
use crate::time::UnixTime;
use rusqlite::{Connection, Row, named_params};

/// Both dialects at once; what is too long to be ours is not even read.
const SELECT: &str =
    "SELECT domain, mechanism,
    CASE WHEN octet_length(record) <= :longest_record AND coalesce(octet_length(body), 0) <= :longest_body THEN record END,
    authentication, fetched_at, expires_at, applied_at, tls_only, checksum,
    CASE WHEN octet_length(body) <= :longest_body THEN body END
    FROM policy WHERE domain = :domain AND fingerprint = :fingerprint";

const ALL: &str =
    "SELECT domain, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum, body
    FROM policy WHERE fingerprint = :fingerprint
    AND octet_length(record) <= :longest_record AND coalesce(octet_length(body), 0) <= :longest_body";

const COUNT: &str = "SELECT count(*) FROM policy WHERE fingerprint = :fingerprint";

/// The rows after a key, in the order of the domains. A domain is compared as octets, whatever they are.
const SELECT_AFTER: &str =
    "SELECT domain, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum, body
    FROM policy WHERE fingerprint = :fingerprint
    AND (domain, mechanism) > (CAST(:domain AS TEXT), CAST(:mechanism AS TEXT))
    AND octet_length(record) <= :longest_record AND coalesce(octet_length(body), 0) <= :longest_body
    ORDER BY domain, mechanism LIMIT :most";

/// Those in force that end first; the index alone tells which.
const SELECT_SOONEST: &str =
    "SELECT domain, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum, body
    FROM policy WHERE (domain, fingerprint, mechanism) IN
    (SELECT domain, fingerprint, mechanism FROM policy
    WHERE fingerprint = :fingerprint AND expires_at > :now AND (mechanism = 'mta-sts' OR applied_at IS NOT NULL)
    ORDER BY expires_at LIMIT :most)
    AND octet_length(record) <= :longest_record AND coalesce(octet_length(body), 0) <= :longest_body
    ORDER BY expires_at, domain";

/// No `INSERT OR REPLACE`: what it removes runs no trigger, and would not be counted.
const REPLACE: &str = "INSERT INTO policy
    (domain, fingerprint, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum, body)
    VALUES (:domain, :fingerprint, :mechanism, :record, :authentication, :fetched_at, :expires_at, :applied_at,
    :tls_only, :checksum, :body)
    ON CONFLICT (domain, fingerprint, mechanism) DO UPDATE SET record = excluded.record,
    authentication = excluded.authentication, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at,
    applied_at = excluded.applied_at, tls_only = excluded.tls_only, checksum = excluded.checksum, body = excluded.body";

/// The statements that a look-up may need here.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SELECT, REPLACE];

/// Where to go on behind a page of rows; the default is before the first one.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    domain: Vec<u8>,
    mechanism: Vec<u8>,
}

/// How many rows this program would not have written: they are damaged.
pub(super) fn damaged(connection: &Connection, fingerprint: Fingerprint) -> rusqlite::Result<u64> {
    let (longest_record, longest_body) = longest();
    let key = named_params! { ":fingerprint": fingerprint.as_bytes() };
    let all: i64 = connection.query_row(COUNT, key, |row| row.get(0))?;
    let mut statement = connection.prepare_cached(ALL)?;
    let mut rows = statement.query(named_params! {
        ":fingerprint": fingerprint.as_bytes(),
        ":longest_record": longest_record,
        ":longest_body": longest_body,
    })?;
    let mut whole = 0;
    while let Some(row) = rows.next()? {
        whole += i64::from(understand(row, fingerprint).is_some());
    }
    Ok(u64::try_from(all.saturating_sub(whole)).unwrap_or(0))
}

/// What is stored for a domain at that moment, the ended policies included.
pub(super) fn select(
    connection: &Connection,
    domain: &PolicyDomain,
    fingerprint: Fingerprint,
    now: UnixTime,
) -> rusqlite::Result<Policies> {
    let (longest_record, longest_body) = longest();
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query(named_params! {
        ":domain": domain.as_str(),
        ":fingerprint": fingerprint.as_bytes(),
        ":longest_record": longest_record,
        ":longest_body": longest_body,
    })?;
    let mut policies = Policies::default();
    while let Some(row) = rows.next()? {
        match understand(row, fingerprint) {
            Some(policy) => {
                let dialect = policy.policy.dialect();
                *policies.of_mut(dialect) = Some(policy);
            }
            None => policies.unreadable.extend(perhaps_in_force(row, now)),
        }
    }
    Ok(policies)
}

/// Some of the rows behind a mark, and the mark behind them; no mark when there are no more.
pub(super) fn page(
    connection: &Connection,
    after: &Mark,
    most: i64,
    fingerprint: Fingerprint,
) -> rusqlite::Result<(Vec<StoredPolicy>, Option<Mark>)> {
    let (longest_record, longest_body) = longest();
    let mut statement = connection.prepare_cached(SELECT_AFTER)?;
    let mut rows = statement.query(named_params! {
        ":domain": after.domain,
        ":fingerprint": fingerprint.as_bytes(),
        ":mechanism": after.mechanism,
        ":longest_record": longest_record,
        ":longest_body": longest_body,
        ":most": most,
    })?;
    let (mut policies, mut mark) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let octets = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_bytes()?.to_vec());
        mark = Some(Mark { domain: octets(0)?, mechanism: octets(1)? });
        policies.extend(understand(row, fingerprint));
    }
    Ok((policies, mark))
}

/// The policies in force that end first, at most so many, the first one first.
pub(super) fn soonest(
    connection: &Connection,
    now: UnixTime,
    most: u32,
    fingerprint: Fingerprint,
) -> rusqlite::Result<Vec<StoredPolicy>> {
    let (longest_record, longest_body) = longest();
    let mut statement = connection.prepare_cached(SELECT_SOONEST)?;
    let mut rows = statement.query(named_params! {
        ":fingerprint": fingerprint.as_bytes(),
        ":now": integer(now),
        ":most": most,
        ":longest_record": longest_record,
        ":longest_body": longest_body,
    })?;
    let mut policies = Vec::new();
    while let Some(row) = rows.next()? {
        policies.extend(understand(row, fingerprint));
    }
    Ok(policies)
}

/// Writes one row.
pub(super) fn replace(
    connection: &Connection,
    policy: &StoredPolicy,
    fingerprint: Fingerprint,
) -> rusqlite::Result<()> {
    let text = policy.policy.to_text();
    let columns = Columns::of(policy, &text);
    connection.prepare_cached(REPLACE)?.execute(named_params! {
        ":domain": columns.domain,
        ":fingerprint": fingerprint.as_bytes(),
        ":mechanism": columns.mechanism,
        ":record": columns.record,
        ":authentication": columns.authentication,
        ":fetched_at": columns.fetched_at,
        ":expires_at": columns.expires_at,
        ":applied_at": columns.applied_at,
        ":tls_only": columns.tls_only,
        ":checksum": columns.checksum(fingerprint),
        ":body": columns.body,
    })?;
    Ok(())
}

/// The most octets of a record and of a body.
fn longest() -> (i64, i64) {
    let integer = |octets: usize| i64::try_from(octets).unwrap_or(i64::MAX);
    (integer(MAX_TXT_OCTETS), integer(MAX_STORED_POLICY_OCTETS))
}

/// A row's columns, as SQLite holds them.
#[derive(Debug, PartialEq, Eq)]
struct Columns<'a> {
    domain: &'a str,
    mechanism: &'a str,
    /// The first line of the policy's text: the TXT record.
    record: &'a str,
    /// The rest of the text, if there is any.
    body: Option<&'a str>,
    authentication: &'a str,
    fetched_at: i64,
    expires_at: i64,
    applied_at: Option<i64>,
    tls_only: &'a str,
}

impl<'a> Columns<'a> {
    fn of(policy: &'a StoredPolicy, text: &'a str) -> Self {
        let (record, body) =
            text.split_once('\n').map_or((text, None), |(record, body)| (record, Some(body)));
        Self {
            domain: policy.domain.as_str(),
            mechanism: policy.policy.dialect().word(),
            record,
            body,
            authentication: policy.authentication.word(),
            fetched_at: integer(policy.fetched_at),
            expires_at: integer(policy.expires_at),
            applied_at: policy.applied_at.map(integer),
            tls_only: if policy.is_enforced() { "True" } else { "False" },
        }
    }

    /// Over every field, so that no flipped bit changes a policy: the row ceases to exist instead. A row without a body
    /// has the checksum that it had in version 1.
    fn checksum(&self, fingerprint: Fingerprint) -> [u8; 16] {
        let applied_at = self.applied_at.map(|at| at.to_be_bytes().to_vec()).unwrap_or_default();
        let mut parts = vec![
            ("domain", self.domain.into()),
            ("fingerprint", fingerprint.as_bytes().into()),
            ("mechanism", self.mechanism.into()),
            ("record", self.record.into()),
            ("authentication", self.authentication.into()),
            ("fetched_at", self.fetched_at.to_be_bytes().into()),
            ("expires_at", self.expires_at.to_be_bytes().into()),
            ("applied_at", applied_at),
            ("tls_only", self.tls_only.into()),
        ];
        parts.extend(self.body.map(|body| ("body", body.into())));
        short_digest(&parts)
    }
}

/// The policy in a row; `None` for a row that this program would not have written.
fn understand(row: &Row<'_>, fingerprint: Fingerprint) -> Option<StoredPolicy> {
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let columns = Columns {
        domain: text(0)?,
        mechanism: text(1)?,
        record: text(2)?,
        authentication: text(3)?,
        fetched_at: row.get(4).ok()?,
        expires_at: row.get(5).ok()?,
        applied_at: row.get(6).ok()?,
        tls_only: text(7)?,
        body: row.get_ref(9).ok()?.as_str_or_null().ok()?,
    };
    if columns.checksum(fingerprint) != row.get_ref(8).ok()?.as_blob().ok()? {
        return None;
    }
    let dialect = Dialect::from_word(columns.mechanism)?;
    let policy = match columns.body {
        None => Policy::from_text(dialect, columns.record)?,
        Some(body) => Policy::from_text(dialect, &[columns.record, "\n", body].concat())?,
    };
    let policy = StoredPolicy {
        domain: PolicyDomain::parse(columns.domain).ok()?,
        policy,
        authentication: Authentication::from_word(columns.authentication)?,
        fetched_at: moment(columns.fetched_at)?,
        expires_at: moment(columns.expires_at)?,
        applied_at: match columns.applied_at {
            None => None,
            Some(at) => Some(moment(at)?),
        },
    };
    policy.is_possible().then_some(policy)
}

/// The dialect of the policy in a row that is damaged, unless it must have ended, or was never met. Any column may be the one
/// that is damaged: an end counts only if the life since the fetch agrees with it, and none lies further ahead than any policy lives.
fn perhaps_in_force(row: &Row<'_>, now: UnixTime) -> Option<Dialect> {
    let word = |column| row.get_ref(column).ok()?.as_str().ok();
    let dialect = word(1).and_then(Dialect::from_word).unwrap_or(Dialect::MtaSts);
    let at = |column| row.get(column).ok().and_then(moment);
    let fetched = at(4).filter(|fetched| *fetched <= now.plus(CLOCK_JUMP));
    let life = word(9).and_then(life_in).unwrap_or(MAX_POLICY_LIFE).min(MAX_POLICY_LIFE);
    let ends = [at(5).filter(|end| *end <= now.plus(MAX_POLICY_LIFE)), fetched.map(|at| at.plus(life))];
    let has_ended = ends.iter().flatten().all(|end| *end <= now) && ends.iter().any(Option::is_some);
    let was_never_applied = dialect == Dialect::SmtpSts && matches!(row.get(6), Ok(None::<i64>));
    (!has_ended && !was_never_applied).then_some(dialect)
}

/// The `max_age` of a policy file that may be damaged.
fn life_in(body: &str) -> Option<u64> {
    let line = body.lines().find_map(|line| line.strip_prefix("max_age:"))?;
    line.trim().parse().ok()
}

/// A moment as a column holds it.
pub(super) fn moment(integer: i64) -> Option<UnixTime> {
    u64::try_from(integer).ok().map(UnixTime)
}

/// A moment for a column.
pub(super) fn integer(moment: UnixTime) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::schema::POLICIES;
    use super::*;
    use rusqlite::Connection;

    /// Whoever can write the file can make a checksum fit, too.
    #[test]
    fn a_row_that_fits_and_could_not_have_been_stored_is_not_there() {
        let connection = Connection::open_in_memory().unwrap();
        POLICIES.create(&connection).unwrap();
        let text = "v=STSv1; id=1\nversion: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n";
        let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
        let (domain, at) = (PolicyDomain::parse("a.test").unwrap(), UnixTime(1_000_000_000));
        let possible = StoredPolicy::fetched(&domain, policy, Authentication::WebPki, at, at);
        let understood = |policy: &StoredPolicy| {
            replace(&connection, policy, Fingerprint::OF_NOTHING).unwrap();
            select(&connection, &domain, Fingerprint::OF_NOTHING, at).unwrap().mta_sts
        };
        assert_eq!(understood(&possible).as_ref(), Some(&possible));
        for (what, changed) in [
            (
                "it lives longer than it says",
                StoredPolicy { expires_at: at.plus(86_401), ..possible.clone() },
            ),
            (
                "nobody vouched for it",
                StoredPolicy { authentication: Authentication::FirstUse, ..possible.clone() },
            ),
        ] {
            assert_eq!(understood(&changed), None, "{what}");
        }
    }

    /// The one that is told of the two is not believed. A fetch that lies ahead by what clocks differ still says when its policy ends.
    #[test]
    fn a_damaged_row_may_be_in_force_if_it_was_fetched_within_a_day_from_now_and_not_a_second_later() {
        let connection = Connection::open_in_memory().unwrap();
        POLICIES.create(&connection).unwrap();
        let text = "v=STSv1; id=1\nversion: STSv1\nmode: enforce\nmx: mx.a.test\nmax_age: 86400\n";
        let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
        let (domain, now) = (PolicyDomain::parse("a.test").unwrap(), UnixTime(1_000_000_000));
        let stored = StoredPolicy::fetched(&domain, policy, Authentication::WebPki, now, now);
        replace(&connection, &stored, Fingerprint::OF_NOTHING).unwrap();
        // Its end is over; the checksum is that of other moments.
        for (ahead, is_perhaps_in_force) in [(86_400, true), (86_401, false)] {
            let moments = [now.0 + ahead, now.0 - 1].map(|at| i64::try_from(at).unwrap());
            connection.execute("UPDATE policy SET fetched_at = ?1, expires_at = ?2", moments).unwrap();
            let found = select(&connection, &domain, Fingerprint::OF_NOTHING, now).unwrap();
            assert_eq!(found.mta_sts, None);
            assert_eq!(!found.unreadable.is_empty(), is_perhaps_in_force, "{ahead}");
        }
    }
}
