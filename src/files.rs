//! A file of this machine that somebody has named. What is no file is not waited for: nobody may ever write to a pipe, and whoever opens one
//! waits until somebody does.

use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
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

/// What is in it, of at most so many octets; `None` if it has more.
///
/// # Errors
/// As of [`open`], and the system's of reading.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut octets = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut octets)?;
    let is_whole = u64::try_from(octets.len()).is_ok_and(|length| length <= most);
    Ok(is_whole.then_some(octets))
}

#[cfg(test)]
mod tests;
