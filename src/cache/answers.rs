//! `cache.dns.db`: DNS results that spare packets. Losing one costs a question.

use super::database::{Database, SPLIT_PAGES};
use super::fingerprint::short_digest;
use super::statement::{integer, one, run};
use super::tally::{self, EVICTED_AT_ONCE};
use super::{CacheError, Recollection, Topic};
use crate::limits::MAX_REMEMBERED_OCTETS;
use crate::name::PolicyDomain;
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params};

const SELECT: &str = "SELECT topic, text, valid_until, checksum FROM answer
    WHERE domain = :domain AND fingerprint = :fingerprint AND octet_length(text) <= :longest";

const REPLACE: &str = "INSERT INTO answer (domain, fingerprint, topic, text, valid_until, checksum)
    VALUES (:domain, :fingerprint, :topic, :text, :valid_until, :checksum)
    ON CONFLICT (domain, fingerprint, topic) DO UPDATE SET
    text = excluded.text, valid_until = excluded.valid_until, checksum = excluded.checksum";

/// The domain whose result ends first, since nobody has asked about it for the longest time: it is evicted next, after those of
/// owners who have more than their share of a full file ([`super::owners`]).
const NEXT_TO_GO: &str = "SELECT domain FROM answer WHERE valid_until <= :latest AND domain <> :domain ORDER BY valid_until LIMIT 1";

const EXISTS: &str =
    "SELECT EXISTS (SELECT 1 FROM answer WHERE domain = ?1 AND fingerprint = ?2 AND topic = ?3)";

const FORGET: &str = "DELETE FROM answer WHERE domain = ?1 AND fingerprint = ?2 AND topic = ?3";

const IS_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM answer WHERE domain = ?1)";

const PURGE: &str = "DELETE FROM answer WHERE domain = ?1";

/// Each domain, the octets of its results, that no delivery is known to have met any, and when they end.
const DOMAINS: &str =
    "SELECT domain, sum(octet_length(text)), FALSE, max(valid_until) FROM answer GROUP BY domain";

/// The statements that a look-up may need here.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[SELECT, REPLACE, NEXT_TO_GO, EXISTS, FORGET, IS_KNOWN, PURGE];

/// What is remembered about a domain.
pub(super) type Remembered = Vec<(Topic, Recollection)>;

/// What is to be remembered about a domain, and, where that is `None`, forgotten.
#[derive(Debug)]
pub(super) struct Updates<'a> {
    /// The domain.
    pub(super) domain: &'a PolicyDomain,
    /// At most one of each topic.
    pub(super) updates: Vec<(Topic, Option<&'a Recollection>)>,
}

/// The file of DNS results, as seen under one run's circumstances.
#[derive(Debug)]
pub(super) struct Answers {
    database: Database,
}

impl Answers {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// The same file, of which nothing is ever written.
    pub(super) fn read_only(self) -> Self {
        Self { database: self.database.read_only() }
    }

    /// The database file underneath.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// The database file underneath, to begin a new run.
    pub(super) const fn database_mut(&mut self) -> &mut Database {
        &mut self.database
    }

    /// A result that may still be believed.
    pub(super) fn recall(
        &self,
        domain: &PolicyDomain,
        topic: Topic,
    ) -> Result<Option<Recollection>, CacheError> {
        let found = self.database.read(|connection| self.select(connection, domain))?.unwrap_or_default();
        Ok(found
            .into_iter()
            .find_map(|(of, one)| (of == topic).then_some(one))
            .filter(|one| self.counts(topic, one)))
    }

    /// All results about each of these domains that may still be believed, in the order of the topics.
    pub(super) fn recall_all(&self, domains: &[PolicyDomain]) -> Result<Option<Vec<Remembered>>, CacheError> {
        self.database.read(|connection| {
            let of_one = |domain| {
                let mut found = self.select(connection, domain)?;
                found.retain(|(topic, one)| self.counts(*topic, one));
                found.sort_by_key(|(topic, _)| Topic::ALL.iter().position(|one| one == topic));
                Ok(found)
            };
            domains.iter().map(of_one).collect()
        })
    }

    /// Whether a result counts. After a clock went back a result must not last for ever: an end that lies further ahead than
    /// any that is stored is not believed.
    fn counts(&self, topic: Topic, one: &Recollection) -> bool {
        let now = self.database.now;
        now < one.valid_until && one.valid_until <= now.plus(topic.longest())
    }

    /// Remembers a result that is neither over nor too long.
    pub(super) fn remember(
        &self,
        domain: &PolicyDomain,
        topic: Topic,
        text: &str,
        valid_until: UnixTime,
    ) -> Result<(), CacheError> {
        let one = Recollection { text: text.to_owned(), valid_until };
        if !self.is_worth_remembering(&one) {
            return Ok(());
        }
        self.update(&[Updates { domain, updates: vec![(topic, Some(&one))] }]).pop().unwrap_or(Ok(()))
    }

    /// Remembers and forgets results about each of these domains, all in one transaction if that is possible.
    pub(super) fn update(&self, all: &[Updates<'_>]) -> Vec<Result<(), CacheError>> {
        self.database.write_each("remembering DNS results", all, |transaction, one| {
            let text = |(_, one): &(Topic, Option<&Recollection>)| one.map(|one| one.text.len());
            let octets: Vec<usize> = one.updates.iter().filter_map(text).collect();
            if !octets.is_empty() {
                self.make_room(transaction, one.domain, &octets)?;
            }
            for (topic, result) in &one.updates {
                match result {
                    Some(result) => self.put(transaction, one.domain, *topic, result)?,
                    None => {
                        run(transaction, FORGET, self.key(one.domain, *topic))?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Whether a result is neither over nor too long.
    pub(super) fn is_worth_remembering(&self, one: &Recollection) -> bool {
        self.database.now < one.valid_until && one.text.len() <= MAX_REMEMBERED_OCTETS
    }

    /// Lets other domains go until there is room for results of that many octets about this one.
    fn make_room(
        &self,
        transaction: &Transaction<'_>,
        domain: &PolicyDomain,
        octets: &[usize],
    ) -> rusqlite::Result<()> {
        if !one::<bool>(transaction, IS_KNOWN, [domain.as_str()])? {
            self.database.owners.grow();
            let most = i64::try_from(self.database.max_domains).unwrap_or(i64::MAX);
            let domains = tally::domains(transaction, self.database.schema())?;
            let surplus = domains.saturating_sub(most).saturating_add(1);
            for _ in 0..surplus.min(EVICTED_AT_ONCE) {
                self.evict(transaction, domain)?;
            }
        }
        let pages = |octets: &usize| Database::pages_for(*octets).saturating_add(SPLIT_PAGES);
        let needed = octets.iter().map(pages).sum();
        while Database::free_pages(transaction)? < needed && self.evict(transaction, domain)? {}
        Ok(())
    }

    /// Lets the next domain go, which is not the one that room is made for; whether there was one. What is over goes first.
    fn evict(&self, transaction: &Transaction<'_>, kept: &PolicyDomain) -> rusqlite::Result<bool> {
        let Database { owners, max_domains, now, .. } = &self.database;
        let kept = kept.as_str();
        let ends_first = |latest| {
            let key = named_params! { ":latest": latest, ":domain": kept };
            one::<String>(transaction, NEXT_TO_GO, key).optional()
        };
        if let Some(over) = ends_first(integer(now.0))? {
            return purge(transaction, over);
        }
        while let Some(domain) = owners.of_most.next(transaction, DOMAINS, kept, *max_domains, *now)? {
            // It may have gone meanwhile.
            if purge(transaction, domain)? {
                return Ok(true);
            }
        }
        ends_first(i64::MAX)?.map_or(Ok(false), |domain| purge(transaction, domain))
    }

    fn put(
        &self,
        transaction: &Transaction<'_>,
        domain: &PolicyDomain,
        topic: Topic,
        one: &Recollection,
    ) -> rusqlite::Result<()> {
        let valid_until = one.valid_until.min(self.database.now.plus(topic.longest()));
        let end = i64::try_from(valid_until.0).unwrap_or(i64::MAX);
        transaction.prepare_cached(REPLACE)?.execute(named_params! {
            ":domain": domain.as_str(),
            ":fingerprint": self.database.fingerprint.as_bytes(),
            ":topic": topic.word(),
            ":text": one.text,
            ":valid_until": end,
            ":checksum": self.checksum(domain, topic, &one.text, end),
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
        let found = self.database.read(|connection| self.select(connection, domain))?.unwrap_or_default();
        Ok(found.iter().find(|(topic, _)| *topic == Topic::MxHosts).map(|(_, one)| one.valid_until))
    }

    /// Forgets a result; writes nothing if there is none.
    pub(super) fn forget(&self, domain: &PolicyDomain, topic: Topic) -> Result<(), CacheError> {
        let key = || self.key(domain, topic);
        let exists = |connection: &Connection| one(connection, EXISTS, key());
        if !self.database.read(exists)?.unwrap_or(false) {
            return Ok(());
        }
        self.database.write("forgetting a DNS result", |transaction| {
            run(transaction, FORGET, key())?;
            Ok(())
        })
    }

    /// Removes everything about a domain; how many results there were.
    pub(super) fn purge(&self, domain: &PolicyDomain) -> Result<usize, CacheError> {
        let name = domain.as_str();
        let exists = |connection: &Connection| one(connection, IS_KNOWN, [name]);
        if !self.database.read(exists)?.unwrap_or(false) {
            return Ok(0);
        }
        self.database.write("removing DNS results", |transaction| run(transaction, PURGE, [name]))
    }

    fn select(
        &self,
        connection: &Connection,
        domain: &PolicyDomain,
    ) -> rusqlite::Result<Vec<(Topic, Recollection)>> {
        let mut statement = connection.prepare_cached(SELECT)?;
        let rows = statement.query_map(
            named_params! {
                ":domain": domain.as_str(),
                ":fingerprint": self.database.fingerprint.as_bytes(),
                ":longest": i64::try_from(MAX_REMEMBERED_OCTETS).unwrap_or(i64::MAX),
            },
            |row| Ok(self.understand(row, domain)),
        )?;
        rows.filter_map(Result::transpose).collect()
    }

    fn understand(&self, row: &Row<'_>, domain: &PolicyDomain) -> Option<(Topic, Recollection)> {
        let word = row.get_ref(0).ok()?.as_str().ok()?;
        let topic = Topic::ALL.into_iter().find(|topic| topic.word() == word)?;
        let text = row.get_ref(1).ok()?.as_str().ok()?;
        let end: i64 = row.get(2).ok()?;
        if self.checksum(domain, topic, text, end) != row.get_ref(3).ok()?.as_blob().ok()? {
            return None;
        }
        let valid_until = UnixTime(u64::try_from(end).ok()?);
        Some((topic, Recollection { text: text.to_owned(), valid_until }))
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

/// Removes everything about a domain; whether there was anything.
fn purge(transaction: &Transaction<'_>, domain: String) -> rusqlite::Result<bool> {
    Ok(run(transaction, PURGE, [domain])? > 0)
}
