//! `config`: can the configuration be used, and what is in force?

mod keep;
mod show;
mod systemd;
mod unit;

use super::exit::ExitStatus;
use super::failure::Failure;
use super::lookup::Format;
use super::output;
use crate::config::{
    Access, BadConfiguration, Choices, ConditionArgs, DEFAULT_FILE, LAST_GOOD_FILE, LogArgs, Places, Setup,
    SharedArgs, StorageArgs, Written, text_of,
};
use crate::serve::world::World;
use crate::text::{Json, Printable};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::{Args, Subcommand};
use nix::unistd::geteuid;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What is to be done with the configuration.
#[derive(Args, Debug)]
pub struct ConfigArguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The commands about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Can the configuration be used?
    ///
    /// It is read as the daemon reads it, with all the files that it names; root looks as the owner of the cache's directory,
    /// who the daemon is. Nothing is asked and nothing changed.
    Check(InForceArguments),
    /// What is in force, each value with where it comes from
    ///
    /// Values are as they could stand in the file. An option of the command line shows what serve with that option would use.
    Show(InForceArguments),
    /// Keeps a copy of the configuration, if it can be used, for a daemon that is started with one that cannot
    ///
    /// For root; the daemon's unit does so before each start and reload. The copy replaces the one before as a whole.
    Keep(KeepArguments),
}

/// A configuration, and what a command line says beside it.
#[derive(Args, Debug)]
pub struct InForceArguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config: PathBuf,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// Under which conditions a question is judged.
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// How much is remembered.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// Which log is kept.
    #[command(flatten)]
    pub log: LogArgs,
    /// Where the daemon listens.
    #[command(flatten)]
    pub places: Places,
}

/// Which file is kept, and where.
#[derive(Args, Debug)]
pub struct KeepArguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config: PathBuf,
    /// Where the copy is kept, in a directory that nobody but root may write to
    #[arg(long, value_name = "FILE", default_value = LAST_GOOD_FILE)]
    pub to: PathBuf,
}

impl InForceArguments {
    /// What the command line says.
    fn given(&self) -> Choices {
        Choices {
            shared: self.shared.clone(),
            conditions: self.conditions,
            storage: self.storage,
            log: self.log,
            serve: self.places.clone(),
            ..Choices::default()
        }
    }
}

/// Runs the command.
pub(super) fn run(command: &ConfigCommand) -> ExitStatus {
    let ended = match command {
        ConfigCommand::Check(arguments) => return check(arguments),
        ConfigCommand::Show(arguments) => show::text(arguments),
        ConfigCommand::Keep(arguments) => keep::keep(arguments),
    };
    match ended {
        Ok(text) => output::write(&text, ExitStatus::Deliver),
        Err(failure) => failure.tell("config"),
    }
}

/// Tells whether the configuration can be used.
fn check(arguments: &InForceArguments) -> ExitStatus {
    // What the daemon's unit hides matters where the file is the daemon's.
    let is_the_daemons = geteuid().is_root() && unit::has(&arguments.config);
    let looked = looked_at(&arguments.config, &arguments.given()).and_then(with_its_fleet);
    let file = arguments.config.display().to_string();
    match (looked, arguments.format) {
        (Ok(read), Format::Human) => {
            let notes =
                if is_the_daemons { unit::notes(&read.choices, &unit::sandbox()) } else { Vec::new() };
            output::write(&words(&file, &read, notes), ExitStatus::Deliver)
        }
        (Ok(read), Format::Json) => {
            let object =
                json!({ "file": file, "is_there": read.is_there, "can_be_used": true, "error": null });
            output::write(&format!("{}\n", Json(&object)), ExitStatus::Deliver)
        }
        (Err(error), Format::Human) => Failure::from(error).tell_with_what_follows("config"),
        (Err(error), Format::Json) => {
            let object =
                json!({ "file": file, "is_there": true, "can_be_used": false, "error": error.to_string() });
            output::write(&format!("{}\n", Json(&object)), ExitStatus::Configuration)
        }
    }
}

/// Whether what `[fleet]` names can be used. The daemon starts without it: mail waits for no database.
fn with_its_fleet(written: Written) -> Result<Written, BadConfiguration> {
    #[cfg(feature = "fleet")]
    if let Some(fleet) = &written.choices.fleet {
        crate::fleet::check(fleet).map_err(|trouble| BadConfiguration(trouble.to_string()))?;
    }
    Ok(written)
}

/// Looks at a configuration as the daemon does, with all that it names; started by root, as the owner of the cache's directory.
fn looked_at(path: &Path, given: &Choices) -> Result<Written, BadConfiguration> {
    let written = Written::read(path)?;
    let setup = Setup::open(given.clone().with(&written), Access::Owner)?;
    if written.is_there {
        // What root could read, the daemon may not be able to.
        text_of(path)?;
    }
    World::of(&setup)?;
    Ok(written)
}

/// The same for people.
fn words(file: &str, read: &Written, notes: Vec<String>) -> String {
    let now = SystemClock.now();
    let mut text = match (read.is_there, read.len()) {
        (false, _) => format!("{file} is not there: every key has its default.\n"),
        (true, 0) => format!("{file} can be used; no key is set in it, so every one has its default.\n"),
        (true, 1) => format!("{file} can be used; one key is set in it.\n"),
        (true, number) => format!("{file} can be used; {number} keys are set in it.\n"),
    };
    for ended in read.choices.overrides.all().filter(|decree| !decree.is_in_force(now)) {
        text.push_str(&format!("note: {}\n", ended.note(now)));
    }
    for note in notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.lines().map(|line| format!("{}\n", Printable(line))).collect()
}
