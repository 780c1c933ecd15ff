//! `cache`: what is remembered about domains, for the people who look after it.
//!
//! Commands that only look open the files for reading and write nothing, so that everybody may who can read the files.
//! Strangers' texts are escaped in every output; only an export carries them as they are, inside of JSON.

mod export;
mod import;
mod list;
mod progress;
mod purge;
mod refresh;
mod show;
mod sink;
mod story;

use super::args::{CacheCommand, OutsideArguments};
use super::config::{BadConfiguration, Choices};
use super::exit::ExitStatus;
use super::outside::Trusted;
use super::{output, privileges};
use crate::cache::{Cache, CachePath, Circumstances, Trouble};
use crate::name::{Destination, PolicyDomain};
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use std::ffi::OsStr;
use std::io;

/// Why a command ends before its end.
enum Failure {
    /// Nobody takes what it says.
    Output(io::Error),
    /// It cannot do its work: the exit status, and a sentence for standard error.
    Work(ExitStatus, String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Work(ExitStatus::of_trouble(&trouble), trouble.to_string())
    }
}

impl From<BadConfiguration> for Failure {
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
    match done {
        Ok(status) => status,
        Err(Failure::Work(status, why)) => output::complain(name, &why, status),
        // Whoever has gone need not be told.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitStatus::Defer,
        Err(Failure::Output(error)) => {
            output::complain(name, &format!("the output cannot be written: {error}"), ExitStatus::Defer)
        }
    }
}

/// Which cache it is, and under which circumstances it is looked at.
struct Shop {
    choices: Choices,
    path: CachePath,
    trusted: Trusted,
    circumstances: Circumstances,
}

impl Shop {
    /// Reads the choices and gives up root's rights; nothing of the cache is touched yet.
    fn open(arguments: &OutsideArguments) -> Result<Self, Failure> {
        let choices = arguments.choices()?;
        let path = CachePath::parse(choices.cache_file()).map_err(|why| {
            BadConfiguration(format!("the cache '{}' {why}", choices.cache_file().display()))
        })?;
        privileges::give_up(&path).map_err(|error| BadConfiguration(error.to_string()))?;
        let trusted = Trusted::read(&choices)?;
        let circumstances = trusted.circumstances(&choices);
        Ok(Self { choices, path, trusted, circumstances })
    }

    /// The cache, to be read and written at that moment.
    fn cache(&self, now: UnixTime) -> Cache {
        Cache::new(self.path.clone(), &self.circumstances, self.choices.max_domains(), now)
    }
}

/// The cache that is only looked at, and the moment.
fn to_look_at(arguments: &OutsideArguments) -> Result<(Cache, UnixTime), Failure> {
    let now = SystemClock.now();
    Ok((Shop::open(arguments)?.cache(now).read_only(), now))
}

/// Reads the domain that was typed.
fn read_domain(argument: &OsStr) -> Result<PolicyDomain, Failure> {
    let usage = |why: String| Failure::Work(ExitStatus::Usage, why);
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => Err(usage("an address has no policy; give a domain".to_owned())),
        Err(bad) => Err(usage(format!("the domain {bad}"))),
    }
}
