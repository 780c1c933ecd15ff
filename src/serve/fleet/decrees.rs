//! The operator's decrees, in the daemon's part in a fleet: each is obeyed once at most, and told.

use super::exchange::{End, Session, asked};
use super::pace::Recent;
use crate::cache::{CacheError, Counts, Outbox};
use crate::fleet::decree::{Decree, Order, Refused, kept};
use crate::overrides::Decreed;
use crate::serve::event::WorkerEvent;
use crate::serve::telemetry::fleet::FleetOutcome;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use std::collections::HashSet;
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
                cache.obeyed(&store, number, &text)?;
                let Some(domain) = of_purge else { return Ok(Some(Ok(()))) };
                // What was counted for reports goes with it, as by `cache purge`.
                let now = SystemClock.now();
                let purged = cache.purge(&domain).map(drop);
                let counts = Counts::beside(&path, most, now).purge(&domain).map(drop);
                let outbox = Outbox::beside(&path, most, now);
                let reports =
                    outbox.purge(&domain).and_then(|done| done.map(drop).ok_or_else(|| outbox.is_taken()));
                Ok(Some(purged.and(counts).and(reports)))
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
        let Some(fleet) = self.world.fleet.clone() else { return Ok(()) };
        let read = asked(self.feed, self.world, move |cache| {
            Ok(crate::fleet::read_decreed(&fleet, cache, SystemClock.now()))
        });
        let why = match read.await? {
            Some(Ok(decreed)) => {
                self.owes_overrides = false;
                self.put_into_force(decreed);
                return Ok(());
            }
            Some(Err(why)) => why,
            None => "the store does not answer".to_owned(),
        };
        if !std::mem::replace(&mut self.owes_overrides, true) {
            warn!(
                why,
                "overrides that the fleet's operator has decreed cannot be read: those that count go on counting"
            );
        }
        Ok(())
    }

    fn put_into_force(&self, decreed: Decreed) {
        if decreed != self.world.rules.decreed
            && let Some(events) = self.feed.events.upgrade()
        {
            let _ = events.send(WorkerEvent::Decreed(decreed));
        }
    }

    /// A decree has been looked at.
    fn passed(&mut self, number: u64, stays: bool) {
        if !stays {
            self.last_decree = number.max(self.last_decree);
        }
    }
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
            "a decree of the fleet's operator was obeyed in part: purge the domain here by hand"
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
