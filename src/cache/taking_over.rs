//! How far the take-over of an older file is: the log says it, and whoever watches over the thread hears that it goes on. SQLite
//! tells of its work in steps of its virtual machine, and how many of them a row takes is known of each older file.

use crate::limits::{TAKE_OVER_STEPS, TAKE_OVER_TOLD_EVERY};
use rusqlite::Connection;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tracing::info;

/// What is called now and then while a file is being taken over, as long as that goes on.
#[derive(Clone)]
pub struct Heartbeat(Arc<dyn Fn() + Send + Sync>);

impl Heartbeat {
    /// This is to be called, from the thread that does the work.
    pub fn new(beat: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(beat))
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

    /// Takes a file over, and says so before, after, and now and then meanwhile.
    pub(super) fn during(
        &self,
        connection: &Connection,
        file: String,
        octets: u64,
        work: Option<Work>,
        heartbeat: &Heartbeat,
        act: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        info!(file, octets, "the file of an earlier version is taken over; many domains take some seconds");
        if let Some(Work { rows: statement, steps_a_row }) = work {
            let rows: i64 = connection.query_row(statement, [], |row| row.get(0))?;
            let rows = rows.unsigned_abs();
            let pace = Pace::new(rows.saturating_mul(steps_a_row), Instant::now());
            let (file, heartbeat) = (file.clone(), heartbeat.clone());
            self.set(Some(UnderWay { file, rows, pace, heartbeat }));
        }
        let done = act();
        self.set(None);
        if done.is_ok() {
            info!(file, "the file of an earlier version has been taken over");
        }
        done
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
