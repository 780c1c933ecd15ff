//! A mistake of ours must not end in silence, in a stack trace inside somebody's mail header, or in a delivery.

use super::exit::ExitStatus;
use super::{output, probe};
use crate::config::Format;
use crate::reason::Reason;
use crate::render::exim::Asker;
use std::panic::PanicHookInfo;

/// From here on a panic prints one answer in the format asked for and ends the process as a failure of the program.
pub(super) fn install(format: Format, asker: Asker) {
    std::panic::set_hook(Box::new(move |panic| {
        output::failure(Reason::Internal, told(panic), format, asker);
        ExitStatus::Internal.leave()
    }));
}

/// The same for a plugin of Nagios, whose answer is another one.
pub(super) fn install_for_a_plugin() {
    std::panic::set_hook(Box::new(|panic| probe::unknown(&told(panic)).leave()));
}

/// The same for the daemon, which goes on: whoever runs the task or the thread hears of it, and answers or ends.
pub(super) fn install_for_the_daemon() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        tracing::error!(thread = thread.name(), what = told(panic), "a mistake of ours");
    }));
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let payload = panic.payload();
    let what = payload.downcast_ref::<&str>().copied();
    let what = what.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    format!("panic at {place}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Output};

    /// Runs one of the mistakes below in a process of its own, whose panics end it.
    fn mistake(test: &str) -> Output {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("cli::panic::tests::{test}"), "--ignored"]).output().unwrap()
    }

    #[test]
    #[ignore = "a part of the other tests"]
    fn of_a_delivery() {
        install(Format::Exim, Asker::Host);
        let numbers = [1, 2];
        // Known to nobody before it is tried, as those that matter are.
        let place = std::env::args().count() + 7;
        assert_eq!(numbers[place], 1);
    }

    #[test]
    #[ignore = "a part of the other tests"]
    fn of_a_thread_in_json() {
        install(Format::Json, Asker::Router);
        let _ = std::thread::spawn(|| panic!("a word with\nan end")).join();
        std::thread::sleep(std::time::Duration::from_secs(60));
    }

    #[test]
    #[ignore = "a part of the other tests"]
    fn of_a_plugin() {
        install_for_a_plugin();
        panic!("a word with\nan end");
    }

    /// The last lines on standard output, behind what the test program says of itself; and nothing on standard error.
    fn said(output: &Output) -> &str {
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = str::from_utf8(&output.stdout).unwrap();
        text.split_once("running 1 test\n").unwrap().1
    }

    #[test]
    fn a_mistake_of_ours_is_one_line_that_defers_and_exit_70() {
        let output = mistake("of_a_delivery");
        let line =
            said(&output).trim_start_matches("test cli::panic::tests::of_a_delivery - should panic ... ");
        let line = line.trim_start_matches("test cli::panic::tests::of_a_delivery ... ");
        assert_eq!(output.status.code(), Some(70), "{output:?}");
        assert!(line.starts_with("verdict=defer ") && line.contains(" reason=internal"), "{line}");
        assert!(line.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{line:?}");
        assert!(
            !line.contains("panic") && !line.contains("out of bounds"),
            "no word of it reaches a header: {line}"
        );
    }

    #[test]
    fn on_whatever_thread_and_in_the_format_that_was_asked_for() {
        let output = mistake("of_a_thread_in_json");
        assert_eq!(output.status.code(), Some(70), "{output:?}");
        let text = said(&output);
        let object: serde_json::Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        assert_eq!(
            (&object["verdict"], &object["reason"]),
            (&"defer".into(), &"internal".into()),
            "{object}"
        );
    }

    #[test]
    fn a_plugin_is_unknown_in_one_line() {
        let output = mistake("of_a_plugin");
        let text = said(&output);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text:?}");
        assert!(text.contains("UNKNOWN") && text.contains("panic"), "{text}");
    }
}
