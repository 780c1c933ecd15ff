//! Taking over the database of the program that this one grew from (`verify.py`).
//!
//! It kept one table without a key, so that a domain may stand there several times, and counted each life twice when
//! it read it back. Its rows are worth a first use and no more: it took an unparsable answer for a match, let the
//! caller say whether DNSSEC had been used, and kept its file where everybody could write.

use super::database::Database;
use super::row;
use super::schema::Ancestor;
use super::taking_over::Work;
use crate::limits::MAX_TXT_OCTETS;
use crate::name::PolicyDomain;
use crate::policy::smtp_sts::Record;
use crate::policy::{Authentication, Policy, StoredPolicy, life};
use crate::time::UnixTime;
use rusqlite::{Error, Transaction, ffi, named_params};
use std::collections::BTreeMap;

/// Its database, which it did not mark, with its one definition as SQLite keeps it.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: 0,
    version: 0,
    definitions: &["CREATE TABLE sts_cache (domain text, tls_only text, sts_record text, expires int)"],
    is_read_alike: false,
    work: Some(Work { rows: "SELECT count(*) FROM sts_cache", steps_a_row: 160 }),
    take_over,
};

/// What can be a row at all, the longest life first.
const SELECT: &str = "SELECT domain, sts_record, expires FROM sts_cache
    WHERE typeof(domain) = 'text' AND typeof(sts_record) = 'text' AND typeof(expires) = 'integer'
    AND octet_length(domain) <= 255 AND octet_length(sts_record) <= :longest AND expires > :now
    ORDER BY expires DESC";

/// Replaces its definitions by ours and brings the rows over that still mean something.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    let verdict: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(verdict)));
    }
    let policies = policies(transaction, database)?;
    transaction.execute_batch("DROP TABLE sts_cache")?;
    database.schema().create(transaction)?;
    policies.values().try_for_each(|policy| row::replace(transaction, policy, database.fingerprint))
}

/// One policy a domain: of several rows the one that lives longest counts, once.
fn policies(
    transaction: &Transaction<'_>,
    database: &Database,
) -> rusqlite::Result<BTreeMap<PolicyDomain, StoredPolicy>> {
    let most = usize::try_from(database.max_domains).unwrap_or(usize::MAX);
    let mut policies = BTreeMap::new();
    let mut statement = transaction.prepare(SELECT)?;
    let mut rows = statement.query(named_params! {
        ":longest": i64::try_from(MAX_TXT_OCTETS).unwrap_or(i64::MAX),
        ":now": i64::try_from(database.now.0).unwrap_or(i64::MAX),
    })?;
    while let Some(row) = rows.next()? {
        let (Ok(domain), Ok(record)) = (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_str()) else { continue };
        let (Ok(domain), Ok(record)) = (PolicyDomain::parse(domain), Record::parse(record)) else { continue };
        let expires = UnixTime(row.get::<_, i64>(2)?.unsigned_abs());
        let policy = policy(domain, record, expires, database.now);
        if policy.is_unexpired(database.now) && policies.len() < most {
            policies.entry(policy.domain.clone()).or_insert(policy);
        }
    }
    Ok(policies)
}

/// What a row is worth: a first use that was never applied, for no longer than its record said from now on.
fn policy(domain: PolicyDomain, record: Record, expires: UnixTime, now: UnixTime) -> StoredPolicy {
    let policy = Policy::from(record);
    let life = life(&policy, Authentication::FirstUse, 0);
    let expires_at = expires.min(now.plus(life));
    StoredPolicy {
        domain,
        policy,
        authentication: Authentication::FirstUse,
        fetched_at: UnixTime(expires_at.0.saturating_sub(life)),
        expires_at,
        applied_at: None,
    }
}
