//! The operator's decrees, in the daemon's part in a fleet: each is obeyed once at most, and told.

use super::exchange::{End, Feed, Session, asked, changed};
use super::pace::Recent;
use crate::cache::{Cache, CacheError, CachePath, Counts, Outbox, OwedPurge};
use crate::fleet::decree::{Decree, Order, Refused, kept};
use crate::limits::MAX_DECREES_KEPT;
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
                    return cache.obeyed(&store, number, &text).map(|()| Some(Ok(())));
                };
                // What was counted for reports goes with it, as by `cache purge`. All of it is owed before the decree counts as obeyed, so
                // that a kill leaves none of it undone.
                cache.owe(&store, number, &domain)?;
                cache.obeyed(&store, number, &text)?;
                let (_, trouble) = ended(cache, &path, most)?;
                Ok(Some(trouble.map_or(Ok(()), Err)))
            });
            // Where nothing could be written down it is tried again.
            let Some(obeyed) = obeyed.await? else { break };
            self.passed(number, stays);
            let Some(done) = obeyed else { continue };
            tell(&decree, done.err());
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
    let (ended, trouble) = tried.unwrap_or_default();
    if trouble.is_some() {
        feed.counters.store_troubles.one();
    }
    for OwedPurge { domain, is_whole, .. } in ended {
        if is_whole {
            changed(feed, &domain);
        }
        let domain = domain.to_string();
        info!(
            domain,
            "what the fleet's operator had purged is gone to the last of it: policies, counts and reports"
        );
    }
    Ok(())
}

/// Ends the purges that are owed: of each every part is tried, whatever became of the one before. Those that are ended, and what kept another from its
/// end; while `reports send` is at work, only its part waits.
fn ended(
    cache: &Cache,
    path: &CachePath,
    most: u64,
) -> Result<(Vec<OwedPurge>, Option<CacheError>), CacheError> {
    let owed = cache.owed()?;
    if owed.is_empty() {
        return Ok((Vec::new(), None));
    }
    let now = SystemClock.now();
    let (counts, outbox) = (Counts::beside(path, most, now), Outbox::beside(path, most, now));
    let (mut ended, mut trouble) = (Vec::new(), None);
    for one in owed {
        let known = if one.is_whole { cache.purge(&one.domain).map(drop) } else { Ok(()) };
        let told = outbox.purge(&one.domain);
        // What was counted since is another matter while only the reports are left to be forgotten.
        let is_counted = one.is_whole || matches!(told, Ok(Some(_)));
        let counted = if is_counted { counts.purge(&one.domain).map(drop) } else { Ok(()) };
        let done = match (known.and(counted), told) {
            (Err(why), _) | (Ok(()), Err(why)) => Err(why),
            (Ok(()), Ok(Some(_))) => cache.paid(&one).map(|()| true),
            // What is learnt from now on is not to be forgotten when the reports are.
            (Ok(()), Ok(None)) if one.is_whole => cache.owes_reports_alone(&one).map(|()| false),
            (Ok(()), Ok(None)) => Ok(false),
        };
        match done {
            Ok(true) => ended.push(one),
            Ok(false) => {}
            Err(why) => trouble = Some(why),
        }
    }
    Ok((ended, trouble))
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
