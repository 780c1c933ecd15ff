//! Whether somebody sits at a terminal, and wants colours there.
//!
//! The environment says how a page looks, never what it says: this file reads it for colours, and the library that draws bars on
//! a terminal (indicatif) reads it for those. Nothing else does, and a verdict depends on none of it.

use crate::render::page::Paint;
use clap::ValueEnum;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

/// `--color`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that has not been told otherwise
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// What the command line says about colours.
static CHOICE: OnceLock<Color> = OnceLock::new();

/// Takes note of what the command line says about colours.
pub(super) fn choose(color: Color) {
    // One command line is all there is.
    let _ = CHOICE.set(color);
}

/// How a page for standard output is painted: in colour only on a terminal, and not for those who set `NO_COLOR`
/// (no-color.org) or whose terminal is dumb; or as `--color` says.
#[must_use]
pub(super) fn paint() -> Paint {
    match CHOICE.get().copied().unwrap_or_default() {
        Color::Always => return Paint::Colour,
        Color::Never => return Paint::Plain,
        Color::Auto => {}
    }
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    if std::io::stdout().is_terminal() && variable("NO_COLOR").is_none() && !dumb {
        Paint::Colour
    } else {
        Paint::Plain
    }
}

/// Whether standard error is a terminal where a bar stays what it is: the results of a batch would tear it if they went to
/// the same place. (The library that draws the bar reads `TERM` and `NO_COLOR` by itself, which is why it is asked here.)
#[must_use]
pub(super) fn has_room_for_a_bar(results_to_stdout: bool) -> bool {
    std::io::stderr().is_terminal() && !(results_to_stdout && std::io::stdout().is_terminal())
}

/// A variable of the environment that is set and not empty. It may change how a page looks, never what it says.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment, for colours alone")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
