//! Whose domains fill a file: one owner of very many must not keep all others out.
//!
//! Whoever signs one wildcard has as many domains as he likes, and each of them has a policy in force for a year without a
//! single delivery. So in a full file the owners of most domains let theirs go, the ones that no delivery met first, then the ones
//! that end first: those of very many before anything goes that others only report, and where nothing else may go those of
//! whoever has most. Nobody gives up his share, and nobody is asked before he has it twice, so that one search serves many.
//!
//! A domain about which much is stored counts as so many as would take its room. An owner is taken to be whoever registered the
//! name ([`registrant`]). Where many of them are taken for one, those go first who have many domains below one name of their own
//! there, so that no neighbour's number of names drives out a policy.
//!
//! Nobody is looked for while there is room, and then not for each domain that comes ([`Search`]).

use super::registrant::{name_below, registrant};
use crate::limits::CACHE_OCTETS_PER_DOMAIN;
use crate::name::PolicyDomain;
use crate::time::UnixTime;
use rusqlite::{Connection, Row};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// The part of all domains that is a share for an owner of very many.
const OF_VERY_MANY: u64 = 32;
/// The part that is a share where nothing else may go.
const OF_MOST: u64 = 1_024;

/// So many domains are nobody's too many, unless they are an eighth of all.
const LEAST_SHARE: u64 = 32;
const LEAST_SHARE_OF_FEW: u64 = 8;
/// So many are found at once.
const FOUND_AT_ONCE: u64 = 256;
/// Numbers that owners are counted by: whoever has a share stands out among them.
const BUCKETS: usize = 65_536;
/// Seconds for which what was found counts, since others change the file.
const SEARCH_COUNTS: u64 = 60;

/// When owners are looked for, which takes a walk through the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    /// Where it hardly matters what goes: after an eighth of all domains came, and thus not by a process that lives for one.
    WhenDue,
    /// Where others' would go instead: at once, and if nobody was found, again after an eighth of all domains came.
    AtFirst,
    /// Where nothing else may go: at once, and if nobody was found, again after a 128th of all domains came, or a minute.
    AtNeed,
}

/// Those who have too many of a file's domains.
#[derive(Debug)]
pub(super) struct Owners {
    /// By the share that goes before what others only report.
    pub(super) of_very_many: Crowd,
    /// By the share that everybody keeps.
    pub(super) of_most: Crowd,
    gave_way: RefCell<GaveWay>,
}

/// What made room in a full file, until somebody asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GaveWay {
    /// Who had too many domains, of which the last one went: whoever registered the name, as far as its labels tell.
    pub owner: Option<PolicyDomain>,
    /// Policies went that refuse nothing: no delivery met them, or they only report.
    pub refusing_nothing: bool,
}

impl Owners {
    /// Of a file whose rows are kept as long as that may be.
    pub(super) const fn new() -> Self {
        Self::searched(Search::AtFirst, Search::AtNeed)
    }

    /// Of a file in which something else may always go.
    pub(super) const fn when_due() -> Self {
        Self::searched(Search::WhenDue, Search::WhenDue)
    }

    const fn searched(of_very_many: Search, of_most: Search) -> Self {
        Self {
            of_very_many: Crowd::beyond(OF_VERY_MANY, of_very_many),
            of_most: Crowd::beyond(OF_MOST, of_most),
            gave_way: RefCell::new(GaveWay { owner: None, refusing_nothing: false }),
        }
    }

    /// A domain came.
    pub(super) fn grow(&self) {
        self.of_very_many.grows();
        self.of_most.grows();
    }

    /// That domain has made room.
    pub(super) fn gives_way(&self, domain: &str) {
        self.gave_way.borrow_mut().owner = PolicyDomain::parse(registrant(domain)).ok();
    }

    /// A policy that refuses nothing has made room.
    pub(super) fn refusing_nothing_gives_way(&self) {
        self.gave_way.borrow_mut().refusing_nothing = true;
    }

    /// What made room since this was asked last.
    pub(super) fn what_gave_way(&self) -> GaveWay {
        self.gave_way.take()
    }
}

/// Domains of owners of too many, as they were found when they were last looked for.
#[derive(Debug)]
pub(super) struct Crowd {
    /// The part of all domains that is a share.
    part: u64,
    search: Search,
    found: RefCell<Found>,
}

#[derive(Debug)]
struct Found {
    /// When they were looked for, if they were.
    at: Option<UnixTime>,
    left: VecDeque<String>,
    found_nobody: bool,
    /// Domains that came since.
    arrivals: u64,
}

impl Crowd {
    /// Of whoever has more than such a part of all domains.
    const fn beyond(part: u64, search: Search) -> Self {
        let found = Found { at: None, left: VecDeque::new(), found_nobody: false, arrivals: 0 };
        Self { part, search, found: RefCell::new(found) }
    }

    fn grows(&self) {
        let mut found = self.found.borrow_mut();
        found.arrivals = found.arrivals.saturating_add(1);
    }

    /// The next domain to go, of those that the statement tells; `None` if nobody has too many, as far as is known. None makes room
    /// for itself: the one that `comes` stays.
    pub(super) fn next(
        &self,
        connection: &Connection,
        statement: &'static str,
        comes: &str,
        max_domains: u64,
        now: UnixTime,
    ) -> rusqlite::Result<Option<String>> {
        let mut found = self.found.borrow_mut();
        let is_recent = found.at.is_some_and(|at| now.since(at) < SEARCH_COUNTS);
        let next = |left: &mut VecDeque<String>| {
            let place = left.iter().position(|domain| domain != comes)?;
            left.remove(place)
        };
        if is_recent && let Some(next) = next(&mut found.left) {
            return Ok(Some(next));
        }
        let is_due = match self.search {
            Search::WhenDue => found.arrivals >= (max_domains / 8).max(8),
            // As long as somebody is found, there may be more.
            Search::AtFirst => !found.found_nobody || found.arrivals >= (max_domains / 8).max(8),
            Search::AtNeed => {
                !(is_recent && found.found_nobody) || found.arrivals >= (max_domains / 128).max(8)
            }
        };
        if !is_due {
            return Ok(None);
        }
        let share = share(self.part, max_domains);
        let mut left = VecDeque::from(find(connection, statement, share)?);
        let next = next(&mut left);
        *found = Found { at: Some(now), found_nobody: next.is_none(), left, arrivals: 0 };
        Ok(next)
    }

    /// That domain has not gone after all.
    pub(super) fn put_back(&self, domain: String) {
        self.found.borrow_mut().left.push_front(domain);
    }
}

/// How many domains nobody has to give up, where such a part of all is a share.
fn share(part: u64, max_domains: u64) -> u64 {
    (max_domains / part).max(LEAST_SHARE.min(max_domains / LEAST_SHARE_OF_FEW)).max(1)
}

/// Some domains of the owners of most, of whom each keeps his share.
fn find(connection: &Connection, statement: &'static str, share: u64) -> rusqlite::Result<Vec<String>> {
    let (owners, names) = tally(connection, statement)?;
    let many = of_more_than(share.saturating_mul(2), &owners, connection, statement)?;
    let mut giving = who_gives(many, share);
    if giving.is_empty() {
        return Ok(Vec::new());
    }
    each(connection, statement, |domain, row| {
        if let Some(gives) = giving.get_mut(registrant(domain)) {
            let below = names.of(name_below(domain));
            let crowded = if below > share / 4 { below } else { 0 };
            let (is_met, end) = (row.get(2).unwrap_or(true), row.get(3).unwrap_or(i64::MAX));
            gives.offer((Reverse(crowded), is_met, end, domain.to_owned(), weight(row)));
        }
    })?;
    Ok(giving.into_values().flat_map(Gives::domains).collect())
}

/// About how many domains each owner has, and each name below one.
fn tally(connection: &Connection, statement: &'static str) -> rusqlite::Result<(Buckets, Buckets)> {
    let hash = RandomState::new();
    let mut owners = Buckets(vec![0; BUCKETS], hash.clone());
    let mut names = Buckets(vec![0; BUCKETS], hash);
    each(connection, statement, |domain, row| {
        let weight = weight(row);
        owners.count(registrant(domain), weight);
        names.count(name_below(domain), weight);
    })?;
    Ok((owners, names))
}

/// How many domains they have who may have more than so many, and perhaps some others.
fn of_more_than(
    number: u64,
    owners: &Buckets,
    connection: &Connection,
    statement: &'static str,
) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut exact: BTreeMap<String, u64> = BTreeMap::new();
    if owners.0.iter().all(|counted| *counted <= number) {
        return Ok(exact);
    }
    each(connection, statement, |domain, row| {
        let owner = registrant(domain);
        if owners.of(owner) > number {
            let counted = exact.entry(owner.to_owned()).or_default();
            *counted = counted.saturating_add(weight(row));
        }
    })?;
    Ok(exact)
}

/// How many domains nobody has to give up, whoever has most. Whoever has more than twice as many gives way, down to these.
pub(super) fn share_of_most(max_domains: u64) -> u64 {
    share(OF_MOST, max_domains)
}

/// Whoever has most domains, and the room of how many they take, if these are more than that share.
pub(super) fn who_has_most(
    connection: &Connection,
    statement: &'static str,
    max_domains: u64,
) -> rusqlite::Result<Option<(PolicyDomain, u64)>> {
    let share = share_of_most(max_domains);
    let owners = of_more_than(share, &tally(connection, statement)?.0, connection, statement)?;
    let most = owners.into_iter().filter(|(_, number)| *number > share).max_by_key(|(_, number)| *number);
    Ok(most.and_then(|(owner, number)| Some((PolicyDomain::parse(&owner).ok()?, number))))
}

/// A domain's place among those of its owner, the first ones to go first: how many stand beside it, whether a delivery met it, when
/// it ends; its name, and its weight.
type Place = (Reverse<u64>, bool, i64, String, u64);

/// What an owner gives up.
#[derive(Debug, Default)]
struct Gives {
    /// The weight of it all.
    weight: u64,
    /// The first ones to go; the last of them is on top.
    first: BinaryHeap<Place>,
}

impl Gives {
    fn offer(&mut self, domain: Place) {
        self.first.push(domain);
        if u64::try_from(self.first.len()).unwrap_or(u64::MAX) > self.weight {
            self.first.pop();
        }
    }

    fn domains(self) -> impl Iterator<Item = String> {
        let mut left = self.weight;
        self.first.into_sorted_vec().into_iter().map_while(move |(.., domain, weight)| {
            let goes = left > 0;
            left = left.saturating_sub(weight);
            goes.then_some(domain)
        })
    }
}

/// Of the owners with more than two shares who gives up how much, until all have as many or a share: one after the other, whoever
/// has most.
fn who_gives(owners: BTreeMap<String, u64>, share: u64) -> BTreeMap<String, Gives> {
    let has_many = |(_, number): &(String, u64)| *number > share.saturating_mul(2);
    let mut heaviest: BinaryHeap<(u64, String)> =
        owners.into_iter().filter(has_many).map(|(owner, number)| (number, owner)).collect();
    let mut giving: BTreeMap<String, Gives> = BTreeMap::new();
    for _ in 0..FOUND_AT_ONCE {
        let Some((number, owner)) = heaviest.pop().filter(|(number, _)| *number > share) else { break };
        giving.entry(owner.clone()).or_default().weight += 1;
        heaviest.push((number - 1, owner));
    }
    giving
}

/// As many domains as would take the room of what is stored about this one.
fn weight(row: &Row<'_>) -> u64 {
    let octets: i64 = row.get(1).unwrap_or(0);
    let more = u64::try_from(octets).unwrap_or(0).checked_div(CACHE_OCTETS_PER_DOMAIN);
    more.unwrap_or(0).saturating_add(1)
}

fn each(
    connection: &Connection,
    statement: &'static str,
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

#[cfg(test)]
mod tests;
