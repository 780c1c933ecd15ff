//! What happened to a domain's policies: which change of a row is worth an entry, and what weakens a policy. Pure.

use super::transfer::Provenance;
use crate::limits::MAX_EVENT_DETAIL_OCTETS;
use crate::policy::pattern::MxPattern;
use crate::policy::{Authentication, Dialect, Mode, Policy, StoredPolicy};
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::words::words;
use std::collections::HashSet;
use std::fmt::{self, Write};

words! {
    /// What happened to a policy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub enum Event {
        /// A delivery met it for the first time: from now on one of the draft's dialect refuses mail (draft section 3.3).
        Applied = "applied",
        /// The same policy was seen again, authenticated more strongly.
        Authenticated = "authenticated",
        /// Another one took its place.
        Changed = "changed",
        /// The domain ended it: an authenticated policy with a life of zero took its place.
        Ended = "ended",
        /// It could not be fetched: the first failure since the last fetch.
        FetchFailed = "fetch-failed",
        /// It came from another host's cache.
        Imported = "imported",
        /// The first one, or the first since the last one ended.
        Learnt = "learnt",
        /// An operator removed it.
        Purged = "purged",
        /// Another one took its place that protects less: see [`Weakening`].
        Weakened = "weakened",
        /// Its TXT record disappeared while it was in force, which it stays (RFC 8461 section 3.3).
        Withdrawn = "withdrawn",
    }
}

/// What somebody noticed about a stored policy although its row does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It could not be fetched; why, in words that may be untrusted.
    FetchFailed(String),
    /// Its TXT record is gone.
    Withdrawn,
}

/// One thing that happened to a domain's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When it was noticed, in seconds since 1970; the change itself may be older.
    pub at: UnixTime,
    /// Which of a domain's two policies it happened to: the one of RFC 8461, or the draft's.
    pub dialect: Dialect,
    /// What happened to it: the word behind the dialect in its line of `cache history`.
    pub event: Event,
    /// How the policy is authenticated that the row held afterwards, or last.
    pub authentication: Authentication,
    /// The mode of the policy in force before; `None` if there was none.
    pub before: Option<Mode>,
    /// The mode of the policy in force afterwards; `None` if there is none.
    pub after: Option<Mode>,
    /// More words, such as what changed: printable ASCII, at most [`MAX_EVENT_DETAIL_OCTETS`].
    pub detail: String,
}

/// What makes a policy protect less than the one before. Modes are compared first, and one that is raised outweighs all
/// the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weakening {
    /// It was authenticated less strongly: a signed zone that is signed no more.
    Authentication,
    /// A shorter life that is under a week: so long an attacker has to keep a sender away from the policy to be rid of it.
    /// RFC 8461 section 3.2 expects weeks; among those, shorter is no news.
    Life,
    /// A lower mode: `testing` or `none` instead of `enforce`, `none` instead of `testing`.
    Mode,
    /// It permits a host that was not permitted.
    Mx,
}

const WEEK: u64 = 604_800;

/// What weakens the new policy, compared with the old one; nothing if it protects no less.
#[must_use]
pub fn weakenings(old: &StoredPolicy, new: &StoredPolicy) -> Vec<Weakening> {
    let (mode_before, mode_after) = (strength(old.policy.mode()), strength(new.policy.mode()));
    if mode_after > mode_before {
        return Vec::new();
    }
    let life = |policy: &Policy| policy.life().unwrap_or(0);
    let (before, after) = (life(&old.policy), life(&new.policy));
    [
        (Weakening::Mode, mode_after < mode_before),
        (Weakening::Mx, permits_more(old.policy.mx(), new.policy.mx())),
        (Weakening::Life, after < before && after < WEEK),
        (Weakening::Authentication, new.authentication < old.authentication),
    ]
    .into_iter()
    .filter_map(|(weakening, is_one)| is_one.then_some(weakening))
    .collect()
}

const fn strength(mode: Mode) -> u8 {
    match mode {
        Mode::None => 0,
        Mode::Testing => 1,
        Mode::Enforce => 2,
    }
}

/// Whether the new patterns permit a host that the old ones did not; no pattern at all permits every host.
fn permits_more(old: &[MxPattern], new: &[MxPattern]) -> bool {
    let known: HashSet<String> = old.iter().map(MxPattern::to_string).collect();
    let is_covered = |pattern: String| {
        let wildcard = pattern.split_once('.').map(|(_, above)| format!("*.{above}"));
        known.contains(&pattern) || wildcard.is_some_and(|wildcard| known.contains(&wildcard))
    };
    !old.is_empty() && (new.is_empty() || !new.iter().map(MxPattern::to_string).all(is_covered))
}

/// Where a policy came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    /// From the domain.
    Fetch,
    /// From other hosts of a fleet, which have signed it; what it is worth was decided before.
    Fleet(&'a Provenance),
    /// From another host's cache.
    Import(&'a Provenance),
}

/// What is to be written down when `row` takes the place of `old`; nothing for a mere renewal.
pub(super) fn of_change(
    old: Option<&StoredPolicy>,
    row: &StoredPolicy,
    origin: Origin<'_>,
    now: UnixTime,
) -> Vec<HistoryEntry> {
    let old = old.filter(|old| old.is_unexpired(now));
    let same = old.filter(|old| old.policy == row.policy);
    let before = old.map(|old| old.policy.mode());
    let after = row.is_unexpired(now).then(|| row.policy.mode());
    let entry = |event, before, detail: &str| HistoryEntry {
        at: now,
        dialect: row.policy.dialect(),
        event,
        authentication: row.authentication,
        before,
        after,
        detail: cut(detail),
    };
    let detail = old.map_or_else(|| summary(&row.policy), |old| difference(old, row));
    let what = match (old, origin) {
        (_, Origin::Fleet(provenance) | Origin::Import(provenance)) => {
            let from = format!("from {provenance}, fetched at {}; {detail}", row.fetched_at);
            Some((Event::Imported, from.trim_end_matches("; ").to_owned()))
        }
        (None, Origin::Fetch) => Some((Event::Learnt, detail)),
        (Some(_), Origin::Fetch) if after.is_none() => Some((Event::Ended, detail)),
        (Some(old), Origin::Fetch) if same.is_some() => {
            (row.authentication > old.authentication).then_some((Event::Authenticated, detail))
        }
        (Some(old), Origin::Fetch) if weakenings(old, row).is_empty() => Some((Event::Changed, detail)),
        (Some(_), Origin::Fetch) => Some((Event::Weakened, detail)),
    };
    let newly_applied = match origin {
        Origin::Fetch => row.applied_at.filter(|_| same.is_none_or(|old| old.applied_at.is_none())),
        Origin::Fleet(_) | Origin::Import(_) => None,
    };
    let mut entries: Vec<HistoryEntry> =
        what.into_iter().map(|(event, detail)| entry(event, before, &detail)).collect();
    entries.extend(newly_applied.map(|_| entry(Event::Applied, after, "")));
    entries
}

/// What is to be written down about a policy in force that somebody noticed something about; `last` is when the same
/// was written down last. What goes on since the last fetch is no news.
pub(super) fn of_notice(
    row: &StoredPolicy,
    notice: &Notice,
    last: Option<UnixTime>,
    now: UnixTime,
) -> Option<HistoryEntry> {
    let is_news = last.is_none_or(|last| last < row.fetched_at);
    (row.is_unexpired(now) && is_news).then(|| {
        let (event, detail) = match notice {
            Notice::FetchFailed(why) => (Event::FetchFailed, why.as_str()),
            Notice::Withdrawn => (Event::Withdrawn, ""),
        };
        let mode = Some(row.policy.mode());
        HistoryEntry { event, detail: cut(detail), ..of_row(row, mode, mode, now) }
    })
}

/// What is to be written down when an operator removes a row.
pub(super) fn of_purge(row: &StoredPolicy, now: UnixTime) -> HistoryEntry {
    of_row(row, row.is_unexpired(now).then(|| row.policy.mode()), None, now)
}

fn of_row(row: &StoredPolicy, before: Option<Mode>, after: Option<Mode>, now: UnixTime) -> HistoryEntry {
    HistoryEntry {
        at: now,
        dialect: row.policy.dialect(),
        event: Event::Purged,
        authentication: row.authentication,
        before,
        after,
        detail: String::new(),
    }
}

impl HistoryEntry {
    /// From which host's cache it says that a policy came which was fetched at that moment; `None` if it tells of no import, or of another fetch.
    pub(super) fn imported_from(&self, fetched_at: UnixTime) -> Option<&str> {
        self.import().filter(|(_, rest)| rest.starts_with(&fetched_at.to_string())).map(|(host, _)| host)
    }

    /// From which host's cache it says that a policy came, and what stands behind the words about when it was fetched.
    pub(super) fn import(&self) -> Option<(&str, &str)> {
        let detail = Some(self.detail.as_str()).filter(|_| self.event == Event::Imported)?;
        // A host may have any name; what stands behind the last of these words is ours.
        let (provenance, rest) = detail.strip_prefix("from ")?.rsplit_once(", fetched at ")?;
        let (host, _) = provenance.rsplit_once(" at ")?;
        Some((host, rest))
    }
}

impl Notice {
    /// The event that it becomes.
    pub(super) const fn event(&self) -> Event {
        match self {
            Self::FetchFailed(_) => Event::FetchFailed,
            Self::Withdrawn => Event::Withdrawn,
        }
    }
}

/// A policy in a few words.
fn summary(policy: &Policy) -> String {
    let mut words = Words::default();
    words.pair("id", id(policy).unwrap_or_default());
    words.pair("mx", &list(policy.mx()));
    words.pair("life", &life(policy));
    words.0
}

/// What distinguishes two policies, in a few words; the modes have fields of their own.
fn difference(old: &StoredPolicy, new: &StoredPolicy) -> String {
    let mut words = Words::default();
    let (before, after) = (&old.policy, &new.policy);
    words.change("auth", old.authentication.word(), new.authentication.word());
    words.change("id", id(before).unwrap_or_default(), id(after).unwrap_or_default());
    words.pair("mx added", &list(&beyond(before.mx(), after.mx())));
    words.pair("mx gone", &list(&beyond(after.mx(), before.mx())));
    words.change("life", &life(before), &life(after));
    words.0
}

fn id(policy: &Policy) -> Option<&str> {
    match policy {
        Policy::MtaSts(policy) => Some(policy.record.id()),
        Policy::SmtpSts(_) => None,
    }
}

fn life(policy: &Policy) -> String {
    policy.life().map_or_else(|| "TTL".to_owned(), |seconds| seconds.to_string())
}

/// The patterns that are not among the known ones.
fn beyond(known: &[MxPattern], patterns: &[MxPattern]) -> Vec<MxPattern> {
    let known: HashSet<&MxPattern> = known.iter().collect();
    patterns.iter().filter(|one| !known.contains(one)).cloned().collect()
}

fn list(patterns: &[MxPattern]) -> String {
    patterns.iter().map(MxPattern::to_string).collect::<Vec<_>>().join(",")
}

/// `name value; name value`.
#[derive(Debug, Default)]
struct Words(String);

impl Words {
    fn pair(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.add(format_args!("{name} {value}"));
        }
    }

    fn change(&mut self, name: &str, before: &str, after: &str) {
        if before != after {
            self.add(format_args!("{name} {before} -> {after}"));
        }
    }

    fn add(&mut self, words: fmt::Arguments<'_>) {
        let separator = if self.0.is_empty() { "" } else { "; " };
        // Writing to a string does not fail.
        let _written = write!(self.0, "{separator}{words}");
    }
}

/// Printable ASCII, short enough for a row.
fn cut(text: &str) -> String {
    // Room for the words with which `excerpt` tells that something is missing.
    let mut shown = excerpt(text, MAX_EVENT_DETAIL_OCTETS - 40);
    shown.truncate(MAX_EVENT_DETAIL_OCTETS);
    shown
}

#[cfg(test)]
mod tests;
