//! A file of this machine that somebody has named. What is no file is not waited for: nobody may ever write to a pipe, and whoever opens one
//! waits until somebody does.

pub(crate) mod atomic;

use nix::errno::Errno;
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
    let file = opened(path, OFlag::empty())?;
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
    bounded(open(path)?, most)
}

/// What becomes of a symbolic link in the place of a file. Whoever may put one there chooses what is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// It leads to the file: an administrator may lay it.
    Followed,
    /// It is an error, and nothing is opened: somebody else may write to the directory.
    Refused,
}

/// Opens an ordinary file to be read, at once, and nothing else: no pipe, device or directory.
///
/// # Errors
/// The system's, which that of a link is, if it is refused; that it is no ordinary file.
pub(crate) fn open_ordinary(path: &Path, links: Links) -> io::Result<File> {
    let flags = if links == Links::Refused { OFlag::O_NOFOLLOW } else { OFlag::empty() };
    let file =
        opened(path, flags).map_err(|error| match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
            Errno::ELOOP if links == Links::Refused => {
                io::Error::other("it is a symbolic link, which is not followed")
            }
            _ => error,
        })?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    Ok(file)
}

/// What is in an ordinary file, of at most so many octets; `None` if it has more.
///
/// # Errors
/// As of [`open_ordinary`], and the system's of reading.
pub(crate) fn read_ordinary(path: &Path, most: u64, links: Links) -> io::Result<Option<Vec<u8>>> {
    bounded(open_ordinary(path, links)?, most)
}

fn opened(path: &Path, flags: OFlag) -> io::Result<File> {
    // Without this flag the system waits for a writer (fifo(7)); of a file it says nothing (open(2)).
    OpenOptions::new().read(true).custom_flags((flags | OFlag::O_NONBLOCK).bits()).open(path)
}

fn bounded(file: File, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut octets = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut octets)?;
    let is_whole = u64::try_from(octets.len()).is_ok_and(|length| length <= most);
    Ok(is_whole.then_some(octets))
}

#[cfg(test)]
mod tests;
