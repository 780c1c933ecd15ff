//! Answers that still stand, in bounded room. Pure.

use super::MtaAnswer;
use crate::limits::MAX_CACHED_ANSWERS;
use crate::name::{MxHost, PolicyDomain};
use crate::serve::protocol::question::Question;
use crate::time::UnixTime;
use crate::verify::NextHop;
use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

/// Answers that still stand.
///
/// Two halves: whatever is asked for moves into the new one; when that is full it becomes the old one, and what nobody
/// asked for meanwhile is forgotten.
#[derive(Debug, Default)]
pub struct AnswerCache {
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
}

impl Half {
    fn get(&self, question: &Question) -> Option<&Standing> {
        self.domains.get(&question.domain)?.get(&question.next_hop)?.get(&question.host)
    }

    fn insert(&mut self, question: &Question, one: Standing) {
        let next_hops = match self.domains.get_mut(&question.domain) {
            Some(next_hops) => next_hops,
            None => self.domains.entry(question.domain.clone()).or_default(),
        };
        let hosts = next_hops.entry(question.next_hop).or_default();
        if hosts.insert(question.host.clone(), one).is_none() {
            self.number = self.number.saturating_add(1);
        }
    }

    fn forget(&mut self, domain: &PolicyDomain) {
        let gone = self.domains.remove(domain).unwrap_or_default();
        let gone = gone.values().map(BTreeMap::len).sum();
        self.number = self.number.saturating_sub(gone);
    }
}

impl AnswerCache {
    /// The answer, if there is one that stands.
    pub fn recall(&mut self, question: &Question, now: UnixTime) -> Option<Arc<MtaAnswer>> {
        if let Some(one) = self.new.get(question) {
            return one.stands(now).then(|| Arc::clone(&one.answer));
        }
        let one = self.old.get(question).filter(|one| one.stands(now))?.clone();
        let answer = Arc::clone(&one.answer);
        self.remember(question, one);
        Some(answer)
    }

    /// Remembers an answer in the place of an earlier one.
    pub fn remember(&mut self, question: &Question, one: Standing) {
        if self.new.number >= MAX_CACHED_ANSWERS / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(question, one);
    }

    /// Forgets what was answered about a domain.
    pub fn forget(&mut self, domain: &PolicyDomain) {
        self.new.forget(domain);
        self.old.forget(domain);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many answers there are, those that no longer stand included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.new.number.saturating_add(self.old.number)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;
    use crate::verify::{NoEvaluation, Report};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn about(domain: &str, host: Option<&str>) -> Question {
        let host = host.map(|host| MxHost::from_text(host).unwrap());
        Question::about(PolicyDomain::parse(domain).unwrap(), host)
    }

    fn standing(question: &Question, seconds: u64) -> Standing {
        let answer = MtaAnswer::of(&Report::from(NoEvaluation::defer(Reason::DnssecBogus, "")), question);
        Standing { answer: Arc::new(answer), from: NOW, until: NOW.plus(seconds) }
    }

    #[test]
    fn a_host_in_brackets_is_another_question_than_the_domain_of_that_name() {
        let mut cache = AnswerCache::default();
        let domain = about("a.test", None);
        let host = Question { next_hop: NextHop::Host(25), ..domain.clone() };
        let port = Question { next_hop: NextHop::Host(587), ..domain.clone() };
        cache.remember(&domain, standing(&domain, 60));
        assert!(cache.recall(&domain, NOW).is_some());
        assert!(cache.recall(&host, NOW).is_none() && cache.recall(&port, NOW).is_none());
        cache.remember(&host, standing(&host, 60));
        assert_eq!(cache.len(), 2);
        cache.forget(&domain.domain);
        assert!(cache.recall(&host, NOW).is_none() && cache.is_empty());
    }

    #[test]
    fn an_answer_stands_from_its_beginning_until_its_end_and_at_no_other_time() {
        let (mut cache, question) = (AnswerCache::default(), about("a.test", None));
        cache.remember(&question, standing(&question, 60));
        for (now, stands) in
            [(NOW, true), (NOW.plus(59), true), (NOW.plus(60), false), (UnixTime(NOW.0 - 1), false)]
        {
            assert_eq!(cache.recall(&question, now).is_some(), stands, "{now}");
        }
        assert_eq!(cache.recall(&about("a.test", Some("mx.a.test")), NOW), None);
    }

    #[test]
    fn a_domain_is_forgotten_with_all_of_its_hosts_and_no_other_one() {
        let mut cache = AnswerCache::default();
        let questions = [about("a.test", None), about("a.test", Some("mx.a.test")), about("b.test", None)];
        for question in &questions {
            cache.remember(question, standing(question, 60));
        }
        cache.forget(&questions[0].domain);
        let left = questions.map(|question| cache.recall(&question, NOW).is_some());
        assert_eq!((left, cache.len()), ([false, false, true], 1));
    }

    #[test]
    fn whatever_strangers_ask_for_there_is_an_end_to_what_is_kept_and_what_is_in_use_stays() {
        let (mut cache, used) = (AnswerCache::default(), about("used.test", None));
        cache.remember(&used, standing(&used, 60));
        let mut most = 0;
        for number in 0..3 * MAX_CACHED_ANSWERS {
            let one = about("a.test", Some(&format!("h{number}.test")));
            cache.remember(&one, standing(&used, 60));
            if number % 100 == 0 {
                assert!(cache.recall(&used, NOW).is_some(), "{number}");
            }
            most = most.max(cache.len());
        }
        assert_eq!(most, 20_000);
    }
}
