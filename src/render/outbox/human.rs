//! The same for people.

use crate::reporting::outbox::{OutboxEntry, Suppression};
use crate::text::Printable;
use crate::time::{UnixTime, span};
use std::fmt::Write as _;

/// One report, and the part of a fleet's report that it is: a line for it, and one for each destination.
#[must_use]
pub fn entry(entry: &OutboxEntry, part: Option<u8>, now: UnixTime) -> String {
    let mut text = format!("{} {:<8} {}", entry.day, entry.state.word(), entry.domain);
    match part {
        None => {}
        Some(0) => text.push_str(", the fleet's"),
        Some(part) => text.push_str(&format!(", the fleet's supplement {part}")),
    }
    if entry.state.is_open() {
        text.push_str(&when(entry.next, now));
    }
    text.push('\n');
    // Writing into a text cannot fail, here and below.
    for leg in &entry.destinations {
        let words = if leg.words.is_empty() { "not tried yet" } else { &leg.words };
        let _ = writeln!(
            text,
            "    {:<8} {}: {}{}",
            leg.state.word(),
            leg.key,
            Printable(words),
            tries(leg.tries)
        );
    }
    if entry.destinations.is_empty() && !entry.words.is_empty() {
        let _ = writeln!(text, "    {}{}", Printable(&entry.words), tries(entry.tries));
    }
    text
}

fn tries(tries: u64) -> String {
    if tries > 1 { format!(" ({tries} tries)") } else { String::new() }
}

fn when(next: UnixTime, now: UnixTime) -> String {
    match next.since(now) {
        0 => ", due now".to_owned(),
        seconds => format!(", in {}", span(seconds)),
    }
}

/// What follows them: that there are none, and what is remembered of destinations.
#[must_use]
pub fn rest(number: usize, suppressions: &[Suppression], now: UnixTime) -> String {
    let mut text = String::new();
    if number == 0 {
        text.push_str("no such report is in the outbox\n");
    }
    let (alone, failing): (Vec<_>, Vec<_>) =
        suppressions.iter().partition(|one| one.failing.is_suppressed(now));
    for (title, some) in [("\nleft alone:\n", alone), ("\nfailing, and tried:\n", failing)] {
        if some.is_empty() {
            continue;
        }
        text.push_str(title);
        for one in some {
            let until = if one.failing.is_suppressed(now) {
                format!("until {}", UnixTime(one.failing.until))
            } else if one.failing.since > 0 {
                format!("since {}", UnixTime(one.failing.since))
            } else {
                "again".to_owned()
            };
            let _ = writeln!(text, "    {} {until}: {}", Printable(&one.key), Printable(&one.reason));
        }
    }
    text
}

#[cfg(test)]
mod tests;
