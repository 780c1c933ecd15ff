//! The cache that the store has open, from one errand to the next, and what is said of it: that it cannot be used, or that it is full.

use crate::cache::{Cache, CacheError, GaveWay, Heartbeat, Kept, Memory as _, Signs, Unkept, Write};
use crate::limits::CACHE_FULL_TOLD_AGAIN;
use crate::name::PolicyDomain;
use crate::serve::file_troubles::{FileTroubles, News};
use crate::serve::world::World;
use crate::time::Clock as _;
use crate::time::UnixTime;
use crate::time::clock::SystemClock;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::{info, warn};

/// Counts what others did to the files: what was read under an earlier number may not be there any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(u64);

/// What helps where the file is full.
const WHAT_HELPS: &str = "raise max_domains, or look with `cache list` at whose they are";

/// The cache that is open, and what was said of it lately.
#[derive(Debug, Default)]
pub(super) struct OpenCache {
    open: Option<Open>,
    /// Told that the thread is not stuck while it takes an older file over.
    heartbeat: Heartbeat,
    revision: Revision,
    /// What was wrong with the files when they were last looked at.
    trouble: Option<CacheError>,
    /// That policies are not kept because the file is full.
    full: Seldom,
    /// That domains of somebody's make room because it is.
    gave_way: Seldom,
    /// That policies do which refuse nothing.
    refusing_nothing: Seldom,
    /// What was said of files that cannot be used.
    troubles: FileTroubles,
}

/// What is said at first, and again when it still is so after some time.
#[derive(Debug, Default)]
struct Seldom(Option<UnixTime>);

impl Seldom {
    fn is_due(&mut self, now: UnixTime) -> bool {
        let is_due = self.0.is_none_or(|said| now.since(said) >= CACHE_FULL_TOLD_AGAIN);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// The cache of a world, and what was last seen of what others do to it.
#[derive(Debug)]
struct Open {
    world: Arc<World>,
    cache: Cache,
    signs: Signs,
}

impl OpenCache {
    /// None is open yet.
    pub(super) fn with_heartbeat(heartbeat: Heartbeat) -> Self {
        Self { heartbeat, ..Self::default() }
    }

    /// Closes it, with whatever was about to be done.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Does something with the cache of that world, now.
    pub(super) fn visit<T>(&mut self, world: &Arc<World>, errand: impl FnOnce(&Cache, Revision) -> T) -> T {
        let now = SystemClock.now();
        let before = self.open.take().filter(|open| open.world.storage == world.storage);
        let seen = before.as_ref().map(|open| open.signs);
        let opened = || world.cache(now).with_heartbeat(self.heartbeat.clone());
        let mut cache = before.map_or_else(opened, |open| open.cache);
        cache.revisit(now);
        let mut signs = cache.signs();
        self.tell(cache.trouble());
        if seen != Some(signs) {
            self.revision.0 = self.revision.0.saturating_add(1);
        }
        let done = errand(&cache, self.revision);
        self.tell_of_use(cache.trouble(), &cache.last_writes());
        if signs.lack_a_file() {
            // It may be there now, and then it is ours.
            signs = cache.signs();
        }
        self.open = Some(Open { world: Arc::clone(world), cache, signs });
        done
    }

    /// Writes down what look-ups left behind, in one commit.
    pub(super) fn write(
        &mut self,
        world: &Arc<World>,
        all: &[(&PolicyDomain, &[Write])],
    ) -> Vec<Result<(), Unkept>> {
        let (told, gave_way) = self.visit(world, |cache, _| (cache.apply_all(all), cache.what_gave_way()));
        self.tell_full(world, told.contains(&Err(Unkept::Full)), gave_way);
        told
    }

    /// Says that the file is so full that policies give way which refuse nothing, or are in force, or that new ones are not kept.
    fn tell_full(&mut self, world: &World, is_refused: bool, gave_way: GaveWay) {
        let now = SystemClock.now();
        let (file, most) = (world.storage.path.as_path().display().to_string(), world.storage.max_domains);
        // No mail goes otherwise for that: what is asked for again is fetched again.
        if gave_way.refusing_nothing && self.refusing_nothing.is_due(now) {
            info!(
                file,
                most,
                "the cache is full: policies that only report, or that no delivery met, give way to new ones; {WHAT_HELPS}"
            );
        }
        if let Some(owner) = gave_way.owner.filter(|_| self.gave_way.is_due(now)) {
            let (owner, full) = (owner.to_string(), Kept::FULL);
            warn!(
                file,
                most,
                owner,
                "{full}: those of whoever has most domains in it give way to new ones; {WHAT_HELPS}"
            );
        }
        if is_refused && self.full.is_due(now) {
            warn!(
                file,
                most,
                "{}: new ones are not kept, and count only for as long as they can be fetched; {WHAT_HELPS}",
                Kept::FULL
            );
        }
    }

    /// Says what went wrong with files that could be opened, such as a full disk: it comes anew with each thing that is to be kept. Of each
    /// file it is said by itself, and that it is over.
    fn tell_of_use(&mut self, unread: Option<CacheError>, writes: &[(PathBuf, Result<(), CacheError>)]) {
        let (known, now) = (self.trouble.clone(), SystemClock.now());
        for news in self.troubles.news(unread.as_ref(), writes, now) {
            match news {
                News::Trouble(trouble) if known.as_ref() == Some(&trouble) => {}
                News::Trouble(trouble) => warn_of(&trouble),
                News::Over(file) => {
                    // What was found out meanwhile is looked up again, and kept.
                    self.revision.0 = self.revision.0.saturating_add(1);
                    info!(file = %file.display(), "the cache can be written to again: what is new is kept");
                }
            }
        }
    }

    /// Says what is wrong with the files, once.
    fn tell(&mut self, trouble: Option<CacheError>) {
        if let Some(trouble) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            warn_of(trouble);
        }
        self.trouble = trouble;
    }
}

fn warn_of(trouble: &CacheError) {
    let why = trouble.to_string();
    let message_id = crate::serve::telemetry::messages::CACHE_UNUSABLE;
    if trouble.is_of_writing() {
        warn!(message_id, why, "the cache cannot be written to");
    } else {
        warn!(message_id, why, "the cache cannot be used");
    }
}
