//! The life of the daemon: it becomes ready, reads its files again when it is told to, shows that it is alive, and ends
//! when nobody waits for an answer any more.

use super::counters::{Closed as _, Counters, Protocol, ReloadEnd};
use super::engine::Engine;
use super::front::{Front, Seats, attend};
use super::gate::Gate;
use super::listen::Listening;
use super::watch::Watch;
use super::world::World;
use crate::limits::{DESCRIPTORS_UNTOLD, DRAIN_DEADLINE, DRAIN_GRACE, PULSE_DEADLINE};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sd_notify::NotifyState;
use std::future::Future;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{spawn_blocking, spawn_local};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

/// How the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to, and whoever waited has an answer, or waited longer than he was to.
    Drained,
    /// It was told to twice: who waited has none.
    AtOnce,
    /// A part of it is gone that nothing goes on without.
    Broken(&'static str),
}

/// Words that may wait: whoever is told to end is told it twice at most.
const MAX_WORDS: usize = 8;

/// What the daemon is told, or finds out.
#[derive(Clone, Copy, Debug)]
enum Word {
    End,
    Broken(&'static str),
}

/// The descriptors that this process may have; as many as it is allowed, if it wants them.
#[must_use]
pub fn descriptors() -> u64 {
    let wanted = Seats::descriptors_wanted();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((DESCRIPTORS_UNTOLD, DESCRIPTORS_UNTOLD));
    let better = wanted.min(hard);
    if soft < better && setrlimit(Resource::RLIMIT_NOFILE, better, hard).is_ok() { better } else { soft }
}

/// Serves at these places until it is told to end (SIGTERM, SIGINT). SIGHUP has `reload` look for another world, on a
/// thread that may wait for a disk; if there is none, the old one stays.
///
/// # Errors
/// If the system does not let it wait for signals.
pub async fn live<R>(
    places: Vec<Listening>,
    seats: Seats,
    engine: Rc<Engine>,
    counters: Arc<Counters>,
    reload: R,
) -> io::Result<Ended>
where
    R: Fn() -> Result<World, String> + Clone + Send + 'static,
{
    let (say, mut words) = mpsc::channel(MAX_WORDS);
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let (mut signals, say) = (signal(kind)?, say.clone());
        vital(&say.clone(), "the wait for a signal", async move {
            while signals.recv().await.is_some() {
                // Whoever has been told twice need not be told again.
                let _ = say.try_send(Word::End);
            }
        });
    }
    let hangups = signal(SignalKind::hangup())?;
    let front = Front::new(Rc::clone(&engine), Arc::clone(&counters));
    let askers = Gate::new(seats.askers, Arc::clone(&counters));
    let readers = Gate::new(seats.readers, Arc::clone(&counters));
    let (stop, stopped) = watch::channel(false);
    let status = answering(&places);
    counters.loaded.set(SystemClock.now());
    let names = places.iter().map(|place| place.place.clone()).collect();
    let pages = Watch::new(Rc::clone(&engine), Rc::clone(&front), names);
    for listening in places {
        let gate = if listening.protocol == Protocol::Http { &readers } else { &askers };
        let attending =
            attend(listening, Rc::clone(gate), Rc::clone(&front), Rc::clone(&pages), stopped.clone());
        vital(&say, "a place to listen at", attending);
    }
    vital(&say, "the pulse", keep_pulse(Rc::clone(&engine)));
    vital(&say, "the reload", keep_reloading(hangups, Rc::clone(&engine), counters, reload, status.clone()));
    let watched = Rc::clone(&engine);
    let tell = say.clone();
    vital(&say, "the watch over threads", async move {
        let thread = watched.lost().await;
        let _ = tell.send(Word::Broken(thread)).await;
    });
    info!("{status}");
    notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    if let Some(Word::Broken(part)) = words.recv().await {
        return Ok(broken(part));
    }
    info!("told to end: whoever has connected gets an answer, and nobody else is let in");
    notify(&[NotifyState::Stopping, NotifyState::Status("Answering those who wait already")]);
    stop.send_replace(true);
    match select(pin!(drain(&front, &askers)), pin!(words.recv())).await {
        Either::Left(_) => {
            // What the store was told before this comes back is on the disk.
            let _ = timeout(PULSE_DEADLINE, engine.write_down()).await;
            let _ = timeout(PULSE_DEADLINE, engine.settled()).await;
            Ok(Ended::Drained)
        }
        Either::Right((Some(Word::Broken(part)), _)) => Ok(broken(part)),
        Either::Right(_) => Ok(Ended::AtOnce),
    }
}

/// Lets those who asked have their answers.
async fn drain<A>(front: &Front<A>, askers: &Gate) {
    front.close();
    sleep(DRAIN_GRACE).await;
    // Whoever asked before has been heard by now.
    askers.send_the_waiting_home();
    let left = askers.emptied(DRAIN_DEADLINE).await;
    if left > 0 {
        warn!(left, "some did not get their answers in time, or did not take them");
    }
}

/// Runs a part that nothing goes on without: if it panics, the daemon ends, and systemd starts another one.
fn vital(say: &mpsc::Sender<Word>, part: &'static str, run: impl Future<Output = ()> + 'static) {
    let say = say.clone();
    spawn_local(async move {
        // Nothing of the part is used any more.
        if AssertUnwindSafe(run).catch_unwind().await.is_err() {
            let _ = say.send(Word::Broken(part)).await;
        }
    });
}

fn broken(part: &'static str) -> Ended {
    error!(
        part,
        "a mistake of ours: a part of the daemon is gone, which ends so that it can be started again"
    );
    Ended::Broken(part)
}

/// What systemd shows, and the log says at the start.
fn answering(places: &[Listening]) -> String {
    let places: Vec<String> =
        places.iter().map(|place| format!("{} at {}", place.protocol.word(), place.place)).collect();
    format!("Answering {}", places.join(", "))
}

/// Looks for another world as often as somebody says so.
async fn keep_reloading<R>(
    mut hangups: Signal,
    engine: Rc<Engine>,
    counters: Arc<Counters>,
    reload: R,
    status: String,
) where
    R: Fn() -> Result<World, String> + Clone + Send + 'static,
{
    while hangups.recv().await.is_some() {
        let now = NotifyState::monotonic_usec_now();
        notify(&now.map_or_else(|_| vec![NotifyState::Reloading], |now| vec![NotifyState::Reloading, now]));
        let end = match spawn_blocking(reload.clone()).await {
            Ok(Ok(world)) => {
                engine.renew(Arc::new(world));
                info!("the configuration was read again, and counts from now on");
                counters.loaded.set(SystemClock.now());
                ReloadEnd::Loaded
            }
            Ok(Err(why)) => {
                warn!(why, "the configuration was read again and cannot be used; the old one still counts");
                ReloadEnd::Kept
            }
            Err(_) => ReloadEnd::Kept,
        };
        counters.reloads.of(end).one();
        notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }
}

/// Tells systemd that all is well, as long as front, desk and store answer.
async fn keep_pulse(engine: Rc<Engine>) {
    let mut microseconds = 0;
    if !sd_notify::watchdog_enabled(false, &mut microseconds) {
        return;
    }
    // Three times within the time after which systemd gives up.
    let pause = Duration::from_micros(microseconds / 3);
    loop {
        match timeout(PULSE_DEADLINE, engine.pulse()).await {
            Ok(()) => notify(&[NotifyState::Watchdog]),
            Err(_) => warn!("a thread does not answer; systemd is not told that all is well"),
        }
        sleep(pause).await;
    }
}

/// Tells systemd, if it is there; nobody else is left to be told that it is not.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(false, states);
}
