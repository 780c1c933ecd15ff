//! The clock of this machine: the only place that reads the wall clock.

use super::{Clock, UnixTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wall clock of this machine, in whole seconds since 1970: zero, if it stands before that. Administrators and time servers set it, so it may step.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> UnixTime {
        UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs())
    }
}
