//! What a stored policy means, how long it lives, and what may replace it. Pure.

use super::{Dialect, Mode, Policy};
use crate::limits::{CLOCK_JUMP, MAX_FIRST_USE_LIFE, MAX_POLICY_LIFE, RENEWAL};
use crate::name::PolicyDomain;
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
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Dnssec, Self::WebPki, Self::FirstUse];

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
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
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
/// - In the draft's dialect it refuses mail only once it has been applied (draft section 3.3).
/// - Only an authenticated fetch moves its end (RFC 8461 section 3.2 counts `max_age` from it; that the `id` in the TXT
///   record is the same proves nothing); one on first use leaves an unexpired row's end where it is.
/// - What was taken on first use never displaces an unexpired policy that was authenticated or applied, and what was
///   authenticated never displaces one in force that was authenticated more strongly. So every authenticated fetch of
///   an MTA-STS policy displaces the one before, also with one that protects less.
/// - Of two that are authenticated alike the one that was fetched later counts, whichever is written down later.
/// - What another host has fetched displaces less than that, where it comes in a file (`cache import`): of the same second nothing, and
///   nothing that binds unless it was fetched later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Whose policy it is.
    pub domain: PolicyDomain,
    /// What the domain published.
    pub policy: Policy,
    /// How it came to be believed.
    pub authentication: Authentication,
    /// When it was fetched.
    pub fetched_at: UnixTime,
    /// When it ends.
    pub expires_at: UnixTime,
    /// When it was first applied with success; a policy that never was refuses nothing.
    pub applied_at: Option<UnixTime>,
}

/// For how many seconds from its fetch a policy is in force: `max_age` or `e`, or without it the TTL of its record, and
/// no longer than its authentication allows. (The draft lets a sender add the TTL to `e`; we do not.)
#[must_use]
pub fn life(policy: &Policy, authentication: Authentication, ttl: u64) -> u64 {
    policy.life().unwrap_or(ttl).min(authentication.longest_life())
}

impl StoredPolicy {
    /// A policy fetched just now, whose record may be believed until `believed_until` by its TTL and signature.
    #[must_use]
    pub fn fetched(
        domain: &PolicyDomain,
        policy: impl Into<Policy>,
        authentication: Authentication,
        now: UnixTime,
        believed_until: UnixTime,
    ) -> Self {
        let policy = policy.into();
        Self {
            domain: domain.clone(),
            expires_at: now.plus(life(&policy, authentication, believed_until.since(now))),
            policy,
            authentication,
            fetched_at: now,
            applied_at: None,
        }
    }

    /// Whether the policy binds while it lives: one of the draft's dialect once it was applied (draft section 3.3), one
    /// of MTA-STS from its fetch (RFC 8461 section 5.1).
    #[must_use]
    pub const fn is_in_force(&self) -> bool {
        match self.policy.dialect() {
            Dialect::MtaSts => true,
            Dialect::SmtpSts => self.applied_at.is_some(),
        }
    }

    /// Whether the policy has not reached its end.
    #[must_use]
    pub fn is_unexpired(&self, now: UnixTime) -> bool {
        now < self.expires_at
    }

    /// Whether it is time to fetch the policy again although nothing announces a change: daily while it is in use, and
    /// before a short-lived one ends (RFC 8461 sections 3.3 and 10.2).
    #[must_use]
    pub const fn is_due(&self, now: UnixTime) -> bool {
        now.since(self.fetched_at) >= self.pause()
    }

    /// From when on it is due.
    #[must_use]
    pub const fn due_at(&self) -> UnixTime {
        self.fetched_at.plus(self.pause())
    }

    /// The moments at which what it means for a delivery may change: it begins (for a clock that was ahead of itself), is
    /// due, ends.
    #[must_use]
    pub const fn turns(&self) -> [UnixTime; 4] {
        let believed = UnixTime(self.fetched_at.0.saturating_sub(CLOCK_JUMP));
        [believed, self.fetched_at, self.due_at(), self.expires_at]
    }

    /// Seconds from one fetch to the next.
    const fn pause(&self) -> u64 {
        let life = self.expires_at.since(self.fetched_at);
        if life / 4 * 3 < RENEWAL { life / 4 * 3 } else { RENEWAL }
    }

    /// Whether a delivery that does not conform is refused for as long as the policy lives: it demands TLS and
    /// was applied. Exim's own macro reads this as `tls_only`.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        self.policy.mode() == Mode::Enforce && self.is_in_force()
    }

    /// Whether the fetch lies in the future by more than clocks differ: the clock went back since, or was ahead then.
    /// Such a policy stays in force until its end, which is not moved; the operator should know.
    #[must_use]
    pub fn is_from_the_future(&self, now: UnixTime) -> bool {
        self.fetched_at.since(now) > CLOCK_JUMP
    }

    /// Whether this program could have given the policy that life, and believed it in that way; else it was not written
    /// by it. The certificate of its policy host authenticates an MTA-STS policy, and nothing else does.
    pub(crate) fn is_possible(&self) -> bool {
        let longest = self.policy.life().unwrap_or(u64::MAX).min(self.authentication.longest_life());
        let is_of_its_kind = match self.policy.dialect() {
            Dialect::MtaSts => self.authentication == Authentication::WebPki,
            Dialect::SmtpSts => true,
        };
        self.fetched_at <= self.expires_at
            && self.expires_at <= self.fetched_at.plus(longest)
            && is_of_its_kind
    }

    /// Whether `new` comes too late: this was fetched after it and is authenticated no worse. A row from the future
    /// tells nothing about the order.
    fn overtakes(&self, new: &Self, now: UnixTime) -> bool {
        self.fetched_at > new.fetched_at
            && self.authentication >= new.authentication
            && !self.is_from_the_future(now)
    }

    /// What the row must say so that `new` is remembered beside what it says already; `None` to leave it alone.
    ///
    /// Two deliveries that ask at the same time meet here, so nothing is lost when the slower one knew less. A policy
    /// whose life is zero (`max_age: 0`, `e=0`) ends the one that it may displace: the row stays, and has ended, so that
    /// nothing fetched before can bring the old one back.
    pub(crate) fn merge(old: Option<&Self>, new: &Self, now: UnixTime) -> Option<Self> {
        let Some(old) = old.filter(|old| old.is_unexpired(now)) else {
            let too_late = old.is_some_and(|old| old.overtakes(new, now));
            return (new.is_unexpired(now) && !too_late).then(|| new.clone());
        };
        let weaker = new.authentication < old.authentication;
        let too_late = old.overtakes(new, now);
        let merged = if old.policy == new.policy {
            let renewed = !weaker && !too_late && new.authentication != Authentication::FirstUse;
            let base = if renewed { new } else { old };
            let applied_at = match (old.applied_at, new.applied_at) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            Self { applied_at, ..base.clone() }
        } else if too_late
            || match (new.authentication, old.applied_at) {
                (Authentication::FirstUse, Some(_)) => true,
                (Authentication::FirstUse, None) | (_, Some(_)) => weaker,
                (_, None) => false,
            }
        {
            return None;
        } else {
            new.clone()
        };
        (merged != *old).then_some(merged)
    }

    /// The same where `new` stands in a file from another host, as `cache import` reads it: what is in the row gives way only to what
    /// outdoes it. Of the same policy the row learns all the same that it was applied.
    ///
    /// Of two fetches within one second nobody knows which one came first. Where both are this host's own, the one that is
    /// written down later counts; here the other one is somebody's word, and a changed line could say `mode: none`. So the
    /// one in the row stays: its domain's next fetch decides. The same goes for a row from the future, whose order is as unknown
    /// ([`StoredPolicy::is_from_the_future`]): a fetch of this host's own replaces it, and no import.
    pub(crate) fn merge_imported(old: Option<&Self>, new: &Self, now: UnixTime) -> Option<Self> {
        match old.filter(|old| old.is_unexpired(now) && !new.outdoes(old)) {
            None => Self::merge(old, new, now),
            Some(old) if old.policy == new.policy => {
                Self::merge(Some(old), &Self { applied_at: new.applied_at, ..old.clone() }, now)
            }
            Some(_) => None,
        }
    }

    /// Whether it was fetched later and is authenticated no worse; or is authenticated better, and nothing that binds here
    /// changes or ends sooner.
    fn outdoes(&self, old: &Self) -> bool {
        let is_newer = self.fetched_at > old.fetched_at && self.authentication >= old.authentication;
        let binds_no_less =
            !old.is_in_force() || (self.policy == old.policy && self.expires_at >= old.expires_at);
        is_newer || (self.authentication > old.authentication && binds_no_less)
    }

    /// Until which moment the clock is vouched for when room has to be made: a policy's signature or certificate was
    /// in its time when it was authenticated. What only a jumping clock calls expired is not deleted.
    pub(crate) fn vouched(&self, now: UnixTime, newest_authenticated: Option<UnixTime>) -> UnixTime {
        match self.authentication {
            Authentication::Dnssec | Authentication::WebPki => now,
            Authentication::FirstUse => {
                newest_authenticated.map_or(UnixTime(0), |newest| now.min(newest.plus(CLOCK_JUMP)))
            }
        }
    }
}

#[cfg(test)]
mod tests;
