//! The thread that has the files: SQLite may wait for a disk or for another process, and then only this thread does.

use super::world::World;
use crate::cache::Cache;
use crate::limits::MAX_STORE_ERRANDS;
use crate::time::{Clock as _, SystemClock};
use futures_util::future::{Either, select};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{Notify, mpsc, oneshot};

type Errand = Box<dyn FnOnce() + Send>;

/// The way to the store.
#[derive(Clone, Debug)]
pub struct Store {
    errands: mpsc::Sender<Errand>,
    /// Told whenever an errand is done.
    moves: Arc<Notify>,
}

/// The store has gone, which takes a mistake of ours; nothing was read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl Store {
    /// Starts the thread; it ends when nobody can send it on errands any more.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn open() -> io::Result<(Self, JoinHandle<()>)> {
        let (errands, mut waiting) = mpsc::channel::<Errand>(MAX_STORE_ERRANDS);
        let moves = Arc::new(Notify::new());
        let tell = Arc::clone(&moves);
        let thread = Builder::new().name("store".into()).spawn(move || {
            while let Some(errand) = waiting.blocking_recv() {
                errand();
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
        let (tell, told) = oneshot::channel();
        let world = Arc::clone(world);
        let errand: Errand = Box::new(move || {
            // Whoever asked may have left.
            let _ = tell.send(errand(&world.cache(SystemClock.now())));
        });
        self.errands.send(errand).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
    }

    /// Waits until the store has done everything that it was told before.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn settled(&self) -> Result<(), Gone> {
        let (tell, told) = oneshot::channel();
        let errand: Errand = Box::new(move || {
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
}

#[cfg(test)]
mod tests {
    use super::super::desk::Desk;
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[test]
    fn no_pulse_is_felt_while_the_store_is_stuck_and_one_is_while_it_is_slow() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (store, _thread) = Store::open().unwrap();
            let (desk, _thread) = Desk::open(store.clone(), |_, _| ()).unwrap();
            timeout(Duration::from_secs(10), desk.pulse()).await.expect("all is well");
            let (go_on, stuck) = std::sync::mpsc::channel::<()>();
            let stuck = Arc::new(std::sync::Mutex::new(stuck));
            for _ in 0..100 {
                let stuck = Arc::clone(&stuck);
                let errand: Errand = Box::new(move || stuck.lock().unwrap().recv().unwrap_or_default());
                store.errands.send(errand).await.unwrap();
            }
            // The first may still be felt from before.
            let _ = timeout(Duration::from_millis(100), desk.pulse()).await;
            assert!(timeout(Duration::from_millis(100), desk.pulse()).await.is_err(), "a disk hangs");
            let slowly = std::thread::spawn(move || {
                (0..50).for_each(|_| {
                    std::thread::sleep(Duration::from_millis(5));
                    go_on.send(()).unwrap();
                });
                go_on
            });
            timeout(Duration::from_secs(10), desk.pulse()).await.expect("errands are done, and others wait");
            assert!(timeout(Duration::from_millis(300), store.settled()).await.is_err());
            drop(slowly.join().unwrap());
            timeout(Duration::from_secs(10), store.settled()).await.expect("all are done").unwrap();
        });
    }

    #[test]
    fn a_thread_that_is_gone_is_missed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (store, thread) = Store::open().unwrap();
            let (desk, _thread) = Desk::open(store.clone(), |_, _| ()).unwrap();
            store.errands.send(Box::new(|| panic!("as a mistake of ours might"))).await.unwrap();
            let lost = timeout(Duration::from_secs(10), desk.lost()).await;
            assert_eq!(lost, Ok("store"));
            assert!(thread.join().is_err());
            assert_eq!(store.settled().await, Err(Gone));
        });
    }
}
