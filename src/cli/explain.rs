//! `explain`: not there yet.

use super::exit::ExitStatus;
use super::output;
use clap::Args;

/// What is asked of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArguments {}

/// Runs the command.
pub(super) fn run(_arguments: &ExplainArguments) -> ExitStatus {
    output::complain("explain", "is not there yet", ExitStatus::Internal)
}
