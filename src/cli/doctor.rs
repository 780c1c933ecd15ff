//! `doctor`: not there yet.

use super::exit::ExitStatus;
use super::output;
use clap::Args;

/// What is asked of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArguments {}

/// Runs the command.
pub(super) fn run(_arguments: &DoctorArguments) -> ExitStatus {
    output::complain("doctor", "is not there yet", ExitStatus::Internal)
}
