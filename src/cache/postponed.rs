//! An older file that could not be taken over: for a while it is read as it is, and nobody tries again. Each attempt takes seconds where
//! the file is large, and as many are made as mail asks questions.

use super::error::CacheError;
use super::file::CachePath;
use crate::limits::TAKE_OVER_TRIED_AGAIN;
use crate::time::UnixTime;
use std::cell::RefCell;
use tracing::warn;

/// When the take-over of a file last failed, and why.
#[derive(Debug, Default)]
pub(super) struct Postponed(RefCell<Option<(UnixTime, CacheError)>>);

impl Postponed {
    /// Why it is not tried now, if it is not.
    pub(super) fn trouble(&self, now: UnixTime) -> Option<CacheError> {
        let failed = self.0.borrow();
        let (at, trouble) = failed.as_ref()?;
        // A clock that went back postpones nothing.
        (*at <= now && now.since(*at) < TAKE_OVER_TRIED_AGAIN).then(|| trouble.clone())
    }

    /// It failed now, which is said.
    pub(super) fn failed(&self, path: &CachePath, octets: u64, trouble: CacheError, now: UnixTime) {
        let (file, why) = (path.as_path().display().to_string(), trouble.to_string());
        let free = path.free_octets();
        let minutes = TAKE_OVER_TRIED_AGAIN / 60;
        warn!(
            file,
            octets,
            free,
            why,
            "the file of an earlier version cannot be taken over, which takes about as much free room as the file has; it is left as it \
             is, and the next attempt is in {minutes} minutes"
        );
        self.0.replace(Some((now, trouble)));
    }
}

#[cfg(test)]
mod tests;
