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
mod tests {
    use super::*;
    use std::process::Command;

    /// Not a test: a run that hangs, from which the watchdog of the next one comes.
    #[test]
    #[ignore = "a part of the other test"]
    fn a_run_that_hangs() {
        start(Instant::now(), Format::Exim, Asker::Host);
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    #[test]
    fn what_hangs_ends_a_little_after_its_deadline_with_an_answer_that_defers() {
        let began = Instant::now();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::watchdog::tests::a_run_that_hangs", "--ignored"])
            .output()
            .unwrap();
        let took = began.elapsed();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(75), "{text}");
        assert!(text.contains("verdict=defer ") && text.ends_with(" reason=deadline"), "{text}");
        assert!(took >= WATCHDOG_GRACE && took < std::time::Duration::from_secs(30), "{took:?}");
    }
}
