//! `lint`: what is wrong with a text, or with all that a domain publishes; `lint --publish`: what it should publish.

mod domain;

use super::args::LintArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::lookup::Format;
use super::output;
use crate::limits::MAX_BODY_OCTETS;
use crate::lint::kind::Kind;
use crate::lint::{FindingCounts, Part, human, json};
use crate::text::{Escaped, Json};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};

/// Runs the command.
pub(super) fn run(arguments: &LintArguments) -> ExitStatus {
    let answer = match (arguments.kind, &arguments.subject) {
        (Some(kind), file) => text(arguments, kind, file.as_deref()),
        (None, Some(domain)) => domain::answer(arguments, domain),
        (None, None) => Err(Failure(ExitStatus::Usage, "a domain is needed, or --kind".to_owned())),
    };
    answer.unwrap_or_else(|failure| failure.tell("lint"))
}

/// One text, from a file or standard input.
fn text(arguments: &LintArguments, kind: Kind, file: Option<&OsStr>) -> Result<ExitStatus, Failure> {
    let (name, octets) = match file {
        Some(path) if path != "-" => {
            (path.to_string_lossy(), File::open(path).and_then(|file| read(file, kind)))
        }
        _ => ("standard input".into(), read(io::stdin(), kind)),
    };
    let octets =
        octets.map_err(|error| Failure(ExitStatus::Usage, format!("{name} cannot be read: {error}")))?;
    let part = kind.inspect(format!("{}, {}", Escaped(&name), kind.word()), octets);
    let shown = match arguments.format {
        Format::Human => human::text(std::slice::from_ref(&part)),
        Format::Json => line(&json::one(kind.word(), &part)),
    };
    Ok(output::write(&shown, status(arguments.strict, &[part])))
}

/// The octets; of a record without one final line end, which an editor adds, of a policy all that a web server would send. A
/// little more is read than any text may have, so that it is found too long.
fn read(input: impl Read, kind: Kind) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BODY_OCTETS).unwrap_or(u64::MAX).saturating_add(3);
    let mut octets = Vec::new();
    input.take(most).read_to_end(&mut octets)?;
    if kind != Kind::MtaStsPolicy && octets.ends_with(b"\n") {
        octets.pop();
        if octets.ends_with(b"\r") {
            octets.pop();
        }
    }
    Ok(octets)
}

/// What the findings mean for whoever started the program.
fn status(strict: bool, parts: &[Part]) -> ExitStatus {
    let FindingCounts { errors, warnings, .. } = FindingCounts::of(parts);
    if errors > 0 || strict && warnings > 0 { ExitStatus::Refuse } else { ExitStatus::Deliver }
}

/// One object on one line.
fn line(object: &Value) -> String {
    format!("{}\n", Json(object))
}
