//! Answers that still stand, in bounded room. Pure.

use super::answer::Answer;
use super::question::Question;
use crate::limits::MAX_WARM_ANSWERS;
use crate::time::UnixTime;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

/// Answers that still stand.
///
/// Two halves: whatever is asked for moves into the new one; when that is full it becomes the old one, and what nobody
/// asked for meanwhile is forgotten.
#[derive(Debug, Default)]
pub struct Warm {
    new: HashMap<Question, Standing>,
    old: HashMap<Question, Standing>,
}

/// An answer, and in which span it stands: a clock that goes back before its beginning ends it, too.
#[derive(Clone, Debug)]
struct Standing {
    answer: Arc<Answer>,
    from: UnixTime,
    until: UnixTime,
}

impl Standing {
    fn stands(&self, now: UnixTime) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl Warm {
    /// The answer, if there is one that stands.
    pub fn recall(&mut self, question: &Question, now: UnixTime) -> Option<Arc<Answer>> {
        if let Some(one) = self.new.get(question) {
            return one.stands(now).then(|| Arc::clone(&one.answer));
        }
        let one = self.old.remove(question).filter(|one| one.stands(now))?;
        let answer = Arc::clone(&one.answer);
        self.insert(question.clone(), one);
        Some(answer)
    }

    /// Remembers an answer that was given at `now` and stands until `until`.
    pub fn remember(&mut self, question: Question, answer: Arc<Answer>, now: UnixTime, until: UnixTime) {
        if now < until {
            self.insert(question, Standing { answer, from: now, until });
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many answers there are, those that no longer stand included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.new.len().saturating_add(self.old.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert(&mut self, question: Question, one: Standing) {
        if self.new.len() >= MAX_WARM_ANSWERS / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(question, one);
    }
}
