//! What another host of the fleet says about a domain's policy, and what it is worth here. Pure.
//!
//! Who rules the database, or one host, may say anything. So what comes from there may make this host stricter, and never laxer; and what only one
//! has seen binds no longer than this host needs to look for itself. [`decide`] is the one place where that is weighed.

use super::history::weakenings;
use crate::limits::{LOOKS_APART, RENEWAL, UNCONFIRMED_BINDS};
use crate::policy::{Mode, StoredPolicy};
use crate::time::UnixTime;
use crate::words::words;

/// Roles whose word together stands for a look of one's own.
const ENOUGH_WITNESSES: usize = 2;

/// A policy that others have fetched, and what came of this host's own look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hearsay {
    /// What they say.
    pub policy: StoredPolicy,
    /// The roles that say so, whose word is believed; one at least.
    pub witnesses: Vec<String>,
    /// What this host has seen for itself.
    pub look: OwnLook,
    /// When it was heard.
    pub heard_at: UnixTime,
}

/// What this host has seen for itself of what others say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnLook {
    /// DNSSEC proved that the domain announces no policy, at that moment.
    Absent(UnixTime),
    /// It fetched a policy, this one or another, at that moment: that counts.
    Fetched(UnixTime),
    /// It has not looked.
    #[default]
    NotYet,
    /// Silence, or an absence that nothing proves, since that moment.
    Unconfirmed(UnixTime),
}

impl OwnLook {
    /// What of it still counts when the policy was fetched again at that moment. How long mail has waited is never forgotten: a host that says
    /// something new every hour would hold it up for ever. And a look counts for [`LOOKS_APART`], whatever is said meanwhile: who says something new every
    /// second has this host look once a minute.
    #[must_use]
    pub fn after_news(self, fetched_at: UnixTime, now: UnixTime) -> Self {
        match self {
            Self::Absent(at) | Self::Fetched(at)
                if at < fetched_at && self.looks_again(fetched_at, now).is_none() =>
            {
                Self::NotYet
            }
            other => other,
        }
    }

    /// When it will count no more, if it does only because it was made just now.
    #[must_use]
    pub fn looks_again(self, fetched_at: UnixTime, now: UnixTime) -> Option<UnixTime> {
        match self {
            Self::Absent(at) | Self::Fetched(at) if at < fetched_at => {
                let until = at.plus(LOOKS_APART);
                (at <= now && now < until).then_some(until)
            }
            Self::Absent(_) | Self::Fetched(_) | Self::NotYet | Self::Unconfirmed(_) => None,
        }
    }
}

/// Since when mail to a domain has waited for what this host could not see, by all that was heard of it: one role that says something of each
/// dialect in turn holds it up no longer for that.
#[must_use]
pub fn waits_since(all: &[Hearsay]) -> Option<UnixTime> {
    let since = |one: &Hearsay| match one.look {
        OwnLook::Unconfirmed(since) => Some(since),
        OwnLook::Absent(_) | OwnLook::Fetched(_) | OwnLook::NotYet => None,
    };
    all.iter().filter_map(since).min()
}

/// What hearsay is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As much as a fetch of one's own: enough of them say so, and it only makes this host stricter.
    Binds,
    /// It binds answers until this host has looked for itself, which it does at the next question; where that tells nothing, until that moment.
    BindsUntilSeen(Option<UnixTime>),
    /// Nothing, and why.
    Ignored(Ignored),
}

words! {
    /// Why hearsay is worth nothing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Ignored {
        /// It has ended.
        Ended = "ended",
        /// What this host has was fetched later, or is the same.
        NoNews = "no-news",
        /// Only its end lies later: that counts after a fetch of one's own.
        OnlyLonger = "only-longer",
        /// It protects less than what this host has: that waits for a fetch of one's own.
        Weakens = "weakens",
        /// This host has seen for itself.
        Seen = "seen",
        /// One role says so, and for too long this host could not see it.
        Unconfirmed = "unconfirmed",
    }
}

/// What `heard` is worth beside what this host has (`own`, which may have ended), if so many roles say so and that came of its own look.
#[must_use]
pub fn decide(
    own: Option<&StoredPolicy>,
    heard: &StoredPolicy,
    witnesses: usize,
    look: OwnLook,
    now: UnixTime,
) -> Standing {
    if !heard.is_unexpired(now) || !heard.is_possible() {
        return Standing::Ignored(Ignored::Ended);
    }
    if let Some(why) = own.and_then(|own| no_stricter(own, heard, now)) {
        return Standing::Ignored(why);
    }
    match look.after_news(heard.fetched_at, now) {
        OwnLook::Fetched(_) => Standing::Ignored(Ignored::Seen),
        _ if witnesses >= ENOUGH_WITNESSES => Standing::Binds,
        OwnLook::Absent(_) => Standing::Ignored(Ignored::Seen),
        OwnLook::NotYet => Standing::BindsUntilSeen(None),
        OwnLook::Unconfirmed(since) => {
            let until = since.plus(UNCONFIRMED_BINDS);
            // A clock that went back lets nobody wait for longer.
            if now < until && since <= now {
                Standing::BindsUntilSeen(Some(until))
            } else {
                Standing::Ignored(Ignored::Unconfirmed)
            }
        }
    }
}

/// Whether this host may leave out a renewal of what it has, because others made theirs: two of them have signed that they fetched the very same policy within
/// a day, proven no less, and have it for longer than this host. Nothing that this host has changes by that: its own end stays where it is, half of its
/// life at least is left, and when it has ended all the same, what they signed binds ([`decide`]).
#[must_use]
pub fn is_renewed_by_others(own: &StoredPolicy, all: &[Hearsay], now: UnixTime) -> bool {
    let half = own.expires_at.since(own.fetched_at) / 2;
    let stands_for = |one: &Hearsay| {
        let heard = &one.policy;
        one.witnesses.len() >= ENOUGH_WITNESSES
            && heard.policy == own.policy
            && heard.authentication >= own.authentication
            && heard.expires_at > own.expires_at
            && heard.fetched_at <= now
            && now.since(heard.fetched_at) < RENEWAL
    };
    own.fetched_at <= now && own.expires_at.since(now) >= half && all.iter().any(stands_for)
}

/// Whether that is worth being kept although it makes nothing stricter now: what several have signed for longer than this host has it.
#[must_use]
pub(super) fn lasts_longer(standing: Standing, witnesses: usize) -> bool {
    standing == Standing::Ignored(Ignored::OnlyLonger) && witnesses >= ENOUGH_WITNESSES
}

/// Why `heard` is no stricter than what this host has; `None` if it is.
fn no_stricter(own: &StoredPolicy, heard: &StoredPolicy, now: UnixTime) -> Option<Ignored> {
    let is_earlier = heard.fetched_at <= own.fetched_at && heard.authentication <= own.authentication;
    if !own.is_unexpired(now) {
        // It ended by the domain's own word, or by its time: what was fetched before that is no news.
        return is_earlier.then_some(Ignored::NoNews);
    }
    if own.policy == heard.policy {
        let is_proven_better = heard.authentication > own.authentication;
        let is_put_into_force = !own.is_in_force() && heard.is_in_force();
        return if is_put_into_force {
            None
        } else if is_proven_better && heard.expires_at < own.expires_at {
            Some(Ignored::Weakens)
        } else if is_proven_better {
            None
        } else if heard.expires_at > own.expires_at {
            Some(Ignored::OnlyLonger)
        } else {
            Some(Ignored::NoNews)
        };
    }
    let strength = |mode: Mode| match mode {
        Mode::None => 0,
        Mode::Testing => 1,
        Mode::Enforce => 2,
    };
    let is_raised = strength(heard.policy.mode()) > strength(own.policy.mode());
    let ends_sooner = heard.expires_at < own.expires_at;
    let binds_less = own.is_in_force() && !heard.is_in_force();
    if !weakenings(own, heard).is_empty() || binds_less || (ends_sooner && !is_raised) {
        return Some(Ignored::Weakens);
    }
    is_earlier.then_some(Ignored::NoNews)
}

#[cfg(test)]
mod tests;
