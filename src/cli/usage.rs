//! What is said of a command line that is none: how the program is used, and which word may have been meant.

use super::exit::ExitStatus;
use super::{guide, output};
use crate::config::nearest;
use crate::text::{Escaped, excerpt};
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::io::Write as _;

/// Characters of a sentence for a line of its own.
const MOST: usize = 400;

/// The command line as it is read: `help COMMAND` is `COMMAND --help`. A line without any word, and one whose first word is no command,
/// end here: no mail server starts the program so, and a person needs to hear how it is used.
pub(super) fn of(arguments: Vec<OsString>) -> Result<Vec<OsString>, ExitStatus> {
    let Some(first) = arguments.get(1) else {
        let mut command = guide::command();
        complain(&command.render_help().to_string());
        return Err(ExitStatus::Usage);
    };
    let word = first.to_string_lossy();
    if word.starts_with('-') || guide::command().find_subcommand(word.as_ref()).is_some() {
        return Ok(arguments);
    }
    if word == "help" {
        let last = if arguments.len() > 2 { "--help" } else { "-h" };
        let program = arguments.iter().take(1).cloned();
        return Ok(program.chain(arguments.iter().skip(2).cloned()).chain([last.into()]).collect());
    }
    let meant = match suggestion(&guide::command(), &word) {
        Some(meant) => format!("did you mean {meant}?"),
        // Whoever types a domain wants to know about it.
        None if word.contains('.') => "did you mean explain, with this domain behind it?".to_owned(),
        None => "`smtp-sts-verify help` lists the commands".to_owned(),
    };
    complain(&format!("smtp-sts-verify: '{}' is no command; {meant}", excerpt(&word, 64)));
    Err(ExitStatus::Usage)
}

/// The mistake in one sentence, with what is missing or was not expected.
pub(super) fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let words: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let words = words.join(" ");
    words.strip_prefix("error: ").unwrap_or(&words).chars().take(MOST).collect()
}

/// Help and version as they are; a mistake to standard error, with the word that may have been meant.
pub(super) fn for_a_person(error: &clap::Error, arguments: &[OsString]) -> ExitStatus {
    let text = error.render().to_string();
    if !error.use_stderr() {
        return output::write(&text, ExitStatus::Deliver);
    }
    let asked = command_of(arguments);
    let word = match error.kind() {
        ErrorKind::InvalidSubcommand => error.get(ContextKind::InvalidSubcommand),
        ErrorKind::UnknownArgument => error.get(ContextKind::InvalidArg),
        _ => None,
    };
    let meant = match word {
        Some(ContextValue::String(word)) => suggestion(&asked, word),
        _ => None,
    };
    let (first, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let meant = meant.map(|meant| format!("\n\n  did you mean {meant}?")).unwrap_or_default();
    complain(&format!("{first}{meant}\n\n{rest}"));
    ExitStatus::Usage
}

/// The command that the line begins with, as far as it is one.
fn command_of(arguments: &[OsString]) -> Command {
    let mut command = guide::command();
    for word in arguments.iter().skip(1) {
        match command.find_subcommand(word) {
            Some(below) => command = below.clone(),
            None => break,
        }
    }
    command
}

/// The command or option that is nearest to a word.
fn suggestion(command: &Command, word: &str) -> Option<String> {
    if let Some(typed) = word.strip_prefix("--") {
        let options: Vec<&str> = command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        return nearest(typed, options.into_iter(), 1).first().map(|option| format!("--{option}"));
    }
    let commands: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    nearest(word, commands.into_iter(), 1).first().map(ToString::to_string)
}

/// Says it on standard error, whatever is in it.
fn complain(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for line in text.trim_end().lines() {
        // Nobody is left to tell if this fails, too.
        let _ = writeln!(stderr, "{}", Escaped(line));
    }
}
