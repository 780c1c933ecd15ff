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
use crate::cli::lines::{self, Line};
use crate::cli::lookup::Format;
use crate::limits::{MAX_IMPORT_LINE, MAX_IMPORT_OCTETS};
use crate::policy::StoredPolicy;
use serde_json::json;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Runs the command.
pub(super) fn run(arguments: &ImportArguments) -> Result<ExitStatus, CommandError> {
    // Opened before root's rights are given up: the file belongs to whoever typed the command, the cache does not.
    let input = open(&arguments.file)?;
    let cache = to_change(&arguments.outside)?;
    let (format, sink) = (arguments.format, Sink::stdout());
    let mut import = Import { format, sink, ended: 0, refused: 0 };
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
    Ok(Box::new(BufReader::new(File::open(path).map_err(unreadable)?)))
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
        let head = next(&mut input)?.unwrap_or(Line::Text(String::new()));
        let provenance = match text(head).and_then(|line| from(Provenance::from_line(&line))) {
            Ok(provenance) => provenance,
            Err(refused) => {
                // Without it nothing is known about the rest.
                self.refuse(1, &refused)?;
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
            if line == Line::Text(String::new()) {
                continue;
            }
            let read = text(line).and_then(|line| Ok((line.len(), from(StoredPolicy::from_line(&line))?)));
            match read {
                Ok((octets, policy)) => match cache.admits(&policy, provenance) {
                    Ok(()) => checked.add(number, policy, octets)?,
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
        }
        Ok(checked)
    }

    fn refuse(&mut self, number: u64, refused: &Refused) -> io::Result<()> {
        self.refused = self.refused.saturating_add(1);
        self.tell(number, refused)
    }

    fn tell(&mut self, number: u64, Refused { field, why }: &Refused) -> io::Result<()> {
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
                if self.refused > 0 {
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
    fn add(&mut self, line: u64, policy: StoredPolicy, octets: usize) -> Result<(), CommandError> {
        self.octets = self.octets.saturating_add(octets);
        if self.octets > MAX_IMPORT_OCTETS {
            let why = format!("the input is longer than {MAX_IMPORT_OCTETS} octets; import it in parts");
            return Err(CommandError::Work(ExitStatus::Usage, why));
        }
        self.policies.push(policy);
        self.lines.push(line);
        Ok(())
    }
}

fn next(input: &mut impl BufRead) -> Result<Option<Line>, CommandError> {
    lines::next(input, MAX_IMPORT_LINE).map_err(|error| unreadable("the input", &error))
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
