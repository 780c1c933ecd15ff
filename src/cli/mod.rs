//! The command line: what is typed becomes a question, the answer becomes a line and an exit code.

pub mod args;
mod cache;
pub mod config;
pub mod doctor;
pub mod exit;
pub mod explain;
mod failure;
mod fleet;
pub mod generate;
pub mod guide;
mod lines;
mod lint;
pub mod log;
pub mod lookup;
pub mod matching;
mod output;
mod panic;
pub mod probe;
mod progress;
mod ready;
pub mod reports;
mod rules;
mod runtime;
pub mod serve;
pub mod terminal;
mod usage;
mod verify;
mod version;
mod watchdog;
pub mod why;

use crate::config::Format;
use crate::render::exim::Asker;
use args::{Arguments, Command, VerifyArguments};
use clap::{Args as _, FromArgMatches as _};
use exit::ExitStatus;
use nix::sys::signal::{SigSet, Signal};
use std::ffi::OsString;
pub use version::CLibrary;

/// The commands that no mail server starts: what is wrong with their command line is told on standard error.
const FOR_PEOPLE: [&str; 13] = [
    "cache", "config", "doctor", "explain", "fleet", "generate", "lint", "lookup", "match", "probe",
    "reports", "serve", "why",
];

/// Runs the program on the arguments that the system gave, the program's own name first.
#[must_use]
pub fn run(arguments: Vec<OsString>, c_library: CLibrary) -> ExitStatus {
    let format = Format::at_first_sight(&arguments);
    let asker = asker_at_first_sight(&arguments);
    outlive_full_files();
    let for_a_person =
        arguments.get(1).and_then(|word| FOR_PEOPLE.into_iter().find(|command| word == command));
    match for_a_person {
        Some(command) => panic::install_for_a_person(command),
        None => panic::install(format, asker),
    }
    let is_for_a_person = for_a_person.is_some();
    let is_a_plugin = probe::is_a_plugin(&arguments);
    if version::is_asked(&arguments) {
        return version::run(c_library);
    }
    if let Some(question) = a_mail_servers_question(&arguments) {
        return verify::run(&question);
    }
    let arguments = match usage::of(arguments) {
        Ok(arguments) => arguments,
        Err(status) => return status,
    };
    let read = guide::command()
        .try_get_matches_from(&arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    if let Ok(read) = &read {
        terminal::choose(read.color);
    }
    match read {
        Ok(Arguments { command: Some(Command::Lookup(question)), .. }) => lookup::run(&question),
        Ok(Arguments { command: Some(Command::Lint(question)), .. }) => lint::run(&question),
        Ok(Arguments { command: Some(Command::Cache(question)), .. }) => cache::run(&question.command),
        Ok(Arguments { command: Some(Command::Match(question)), .. }) => matching::run(&question),
        Ok(Arguments { command: Some(Command::Explain(question)), .. }) => explain::run(&question),
        Ok(Arguments { command: Some(Command::Doctor(question)), .. }) => doctor::run(&question),
        Ok(Arguments { command: Some(Command::Probe(question)), .. }) => probe::run(&question),
        Ok(Arguments { command: Some(Command::Serve(places)), .. }) => serve::run(&places),
        Ok(Arguments { command: Some(Command::Reports(question)), .. }) => reports::run(&question),
        Ok(Arguments { command: Some(Command::Fleet(question)), .. }) => fleet::run(&question),
        Ok(Arguments { command: Some(Command::Config(question)), .. }) => config::run(&question.command),
        Ok(Arguments { command: Some(Command::Why(question)), .. }) => why::run(&question),
        Ok(Arguments { command: Some(Command::Generate(question)), .. }) => generate::run(&question),
        Ok(Arguments { command: Some(Command::Verify(question)), .. }) => verify::run(&question),
        Ok(Arguments { command: None, verify: question, .. }) => verify::run(&question),
        Err(error) if is_a_plugin && error.use_stderr() => probe::unknown(&usage::sentence(&error)),
        Err(error) if is_for_a_person || format == Format::Human => usage::for_a_person(&error, &arguments),
        Err(error) => output::usage(&error, format, asker),
    }
}

/// What would make a file larger than this process may (RLIMIT_FSIZE) fails from now on as on a full disk, and does not end the process:
/// the signal that would is blocked, for all threads, and for children.
fn outlive_full_files() {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGXFSZ);
    // It always can be.
    let _ = blocked.thread_block();
}

/// The default command, if it is asked without its name and without a mistake. Exim starts a process a delivery, and that
/// need not make the definitions and helps of ten other commands: they were a quarter of its work. Whatever is not
/// understood here is read, and told, by all of them.
fn a_mail_servers_question(arguments: &[OsString]) -> Option<VerifyArguments> {
    arguments.get(1).filter(|first| first.as_encoded_bytes().starts_with(b"-"))?;
    let alone = VerifyArguments::augment_args(clap::Command::new("smtp-sts-verify"));
    VerifyArguments::from_arg_matches(&alone.try_get_matches_from(arguments).ok()?).ok()
}

/// Whether somebody who has a host asks, before the command line is understood: an error answers him, too.
fn asker_at_first_sight(arguments: &[OsString]) -> Asker {
    let names_a_host = |word: &OsString| {
        let word = word.as_encoded_bytes();
        word.starts_with(b"-m") || word == b"--mx" || word.starts_with(b"--mx=")
    };
    if arguments.iter().any(names_a_host) { Asker::Host } else { Asker::Router }
}
