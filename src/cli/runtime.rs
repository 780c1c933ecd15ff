//! The run-time system of every command that waits for a network.

use crate::resources;
use crate::serve::lifecycle::descriptors;
use std::io;
use std::num::NonZero;
use std::os::unix::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

/// One thread that waits for everything at once; as a daemon does, it asks for more descriptors if there may be more.
///
/// # Errors
/// If the system has no descriptors left, in words that say what helps.
pub(super) fn build() -> io::Result<Runtime> {
    are_descriptors_there()
        .and_then(|()| Builder::new_current_thread().enable_all().build())
        .map_err(in_words)
}

/// A thread for each core, but no more than so many, for very many look-ups; there is one more for whoever reads what is asked.
///
/// # Errors
/// If the system has no descriptors or threads left, in words that say what helps.
pub(super) fn on_all_cores(most: usize) -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.min(most);
    are_descriptors_there()
        .and_then(|()| resources::are_there(workers + 1))
        .and_then(|()| Builder::new_multi_thread().worker_threads(workers).enable_all().build())
        .map_err(in_words)
}

/// Whether there are those that the run-time system has for itself: what waits for signals panics where it finds none.
fn are_descriptors_there() -> io::Result<()> {
    let _enough_or_not = descriptors();
    let _these = (UnixStream::pair()?, UnixStream::pair()?, UnixStream::pair()?);
    Ok(())
}

fn in_words(error: io::Error) -> io::Error {
    io::Error::other(resources::of_a_start(&error))
}
