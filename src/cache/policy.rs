//! What a stored policy means, how long it lives, and what may replace it. Pure.

use crate::limits::{CLOCK_JUMP, MAX_FIRST_USE_LIFE, MAX_POLICY_LIFE};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, Mode, Policy};
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
/// - What was taken on first use never displaces an unexpired policy that was authenticated or applied, and what was
///   authenticated never displaces one in force that was authenticated more strongly.
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

    /// Whether a delivery that does not conform is refused for as long as the policy lives: it demands TLS and
    /// was applied. Exim's own macro reads this as `tls_only`.
    #[must_use]
    pub fn is_enforced(&self) -> bool {
        self.policy.mode() == Mode::Enforce && self.is_in_force()
    }

    /// Whether the fetch lies in the future by more than clocks differ: the clock went back since, or was ahead then.
    /// Such a policy stays in force until its end, which is not moved; the operator should be told.
    #[must_use]
    pub fn is_from_the_future(&self, now: UnixTime) -> bool {
        self.fetched_at.since(now) > CLOCK_JUMP
    }

    /// Whether this program could have given the policy that life; a longer one was not written by it.
    pub(super) fn has_a_possible_life(&self) -> bool {
        let longest = self.policy.life().unwrap_or(u64::MAX).min(self.authentication.longest_life());
        self.fetched_at <= self.expires_at && self.expires_at <= self.fetched_at.plus(longest)
    }

    /// What the row must say so that `new` is remembered beside what it says already; `None` to leave it alone.
    ///
    /// Two deliveries that ask at the same time meet here, so nothing is lost when the slower one knew less.
    pub(super) fn merge(old: Option<&Self>, new: &Self, now: UnixTime) -> Option<Self> {
        let Some(old) = old.filter(|old| old.is_unexpired(now)) else { return Some(new.clone()) };
        let weaker = new.authentication < old.authentication;
        let merged = if old.policy == new.policy {
            let renewed = !weaker && new.authentication != Authentication::FirstUse;
            let base = if renewed { new } else { old };
            let applied_at = match (old.applied_at, new.applied_at) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            Self { applied_at, ..base.clone() }
        } else if match (new.authentication, old.applied_at) {
            (Authentication::FirstUse, Some(_)) => true,
            (Authentication::FirstUse, None) | (_, Some(_)) => weaker,
            (_, None) => false,
        } {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::smtp_sts::Record;
    use proptest::prelude::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const ONE: &str = "v=STS1; to=true; mx=*.mx.test; a=dnssec; e=604800";
    const OTHER: &str = "v=STS1; to=true; mx=*.other.test; a=dnssec; e=604800";

    fn policy(record: &str, authentication: Authentication, age: u64) -> StoredPolicy {
        let at = UnixTime(NOW.0 - age);
        let domain = PolicyDomain::parse("example.org").unwrap();
        StoredPolicy::fetched(&domain, Record::parse(record).unwrap(), authentication, at, at.plus(300))
    }

    fn applied(policy: StoredPolicy) -> StoredPolicy {
        StoredPolicy { applied_at: Some(policy.fetched_at), ..policy }
    }

    #[test]
    fn a_policy_lives_for_e_seconds_and_no_longer_than_its_authentication_allows() {
        let record = |life: &str| Policy::from(Record::parse(&format!("v=STS1; to=true{life}")).unwrap());
        for (text, authentication, expected) in [
            ("; e=604800", Authentication::Dnssec, 604_800),
            ("; e=604800", Authentication::FirstUse, 604_800),
            ("; e=0", Authentication::Dnssec, 0),
            ("; e=9999999999", Authentication::Dnssec, MAX_POLICY_LIFE),
            ("; e=9999999999", Authentication::WebPki, MAX_POLICY_LIFE),
            ("; e=9999999999", Authentication::FirstUse, MAX_FIRST_USE_LIFE),
            ("", Authentication::Dnssec, 300),
        ] {
            assert_eq!(life(&record(text), authentication, 300), expected, "{text} {authentication:?}");
        }
    }

    #[test]
    fn a_slower_delivery_that_knew_less_undoes_nothing() {
        let known = applied(policy(ONE, Authentication::Dnssec, 0));
        let same = policy(ONE, Authentication::Dnssec, 0);
        assert_eq!(StoredPolicy::merge(Some(&known), &same, NOW), None);
        let spoofed = policy(OTHER, Authentication::FirstUse, 0);
        assert_eq!(StoredPolicy::merge(Some(&known), &spoofed, NOW), None);
        let unsigned = policy(ONE, Authentication::FirstUse, 0);
        assert_eq!(StoredPolicy::merge(Some(&known), &unsigned, NOW), None);
    }

    #[test]
    fn an_authenticated_fetch_renews_and_one_on_first_use_does_not() {
        let old = applied(policy(ONE, Authentication::Dnssec, 1_000));
        let renewed = StoredPolicy::merge(Some(&old), &policy(ONE, Authentication::Dnssec, 0), NOW).unwrap();
        assert_eq!((renewed.fetched_at, renewed.applied_at), (NOW, old.applied_at));
        let old = policy(ONE, Authentication::FirstUse, 1_000);
        assert_eq!(StoredPolicy::merge(Some(&old), &policy(ONE, Authentication::FirstUse, 0), NOW), None);
        let proven = StoredPolicy::merge(Some(&old), &policy(ONE, Authentication::Dnssec, 0), NOW).unwrap();
        assert_eq!((proven.authentication, proven.fetched_at), (Authentication::Dnssec, NOW));
    }

    #[test]
    fn a_handshake_that_was_seen_is_written_into_the_row_that_there_is() {
        let old = policy(ONE, Authentication::FirstUse, 1_000);
        let seen = StoredPolicy { applied_at: Some(NOW), ..policy(ONE, Authentication::FirstUse, 0) };
        let merged = StoredPolicy::merge(Some(&old), &seen, NOW).unwrap();
        assert_eq!(merged, StoredPolicy { applied_at: Some(NOW), ..old });
    }

    #[test]
    fn an_expired_row_stands_in_nobodys_way() {
        let old = applied(policy(ONE, Authentication::Dnssec, 604_800));
        let new = policy(OTHER, Authentication::FirstUse, 0);
        assert_eq!(StoredPolicy::merge(Some(&old), &new, NOW), Some(new));
    }

    #[test]
    fn only_a_checked_signature_or_certificate_vouches_for_the_clock() {
        let newest = Some(UnixTime(NOW.0 - 400 * 86_400));
        assert_eq!(policy(ONE, Authentication::Dnssec, 0).vouched(NOW, newest), NOW);
        assert_eq!(policy(ONE, Authentication::WebPki, 0).vouched(NOW, None), NOW);
        let first_use = policy(ONE, Authentication::FirstUse, 0);
        assert_eq!(first_use.vouched(NOW, newest), UnixTime(NOW.0 - 399 * 86_400));
        assert_eq!(first_use.vouched(NOW, Some(NOW)), NOW);
        assert_eq!(first_use.vouched(NOW, None), UnixTime(0));
    }

    fn any_policy() -> impl Strategy<Value = StoredPolicy> {
        let authentications = [Authentication::FirstUse, Authentication::WebPki, Authentication::Dnssec];
        (
            prop_oneof![Just(ONE), Just(OTHER)],
            0..3_usize,
            0_u64..1_000_000,
            proptest::option::of(0_u64..1_000_000),
        )
            .prop_map(move |(record, authentication, age, applied)| StoredPolicy {
                applied_at: applied.map(|age| UnixTime(NOW.0 - age)),
                ..policy(record, authentications[authentication], age)
            })
    }

    proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_no_row_is_weakened_by_a_first_use(
            events in proptest::collection::vec(any_policy(), 1..12)
        ) {
            let mut row: Option<StoredPolicy> = None;
            for new in events {
                let Some(next) = StoredPolicy::merge(row.as_ref(), &new, NOW) else { continue };
                prop_assert!(next.has_a_possible_life());
                if let Some(old) = row.filter(|old| old.is_unexpired(NOW)) {
                    let same = next.policy == old.policy;
                    if new.authentication == Authentication::FirstUse {
                        prop_assert!(same || (old.authentication == Authentication::FirstUse && old.applied_at.is_none()));
                        prop_assert!(!same || next.expires_at == old.expires_at);
                    }
                    prop_assert!(!same || next.authentication >= old.authentication);
                    prop_assert!(!same || old.applied_at.is_none() || next.applied_at <= old.applied_at);
                }
                prop_assert_eq!(StoredPolicy::merge(Some(&next), &next, NOW).filter(|_| next.is_unexpired(NOW)), None);
                row = Some(next);
            }
        }
    }
}
