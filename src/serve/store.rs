//! The thread that has the files: SQLite may wait for a disk or for another process, and then only this thread does.
//!
//! The files stay open from one errand to the next; each errand first makes sure that they are still what lies under the
//! path. So `PRAGMA data_version` tells what others wrote: the command, an operator, `${run}` beside the daemon.

use super::counters::{Counters, Thread};
use super::world::World;
use crate::cache::{Cache, CacheError, DomainSnapshot, Memory as _, Signs};
use crate::limits::MAX_STORE_ERRANDS;
use crate::name::PolicyDomain;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use futures_util::future::{Either, select};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::warn;

type Errand = Box<dyn FnOnce(&mut Keeper) + Send>;

/// The way to the store.
#[derive(Clone, Debug)]
pub struct Store {
    errands: mpsc::Sender<Errand>,
    /// Told whenever an errand is done.
    moves: Arc<Notify>,
}

/// The store has gone, or the errand failed, which takes a mistake of ours; nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Counts what others did to the files: what was read under an earlier number may not be there any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(u64);

impl Store {
    /// Starts the thread; it ends when nobody can send it on errands any more.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn open(counters: Arc<Counters>) -> io::Result<(Self, JoinHandle<()>)> {
        let (errands, mut waiting) = mpsc::channel::<Errand>(MAX_STORE_ERRANDS);
        let moves = Arc::new(Notify::new());
        let tell = Arc::clone(&moves);
        let thread = Builder::new().name("store".into()).spawn(move || {
            let mut keeper = Keeper::default();
            while let Some(errand) = waiting.blocking_recv() {
                if catch_unwind(AssertUnwindSafe(|| errand(&mut keeper))).is_err() {
                    counters.panics.of(Thread::Store).one();
                    // Whatever it was about to do is rolled back with the connections.
                    keeper.open = None;
                }
                tell.notify_waiters();
            }
        })?;
        Ok((Self { errands, moves }, thread))
    }

    /// Has something done with the cache of that world, and waits for the outcome. What was begun is finished, whether or
    /// not anybody still waits.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn ask<T: Send + 'static>(
        &self,
        world: &Arc<World>,
        errand: impl FnOnce(&Cache) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        self.visit(world, |cache, _| errand(cache)).await
    }

    /// What is known about a domain, and the revision that says so.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn snapshot(
        &self,
        world: &Arc<World>,
        domain: &PolicyDomain,
    ) -> Result<(DomainSnapshot, Revision), Gone> {
        let domain = domain.clone();
        self.visit(world, move |cache, revision| (DomainSnapshot::of(cache, &domain), revision)).await
    }

    /// The revision that is there now.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn revision(&self, world: &Arc<World>) -> Result<Revision, Gone> {
        self.visit(world, |_, revision| revision).await
    }

    /// Waits until the store has done everything that it was told before.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn settled(&self) -> Result<(), Gone> {
        let (tell, told) = oneshot::channel();
        let errand: Errand = Box::new(move |_| {
            // Whoever asked may have left.
            let _ = tell.send(());
        });
        self.errands.send(errand).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
    }

    /// Waits until the store has done something. Where many errands wait for another process's lock, each for its time, it is
    /// slow, but not stuck.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn pulse(&self) -> Result<(), Gone> {
        let mut moves = pin!(self.moves.notified());
        moves.as_mut().enable();
        match select(moves, pin!(self.settled())).await {
            Either::Left(_) => Ok(()),
            Either::Right((settled, _)) => settled,
        }
    }

    /// Waits until the thread is gone, which takes a mistake of ours.
    pub async fn lost(&self) {
        self.errands.closed().await;
    }

    async fn visit<T: Send + 'static>(
        &self,
        world: &Arc<World>,
        errand: impl FnOnce(&Cache, Revision) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (tell, told) = oneshot::channel();
        let world = Arc::clone(world);
        let errand: Errand = Box::new(move |keeper| {
            let done = keeper.visit(&world, errand);
            // Whoever asked may have left.
            let _ = tell.send(done);
        });
        self.errands.send(errand).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
    }
}

/// Has the files open.
#[derive(Debug, Default)]
struct Keeper {
    open: Option<Open>,
    revision: Revision,
    /// What was wrong with the files when they were last looked at.
    trouble: Option<CacheError>,
}

/// The cache of a world, and what was last seen of what others do to it.
#[derive(Debug)]
struct Open {
    world: Arc<World>,
    cache: Cache,
    signs: Signs,
}

impl Keeper {
    /// Does something with the cache of that world, now.
    fn visit<T>(&mut self, world: &Arc<World>, errand: impl FnOnce(&Cache, Revision) -> T) -> T {
        let now = SystemClock.now();
        let before = self.open.take().filter(|open| open.world.storage == world.storage);
        let seen = before.as_ref().map(|open| open.signs);
        let mut cache = before.map_or_else(|| world.cache(now), |open| open.cache);
        cache.revisit(now);
        let mut signs = cache.signs();
        self.tell(cache.trouble());
        if seen != Some(signs) {
            self.revision.0 = self.revision.0.saturating_add(1);
        }
        let done = errand(&cache, self.revision);
        if signs.lack_a_file() {
            // It may be there now, and then it is ours.
            signs = cache.signs();
        }
        self.open = Some(Open { world: Arc::clone(world), cache, signs });
        done
    }

    /// Says what is wrong with the files, once.
    fn tell(&mut self, trouble: Option<CacheError>) {
        if let Some(trouble) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            let why = trouble.to_string();
            warn!(message_id = super::messages::CACHE_UNUSABLE, why, "the cache cannot be used");
        }
        self.trouble = trouble;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[test]
    fn no_pulse_is_felt_while_the_store_is_stuck_and_one_is_while_it_is_slow() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (store, _thread) = Store::open(Arc::default()).unwrap();
            timeout(Duration::from_secs(10), store.pulse()).await.expect("all is well").unwrap();
            let (go_on, stuck) = std::sync::mpsc::channel::<()>();
            let stuck = Arc::new(std::sync::Mutex::new(stuck));
            for _ in 0..100 {
                let stuck = Arc::clone(&stuck);
                let errand: Errand = Box::new(move |_| stuck.lock().unwrap().recv().unwrap_or_default());
                store.errands.send(errand).await.unwrap();
            }
            // The first may still be felt from before.
            let _ = timeout(Duration::from_millis(100), store.pulse()).await;
            assert!(timeout(Duration::from_millis(100), store.pulse()).await.is_err(), "a disk hangs");
            let slowly = std::thread::spawn(move || {
                (0..50).for_each(|_| {
                    std::thread::sleep(Duration::from_millis(5));
                    go_on.send(()).unwrap();
                });
                go_on
            });
            let slow = timeout(Duration::from_secs(10), store.pulse()).await;
            slow.expect("errands are done, and others wait").unwrap();
            assert!(timeout(Duration::from_millis(300), store.settled()).await.is_err());
            drop(slowly.join().unwrap());
            timeout(Duration::from_secs(10), store.settled()).await.expect("all are done").unwrap();
        });
    }

    #[test]
    fn an_errand_that_panics_is_counted_and_takes_nothing_along() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let counters = Arc::new(Counters::default());
            let (store, _thread) = Store::open(Arc::clone(&counters)).unwrap();
            store.errands.send(Box::new(|_| panic!("as a mistake of ours might"))).await.unwrap();
            timeout(Duration::from_secs(10), store.settled()).await.expect("it goes on").unwrap();
            assert_eq!(counters.panics.of(Thread::Store).get(), 1);
        });
    }
}
