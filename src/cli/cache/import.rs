//! `cache import`: policies that another host exported, each of them read as if it came from a stranger.
//!
//! All lines are read and checked first, while nobody waits for it; then all policies are stored in one transaction. If one of
//! them cannot be, none is: half an import would look like a whole one. What ended on its way is no fault of the file: it is
//! told, and keeps no other from being imported.

use super::sink::Sink;
use super::{CommandError, to_change};
use crate::cache::{Cache, Kept, Provenance, Refusal};
use crate::cli::args::ImportArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lines::{self, Octets};
use crate::cli::lookup::Format;
use crate::cli::output;
use crate::limits::{MAX_IMPORT_LINE, MAX_IMPORT_OCTETS};
use crate::policy::StoredPolicy;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// So many lines are told that are not imported; of the others, how many they are.
const MOST_TOLD: u64 = 100;

/// So long nobody is told that a pipe has no writer yet.
const QUIET_WAIT: Duration = Duration::from_secs(1);

/// Runs the command.
pub(super) fn run(arguments: &ImportArguments) -> Result<ExitStatus, CommandError> {
    // Opened before root's rights are given up: the file belongs to whoever typed the command, the cache does not.
    let input = open(&arguments.file)?;
    let cache = to_change(&arguments.outside)?;
    let (format, sink) = (arguments.format, Sink::stdout());
    let mut import = Import { format, sink, ended: 0, refused: 0, has_no_room: false };
    let status = import.read(input, &cache);
    // What was refused so far is told also where the rest could not be read.
    import.sink.flush()?;
    status
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, CommandError> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let unreadable = |error| unreadable(&path.display().to_string(), &error);
    let is_pipe = path.metadata().is_ok_and(|meta| meta.file_type().is_fifo());
    // As long as this is there, somebody waits.
    let _opened = is_pipe.then(|| tell_while_nobody_writes(path.to_owned()));
    Ok(Box::new(BufReader::new(File::open(path).map_err(unreadable)?)))
}

/// Tells whoever typed the command that a pipe without a writer is waited for, unless what is returned is gone before.
fn tell_while_nobody_writes(path: PathBuf) -> mpsc::Sender<()> {
    let (waiting, is_over) = mpsc::channel();
    std::thread::spawn(move || {
        if is_over.recv_timeout(QUIET_WAIT) == Err(RecvTimeoutError::Timeout) {
            let words = format!("{} is a pipe: waiting for somebody who writes into it", path.display());
            output::complain("cache import", &words, ExitStatus::Deliver);
        }
    });
    waiting
}

fn unreadable(name: &str, error: &io::Error) -> CommandError {
    CommandError::Work(ExitStatus::Usage, format!("{name} cannot be read: {error}"))
}

struct Import {
    format: Format,
    sink: Sink,
    /// Policies that have ended.
    ended: u64,
    /// Everything else that cannot be imported.
    refused: u64,
    /// Whether nothing is wrong with the lines, but not all of them find room.
    has_no_room: bool,
}

/// The policies that can be imported, and on which lines they stand.
#[derive(Default)]
struct Checked {
    policies: Vec<StoredPolicy>,
    lines: Vec<u64>,
    octets: usize,
}

impl Import {
    fn read(&mut self, mut input: impl BufRead, cache: &Cache) -> Result<ExitStatus, CommandError> {
        let head = next(&mut input)?.unwrap_or(Ok(Vec::new()));
        let provenance = match text(head).and_then(|line| from(Provenance::from_line(&line))) {
            Ok(provenance) => provenance,
            Err(refused) => {
                // Without it nothing is known about the rest.
                self.refuse(1, &refused)?;
                if self.format == Format::Human {
                    self.sink
                        .escaped("nothing was imported: the first line says where an export comes from")?;
                }
                return Ok(ExitStatus::Refuse);
            }
        };
        let checked = self.check(&mut input, cache, &provenance)?;
        let mut kept = Vec::new();
        if self.refused == 0 && !checked.policies.is_empty() {
            let imported = cache
                .import_all(&checked.policies, &provenance)
                .map_err(|trouble| CommandError::from(trouble).after("nothing was imported"))?;
            match imported {
                Ok(all) => kept = all,
                Err(at) => {
                    let domain = checked.policies.get(at).map(|policy| policy.domain.to_string());
                    let why = format!("{}: {}; raise max_domains", domain.unwrap_or_default(), Kept::FULL);
                    let line = checked.lines.get(at).copied().unwrap_or(0);
                    self.has_no_room = true;
                    self.refuse(line, &Refused { field: None, why })?;
                }
            }
        }
        self.summary(&provenance, &kept)?;
        let is_whole = self.refused == 0 && self.ended == 0;
        Ok(if is_whole { ExitStatus::Deliver } else { ExitStatus::Refuse })
    }

    /// Reads all lines behind the first one, and tells which of them cannot be imported.
    fn check(
        &mut self,
        input: &mut impl BufRead,
        cache: &Cache,
        provenance: &Provenance,
    ) -> Result<Checked, CommandError> {
        let mut checked = Checked::default();
        let mut number: u64 = 1;
        while let Some(line) = next(input)? {
            number = number.saturating_add(1);
            checked.count(&line)?;
            // Whatever has such a line has no end that is worth waiting for.
            let is_last = line.is_err();
            let read = match text(line) {
                Ok(line) if line.is_empty() => continue,
                line => line.and_then(|line| from(StoredPolicy::from_line(&line))),
            };
            match read {
                Ok(policy) => match cache.admits(&policy, provenance) {
                    Ok(()) => {
                        checked.policies.push(policy);
                        checked.lines.push(number);
                    }
                    Err(refusal) => {
                        let has_ended = matches!(refusal, Refusal::Ended(_));
                        let Refused { field, why } = Refused::from(refusal);
                        let refused = Refused { field, why: format!("{}: {why}", policy.domain) };
                        if has_ended {
                            self.ended = self.ended.saturating_add(1);
                            self.tell(number, &refused)?;
                        } else {
                            self.refuse(number, &refused)?;
                        }
                    }
                },
                Err(refused) => self.refuse(number, &refused)?,
            }
            if is_last {
                break;
            }
        }
        Ok(checked)
    }

    fn refuse(&mut self, number: u64, refused: &Refused) -> io::Result<()> {
        self.refused = self.refused.saturating_add(1);
        self.tell(number, refused)
    }

    fn tell(&mut self, number: u64, Refused { field, why }: &Refused) -> io::Result<()> {
        if self.refused.saturating_add(self.ended) > MOST_TOLD {
            return Ok(());
        }
        match self.format {
            Format::Json => self.sink.object(&json!({"line": number, "field": field, "why": why})),
            Format::Human => self.sink.escaped(&format!("line {number}: refused: {why}")),
        }
    }

    fn summary(&mut self, provenance: &Provenance, kept: &[Kept]) -> io::Result<()> {
        let stored = kept.iter().filter(|kept| **kept == Kept::Stored).count();
        let unchanged = kept.len().saturating_sub(stored);
        let refused = self.refused.saturating_add(self.ended);
        match self.format {
            Format::Json => {
                self.sink.object(&json!({"stored": stored, "unchanged": unchanged, "refused": refused}))
            }
            Format::Human => {
                if refused > MOST_TOLD {
                    self.sink
                        .escaped(&format!("and {} more lines, which are not told", refused - MOST_TOLD))?;
                }
                if self.has_no_room {
                    self.sink.escaped("nothing was imported: there is not room for all of it")?;
                } else if self.refused > 0 {
                    self.sink.escaped("nothing was imported: mend or remove these lines first")?;
                }
                self.sink.escaped(&format!(
                    "from {provenance}: {stored} stored, {unchanged} known here as well or better, {refused} refused"
                ))
            }
        }
    }
}

impl Checked {
    /// Counts what was read, good or not: whatever it is, it has an end.
    fn count(&mut self, line: &Octets) -> Result<(), CommandError> {
        let (Ok(octets) | Err(octets)) = line;
        self.octets = self.octets.saturating_add(octets.len());
        if self.octets > MAX_IMPORT_OCTETS {
            let why = format!("the input is longer than {MAX_IMPORT_OCTETS} octets; import it in parts");
            return Err(CommandError::Work(ExitStatus::Usage, why));
        }
        Ok(())
    }
}

fn next(input: &mut impl BufRead) -> Result<Option<Octets>, CommandError> {
    lines::beginning(input, MAX_IMPORT_LINE).map_err(|error| unreadable("the input", &error))
}

/// Why a line is not imported, escaped.
struct Refused {
    field: Option<&'static str>,
    why: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { field: refusal.field(), why: refusal.to_string() }
    }
}

fn from<T>(read: Result<T, Refusal>) -> Result<T, Refused> {
    read.map_err(Refused::from)
}

/// The text of a line without its end.
fn text(line: Octets) -> Result<String, Refused> {
    let refused = |why: String| Refused { field: None, why };
    let line = line.map_err(|_| {
        refused(format!("it is longer than {MAX_IMPORT_LINE} octets, and nothing behind that was read"))
    })?;
    match String::from_utf8(line) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) if matches!(error.as_bytes(), [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => Err(refused(
            "it is UTF-16, and an export is UTF-8: bring the file over as it was written".to_owned(),
        )),
        Err(_) => {
            Err(refused("something in it is no UTF-8: bring the file over as it was written".to_owned()))
        }
    }
}
