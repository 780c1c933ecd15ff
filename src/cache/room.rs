//! Making room in `cache.db`: for so many domains, and in so many pages. What is enforced is never evicted.

use super::database::{Database, SPLIT_PAGES};
use super::history_table;
use super::row::{integer, moment};
use crate::policy::StoredPolicy;
use rusqlite::{OptionalExtension, Params, Transaction, named_params};

const OCTETS: &str = "SELECT octet_length(record) + coalesce(octet_length(body), 0) FROM policy
    WHERE domain = :domain AND fingerprint = :fingerprint AND mechanism = :mechanism";

const COUNT: &str = "SELECT count(*) FROM policy";

/// The newest moment at which a signature or a certificate was checked with success: no later than the true time.
const NEWEST_VOUCHED: &str =
    "SELECT max(CASE authentication WHEN 'first-use' THEN applied_at ELSE fetched_at END) FROM policy";

/// First goes what expired or never refused anything.
const EVICT_IDLE: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) IN
    (SELECT domain, fingerprint, mechanism FROM policy
    WHERE expires_at <= :vouched OR (applied_at IS NULL AND mechanism = 'smtp-sts')
    ORDER BY fetched_at LIMIT :surplus) RETURNING domain";

/// Then what only reports; never what is enforced.
const EVICT_REPORTING: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) IN
    (SELECT domain, fingerprint, mechanism FROM policy WHERE tls_only <> 'True'
    ORDER BY fetched_at LIMIT :surplus) RETURNING domain";

/// Pages that a new domain leaves to those that are there already, so that a policy in force can always be renewed.
const RESERVE: i64 = 4 * SPLIT_PAGES;

/// So many rows go at once when it is pages that are missing: most rows share theirs with others.
const EVICTED_AT_ONCE: i64 = 64;

/// Whether there is room for the row, after making some. If there is none, nothing goes.
pub(super) fn make(
    transaction: &Transaction<'_>,
    new: &StoredPolicy,
    database: &Database,
) -> rusqlite::Result<bool> {
    let key = named_params! {
        ":domain": new.domain.as_str(),
        ":fingerprint": database.fingerprint.as_bytes(),
        ":mechanism": new.policy.dialect().word(),
    };
    let there: Option<u32> = transaction.query_row(OCTETS, key, |row| row.get(0)).optional()?;
    let octets = new.policy.to_text().len();
    transaction.execute_batch("SAVEPOINT room")?;
    let made = match there {
        Some(there) => {
            let grows_by = octets.saturating_sub(usize::try_from(there).unwrap_or(0));
            let growth = Database::pages_for(grows_by).saturating_add(SPLIT_PAGES);
            among_pages(transaction, new, growth, database)?
        }
        None => {
            let pages = Database::pages_for(octets).saturating_add(RESERVE);
            among_rows(transaction, new, database)? && among_pages(transaction, new, pages, database)?
        }
    };
    if !made {
        transaction.execute_batch("ROLLBACK TO room")?;
    }
    transaction.execute_batch("RELEASE room")?;
    Ok(made)
}

fn among_rows(
    transaction: &Transaction<'_>,
    new: &StoredPolicy,
    database: &Database,
) -> rusqlite::Result<bool> {
    let count = transaction.query_row(COUNT, [], |row| row.get::<_, i64>(0))?;
    let most = i64::try_from(database.max_domains).unwrap_or(i64::MAX);
    let surplus = count.saturating_sub(most).saturating_add(1);
    Ok(surplus <= 0 || evict(transaction, new, surplus, database)? >= surplus)
}

fn among_pages(
    transaction: &Transaction<'_>,
    new: &StoredPolicy,
    needed: i64,
    database: &Database,
) -> rusqlite::Result<bool> {
    while Database::free_pages(transaction)? < needed {
        if evict(transaction, new, EVICTED_AT_ONCE, database)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Evicts so many rows, or as many as may go; how many that were.
fn evict(
    transaction: &Transaction<'_>,
    new: &StoredPolicy,
    surplus: i64,
    database: &Database,
) -> rusqlite::Result<i64> {
    let newest: Option<i64> = transaction.query_row(NEWEST_VOUCHED, [], |row| row.get(0))?;
    let vouched = integer(new.vouched(database.now, newest.and_then(moment)));
    let idle = named_params! { ":vouched": vouched, ":surplus": surplus };
    let mut gone = delete(transaction, EVICT_IDLE, idle)?;
    if gone < surplus {
        let reporting = named_params! { ":surplus": surplus.saturating_sub(gone) };
        gone = gone.saturating_add(delete(transaction, EVICT_REPORTING, reporting)?);
    }
    Ok(gone)
}

/// Deletes policies, and the history of the domains that have none any more; how many policies that were.
fn delete(
    transaction: &Transaction<'_>,
    statement: &'static str,
    parameters: impl Params,
) -> rusqlite::Result<i64> {
    let mut deletion = transaction.prepare(statement)?;
    let domains: Vec<String> =
        deletion.query_map(parameters, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    domains.iter().try_for_each(|domain| history_table::forget(transaction, domain))?;
    Ok(i64::try_from(domains.len()).unwrap_or(i64::MAX))
}
