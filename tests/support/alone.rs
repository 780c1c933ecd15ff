//! Tests that need a process of their own, for what they take of it.

use std::process::Command;

/// Is in the environment of a process that runs one test.
const ALONE: &str = "RUNS_ONE_TEST";

/// Whether this process runs that test of `module` and nothing else. If not, the test program is started again to do so,
/// with as many descriptors as it may have, and the test has to pass there.
#[allow(clippy::disallowed_methods, reason = "a process has to know what it was started for")]
pub(crate) fn is_alone(module: &str, test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let (_, module) = module.split_once("::").unwrap();
    let output = Command::new("sh")
        .args(["-c", "ulimit -n \"$(ulimit -H -n)\"; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{test}"), "--include-ignored", "--nocapture"])
        .env(ALONE, "yes")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}
