//! `reports read`: the TLS reports that others send, out of files, directories and standard input.
//!
//! One input is in memory at a time, within the bounds of a report; an mbox is read mail by mail.

use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::{output, terminal};
use crate::limits::{MAX_RECEIVED_DEPTH, MAX_RECEIVED_FILES, MAX_REPORT_MAIL_OCTETS, MAX_REPORT_OCTETS};
use crate::monitoring::received::exposition;
use crate::render::received::{human, json};
use crate::tls_report::collection::Collection;
use crate::tls_report::sums::Sums;
use crate::tls_report::{Unreadable, mbox, open};
use clap::{Args, ValueEnum};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};

/// Octets of an mbox that are read at once, at most up to the end of a line.
const PIECE: u64 = 65_536;

/// Octets that tell an mbox from anything else.
const MBOX_HEAD: u64 = 5;

/// What is to be read.
#[derive(Args, Debug)]
pub struct ReadArguments {
    /// A file, a Maildir or another directory; -: standard input
    #[arg(value_name = "FILE|DIR|-", required = true)]
    pub places: Vec<PathBuf>,
    /// The name of your mail server in Authentication-Results: what it says there of DKIM is believed, and told
    #[arg(long, value_name = "NAME")]
    pub authserv_id: Option<String>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A page for a person.
    Human,
    /// One JSON object on one line.
    Json,
    /// Series for the textfile collector of Prometheus' node exporter.
    Prometheus,
}

/// Runs the command.
pub(super) fn run(arguments: &ReadArguments) -> ExitStatus {
    let mut collection = Collection::default();
    for place in &arguments.places {
        if let Err(failure) = take(place, arguments.authserv_id.as_deref(), &mut collection) {
            return failure.tell("reports read");
        }
    }
    let sums = Sums::of(&collection);
    let text = match arguments.format {
        Format::Human => human::page(&collection, &sums, terminal::paint()),
        Format::Json => format!("{}\n", json::object(&collection, &sums)),
        Format::Prometheus => exposition(&collection, &sums),
    };
    let status = if collection.has_faults() { ExitStatus::Refuse } else { ExitStatus::Deliver };
    output::write(&text, status)
}

/// Takes in all that lies at a place that was typed: that it is there is expected.
fn take(place: &Path, server: Option<&str>, collection: &mut Collection) -> Result<(), Failure> {
    let name = place.to_string_lossy();
    let unreadable = |error: io::Error| Failure(ExitStatus::Usage, format!("{name} cannot be read: {error}"));
    if place == Path::new("-") {
        input("standard input", &mut io::stdin().lock(), server, collection);
        return Ok(());
    }
    if !fs::metadata(place).map_err(unreadable)?.is_dir() {
        let mut reader = BufReader::new(File::open(place).map_err(unreadable)?);
        input(&name, &mut reader, server, collection);
        return Ok(());
    }
    let mut files = Vec::new();
    walk(place, 0, &mut files, collection).map_err(unreadable)?;
    if files.len() > MAX_RECEIVED_FILES {
        files.truncate(MAX_RECEIVED_FILES);
        collection.miss(&name, Unreadable::TooManyInputs);
    }
    for file in files {
        let name = file.to_string_lossy();
        match File::open(&file) {
            Ok(opened) => input(&name, &mut BufReader::new(opened), server, collection),
            Err(error) => collection.miss(&name, Unreadable::System(error.to_string())),
        }
    }
    Ok(())
}

/// The files of a directory in the order of their names: of a Maildir those of its mails, and of its folders.
fn walk(
    directory: &Path,
    depth: usize,
    files: &mut Vec<PathBuf>,
    collection: &mut Collection,
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
                walk(&path, below, files, collection).map_err(|error| Unreadable::System(error.to_string()))
            };
            if let Err(why) = read {
                collection.miss(&path.to_string_lossy(), why);
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
fn input(name: &str, reader: &mut impl BufRead, server: Option<&str>, collection: &mut Collection) {
    // A pipe may give less than these at once.
    let mut head = Vec::new();
    let begun = reader.take(MBOX_HEAD).read_to_end(&mut head);
    let is_an_mbox = head.starts_with(mbox::SEPARATOR);
    let mut all = Cursor::new(head).chain(reader);
    let read = begun.and_then(|_| match is_an_mbox {
        true => mails(name, &mut all, server, collection),
        false => whole(&mut all).map(|octets| collection.take(name, open::open(&octets, server))),
    });
    if let Err(error) = read {
        collection.miss(name, Unreadable::System(error.to_string()));
    }
}

/// All of it, or one octet more than a report may have.
fn whole(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_REPORT_OCTETS).unwrap_or(u64::MAX).saturating_add(1);
    let mut octets = Vec::new();
    reader.take(most).read_to_end(&mut octets)?;
    Ok(octets)
}

/// The mails of an mbox, each of them an input of its own.
fn mails(
    name: &str,
    reader: &mut impl BufRead,
    server: Option<&str>,
    collection: &mut Collection,
) -> io::Result<()> {
    let (mut mail, mut number, mut piece) = (Vec::new(), 0_u64, Vec::new());
    let (mut begins_a_line, mut was_empty) = (true, true);
    loop {
        piece.clear();
        let is_over = reader.take(PIECE).read_until(b'\n', &mut piece)? == 0;
        let begins_a_mail = begins_a_line && mbox::is_separator(&piece, was_empty);
        if is_over || begins_a_mail {
            if number > 0 {
                collection.take(&format!("{name}, mail {number}"), open::open(&mail, server));
            }
            if is_over {
                return Ok(());
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
