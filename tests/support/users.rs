//! Other users of this machine, who may start less and read less than whoever runs the tests.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Copies a program to where every user may start it. By another process: a copy that this one has open for writing
/// could not be started while any of its other threads starts something.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
    fs::set_permissions(to, Permissions::from_mode(0o755)).unwrap();
}

/// Whether the tests may become others.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
