//! `cache import`: policies that another host exported, each of them read as if it came from a stranger.

use super::sink::Sink;
use super::{Failure, to_change};
use crate::cache::{Cache, Imported, Kept, Provenance, Refusal};
use crate::cli::args::ImportArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lines::{self, Line};
use crate::cli::lookup::Format;
use crate::limits::MAX_IMPORT_LINE;
use crate::policy::StoredPolicy;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Runs the command.
pub(super) fn run(arguments: &ImportArguments) -> Result<ExitStatus, Failure> {
    // Opened before root's rights are given up: the file belongs to whoever typed the command, the cache does not.
    let input = open(&arguments.file)?;
    let cache = to_change(&arguments.outside)?;
    let mut import = Import { format: arguments.format, sink: Sink::stdout(), tally: Tally::default() };
    let status = import.read(input, &cache);
    // What was refused so far is told also where the rest could not be read.
    import.sink.flush()?;
    status
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let unreadable = |error| unreadable(&path.display().to_string(), &error);
    Ok(Box::new(BufReader::new(File::open(path).map_err(unreadable)?)))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::Work(ExitStatus::Usage, format!("{name} cannot be read: {error}"))
}

#[derive(Default)]
struct Tally {
    stored: u64,
    unchanged: u64,
    refused: u64,
}

struct Import {
    format: Format,
    sink: Sink,
    tally: Tally,
}

impl Import {
    fn read(&mut self, mut input: impl BufRead, cache: &Cache) -> Result<ExitStatus, Failure> {
        let mut next =
            || lines::next(&mut input, MAX_IMPORT_LINE).map_err(|error| unreadable("the input", &error));
        let head = next()?.unwrap_or(Line::Text(String::new()));
        let provenance = match text(head).and_then(|line| from(Provenance::from_line(&line))) {
            Ok(provenance) => provenance,
            Err(refused) => {
                // Without it nothing is known about the rest.
                self.refuse(1, &refused)?;
                return Ok(ExitStatus::Refuse);
            }
        };
        let mut number: u64 = 1;
        while let Some(line) = next()? {
            number = number.saturating_add(1);
            if line == Line::Text(String::new()) {
                continue;
            }
            match text(line).and_then(|line| from(StoredPolicy::from_line(&line))) {
                Ok(policy) => {
                    let became = cache.import(&policy, &provenance)?;
                    self.note(number, &policy, became)?;
                }
                Err(refused) => self.refuse(number, &refused)?,
            }
        }
        self.summary(&provenance)?;
        Ok(if self.tally.refused == 0 { ExitStatus::Deliver } else { ExitStatus::Refuse })
    }

    fn note(&mut self, number: u64, policy: &StoredPolicy, became: Imported) -> io::Result<()> {
        match became {
            Imported::Kept(Kept::Stored) => self.tally.stored = self.tally.stored.saturating_add(1),
            Imported::Kept(Kept::Unchanged) => self.tally.unchanged = self.tally.unchanged.saturating_add(1),
            Imported::Kept(Kept::Full) => {
                let why = "the cache is full of policies in force".to_owned();
                self.refuse(number, &Refused { field: None, why: format!("{}: {why}", policy.domain) })?;
            }
            Imported::Refused(refusal) => {
                let Refused { field, why } = Refused::from(refusal);
                self.refuse(number, &Refused { field, why: format!("{}: {why}", policy.domain) })?;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, number: u64, Refused { field, why }: &Refused) -> io::Result<()> {
        self.tally.refused = self.tally.refused.saturating_add(1);
        match self.format {
            Format::Json => self.sink.object(&json!({"line": number, "field": field, "why": why})),
            Format::Human => self.sink.escaped(&format!("line {number}: refused: {why}")),
        }
    }

    fn summary(&mut self, provenance: &Provenance) -> io::Result<()> {
        let Tally { stored, unchanged, refused } = self.tally;
        match self.format {
            Format::Json => {
                self.sink.object(&json!({"stored": stored, "unchanged": unchanged, "refused": refused}))
            }
            Format::Human => self.sink.escaped(&format!(
                "from {provenance}: {stored} stored, {unchanged} known here as well or better, {refused} refused"
            )),
        }
    }
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

fn text(line: Line) -> Result<String, Refused> {
    match line {
        Line::Text(text) => Ok(text),
        Line::TooLong => {
            Err(Refused { field: None, why: format!("it is longer than {MAX_IMPORT_LINE} octets") })
        }
    }
}
