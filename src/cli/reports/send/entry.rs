//! In which way destinations get a report, and whether one still waits for a web server.

use super::progress::open;
use crate::reporting::outbox::{Entry, Leg, State};

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
pub(super) fn tries_by_web(entry: &Entry) -> Option<u64> {
    let is_claimed = entry.state == State::Claimed;
    open(entry).filter(|leg| is_claimed && way_of(leg) == Way::Web).map(|leg| leg.tries).max()
}
