//! What an enforcing sender makes of an address: the host's ruling, applied to what the address showed.

use super::certificate::Distrust;
use super::failure::FailureKind;
use crate::reason::Reason;

/// What an enforcing sender would do with mail that is to go to the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Deliver it in TLS, with as much authentication as the ruling demands.
    Deliver,
    /// Deliver it in clear text: nobody demands TLS, and the server has none.
    DeliverInClear,
    /// Not deliver it there: what is demanded is not given. It goes to another host, or waits and comes back in the end.
    NotToThisHost,
    /// Let it wait: the server took nobody's mail now, or nobody can tell what the domain demands.
    Wait,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Deliver, Self::DeliverInClear, Self::NotToThisHost, Self::Wait];

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::DeliverInClear => "deliver-in-clear",
            Self::NotToThisHost => "not-to-this-host",
            Self::Wait => "wait",
        }
    }

    /// Whether mail arrives, be it in clear.
    #[must_use]
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Deliver | Self::DeliverInClear)
    }
}

/// Why a sender does so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The ruling on the host says it all.
    Ruling(Reason),
    /// The session did not come far enough.
    Failure(FailureKind),
    /// A certificate by a public authority is demanded, and this is none for the host.
    Certificate(Distrust),
    /// A certificate that fits a TLSA record is demanded, and none does.
    TlsaNoMatch,
}

impl Cause {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ruling(reason) => reason.word(),
            Self::Failure(kind) => kind.word(),
            Self::Certificate(kind) => kind.word(),
            Self::TlsaNoMatch => "tlsa-no-match",
        }
    }
}

/// An action and its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Consequence {
    /// What is done.
    pub action: Action,
    /// Why.
    pub cause: Cause,
}

/// Whether an address meets what the mechanism that decides asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conformity {
    /// Nothing is asked.
    NothingAsked,
    /// It does.
    Met,
    /// It does not.
    NotMet(Cause),
    /// It could not be learnt: nobody was met there, or nobody can tell what is asked.
    Unknown,
}

impl Conformity {
    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NothingAsked => "nothing-asked",
            Self::Met => "met",
            Self::NotMet(_) => "not-met",
            Self::Unknown => "unknown",
        }
    }
}
