//! The thread that has the files: SQLite may wait for a disk or for another process, and then only this thread does.

use super::world::World;
use crate::cache::Cache;
use crate::limits::MAX_STORE_ERRANDS;
use crate::time::{Clock as _, SystemClock};
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{mpsc, oneshot};

type Errand = Box<dyn FnOnce() + Send>;

/// The way to the store.
#[derive(Clone, Debug)]
pub struct Store {
    errands: mpsc::Sender<Errand>,
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
        let thread = Builder::new().name("store".into()).spawn(move || {
            while let Some(errand) = waiting.blocking_recv() {
                errand();
            }
        })?;
        Ok((Self { errands }, thread))
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
    pub async fn pulse(&self) -> Result<(), Gone> {
        let (tell, told) = oneshot::channel();
        let errand: Errand = Box::new(move || {
            // Whoever asked may have left.
            let _ = tell.send(());
        });
        self.errands.send(errand).await.map_err(|_| Gone)?;
        told.await.map_err(|_| Gone)
    }

    /// Waits until the thread is gone, which takes a mistake of ours.
    pub async fn lost(&self) {
        self.errands.closed().await;
    }
}
