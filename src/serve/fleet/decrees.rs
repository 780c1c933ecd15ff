//! The operator's decrees, in the daemon's part in a fleet: each is obeyed once at most, and told.

use super::exchange::{End, Feed, Session, asked, changed};
use super::pace::Recent;
use crate::cache::{Cache, CacheError, CachePath, Counts, Outbox};
use crate::fleet::decree::{Decree, Order, Refused, kept};
use crate::limits::MAX_DECREES_KEPT;
use crate::name::PolicyDomain;
use crate::serve::event::WorkerEvent;
use crate::serve::telemetry::fleet::FleetOutcome;
use crate::serve::world::World;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use std::collections::HashSet;
use std::sync::Arc;
use tracing::{info, warn};

impl Session<'_> {
    /// Obeys decrees that are new, each once at most: first it is written down, and where that cannot be done nothing is forgotten.
    pub(super) async fn obey(&mut self, recent: &mut Recent) -> Result<(), End> {
        let decrees = self.connection.decrees(self.last_decree).await?;
        let (store, numbers) = (self.store.clone(), decrees.iter().map(|(number, ..)| *number));
        let numbers: Vec<u64> = numbers.collect();
        let new = asked(self.feed, self.world, move |cache| {
            let mut new = HashSet::new();
            for number in numbers {
                if !cache.has_obeyed(&store, number)? {
                    new.insert(number);
                }
            }
            Ok(new)
        });
        let Some(new) = new.await? else { return Ok(()) };
        // One that is not to be obeyed yet is read again with the next look, with those behind it.
        let (mut refused, mut is_overridden, mut stays) = (Vec::new(), false, false);
        for (number, statement, signature) in decrees {
            if !new.contains(&number) {
                self.passed(number, stays);
                continue;
            }
            let row = (number, statement.as_str(), signature.as_slice());
            let decree = match Decree::admitted(row, &self.store, &self.keys.operators, SystemClock.now()) {
                Ok(decree) => decree,
                Err(why) => {
                    stays |= why == Refused::NotYet;
                    if why != Refused::NotYet || self.not_yet < number {
                        self.feed.counters.fleet.of(FleetOutcome::Refused).one();
                        refused.push((number, why));
                    }
                    if why == Refused::NotYet {
                        self.not_yet = number.max(self.not_yet);
                    }
                    self.passed(number, stays);
                    continue;
                }
            };
            let (store, order) = (self.store.clone(), decree.order);
            let purged = decree.scope.domain().filter(|_| order == Order::Purge).cloned();
            let (path, most) = (self.world.storage.path.clone(), self.world.storage.max_domains);
            let (text, of_purge) = (kept(&statement, &signature), purged.clone());
            let obeyed = asked(self.feed, self.world, move |cache| {
                if cache.has_obeyed(&store, number)? {
                    return Ok(None);
                }
                let Some(domain) = of_purge else {
                    return cache.obeyed(&store, number, &text).map(|()| Some(Ok(Purges::default())));
                };
                // What was counted for reports goes with it, as by `cache purge`. All of it is owed before the decree counts as obeyed, so
                // that a kill leaves none of it undone.
                cache.owe(&store, number, &domain)?;
                cache.obeyed(&store, number, &text)?;
                // From here on it is obeyed, whatever is left to be done.
                Ok(Some(ended(cache, &path, most)))
            });
            // Where nothing could be written down it is tried again.
            let Some(obeyed) = obeyed.await? else { break };
            self.passed(number, stays);
            let Some(done) = obeyed else { continue };
            let trouble = match done {
                Ok(Purges { gone, trouble, .. }) => {
                    for domain in gone {
                        changed(self.feed, &domain);
                    }
                    trouble
                        .into_iter()
                        .find(|(domain, _)| Some(domain) == purged.as_ref())
                        .map(|(_, why)| why)
                }
                Err(why) => Some(why),
            };
            tell(&decree, trouble);
            is_overridden |= purged.is_none();
            if let Some(domain) = purged {
                recent.forget(&domain);
                self.forget(domain);
            }
        }
        if is_overridden {
            self.put_overrides_into_force().await?;
        }
        if let Some((number, why)) = refused.last() {
            let (decrees, why) = (refused.len(), why.to_string());
            info!(decrees, number, why, "decrees of the fleet are not obeyed; of the last one is told why");
        }
        Ok(())
    }

    /// What was decreed counts from now on, as if it stood in the configuration: the daemon goes on as after a reload.
    pub(super) async fn put_overrides_into_force(&mut self) -> Result<(), End> {
        let mut told = read_into_force(self.feed, self.world).await?;
        if told.is_some() && self.restore().await? {
            told = read_into_force(self.feed, self.world).await?;
        }
        if let Some(why) = &told
            && !self.owes_overrides
        {
            warn!(
                why,
                "overrides that the fleet's operator has decreed cannot be read: those that count go on counting"
            );
        }
        self.owes_overrides = told.is_some();
        Ok(())
    }

    /// Whether the file of decrees is damaged.
    pub(super) async fn are_decrees_damaged(&self) -> Result<bool, End> {
        let is_damaged = asked(self.feed, self.world, |cache| Ok(cache.are_decrees_damaged())).await?;
        Ok(is_damaged == Some(true))
    }

    /// Has the file of decrees, if it is damaged, exchanged for what the store has, whatever was obeyed before; whether it was.
    async fn restore(&mut self) -> Result<bool, End> {
        if !self.are_decrees_damaged().await? {
            return Ok(false);
        }
        // As many as this host keeps.
        let most = u64::try_from(MAX_DECREES_KEPT).unwrap_or(u64::MAX);
        let last = self.connection.last_decree().await?;
        let mut all = Vec::new();
        for (number, statement, signature) in self.connection.decrees(last.saturating_sub(most)).await? {
            let row = (number, statement.as_str(), signature.as_slice());
            let decree = Decree::admitted(row, &self.store, &self.keys.operators, SystemClock.now());
            if decree.is_ok_and(|decree| decree.order != Order::Purge) {
                all.push(kept(&statement, &signature));
            }
        }
        all.reverse();
        let restored = asked(self.feed, self.world, move |cache| cache.restore_decrees(&all)).await?;
        if restored.is_some() {
            warn!(last, "the file of decrees was damaged, and is written anew from the fleet's database");
        }
        Ok(restored.is_some())
    }

    /// A decree has been looked at.
    fn passed(&mut self, number: u64, stays: bool) {
        if !stays {
            self.last_decree = number.max(self.last_decree);
        }
    }
}

/// Reads what was decreed, and puts it into force; why it cannot be read. It needs no database.
pub(super) async fn read_into_force(feed: &Feed, world: &Arc<World>) -> Result<Option<String>, End> {
    let Some(fleet) = world.fleet.clone() else { return Ok(None) };
    let read =
        asked(feed, world, move |cache| Ok(crate::fleet::read_decreed(&fleet, cache, SystemClock.now())));
    Ok(match read.await? {
        Some(Ok(decreed)) => {
            if decreed != world.rules.decreed
                && let Some(events) = feed.events.upgrade()
            {
                let _ = events.send(WorkerEvent::Decreed(decreed));
            }
            None
        }
        Some(Err((why, _))) => Some(why),
        None => Some("the store does not answer".to_owned()),
    })
}

/// Ends purges that a kill or a trouble with the files kept from their end, or whose part in the reports on their way had to wait for `reports send`.
/// It needs no database.
pub(super) async fn end_purges(feed: &Feed, world: &Arc<World>) -> Result<(), End> {
    let (path, most) = (world.storage.path.clone(), world.storage.max_domains);
    let tried = asked(feed, world, move |cache| ended(cache, &path, most)).await?;
    let Purges { gone, ended, trouble } = tried.unwrap_or_default();
    if !trouble.is_empty() {
        feed.counters.store_troubles.one();
    }
    for domain in gone {
        changed(feed, &domain);
    }
    for domain in ended {
        let domain = domain.to_string();
        info!(
            domain,
            "what the fleet's operator had purged is gone to the last of it: policies, counts and reports"
        );
    }
    Ok(())
}

/// What became of the purges that were owed.
#[derive(Default)]
struct Purges {
    /// Whose policies have gone.
    gone: Vec<PolicyDomain>,
    /// Of whom nothing is left to be done.
    ended: Vec<PolicyDomain>,
    /// What kept others from their end.
    trouble: Vec<(PolicyDomain, CacheError)>,
}

/// Ends the purges that are owed: of each every part is tried, whatever became of the one before. While `reports send` is at work, only its part waits.
fn ended(cache: &Cache, path: &CachePath, most: u64) -> Result<Purges, CacheError> {
    let owed = cache.owed()?;
    let mut purges = Purges::default();
    if owed.is_empty() {
        return Ok(purges);
    }
    let now = SystemClock.now();
    let (counts, outbox) = (Counts::beside(path, most, now), Outbox::beside(path, most, now));
    for one in owed {
        let domain = &one.domain;
        let known = if one.is_whole { cache.purge(domain).map(drop) } else { Ok(()) };
        // What is learnt from now on is not forgotten for its sake, whatever becomes of the rest.
        let known = match known {
            Ok(()) if one.is_whole => {
                purges.gone.push(domain.clone());
                cache.owes_reports_alone(&one)
            }
            known => known,
        };
        let told = outbox.purge(domain);
        // Nor is what is counted from now on, while only the reports are left.
        let is_counted = one.is_whole || matches!(told, Ok(Some(_)));
        let counted = if is_counted { counts.purge(domain).map(drop) } else { Ok(()) };
        match (known.and(counted), told) {
            (Err(why), _) | (Ok(()), Err(why)) => purges.trouble.push((domain.clone(), why)),
            (Ok(()), Ok(None)) => {}
            (Ok(()), Ok(Some(_))) => match cache.paid(&one) {
                Ok(()) => purges.ended.push(one.domain),
                Err(why) => purges.trouble.push((one.domain, why)),
            },
        }
    }
    Ok(purges)
}

/// A decree was obeyed: the log of each host tells it, for an operator's word may weaken.
fn tell(decree: &Decree, trouble: Option<CacheError>) {
    let (number, reason) = (decree.number, decree.reason.as_str());
    let (domain, ends) = (decree.scope.to_string(), decree.ends.to_string());
    match (decree.order, trouble) {
        (Order::Purge, None) => warn!(
            number,
            domain,
            reason,
            "a decree of the fleet's operator was obeyed: what was known of the domain is forgotten"
        ),
        (Order::Purge, Some(why)) => warn!(
            number,
            domain,
            reason,
            why = why.to_string(),
            "a decree of the fleet's operator was obeyed in part: the rest is tried again every few seconds"
        ),
        (Order::Override(effect), _) => warn!(
            number,
            domain,
            effect = effect.word(),
            ends,
            reason,
            "a decree of the fleet's operator was obeyed: an override is in force"
        ),
        (Order::Lift, _) => warn!(
            number,
            domain,
            reason,
            "a decree of the fleet's operator was obeyed: what was decreed for the domain before counts no more"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Circumstances, Memory as _};
    use crate::policy::{Authentication, Dialect, Policy, StoredPolicy};
    use crate::time::UnixTime;
    use std::path::Path;

    const STORE: &str = "c0ffee";

    fn cache(directory: &Path, now: UnixTime) -> (Cache, CachePath) {
        let path = CachePath::parse(&directory.join("cache.db")).unwrap();
        (Cache::new(path.clone(), &Circumstances::default(), 100, now).shared(), path)
    }

    fn policy(domain: &PolicyDomain, now: UnixTime) -> StoredPolicy {
        let text = "v=STSv1; id=1;\nversion: STSv1\nmode: enforce\nmx: *.mx.test\nmax_age: 86400\n";
        let policy = Policy::from_text(Dialect::MtaSts, text).unwrap();
        StoredPolicy::fetched(domain, policy, Authentication::WebPki, now, now.plus(300))
    }

    #[test]
    fn what_is_learnt_after_a_purge_stays_though_what_was_counted_cannot_be_forgotten() {
        let (directory, now) = (tempfile::tempdir().unwrap(), SystemClock.now());
        let (cache, path) = cache(directory.path(), now);
        let domain = PolicyDomain::parse("a.test").unwrap();
        cache.keep(&policy(&domain, now)).unwrap();
        // No file of counts can stand there.
        std::fs::create_dir(directory.path().join("cache.reports.db")).unwrap();
        cache.owe(STORE, 7, &domain).unwrap();

        let Purges { gone, ended: done, trouble } = ended(&cache, &path, 100).unwrap();
        assert_eq!((gone, done), (vec![domain.clone()], vec![]));
        assert_eq!(trouble.iter().map(|(of, _)| of).collect::<Vec<_>>(), [&domain]);
        assert_eq!(cache.policy(&domain, Dialect::MtaSts).unwrap(), None);

        cache.keep(&policy(&domain, now)).unwrap();
        let again = ended(&cache, &path, 100).unwrap();
        assert_eq!((again.gone, again.ended, again.trouble.len()), (vec![], vec![], 1));
        assert_eq!(cache.policy(&domain, Dialect::MtaSts).unwrap(), Some(policy(&domain, now)));

        std::fs::remove_dir(directory.path().join("cache.reports.db")).unwrap();
        let at_last = ended(&cache, &path, 100).unwrap();
        assert_eq!((at_last.gone, at_last.ended, at_last.trouble.len()), (vec![], vec![domain.clone()], 0));
        assert_eq!(cache.policy(&domain, Dialect::MtaSts).unwrap(), Some(policy(&domain, now)));
    }
}
