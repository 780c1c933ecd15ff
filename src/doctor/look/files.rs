//! A file of this machine that somebody has named: a pipe is not waited for, and nothing is read without end.

use crate::doctor::observations::Seen;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// What is in a regular file, of at most so many octets.
///
/// # Errors
/// The system's words; that it is no regular file; or that it is longer.
pub(super) fn octets(file: &Path, most: u64) -> Seen<Vec<u8>> {
    read(file, most, nix::fcntl::OFlag::O_NONBLOCK)
}

/// The same of a file that somebody else has made: where a link leads is not read.
///
/// # Errors
/// As of [`octets`].
pub(super) fn octets_of_no_link(file: &Path, most: u64) -> Seen<Vec<u8>> {
    read(file, most, nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOFOLLOW)
}

fn read(file: &Path, most: u64, flags: nix::fcntl::OFlag) -> Seen<Vec<u8>> {
    let shown = file.display();
    let mut octets = Vec::new();
    let mut read = || {
        let file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(file)?;
        let is_regular = file.metadata()?.is_file();
        if is_regular {
            file.take(most.saturating_add(1)).read_to_end(&mut octets)?;
        }
        Ok(is_regular)
    };
    let is_regular = read().map_err(|error: std::io::Error| format!("{shown}: {error}"))?;
    match u64::try_from(octets.len()) {
        _ if !is_regular => Err(format!("{shown} is no regular file")),
        Ok(length) if length <= most => Ok(octets),
        _ => Err(format!("{shown} has more than {most} octets")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_a_pipe_or_a_device_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "12345678").unwrap();
        assert_eq!(octets(&file, 8), Ok(b"12345678".to_vec()));
        assert!(octets(&file, 7).unwrap_err().ends_with("has more than 7 octets"));
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for odd in [&pipe, Path::new("/dev/zero"), directory.path()] {
            assert!(octets(odd, 8).unwrap_err().ends_with("is no regular file"), "{}", odd.display());
        }
        assert!(octets(&directory.path().join("nothing"), 8).is_err());
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(octets(&link, 8).is_ok() && octets_of_no_link(&link, 8).is_err());
    }
}
