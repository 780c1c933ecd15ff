//! `generate`: not there yet.

use super::exit::ExitStatus;
use super::output;
use clap::Args;

/// What is asked of `generate`.
#[derive(Args, Debug)]
pub struct GenerateArguments {}

/// Runs the command.
pub(super) fn run(_arguments: &GenerateArguments) -> ExitStatus {
    output::complain("generate", "is not there yet", ExitStatus::Internal)
}
