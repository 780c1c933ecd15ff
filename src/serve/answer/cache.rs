//! Answers that still stand, in bounded room. Pure.

use super::MtaAnswer;
use crate::limits::{MAX_CACHED_ANSWERS, MAX_LONG_ANSWERS_OCTETS, USUAL_ANSWER_OCTETS};
use crate::name::{MxHost, PolicyDomain};
use crate::serve::protocol::question::Question;
use crate::time::UnixTime;
use crate::verify::NextHop;
use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

/// Answers that still stand: the usual ones, bounded in number, and the long ones, bounded in octets.
#[derive(Debug, Default)]
pub struct AnswerCache {
    usual: Shelf,
    long: Shelf,
}

/// Two halves: whatever is asked for moves into the new one; when that is full it becomes the old one, and what nobody
/// asked for meanwhile is forgotten.
#[derive(Debug, Default)]
struct Shelf {
    new: Half,
    old: Half,
}

/// An answer, and in which span it stands: a clock that goes back before its beginning ends it, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The answer.
    pub answer: Arc<MtaAnswer>,
    /// When it was found.
    pub from: UnixTime,
    /// The first moment at which it stands no more.
    pub until: UnixTime,
}

impl Standing {
    /// Whether it stands at that moment.
    #[must_use]
    pub fn stands(&self, now: UnixTime) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// What was answered about one domain: mail that goes by its MX records, and mail that goes to the host of that name. In order, for
/// there are few of each, and comparing them costs less than a hash that strangers cannot foresee.
type ByNextHop = BTreeMap<NextHop, BTreeMap<Option<MxHost>, Standing>>;

#[derive(Debug, Default)]
struct Half {
    domains: HashMap<PolicyDomain, ByNextHop>,
    number: usize,
    /// Of the words of all its answers.
    octets: usize,
}

impl Half {
    /// Whether there is no room for so many octets more. All usual answers have room for their octets as long as they have it for their number.
    const fn is_full(&self, octets: usize) -> bool {
        self.number >= MAX_CACHED_ANSWERS / 2
            || octets > USUAL_ANSWER_OCTETS
                && self.octets.saturating_add(octets) > MAX_LONG_ANSWERS_OCTETS / 2
    }

    fn get(&self, question: &Question) -> Option<&Standing> {
        self.domains.get(&question.domain)?.get(&question.next_hop)?.get(&question.host)
    }

    fn insert(&mut self, question: &Question, one: Standing) {
        let next_hops = match self.domains.get_mut(&question.domain) {
            Some(next_hops) => next_hops,
            None => self.domains.entry(question.domain.clone()).or_default(),
        };
        let hosts = next_hops.entry(question.next_hop).or_default();
        (self.number, self.octets) =
            (self.number.saturating_add(1), self.octets.saturating_add(one.answer.octets()));
        if let Some(gone) = hosts.insert(question.host.clone(), one) {
            self.count_out(&gone);
        }
    }

    /// Takes an answer out, and leaves nothing empty behind.
    fn remove(&mut self, question: &Question) {
        let Some(next_hops) = self.domains.get_mut(&question.domain) else { return };
        let Some(hosts) = next_hops.get_mut(&question.next_hop) else { return };
        let gone = hosts.remove(&question.host);
        if hosts.is_empty() {
            next_hops.remove(&question.next_hop);
        }
        if next_hops.is_empty() {
            self.domains.remove(&question.domain);
        }
        gone.iter().for_each(|gone| self.count_out(gone));
    }

    fn forget(&mut self, domain: &PolicyDomain) {
        let gone = self.domains.remove(domain).unwrap_or_default();
        gone.values().flat_map(BTreeMap::values).for_each(|gone| self.count_out(gone));
    }

    fn count_out(&mut self, gone: &Standing) {
        (self.number, self.octets) =
            (self.number.saturating_sub(1), self.octets.saturating_sub(gone.answer.octets()));
    }
}

impl Shelf {
    fn recall(&mut self, question: &Question, now: UnixTime) -> Option<Arc<MtaAnswer>> {
        if let Some(one) = self.new.get(question) {
            return one.stands(now).then(|| Arc::clone(&one.answer));
        }
        let one = self.old.get(question).filter(|one| one.stands(now))?.clone();
        let answer = Arc::clone(&one.answer);
        self.remember(question, one);
        Some(answer)
    }

    fn remember(&mut self, question: &Question, one: Standing) {
        if self.new.is_full(one.answer.octets()) {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(question, one);
    }

    const fn len(&self) -> usize {
        self.new.number.saturating_add(self.old.number)
    }
}

impl AnswerCache {
    /// The answer, if there is one that stands.
    pub fn recall(&mut self, question: &Question, now: UnixTime) -> Option<Arc<MtaAnswer>> {
        self.usual.recall(question, now).or_else(|| self.long.recall(question, now))
    }

    /// Remembers an answer in the place of an earlier one.
    pub fn remember(&mut self, question: &Question, one: Standing) {
        let (shelf, other) = if one.answer.octets() <= USUAL_ANSWER_OCTETS {
            (&mut self.usual, &mut self.long)
        } else {
            (&mut self.long, &mut self.usual)
        };
        other.new.remove(question);
        other.old.remove(question);
        shelf.remember(question, one);
    }

    /// Forgets what was answered about a domain.
    pub fn forget(&mut self, domain: &PolicyDomain) {
        for half in [&mut self.usual.new, &mut self.usual.old, &mut self.long.new, &mut self.long.old] {
            half.forget(domain);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many answers there are, those that no longer stand included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.usual.len().saturating_add(self.long.len())
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
