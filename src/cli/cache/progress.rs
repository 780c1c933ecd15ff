//! A bar on the terminal while a person waits. Too little for a library, and one would read the environment.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Characters of the bar.
const WIDTH: u64 = 30;

/// From one picture to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// A bar on standard error, if that is a terminal.
pub(super) struct Progress {
    all: u64,
    done: u64,
    drawn: Option<Instant>,
    is_wanted: bool,
}

impl Progress {
    /// Nothing is done yet of so much.
    pub(super) fn of(all: u64, quiet: bool) -> Self {
        Self { all, done: 0, drawn: None, is_wanted: !quiet && io::stderr().is_terminal() }
    }

    /// So much more is done.
    pub(super) fn advance(&mut self, more: u64) {
        self.done = self.done.saturating_add(more);
        if self.is_wanted && self.drawn.is_none_or(|at| at.elapsed() >= PAUSE) {
            self.drawn = Some(Instant::now());
            // A bar that cannot be drawn is not missed.
            let _drawn = write!(io::stderr(), "\r{}", bar(self.done, self.all));
        }
    }

    /// Takes the bar away, so that a line can be written in its place.
    pub(super) fn clear(&mut self) {
        if self.drawn.take().is_some() {
            let _gone = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}

fn bar(done: u64, all: u64) -> String {
    let (done, all) = (done.min(all), all.max(1));
    let filled = usize::try_from(done.saturating_mul(WIDTH) / all).unwrap_or(0);
    let empty = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(filled);
    format!("[{}{}] {done} of {all} policies", "#".repeat(filled), ".".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_and_never_overflows() {
        assert_eq!(bar(0, 4), "[..............................] 0 of 4 policies");
        assert_eq!(bar(2, 4), "[###############...............] 2 of 4 policies");
        for (done, all) in [(4, 4), (9, 4)] {
            assert_eq!(bar(done, all), "[##############################] 4 of 4 policies");
        }
        assert!(bar(0, 0).contains("0 of 1"));
    }
}
