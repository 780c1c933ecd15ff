//! Arguments, a command, an exit status.

use smtp_sts_verify::cli::{self, CLibrary};
use std::process::ExitCode;

fn main() -> ExitCode {
    // What the program is linked with is known where it is linked.
    let c_library =
        if cfg!(target_feature = "crt-static") { CLibrary::BuiltIn } else { CLibrary::OfTheSystem };
    cli::run(std::env::args_os().collect(), c_library).into()
}
