//! `serve`: the daemon.

use super::args::OutsideArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::{log, panic, ready, runtime};
use crate::config::address::Address;
use crate::config::{Access, BadConfiguration, Choices, Places, Setup, privileges};
use crate::resources;
use crate::serve::engine::Engine;
use crate::serve::lifecycle::{self, Ended};
use crate::serve::listen::{self, Datagrams, HandedOver, Listening, NoPlace};
use crate::serve::look_up::outside::Internet;
use crate::serve::look_up::worker::LookupWorker;
use crate::serve::store::Store;
use crate::serve::telemetry::counters::{Counters, Protocol};
use crate::serve::tlsrpt::datagrams::Reception;
use crate::serve::tlsrpt::recorder::TlsrptRecorder;
use crate::serve::world::World;
use clap::Args;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::{LocalSet, spawn_local};
use tracing::warn;

/// What is asked of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// Where to listen.
    #[command(flatten)]
    pub places: Places,
    /// Starts as root all the same; files that it makes are root's then
    #[arg(long)]
    pub allow_root: bool,
    /// Asks the daemon that runs, at its --http, whether it is ready, and does nothing else: 0 if it is, 75 if not
    #[arg(long)]
    pub ready: bool,
    /// A copy of an earlier configuration, root's alone, that counts if the daemon is started with one that cannot be used
    #[arg(long, value_name = "FILE")]
    pub last_good: Option<PathBuf>,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

impl ServeArguments {
    /// These choices, completed by that configuration.
    fn choices(&self, file: &Path) -> Result<Choices, BadConfiguration> {
        Choices { serve: self.places.clone(), ..self.outside.given() }.with_file(file)
    }
}

/// What the daemon starts with.
struct Start {
    world: World,
    places: Places,
    /// Why an older configuration counts.
    older: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &ServeArguments) -> ExitStatus {
    if arguments.ready {
        let asked = arguments
            .choices(&arguments.outside.config)
            .map_err(Failure::from)
            .and_then(|choices| ready::ask(&choices.serve.http));
        return asked.map_or_else(|failure| failure.tell("serve"), |()| ExitStatus::Deliver);
    }
    exit_status(|| served(arguments))
}

/// How a daemon that lived like this ends: after a mistake of ours so that systemd starts another one.
fn exit_status(live: impl FnOnce() -> Result<Ended, Failure>) -> ExitStatus {
    // A panic of the front itself has been told by then, and nothing of it is used any more.
    match catch_unwind(AssertUnwindSafe(live)) {
        Ok(Ok(Ended::Drained)) => ExitStatus::Deliver,
        Ok(Ok(Ended::AtOnce)) => ExitStatus::Defer,
        Ok(Ok(Ended::Broken(_))) | Err(_) => ExitStatus::Internal,
        Ok(Err(failure)) => failure.tell("serve"),
    }
}

/// Serves until SIGTERM or SIGINT.
fn served(arguments: &ServeArguments) -> Result<Ended, Failure> {
    let misconfigured = |error: &dyn fmt::Display| Failure(ExitStatus::Configuration, error.to_string());
    let failed = |error: io::Error| Failure(ExitStatus::Internal, resources::of_a_start(&error));
    privileges::as_a_daemon(arguments.allow_root).map_err(|error| misconfigured(&error))?;
    let Start { world, places, older } = start(arguments).map_err(|error| misconfigured(&error))?;
    let world = Arc::new(world);
    let limits = lifecycle::limits().map_err(|why| misconfigured(&why))?;
    let runtime = runtime::build().map_err(Failure::internal)?;
    let counters = Arc::new(Counters::default());
    LocalSet::new().block_on(&runtime, async {
        let (listening, datagrams) = open(&places).await.map_err(|error| misconfigured(&error))?;
        let (store, _store_thread) = Store::open(Arc::clone(&counters)).map_err(failed)?;
        let (recorder, queue) = TlsrptRecorder::new(Arc::clone(&world), Arc::clone(&counters));
        spawn_local(queue.run(store.clone()));
        let reception = Reception::begin(datagrams, &recorder, &counters).map_err(failed)?;
        let (worker, events, _worker_thread) = LookupWorker::open(
            world,
            store,
            Internet::default(),
            limits,
            Arc::clone(&counters),
            recorder.clone(),
        )
        .map_err(failed)?;
        let engine = Engine::new(worker, events, recorder);
        let again = arguments.clone();
        let reload = move || read_again(&again, &places);
        let ended = lifecycle::live(listening, reception, limits, engine, counters, older, reload).await;
        ended.map_err(failed)
    })
}

/// Opens the places, and takes those that systemd hands over.
async fn open(places: &Places) -> Result<(Vec<Listening>, Vec<Datagrams>), NoPlace> {
    let HandedOver { mut listening, mut datagrams } = listen::handed_over()?;
    for place in &places.exim {
        listening.push(listen::open(Protocol::Exim, place).await?);
    }
    for place in &places.postfix {
        listening.push(listen::open(Protocol::Postfix, place).await?);
    }
    for place in &places.http {
        // Mail does not wait for pages: a port that somebody else has keeps nobody from an answer.
        match listen::open(Protocol::Http, &Address::Tcp(*place)).await {
            Ok(one) => listening.push(one),
            Err(why) if listening.is_empty() => return Err(why),
            Err(why) => warn!(why = why.to_string(), "no pages are served there"),
        }
    }
    if listening.is_empty() {
        return Err(NoPlace::NONE);
    }
    if let Some(path) = &places.tlsrpt {
        // Nor for reports.
        match listen::open_for_datagrams(&path.0).await {
            Ok(one) => datagrams.push(one),
            Err(why) => warn!(why = why.to_string(), "Postfix's TLS sessions are not counted for reports"),
        }
    }
    Ok((listening, datagrams))
}

/// The world that the files tell of now. Sockets stay as they are: who has none could not be asked for another.
fn read_again(arguments: &ServeArguments, before: &Places) -> Result<World, String> {
    let choices = arguments.choices(&arguments.outside.config).map_err(|error| error.to_string())?;
    if !choices.serve.are_where(before) {
        warn!("[serve] names other places to listen at; they count after a restart");
    }
    let level = choices.serve.log_level.unwrap_or_default();
    let world = world(choices).map_err(|error| error.to_string())?;
    log::set_level(level);
    Ok(world)
}

/// What the choices come down to.
fn world(choices: Choices) -> Result<World, BadConfiguration> {
    let world = World::of(&Setup::open(choices, Access::Starter)?)?;
    if let Err(why) = world.https.roots.survey() {
        let why = why.to_string();
        warn!(why, "no policy can be fetched: domains with a new one are treated as if they had none");
    }
    Ok(world)
}

/// What the daemon starts with: the configuration, or the last good one in its place. The log begins here.
fn start(arguments: &ServeArguments) -> Result<Start, BadConfiguration> {
    let file = &arguments.outside.config;
    let begun = |path: &Path| {
        let choices = arguments.choices(path)?;
        let places = choices.serve.clone();
        log::start_for_the_daemon(&choices, places.log_level.unwrap_or_default());
        panic::install_for_the_daemon();
        world(choices).map(|world| (world, places))
    };
    let why = match begun(file) {
        Ok((world, places)) => return Ok(Start { world, places, older: None }),
        Err(why) => why,
    };
    let Some(copy) = &arguments.last_good else { return Err(why) };
    match is_roots_alone(copy).and_then(|()| begun(copy).map_err(|error| error.to_string())) {
        Ok((world, places)) => Ok(Start { world, places, older: Some(why.to_string()) }),
        Err(unusable) => Err(BadConfiguration(format!("{why}; and no earlier one can be used: {unusable}"))),
    }
}

/// Whether nobody but root can have written a file: the daemon could choose what it starts with, otherwise.
fn is_roots_alone(path: &Path) -> Result<(), String> {
    let directory = path.parent().unwrap_or(path);
    for place in [path, directory] {
        let shown = place.display();
        let meta = fs::symlink_metadata(place).map_err(|error| format!("{shown}: {error}"))?;
        if meta.is_symlink() || meta.uid() != 0 || meta.mode() & 0o022 != 0 {
            return Err(format!("{shown} is a link, or others than root may write it"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_lost_a_part_or_panicked_ends_with_70() {
        assert_eq!(exit_status(|| Ok(Ended::Broken("the store"))).code(), 70);
        assert_eq!(exit_status(|| panic!("as a mistake of ours might")).code(), 70);
        assert_eq!(exit_status(|| Ok(Ended::Drained)).code(), 0);
        assert_eq!(exit_status(|| Ok(Ended::AtOnce)).code(), 75);
    }
}
