//! The last resort against time: the deadline holds even while code computes or the disk hangs.

use super::output;
use crate::config::Format;
use crate::limits::WATCHDOG_GRACE;
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::render::human::Detail;
use crate::verify::NoEvaluation;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, Builder};
use std::time::Instant;

/// Somebody who watches over a run.
pub(super) struct Watchdog(Sender<(Instant, Format)>);

impl Watchdog {
    /// Has it wait for another deadline from now on, and answer in another format.
    pub(super) fn wait_for(&self, deadline: Instant, format: Format) {
        // Without the thread nobody hears it.
        let _ = self.0.send((deadline, format));
    }
}

/// Ends the process with an answer a little after `deadline`, if nothing else did. Everything that waits has its own,
/// earlier end, so this is never heard of.
pub(super) fn start(mut deadline: Instant, mut format: Format, asker: Asker) -> Watchdog {
    let (tell, told) = channel();
    let bark = move || {
        let left = |deadline: Instant| (deadline + WATCHDOG_GRACE).saturating_duration_since(Instant::now());
        loop {
            match told.recv_timeout(left(deadline)) {
                Ok(other) => (deadline, format) = other,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(left(deadline));
                    break;
                }
            }
        }
        let late = NoEvaluation::defer(Reason::Deadline, "the run did not end by itself in time");
        output::report(&late.into(), format, asker, Detail::Brief).leave()
    };
    // Without a thread to spare the other deadlines still hold.
    let _ = Builder::new().name("watchdog".into()).spawn(bark);
    Watchdog(tell)
}

#[cfg(test)]
mod tests;
