//! What a run prints while it sends: a line for each report that left, waits or was given up, and a summary.

use crate::cli::exit::ExitStatus;
use crate::reporting::outbox::{OutboxEntry, State};
use crate::text::Printable;
use std::io::{self, Write as _};

/// What the lines so far add up to.
#[derive(Debug, Default)]
pub(super) struct RunSummary {
    sent: u64,
    waiting: u64,
    given_up: u64,
    unwanted: u64,
    has_more: bool,
}

impl RunSummary {
    /// Tells how far a report is now.
    pub(super) fn tell(&mut self, entry: &OutboxEntry) {
        let (number, what) = match entry.state {
            State::Sent => (&mut self.sent, "sent"),
            State::GaveUp => (&mut self.given_up, "gave up"),
            State::Unwanted => (&mut self.unwanted, ""),
            State::Due | State::Claimed | State::Handed => (&mut self.waiting, "waits"),
        };
        *number = number.saturating_add(1);
        if !what.is_empty() {
            say(&format!("{what}: {} {}: {}", entry.day, entry.domain, entry.words));
        }
    }

    /// Tells what would be done about a report.
    pub(super) fn rehearse(&mut self, entry: &OutboxEntry, would: bool) {
        let number = if would { &mut self.sent } else { &mut self.unwanted };
        *number = number.saturating_add(1);
        let what = if would { "would be sent" } else { "would not be sent" };
        say(&format!("{what}: {} {}: from {}: {}", entry.day, entry.domain, entry.next, entry.words));
    }

    /// There was no time for all of them.
    pub(super) const fn leave_some(&mut self) {
        self.has_more = true;
    }

    /// Sums up what would be done.
    pub(super) fn rehearsed(&self) -> ExitStatus {
        say(&format!("{} would be sent, {} would not; nothing was changed", self.sent, self.unwanted));
        ExitStatus::Deliver
    }

    /// Sums up, and says how the process ends.
    pub(super) fn end(&self) -> ExitStatus {
        let Self { sent, waiting, given_up, unwanted, has_more } = self;
        let more = if *has_more { "; more are due, and left to the next run" } else { "" };
        say(&format!("{sent} sent, {waiting} wait, {given_up} given up, {unwanted} not asked for{more}"));
        match (given_up, waiting) {
            (0, 0) if !has_more => ExitStatus::Deliver,
            (0, _) => ExitStatus::Defer,
            _ => ExitStatus::Refuse,
        }
    }
}

/// A line. If nobody takes it, reports leave all the same.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", Printable(line));
}
