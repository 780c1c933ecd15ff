//! From whom a policy was learnt, and what it is worth that others of a fleet say of it, in words. Pure.

use super::hearsay::{Hearsay, Ignored, OwnLook, Standing, decide, waits_since};
use super::history::{Event, HistoryEntry};
use crate::policy::StoredPolicy;
use crate::time::UnixTime;
use std::fmt;

/// What stands behind the roles in the history of a policy that they have fetched.
pub(super) const OF_THE_FLEET: &str = " of the fleet";

/// From whom a policy of this host's cache was learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Who fetched it as it is here.
    pub from: Source,
    /// The roles of the fleet that say the very same.
    pub roles: Vec<String>,
}

/// Who fetched a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Hosts of the fleet; this one has not.
    Fleet,
    /// A host whose cache was imported: its name, printable.
    Import(String),
    /// This host.
    OwnFetch,
}

impl Source {
    /// The words for every source.
    pub const WORDS: [&'static str; 3] = ["fleet", "import", "own-fetch"];

    /// The word by which `cache history` and `explain` name the source.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Import(_) => "import",
            Self::OwnFetch => "own-fetch",
        }
    }
}

/// Whose cache that was: the roles of the fleet, or another host's.
fn of_host(host: &str) -> (Source, Vec<String>) {
    match host.strip_suffix(OF_THE_FLEET) {
        Some(names) => (Source::Fleet, names.split(" and ").map(str::to_owned).collect()),
        None => (Source::Import(host.to_owned()), Vec::new()),
    }
}

impl Learnt {
    /// The words for whoever confirms a policy.
    pub const CONFIRMATIONS: [&'static str; 3] = ["nobody", "own-fetch", "roles"];

    /// From whom that policy was learnt, of whose domain this is heard and that has happened.
    #[must_use]
    pub fn of(policy: &StoredPolicy, hearsay: &[Hearsay], history: &[HistoryEntry]) -> Self {
        let said = hearsay.iter().find(|one| one.policy.policy == policy.policy);
        let roles = said.map(|one| one.witnesses.clone()).unwrap_or_default();
        let is_heard = said.is_some_and(|one| {
            one.policy.fetched_at == policy.fetched_at && !matches!(one.look, OwnLook::Fetched(_))
        });
        let last = history.iter().rev().filter(|entry| entry.dialect == policy.policy.dialect());
        let imported = last.filter_map(|entry| entry.imported_from(policy.fetched_at)).next();
        match imported {
            Some(host) => {
                let (from, names) = of_host(host);
                Self { from, roles: if roles.is_empty() { names } else { roles } }
            }
            None if is_heard => Self { from: Source::Fleet, roles },
            None => Self { from: Source::OwnFetch, roles },
        }
    }

    /// From whom the policy came that an event tells of; `None` for one that tells of no policy that came.
    #[must_use]
    pub fn of_event(entry: &HistoryEntry) -> Option<Self> {
        match entry.event {
            Event::Authenticated | Event::Changed | Event::Ended | Event::Learnt | Event::Weakened => {
                Some(Self { from: Source::OwnFetch, roles: Vec::new() })
            }
            Event::Imported => {
                let (from, roles) = of_host(entry.import()?.0);
                Some(Self { from, roles })
            }
            Event::Applied | Event::FetchFailed | Event::Purged | Event::Withdrawn => None,
        }
    }

    /// Who confirms it: `own-fetch`; `roles`, two of the fleet at least, whose signatures are good; or `nobody`.
    #[must_use]
    pub const fn confirmed_by(&self) -> &'static str {
        match self.from {
            Source::OwnFetch => "own-fetch",
            Source::Fleet | Source::Import(_) if self.roles.len() > 1 => "roles",
            Source::Fleet | Source::Import(_) => "nobody",
        }
    }
}

impl fmt::Display for Learnt {
    /// In a sentence, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.roles.join(" and ");
        match (&self.from, self.roles.len()) {
            (Source::OwnFetch, 0) => f.write_str("by this host's own fetch"),
            (Source::OwnFetch, _) => {
                write!(f, "by this host's own fetch, which agrees with {names} of the fleet")
            }
            (Source::Fleet, number) => write!(
                f,
                "from {names} of the fleet, confirmed by {}; this host has not fetched it itself yet",
                counted(number)
            ),
            (Source::Import(host), 0) => {
                write!(
                    f,
                    "from the cache of {host}, which was imported; this host has not fetched it itself yet"
                )
            }
            (Source::Import(host), _) => write!(
                f,
                "from the cache of {host}, which was imported; {names} of the fleet say the same; this host has not fetched it itself yet"
            ),
        }
    }
}

fn counted(roles: usize) -> String {
    if roles == 1 { "one role".to_owned() } else { format!("{roles} roles") }
}

impl OwnLook {
    /// The word by which `cache history` names what this host saw itself (`own_look` in JSON).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Absent(_) => "absent",
            Self::Fetched(_) => "fetched",
            Self::NotYet => "not-yet",
            Self::Unconfirmed(_) => "unconfirmed",
        }
    }

    /// The words for every look.
    pub const WORDS: [&'static str; 4] = ["absent", "fetched", "not-yet", "unconfirmed"];

    /// When that was.
    #[must_use]
    pub const fn at(self) -> Option<UnixTime> {
        match self {
            Self::Absent(at) | Self::Fetched(at) | Self::Unconfirmed(at) => Some(at),
            Self::NotYet => None,
        }
    }

    /// The same look, if it told nothing, since the first that told nothing of the domain.
    #[must_use]
    pub fn since_the_first(self, all: &[Hearsay]) -> Self {
        match (self, waits_since(all)) {
            (Self::Unconfirmed(since), Some(first)) => Self::Unconfirmed(since.min(first)),
            (look, _) => look,
        }
    }
}

impl Standing {
    /// The words for every standing.
    pub const WORDS: [&'static str; 8] =
        ["binds", "binds-until-seen", "ended", "no-news", "only-longer", "seen", "unconfirmed", "weakens"];

    /// The word by which `cache history` tells what the hearsay is worth (`standing` in JSON).
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Binds => "binds",
            Self::BindsUntilSeen(_) => "binds-until-seen",
            Self::Ignored(why) => why.word(),
        }
    }

    /// Until when it binds at most, if this host's look told nothing.
    #[must_use]
    pub const fn until(self) -> Option<UnixTime> {
        match self {
            Self::BindsUntilSeen(until) => until,
            Self::Binds | Self::Ignored(_) => None,
        }
    }

    /// What that means, in a sentence without its end.
    #[must_use]
    pub fn meaning(self) -> String {
        match self {
            Self::Binds => "two roles at least have fetched it: it binds".to_owned(),
            Self::BindsUntilSeen(None) => {
                "nobody has confirmed it: it binds the daemon's answers until this host has looked for itself, which it does at the next question".to_owned()
            }
            Self::BindsUntilSeen(Some(until)) => format!(
                "nobody has confirmed it, and this host could neither fetch it nor prove that there is none: it binds the daemon's answers until {until}"
            ),
            Self::Ignored(why) => {
                let why = match why {
                    Ignored::Ended => "it has ended",
                    Ignored::NoNews => "what this host has is as late or the same",
                    Ignored::OnlyLonger => "only its end lies later, which waits for this host's own fetch",
                    Ignored::Seen => "this host has seen for itself",
                    Ignored::Unconfirmed => "one role says so, and this host could not see it for too long",
                    Ignored::Weakens => "it protects less than what this host has, and waits for this host's own fetch",
                };
                format!("it counts for nothing: {why}")
            }
        }
    }
}

impl Hearsay {
    /// What it is worth beside the policy that this host has, and beside all that is heard of the domain.
    #[must_use]
    pub fn standing(&self, own: Option<&StoredPolicy>, all: &[Self], now: UnixTime) -> Standing {
        decide(own, &self.policy, self.witnesses.len(), self.look.since_the_first(all), now)
    }

    /// Whether it says something else than the policy that this host has.
    #[must_use]
    pub fn differs_from(&self, own: Option<&StoredPolicy>, now: UnixTime) -> bool {
        own.is_none_or(|own| {
            own.policy != self.policy.policy
                || !own.is_unexpired(now)
                || own.is_in_force() != self.policy.is_in_force()
        })
    }
}

#[cfg(test)]
mod tests;
