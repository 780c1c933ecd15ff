//! What a stored policy means, how long it lives, and what may replace it. Pure.

use crate::limits::{CLOCK_JUMP, MAX_FIRST_USE_LIFE, MAX_POLICY_LIFE};
use crate::name::PolicyDomain;
use crate::policy::Mode;
use crate::policy::smtp_sts::{Constraint, Record};
use crate::time::UnixTime;

/// How a policy came to be believed; the order is the order of strength, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authentication {
    /// Nothing but that nothing else was known (draft section 3.3): trust on first use.
    FirstUse,
    /// An HTTPS copy on the policy domain.
    WebPki,
    /// A secure TXT answer.
    Dnssec,
}

impl Authentication {
    /// The word in the file and in every output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::FirstUse => "first-use",
            Self::WebPki => "webpki",
            Self::Dnssec => "dnssec",
        }
    }

    /// Reads the word again.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::FirstUse, Self::WebPki, Self::Dnssec].into_iter().find(|one| one.word() == word)
    }

    /// The longest life, in seconds, of what was believed in this way.
    const fn longest_life(self) -> u64 {
        match self {
            Self::FirstUse => MAX_FIRST_USE_LIFE,
            Self::WebPki | Self::Dnssec => MAX_POLICY_LIFE,
        }
    }
}

/// A domain's policy as one row holds it.
///
/// - It is in force from the fetch until `expires_at`, also when its TXT record disappears or cannot be had.
/// - It refuses mail only once it has been applied (draft section 3.3).
/// - Only an authenticated fetch moves its end; one on first use leaves an unexpired row's end where it is.
/// - What was taken on first use never displaces an unexpired policy that was authenticated or applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Whose policy it is.
    pub domain: PolicyDomain,
    /// What the domain published.
    pub record: Record,
    /// How it came to be believed.
    pub authentication: Authentication,
    /// When it was fetched.
    pub fetched_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// When it was first applied with success; a policy that never was refuses nothing.
    pub applied_at: Option<UnixTime>,
}

/// What became of a policy that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The file is full of policies in force; nothing was stored.
    Full,
    /// The row says what is to be remembered now.
    Stored,
    /// The row said so already, or must not be displaced by this one.
    Unchanged,
}

/// For how many seconds from its fetch a policy is in force: `e`, or without it the TTL of its record, and no longer
/// than its authentication allows. (The draft lets a sender add the TTL to `e`; we do not.)
#[must_use]
pub fn life(record: &Record, authentication: Authentication, ttl: u64) -> u64 {
    record.terms().life.unwrap_or(ttl).min(authentication.longest_life())
}

impl StoredPolicy {
    /// A policy fetched just now, whose record may be believed until `believed_until` by its TTL and signature.
    #[must_use]
    pub fn fetched(
        domain: &PolicyDomain,
        record: &Record,
        authentication: Authentication,
        now: UnixTime,
        believed_until: UnixTime,
    ) -> Self {
        Self {
            domain: domain.clone(),
            record: record.clone(),
            authentication,
            fetched_at: now,
            expires_at: now.plus(life(record, authentication, believed_until.since(now))),
            applied_at: None,
        }
    }

    /// Whether the policy is still in force.
    #[must_use]
    pub fn is_unexpired(&self, now: UnixTime) -> bool {
        now < self.expires_at
    }

    /// Whether a delivery that does not conform is refused for as long as the policy lives: it demands TLS, was
    /// applied, and its constraint is one that we can check. Exim's own macro reads this as `tls_only`.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        let terms = self.record.terms();
        let checkable = match terms.constraint {
            Constraint::WebPki => true,
            Constraint::Tlsa => false,
        };
        terms.mode == Mode::Enforce && self.applied_at.is_some() && checkable
    }

    /// Whether the fetch lies in the future by more than clocks differ: the clock went back since, or was ahead then.
    /// Such a policy stays in force until its end, which is not moved; the operator should be told.
    #[must_use]
    pub fn is_from_the_future(&self, now: UnixTime) -> bool {
        self.fetched_at.since(now) > CLOCK_JUMP
    }

    /// Whether this program could have given the policy that life; a longer one was not written by it.
    pub(super) fn has_a_possible_life(&self) -> bool {
        let longest = self.record.terms().life.unwrap_or(u64::MAX).min(self.authentication.longest_life());
        self.fetched_at <= self.expires_at && self.expires_at <= self.fetched_at.plus(longest)
    }

    /// What the row must say so that `new` is remembered beside what it says already; `None` to leave it alone.
    ///
    /// Two deliveries that ask at the same time meet here, so nothing is lost when the slower one knew less.
    pub(super) fn merge(old: Option<&Self>, new: &Self, now: UnixTime) -> Option<Self> {
        let Some(old) = old.filter(|old| old.is_unexpired(now)) else { return Some(new.clone()) };
        let weaker = new.authentication < old.authentication;
        let merged = if old.record == new.record {
            let renewed = !weaker && new.authentication != Authentication::FirstUse;
            let base = if renewed { new } else { old };
            let applied_at = match (old.applied_at, new.applied_at) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            Self { applied_at, ..base.clone() }
        } else if new.authentication == Authentication::FirstUse && (weaker || old.applied_at.is_some()) {
            return None;
        } else {
            new.clone()
        };
        (merged != *old).then_some(merged)
    }

    /// Until which moment the clock is vouched for when room has to be made: a policy's signature or certificate was
    /// in its time when it was authenticated. What only a jumping clock calls expired is not deleted.
    pub(super) fn vouched(&self, now: UnixTime, newest_authenticated: Option<UnixTime>) -> UnixTime {
        match self.authentication {
            Authentication::Dnssec | Authentication::WebPki => now,
            Authentication::FirstUse => {
                newest_authenticated.map_or(UnixTime(0), |newest| now.min(newest.plus(CLOCK_JUMP)))
            }
        }
    }
}
