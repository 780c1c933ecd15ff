//! How the daemon's part in a fleet paces itself: how long it waits after a failure, and what it offers once more after one.

use crate::cache::OutboxMark;
use crate::fleet::Trouble;
use crate::limits::{
    FLEET_AWAY_WARNED, FLEET_BATCH, FLEET_PAGE, FLEET_PAGE_FIRST, FLEET_POLL, FLEET_READ_AGAIN,
    FLEET_RETRY_FIRST, FLEET_RETRY_MOST, MAX_FLEET_RECENT,
};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// What is told, and when it is tried again.
#[derive(Default)]
pub(crate) struct Patience {
    failures: u32,
    away_since: Option<Instant>,
    told: Option<Trouble>,
    is_warned: bool,
}

impl Patience {
    /// Tells what is news, and says how long to wait.
    pub(crate) fn after(&mut self, trouble: Trouble) -> Duration {
        let since = *self.away_since.get_or_insert_with(Instant::now);
        let doubled = FLEET_RETRY_FIRST.saturating_mul(1_u32 << self.failures.min(6)).min(FLEET_RETRY_MOST);
        self.failures = self.failures.saturating_add(1);
        let pause = match &trouble {
            Trouble::Configuration(_) | Trouble::Newer(_) => FLEET_RETRY_MOST,
            Trouble::Slow => FLEET_RETRY_MOST / 2,
            Trouble::ReadOnly | Trouble::Away(_) => doubled,
        };
        let why = trouble.to_string();
        let is_lasting = !self.is_warned && since.elapsed() >= FLEET_AWAY_WARNED;
        if matches!(trouble, Trouble::Configuration(_) | Trouble::Newer(_))
            && self.told.as_ref() != Some(&trouble)
        {
            warn!(why, "the fleet's database cannot be used; this host goes on alone");
        } else if is_lasting {
            self.is_warned = true;
            warn!(why, "the fleet's database has been away for minutes; this host goes on alone");
        } else if self.told.as_ref() != Some(&trouble) {
            info!(why, "the fleet's database is away; this host goes on alone");
        }
        self.told = Some(trouble);
        scattered(pause)
    }

    /// All that is to be done there was done once: a connection alone is no sign that the next one is worth while.
    pub(crate) fn is_rewarded(&mut self, store: &str) {
        if self.told.is_some() {
            info!(store, "the fleet's database is there again");
        }
        *self = Self::default();
    }
}

/// Half of it to one and a half: hosts that began together come apart.
pub(crate) fn scattered(pause: Duration) -> Duration {
    let mut octet = [128];
    // Without random numbers all of them come together, and nothing else.
    let _filled = aws_lc_rs::rand::fill(&mut octet);
    let [octet] = octet;
    pause / 2 + pause * u32::from(octet) / 255
}

/// How much is done at once, from one connection to the next: less where it was too much.
pub(crate) struct Pace {
    /// Changes that are read.
    pub(crate) page: usize,
    /// Policies that are offered.
    pub(crate) batch: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { page: FLEET_PAGE_FIRST, batch: FLEET_BATCH }
    }
}

impl Pace {
    /// So much was read.
    pub(crate) fn has_read(&mut self) {
        self.page = self.page.saturating_mul(2).min(FLEET_PAGE);
    }

    /// So much could not be read: it took too long, or there were too many octets of it.
    pub(crate) fn could_not_read(&mut self) {
        self.page = (self.page / 4).max(1);
    }

    /// All that there was has been offered.
    pub(crate) fn has_offered(&mut self) {
        self.batch = self.batch.saturating_mul(2).min(FLEET_BATCH);
    }

    /// So much could not be offered in time.
    pub(crate) fn could_not_offer(&mut self) {
        self.batch = (self.batch / 2).max(1);
    }
}

/// What the database could not take, because somebody has it locked there; each is offered again a little later. It keeps nobody else's waiting.
#[derive(Default)]
pub(crate) struct HeldUp {
    /// How far the outbox was offered in this turn.
    pub(crate) mark: OutboxMark,
    until: HashMap<(PolicyDomain, Dialect), Instant>,
    /// There were too many of them to be remembered.
    rests_until: Option<Instant>,
}

impl HeldUp {
    /// Those of these that are not to be offered yet.
    pub(crate) fn of(&mut self, policies: &[StoredPolicy]) -> Vec<StoredPolicy> {
        let now = Instant::now();
        self.until.retain(|_, until| now < *until);
        let is_held_up = |policy: &&StoredPolicy| self.until.contains_key(&key(policy));
        policies.iter().filter(is_held_up).cloned().collect()
    }

    /// These were held up.
    pub(crate) fn add(&mut self, policies: &[StoredPolicy]) {
        let until = Instant::now() + scattered(FLEET_POLL);
        self.until.extend(policies.iter().map(|policy| (key(policy), until)));
        if self.until.len() > MAX_FLEET_RECENT {
            self.until.clear();
            self.rests_until = Some(until);
        }
    }

    /// Whether nothing is offered for a while.
    pub(crate) fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }
}

fn key(policy: &StoredPolicy) -> (PolicyDomain, Dialect) {
    (policy.domain.clone(), policy.policy.dialect())
}

/// Where the changes of a store stood in the last minutes, from one connection to the next: numbers become visible out of order, and one server's are not
/// another's, so that behind a failover, or a primary that came back, something new may have a number that was read before.
#[derive(Default)]
pub(crate) struct Marks {
    store: String,
    stood: VecDeque<(Instant, u64)>,
}

impl Marks {
    /// A connection to that store, of which this host has read so far. Of another one, or one that has gone back in time, nothing is known; where nobody
    /// knows where the changes stood, the last page of them is taken for what is to be read once more.
    pub(crate) fn begin(&mut self, store: &str, change: u64) {
        if self.store != store || self.stood.back().is_some_and(|(_, last)| *last > change) {
            *self = Self { store: store.to_owned(), ..Self::default() };
        }
        if self.stood.is_empty() {
            let page = u64::try_from(FLEET_PAGE).unwrap_or(u64::MAX);
            self.stood.push_back((Instant::now(), change.saturating_sub(page)));
        }
    }

    /// Everything was read, up to that change: there they stood, or further on.
    fn has_read(&mut self, change: u64) {
        if self.stood.back().is_none_or(|(_, last)| *last < change) {
            self.stood.push_back((Instant::now(), change));
        }
        while self.stood.get(1).is_some_and(|(at, _)| at.elapsed() >= FLEET_READ_AGAIN) {
            self.stood.pop_front();
        }
    }

    /// From where on it is to be read once more.
    fn ago(&self) -> Option<u64> {
        self.stood.front().map(|(_, change)| *change)
    }
}

/// What is read next of the changes: a page of what is new, and then, where the last minutes are read once more, one of these. That begins when there is
/// nothing new any more, and one such reading comes to its end before the next: however much there is, all of it is read at last.
pub(crate) struct Course {
    is_behind: bool,
    again: Option<u64>,
}

impl Course {
    /// Nothing was read on this connection.
    pub(crate) const fn new() -> Self {
        Self { is_behind: true, again: None }
    }

    /// A page of what is new was read, up to that change.
    pub(crate) fn has_read(&mut self, marks: &mut Marks, change: u64, is_more: bool) {
        self.is_behind = is_more;
        marks.has_read(change);
    }

    /// Whether the last minutes are being read once more from now on: not while there is anything else to be read.
    pub(crate) fn begins_again(&mut self, marks: &Marks, change: u64) -> bool {
        if self.is_behind || self.again.is_some() {
            return false;
        }
        self.again = marks.ago().filter(|ago| *ago < change);
        true
    }

    /// From where on a page is read once more.
    pub(crate) const fn again(&self) -> Option<u64> {
        self.again
    }

    /// That page was read, up to `last`, where everything up to `change` was read before.
    pub(crate) fn has_read_again(&mut self, last: Option<u64>, is_more: bool, change: u64) {
        self.again = last.filter(|last| is_more && *last < change);
    }

    /// Whether there is more to be read at once.
    pub(crate) const fn is_more(&self) -> bool {
        self.is_behind || self.again.is_some()
    }
}

/// What was acknowledged lately: an asynchronous failover may take it back.
#[derive(Default)]
pub(crate) struct Recent {
    offered: VecDeque<(Instant, StoredPolicy)>,
    /// There was more of it than is remembered: all of it is offered again.
    is_more: bool,
    /// All of it is being offered again, and that has not come to its end.
    is_owed: bool,
}

impl Recent {
    /// What is to be offered again on a new connection. If that fails, [`Recent::was_lost`].
    pub(crate) fn take(&mut self) -> Vec<StoredPolicy> {
        self.is_owed |= std::mem::take(&mut self.is_more);
        self.offered.retain(|(at, _)| at.elapsed() <= FLEET_READ_AGAIN);
        self.offered.drain(..).map(|(_, policy)| policy).collect()
    }

    /// That could not be offered.
    pub(crate) fn was_lost(&mut self) {
        self.is_owed = true;
    }

    /// Whether all that this host has is to be offered again.
    pub(crate) const fn owes_all(&self) -> bool {
        self.is_owed
    }

    /// All of it was. What was too much to be remembered meanwhile is the next connection's matter.
    pub(crate) fn has_offered_all(&mut self) {
        self.is_owed = false;
    }

    /// What was said of a domain is not said again: it was purged.
    pub(crate) fn forget(&mut self, domain: &PolicyDomain) {
        self.offered.retain(|(_, policy)| policy.domain != *domain);
    }

    pub(crate) fn add(&mut self, policies: Vec<StoredPolicy>) {
        let now = Instant::now();
        self.offered.extend(policies.into_iter().map(|policy| (now, policy)));
        while self.offered.front().is_some_and(|(at, _)| at.elapsed() > FLEET_READ_AGAIN) {
            self.offered.pop_front();
        }
        while self.offered.len() > MAX_FLEET_RECENT {
            self.offered.pop_front();
            self.is_more = true;
        }
    }
}

#[cfg(test)]
mod tests;
