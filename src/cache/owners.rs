//! Whose domains fill the file: one owner of very many must not keep all others out.
//!
//! Whoever signs one wildcard has as many domains as he likes, and each of them has a policy in force for a year without a
//! single delivery. So where a full file has nothing else to let go, the owner of most domains lets his own go, the ones
//! that end first, as long as he has more than his share. A domain whose policies are long counts as so many as would take their room. An owner is taken to be whoever registered the name: its last two
//! labels, or three where a country registers below such words as `co`. Where a registry registers below another word, many
//! owners are taken for one; then those go first who have many domains below one name of their own there, so that no
//! neighbour's number of names drives out a policy.
//!
//! Nobody is looked for while there is room, or while anything else may go; and then not for each domain that comes: what is
//! found serves the next few hundred, and where nobody is found, nobody can have become one before some of his share came.

use crate::limits::CACHE_OCTETS_PER_DOMAIN;
use crate::time::UnixTime;
use rusqlite::{Connection, Row};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// Each domain, and the octets of its policies.
const DOMAINS: &str =
    "SELECT domain, sum(octet_length(record) + coalesce(octet_length(body), 0)) FROM policy GROUP BY domain";

/// Each policy, and its octets.
const ALL: &str = "SELECT domain, fingerprint, mechanism, applied_at, expires_at,
    octet_length(record) + coalesce(octet_length(body), 0) FROM policy";

/// An owner may have this part of the domains.
const SHARE: u64 = 32;
/// And so many at least.
const LEAST_SHARE: u64 = 32;
/// So many are found at once.
const FOUND_AT_ONCE: usize = 256;
/// Numbers that owners are counted by: whoever has a share stands out among them.
const BUCKETS: usize = 65_536;
/// Seconds after which others may have changed everything.
const SEARCHED_AGAIN: u64 = 3_600;

/// Words below which countries register names.
const REGISTRIES: [&str; 24] = [
    "ac", "ad", "asn", "co", "com", "ed", "edu", "firm", "gen", "go", "gob", "gouv", "gov", "gv", "id",
    "ltd", "mil", "ne", "net", "nom", "or", "org", "plc", "sch",
];

/// The key of a policy's row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) domain: String,
    pub(super) fingerprint: Vec<u8>,
    pub(super) mechanism: String,
}

/// Policies of an owner of too many, and when they were looked for.
#[derive(Debug)]
pub(super) struct Crowd {
    found: RefCell<VecDeque<Key>>,
    /// Domains that came since.
    arrivals: Cell<u64>,
    searched: Cell<Option<UnixTime>>,
}

impl Crowd {
    pub(super) const fn new() -> Self {
        Self { found: RefCell::new(VecDeque::new()), arrivals: Cell::new(0), searched: Cell::new(None) }
    }

    /// A domain came.
    pub(super) fn grows(&self) {
        self.arrivals.set(self.arrivals.get().saturating_add(1));
    }

    /// The next one to go; `None` if nobody has more than his share.
    pub(super) fn next(
        &self,
        connection: &Connection,
        max_domains: u64,
        now: UnixTime,
    ) -> rusqlite::Result<Option<Key>> {
        if let Some(next) = self.found.borrow_mut().pop_front() {
            return Ok(Some(next));
        }
        let share = (max_domains / SHARE).max(LEAST_SHARE);
        let is_known = |at: UnixTime| now.since(at) < SEARCHED_AGAIN && self.arrivals.get() < share / 4;
        if self.searched.get().is_some_and(is_known) {
            return Ok(None);
        }
        let found = search(connection, share)?;
        // As long as somebody is found, there may be more.
        self.searched.set(found.is_empty().then_some(now));
        self.arrivals.set(0);
        let mut queue = self.found.borrow_mut();
        queue.extend(found);
        Ok(queue.pop_front())
    }
}

/// Some policies of the owner of most domains, if he has more than his share.
fn search(connection: &Connection, share: u64) -> rusqlite::Result<Vec<Key>> {
    let hash = RandomState::new();
    let mut owners = Buckets(vec![0; BUCKETS], hash.clone());
    let mut names = Buckets(vec![0; BUCKETS], hash);
    each(connection, DOMAINS, |domain, row| {
        let weight = weight(row.get(1).unwrap_or(0));
        owners.count(owner(domain), weight);
        names.count(name(domain), weight);
    })?;
    let mut exact: BTreeMap<String, u64> = BTreeMap::new();
    each(connection, DOMAINS, |domain, row| {
        let owner = owner(domain);
        if owners.of(owner) > share {
            let number = exact.entry(owner.to_owned()).or_default();
            *number = number.saturating_add(weight(row.get(1).unwrap_or(0)));
        }
    })?;
    let Some((whose, number)) = exact.into_iter().max_by_key(|(_, number)| *number) else {
        return Ok(Vec::new());
    };
    let mut surplus = number.saturating_sub(share);
    let most = usize::try_from(surplus).unwrap_or(usize::MAX).min(FOUND_AT_ONCE);
    // The last ones to go are on top.
    let mut first = BinaryHeap::with_capacity(most.saturating_add(1));
    each(connection, ALL, |domain, row| {
        if owner(domain) == whose {
            let below = names.of(name(domain));
            let crowded = if below > share / 4 { below } else { 0 };
            let weight = weight(row.get(5).unwrap_or(0));
            first.extend(place(row).map(|(is_met, end, key)| (Reverse(crowded), is_met, end, key, weight)));
            if first.len() > most {
                first.pop();
            }
        }
    })?;
    let going = first.into_sorted_vec().into_iter().map_while(|(.., key, weight)| {
        let goes = surplus > 0;
        surplus = surplus.saturating_sub(weight);
        goes.then_some(key)
    });
    Ok(going.collect())
}

/// As many domains as would take the room of so many octets.
fn weight(octets: i64) -> u64 {
    let more = u64::try_from(octets).unwrap_or(0).checked_div(CACHE_OCTETS_PER_DOMAIN);
    more.unwrap_or(0).saturating_add(1)
}

/// Whether a delivery met the policy in that row, when it ends, and where it stands.
fn place(row: &Row<'_>) -> Option<(bool, i64, Key)> {
    let applied_at: Option<i64> = row.get(3).ok()?;
    let key = Key { domain: row.get(0).ok()?, fingerprint: row.get(1).ok()?, mechanism: row.get(2).ok()? };
    Some((applied_at.is_some(), row.get(4).ok()?, key))
}

fn each(
    connection: &Connection,
    statement: &str,
    mut act: impl FnMut(&str, &Row<'_>),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Ok(domain) = row.get_ref(0)?.as_str() {
            act(domain, row);
        }
    }
    Ok(())
}

/// Counts words by a number of theirs: of none too few.
struct Buckets(Vec<u64>, RandomState);

impl Buckets {
    fn place(&self, word: &str) -> usize {
        let buckets = u64::try_from(BUCKETS).unwrap_or(u64::MAX);
        usize::try_from(self.1.hash_one(word) % buckets).unwrap_or(0)
    }

    fn count(&mut self, word: &str, weight: u64) {
        let place = self.place(word);
        if let Some(number) = self.0.get_mut(place) {
            *number = number.saturating_add(weight);
        }
    }

    fn of(&self, word: &str) -> u64 {
        self.0.get(self.place(word)).copied().unwrap_or(0)
    }
}

/// Whoever registered the name, as far as the name tells.
#[must_use]
pub fn owner(domain: &str) -> &str {
    last_labels(domain, labels_of_owner(domain))
}

/// The name below the owner's that the domain belongs to.
fn name(domain: &str) -> &str {
    last_labels(domain, labels_of_owner(domain) + 1)
}

fn labels_of_owner(domain: &str) -> usize {
    let mut labels = domain.rsplit('.');
    let (top, second) = (labels.next().unwrap_or(""), labels.next().unwrap_or(""));
    if top.len() == 2 && REGISTRIES.contains(&second) { 3 } else { 2 }
}

/// So many of the last labels, or as many as there are.
fn last_labels(domain: &str, number: usize) -> &str {
    let dot = domain.rmatch_indices('.').nth(number.saturating_sub(1));
    dot.and_then(|(at, _)| domain.get(at + 1..)).unwrap_or(domain)
}

#[cfg(test)]
mod tests {
    use super::super::schema::POLICIES;
    use super::*;

    /// Domains of one owner, each with a policy of so many octets.
    fn fill(connection: &Connection, owner: &str, domains: u32, octets: usize) {
        for number in 0..domains {
            let row = (format!("d{number}.{owner}"), "r".repeat(octets), i64::from(number));
            connection
                .execute(
                    "INSERT INTO policy (domain, fingerprint, mechanism, record, authentication, fetched_at, expires_at,
                        tls_only, checksum) VALUES (?1, x'00', 'smtp-sts', ?2, 'dnssec', 1, ?3, 'True', x'00')",
                    row,
                )
                .unwrap();
        }
    }

    #[test]
    fn long_policies_count_as_the_domains_whose_room_they_take() {
        let connection = Connection::open_in_memory().unwrap();
        POLICIES.create(&connection).unwrap();
        fill(&connection, "many.test", 32, 300);
        fill(&connection, "long.test", 10, 9 * usize::try_from(CACHE_OCTETS_PER_DOMAIN).unwrap());
        let found = search(&connection, 32).unwrap();
        let expected: Vec<String> = (0..7).map(|number| format!("d{number}.long.test")).collect();
        assert_eq!(
            found.iter().map(|key| key.domain.clone()).collect::<Vec<_>>(),
            expected,
            "68 of 100, in tens"
        );
        assert_eq!(search(&connection, 100).unwrap(), []);
    }

    #[test]
    fn an_owner_is_whoever_registered_the_name() {
        for (domain, expected) in [
            ("example.org", "example.org"),
            ("a.b.c.example.org", "example.org"),
            ("a.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("a.example.com.br", "example.com.br"),
            ("a.co.example", "co.example"),
            ("org", "org"),
        ] {
            assert_eq!(owner(domain), expected, "{domain}");
        }
        assert_eq!(name("a.b.example.org"), "b.example.org");
        assert_eq!(name("example.org"), "example.org");
    }
}
