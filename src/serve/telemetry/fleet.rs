//! What became of what was said between this host and its fleet: a closed list for the counters. Pure.

use super::counters::Closed;
use crate::cache::{Ignored, Standing};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetOutcome {
    /// Offered, and the store has it now.
    Stored,
    /// Offered, and the store had it.
    Same,
    /// Offered, and the store had a later or a better authenticated one.
    Late,
    /// Offered, and somebody had its row locked: it is offered again.
    Busy,
    /// Refused by the store, or by this host: nothing that a host of this program says.
    Refused,
    /// Heard of several, and binds here.
    Bound,
    /// Heard of one, and binds until this host has looked for itself.
    Provisional,
    /// Heard, and protects less than what this host has.
    Weakens,
    /// Heard, and nothing new.
    NoNews,
    /// The database was away.
    Away,
    /// The configuration does not fit it.
    Configuration,
    /// It could not be written to.
    ReadOnly,
    /// It was too slow.
    Slow,
    /// Its schema is newer than this program.
    NewerSchema,
}

impl Closed for FleetOutcome {
    const LABEL: &'static str = "outcome";
    const ALL: &'static [Self] = &[
        Self::Stored,
        Self::Same,
        Self::Late,
        Self::Busy,
        Self::Refused,
        Self::Bound,
        Self::Provisional,
        Self::Weakens,
        Self::NoNews,
        Self::Away,
        Self::Configuration,
        Self::ReadOnly,
        Self::Slow,
        Self::NewerSchema,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Same => "same",
            Self::Late => "late",
            Self::Busy => "busy",
            Self::Refused => "refused",
            Self::Bound => "bound",
            Self::Provisional => "provisional",
            Self::Weakens => "weakens",
            Self::NoNews => "no-news",
            Self::Away => "away",
            Self::Configuration => "configuration",
            Self::ReadOnly => "read-only",
            Self::Slow => "slow",
            Self::NewerSchema => "newer-schema",
        }
    }
}

impl FleetOutcome {
    /// The one of a trouble's word.
    #[must_use]
    pub fn of_trouble(word: &str) -> Self {
        Self::ALL.iter().copied().find(|one| one.word() == word).unwrap_or(Self::Away)
    }

    /// What became of an offer, in the store's word.
    #[must_use]
    pub fn of_offer(word: &str) -> Self {
        match word {
            "stored" => Self::Stored,
            "same" => Self::Same,
            "late" | "weaker" => Self::Late,
            "busy" => Self::Busy,
            _ => Self::Refused,
        }
    }

    /// What became of hearsay.
    #[must_use]
    pub const fn of_standing(standing: Standing) -> Self {
        match standing {
            Standing::Binds => Self::Bound,
            Standing::BindsUntilSeen(_) => Self::Provisional,
            Standing::Ignored(Ignored::Weakens) => Self::Weakens,
            Standing::Ignored(_) => Self::NoNews,
        }
    }
}
