//! Who asks for each look-up that is on its way.

use super::asker::Asker;
use super::seats::LookUpNumber;
use std::cell::RefCell;
use std::collections::HashMap;

/// All of them; they live on one thread.
#[derive(Debug, Default)]
pub struct Interests(RefCell<HashMap<LookUpNumber, Interest>>);

#[derive(Debug)]
struct Interest {
    askers: Vec<Asker>,
    /// Somebody still asks.
    is_wanted: bool,
}

impl Interests {
    /// Somebody asks for a look-up that begins its way.
    pub fn begin(&self, number: LookUpNumber, asker: Asker) {
        self.0.borrow_mut().insert(number, Interest { askers: vec![asker], is_wanted: true });
    }

    /// One more asks for it.
    pub fn join(&self, number: LookUpNumber, asker: Asker) {
        if let Some(interest) = self.0.borrow_mut().get_mut(&number) {
            interest.is_wanted = true;
            interest.askers.push(asker);
        }
    }

    /// Nobody asks for it any more.
    pub fn abandon(&self, number: LookUpNumber) {
        if let Some(interest) = self.0.borrow_mut().get_mut(&number) {
            interest.is_wanted = false;
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
