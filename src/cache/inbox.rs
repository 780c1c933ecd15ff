//! `cache.fleet.db`: what other hosts of a fleet have said, what came of this host's own look at it, how far the store was read, and which decrees
//! were obeyed; what they order counts by another file ([`super::decrees`]). A file of its own, with a bound of its own: whoever may write into the store fills this one, and takes no room from a policy
//! that this host has fetched. It is there only where a fleet is.
//!
//! Losing it costs a re-reading of the store; and with it go for how long mail has waited, and which
//! decrees were obeyed: one that has not ended would be obeyed once more.

use super::database::Database;
use super::decrees::DecreeFile;
use super::error::CacheError;
use super::file::CachePath;
use super::fingerprint::{Fingerprint, short_digest};
use super::hearsay::{Hearsay, OwnLook};
use super::row::{integer, moment};
use super::schema::INBOX;
use super::statement;
use crate::limits::{HEARSAY_KEPT, MAX_DECREES_KEPT, MAX_STORED_POLICY_OCTETS, MAX_WITNESSES};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, named_params};
use std::cell::Cell;

const SELECT: &str =
    "SELECT domain, mechanism, line, witnesses, heard_at, look, looked_at, checksum FROM hearsay
    WHERE domain = :domain AND fingerprint = :fingerprint AND octet_length(line) <= :longest";

const REPLACE: &str = "INSERT OR REPLACE INTO hearsay
    (domain, fingerprint, mechanism, line, witnesses, heard_at, look, looked_at, checksum)
    VALUES (:domain, :fingerprint, :mechanism, :line, :witnesses, :heard_at, :look, :looked_at, :checksum)";

/// Octets of the row that is stored already.
const OCTETS: &str = "SELECT octet_length(line) + octet_length(witnesses) FROM hearsay
    WHERE domain = ?1 AND fingerprint = ?2 AND mechanism = ?3";

const FORGET: &str = "DELETE FROM hearsay WHERE domain = ?1";

/// Rows that nobody has repeated for the longest time: the first of them is evicted where there is no room.
const FORGET_OLD: &str = "DELETE FROM hearsay WHERE (domain, fingerprint, mechanism) IN
    (SELECT domain, fingerprint, mechanism FROM hearsay WHERE heard_at < :until ORDER BY heard_at LIMIT 8)";

const MARK: &str = "SELECT change, offered FROM store WHERE id = ?1";

const SET_MARK: &str = "INSERT OR REPLACE INTO store (id, change, offered) VALUES (?1, ?2, ?3)";

/// One store counts at a time.
const FORGET_OTHERS: &str = "DELETE FROM store WHERE id <> ?1";

const DECREE: &str = "SELECT EXISTS (SELECT 1 FROM decree WHERE store = ?1 AND number = ?2)";

const SET_DECREE: &str = "INSERT OR IGNORE INTO decree (store, number, statement) VALUES (?1, ?2, ?3)";

/// Decrees that still count: a purge was obeyed once, and counts no more.
const DECREES: &str = "SELECT statement FROM decree WHERE instr(statement, char(10) || 'order: purge') = 0
    ORDER BY number DESC LIMIT ?1";

/// Purges that are not done to their end, under the number below zero, which no decree has.
const OWED: &str = "SELECT store, number, statement FROM decree WHERE number < 0 LIMIT ?1";

const OWES_LESS: &str = "UPDATE decree SET statement = ?3 WHERE store = ?1 AND number = ?2 AND number < 0";

const PAID: &str = "DELETE FROM decree WHERE store = ?1 AND number = ?2 AND number < 0";

/// What stands in a decree that was obeyed once and for all.
const PURGE: &str = "\norder: purge\n";

/// What stands before the domain of one of which nothing is known to be done; [`DECREES`] tells it from overrides by that.
const OWES_ALL: &str = "owed whole\norder: purge\n";

/// And of one of which only what is about reports is left.
const OWES_REPORTS: &str = "owed\norder: purge\n";

/// How far a store was read, and whether it has been offered all that was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The number of the last change that was read.
    pub change: u64,
    /// Whether all that this host had has been offered.
    pub has_offered_all: bool,
}

/// A purge that is not done to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedPurge {
    /// Whose policy an operator had purged, here and in the fleet's database.
    pub domain: PolicyDomain,
    /// Whether what was known of the domain may still be there; else only what is about reports is left to be done.
    pub is_whole: bool,
    store: String,
    number: i64,
}

/// The file, for one run.
#[derive(Debug)]
pub(super) struct Inbox {
    database: Database,
    /// What was decreed and may still count.
    decreed: DecreeFile,
    /// Whether what this host saw could not be written down lately, so that nobody knows for how long mail has waited.
    is_forgetful: Cell<bool>,
}

impl Inbox {
    /// The file beside the cache at that path.
    pub(super) fn beside(
        cache: &CachePath,
        fingerprint: Fingerprint,
        max_domains: u64,
        now: UnixTime,
    ) -> Self {
        let database = Database::new(cache.of_fleet(), &INBOX, fingerprint, max_domains, now);
        Self { database, decreed: DecreeFile::beside(cache), is_forgetful: Cell::new(false) }
    }

    /// The same file, of which nothing is ever written.
    pub(super) fn read_only(self) -> Self {
        Self { database: self.database.read_only(), ..self }
    }

    /// The database file underneath.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The database file underneath, to begin a new run.
    pub(super) const fn database_mut(&mut self) -> &mut Database {
        &mut self.database
    }

    /// What others say about each of these domains.
    pub(super) fn of(&self, domains: &[PolicyDomain]) -> Result<Vec<Vec<Hearsay>>, CacheError> {
        let found = self.database.read(|connection| {
            domains.iter().map(|domain| select(connection, domain, self.database.fingerprint)).collect()
        })?;
        Ok(found.unwrap_or_else(|| vec![Vec::new(); domains.len()]))
    }

    /// What of that counts for answers. Where it could not be written down since when mail waits, mail does not wait.
    pub(super) fn binding(&self, domains: &[PolicyDomain]) -> Result<Vec<Vec<Hearsay>>, CacheError> {
        let mut found = self.of(domains)?;
        if self.is_forgetful.get() {
            for one in found.iter_mut().flatten().filter(|one| one.look == OwnLook::NotYet) {
                one.look = OwnLook::Unconfirmed(UnixTime(0));
            }
        }
        Ok(found)
    }

    /// Writes down what was heard, and how far that was read; all or nothing.
    pub(super) fn hear(&self, heard: &[Hearsay], store: &str, reading: Reading) -> Result<(), CacheError> {
        self.database.write("writing down what other hosts say", |transaction| {
            for one in heard {
                self.put(transaction, one)?;
            }
            statement::run(transaction, FORGET_OTHERS, [store])?;
            let mark = (store, integer(UnixTime(reading.change)), reading.has_offered_all);
            statement::run(transaction, SET_MARK, mark).map(drop)
        })?;
        self.is_forgetful.set(false);
        Ok(())
    }

    /// Writes down what this host has seen for itself, all in one transaction.
    pub(super) fn looked(&self, all: &[(&PolicyDomain, Dialect, OwnLook)]) -> Result<(), CacheError> {
        let written =
            self.database.write("writing down what was seen of what other hosts say", |transaction| {
                for (domain, dialect, look) in all {
                    let known = select(transaction, domain, self.database.fingerprint)?;
                    let known = known.into_iter().find(|one| one.policy.policy.dialect() == *dialect);
                    if let Some(known) = known {
                        self.put(transaction, &Hearsay { look: *look, ..known })?;
                    }
                }
                Ok(())
            });
        self.is_forgetful.set(written.is_err());
        written
    }

    /// Forgets what others say about a domain.
    pub(super) fn forget(&self, domain: &PolicyDomain) -> Result<(), CacheError> {
        let is_any =
            |connection: &Connection| Ok(!select(connection, domain, self.database.fingerprint)?.is_empty());
        if !self.database.read(is_any)?.unwrap_or(false) {
            return Ok(());
        }
        self.database.write("forgetting what other hosts say", |transaction| {
            statement::run(transaction, FORGET, [domain.as_str()]).map(drop)
        })
    }

    /// How far that store was read.
    pub(super) fn reading(&self, store: &str) -> Result<Reading, CacheError> {
        let found = self.database.read(|connection| {
            let mut statement = connection.prepare_cached(MARK)?;
            let mut rows = statement.query([store])?;
            let row = rows.next()?;
            row.map(|row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))).transpose()
        })?;
        let known = found.flatten().map(|(change, has_offered_all)| Reading {
            change: u64::try_from(change).unwrap_or(0),
            has_offered_all,
        });
        Ok(known.unwrap_or_default())
    }

    /// Whether a decree of that store was obeyed already.
    pub(super) fn has_obeyed(&self, store: &str, number: u64) -> Result<bool, CacheError> {
        let key = (store, integer(UnixTime(number)));
        Ok(self.database.read(|connection| statement::one(connection, DECREE, key))?.unwrap_or(false))
    }

    /// Writes down what a decree orders, and then that it was obeyed. It is remembered beyond its end: nobody can have it obeyed again.
    pub(super) fn obeyed(&self, store: &str, number: u64, statement: &str) -> Result<(), CacheError> {
        if !statement.contains(PURGE) {
            self.decreed.add(statement)?;
        }
        self.database.write("writing down that a decree was obeyed", |transaction| {
            let row = (store, integer(UnixTime(number)), statement);
            statement::run(transaction, SET_DECREE, row).map(drop)
        })
    }

    /// Writes down that a purge is to be done.
    pub(super) fn owe(&self, store: &str, number: u64, domain: &PolicyDomain) -> Result<(), CacheError> {
        let (number, text) = (integer(UnixTime(number)).saturating_neg(), format!("{OWES_ALL}{domain}"));
        self.database.write("writing down that a purge is to be done", |transaction| {
            statement::run(transaction, SET_DECREE, (store, number, text)).map(drop)
        })
    }

    /// The purges that are not done to their end.
    pub(super) fn owed(&self) -> Result<Vec<OwedPurge>, CacheError> {
        let most = i64::try_from(MAX_DECREES_KEPT).unwrap_or(i64::MAX);
        let found = self.database.read(|connection| {
            let mut statement = connection.prepare_cached(OWED)?;
            let one = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?));
            statement.query_map([most], one)?.collect::<rusqlite::Result<Vec<(String, i64, String)>>>()
        })?;
        let read = |(store, number, text): (String, i64, String)| {
            let whole = text.strip_prefix(OWES_ALL);
            let domain = PolicyDomain::parse(whole.or_else(|| text.strip_prefix(OWES_REPORTS))?).ok()?;
            Some(OwedPurge { domain, is_whole: whole.is_some(), store, number })
        };
        Ok(found.unwrap_or_default().into_iter().filter_map(read).collect())
    }

    /// Of that purge only what is about reports is left: nothing that is learnt from now on is forgotten for its sake.
    pub(super) fn owes_reports_alone(&self, owed: &OwedPurge) -> Result<(), CacheError> {
        let text = format!("{OWES_REPORTS}{}", owed.domain);
        self.database.write("writing down how far a purge is done", |transaction| {
            statement::run(transaction, OWES_LESS, (owed.store.as_str(), owed.number, text)).map(drop)
        })
    }

    /// All of that purge is done.
    pub(super) fn paid(&self, owed: &OwedPurge) -> Result<(), CacheError> {
        self.database.write("writing down that a purge has ended", |transaction| {
            statement::run(transaction, PAID, (owed.store.as_str(), owed.number)).map(drop)
        })
    }

    /// The words of the decrees that were obeyed and may still count, the latest first.
    pub(super) fn decrees(&self) -> Result<Vec<String>, CacheError> {
        self.decreed.read()
    }

    /// Whether the file of those is damaged.
    pub(super) fn are_decrees_damaged(&self) -> bool {
        self.decreed.is_damaged()
    }

    /// Writes these, and those that are remembered here, into the file of decrees that is damaged.
    pub(super) fn restore_decrees(&self, of_the_store: &[String]) -> Result<(), CacheError> {
        let remembered = self.remembered()?;
        self.decreed.restore(&[of_the_store, &remembered].concat())
    }

    /// The words of those that were obeyed by what is remembered here.
    fn remembered(&self) -> Result<Vec<String>, CacheError> {
        let most = i64::try_from(MAX_DECREES_KEPT).unwrap_or(i64::MAX);
        let found = self.database.read(|connection| {
            let mut statement = connection.prepare_cached(DECREES)?;
            statement.query_map([most], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Writes one row, if there is room for it: where there is none, what is known already stays. What makes a row no longer needs none, and so
    /// does what this host saw: a file that somebody has filled keeps it as well as any.
    fn put(&self, transaction: &Transaction<'_>, one: &Hearsay) -> rusqlite::Result<()> {
        let line = one.policy.to_line();
        let witnesses = one.witnesses.join(" ");
        let (domain, mechanism) = (one.policy.domain.as_str(), one.policy.policy.dialect().word());
        let fingerprint = self.database.fingerprint;
        let key = (domain, fingerprint.as_bytes(), mechanism);
        let there: Option<u32> = statement::one(transaction, OCTETS, key).optional()?;
        let there = there.and_then(|octets| usize::try_from(octets).ok());
        let octets = line.len().saturating_add(witnesses.len());
        let needed = Database::pages_for(octets).saturating_add(super::database::SPLIT_PAGES);
        if there.is_none_or(|there| there < octets) && Database::free_pages(transaction)? < needed {
            let until = integer(UnixTime(self.database.now.0.saturating_sub(HEARSAY_KEPT)));
            statement::run(transaction, FORGET_OLD, named_params! { ":until": until })?;
            if Database::free_pages(transaction)? < needed {
                return Ok(());
            }
        }
        let (look, looked_at) = look_in_words(one.look);
        let heard_at = integer(one.heard_at);
        let checksum = checksum(domain, fingerprint, mechanism, &line, &witnesses, look, looked_at);
        let row = named_params! {
            ":domain": domain, ":fingerprint": fingerprint.as_bytes(), ":mechanism": mechanism, ":line": line,
            ":witnesses": witnesses, ":heard_at": heard_at, ":look": look, ":looked_at": looked_at,
            ":checksum": checksum,
        };
        statement::run(transaction, REPLACE, row).map(drop)
    }
}

fn select(
    connection: &Connection,
    domain: &PolicyDomain,
    fingerprint: Fingerprint,
) -> rusqlite::Result<Vec<Hearsay>> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query(named_params! {
        ":domain": domain.as_str(),
        ":fingerprint": fingerprint.as_bytes(),
        ":longest": i64::try_from(2 * MAX_STORED_POLICY_OCTETS).unwrap_or(i64::MAX),
    })?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.extend(understand(row, fingerprint));
    }
    Ok(all)
}

/// What stands in a row; `None` for one that this program would not have written.
fn understand(row: &Row<'_>, fingerprint: Fingerprint) -> Option<Hearsay> {
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let number = |column| row.get::<_, i64>(column).ok();
    let (domain, mechanism, line, witnesses) = (text(0)?, text(1)?, text(2)?, text(3)?);
    let (look, looked_at) = (text(5)?, number(6)?);
    let expected = checksum(domain, fingerprint, mechanism, line, witnesses, look, looked_at);
    if expected != row.get_ref(7).ok()?.as_blob().ok()? {
        return None;
    }
    let policy = StoredPolicy::from_line(line).ok()?;
    let is_its_own = policy.domain.as_str() == domain && policy.policy.dialect().word() == mechanism;
    let at = moment(looked_at)?;
    let look = match look.trim_end() {
        "absent" => OwnLook::Absent(at),
        "fetched" => OwnLook::Fetched(at),
        "not-yet" => OwnLook::NotYet,
        "unconfirmed" => OwnLook::Unconfirmed(at),
        _ => return None,
    };
    let witnesses = witnesses.split(' ').filter(|name| !name.is_empty()).take(MAX_WITNESSES);
    let witnesses = witnesses.map(str::to_owned).collect();
    is_its_own.then_some(Hearsay { policy, witnesses, look, heard_at: moment(number(4)?)? })
}

/// All of them equally long, so that a row never needs more room for what this host saw.
const fn look_in_words(look: OwnLook) -> (&'static str, i64) {
    /// Of about this size are moments.
    const NEVER: UnixTime = UnixTime(1_800_000_000);
    let (word, UnixTime(at)) = match look {
        OwnLook::Absent(at) => ("absent     ", at),
        OwnLook::Fetched(at) => ("fetched    ", at),
        OwnLook::NotYet => ("not-yet    ", NEVER),
        OwnLook::Unconfirmed(at) => ("unconfirmed", at),
    };
    (word, at.cast_signed())
}

fn checksum(
    domain: &str,
    fingerprint: Fingerprint,
    mechanism: &str,
    line: &str,
    witnesses: &str,
    look: &str,
    looked_at: i64,
) -> [u8; 16] {
    short_digest(&[
        ("domain", domain.into()),
        ("fingerprint", fingerprint.as_bytes().into()),
        ("mechanism", mechanism.into()),
        ("line", line.into()),
        ("witnesses", witnesses.into()),
        ("look", look.into()),
        ("looked_at", looked_at.to_be_bytes().into()),
    ])
}
