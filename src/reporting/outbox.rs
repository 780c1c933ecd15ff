//! What the outbox knows of each report, and of each destination. Pure.

use super::schedule::Failing;
use crate::limits::MAX_REPORT_WORDS;
use crate::name::PolicyDomain;
use crate::reports::tally::Day;
use crate::text::Printable;
use crate::time::UnixTime;
use crate::words::words;

words! {
    /// How far a report is, or a report at one of its destinations.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum State {
        /// It waits for its moment, or for the next try.
        Due = "due",
        /// Somebody is at it: it is made, and nothing was handed over yet. It is as good as due for whoever comes after him.
        Claimed = "claimed",
        /// It is being handed over; whoever finds it so hands over a second copy, for nobody knows what became of the first.
        Handed = "handed",
        /// A destination took it.
        Sent = "sent",
        /// Nobody took it in time, or all refused it.
        GaveUp = "gave-up",
        /// Nobody wants it: no record, no destination that could be used, or it is about a domain that is told nothing.
        Unwanted = "unwanted",
    }
}

impl State {
    /// Whether something is still to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Due | Self::Claimed | Self::Handed)
    }
}

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The day that it is about.
    pub day: Day,
    /// The domain.
    pub domain: PolicyDomain,
    /// How far it is.
    pub state: State,
    /// When it is tried next; of what is over, when that was.
    pub next: UnixTime,
    /// When it was first tried; zero: not yet.
    pub first: UnixTime,
    /// How often it was tried.
    pub tries: u64,
    /// The last words about it, in printable ASCII.
    pub words: String,
    /// Where it goes, with what became of it there.
    pub destinations: Vec<Leg>,
}

/// One report at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The destination ([`super::destination::Destination::key`]).
    pub key: String,
    /// How far it is.
    pub state: State,
    /// How often it was handed over.
    pub tries: u64,
    /// When it is tried next; zero: not again.
    pub next: UnixTime,
    /// The last words, in printable ASCII.
    pub words: String,
}

/// The octets of a report, as every copy has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// The contact that it names.
    pub contact: String,
    /// When it was made.
    pub at: UnixTime,
    /// The gzip.
    pub package: Vec<u8>,
}

/// A destination that is left alone, or is failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The destination.
    pub key: String,
    /// Since when it fails, and until when it is left alone.
    pub failing: Failing,
    /// Why, in printable ASCII.
    pub reason: String,
    /// Whether an operator said so: no success ends that.
    pub is_by_hand: bool,
}

/// The outbox at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The day that is told about: the one that ended last.
    pub day: u64,
    /// How many of its reports are how far, by [`State::ALL`].
    pub by_state: [u64; 6],
    /// When a run last had its turn; `None`: never.
    pub last_run: Option<UnixTime>,
    /// Reports of the days that are still told about that were given up, or wait after a try, the newest first.
    pub failed: Vec<OutboxEntry>,
}

impl Glance {
    /// How many are that far.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        State::ALL.iter().zip(self.by_state).find(|(one, _)| **one == state).map_or(0, |(_, number)| number)
    }
}

/// Words as they are kept: printable ASCII of bounded length. What was untrusted in them was escaped where it was heard.
#[must_use]
pub fn short(words: &str) -> String {
    let mut kept: String = words.chars().take(MAX_REPORT_WORDS).collect();
    if kept.len() < words.len() {
        kept.push_str("...");
    }
    Printable(&kept).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_word() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.word()), Some(state));
        }
        assert_eq!(State::from_word("x"), None);
        assert_eq!(Glance { by_state: [1, 2, 3, 4, 5, 6], ..Glance::default() }.of(State::GaveUp), 5);
    }
}
