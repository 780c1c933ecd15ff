//! Arguments, a command, an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    smtp_sts_verify::cli::run(std::env::args_os().collect()).into()
}
