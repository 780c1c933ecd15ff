//! How far the take-over of an older file is: the log says it, and whoever watches over the thread hears that it goes on. SQLite
//! tells of its work in steps of its virtual machine, and how many of them a row takes is known of each older file.

use crate::limits::{TAKE_OVER_STEPS, TAKE_OVER_TOLD_EVERY};
use rusqlite::{Connection, Transaction};
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};
use tracing::info;

/// One pause of a heart that beats by itself.
const HEARTBEAT_PAUSE: Duration = Duration::from_millis(100);

/// What is called now and then while a file is being taken over, as long as that goes on.
#[derive(Clone)]
pub struct Heartbeat(Arc<dyn Fn() + Send + Sync>);

impl Heartbeat {
    /// This is to be called, from whatever thread.
    pub fn new(beat: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(beat))
    }

    /// Beats while something is done that does not tell how far it is: the disk takes what was written. Some hundred megabytes may
    /// take it a minute, and whoever ended the daemon meanwhile would have it begin anew; a disk that hangs is not mended by that either.
    fn during<T>(&self, act: impl FnOnce() -> T) -> T {
        let (doing, done) = channel::<()>();
        thread::scope(|scope| {
            // Without a thread to spare it is silent meanwhile.
            let _beating = Builder::new().name("heartbeat".into()).spawn_scoped(scope, move || {
                while done.recv_timeout(HEARTBEAT_PAUSE) == Err(RecvTimeoutError::Timeout) {
                    (self.0)();
                }
            });
            let acted = act();
            drop(doing);
            acted
        })
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new(|| {})
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heartbeat")
    }
}

/// How much there is to do with an older file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// The statement that counts its rows.
    pub(super) rows: &'static str,
    /// Steps of SQLite's that the take-over needs for each of them; measured, and held by a test.
    pub(super) steps_a_row: u64,
}

/// The take-over that is under way on a connection, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct TakingOver(Arc<Mutex<Option<UnderWay>>>);

#[derive(Debug)]
struct UnderWay {
    file: String,
    rows: u64,
    pace: Pace,
    heartbeat: Heartbeat,
}

impl TakingOver {
    /// Has SQLite tell of its work on that connection.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let here = self.clone();
        connection.progress_handler(
            TAKE_OVER_STEPS,
            Some(move || {
                here.goes_on(Instant::now());
                // It is not to be interrupted.
                false
            }),
        )
    }

    /// Says that a file is taken over, and from now on how far that is; what follows on the connection is that work, until what
    /// this returns has committed it, or is dropped.
    pub(super) fn begin(
        &self,
        connection: &Connection,
        file: String,
        octets: u64,
        work: Option<Work>,
        heartbeat: &Heartbeat,
    ) -> rusqlite::Result<Begun> {
        info!(file, octets, "the file of an earlier version is taken over; many domains take some seconds");
        if let Some(Work { rows: statement, steps_a_row }) = work {
            let rows: i64 = connection.query_row(statement, [], |row| row.get(0))?;
            let rows = rows.unsigned_abs();
            let pace = Pace::new(rows.saturating_mul(steps_a_row), Instant::now());
            self.set(Some(UnderWay { file: file.clone(), rows, pace, heartbeat: heartbeat.clone() }));
        }
        Ok(Begun { taking_over: self.clone(), file, heartbeat: heartbeat.clone() })
    }

    fn set(&self, under_way: Option<UnderWay>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = under_way;
    }

    /// SQLite has done [`TAKE_OVER_STEPS`] more.
    fn goes_on(&self, now: Instant) {
        if let Some(UnderWay { file, rows, pace, heartbeat }) =
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        {
            (heartbeat.0)();
            if let Some(percent) = pace.step(now) {
                info!(file, rows, percent, "the file of an earlier version is still being taken over");
            }
        }
    }
}

/// A take-over that has begun. Whoever drops it gives it up.
#[derive(Debug)]
pub(super) struct Begun {
    taking_over: TakingOver,
    file: String,
    heartbeat: Heartbeat,
}

impl Begun {
    /// Commits what was done, and says that it is over once the disk has it.
    pub(super) fn commit(self, transaction: Transaction<'_>) -> rusqlite::Result<()> {
        self.heartbeat.during(|| transaction.commit())?;
        info!(file = self.file, "the file of an earlier version has been taken over");
        Ok(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.taking_over.set(None);
    }
}

/// How far it is, and when that is said.
#[derive(Debug)]
struct Pace {
    expected: u64,
    done: u64,
    told: Instant,
}

impl Pace {
    const fn new(expected: u64, now: Instant) -> Self {
        Self { expected, done: 0, told: now }
    }

    /// [`TAKE_OVER_STEPS`] more are done; about how many per cent that makes, if it is time to say so.
    fn step(&mut self, now: Instant) -> Option<u64> {
        self.done = self.done.saturating_add(u64::from(TAKE_OVER_STEPS.unsigned_abs()));
        if now.saturating_duration_since(self.told) < TAKE_OVER_TOLD_EVERY {
            return None;
        }
        self.told = now;
        // It is an estimate, and not over before its end.
        Some((self.done.saturating_mul(100) / self.expected.max(1)).min(99))
    }
}

#[cfg(test)]
mod tests;
