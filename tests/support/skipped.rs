//! What a test cannot try here, told where it is heard.

use std::io::Write as _;

/// Tells what was not tried and why, past the capture of the test program: `tests/run` counts these lines.
pub(crate) fn skipped(what: &str, why: &str) {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr(), "{what}: skipped: {why}");
}
