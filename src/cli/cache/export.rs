//! `cache export`: the policies for another host, so that it does not begin with trust on first use.

use super::sink::Sink;
use super::{CommandError, to_look_at};
use crate::cache::Cache;
use crate::cli::args::ExportArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::files::atomic::AtomicFile;
use crate::time::UnixTime;
use serde_json::json;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Nobody else may read an export.
const MODE: u32 = 0o600;

/// Runs the command.
pub(super) fn run(arguments: &ExportArguments) -> Result<ExitStatus, CommandError> {
    let (cache, now) = to_look_at(&arguments.outside)?;
    let Some(path) = arguments.output.as_deref().filter(|path| *path != Path::new("-")) else {
        let mut stdout = BufWriter::new(io::stdout());
        write(&cache, now, &mut stdout)?;
        stdout.flush()?;
        return Ok(ExitStatus::Deliver);
    };
    let blame = |failure| match failure {
        CommandError::Output(error) => {
            let why = format!(
                "{} cannot be written: {error}; started as root, the program is the owner of the cache's directory by \
                 now, and the shell can write where it cannot: cache export > FILE",
                path.display()
            );
            CommandError::Work(ExitStatus::Defer, why)
        }
        failure @ CommandError::Work(..) => failure,
    };
    let mut atomic_file = AtomicFile::beside(path, MODE).map_err(CommandError::Output).map_err(blame)?;
    let number = write(&cache, now, &mut atomic_file).map_err(blame)?;
    atomic_file.finish(path).map_err(CommandError::Output).map_err(blame)?;
    let mut sink = Sink::stdout();
    match arguments.format {
        Format::Json => sink.object(&json!({"exported": number}))?,
        Format::Human => {
            let named = if number == 1 { "policy" } else { "policies" };
            sink.line(&format!("exported {number} {named} to {}", path.display()))?;
        }
    }
    sink.flush()?;
    Ok(ExitStatus::Deliver)
}

/// The head, and each policy that has not ended; how many those were.
fn write(cache: &Cache, now: UnixTime, output: &mut impl Write) -> Result<u64, CommandError> {
    let host = nix::unistd::gethostname().map_err(io::Error::from)?;
    writeln!(output, "{}", cache.provenance(&host.to_string_lossy()).to_line())?;
    let mut number: u64 = 0;
    for policy in cache.all() {
        let policy = policy?;
        if policy.is_unexpired(now) {
            writeln!(output, "{}", policy.to_line())?;
            number = number.saturating_add(1);
        }
    }
    Ok(number)
}
