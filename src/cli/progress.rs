//! A bar on the terminal while a person waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Pictures a second.
const PICTURES: u8 = 10;

/// A bar on standard error, or none.
#[derive(Clone)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar of so many things, where their number is known; hidden unless it `is_shown`.
    pub(super) fn of(all: Option<u64>, things: &str, is_shown: bool) -> Self {
        let target = if is_shown {
            ProgressDrawTarget::stderr_with_hz(PICTURES)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self::drawn_to(target, all, things)
    }

    fn drawn_to(target: ProgressDrawTarget, all: Option<u64>, things: &str) -> Self {
        // A test holds that this is a template; a bar in another style would still be a bar.
        let style = ProgressStyle::with_template(&template(all.is_some(), things));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::with_draw_target(all, target).with_style(style.progress_chars("#.")))
    }

    /// So many more are done.
    pub(super) fn advance(&self, more: u64) {
        self.0.inc(more);
    }

    /// Writes something where the bar is, which moves below it.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes the bar away, so that a line can be written in its place.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Thirty characters of bar, and what it counts; without an end there is only the time that has gone.
fn template(has_end: bool, things: &str) -> String {
    if has_end {
        format!("[{{bar:30}}] {{pos}} of {{len}} {things}, {{eta}} left")
    } else {
        format!("{{pos}} {things}, {{elapsed}}")
    }
}

#[cfg(test)]
mod tests;
