//! `why`: what a word means that this program says.

use super::exit::ExitStatus;
use super::{output, terminal};
use crate::reason::Reason;
use crate::render::page::{Page, Tone};
use clap::Args;

/// A word of this program.
#[derive(Args, Debug)]
pub struct WhyArguments {
    /// A reason, as `reason=` says it
    pub word: String,
}

/// Runs the command.
pub(super) fn run(arguments: &WhyArguments) -> ExitStatus {
    let Some(reason) = Reason::ALL.into_iter().find(|reason| reason.word() == arguments.word) else {
        let why = format!("'{}' is no word of this program", arguments.word);
        return output::complain("why", &why, ExitStatus::Usage);
    };
    let explanation = reason.explain();
    let mut page = Page::new(terminal::paint());
    page.heading(explanation.word);
    page.item("meaning", Tone::Plain, explanation.meaning);
    page.item("rule", Tone::Plain, explanation.rule);
    if !explanation.hint.is_empty() {
        page.item("hint", Tone::Plain, explanation.hint);
    }
    output::write(&page.finish(), ExitStatus::Deliver)
}
