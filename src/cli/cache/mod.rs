//! `cache`: what is remembered about domains, for the people who look after it.
//!
//! Commands that only look open the files for reading and write nothing, so that everybody may who can read the files.
//! Untrusted texts are escaped in every output; only an export carries them as they are, inside of JSON.

mod export;
mod import;
mod list;
mod purge;
mod refresh;
mod show;
mod sink;
mod story;

use super::args::{CacheCommand, OutsideArguments};
use super::exit::ExitStatus;
use super::{failure, output};
use crate::cache::{Cache, CacheError};
use crate::config::{Access, BadConfiguration, Setup, Storage};
use crate::name::{Destination, PolicyDomain};
use crate::policy::Mechanisms;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::io;

/// Why a command ends before its end.
enum CommandError {
    /// Nobody takes what it says.
    Output(io::Error),
    /// It cannot do its work: the exit status, and a sentence for standard error.
    Work(ExitStatus, String),
}

impl CommandError {
    /// The same, told after what it means for what was to be done.
    fn after(self, what: &str) -> Self {
        match self {
            Self::Work(status, why) => Self::Work(status, format!("{what}: {why}")),
            output @ Self::Output(_) => output,
        }
    }
}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<CacheError> for CommandError {
    fn from(trouble: CacheError) -> Self {
        Self::Work(ExitStatus::of_trouble(&trouble), failure::of_the_cache(&trouble, geteuid().is_root()))
    }
}

impl From<BadConfiguration> for CommandError {
    fn from(error: BadConfiguration) -> Self {
        Self::Work(ExitStatus::Configuration, error.to_string())
    }
}

/// Runs the command.
pub(super) fn run(command: &CacheCommand) -> ExitStatus {
    let (name, done) = match command {
        CacheCommand::List(arguments) => ("cache list", list::run(arguments)),
        CacheCommand::Show(arguments) => ("cache show", show::run(arguments)),
        CacheCommand::History(arguments) => ("cache history", story::run(arguments)),
        CacheCommand::Purge(arguments) => ("cache purge", purge::run(arguments)),
        CacheCommand::Export(arguments) => ("cache export", export::run(arguments)),
        CacheCommand::Import(arguments) => ("cache import", import::run(arguments)),
        CacheCommand::Refresh(arguments) => ("cache refresh", refresh::run(arguments)),
    };
    let changes =
        matches!(command, CacheCommand::Purge(_) | CacheCommand::Import(_) | CacheCommand::Refresh(_));
    match done {
        Ok(status) => status,
        Err(CommandError::Work(status, why)) => output::complain(name, &why, status),
        // What would have been changed is not known to be.
        Err(CommandError::Output(_)) if changes => output::complain(
            name,
            "nobody took the output, and the work may be unfinished",
            ExitStatus::Defer,
        ),
        Err(CommandError::Output(error)) => output::not_taken(&error, ExitStatus::Deliver),
    }
}

/// Reads the choices and gives up root's rights; nothing of the cache is touched yet.
fn open(arguments: &OutsideArguments) -> Result<(Setup, Storage), CommandError> {
    let setup = Setup::open(arguments.choices()?, Access::Owner)?;
    let storage = setup.storage()?;
    Ok((setup, storage))
}

/// The cache, to be read and written now.
fn to_change(arguments: &OutsideArguments) -> Result<Cache, CommandError> {
    Ok(open(arguments)?.1.cache(SystemClock.now()))
}

/// The cache that is only looked at, and the moment.
fn to_look_at(arguments: &OutsideArguments) -> Result<(Cache, UnixTime), CommandError> {
    let (cache, now, _) = to_look_at_under(arguments)?;
    Ok((cache, now))
}

/// The same, and the mechanisms of which policies are applied.
fn to_look_at_under(arguments: &OutsideArguments) -> Result<(Cache, UnixTime, Mechanisms), CommandError> {
    let now = SystemClock.now();
    let (setup, storage) = open(arguments)?;
    Ok((storage.cache(now).read_only(), now, setup.choices().mechanisms()))
}

/// Reads the domain that was typed.
fn read_domain(argument: &OsStr) -> Result<PolicyDomain, CommandError> {
    let usage = |why: String| CommandError::Work(ExitStatus::Usage, why);
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => Err(usage("an address has no policy; give a domain".to_owned())),
        Ok(Destination::Unpublishable(bad)) | Err(bad) => Err(usage(format!("the domain {bad}"))),
    }
}
