//! The run-time system of every command that waits for a network.

use std::io;
use tokio::runtime::{Builder, Runtime};

/// One thread that waits for everything at once.
///
/// # Errors
/// If the system has no descriptors left.
pub(super) fn build() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
