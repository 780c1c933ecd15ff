//! Whose turn it is to write, and for how long one waits for others.
//!
//! A turn is a lock (`flock`) on a file of its own beside the database: `cache.db.turn` beside `cache.db`. Whoever may open a file,
//! be it for reading only, may lock it, and then everybody waits for him. The directory and the database may be read by Exim's group
//! or by everybody; so the lock is on a file that nobody but the owner of the cache may open. (On the database itself it cannot be
//! in any case: to close a second descriptor of it drops SQLite's own locks.)
//!
//! Turns are for fairness only: who does not get one goes ahead, and SQLite's locks keep the file whole.

use super::cause::Cause;
use super::file::CachePath;
use crate::limits::{CACHE_EXPENDABLE_WAIT, CACHE_TURN_PAUSE, CACHE_WAITED_IN_VAIN};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Mode of a file that is there to be locked, by its owner only.
const LOCK_MODE: u32 = 0o600;

impl CachePath {
    /// Waits until no other process writes this file, for as long as the value is kept; `None` when patience ends, or where
    /// there are no such locks: then SQLite's own have to do.
    ///
    /// SQLite alone would be correct, but not fair: whoever asks for its write lock holds up whoever commits, and the
    /// latest comer asks most often. Here whoever has waited longest asks most often by far.
    pub(super) fn turn(&self, patience: Duration) -> Option<File> {
        let file = self.of_turns();
        file.keeps_the_rules().ok()?;
        let file = file.open_to_lock().ok()?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(TryLockError::Error(_)) => return None,
                Err(TryLockError::WouldBlock) => {}
            }
            let left = patience.checked_sub(began.elapsed()).filter(|left| !left.is_zero())?;
            let share = left.as_secs_f64() / patience.as_secs_f64();
            std::thread::sleep(CACHE_TURN_PAUSE.mul_f64(share * share).max(CACHE_TURN_PAUSE / 50));
        }
    }

    /// Opens a file that is there to be locked, and makes it if it is not there: nobody but its owner may open it.
    pub(super) fn open_to_lock(&self) -> io::Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(LOCK_MODE)
            .custom_flags(nix::fcntl::OFlag::O_NOFOLLOW.bits())
            .open(self.as_path())?;
        let meta = file.metadata()?;
        if meta.nlink() > 1 {
            return Err(io::Error::other("it has a second name (hard link)"));
        }
        // Somebody has widened it: as a restored backup or a `chmod -R` may.
        if meta.mode() & 0o777 != LOCK_MODE {
            file.set_permissions(Permissions::from_mode(LOCK_MODE))?;
        }
        Ok(file)
    }
}

/// For how long one file's writes wait for others: for their turn and for SQLite's lock together.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    whole: Duration,
    waits: Arc<Mutex<Waits>>,
}

/// What is waited for now, and what was waited for in vain.
#[derive(Debug, Default)]
struct Waits {
    /// When the wait that is under way ends.
    ends: Option<Instant>,
    turn_missed: Option<Instant>,
    lock_missed: Option<Instant>,
}

impl Patience {
    /// To wait for so long.
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, waits: Arc::default() }
    }

    /// Begins to write, once it is this process's turn or it has waited for that long enough. What is left of its patience is for
    /// SQLite's lock.
    pub(super) fn to_begin<T>(
        &self,
        path: &CachePath,
        begin: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<(Option<File>, T)> {
        let for_turn = self.waits().begin(self.whole, Instant::now());
        let turn = path.turn(for_turn);
        let begun = begin();
        let is_locked = begun.as_ref().is_err_and(|error| Cause::from(error) == Cause::Locked);
        self.waits().end(for_turn, turn.is_some(), !is_locked, Instant::now());
        Ok((turn, begun?))
    }

    /// Whether SQLite, which met somebody's lock at that moment, is to go on waiting for it.
    pub(super) fn lasts(&self, began: Instant) -> bool {
        let ends = self.waits().ends.unwrap_or(began + self.whole);
        Instant::now() < ends
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waits {
    /// A write begins; how long it waits for its turn. Whatever was waited for in vain lately is hardly waited for again: the next
    /// ones have no better luck, and each would hold up those behind it.
    fn begin(&mut self, whole: Duration, now: Instant) -> Duration {
        let is_missed = |at: Option<Instant>| {
            at.is_some_and(|at| now.saturating_duration_since(at) < CACHE_WAITED_IN_VAIN)
        };
        let whole = if is_missed(self.lock_missed) { whole.min(CACHE_EXPENDABLE_WAIT) } else { whole };
        self.ends = Some(now + whole);
        if is_missed(self.turn_missed) { Duration::ZERO } else { whole / 2 }
    }

    /// It has waited.
    fn end(&mut self, for_turn: Duration, has_turn: bool, has_lock: bool, now: Instant) {
        self.ends = None;
        if has_turn {
            self.turn_missed = None;
        } else if !for_turn.is_zero() {
            self.turn_missed = Some(now);
        }
        self.lock_missed = (!has_lock).then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::CACHE_BUSY_WAIT;

    #[test]
    fn whoever_locks_the_directory_takes_nobodys_turn() {
        let directory = tempfile::tempdir().unwrap();
        let path = CachePath::parse(&directory.path().join("cache.db")).unwrap();
        let strangers = File::open(directory.path()).unwrap();
        strangers.lock().unwrap();
        let turn = path.turn(Duration::ZERO);
        assert!(turn.is_some());
        assert!(path.turn(Duration::ZERO).is_none(), "another one has it");
        assert!(path.of_answers().turn(Duration::ZERO).is_some(), "that is another file");
        drop(turn);
        let lock = directory.path().join("cache.db.turn");
        let mode = || lock.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode(), 0o600, "nobody but its owner may open it");
        std::fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
        assert!(path.turn(Duration::ZERO).is_some());
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_turn_and_a_lock_share_one_patience_and_what_was_waited_for_in_vain_is_not_waited_for_again_soon() {
        let (mut waits, start, whole) = (Waits::default(), Instant::now(), CACHE_BUSY_WAIT);
        assert_eq!(waits.begin(whole, start), whole / 2);
        assert_eq!(waits.ends, Some(start + whole));
        // Somebody keeps the turn, and only that.
        let missed = start + whole / 2;
        waits.end(whole / 2, false, true, missed);
        let pause = CACHE_WAITED_IN_VAIN;
        for soon in [missed, missed + pause / 2] {
            assert_eq!(waits.begin(whole, soon), Duration::ZERO);
            assert_eq!(waits.ends, Some(soon + whole), "for the lock there is patience");
            waits.end(Duration::ZERO, false, true, soon);
        }
        assert_eq!(waits.begin(whole, missed + pause), whole / 2, "now and then it is tried again");
        // Somebody keeps the lock, too.
        let missed = missed + pause + whole;
        waits.end(whole / 2, false, false, missed);
        assert_eq!(waits.begin(whole, missed), Duration::ZERO);
        assert_eq!(waits.ends, Some(missed + CACHE_EXPENDABLE_WAIT));
        waits.end(Duration::ZERO, true, true, missed);
        assert_eq!(waits.begin(whole, missed), whole / 2, "it is over");
        assert_eq!(waits.ends, Some(missed + whole));
    }
}
