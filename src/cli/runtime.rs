//! The run-time system of every command that waits for a network.

use std::io;
use std::num::NonZero;
use tokio::runtime::{Builder, Runtime};

/// One thread that waits for everything at once.
///
/// # Errors
/// If the system has no descriptors left.
pub(super) fn build() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A thread for each core, but no more than so many, for very many look-ups.
///
/// # Errors
/// If the system has no descriptors left.
///
/// # Panics
/// If it has no threads left.
pub(super) fn on_all_cores(most: usize) -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads(cores.min(most)).enable_all().build()
}
