//! What is to be explained.

use crate::text::excerpt;
use crate::time::UnixTime;
use crate::verdict::Requirement;
use crate::verify::Request;

/// A delivery, and what the administrator's configuration says about its domain.
#[derive(Clone, Debug)]
pub struct Question {
    /// The delivery. Its requirement is that of the decree, if there is one in force.
    pub request: Request,
    /// The administrator's word about this domain; ended ones, too.
    pub decree: Option<Decree>,
}

/// What the administrator's configuration says about a domain (an override).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decree {
    /// Which domains it is about, as it stands in the file.
    pub scope: String,
    /// What it means for the mail.
    pub effect: Effect,
    /// The first moment at which it counts no more.
    pub ends: UnixTime,
    /// Why; the administrator's own words.
    pub reason: String,
}

/// What an override means for the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The domain is not asked about at all.
    Ignore,
    /// Its hosts are held to this.
    Require(Requirement),
}

impl Effect {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Ignore,
        Self::Require(Requirement::Dane),
        Self::Require(Requirement::None),
        Self::Require(Requirement::WebPki),
    ];

    /// The word: `ignore`, or what is required.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Require(Requirement::Dane) => "dane",
            Self::Require(Requirement::None) => "none",
            Self::Require(Requirement::WebPki) => "webpki",
        }
    }
}

impl Decree {
    /// Whether it counts at that moment.
    #[must_use]
    pub fn is_in_force(&self, now: UnixTime) -> bool {
        now < self.ends
    }

    /// Its reason, at a length that people read.
    #[must_use]
    pub fn why(&self) -> String {
        excerpt(&self.reason, 200)
    }
}

impl Question {
    /// Whether nobody is asked at all, because the administrator says so.
    #[must_use]
    pub fn is_ignored(&self, now: UnixTime) -> bool {
        self.decree.as_ref().is_some_and(|decree| decree.effect == Effect::Ignore && decree.is_in_force(now))
    }
}
