//! `cache.db`: the policies.

use super::database::Database;
use super::fingerprint::{Fingerprint, short_digest};
use super::{Authentication, Kept, StoredPolicy, Trouble};
use crate::limits::{MAX_BODY_OCTETS, MAX_TXT_OCTETS};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, Policy};
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params};

const SELECT: &str = "SELECT record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum
    FROM policy WHERE domain = :domain AND fingerprint = :fingerprint AND mechanism = :mechanism
    AND octet_length(record) <= :longest";

const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM policy
    WHERE domain = :domain AND fingerprint = :fingerprint AND mechanism = :mechanism)";

const REPLACE: &str = "INSERT OR REPLACE INTO policy
    (domain, fingerprint, mechanism, record, authentication, fetched_at, expires_at, applied_at, tls_only, checksum)
    VALUES (:domain, :fingerprint, :mechanism, :record, :authentication, :fetched_at, :expires_at, :applied_at,
    :tls_only, :checksum)";

const COUNT: &str = "SELECT count(*) FROM policy";

/// The newest moment at which a signature or a certificate was checked with success: no later than the true time.
const NEWEST_VOUCHED: &str =
    "SELECT max(CASE authentication WHEN 'first-use' THEN applied_at ELSE fetched_at END) FROM policy";

/// First goes what expired or never refused anything.
const EVICT_IDLE: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) IN
    (SELECT domain, fingerprint, mechanism FROM policy WHERE expires_at <= :vouched OR applied_at IS NULL
    ORDER BY fetched_at LIMIT :surplus)";

/// Then what only reports; never what is enforced.
const EVICT_REPORTING: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) IN
    (SELECT domain, fingerprint, mechanism FROM policy WHERE tls_only <> 'True'
    ORDER BY fetched_at LIMIT :surplus)";

/// The file of policies, as seen under one run's circumstances.
#[derive(Debug)]
pub(super) struct Policies {
    database: Database,
}

impl Policies {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The policy in force.
    pub(super) fn policy(
        &self,
        domain: &PolicyDomain,
        dialect: Dialect,
    ) -> Result<Option<StoredPolicy>, Trouble> {
        let found = self
            .database
            .read(|connection| select(connection, domain, dialect, self.database.fingerprint))?
            .flatten();
        Ok(found.filter(|policy| policy.is_unexpired(self.database.now)))
    }

    /// Stores what [`StoredPolicy::merge`] makes of the row and the new policy.
    pub(super) fn keep(&self, new: &StoredPolicy) -> Result<Kept, Trouble> {
        let old = self.policy(&new.domain, new.policy.dialect())?;
        if StoredPolicy::merge(old.as_ref(), new, self.database.now).is_none() {
            return Ok(Kept::Unchanged);
        }
        self.database.write("storing a policy", |transaction| {
            let old = select(transaction, &new.domain, new.policy.dialect(), self.database.fingerprint)?;
            match StoredPolicy::merge(old.as_ref(), new, self.database.now) {
                None => Ok(Kept::Unchanged),
                Some(row) if has_room(transaction, &row, &self.database)? => {
                    replace(transaction, &row, self.database.fingerprint)?;
                    Ok(Kept::Stored)
                }
                Some(_) => Ok(Kept::Full),
            }
        })
    }
}

/// Writes one row.
pub(super) fn replace(
    connection: &Connection,
    policy: &StoredPolicy,
    fingerprint: Fingerprint,
) -> rusqlite::Result<()> {
    let text = policy.policy.to_text();
    let columns = Columns::of(policy, &text);
    connection.prepare(REPLACE)?.execute(named_params! {
        ":domain": policy.domain.as_str(),
        ":fingerprint": fingerprint.as_bytes(),
        ":mechanism": policy.policy.dialect().word(),
        ":record": columns.record,
        ":authentication": columns.authentication,
        ":fetched_at": columns.fetched_at,
        ":expires_at": columns.expires_at,
        ":applied_at": columns.applied_at,
        ":tls_only": columns.tls_only,
        ":checksum": columns.checksum(&policy.domain, fingerprint),
    })?;
    Ok(())
}

fn select(
    connection: &Connection,
    domain: &PolicyDomain,
    dialect: Dialect,
    fingerprint: Fingerprint,
) -> rusqlite::Result<Option<StoredPolicy>> {
    let longest = i64::try_from(MAX_TXT_OCTETS + MAX_BODY_OCTETS).unwrap_or(i64::MAX);
    let mut statement = connection.prepare(SELECT)?;
    let key = named_params! {
        ":domain": domain.as_str(),
        ":fingerprint": fingerprint.as_bytes(),
        ":mechanism": dialect.word(),
        ":longest": longest,
    };
    Ok(statement
        .query_row(key, |row| Ok(understand(row, domain, dialect, fingerprint)))
        .optional()?
        .flatten())
}

/// Whether there is room for the row, after making some.
fn has_room(
    transaction: &Transaction<'_>,
    new: &StoredPolicy,
    database: &Database,
) -> rusqlite::Result<bool> {
    let key = named_params! {
        ":domain": new.domain.as_str(),
        ":fingerprint": database.fingerprint.as_bytes(),
        ":mechanism": new.policy.dialect().word(),
    };
    if transaction.query_row(EXISTS, key, |row| row.get(0))? {
        return Ok(true);
    }
    let count = transaction.query_row(COUNT, [], |row| row.get::<_, i64>(0))?;
    let most = i64::try_from(database.max_domains).unwrap_or(i64::MAX);
    let mut surplus = count.saturating_sub(most).saturating_add(1);
    if surplus <= 0 {
        return Ok(true);
    }
    let newest: Option<i64> = transaction.query_row(NEWEST_VOUCHED, [], |row| row.get(0))?;
    let vouched = new.vouched(database.now, newest.and_then(moment));
    let idle = named_params! { ":vouched": integer(vouched), ":surplus": surplus };
    surplus =
        surplus.saturating_sub(i64::try_from(transaction.execute(EVICT_IDLE, idle)?).unwrap_or(i64::MAX));
    let reporting = named_params! { ":surplus": surplus };
    surplus = surplus
        .saturating_sub(i64::try_from(transaction.execute(EVICT_REPORTING, reporting)?).unwrap_or(i64::MAX));
    Ok(surplus <= 0)
}

/// A row's columns beyond its key, as SQLite holds them.
#[derive(Debug, PartialEq, Eq)]
struct Columns<'a> {
    dialect: Dialect,
    record: &'a str,
    authentication: &'a str,
    fetched_at: i64,
    expires_at: i64,
    applied_at: Option<i64>,
    tls_only: &'a str,
}

impl<'a> Columns<'a> {
    fn of(policy: &StoredPolicy, text: &'a str) -> Self {
        Self {
            dialect: policy.policy.dialect(),
            record: text,
            authentication: policy.authentication.word(),
            fetched_at: integer(policy.fetched_at),
            expires_at: integer(policy.expires_at),
            applied_at: policy.applied_at.map(integer),
            tls_only: if policy.is_enforced() { "True" } else { "False" },
        }
    }

    /// Over every field, so that no flipped bit changes a policy: the row ceases to exist instead.
    fn checksum(&self, domain: &PolicyDomain, fingerprint: Fingerprint) -> [u8; 16] {
        let applied_at = self.applied_at.map(|at| at.to_be_bytes().to_vec()).unwrap_or_default();
        short_digest(&[
            ("domain", domain.as_str().into()),
            ("fingerprint", fingerprint.as_bytes().into()),
            ("mechanism", self.dialect.word().into()),
            ("record", self.record.into()),
            ("authentication", self.authentication.into()),
            ("fetched_at", self.fetched_at.to_be_bytes().into()),
            ("expires_at", self.expires_at.to_be_bytes().into()),
            ("applied_at", applied_at),
            ("tls_only", self.tls_only.into()),
        ])
    }
}

/// The policy in a row; `None` for a row that this program would not have written.
fn understand(
    row: &Row<'_>,
    domain: &PolicyDomain,
    dialect: Dialect,
    fingerprint: Fingerprint,
) -> Option<StoredPolicy> {
    let columns = Columns {
        dialect,
        record: row.get_ref(0).ok()?.as_str().ok()?,
        authentication: row.get_ref(1).ok()?.as_str().ok()?,
        fetched_at: row.get(2).ok()?,
        expires_at: row.get(3).ok()?,
        applied_at: row.get(4).ok()?,
        tls_only: row.get_ref(5).ok()?.as_str().ok()?,
    };
    if columns.checksum(domain, fingerprint) != row.get_ref(6).ok()?.as_blob().ok()? {
        return None;
    }
    let policy = StoredPolicy {
        domain: domain.clone(),
        policy: Policy::from_text(dialect, columns.record)?,
        authentication: Authentication::from_word(columns.authentication)?,
        fetched_at: moment(columns.fetched_at)?,
        expires_at: moment(columns.expires_at)?,
        applied_at: match columns.applied_at {
            None => None,
            Some(at) => Some(moment(at)?),
        },
    };
    policy.has_a_possible_life().then_some(policy)
}

fn moment(integer: i64) -> Option<UnixTime> {
    u64::try_from(integer).ok().map(UnixTime)
}

fn integer(moment: UnixTime) -> i64 {
    i64::try_from(moment.0).unwrap_or(i64::MAX)
}
