//! What this host has learnt and the fleet has not heard: a table of `cache.db`, written in the transaction of the policy itself, so that nothing is
//! forgotten by an end at any moment. One row a policy, whatever happens; without a fleet it stays empty.

use super::database::Database;
use super::row::{self, integer, moment};
use super::statement;
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use rusqlite::{Connection, Transaction, named_params};

const PUT: &str = "INSERT INTO outbox (domain, fingerprint, mechanism, since) VALUES (:domain, :fingerprint, :mechanism, :since)
    ON CONFLICT (domain, fingerprint, mechanism) DO NOTHING";

/// In turns, each behind the last one of the turn before: what the fleet could not take stays, and keeps nobody behind it waiting.
const SOME: &str = "SELECT domain, mechanism FROM outbox WHERE fingerprint = :fingerprint
    AND domain >= :domain AND (domain > :domain OR mechanism > :mechanism) ORDER BY domain, mechanism LIMIT :most";

const TAKE: &str =
    "DELETE FROM outbox WHERE domain = :domain AND fingerprint = :fingerprint AND mechanism = :mechanism";

const TAKE_ALL_OF: &str = "DELETE FROM outbox WHERE domain = ?1";

/// What was learnt under other circumstances is nothing that this host offers.
const COUNT: &str =
    "SELECT count(*), min(since) FROM (SELECT since FROM outbox WHERE fingerprint = ?1 LIMIT 100000)";

/// The statements that a look-up may need here.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[PUT, TAKE, TAKE_ALL_OF];

/// A key of the outbox: domain and dialect. The empty one stands before all of them.
pub(super) type Key = (String, String);

/// Policies, the keys of those that are there no more, and the last key of either.
pub(super) type Waiting = (Vec<StoredPolicy>, Vec<Key>, Option<Key>);

/// A policy of this host is to be offered.
pub(super) fn put(
    transaction: &Transaction<'_>,
    policy: &StoredPolicy,
    database: &Database,
) -> rusqlite::Result<()> {
    let key = named_params! {
        ":domain": policy.domain.as_str(),
        ":fingerprint": database.fingerprint.as_bytes(),
        ":mechanism": policy.policy.dialect().word(),
        ":since": integer(database.now),
    };
    statement::run(transaction, PUT, key).map(drop)
}

/// Nothing is said of a domain any more.
pub(super) fn forget(transaction: &Transaction<'_>, domain: &PolicyDomain) -> rusqlite::Result<()> {
    statement::run(transaction, TAKE_ALL_OF, [domain.as_str()]).map(drop)
}

/// Some of the policies that are to be offered behind a key, and the keys of those that are no longer stored.
pub(super) fn some(
    connection: &Connection,
    most: usize,
    (behind_domain, behind_mechanism): &Key,
    database: &Database,
) -> rusqlite::Result<Waiting> {
    let mut statement = connection.prepare_cached(SOME)?;
    let key = named_params! {
        ":fingerprint": database.fingerprint.as_bytes(),
        ":domain": behind_domain,
        ":mechanism": behind_mechanism,
        ":most": i64::try_from(most).unwrap_or(i64::MAX),
    };
    let rows = statement.query_map(key, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let (mut policies, mut gone, mut last) = (Vec::new(), Vec::new(), None);
    for key in rows {
        let (domain, mechanism) = key?;
        last = Some((domain.clone(), mechanism.clone()));
        let policy = match (PolicyDomain::parse(&domain), Dialect::from_word(&mechanism)) {
            (Ok(domain), Some(dialect)) => {
                let stored = row::select(connection, &domain, database.fingerprint, database.now)?;
                stored.of(dialect).cloned()
            }
            _ => None,
        };
        match policy {
            Some(policy) => policies.push(policy),
            None => gone.push((domain, mechanism)),
        }
    }
    Ok((policies, gone, last))
}

/// The fleet has these, as they are; what has changed since stays.
pub(super) fn take(
    transaction: &Transaction<'_>,
    sent: &[StoredPolicy],
    gone: &[Key],
    database: &Database,
) -> rusqlite::Result<()> {
    for policy in sent {
        let dialect = policy.policy.dialect();
        let stored = row::select(transaction, &policy.domain, database.fingerprint, database.now)?;
        if stored.of(dialect).is_none_or(|stored| stored == policy) {
            take_one(transaction, policy.domain.as_str(), dialect.word(), database)?;
        }
    }
    gone.iter().try_for_each(|(domain, mechanism)| take_one(transaction, domain, mechanism, database))
}

/// Nothing is to be offered under that key.
pub(super) fn take_one(
    transaction: &Transaction<'_>,
    domain: &str,
    mechanism: &str,
    database: &Database,
) -> rusqlite::Result<()> {
    let key = named_params! {
        ":domain": domain, ":fingerprint": database.fingerprint.as_bytes(), ":mechanism": mechanism,
    };
    statement::run(transaction, TAKE, key).map(drop)
}

/// How many there are, up to 100,000, and since when the oldest of these waits.
pub(super) fn count(
    connection: &Connection,
    database: &Database,
) -> rusqlite::Result<(u64, Option<UnixTime>)> {
    let mut statement = connection.prepare_cached(COUNT)?;
    let key = [database.fingerprint.as_bytes()];
    let row = statement.query_row(key, |row| Ok((row.get(0)?, row.get(1)?)));
    let (number, since): (i64, Option<i64>) = row?;
    Ok((u64::try_from(number).unwrap_or(0), since.and_then(moment)))
}
