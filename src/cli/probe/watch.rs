//! `probe` for those who watch machines: a plugin of Nagios, and a file for Prometheus's node exporter.

use super::{BATCH_IS_JSON, ProbeArguments, probes};
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::{output, panic};
use crate::files::atomic::AtomicFile;
use crate::files::{Links, open_ordinary};
use crate::limits::MAX_EXPOSITION_OCTETS;
use crate::monitoring::Summary;
use crate::monitoring::nagios::{self, State, Thresholds};
use crate::monitoring::prometheus::exposition;
use crate::monitoring::remembered::Remembered;
use crate::name::PolicyDomain;
use crate::text::Escaped;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// Whoever runs the node exporter may read the file, and so may everybody: what stands in it can be learnt by asking.
const MODE: u32 = 0o644;

/// Whether the program is started as a plugin, before the command line is understood: then a mistake in it is one line on
/// standard output, too.
pub(in crate::cli) fn is_a_plugin(arguments: &[OsString]) -> bool {
    let words: Vec<&[u8]> = arguments.iter().skip(1).map(|word| word.as_encoded_bytes()).collect();
    let asks_for_it = |pair: &[&[u8]]| matches!(pair, [b"--format", b"nagios"]);
    words.first() == Some(&b"probe".as_slice())
        && (words.contains(&b"--format=nagios".as_slice()) || words.windows(2).any(asks_for_it))
}

/// The plugin's answer where nobody could be asked.
pub(in crate::cli) fn unknown(why: &str) -> ExitStatus {
    tell(nagios::unknown(why))
}

fn tell((state, line): (State, String)) -> ExitStatus {
    output::write(&line, ExitStatus::Own(state.code()))
}

/// Answers as a plugin does: with one line and the state, whatever happens.
pub(super) fn nagios(arguments: &ProbeArguments) -> ExitStatus {
    panic::install_for_a_plugin();
    plugin(arguments).map_or_else(|Failure(_, why)| unknown(&why), tell)
}

fn plugin(arguments: &ProbeArguments) -> Result<(State, String), Failure> {
    if arguments.many.batch.is_some() {
        return Err(Failure::usage(BATCH_IS_JSON.to_owned()));
    }
    let thresholds = Thresholds::days(arguments.warning, arguments.critical)
        .map_err(|why| Failure::usage(why.to_string()))?;
    Ok(nagios::line(&summaries(arguments)?, thresholds))
}

/// Writes the series, to the file or to standard output.
pub(super) fn prometheus(arguments: &ProbeArguments) -> Result<ExitStatus, Failure> {
    let Some(path) = arguments.output.as_deref().filter(|path| *path != Path::new("-")) else {
        let text = exposition(&summaries(arguments)?, &Remembered::default());
        return Ok(output::write(&text, ExitStatus::Deliver));
    };
    let domains = super::domains(arguments)?;
    let summaries = summaries(arguments)?;
    let unwritten = |error: io::Error| {
        let why =
            "whoever starts the program has to own the directory, and as root it is the owner of the cache's";
        Failure(ExitStatus::Defer, format!("{} cannot be written: {error} ({why})", path.display()))
    };
    let mut atomic_file = AtomicFile::beside(path, MODE).map_err(unwritten)?;
    let text = exposition(&summaries, &remembered(path, &domains));
    atomic_file.write_all(text.as_bytes()).map_err(unwritten)?;
    atomic_file.finish(path).map_err(unwritten)?;
    Ok(ExitStatus::Deliver)
}

fn summaries(arguments: &ProbeArguments) -> Result<Vec<Summary>, Failure> {
    probes(arguments, |probe| Summary::of(&probe))
}

/// What stands in the file of the last run, if there is one; without it, what is not seen now is not known.
fn remembered(path: &Path, domains: &[PolicyDomain]) -> Remembered {
    match read(path) {
        Ok(text) => Remembered::read(&text, domains, SystemClock.now()),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                let what = format!("{} is not read, but replaced: {error}", path.display());
                // Nobody is left to tell if this fails.
                let _ = writeln!(io::stderr(), "smtp-sts-verify probe: {}", Escaped(&what));
            }
            Remembered::default()
        }
    }
}

/// An ordinary file of a bounded length; no link, and nothing that makes its reader wait.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open_ordinary(path, Links::Refused)?.take(MAX_EXPOSITION_OCTETS).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_known_before_its_command_line_is_understood() {
        for (line, is_one) in [
            ("x probe --format nagios example.org", true),
            ("x probe --format=nagios --nonsense", true),
            ("x probe --format json nagios", false),
            ("x lint --format nagios", false),
            ("x --format nagios probe", false),
            ("x", false),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(is_a_plugin(&words), is_one, "{line}");
        }
    }
}
