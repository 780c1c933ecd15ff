//! Which destinations a report is to have, by what its domain wishes now.

use super::progress::open;
use crate::cache::Outbox;
use crate::cli::failure::Failure;
use crate::cli::reports::outside::Wish;
use crate::reporting::destination::Destination;
use crate::reporting::outbox::{Leg, OutboxEntry, State, short};
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};

/// Fits the destinations of a report to what its domain wishes now; the error says why it has none.
pub(super) fn destinations(
    takes_https: bool,
    outbox: &Outbox,
    entry: &mut OutboxEntry,
    wish: Wish,
) -> Result<Result<(), String>, Failure> {
    let (mut reasons, mut wanted) = (Vec::new(), Vec::new());
    match wish {
        Wish::Unknown(why) | Wish::Postponed(why) | Wish::Nothing(why) => reasons.push(why),
        Wish::Record(_, all) => {
            for one in all {
                match one {
                    Err(unusable) => reasons.push(unusable.to_string()),
                    Ok(Destination::Web(url)) if !takes_https => {
                        reasons.push(format!("{url} is not used: the configuration says https = false"));
                    }
                    Ok(usable) => wanted.push(usable.key()),
                }
            }
        }
    }
    for leg in entry.destinations.iter_mut().filter(|leg| leg.state.is_open() && !wanted.contains(&leg.key)) {
        (leg.state, leg.words) = (State::Unwanted, "it is not asked for any more".to_owned());
    }
    let now = SystemClock.now();
    for key in wanted {
        let known = entry.destinations.iter().position(|leg| leg.key == key);
        if known.and_then(|place| entry.destinations.get(place)).is_some_and(|leg| !leg.state.is_open()) {
            continue;
        }
        let suppression = outbox.why_left_alone(&key, &entry.domain, now)?;
        if known.is_none() {
            let (key, next) = (key.clone(), entry.next);
            let leg = Leg { key, state: State::Due, tries: 0, next, words: String::new() };
            entry.destinations.push(leg);
        }
        let leg = entry.destinations.iter_mut().find(|leg| leg.key == key);
        if let Some((leg, one)) = leg.zip(suppression) {
            let words = format!("left alone until {}: {}", UnixTime(one.failing.until), one.reason);
            reasons.push(format!("{key} is {words}"));
            (leg.state, leg.words) = (State::Unwanted, short(&words));
        }
    }
    if open(entry).next().is_some() {
        return Ok(Ok(()));
    }
    if reasons.is_empty() {
        reasons.push("its record names no destination".to_owned());
    }
    Ok(Err(reasons.join("; ")))
}
