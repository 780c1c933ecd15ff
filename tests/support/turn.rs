//! Turns, for tests that are measured by the clock and for those that take the whole machine.
//!
//! All tests of a program run side by side. Most of them do not mind a neighbour that takes the processor for a second; a
//! test that counts packets or bounds a delay by the clock does. It takes the turn before it looks at the clock, as does each
//! test that starts a crowd.

use tokio::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::const_new(());

/// Waits for the turn; it ends with the value.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// The same, where nothing else is waited for on this thread.
pub(crate) fn turn_of_this_thread() -> MutexGuard<'static, ()> {
    TURN.blocking_lock()
}
