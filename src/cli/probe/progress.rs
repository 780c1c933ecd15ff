//! A bar on the terminal while a person waits for a batch.

use crate::cli::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, if that is a terminal that nothing else is written to.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Nothing is done yet of so much, where that is known. Results on standard output go before a bar on the same
    /// terminal.
    pub(super) fn of(all: Option<u64>, results_to_stdout: bool) -> Self {
        let target = match terminal::has_room_for_a_bar(results_to_stdout) {
            true => ProgressDrawTarget::stderr_with_hz(4),
            false => ProgressDrawTarget::hidden(),
        };
        let words = match all {
            Some(_) => "[{bar:30}] {pos} of {len} domains, {eta} left",
            None => "{pos} domains, {elapsed}",
        };
        // A bar in another style than ours is a bar as well.
        let style = ProgressStyle::with_template(words).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(all, target).with_style(style.progress_chars("##."));
        Self(bar)
    }

    /// One more is done.
    pub(super) fn advance(&self) {
        self.0.inc(1);
    }

    /// Takes the bar away, so that a line can be written in its place.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_styles_are_ones_that_the_library_understands() {
        for all in [Some(3), None] {
            let progress = Progress::of(all, false);
            progress.advance();
            assert_eq!(progress.0.position(), 1);
            progress.clear();
        }
        for words in ["[{bar:30}] {pos} of {len} domains, {eta} left", "{pos} domains, {elapsed}"] {
            assert!(ProgressStyle::with_template(words).is_ok(), "{words}");
        }
    }
}
