//! Who asks for each look-up that is on its way.

use super::LookUpNumber;
use super::asker::Asker;
use crate::limits::MAX_ASKERS_OF_PEER;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// All of them; they live on one thread.
#[derive(Debug, Default)]
pub struct Interests(RefCell<HashMap<LookUpNumber, Interest>>);

#[derive(Debug)]
struct Interest {
    askers: Vec<Asker>,
    /// Somebody still asks.
    is_wanted: bool,
    /// Nobody asks any more.
    left: Rc<Notify>,
}

impl Interests {
    /// Somebody asks for a look-up that begins its way.
    pub fn begin(&self, number: LookUpNumber, asker: Asker) {
        let interest = Interest { askers: vec![asker], is_wanted: true, left: Rc::default() };
        self.0.borrow_mut().insert(number, interest);
    }

    /// One more asks for it; of one peer so many count as [`MAX_ASKERS_OF_PEER`] says, which is enough for its turn.
    pub fn join(&self, number: LookUpNumber, asker: Asker) {
        if let Some(interest) = self.0.borrow_mut().get_mut(&number) {
            interest.is_wanted = true;
            let of_peer = interest.askers.iter().filter(|one| one.peer == asker.peer).count();
            if of_peer < MAX_ASKERS_OF_PEER && !interest.askers.contains(&asker) {
                interest.askers.push(asker);
            }
        }
    }

    /// Nobody asks for it any more.
    pub fn abandon(&self, number: LookUpNumber) {
        if let Some(interest) = self.0.borrow_mut().get_mut(&number) {
            interest.is_wanted = false;
            interest.left.notify_one();
        }
    }

    /// Waits until nobody asks for it.
    pub async fn unwanted(&self, number: LookUpNumber) {
        loop {
            let left = match self.0.borrow().get(&number) {
                Some(interest) if interest.is_wanted => Rc::clone(&interest.left),
                _ => return,
            };
            left.notified().await;
        }
    }

    /// It has ended.
    pub fn end(&self, number: LookUpNumber) {
        self.0.borrow_mut().remove(&number);
    }

    /// Whether somebody asks for it.
    #[must_use]
    pub fn is_wanted(&self, number: LookUpNumber) -> bool {
        self.0.borrow().get(&number).is_some_and(|interest| interest.is_wanted)
    }

    /// All who asked for it.
    #[must_use]
    pub fn askers(&self, number: LookUpNumber) -> Vec<Asker> {
        self.0.borrow().get(&number).map(|interest| interest.askers.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::seats::asker::Peer;

    fn asker(user: u32, connection: u64) -> Asker {
        Asker { peer: Peer { place: 0, user: Some(user) }, connection }
    }

    #[test]
    fn who_asks_again_and_again_for_one_look_up_is_kept_sixteen_times_at_most() {
        let interests = Interests::default();
        interests.begin(1, asker(7, 0));
        (0..10_000).for_each(|connection| interests.join(1, asker(7, connection)));
        interests.join(1, asker(8, 0));
        interests.join(1, asker(8, 0));
        assert_eq!(
            interests.askers(1).len(),
            MAX_ASKERS_OF_PEER + 1,
            "of one peer so many, and the other one"
        );
    }

    #[tokio::test]
    async fn who_waits_until_nobody_asks_hears_it_and_not_before() {
        let interests = Interests::default();
        interests.begin(1, asker(7, 0));
        let mut left = Box::pin(interests.unwanted(1));
        assert!(futures_util::poll!(&mut left).is_pending());
        interests.abandon(1);
        interests.join(1, asker(8, 0));
        assert!(futures_util::poll!(&mut left).is_pending(), "somebody asks once more");
        interests.abandon(1);
        assert!(futures_util::poll!(&mut left).is_ready());
        assert!(futures_util::poll!(Box::pin(interests.unwanted(2))).is_ready(), "it is not known");
    }
}
