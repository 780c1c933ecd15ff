//! A bar on the terminal while a person waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _};

/// Thirty characters of bar, and what it counts.
const TEMPLATE: &str = "[{bar:30}] {pos} of {len} policies";

/// Pictures a second.
const PICTURES: u8 = 10;

/// A bar on standard error, if that is a terminal.
#[derive(Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Nothing is done yet of so much.
    pub(super) fn of(all: u64, quiet: bool) -> Self {
        let target = if !quiet && io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(PICTURES)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self::drawn_to(target, all)
    }

    fn drawn_to(target: ProgressDrawTarget, all: u64) -> Self {
        // A test holds that the template is one; a bar in another style would still be a bar.
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::with_draw_target(Some(all), target).with_style(style.progress_chars("#.")))
    }

    /// So much more is done.
    pub(super) fn advance(&self, more: u64) {
        self.0.inc(more);
    }

    /// Writes something where the bar is, which moves below it.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes the bar away for good.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests;
