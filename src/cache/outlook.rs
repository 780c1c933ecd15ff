//! The policies in force at a glance: how many, and which of them end first. However many there are, what is read and told
//! is bounded. Pure.

use super::Census;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;

/// The policies in force, as they are at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// How many there are of each kind.
    pub in_force: Vec<InForce>,
    /// Those that end first, the first one first.
    pub soonest: Vec<StoredPolicy>,
    /// All that is stored, the ended ones included.
    pub census: Census,
}

/// How many policies of one kind are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Which protocol they are written in: RFC 8461, or the draft before it.
    pub dialect: Dialect,
    /// Whether they refuse mail ([`StoredPolicy::is_enforced`]), or only report.
    pub is_enforced: bool,
    /// How many there are.
    pub number: u64,
    /// When the first of them ends.
    pub next_end: UnixTime,
}

impl Outlook {
    /// How many policies are in force.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.in_force.iter().map(|kind| kind.number).sum()
    }

    /// When the first of them ends.
    #[must_use]
    pub fn next_end(&self) -> Option<UnixTime> {
        self.in_force.iter().map(|kind| kind.next_end).min()
    }
}
