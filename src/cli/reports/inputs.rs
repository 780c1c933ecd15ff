//! What people have of mail, for the commands that read it: files, Maildirs and other directories, mboxes, standard input.
//!
//! One input is in memory at a time, within the bounds of a report; an mbox is read mail by mail.

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::limits::{MAX_RECEIVED_DEPTH, MAX_RECEIVED_FILES, MAX_REPORT_MAIL_OCTETS, MAX_REPORT_OCTETS};
use crate::tls_report::{Unreadable, mbox};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};

/// Octets of an mbox that are read at once, at most up to the end of a line.
const PIECE: u64 = 65_536;

/// Octets that tell an mbox from anything else.
const MBOX_HEAD: u64 = 5;

/// What is done with each input: its name, and its octets, or why they could not be read. A failure ends it all.
pub(super) type Take<'a> = &'a mut dyn FnMut(&str, Result<&[u8], Unreadable>) -> Result<(), Failure>;

/// Takes in all that lies at a place that was typed: that it is there is expected.
pub(super) fn each(place: &Path, take: Take<'_>) -> Result<(), Failure> {
    let name = place.to_string_lossy();
    let unreadable = |error: io::Error| Failure(ExitStatus::Usage, format!("{name} cannot be read: {error}"));
    if place == Path::new("-") {
        return input("standard input", &mut io::stdin().lock(), take);
    }
    if !fs::metadata(place).map_err(unreadable)?.is_dir() {
        let mut reader = BufReader::new(File::open(place).map_err(unreadable)?);
        return input(&name, &mut reader, take);
    }
    let (mut files, mut missed) = (Vec::new(), Vec::new());
    walk(place, 0, &mut files, &mut missed).map_err(unreadable)?;
    if files.len() > MAX_RECEIVED_FILES {
        files.truncate(MAX_RECEIVED_FILES);
        missed.push((name.to_string(), Unreadable::TooManyInputs));
    }
    for (name, why) in missed {
        take(&name, Err(why))?;
    }
    for file in files {
        let name = file.to_string_lossy();
        match File::open(&file) {
            Ok(opened) => input(&name, &mut BufReader::new(opened), take)?,
            Err(error) => take(&name, Err(Unreadable::System(error.to_string())))?,
        }
    }
    Ok(())
}

/// The files of a directory in the order of their names: of a Maildir those of its mails, and of its folders.
fn walk(
    directory: &Path,
    depth: usize,
    files: &mut Vec<PathBuf>,
    missed: &mut Vec<(String, Unreadable)>,
) -> io::Result<()> {
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.push(entry?.path());
    }
    names.sort();
    let is_a_maildir = ["new", "cur"].iter().all(|name| directory.join(name).is_dir());
    for path in names {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let is_hidden = name.starts_with(b".");
        // Whoever may write here could lead us round in a ring, or to where a read never ends.
        let Ok(kind) = fs::symlink_metadata(&path) else { continue };
        if kind.is_dir() {
            let is_wanted =
                if is_a_maildir { [&b"new"[..], b"cur"].contains(&name) || is_hidden } else { !is_hidden };
            if !is_wanted {
                continue;
            }
            let below = depth.saturating_add(1);
            let read = if below > MAX_RECEIVED_DEPTH {
                Err(Unreadable::TooDeep)
            } else {
                walk(&path, below, files, missed).map_err(|error| Unreadable::System(error.to_string()))
            };
            if let Err(why) = read {
                missed.push((path.to_string_lossy().into_owned(), why));
            }
        } else if !is_a_maildir && !is_hidden && fs::metadata(&path).is_ok_and(|file| file.is_file()) {
            if files.len() > MAX_RECEIVED_FILES {
                return Ok(());
            }
            files.push(path);
        }
    }
    Ok(())
}

/// Takes in one input.
fn input(name: &str, reader: &mut impl BufRead, take: Take<'_>) -> Result<(), Failure> {
    // A pipe may give less than these at once.
    let mut head = Vec::new();
    let begun = reader.take(MBOX_HEAD).read_to_end(&mut head);
    let is_an_mbox = head.starts_with(mbox::SEPARATOR);
    let mut all = Cursor::new(head).chain(reader);
    let read = match begun {
        Ok(_) if is_an_mbox => mails(name, &mut all, take)?,
        Ok(_) => match whole(&mut all) {
            Ok(octets) => Ok(take(name, Ok(&octets))?),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    read.or_else(|error| take(name, Err(Unreadable::System(error.to_string()))))
}

/// All of it, or one octet more than a report may have.
fn whole(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_REPORT_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    reader.take(most).read_to_end(&mut octets)?;
    Ok(octets)
}

/// The mails of an mbox, each of them an input of its own.
fn mails(name: &str, reader: &mut impl BufRead, take: Take<'_>) -> Result<io::Result<()>, Failure> {
    let (mut mail, mut number, mut piece) = (Vec::new(), 0_u64, Vec::new());
    let (mut begins_a_line, mut was_empty) = (true, true);
    loop {
        piece.clear();
        let is_over = match reader.take(PIECE).read_until(b'\n', &mut piece) {
            Ok(octets) => octets == 0,
            Err(error) => return Ok(Err(error)),
        };
        let begins_a_mail = begins_a_line && mbox::is_separator(&piece, was_empty);
        if is_over || begins_a_mail {
            if number > 0 {
                take(&format!("{name}, mail {number}"), Ok(&mail))?;
            }
            if is_over {
                return Ok(Ok(()));
            }
            number = number.saturating_add(1);
            mail.clear();
        } else if mail.len() <= MAX_REPORT_MAIL_OCTETS {
            // One octet too many is enough for it to be too long.
            mail.extend_from_slice(&piece);
        }
        was_empty = begins_a_line && mbox::is_empty(&piece);
        begins_a_line = piece.ends_with(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_looked_into_four_levels_down_and_what_lies_deeper_is_told() {
        let place = tempfile::tempdir().unwrap();
        let fourth = place.path().join("1/2/3/4");
        let fifth = fourth.join("5");
        fs::create_dir_all(&fifth).unwrap();
        for directory in [&fourth, &fifth] {
            fs::write(directory.join("report.json"), "{}").unwrap();
        }
        let (mut files, mut missed) = (Vec::new(), Vec::new());
        walk(place.path(), 0, &mut files, &mut missed).unwrap();
        assert_eq!(files, [fourth.join("report.json")]);
        assert_eq!(missed, [(fifth.to_string_lossy().into_owned(), Unreadable::TooDeep)]);
    }
}
