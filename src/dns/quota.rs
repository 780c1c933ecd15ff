//! What one verdict may cost, whatever is answered: questions, octets, records.
//!
//! Every packet that leaves counts, repetitions included, since whoever answers decides how often we repeat. The
//! quota only ever shrinks; it refuses by saying no, and the refused question ends as
//! [`Outage::Budget`](super::Outage::Budget).

use super::reply_memory::{Portion, ReplyMemory, of_reply};
use crate::limits::{
    MAX_QUERIES, MAX_QUERIES_PER_MX_HOST, MAX_REPLY_OCTETS, MAX_VERDICT_RECORDS,
    MAX_VERDICT_RECORDS_PER_MX_HOST,
};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Why a reply is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unaffordable {
    /// It goes beyond what one verdict may cost.
    Quota,
    /// The replies of others take what there is; nothing follows of that for the name.
    Memory,
}

/// The quota of one verdict, shared by all that spend from it.
#[derive(Debug)]
pub struct Quota {
    /// Packets that have left.
    spent: AtomicUsize,
    /// Packets that may leave.
    allowed: AtomicUsize,
    octets_left: AtomicUsize,
    records_left: AtomicUsize,
    memory: Portion,
}

impl Default for Quota {
    fn default() -> Self {
        Self::sharing(&ReplyMemory::default(), "")
    }
}

impl Quota {
    /// A quota whose replies share memory with those of other verdicts, until it is dropped; whose name it is about.
    #[must_use]
    pub fn sharing(memory: &ReplyMemory, owner: &str) -> Self {
        Self {
            spent: AtomicUsize::new(0),
            allowed: AtomicUsize::new(MAX_QUERIES),
            octets_left: AtomicUsize::new(MAX_REPLY_OCTETS),
            records_left: AtomicUsize::new(MAX_VERDICT_RECORDS),
            memory: memory.portion(owner),
        }
    }

    /// Raises the allowance for MX hosts that have to be looked at one by one.
    pub fn allow_mx_hosts(&self, hosts: usize) {
        self.allowed.fetch_add(hosts.saturating_mul(MAX_QUERIES_PER_MX_HOST), Relaxed);
        self.records_left.fetch_add(hosts.saturating_mul(MAX_VERDICT_RECORDS_PER_MX_HOST), Relaxed);
    }

    /// Takes one packet from the quota; false if none is left.
    #[must_use]
    pub fn take_query(&self) -> bool {
        let allowed = self.allowed.load(Relaxed);
        self.spent.fetch_update(Relaxed, Relaxed, |spent| (spent < allowed).then(|| spent + 1)).is_ok()
    }

    /// Takes a reply of that many octets and claimed records from the quota.
    ///
    /// # Errors
    /// If it is too much to be read; why.
    pub fn take_reply(&self, octets: usize, records: usize) -> Result<(), Unaffordable> {
        let take = |left: &AtomicUsize, n: usize| {
            left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(n)).is_ok()
        };
        if !(take(&self.octets_left, octets) && take(&self.records_left, records)) {
            return Err(Unaffordable::Quota);
        }
        self.memory.take(of_reply(octets, records)).then_some(()).ok_or(Unaffordable::Memory)
    }

    /// Whether there is memory for such a reply now.
    #[must_use]
    pub fn has_memory_for(&self, octets: usize, records: usize) -> bool {
        self.memory.has_room(of_reply(octets, records))
    }

    /// Packets that have left so far.
    #[must_use]
    pub fn spent(&self) -> usize {
        self.spent.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_questions_leave_and_twenty_four_more_for_each_mx_host() {
        let quota = Quota::default();
        let spend = || std::iter::from_fn(|| quota.take_query().then_some(())).count();
        assert_eq!(spend(), 60);
        quota.allow_mx_hosts(2);
        assert_eq!(spend(), 48);
        assert_eq!(quota.spent(), 108);
    }

    #[test]
    fn a_reply_that_would_exceed_the_budget_is_not_read() {
        let quota = Quota::default();
        assert_eq!(quota.take_reply(MAX_REPLY_OCTETS - 1, 0), Ok(()));
        assert_eq!(quota.take_reply(2, 0), Err(Unaffordable::Quota));
        assert_eq!(quota.take_reply(1, MAX_VERDICT_RECORDS + 1), Err(Unaffordable::Quota));
    }
}
