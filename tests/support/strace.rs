//! Faults of the system, put between a program and the kernel by `strace`.

use super::skipped::skipped;
use std::process::{Command, Stdio};

/// The calls by which a thread waits for its sockets; one of the two is on each processor.
pub(crate) const WAITS_FOR_SOCKETS: &str = "?epoll_wait,?epoll_pwait";

/// Whether it is installed; if not, `what` is not tried, and that is told.
pub(crate) fn is_here(what: &str) -> bool {
    let is_here = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok();
    if !is_here {
        skipped(what, "strace is not installed");
    }
    is_here
}

/// `strace` that does this to these calls of what it is told to start, or to attach to; `None` where it is not installed, and
/// `what` is not tried.
pub(crate) fn strace(what: &str, calls: &str, fault: &str) -> Option<Command> {
    if !is_here(what) {
        return None;
    }
    let mut strace = Command::new("strace");
    strace.args(["-o", "/dev/null", "-e", &format!("trace={calls}")]);
    strace.args(["-e", &format!("inject={calls}:{fault}")]).stdin(Stdio::null());
    Some(strace)
}
