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
    /// Nobody can tell now what the fleet counted, and why.
    Unknown(&'static str),
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
    end(&mut entry, state, words);
    outbox.conclude(std::slice::from_ref(&entry))?;
    Ok(entry)
}

/// One that took the report is enough, but each is tried once at least: so one that waits goes on waiting for those that were not, or of which
/// nobody knows what became.
fn end(entry: &mut OutboxEntry, state: State, words: &str) {
    let is_sent = entry.destinations.iter().any(|leg| leg.state == State::Sent);
    let was_tried = |leg: &Leg| leg.state == State::Due && leg.tries > 0;
    let is_enough = !state.is_open() || open(entry).all(was_tried);
    (entry.state, entry.words) = (if is_sent && is_enough { State::Sent } else { state }, short(words));
    if !entry.state.is_open() {
        for leg in entry.destinations.iter_mut().filter(|leg| leg.state.is_open()) {
            leg.state = State::GaveUp;
        }
    }
}

/// Leaves a report to another run as it is, for nobody was asked about it: that one comes to it before those that kept us waiting, which
/// pause.
pub(super) fn put_off(outbox: &Outbox, mut entry: OutboxEntry, words: &str) -> Result<OutboxEntry, Failure> {
    entry.words = short(words);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::CachePath;

    /// A report that a run was killed at: one destination has it, and another had these.
    fn half_sent(state: State, tries: u64) -> OutboxEntry {
        let leg = |key: &str, state, tries| Leg {
            key: key.to_owned(),
            state,
            tries,
            next: UnixTime(0),
            words: String::new(),
        };
        let domain = PolicyDomain::parse("a.example").unwrap();
        let mut entry = new(Day::of(UnixTime(1_700_000_000)), domain, UnixTime(5));
        entry.state = State::Claimed;
        entry.destinations =
            vec![leg("mailto:r@a.example", State::Sent, 1), leg("https://a.example/", state, tries)];
        entry
    }

    #[test]
    fn a_destination_that_was_not_tried_keeps_its_turn_while_its_report_waits() {
        for (leg, tries, state, expected) in [
            (State::Due, 0, State::Due, (State::Due, State::Due)),
            // Nobody knows what became of it.
            (State::Handed, 1, State::Due, (State::Due, State::Handed)),
            (State::Due, 1, State::Due, (State::Sent, State::GaveUp)),
            (State::Due, 0, State::GaveUp, (State::Sent, State::GaveUp)),
            (State::Due, 0, State::Unwanted, (State::Sent, State::GaveUp)),
        ] {
            let mut entry = half_sent(leg, tries);
            end(&mut entry, state, "no answer");
            assert_eq!((entry.state, entry.destinations[1].state), expected, "{leg:?} {tries} {state:?}");
            assert_eq!((entry.destinations[0].state, entry.words.as_str()), (State::Sent, "no answer"));
        }
    }
    #[test]
    fn what_nobody_was_asked_about_stays_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = CachePath::parse(&directory.path().join("cache.db")).unwrap();
        let before = half_sent(State::Due, 0);
        let outbox = Outbox::beside(&path, 1_000, UnixTime(1_700_100_000));
        outbox.plan(before.day, before.day, &[(before.domain.clone(), before.next)]).unwrap();
        let package = vec![0x1f, 0x8b];
        let made = Made {
            id: "1".to_owned(),
            contact: "tls@sender.test".to_owned(),
            at: UnixTime(1_700_090_000),
            package: package.clone(),
        };
        outbox.claim(&before, &made).unwrap();
        outbox.conclude(std::slice::from_ref(&before)).unwrap();
        let told = put_off(&outbox, before.clone(), "another kept us waiting").unwrap();
        let mut kept = outbox.entry(before.day, &before.domain).unwrap().unwrap();
        kept.destinations.sort_by_key(way_of);
        assert_eq!(kept, told);
        assert_eq!(kept, OutboxEntry { words: "another kept us waiting".to_owned(), ..before.clone() });
        assert_eq!(outbox.package(before.day, &before.domain).unwrap().unwrap().package, package);
    }
}
