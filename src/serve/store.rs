//! The thread that has the files: SQLite may wait for a disk or for another process, and then only this thread does.
//!
//! The files stay open from one errand to the next; each errand first makes sure that they are still what lies under the
//! path. So `PRAGMA data_version` tells what others wrote: the command, an operator, `${run}` beside the daemon.
//!
//! What look-ups leave behind is written together as far as it waits together: while one commit waits for the disk, the next
//! ones gather, and share theirs. Whoever waits for such an errand is told after the commit that holds it. Errands that only
//! look go first, since nobody was told yet of what is about to be written; about a domain that is about to be written they
//! keep their place, and come after it.

mod open_cache;

pub use open_cache::Revision;

use crate::cache::{Cache, DomainSnapshot, Heartbeat, Unkept, Write};
use crate::limits::MAX_STORE_ERRANDS;
use crate::name::PolicyDomain;
use crate::serve::telemetry::counters::{Counters, Thread};
use crate::serve::world::World;
use futures_util::future::{Either, select};
use open_cache::OpenCache;
use std::collections::HashSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{Notify, mpsc, oneshot};

/// One piece of work for the thread.
enum Errand {
    /// To do something with the files that writes nothing.
    Look(Box<dyn FnOnce(&mut OpenCache) + Send>),
    /// To say what is known about a domain.
    Tell(Question),
    /// To write down what a look-up left behind.
    Write(LeftBehind),
}

/// What is known about that domain?
struct Question {
    world: Arc<World>,
    domain: PolicyDomain,
    tell: oneshot::Sender<(DomainSnapshot, Revision)>,
}

/// What a look-up left behind about a domain.
struct LeftBehind {
    world: Arc<World>,
    domain: PolicyDomain,
    writes: Vec<Write>,
    tell: oneshot::Sender<Result<(), Unkept>>,
}

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
            let moves = Arc::clone(&tell);
            let heartbeat = Heartbeat::new(move || moves.notify_waiters());
            let cache = OpenCache::with_heartbeat(heartbeat);
            let mut worker = StoreWorker { cache, counters, moves: tell };
            while let Some(first) = waiting.blocking_recv() {
                let more = std::iter::from_fn(|| waiting.try_recv().ok()).take(MAX_STORE_ERRANDS);
                worker.serve(std::iter::once(first).chain(more).collect());
            }
        })?;
        Ok((Self { errands, moves }, thread))
    }

    /// Has something looked up in the cache of that world, and waits for the outcome. It must write nothing.
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

    /// Has what a look-up left behind about a domain written down, and waits until the disk has it. What was begun is
    /// finished, whether or not anybody still waits. The inner error is why not all of it is kept.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn write(
        &self,
        world: &Arc<World>,
        domain: &PolicyDomain,
        writes: Vec<Write>,
    ) -> Result<Result<(), Unkept>, Gone> {
        let (tell, told) = oneshot::channel();
        let left_behind = LeftBehind { world: Arc::clone(world), domain: domain.clone(), writes, tell };
        self.errands.send(Errand::Write(left_behind)).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
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
        let (tell, told) = oneshot::channel();
        let question = Question { world: Arc::clone(world), domain: domain.clone(), tell };
        self.errands.send(Errand::Tell(question)).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
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
        let errand = Box::new(move |_: &mut OpenCache| {
            // Whoever asked may have left.
            let _ = tell.send(());
        });
        self.errands.send(Errand::Look(errand)).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
    }

    /// Waits until the store has done something, or a part of the take-over of an older file. Where many errands wait for another process's lock, each for its time, it is
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
        let errand = Box::new(move |cache: &mut OpenCache| {
            let done = cache.visit(&world, errand);
            // Whoever asked may have left.
            let _ = tell.send(done);
        });
        self.errands.send(Errand::Look(errand)).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
    }
}

/// Does the errands that wait, in the order that makes clients wait least.
struct StoreWorker {
    cache: OpenCache,
    counters: Arc<Counters>,
    moves: Arc<Notify>,
}

impl StoreWorker {
    fn serve(&mut self, errands: Vec<Errand>) {
        let (mut questions, mut writes, mut later) = (Vec::new(), Vec::new(), Vec::new());
        let mut awaited = HashSet::new();
        for errand in errands {
            match errand {
                Errand::Write(one) => {
                    awaited.insert(one.domain.clone());
                    writes.push(one);
                }
                Errand::Tell(one) if awaited.contains(&one.domain) => later.push(Errand::Tell(one)),
                Errand::Tell(one) => questions.push(one),
                // It may be about anything, and whoever waits until all is done means what was sent before.
                Errand::Look(one) if writes.is_empty() => drop(self.attempt(one)),
                look @ Errand::Look(_) => later.push(look),
            }
        }
        self.answer(questions);
        self.write(writes);
        for errand in later {
            match errand {
                Errand::Look(one) => drop(self.attempt(one)),
                Errand::Tell(one) => self.answer(vec![one]),
                Errand::Write(one) => self.write(vec![one]),
            }
        }
    }

    fn answer(&mut self, questions: Vec<Question>) {
        for (world, questions) in by_world(questions, |question| &question.world) {
            self.attempt(|cache| {
                let domains: Vec<PolicyDomain> = questions.iter().map(|one| one.domain.clone()).collect();
                let told = cache.visit(&world, |cache, revision| (cache.snapshots(&domains), revision));
                for (question, snapshot) in questions.into_iter().zip(told.0) {
                    // Whoever asked may have left.
                    let _ = question.tell.send((snapshot, told.1));
                }
            });
        }
    }

    fn write(&mut self, writes: Vec<LeftBehind>) {
        for (world, writes) in by_world(writes, |one| &one.world) {
            let told = match self.attempt(|cache| cache.write(&world, &all_of(&writes))) {
                Some(told) => told.into_iter().map(Some).collect(),
                None if writes.len() == 1 => vec![None],
                // Where all of it together meets a mistake of ours, each has another try, alone.
                None => writes.iter().map(|one| self.write_one(&world, one)).collect::<Vec<_>>(),
            };
            for (one, told) in writes.into_iter().zip(told) {
                // Whoever asked may have left.
                let _ = told.map(|told| one.tell.send(told));
            }
        }
    }

    fn write_one(&mut self, world: &Arc<World>, one: &LeftBehind) -> Option<Result<(), Unkept>> {
        self.attempt(|cache| cache.write(world, &all_of(std::slice::from_ref(one))))?.pop()
    }

    /// Does an errand, or some, which may panic without taking anything else along.
    fn attempt<T>(&mut self, errand: impl FnOnce(&mut OpenCache) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| errand(&mut self.cache))).ok();
        if done.is_none() {
            self.counters.panics.of(Thread::Store).one();
            // Whatever it was about to do is rolled back with the connections.
            self.cache.close();
        }
        self.moves.notify_waiters();
        done
    }
}

/// What look-ups left behind, each about its domain.
fn all_of(writes: &[LeftBehind]) -> Vec<(&PolicyDomain, &[Write])> {
    writes.iter().map(|one| (&one.domain, one.writes.as_slice())).collect()
}

/// What belongs to one world after the other, in order; nearly always to the same.
fn by_world<T>(all: Vec<T>, world: impl Fn(&T) -> &Arc<World>) -> Vec<(Arc<World>, Vec<T>)> {
    let mut groups: Vec<(Arc<World>, Vec<T>)> = Vec::new();
    for one in all {
        let its = Arc::clone(world(&one));
        match groups.last_mut() {
            Some((last, group)) if Arc::ptr_eq(last, &its) => group.push(one),
            _ => groups.push((its, vec![one])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::time::Duration;
    use tokio::time::timeout;

    #[test]
    fn no_pulse_is_felt_while_the_store_is_stuck_and_one_is_while_it_is_slow() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (store, _thread) = Store::open(Arc::default()).unwrap();
            timeout(Duration::from_secs(10), store.pulse()).await.expect("all is well").unwrap();
            let (begins, begun) = std::sync::mpsc::channel::<()>();
            let (go_on, stuck) = std::sync::mpsc::channel::<()>();
            let stuck = Arc::new(std::sync::Mutex::new(stuck));
            for _ in 0..100 {
                let (stuck, begins) = (Arc::clone(&stuck), begins.clone());
                let errand = Errand::Look(Box::new(move |_: &mut OpenCache| {
                    begins.send(()).unwrap_or_default();
                    stuck.lock().unwrap().recv().unwrap_or_default()
                }));
                store.errands.send(errand).await.unwrap();
            }
            begun.recv().unwrap();
            let mut pulse = pin!(store.pulse());
            assert!(poll!(pulse.as_mut()).is_pending(), "a disk hangs");
            go_on.send(()).unwrap();
            timeout(Duration::from_secs(10), pulse).await.expect("one is done, and others wait").unwrap();
            begun.recv().unwrap();
            let mut settled = pin!(store.settled());
            assert!(poll!(settled.as_mut()).is_pending(), "the next one hangs");
            drop(go_on);
            timeout(Duration::from_secs(10), settled).await.expect("all are done").unwrap();
        });
    }

    #[test]
    fn an_errand_that_panics_is_counted_and_takes_nothing_along() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let counters = Arc::new(Counters::default());
            let (store, _thread) = Store::open(Arc::clone(&counters)).unwrap();
            store
                .errands
                .send(Errand::Look(Box::new(|_| panic!("as a mistake of ours might"))))
                .await
                .unwrap();
            timeout(Duration::from_secs(10), store.settled()).await.expect("it goes on").unwrap();
            assert_eq!(counters.panics.of(Thread::Store).get(), 1);
        });
    }

    /// What takes the thread along: a panic whose message panics when it is let go.
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            // Nobody catches that one.
            panic!("as no mistake of ours has done yet");
        }
    }

    #[test]
    fn a_store_whose_thread_is_lost_is_known_to_be_gone_and_keeps_nobody_waiting() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (store, thread) = Store::open(Arc::default()).unwrap();
            let errand = Errand::Look(Box::new(|_| std::panic::panic_any(Last)));
            store.errands.send(errand).await.unwrap();
            timeout(Duration::from_secs(10), store.lost()).await.expect("the loss is told");
            assert!(thread.join().is_err());
            for waits in [store.settled().await, store.pulse().await] {
                assert_eq!(waits, Err(Gone));
            }
        });
    }
}
