//! The last step of every run: text to standard output, and what follows if nobody takes it.

use super::exit::ExitStatus;
use crate::config::Format;
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::render::human::Detail;
use crate::render::{exim, human, json};
use crate::text::Escaped;
use crate::verify::{NoEvaluation, Report};
use std::io::{self, Write as _};
use std::sync::OnceLock;

/// Writes the answer.
pub(super) fn report(report: &Report, format: Format, asker: Asker, detail: Detail) -> ExitStatus {
    let text = match format {
        Format::Exim => exim::line(report, asker),
        Format::Human => human::page(report, detail, super::terminal::paint()),
        Format::Json => json::object(report, asker) + "\n",
    };
    let status = ExitStatus::of(report);
    match written(&text, status) {
        Ok(status) => status,
        // An answer that nobody could read is none: the mail waits. Exim would take words of ours for a part of one.
        Err(_) if format == Format::Exim => ExitStatus::Defer,
        Err(error) => {
            not_taken(&error, status);
            ExitStatus::Defer
        }
    }
}

/// Writes what somebody asked for who is no mail server, and keeps the status, unless it cannot be written.
pub(super) fn write(text: &str, status: ExitStatus) -> ExitStatus {
    written(text, status).unwrap_or_else(|error| not_taken(&error, status))
}

/// Whether a pipe takes no more because its reader has gone. He has what he wanted, as `head` does: nothing has failed.
pub(super) fn reader_has_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// What follows if standard output takes no more. Where its reader has gone, the status stays. Everything else is told.
pub(super) fn not_taken(error: &io::Error, status: ExitStatus) -> ExitStatus {
    if reader_has_gone(error) {
        return status;
    }
    // Nobody is left to tell if this fails, too.
    let _ = writeln!(io::stderr(), "smtp-sts-verify: the output cannot be written: {error}");
    ExitStatus::Defer
}

/// Writes `text`, once in the life of a process; the status that counts.
fn written(text: &str, status: ExitStatus) -> io::Result<ExitStatus> {
    // The watchdog may bark while the answer is on its way, or after it: one answer is all there is, with its status.
    static ANSWERED: OnceLock<ExitStatus> = OnceLock::new();
    if ANSWERED.set(status).is_err() {
        return Ok(ANSWERED.get().copied().unwrap_or(status));
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(status)
}

/// Help and version as they are; a mistake on the command line as an answer that Exim can read.
pub(super) fn usage(error: &clap::Error, format: Format, asker: Asker) -> ExitStatus {
    let text = error.render().to_string();
    if !error.use_stderr() {
        return write(&text, ExitStatus::Deliver);
    }
    failure(Reason::Usage, super::usage::sentence(error), format, asker)
}

/// An answer without an evaluation: the mail waits.
pub(super) fn failure(reason: Reason, why: String, format: Format, asker: Asker) -> ExitStatus {
    report(&NoEvaluation::defer(reason, why).into(), format, asker, Detail::Brief)
}

/// What keeps a command that no mail server starts from its work, for the person who did.
pub(super) fn complain(command: &str, why: &str, status: ExitStatus) -> ExitStatus {
    // Nobody is left to tell if this fails, too.
    let _ = writeln!(io::stderr(), "smtp-sts-verify {command}: {}", Escaped(why));
    status
}
