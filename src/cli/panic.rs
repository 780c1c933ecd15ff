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

/// The same for a command that no mail server starts: a line on standard error.
pub(super) fn install_for_a_person(command: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        output::complain(command, &told(panic), ExitStatus::Internal).leave()
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
    let place = panic.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}", in_its_crate(at.file()), at.line()),
    );
    let payload = panic.payload();
    let what = payload.downcast_ref::<&str>().copied();
    let what = what.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    format!("panic at {place}: {what}")
}

/// Where a file of the source lies in its crate, without where that lay when the program was built.
fn in_its_crate(file: &str) -> &str {
    if !file.starts_with('/') {
        return file;
    }
    let Some((before, _)) = file.rsplit_once("/src/") else {
        return file.rsplit('/').next().unwrap_or(file);
    };
    let its_crate = before.rfind('/').map_or(0, |slash| slash + 1);
    file.get(its_crate..).unwrap_or(file)
}

#[cfg(test)]
mod tests;
