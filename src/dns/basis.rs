//! What a conclusion rests on: until when that holds, and which signed RRsets it is.

use super::proof::Proof;
use crate::time::UnixTime;

/// What a conclusion rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    /// The earliest end of a TTL or signature among all of it.
    pub(super) until: UnixTime,
    /// The signed RRsets, from the trust anchor down.
    pub(super) proof: Proof,
}

impl Basis {
    /// That of a trust anchor, which nothing proves and nothing ends.
    pub(super) const ANCHOR: Self = Self { until: UnixTime(u64::MAX), proof: Proof(Vec::new()) };

    /// This, and what else the conclusion rests on.
    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    /// The conclusion rests on this, too.
    pub(super) fn add(&mut self, other: Self) {
        self.until = self.until.min(other.until);
        self.proof.extend(other.proof);
    }
}

impl Proof {
    /// Takes in another proof; what both rest on is named once.
    pub(super) fn extend(&mut self, other: Self) {
        for ground in other.0 {
            if !self.0.contains(&ground) {
                self.0.push(ground);
            }
        }
    }
}

/// Why no chain of trust leads on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Insecurity {
    /// In a sentence that begins with the word for the rule.
    pub(super) why: String,
    /// What says so.
    pub(super) basis: Basis,
}

impl Insecurity {
    /// The same, seen from the trust anchor: `zone` leads to where it was found.
    #[must_use]
    pub(super) fn under(self, zone: &Basis) -> Self {
        Self { basis: zone.clone().and(self.basis), ..self }
    }
}
