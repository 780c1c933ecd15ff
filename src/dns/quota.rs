//! What one verdict may cost, whatever is answered: questions, octets, records.
//!
//! Every packet that leaves counts, repetitions included, since whoever answers decides how often we repeat. The
//! quota only ever shrinks; it refuses by saying no, and the refused question ends as
//! [`Outage::Budget`](super::Outage::Budget).

use crate::limits::{
    MAX_QUERIES, MAX_QUERIES_PER_MX_HOST, MAX_REPLY_OCTETS, MAX_REPLY_OCTETS_TOGETHER, MAX_VERDICT_RECORDS,
    MAX_VERDICT_RECORDS_PER_MX_HOST,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Octets of replies that all verdicts of a process together may hold at the same time: whoever owns many names and answers at length
/// must not fill its memory.
#[derive(Clone, Debug)]
pub struct SharedOctets(Arc<AtomicUsize>);

impl Default for SharedOctets {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(MAX_REPLY_OCTETS_TOGETHER)))
    }
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
    /// Octets taken from what all verdicts share, and that.
    held: AtomicUsize,
    together: SharedOctets,
}

impl Drop for Quota {
    fn drop(&mut self) {
        self.together.0.fetch_add(self.held.load(Relaxed), Relaxed);
    }
}

impl Default for Quota {
    fn default() -> Self {
        Self::sharing(&SharedOctets::default())
    }
}

impl Quota {
    /// A quota whose replies are counted together with those of other verdicts, until it is dropped.
    #[must_use]
    pub fn sharing(together: &SharedOctets) -> Self {
        Self {
            spent: AtomicUsize::new(0),
            allowed: AtomicUsize::new(MAX_QUERIES),
            octets_left: AtomicUsize::new(MAX_REPLY_OCTETS),
            records_left: AtomicUsize::new(MAX_VERDICT_RECORDS),
            held: AtomicUsize::new(0),
            together: together.clone(),
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

    /// Takes a reply of that many octets and claimed records from the quota; false if it is too much to be read.
    #[must_use]
    pub fn take_reply(&self, octets: usize, records: usize) -> bool {
        let take = |left: &AtomicUsize, n: usize| {
            left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(n)).is_ok()
        };
        let fits = take(&self.together.0, octets);
        if fits {
            self.held.fetch_add(octets, Relaxed);
        }
        fits && take(&self.octets_left, octets) && take(&self.records_left, records)
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
    fn what_all_verdicts_hold_together_has_an_end_and_is_given_back() {
        let together = SharedOctets::default();
        let hold = || Quota::sharing(&together);
        let full: Vec<Quota> =
            std::iter::repeat_with(hold).take_while(|quota| quota.take_reply(MAX_REPLY_OCTETS, 0)).collect();
        assert_eq!(full.len(), MAX_REPLY_OCTETS_TOGETHER / MAX_REPLY_OCTETS);
        assert!(!hold().take_reply(1, 0));
        drop(full);
        assert!(hold().take_reply(MAX_REPLY_OCTETS, 0));
    }

    #[test]
    fn a_reply_that_would_exceed_the_budget_is_not_read() {
        let quota = Quota::default();
        assert!(quota.take_reply(MAX_REPLY_OCTETS - 1, 0));
        assert!(!quota.take_reply(2, 0));
        assert!(!quota.take_reply(1, MAX_VERDICT_RECORDS + 1));
    }
}
