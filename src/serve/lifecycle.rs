//! The life of the daemon: it becomes ready, reads its files again on SIGHUP, shows that it is alive, and ends
//! when nobody waits for an answer any more.

use crate::limits::{
    CONFIGURATION_TRIED_AGAIN, DESCRIPTORS_UNTOLD, DRAIN_DEADLINE, DRAIN_GRACE, MAX_LOG_VALUE,
    PULSE_DEADLINE, WITHHELD_WRITTEN_AFTER,
};
use crate::resources;
use crate::resources::aside;
use crate::serve::concurrency::ConcurrencyLimits;
use crate::serve::engine::Engine;
use crate::serve::front::connection_limiter::ConnectionLimiter;
use crate::serve::front::status_query::Watch;
use crate::serve::front::{Front, attend};
use crate::serve::listen::Listening;
use crate::serve::telemetry::counters::{Counters, Protocol, ReloadEnd};
use crate::serve::telemetry::messages::{CONFIGURATION_IS_OLDER, MISTAKE_OF_OURS, THREAD_IS_STUCK};
use crate::serve::tlsrpt::datagrams::Reception;
use crate::serve::world::World;
use crate::text::{Printable, excerpt};
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
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

/// How the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// On a signal: every client that waited has an answer, or its deadline has passed.
    Drained,
    /// On a second signal: clients that waited have no answer.
    AtOnce,
    /// A part of it is gone that nothing goes on without.
    Broken(&'static str),
}

/// Room for the two signals that count, and for a failure of each part.
const MAX_END_CAUSES: usize = 8;

/// Why the daemon ends.
#[derive(Clone, Copy, Debug)]
enum EndCause {
    End,
    Broken(&'static str),
}

/// The descriptors that this process may have; as many as it is allowed, if it wants them.
#[must_use]
pub fn descriptors() -> u64 {
    let wanted = ConcurrencyLimits::descriptors_wanted();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((DESCRIPTORS_UNTOLD, DESCRIPTORS_UNTOLD));
    let better = wanted.min(hard);
    if soft < better && setrlimit(Resource::RLIMIT_NOFILE, better, hard).is_ok() { better } else { soft }
}

/// How much at the same time; says so where that is less than it could be, and warns where mail waits for that.
///
/// # Errors
/// If nobody can ask with the descriptors that there are; says what helps.
pub fn limits() -> Result<ConcurrencyLimits, String> {
    let descriptors = descriptors();
    let (least, wanted) = (ConcurrencyLimits::descriptors_least(), ConcurrencyLimits::descriptors_wanted());
    if descriptors < least {
        return Err(format!(
            "this process may have {descriptors} descriptors, and nobody can ask with fewer than {least}: raise LimitNOFILE= of the \
             service (ulimit -n)"
        ));
    }
    let limits = ConcurrencyLimits::within(descriptors);
    if descriptors < wanted {
        let (look_ups, connections) = (limits.look_ups, limits.mta_connections_that_wait);
        if limits.hold_mail_up() {
            warn!(
                descriptors,
                look_ups,
                connections,
                wanted,
                "there are so few descriptors that mail may wait for its turn: only so many look-ups and connections at the same \
                 time; raise LimitNOFILE= of the service"
            );
        } else {
            info!(
                descriptors,
                look_ups,
                connections,
                wanted,
                "there are fewer descriptors than wanted: only so many look-ups and connections at the same time, which are enough \
                 for most; LimitNOFILE= of the service raises that"
            );
        }
    }
    Ok(limits)
}

/// Serves at these places until SIGTERM or SIGINT. SIGHUP has `reload` look for another world, on a
/// thread that may wait for a disk; if there is none, the old one stays. `older` says why the daemon began with an older
/// configuration than that of the file, if it did.
///
/// # Errors
/// If the system does not let it wait for signals.
pub async fn live<R>(
    places: Vec<Listening>,
    reception: Reception,
    limits: ConcurrencyLimits,
    engine: Rc<Engine>,
    counters: Arc<Counters>,
    older: Option<String>,
    reload: R,
) -> io::Result<Ended>
where
    R: Fn() -> Result<World, String> + Clone + Send + 'static,
{
    let (causes, mut ends) = mpsc::channel(MAX_END_CAUSES);
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let (mut signals, causes) = (signal(kind)?, causes.clone());
        vital(&causes.clone(), "the wait for a signal", async move {
            while signals.recv().await.is_some() {
                // A third signal changes nothing.
                let _ = causes.try_send(EndCause::End);
            }
        });
    }
    let hangups = signal(SignalKind::hangup())?;
    let front = Front::new(Rc::clone(&engine), Arc::clone(&counters));
    if let Some(why) = older {
        warn!(
            message_id = CONFIGURATION_IS_OLDER,
            why, "the configuration cannot be used; an older one is in force until it is mended"
        );
        front.older.replace(Some(why.into()));
    }
    let mta_connections = ConnectionLimiter::new(
        limits.mta_connections,
        limits.mta_connections_that_wait,
        Arc::clone(&counters),
    );
    let http_connections =
        ConnectionLimiter::new(limits.http_connections, limits.http_connections, Arc::clone(&counters));
    let (stop, stopped) = watch::channel(false);
    let answering = answering(&places);
    counters.loaded.set(SystemClock.now());
    let names = places.iter().map(|place| place.place.clone()).collect();
    let pages = Watch::new(Rc::clone(&engine), Rc::clone(&front), names);
    for (place, listening) in places.into_iter().enumerate() {
        let limiter = if listening.protocol == Protocol::Http { &http_connections } else { &mta_connections };
        let attending = attend(
            listening,
            place,
            Rc::clone(limiter),
            Rc::clone(&front),
            Rc::clone(&pages),
            stopped.clone(),
        );
        vital(&causes, "a place to listen at", attending);
    }
    vital(&causes, "the pulse", keep_pulse(Rc::clone(&engine)));
    vital(&causes, "the file of withheld answers", keep_writing(Rc::clone(&front)));
    vital(
        &causes,
        "the reload",
        keep_reloading(hangups, Rc::clone(&front), counters, reload, answering.clone()),
    );
    let watched = Rc::clone(&engine);
    let sender = causes.clone();
    vital(&causes, "the watch over threads", async move {
        let thread = watched.lost().await;
        let _ = sender.send(EndCause::Broken(thread)).await;
    });
    info!("{answering}");
    notify(&[NotifyState::Ready, NotifyState::Status(&status(&answering, &front))]);
    if let Some(EndCause::Broken(part)) = ends.recv().await {
        return Ok(broken(part));
    }
    info!("ending: connected clients get their answers, and no new connection is accepted");
    notify(&[NotifyState::Stopping, NotifyState::Status("Answering those who wait already")]);
    stop.send_replace(true);
    match select(pin!(drain(&front, &mta_connections)), pin!(ends.recv())).await {
        Either::Left(_) => {
            // A moment, and the last datagrams are with the recorder.
            let _ = timeout(PULSE_DEADLINE, aside(|| reception.end())).await;
            // All that the store was sent before this is on the disk.
            let _ = timeout(PULSE_DEADLINE, engine.write_down()).await;
            let _ = timeout(PULSE_DEADLINE, write_withheld(&front)).await;
            let _ = timeout(PULSE_DEADLINE, engine.settled()).await;
            Ok(Ended::Drained)
        }
        Either::Right((Some(EndCause::Broken(part)), _)) => Ok(broken(part)),
        Either::Right(_) => Ok(Ended::AtOnce),
    }
}

/// Lets those who asked have their answers.
async fn drain<A>(front: &Front<A>, mta_connections: &ConnectionLimiter) {
    front.close();
    sleep(DRAIN_GRACE).await;
    // Every request that was sent before has been read by now.
    mta_connections.close_evictable();
    let left = mta_connections.drained(DRAIN_DEADLINE).await;
    if left > 0 {
        warn!(left, "some did not get their answers in time, or did not take them");
    }
}

/// Runs a part that nothing goes on without: if it panics, the daemon ends, and systemd starts another one.
fn vital(causes: &mpsc::Sender<EndCause>, part: &'static str, run: impl Future<Output = ()> + 'static) {
    let causes = causes.clone();
    spawn_local(async move {
        // Nothing of the part is used any more.
        if AssertUnwindSafe(run).catch_unwind().await.is_err() {
            let _ = causes.send(EndCause::Broken(part)).await;
        }
    });
}

fn broken(part: &'static str) -> Ended {
    error!(
        message_id = MISTAKE_OF_OURS,
        part, "a bug: a part of the daemon is gone, which ends so that it can be started again"
    );
    Ended::Broken(part)
}

/// What systemd shows, and the log says at the start.
fn answering(places: &[Listening]) -> String {
    let places: Vec<String> =
        places.iter().map(|place| format!("{} at {}", place.protocol.word(), place.place)).collect();
    format!("Answering {}", places.join(", "))
}

/// The line that `systemctl status` shows.
fn status<A>(answering: &str, front: &Front<A>) -> String {
    match front.older.borrow().as_deref() {
        None => answering.to_owned(),
        Some(why) => {
            format!(
                "An older configuration is in force: {}. {answering}",
                Printable(&excerpt(why, MAX_LOG_VALUE))
            )
        }
    }
}

/// Looks for another world as often as somebody says so; and while an older configuration is in force, whether that of the
/// file has been mended.
async fn keep_reloading<R>(
    mut hangups: Signal,
    front: Rc<Front<Rc<Engine>>>,
    counters: Arc<Counters>,
    reload: R,
    answering: String,
) where
    R: Fn() -> Result<World, String> + Clone + Send + 'static,
{
    loop {
        let is_older = front.older.borrow().is_some();
        let is_asked = if is_older {
            timeout(CONFIGURATION_TRIED_AGAIN, hangups.recv()).await.is_ok()
        } else if hangups.recv().await.is_none() {
            return;
        } else {
            true
        };
        if is_asked {
            let now = NotifyState::monotonic_usec_now();
            notify(
                &now.map_or_else(|_| vec![NotifyState::Reloading], |now| vec![NotifyState::Reloading, now]),
            );
        }
        let end = match aside(reload.clone()).await {
            Ok(Ok(world)) => {
                front.answers.reload(world);
                front.older.replace(None);
                info!("the configuration was read again, and counts from now on");
                counters.loaded.set(SystemClock.now());
                ReloadEnd::Loaded
            }
            Ok(Err(why)) => {
                let is_news = front.older.borrow().as_deref() != Some(&why);
                if is_asked || is_news {
                    let why = why.as_str();
                    warn!(
                        why,
                        "the configuration was read again and cannot be used; the old one still counts"
                    );
                }
                front.older.replace(Some(why.into()));
                ReloadEnd::Kept
            }
            Err(error) => {
                let why = resources::of_a_start(&error);
                warn!(why, "the configuration was not read again; the old one still counts");
                ReloadEnd::Kept
            }
        };
        if is_asked || end == ReloadEnd::Loaded {
            counters.reloads.of(end).one();
            notify(&[NotifyState::Ready, NotifyState::Status(&status(&answering, &front))]);
        }
    }
}

/// Writes down, now and then, which answers withheld mail.
async fn keep_writing(front: Rc<Front<Rc<Engine>>>) {
    loop {
        sleep(WITHHELD_WRITTEN_AFTER).await;
        write_withheld(&front).await;
    }
}

async fn write_withheld(front: &Front<Rc<Engine>>) {
    let answers = front.unwritten.take();
    if !answers.is_empty() {
        front.answers.keep_withheld(answers).await;
    }
}

/// Tells systemd that all is well, as long as front, lookup worker and store answer.
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
            Err(_) => warn!(
                message_id = THREAD_IS_STUCK,
                "a thread does not answer; the watchdog of systemd is not notified"
            ),
        }
        sleep(pause).await;
    }
}

/// Notifies systemd, if it runs this process.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(false, states);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::seats::asker::Peer;
    use tokio::task::LocalSet;
    use tokio::time::Instant;

    /// Ten seconds behind the tenth of one in which idle connections are still read.
    #[tokio::test(start_paused = true)]
    async fn whoever_still_waits_when_the_daemon_ends_is_waited_for_ten_seconds() {
        let (grace, most) = (Duration::from_millis(100), Duration::from_secs(10));
        let moment = Duration::from_millis(5);
        for (answered_after, expected) in [
            (moment, grace),
            (most - moment, most - moment),
            (grace + most - moment, grace + most - moment),
            (grace + most + moment, grace + most),
        ] {
            let counters = Arc::new(Counters::default());
            let front = Front::new((), Arc::clone(&counters));
            let limiter = ConnectionLimiter::new(1, 1, counters);
            let permit = limiter.acquire(Protocol::Exim, Peer::default()).await;
            permit.mark_protected();
            let began = Instant::now();
            let asker = async {
                sleep(answered_after).await;
                drop(permit);
            };
            let drained = async {
                drain(&front, &limiter).await;
                began.elapsed()
            };
            let (took, ()) = futures_util::join!(drained, asker);
            assert!(front.is_closing());
            assert!((expected..expected + Duration::from_millis(2)).contains(&took), "{took:?} {expected:?}");
        }
    }

    #[test]
    fn a_vital_part_that_panics_ends_the_daemon_and_one_that_ends_does_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let (causes, mut ends) = mpsc::channel(MAX_END_CAUSES);
            vital(&causes, "what comes to its end", async {});
            vital(&causes, "the pulse", async { panic!("as a mistake of ours might") });
            drop(causes);
            assert!(matches!(ends.recv().await, Some(EndCause::Broken("the pulse"))));
            assert!(ends.recv().await.is_none(), "nothing else ends it");
        });
        assert_eq!(broken("the pulse"), Ended::Broken("the pulse"));
    }
}
