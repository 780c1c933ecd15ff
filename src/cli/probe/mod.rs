//! `probe`: not there yet.

use crate::cli::exit::ExitStatus;
use crate::cli::output;
use clap::Args;

/// What is asked of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArguments {}

/// Runs the command.
pub(super) fn run(_arguments: &ProbeArguments) -> ExitStatus {
    output::complain("probe", "is not there yet", ExitStatus::Internal)
}
