//! One cache, asked at different times: the path runs in this process, with a clock that the test sets.

use super::laboratory::{Laboratory, path};
use smtp_sts_verify::cache::HistoryEntry;
use smtp_sts_verify::policy::Mode;
use smtp_sts_verify::time::clock::SystemClock;
use smtp_sts_verify::time::{Clock as _, UnixTime};
use smtp_sts_verify::verify::Report;
use std::path::PathBuf;

pub(crate) const HOUR: u64 = 3_600;
pub(crate) const DAY: u64 = 86_400;

/// One cache and the moment when it was new.
pub(crate) struct Life<'a> {
    lab: &'a Laboratory,
    cache: PathBuf,
    start: UnixTime,
}

impl<'a> Life<'a> {
    pub(crate) fn begin(lab: &'a Laboratory) -> Self {
        Self { lab, cache: lab.cache_file(), start: SystemClock.now() }
    }

    /// May mail for `domain` go to `host`, so many seconds after the beginning?
    pub(crate) fn ask(&self, after: u64, domain: &str, host: &str) -> Report {
        path::ask(self.lab, &self.cache, domain, Some(host), self.start.plus(after))
    }

    /// The same; `verdict`, `policy`, `tls` and `reason` of the answer.
    pub(crate) fn told(&self, after: u64, domain: &str, host: &str) -> [&'static str; 4] {
        path::words(&self.ask(after, domain, host))
    }

    /// What the cache tells of the policies of `domain`, each entry in words: what happened, how the policy is
    /// authenticated, and the modes before and after.
    pub(crate) fn history(&self, domain: &str) -> Vec<[&'static str; 4]> {
        let mode = |mode: Option<Mode>| mode.map_or("-", Mode::word);
        let words = |entry: HistoryEntry| {
            [entry.event.word(), entry.authentication.word(), mode(entry.before), mode(entry.after)]
        };
        path::history(self.lab, &self.cache, domain, self.start).into_iter().map(words).collect()
    }
}
