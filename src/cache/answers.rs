//! `cache.dns.db`: DNS results that spare packets. Losing one costs a question.

use super::database::{Database, SPLIT_PAGES};
use super::fingerprint::short_digest;
use super::{CacheError, Recollection, Topic};
use crate::limits::MAX_REMEMBERED_OCTETS;
use crate::name::PolicyDomain;
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params};

const SELECT: &str = "SELECT text, valid_until, checksum FROM answer
    WHERE domain = :domain AND fingerprint = :fingerprint AND topic = :topic AND octet_length(text) <= :longest";

const REPLACE: &str =
    "INSERT OR REPLACE INTO answer (domain, fingerprint, topic, text, valid_until, checksum)
    VALUES (:domain, :fingerprint, :topic, :text, :valid_until, :checksum)";

const COUNT: &str = "SELECT count(*) FROM answer";

/// What ends soonest goes first.
const EVICT: &str = "DELETE FROM answer WHERE (domain, fingerprint, topic) IN
    (SELECT domain, fingerprint, topic FROM answer ORDER BY valid_until LIMIT :surplus)";

const EXISTS: &str =
    "SELECT EXISTS (SELECT 1 FROM answer WHERE domain = ?1 AND fingerprint = ?2 AND topic = ?3)";

const FORGET: &str = "DELETE FROM answer WHERE domain = ?1 AND fingerprint = ?2 AND topic = ?3";

const EXISTS_ANY: &str = "SELECT EXISTS (SELECT 1 FROM answer WHERE domain = ?1)";

const PURGE: &str = "DELETE FROM answer WHERE domain = ?1";

/// When there is no room, this part of the rows goes at once: counting them costs more than a row is worth.
const EVICTED_AT_ONCE: i64 = 64;

/// The file of DNS results, as seen under one run's circumstances.
#[derive(Debug)]
pub(super) struct Answers {
    database: Database,
}

impl Answers {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The same, and nothing is ever written.
    pub(super) fn read_only(self) -> Self {
        Self { database: self.database.read_only() }
    }

    /// What is known about this run.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The same, for a new run.
    pub(super) const fn database_mut(&mut self) -> &mut Database {
        &mut self.database
    }

    /// A result that may still be believed. A clock that went back must not make it immortal: an end further away
    /// than any that is ever stored is not believed.
    pub(super) fn recall(
        &self,
        domain: &PolicyDomain,
        topic: Topic,
    ) -> Result<Option<Recollection>, CacheError> {
        let now = self.database.now;
        let found = self.database.read(|connection| self.select(connection, domain, topic))?.flatten();
        Ok(found.filter(|one| now < one.valid_until && one.valid_until <= now.plus(topic.longest())))
    }

    /// Remembers a result that is neither over nor too long.
    pub(super) fn remember(
        &self,
        domain: &PolicyDomain,
        topic: Topic,
        text: &str,
        valid_until: UnixTime,
    ) -> Result<(), CacheError> {
        if !self.is_worth_remembering(text, valid_until) {
            return Ok(());
        }
        self.database.write("remembering a DNS result", |transaction| {
            self.put(transaction, domain, topic, text, valid_until)
        })
    }

    /// Does all of that in one transaction: `None` forgets a result, and something remembers it.
    pub(super) fn update(
        &self,
        domain: &PolicyDomain,
        updates: &[(Topic, Option<&Recollection>)],
    ) -> Result<(), CacheError> {
        let is_worth_it = |(_, one): &&(Topic, Option<&Recollection>)| {
            one.is_none_or(|one| self.is_worth_remembering(&one.text, one.valid_until))
        };
        let updates: Vec<_> = updates.iter().filter(is_worth_it).collect();
        match updates.as_slice() {
            [] => Ok(()),
            // Nobody makes a file to forget something.
            [(topic, None)] => self.forget(domain, *topic),
            updates => self.database.write("remembering DNS results", |transaction| {
                for (topic, one) in updates {
                    match one {
                        Some(one) => self.put(transaction, domain, *topic, &one.text, one.valid_until)?,
                        None => {
                            transaction.execute(FORGET, self.key(domain, *topic))?;
                        }
                    }
                }
                Ok(())
            }),
        }
    }

    fn is_worth_remembering(&self, text: &str, valid_until: UnixTime) -> bool {
        self.database.now < valid_until && text.len() <= MAX_REMEMBERED_OCTETS
    }

    /// Writes one result, after making room for it.
    fn put(
        &self,
        transaction: &Transaction<'_>,
        domain: &PolicyDomain,
        topic: Topic,
        text: &str,
        valid_until: UnixTime,
    ) -> rusqlite::Result<()> {
        let valid_until = valid_until.min(self.database.now.plus(topic.longest()));
        let end = i64::try_from(valid_until.0).unwrap_or(i64::MAX);
        let count: i64 = transaction.query_row(COUNT, [], |row| row.get(0))?;
        let most = i64::try_from(self.database.max_domains).unwrap_or(i64::MAX);
        let at_once = 1 + most / EVICTED_AT_ONCE;
        if count >= most {
            evict(transaction, count.saturating_sub(most).saturating_add(at_once))?;
        }
        let needed = Database::pages_for(text.len()).saturating_add(SPLIT_PAGES);
        while Database::free_pages(transaction)? < needed && evict(transaction, at_once)? > 0 {}
        transaction.prepare(REPLACE)?.execute(named_params! {
            ":domain": domain.as_str(),
            ":fingerprint": self.database.fingerprint.as_bytes(),
            ":topic": topic.word(),
            ":text": text,
            ":valid_until": end,
            ":checksum": self.checksum(domain, topic, text, end),
        })?;
        Ok(())
    }

    fn key(&self, domain: &PolicyDomain, topic: Topic) -> (String, Vec<u8>, &'static str) {
        let fingerprint = self.database.fingerprint;
        (domain.as_str().to_owned(), fingerprint.as_bytes().to_vec(), topic.word())
    }

    /// About when the MX hosts of a domain were last asked for by a delivery: no earlier than that, and later by their TTL
    /// at most. `None` if nobody knows.
    pub(super) fn last_asked(&self, domain: &PolicyDomain) -> Result<Option<UnixTime>, CacheError> {
        let found = self.database.read(|connection| self.select(connection, domain, Topic::MxHosts))?;
        Ok(found.flatten().map(|one| one.valid_until))
    }

    /// Forgets a result; writes nothing if there is none.
    pub(super) fn forget(&self, domain: &PolicyDomain, topic: Topic) -> Result<(), CacheError> {
        let key = || self.key(domain, topic);
        let exists = |connection: &Connection| connection.query_row(EXISTS, key(), |row| row.get(0));
        if !self.database.read(exists)?.unwrap_or(false) {
            return Ok(());
        }
        self.database.write("forgetting a DNS result", |transaction| {
            transaction.execute(FORGET, key())?;
            Ok(())
        })
    }

    /// Removes everything about a domain; how many results there were.
    pub(super) fn purge(&self, domain: &PolicyDomain) -> Result<usize, CacheError> {
        let name = domain.as_str();
        let exists = |connection: &Connection| connection.query_row(EXISTS_ANY, [name], |row| row.get(0));
        if !self.database.read(exists)?.unwrap_or(false) {
            return Ok(0);
        }
        self.database.write("removing DNS results", |transaction| transaction.execute(PURGE, [name]))
    }

    fn select(
        &self,
        connection: &Connection,
        domain: &PolicyDomain,
        topic: Topic,
    ) -> rusqlite::Result<Option<Recollection>> {
        let mut statement = connection.prepare(SELECT)?;
        let key = named_params! {
            ":domain": domain.as_str(),
            ":fingerprint": self.database.fingerprint.as_bytes(),
            ":topic": topic.word(),
            ":longest": i64::try_from(MAX_REMEMBERED_OCTETS).unwrap_or(i64::MAX),
        };
        Ok(statement.query_row(key, |row| Ok(self.understand(row, domain, topic))).optional()?.flatten())
    }

    fn understand(&self, row: &Row<'_>, domain: &PolicyDomain, topic: Topic) -> Option<Recollection> {
        let text = row.get_ref(0).ok()?.as_str().ok()?;
        let end: i64 = row.get(1).ok()?;
        if self.checksum(domain, topic, text, end) != row.get_ref(2).ok()?.as_blob().ok()? {
            return None;
        }
        Some(Recollection { text: text.to_owned(), valid_until: UnixTime(u64::try_from(end).ok()?) })
    }

    fn checksum(&self, domain: &PolicyDomain, topic: Topic, text: &str, end: i64) -> [u8; 16] {
        short_digest(&[
            ("domain", domain.as_str().into()),
            ("fingerprint", self.database.fingerprint.as_bytes().into()),
            ("topic", topic.word().into()),
            ("text", text.into()),
            ("valid_until", end.to_be_bytes().into()),
        ])
    }
}

/// Evicts so many results, or as many as there are; how many that were.
fn evict(transaction: &Transaction<'_>, surplus: i64) -> rusqlite::Result<usize> {
    transaction.execute(EVICT, named_params! { ":surplus": surplus })
}
