//! Faults of the system, put between a program and the kernel by `strace`.

use super::skipped::skipped;
use std::process::{Command, Stdio};

/// The calls by which a thread waits for its sockets; one of the two is on each processor.
pub(crate) const WAITS_FOR_SOCKETS: &str = "?epoll_wait,?epoll_pwait";

/// `strace` that does this to these calls of what it is told to start, or to attach to; `None` where it is not installed, and
/// `what` is not tried.
pub(crate) fn strace(what: &str, calls: &str, fault: &str) -> Option<Command> {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        skipped(what, "strace is not installed");
        return None;
    }
    let mut strace = Command::new("strace");
    strace.args(["-o", "/dev/null", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:{fault}")]).stdin(Stdio::null());
    Some(strace)
}
