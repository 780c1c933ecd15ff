//! The cache of a host that shares what it learns: the outbox beside the policies, and the file of what others say.

use super::file::CachePath;
use super::hearsay::{Hearsay, Ignored, OwnLook, Standing, decide, is_renewed_by_others, lasts_longer};
use super::inbox::{Inbox, OwedPurge, Reading};
use super::learnt::{Learnt, OF_THE_FLEET, Source};
use super::offers::Key;
use super::{Cache, CacheError, Kept, Provenance};
use crate::name::PolicyDomain;
use crate::policy::{Dialect, StoredPolicy};
use crate::time::UnixTime;
use std::collections::BTreeSet;

/// A policy as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What is said to be the domain's policy; this host has not fetched it.
    pub policy: StoredPolicy,
    /// Who says so and is believed to be a host of its own; if nobody can tell whose word it is, one name at most.
    pub witnesses: Vec<String>,
}

/// What came of what was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// Domains about which answers may be others now.
    pub changed: Vec<PolicyDomain>,
    /// How many bind, on the word of several.
    pub bound: u64,
    /// How many bind until this host has looked for itself.
    pub provisional: u64,
    /// How many count for nothing, by the reason.
    pub ignored: Vec<Ignored>,
}

/// A place in what is to be offered; the default is its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxMark(Key);

/// Some policies to be offered.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Each of them as it is here.
    pub policies: Vec<StoredPolicy>,
    /// What is in the outbox no more, by domain and dialect.
    gone: Vec<Key>,
    /// The last of either.
    last: Option<Key>,
}

impl Offers {
    /// Whether there is nothing to be done about them.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.gone.is_empty()
    }

    /// Where the next ones begin; `None` if there are none.
    #[must_use]
    pub fn next(&self) -> Option<OutboxMark> {
        self.last.clone().map(OutboxMark)
    }

    /// Leaves out those that the fleet has not taken: they stay to be offered.
    #[must_use]
    pub fn without(self, untaken: &[StoredPolicy]) -> Self {
        let Self { mut policies, gone, last } = self;
        policies.retain(|policy| !untaken.contains(policy));
        Self { policies, gone, last }
    }
}

impl Cache {
    /// The same cache on a host that shares what it learns.
    #[must_use]
    pub fn shared(self) -> Self {
        let database = self.policies.database();
        let (path, fingerprint): (&CachePath, _) = (database.path(), database.fingerprint);
        let inbox = Inbox::beside(path, fingerprint, database.max_domains, database.now);
        Self { policies: self.policies.offering(), inbox: Some(inbox), ..self }
    }

    /// The same for whoever only reads what others say; what it learns itself, they hear.
    #[must_use]
    pub fn listening(self) -> Self {
        let inbox = self.inbox.map(Inbox::read_only);
        Self { inbox, ..self }
    }

    /// Weighs what was heard ([`decide`]), and writes down what is worth it: what binds beside what this host fetched, the rest beside it. Then how far
    /// the store was read.
    ///
    /// # Errors
    /// [`CacheError`]: it has to be read again.
    pub fn hear(&self, all: &[Heard], store: &str, reading: Reading) -> Result<Weighed, CacheError> {
        let Some(inbox) = &self.inbox else { return Ok(Weighed::default()) };
        let now = inbox.database().now;
        let mut weighed = Weighed::default();
        let (mut bound, mut kept, mut changed) = (Vec::new(), Vec::new(), BTreeSet::new());
        for Heard { policy, witnesses } in all {
            let domain = &policy.domain;
            let known = inbox.of(std::slice::from_ref(domain))?.pop().unwrap_or_default();
            let before = known.into_iter().find(|one| one.policy.policy.dialect() == policy.policy.dialect());
            let look = before.as_ref().map_or(OwnLook::NotYet, |before| before.look);
            let stored = self.stored(domain)?;
            if stored.unreadable.contains(&policy.policy.dialect()) {
                // What is in force may be more than that: it takes a fetch of one's own.
                continue;
            }
            let own = stored.of(policy.policy.dialect()).cloned();
            let standing = decide(own.as_ref(), policy, witnesses.len(), look, now);
            let heard = Hearsay { policy: policy.clone(), witnesses: witnesses.clone(), look, heard_at: now };
            match standing {
                Standing::Binds => {
                    weighed.bound += 1;
                    bound.push(heard.clone());
                }
                Standing::BindsUntilSeen(_) => weighed.provisional += 1,
                Standing::Ignored(why) => weighed.ignored.push(why),
            }
            let is_news =
                before.as_ref().is_none_or(|before| Hearsay { heard_at: now, ..before.clone() } != heard);
            // What counts for nothing is not kept, but that mail has waited for it is, and what will bind when this host's own has ended.
            let is_kept = !matches!(standing, Standing::Ignored(_))
                || before.is_some()
                || lasts_longer(standing, witnesses.len());
            if is_kept && is_news {
                changed.insert(domain.clone());
                kept.push(heard);
            }
        }
        let from = |one: &Hearsay| Provenance {
            host: format!("{}{OF_THE_FLEET}", one.witnesses.join(" and ")),
            exported_at: now,
            circumstances: self.policies.database().fingerprint,
        };
        let bound: Vec<_> = bound.iter().map(|one| (&one.policy, from(one))).collect();
        for ((policy, _), stored) in bound.iter().zip(self.policies.keep_heard(&bound)) {
            // Where the file is full it stays hearsay, and binds from there.
            if let Ok(Kept::Stored) = stored {
                changed.insert(policy.domain.clone());
            }
        }
        self.noting(inbox.hear(&kept, store, reading))?;
        weighed.changed = changed.into_iter().collect();
        Ok(weighed)
    }

    /// Whether this host may leave out a renewal of that policy ([`is_renewed_by_others`]).
    #[must_use]
    pub fn is_renewed_by_others(&self, policy: &StoredPolicy) -> bool {
        let all = self.hearsay(std::slice::from_ref(&policy.domain)).pop().unwrap_or_default();
        is_renewed_by_others(policy, &all, self.policies.database().now)
    }

    /// Writes down what this host has seen for itself of what others say.
    ///
    /// # Errors
    /// [`CacheError`] if it is not.
    pub(super) fn looked(&self, all: &[(&PolicyDomain, Dialect, OwnLook)]) -> Result<(), CacheError> {
        match &self.inbox {
            Some(inbox) if !all.is_empty() => self.noting(inbox.looked(all)),
            _ => Ok(()),
        }
    }

    /// What others say about each of these domains. Where that cannot be read, this host answers as one without a fleet, and its own files are no worse
    /// for it.
    pub(super) fn hearsay(&self, domains: &[PolicyDomain]) -> Vec<Vec<Hearsay>> {
        let none = || vec![Vec::new(); domains.len()];
        self.inbox.as_ref().and_then(|inbox| inbox.binding(domains).ok()).unwrap_or_else(none)
    }

    /// How far that store was read.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn reading(&self, store: &str) -> Result<Reading, CacheError> {
        self.inbox.as_ref().map_or_else(|| Ok(Reading::default()), |inbox| self.noting(inbox.reading(store)))
    }

    /// Whether a decree of that store was obeyed already.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn has_obeyed(&self, store: &str, number: u64) -> Result<bool, CacheError> {
        self.inbox.as_ref().map_or(Ok(false), |inbox| self.noting(inbox.has_obeyed(store, number)))
    }

    /// Writes down that a decree was obeyed.
    ///
    /// # Errors
    /// [`CacheError`] if it is not.
    pub fn obeyed(&self, store: &str, number: u64, statement: &str) -> Result<(), CacheError> {
        self.inbox.as_ref().map_or(Ok(()), |inbox| self.noting(inbox.obeyed(store, number, statement)))
    }

    /// Writes down that a purge by that decree is to be done.
    ///
    /// # Errors
    /// [`CacheError`] if it is not.
    pub fn owe(&self, store: &str, number: u64, domain: &PolicyDomain) -> Result<(), CacheError> {
        self.inbox.as_ref().map_or(Ok(()), |inbox| self.noting(inbox.owe(store, number, domain)))
    }

    /// The purges that are not done to their end.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn owed(&self) -> Result<Vec<OwedPurge>, CacheError> {
        self.inbox.as_ref().map_or_else(|| Ok(Vec::new()), |inbox| self.noting(inbox.owed()))
    }

    /// Of that purge only what is about reports is left.
    ///
    /// # Errors
    /// [`CacheError`]: all of it is done once more.
    pub fn owes_reports_alone(&self, owed: &OwedPurge) -> Result<(), CacheError> {
        self.inbox.as_ref().map_or(Ok(()), |inbox| self.noting(inbox.owes_reports_alone(owed)))
    }

    /// All of that purge is done.
    ///
    /// # Errors
    /// [`CacheError`]: it is done once more.
    pub fn paid(&self, owed: &OwedPurge) -> Result<(), CacheError> {
        self.inbox.as_ref().map_or(Ok(()), |inbox| self.noting(inbox.paid(owed)))
    }

    /// Whether the file of those decrees is there and not what was written, so that nothing but [`Cache::restore_decrees`] helps.
    #[must_use]
    pub fn are_decrees_damaged(&self) -> bool {
        self.inbox.as_ref().is_some_and(Inbox::are_decrees_damaged)
    }

    /// Writes these, all that count by the store, into the file of decrees if it is damaged.
    ///
    /// # Errors
    /// [`CacheError`]: it stays as it is.
    pub fn restore_decrees(&self, of_the_store: &[String]) -> Result<(), CacheError> {
        self.inbox.as_ref().map_or(Ok(()), |inbox| self.noting(inbox.restore_decrees(of_the_store)))
    }

    /// The words of the decrees that were obeyed and may still count, the latest first.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn decrees(&self) -> Result<Vec<String>, CacheError> {
        self.inbox.as_ref().map_or_else(|| Ok(Vec::new()), |inbox| self.noting(inbox.decrees()))
    }

    /// Some of what the fleet has not heard.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn to_offer(&self, most: usize) -> Result<Offers, CacheError> {
        self.to_offer_behind(&OutboxMark::default(), most)
    }

    /// The same behind a mark.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn to_offer_behind(&self, mark: &OutboxMark, most: usize) -> Result<Offers, CacheError> {
        let (policies, gone, last) = self.noting(self.policies.outbox(most, &mark.0))?;
        Ok(Offers { policies, gone, last })
    }

    /// These are to be offered, although they have been: the fleet could not take them.
    ///
    /// # Errors
    /// [`CacheError`] if that is not written down.
    pub fn offer_again(&self, policies: &[StoredPolicy]) -> Result<(), CacheError> {
        self.noting(self.policies.put_into_the_outbox(policies))
    }

    /// The fleet has heard these.
    ///
    /// # Errors
    /// [`CacheError`]: they are offered again.
    pub fn offered(&self, offers: &Offers) -> Result<(), CacheError> {
        self.noting(self.policies.acknowledge(&offers.policies, &offers.gone))
    }

    /// How many there are that the fleet has not heard, up to 100,000, and since when the oldest waits.
    ///
    /// # Errors
    /// [`CacheError`] if nothing can be said.
    pub fn unheard(&self) -> Result<(u64, Option<UnixTime>), CacheError> {
        self.noting(self.policies.unheard())
    }

    /// Those of these policies that this host has fetched, and that have not ended: what it has on others' word is no word of its own.
    pub fn own(&self, policies: Vec<StoredPolicy>) -> Vec<StoredPolicy> {
        let now = self.policies.database().now;
        let is_own = |policy: &StoredPolicy| {
            let hearsay = self.hearsay(std::slice::from_ref(&policy.domain)).pop().unwrap_or_default();
            let history = self.history(&policy.domain);
            history.is_ok_and(|history| Learnt::of(policy, &hearsay, &history).from == Source::OwnFetch)
        };
        policies.into_iter().filter(|policy| policy.is_unexpired(now) && is_own(policy)).collect()
    }
}
