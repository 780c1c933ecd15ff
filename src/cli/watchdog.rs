//! The last resort against time: the deadline holds even while code computes or the disk hangs.

use super::output;
use crate::config::Format;
use crate::limits::WATCHDOG_GRACE;
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::render::human::Detail;
use crate::verify::NoEvaluation;
use std::time::Instant;

/// Ends the process with an answer a little after `deadline`, if nothing else did. Everything that waits has its own,
/// earlier end, so this is never heard of.
pub(super) fn start(deadline: Instant, format: Format, asker: Asker) {
    let bark = move || {
        std::thread::sleep((deadline + WATCHDOG_GRACE).saturating_duration_since(Instant::now()));
        let late = NoEvaluation::defer(Reason::Deadline, "the run did not end by itself in time");
        output::report(&late.into(), format, asker, Detail::Brief).leave()
    };
    // Without a thread to spare the other deadlines still hold.
    let _ = std::thread::Builder::new().name("watchdog".into()).spawn(bark);
}

#[cfg(test)]
mod tests;
