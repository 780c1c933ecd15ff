//! A file of this machine that somebody has named. What is no file is not waited for: nobody may ever write to a pipe, and whoever opens one
//! waits until somebody does.

use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Opens it to be read, at once. Whoever reads sets the bound: a device has no end.
///
/// # Errors
/// The system's; that it is a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Without this flag the system waits for a writer (fifo(7)); of a file it says nothing (open(2)).
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is a pipe, which is not waited for: it has to be a file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
