//! How far a report is after a step: it waits, it is over, or it goes on.

use crate::cache::{Lesson, Outbox};
use crate::cli::failure::Failure;
use crate::name::PolicyDomain;
use crate::reporting::outbox::{Leg, Made, OutboxEntry, State, Suppression, short};
use crate::reporting::schedule::{Failing, next_try};
use crate::reports::tally::Day;
use crate::time::UnixTime;

/// A report, or why there is none.
pub(super) enum Report {
    Made(Made),
    None(String),
    TooLarge(usize),
    /// Nobody can tell now what the fleet counted.
    Unknown,
}

/// A report that nobody has tried to send.
pub(super) fn new(day: Day, domain: PolicyDomain, next: UnixTime) -> OutboxEntry {
    let (state, words, destinations) = (State::Due, String::new(), Vec::new());
    OutboxEntry { day, domain, state, next, first: UnixTime(0), tries: 0, words, destinations }
}

/// The destinations that it is still to be handed to.
pub(super) fn open(entry: &OutboxEntry) -> impl Iterator<Item = &Leg> {
    entry.destinations.iter().filter(|leg| leg.state.is_open())
}

/// In which order destinations get a report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Mail,
    Web,
}

/// The way to a destination.
pub(super) fn way_of(leg: &Leg) -> Way {
    if leg.key.starts_with("https:") { Way::Web } else { Way::Mail }
}

/// How often the web servers were tried that a report still waits for; `None` if it waits for none.
pub(super) fn tries_by_web(entry: &OutboxEntry) -> Option<u64> {
    let is_claimed = entry.state == State::Claimed;
    open(entry).filter(|leg| is_claimed && way_of(leg) == Way::Web).map(|leg| leg.tries).max()
}

/// When it is tried again; if it is not, it is given up.
pub(super) fn later(entry: &mut OutboxEntry, now: UnixTime) -> State {
    match next_try(entry.tries, entry.first, now) {
        Some(next) => {
            entry.next = next;
            State::Due
        }
        None => State::GaveUp,
    }
}

/// Ends one report, or has it wait, before anything was handed over.
pub(super) fn over(
    outbox: &Outbox,
    mut entry: OutboxEntry,
    state: State,
    words: &str,
) -> Result<OutboxEntry, Failure> {
    let is_sent = entry.destinations.iter().any(|leg| leg.state == State::Sent);
    let state = if is_sent { State::Sent } else { state };
    (entry.state, entry.words) = (state, short(words));
    if !state.is_open() {
        for leg in entry.destinations.iter_mut().filter(|leg| leg.state.is_open()) {
            leg.state = State::GaveUp;
        }
    }
    outbox.conclude(std::slice::from_ref(&entry))?;
    Ok(entry)
}

/// How far a report is, by what became of it at its destinations: one that took it is enough (RFC 8460 section 3), each is tried once at
/// least.
pub(super) fn conclude(entry: &mut OutboxEntry, now: UnixTime, has_more: bool) {
    let words: Vec<String> = entry
        .destinations
        .iter()
        .filter(|leg| !leg.words.is_empty())
        .map(|leg| format!("{}: {}", leg.key, leg.words))
        .collect();
    entry.words = short(&words.join("; "));
    if has_more {
        entry.state = State::Claimed;
        return;
    }
    let is_sent = entry.destinations.iter().any(|leg| leg.state == State::Sent);
    entry.state = if is_sent {
        State::Sent
    } else if open(entry).next().is_some() {
        later(entry, now)
    } else {
        State::GaveUp
    };
    let (state, next) = (entry.state, entry.next);
    for leg in entry.destinations.iter_mut().filter(|leg| leg.state.is_open()) {
        leg.next = next;
        if state != State::Due {
            leg.state = State::GaveUp;
        }
    }
}

/// What one more failure means for a destination.
pub(super) fn failing(
    outbox: &Outbox,
    key: &str,
    is_for_good: bool,
    why: &str,
    now: UnixTime,
) -> Result<Lesson, Failure> {
    let before = outbox.suppression(key)?.map_or_else(Failing::default, |known| known.failing);
    let failing = before.again(is_for_good, now);
    Ok(Lesson::Failed(Suppression { key: key.to_owned(), failing, reason: short(why), is_by_hand: false }))
}
