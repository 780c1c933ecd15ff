//! A file of this machine that somebody has named, and why it was not read, in words that name it.

use crate::doctor::observations::Seen;
use crate::files::{Links, read_ordinary};
use std::path::Path;

/// What is in an ordinary file, of at most so many octets.
///
/// # Errors
/// The system's words; that it is no ordinary file; or that it is longer.
pub(super) fn octets(file: &Path, most: u64) -> Seen<Vec<u8>> {
    read(file, most, Links::Followed)
}

/// The same of a file that somebody else has made: where a link leads is not read.
///
/// # Errors
/// As of [`octets`].
pub(super) fn octets_of_no_link(file: &Path, most: u64) -> Seen<Vec<u8>> {
    read(file, most, Links::Refused)
}

fn read(file: &Path, most: u64, links: Links) -> Seen<Vec<u8>> {
    let shown = file.display();
    let octets = read_ordinary(file, most, links).map_err(|error| format!("{shown}: {error}"))?;
    octets.ok_or_else(|| format!("{shown} has more than {most} octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_file_was_not_read_is_said_with_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&file, "12345678").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(octets(&link, 8), Ok(b"12345678".to_vec()));
        assert_eq!(octets(&file, 7), Err(format!("{} has more than 7 octets", file.display())));
        let place = directory.path();
        assert_eq!(octets(place, 8), Err(format!("{}: it is no ordinary file", place.display())));
        assert!(octets_of_no_link(&link, 8).unwrap_err().starts_with(&link.display().to_string()));
    }
}
