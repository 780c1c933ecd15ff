//! Making room in `cache.db`: for so many domains, and in so many pages. What is enforced is never evicted, but for that of owners
//! who have more than their share of a full file ([`super::owners`]).
//!
//! Each new domain makes room for itself and for one more, so that a file that is far over its bound, since that was
//! lowered, shrinks as it is used, and nobody waits for it. Every statement here finds its row by an index.

use super::database::{Database, SPLIT_PAGES};
use super::history_table;
use super::owners::Crowd;
use super::row::{integer, moment};
use super::statement::{self, one};
use super::tally::{self, EVICTED_AT_ONCE};
use crate::policy::StoredPolicy;
use rusqlite::{OptionalExtension, Transaction, named_params};

const OCTETS: &str = "SELECT octet_length(record) + coalesce(octet_length(body), 0) FROM policy
    WHERE domain = :domain AND fingerprint = :fingerprint AND mechanism = :mechanism";

const IS_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM policy WHERE domain = :domain)";

/// The newest moment at which a signature or a certificate was checked with success: no later than the true time.
const NEWEST_VOUCHED: &str =
    "SELECT max(CASE authentication WHEN 'first-use' THEN applied_at ELSE fetched_at END) FROM policy";

/// First goes what has ended.
const EVICT_ENDED: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) =
    (SELECT domain, fingerprint, mechanism FROM policy WHERE expires_at <= :until ORDER BY expires_at LIMIT 1)
    RETURNING domain";

/// Then what never refused anything, as no delivery met it.
const EVICT_UNMET: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) =
    (SELECT domain, fingerprint, mechanism FROM policy
    WHERE applied_at IS NULL AND mechanism = 'smtp-sts' AND fetched_at <= :until ORDER BY fetched_at LIMIT 1)
    RETURNING domain";

/// Then what only reports.
const EVICT_REPORTING: &str = "DELETE FROM policy WHERE (domain, fingerprint, mechanism) =
    (SELECT domain, fingerprint, mechanism FROM policy
    WHERE tls_only <> 'True' AND fetched_at <= :until ORDER BY fetched_at LIMIT 1)
    RETURNING domain";

/// Before that the domains of owners of very many, and after it those of whoever has most; nothing else that is enforced.
const EVICT_CROWD: &str = "DELETE FROM policy WHERE domain = :domain";

/// Each domain, the octets of its policies, whether a delivery met one, and when they end.
pub(super) const DOMAINS: &str = "SELECT domain, sum(octet_length(record) + coalesce(octet_length(body), 0)),
    count(applied_at) > 0, max(expires_at) FROM policy GROUP BY domain";

/// The statements that a look-up may need here.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[OCTETS, IS_KNOWN, NEWEST_VOUCHED, EVICT_ENDED, EVICT_UNMET, EVICT_REPORTING, EVICT_CROWD];

/// Pages that a new domain leaves to those that are there already, so that a policy in force can always be renewed.
const RESERVE: i64 = 4 * SPLIT_PAGES;

/// What a new policy may displace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Displaces {
    /// What has ended, what refuses nothing, and what is one of very many of one owner.
    Lesser,
    /// Nothing.
    Nothing,
}

/// Whether there is room for the row, after making some as far as it may. If there is none, nothing goes.
pub(super) fn make(
    transaction: &Transaction<'_>,
    new: &StoredPolicy,
    displaces: Displaces,
    database: &Database,
) -> rusqlite::Result<bool> {
    let run = |statement| statement::run(transaction, statement, []);
    let key = named_params! {
        ":domain": new.domain.as_str(),
        ":fingerprint": database.fingerprint.as_bytes(),
        ":mechanism": new.policy.dialect().word(),
    };
    let there: Option<u32> = one(transaction, OCTETS, key).optional()?;
    let octets = new.policy.to_text().len();
    let mut leaving = Leaving {
        transaction,
        new,
        displaces,
        database,
        vouched: None,
        gone: Vec::new(),
        refusing_nothing: false,
    };
    run("SAVEPOINT room")?;
    let made = match there {
        Some(there) => {
            let grows_by = octets.saturating_sub(usize::try_from(there).unwrap_or(0));
            // What only renews has the last pages for itself.
            let left = if grows_by == 0 { SPLIT_PAGES } else { SPLIT_PAGES.saturating_mul(2) };
            let growth = Database::pages_for(grows_by).saturating_add(left);
            leaving.until_pages(growth)?
        }
        None => {
            let pages = Database::pages_for(octets).saturating_add(RESERVE);
            leaving.until_domains()? && leaving.until_pages(pages)?
        }
    };
    if made {
        if let Some((_, domain)) = leaving.gone.last() {
            database.owners.gives_way(domain);
        }
        if leaving.refusing_nothing {
            database.owners.refusing_nothing_gives_way();
        }
        if there.is_none() {
            database.owners.grow();
        }
    } else {
        run("ROLLBACK TO room")?;
        leaving.gone.into_iter().rev().for_each(|(crowd, domain)| crowd.put_back(domain));
    }
    run("RELEASE room")?;
    Ok(made)
}

/// Why a policy goes.
enum Reason<'a> {
    /// The first row that the statement finds, up to that moment.
    Row(&'static str, i64),
    /// Its owner has more than his share.
    Owner(&'a Crowd),
}

/// The eviction of policies that makes room for a new one.
struct Leaving<'a> {
    transaction: &'a Transaction<'a>,
    new: &'a StoredPolicy,
    displaces: Displaces,
    database: &'a Database,
    /// Until when the clock is vouched for, once that was asked.
    vouched: Option<i64>,
    /// Domains of owners of too many that made room.
    gone: Vec<(&'a Crowd, String)>,
    /// Whether something did that refuses nothing.
    refusing_nothing: bool,
}

impl<'a> Leaving<'a> {
    /// Lets domains go until there is room for the new one, and one more if there are still too many. Where not all of
    /// these may go, none does.
    fn until_domains(&mut self) -> rusqlite::Result<bool> {
        if self.is_there(self.new.domain.as_str())? {
            return Ok(true);
        }
        let schema = self.database.schema();
        let mut domains = tally::domains(self.transaction, schema)?;
        let most = i64::try_from(self.database.max_domains).unwrap_or(i64::MAX);
        let mut wanted = domains.saturating_sub(most).saturating_add(1).min(EVICTED_AT_ONCE);
        while wanted > 0 {
            match self.next()? {
                Some(domain) => wanted -= i64::from(!self.is_there(&domain)?),
                // Nothing is refused because of a number that nobody has looked at.
                None if self.database.counts_once_more() => {
                    let counted = tally::count(self.transaction, schema)?;
                    wanted = wanted.min(counted.saturating_sub(most).saturating_add(1));
                    domains = counted;
                }
                None => return Ok(domains < most),
            }
        }
        Ok(true)
    }

    /// Lets policies go until so many pages are free.
    fn until_pages(&mut self, needed: i64) -> rusqlite::Result<bool> {
        while Database::free_pages(self.transaction)? < needed {
            if self.next()?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lets the next policy go, with the history of its domain if that has no other; whose it was. `None` if none may go.
    fn next(&mut self) -> rusqlite::Result<Option<String>> {
        if self.displaces == Displaces::Nothing {
            return Ok(None);
        }
        let vouched = match self.vouched {
            Some(vouched) => vouched,
            None => self.ask_until_when_the_clock_is_vouched_for()?,
        };
        let owners = &self.database.owners;
        for reason in [
            Reason::Row(EVICT_ENDED, vouched),
            Reason::Row(EVICT_UNMET, i64::MAX),
            Reason::Owner(&owners.of_very_many),
            Reason::Row(EVICT_REPORTING, i64::MAX),
            Reason::Owner(&owners.of_most),
        ] {
            let gone = match reason {
                Reason::Row(statement, until) => {
                    one(self.transaction, statement, named_params! { ":until": until }).optional()?
                }
                Reason::Owner(crowd) => self.next_of(crowd)?,
            };
            if let Some(domain) = gone {
                self.refusing_nothing |= matches!(reason, Reason::Row(EVICT_UNMET | EVICT_REPORTING, _));
                history_table::forget(self.transaction, &domain)?;
                return Ok(Some(domain));
            }
        }
        Ok(None)
    }

    fn next_of(&mut self, crowd: &'a Crowd) -> rusqlite::Result<Option<String>> {
        let Database { max_domains, now, .. } = self.database;
        let new = self.new.domain.as_str();
        while let Some(domain) = crowd.next(self.transaction, DOMAINS, new, *max_domains, *now)? {
            // One may have gone meanwhile.
            if statement::run(self.transaction, EVICT_CROWD, named_params! { ":domain": domain })? > 0 {
                self.gone.push((crowd, domain.clone()));
                return Ok(Some(domain));
            }
        }
        Ok(None)
    }

    fn ask_until_when_the_clock_is_vouched_for(&mut self) -> rusqlite::Result<i64> {
        let newest: Option<i64> = one(self.transaction, NEWEST_VOUCHED, [])?;
        let vouched = integer(self.new.vouched(self.database.now, newest.and_then(moment)));
        self.vouched = Some(vouched);
        Ok(vouched)
    }

    fn is_there(&self, domain: &str) -> rusqlite::Result<bool> {
        one(self.transaction, IS_KNOWN, named_params! { ":domain": domain })
    }
}
