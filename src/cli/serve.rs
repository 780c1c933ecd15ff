//! `serve`: the daemon.

use super::args::OutsideArguments;
use super::config::{BadConfiguration, Choices, one_or_more};
use super::exit::ExitStatus;
use super::outside::{self, Trusted};
use super::{log, output, panic, privileges};
use crate::cache::CachePath;
use crate::https::SharedTls;
use crate::limits::{ANSWER_WITHIN_DEFAULT, ANSWER_WITHIN_MAX};
use crate::serve::address::{Address, Loopback};
use crate::serve::clerk::Clerk;
use crate::serve::counters::{Counters, Protocol};
use crate::serve::desk::Desk;
use crate::serve::engine::Engine;
use crate::serve::front::Seats;
use crate::serve::lifecycle::{self, Ended};
use crate::serve::listen::{self, Listening, NoPlace};
use crate::serve::outside::Internet;
use crate::serve::store::Store;
use crate::serve::world::World;
use crate::text::excerpt;
use crate::verdict::OnUnreachable;
use clap::Args;
use serde::Deserialize;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{LocalSet, spawn_local};
use tracing::warn;

/// Why nothing is served: the exit status, and a sentence for standard error.
type Failure = (ExitStatus, String);

/// What is asked of `serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// Where to listen.
    #[command(flatten)]
    pub places: Places,
    /// Starts as root all the same; files that it makes are root's then
    #[arg(long)]
    pub allow_root: bool,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Where the daemon listens, and how long its askers wait: the section `[serve]` of the configuration.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Places {
    /// Answers Exim's ${readsocket} there: a path that begins with /, or a loopback address; repeatable
    #[arg(long, value_name = "PATH|ADDR:PORT")]
    #[serde(deserialize_with = "one_or_more")]
    pub exim: Vec<Address>,
    /// Answers Postfix's socketmap there; repeatable
    #[arg(long, value_name = "PATH|ADDR:PORT")]
    #[serde(deserialize_with = "one_or_more")]
    pub postfix: Vec<Address>,
    /// Metrics, health and a status page, over HTTP; repeatable
    #[arg(long, value_name = "ADDR:PORT")]
    #[serde(deserialize_with = "one_or_more")]
    pub http: Vec<Loopback>,
    /// An answer comes within this time, 0.1 to 4.5 [default: 2.5; Exim waits for 5]
    #[arg(long, value_name = "SECONDS")]
    pub answer_within: Option<AnswerWithin>,
}

/// How long an asker waits at most, in seconds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "f64")]
pub struct AnswerWithin(pub Duration);

impl TryFrom<f64> for AnswerWithin {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        let most = ANSWER_WITHIN_MAX.as_secs_f64();
        if (0.1..=most).contains(&seconds) {
            Ok(Self(Duration::from_secs_f64(seconds)))
        } else {
            Err(format!("{seconds} is not between 0.1 and {most} seconds (Exim waits for 5)"))
        }
    }
}

impl FromStr for AnswerWithin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<f64>()
            .map_err(|_| format!("'{}' is not a number of seconds", excerpt(text, 32)))?
            .try_into()
    }
}

impl Places {
    /// These, and where they say nothing those of the file.
    #[must_use]
    pub fn or(self, file: Self) -> Self {
        fn either<T>(given: Vec<T>, file: Vec<T>) -> Vec<T> {
            if given.is_empty() { file } else { given }
        }
        Self {
            exim: either(self.exim, file.exim),
            postfix: either(self.postfix, file.postfix),
            http: either(self.http, file.http),
            answer_within: self.answer_within.or(file.answer_within),
        }
    }

    /// How long an asker waits at most.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        self.answer_within.map_or(ANSWER_WITHIN_DEFAULT, |within| within.0)
    }

    fn are_where(&self, others: &Self) -> bool {
        self.exim == others.exim && self.postfix == others.postfix && self.http == others.http
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ServeArguments) -> ExitStatus {
    // A panic of the front itself has been told by then, and nothing of it is used any more.
    match catch_unwind(AssertUnwindSafe(|| served(arguments))) {
        Ok(Ok(Ended::Drained)) => ExitStatus::Deliver,
        Ok(Ok(Ended::AtOnce)) => ExitStatus::Defer,
        Ok(Ok(Ended::Broken(_))) | Err(_) => ExitStatus::Internal,
        Ok(Err((status, why))) => output::complain("serve", &why, status),
    }
}

/// Serves until it is told to end.
fn served(arguments: &ServeArguments) -> Result<Ended, Failure> {
    let misconfigured = |error: &dyn fmt::Display| (ExitStatus::Configuration, error.to_string());
    let failed = |error: io::Error| (ExitStatus::Internal, error.to_string());
    privileges::as_a_daemon(arguments.allow_root).map_err(|error| misconfigured(&error))?;
    let (choices, places) = prepared(arguments).map_err(|error| misconfigured(&error))?;
    log::start_for_the_daemon(&choices);
    panic::install_for_the_daemon();
    let world = Arc::new(world(&choices, &places).map_err(|error| misconfigured(&error))?);
    let seats = Seats::within(lifecycle::descriptors());
    let runtime = outside::runtime().map_err(failed)?;
    let counters = Arc::new(Counters::default());
    LocalSet::new().block_on(&runtime, async {
        let listening = open(&places).await.map_err(|error| misconfigured(&error))?;
        let (store, _store_thread) = Store::open(Arc::clone(&counters)).map_err(failed)?;
        let (clerk, tray) = Clerk::new(Arc::clone(&world), Arc::clone(&counters));
        spawn_local(tray.work(store.clone()));
        let (desk, news, _desk_thread) =
            Desk::open(world, store, Internet, seats, Arc::clone(&counters), clerk.clone())
                .map_err(failed)?;
        let engine = Engine::new(desk, news, clerk);
        let again = arguments.clone();
        let reload = move || read_again(&again, &places);
        lifecycle::live(listening, seats, engine, counters, reload).await.map_err(failed)
    })
}

/// Opens the places, and takes those that systemd hands over.
async fn open(places: &Places) -> Result<Vec<Listening>, NoPlace> {
    let mut listening = listen::handed_over()?;
    for place in &places.exim {
        listening.push(listen::open(Protocol::Exim, place).await?);
    }
    for place in &places.postfix {
        listening.push(listen::open(Protocol::Postfix, place).await?);
    }
    for place in &places.http {
        listening.push(listen::open(Protocol::Http, &Address::Tcp(*place)).await?);
    }
    if listening.is_empty() {
        return Err(NoPlace::NONE);
    }
    Ok(listening)
}

/// The world that the files tell of now. Sockets stay as they are: who has none could not be asked for another.
fn read_again(arguments: &ServeArguments, before: &Places) -> Result<World, String> {
    let (choices, places) = prepared(arguments).map_err(|error| error.to_string())?;
    if !places.are_where(before) {
        warn!("[serve] names other places to listen at; they count after a restart");
    }
    world(&choices, &places).map_err(|error| error.to_string())
}

/// What the choices come down to.
fn world(choices: &Choices, places: &Places) -> Result<World, BadConfiguration> {
    let cache = CachePath::parse(choices.cache_file())
        .map_err(|why| BadConfiguration(format!("the cache '{}' {why}", choices.cache_file().display())))?;
    let trusted = Trusted::read(choices)?;
    Ok(World {
        cache,
        circumstances: trusted.circumstances(choices),
        max_domains: choices.max_domains(),
        name_servers: outside::name_servers(choices)?,
        anchors: Arc::new(trusted.anchors()?),
        https: outside::https_settings(choices),
        tls: SharedTls::default(),
        overrides: choices.overrides.clone(),
        require_authentication: choices.require_authentication.unwrap_or(false),
        on_unreachable: choices.on_unreachable.map_or_else(OnUnreachable::default, OnUnreachable::from),
        answer_within: places.answer_within(),
        look_up_within: choices.deadline(),
    })
}

/// What the command line and the configuration come down to.
fn prepared(arguments: &ServeArguments) -> Result<(Choices, Places), BadConfiguration> {
    let choices = arguments.outside.without_a_log()?;
    let places = arguments.places.clone().or(choices.serve.clone());
    Ok((choices, places))
}
