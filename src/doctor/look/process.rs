//! Another program, run for what it says: with an end, a bound, and perhaps as another user.

use crate::cache::file::Owner;
use crate::doctor::observations::Seen;
use crate::limits::MAX_PROCESS_OCTETS;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// One pause of waiting for a program that has said all and still runs.
const PAUSE: Duration = Duration::from_millis(5);

/// Processes that are ended with a program; Exim has three.
const MAX_DESCENDANTS: usize = 64;

/// What a program has said.
struct ProgramOutput {
    /// On standard output.
    output: String,
    /// On standard error.
    complaints: String,
}

/// Runs a program to its end, with `input` on its standard input, a few lines at most, and nothing in its environment;
/// what it writes, standard error behind standard output. `user` is who it becomes, which only root may choose.
///
/// # Errors
/// What keeps it from running, in words; that it did not end in time; that it said too much; or, if it failed, its
/// status and its own words.
pub fn run(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    input: &str,
    user: Option<Owner>,
    until: Instant,
) -> Seen<String> {
    let ProgramOutput { output, complaints } = said(program, arguments, input, user, until)?;
    Ok(output + &complaints)
}

/// The same; what it writes on standard output alone, for a program whose output others read: a word of its loader or of a
/// library on standard error is no part of it.
///
/// # Errors
/// As of [`run`].
pub fn output(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    user: Option<Owner>,
    until: Instant,
) -> Seen<String> {
    said(program, arguments, "", user, until).map(|said| said.output)
}

fn said(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    input: &str,
    user: Option<Owner>,
    until: Instant,
) -> Seen<ProgramOutput> {
    let name = program.display();
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(Owner { uid, gid }) = user {
        // The standard library gives up the supplementary groups, too.
        command.uid(uid).gid(gid);
    }
    let child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
    let mut running = Running(child);
    let (said, complained) = (running.0.stdout.take().map(drain), running.0.stderr.take().map(drain));
    if let Some(mut pipe) = running.0.stdin.take() {
        // A pipe takes a few lines at once. Who does not want to hear them may say so by closing it.
        let _ = pipe.write_all(input.as_bytes());
    }
    let heard = |pipe: Option<Receiver<io::Result<String>>>| {
        let Some(pipe) = pipe else { return Ok(String::new()) };
        match pipe.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(part) => part.map_err(|error| format!("{name}: {error}")),
            Err(_) => Err(format!("{name} did not end in time")),
        }
    };
    let said = ProgramOutput { output: heard(said)?, complaints: heard(complained)? };
    loop {
        match running.0.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(said),
            Ok(Some(status)) => {
                return Err(format!("{name}: {status}: {}", (said.output + &said.complaints).trim()));
            }
            Ok(None) if Instant::now() < until => thread::sleep(PAUSE),
            Ok(None) => return Err(format!("{name} did not end in time")),
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
}

/// A child that does not outlive its owner, nor do its own children: Exim's delivery is one, in a session of its own.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Only of one that nobody has waited for it is certain that the number is still its own.
        if matches!(self.0.try_wait(), Ok(None)) {
            for descendant in self.stopped_descendants() {
                let _ = kill(descendant, Signal::SIGKILL);
            }
        }
        // One that became another user (Exim is setuid) cannot be ended by everybody: nobody waits for it then.
        if self.0.kill().is_ok() {
            let _ = self.0.wait();
        }
    }
}

impl Running {
    /// The child's children and theirs. Each is stopped before it is asked for its own, so that it starts no more, and waits for none, whose
    /// number would then be another's.
    fn stopped_descendants(&self) -> Vec<Pid> {
        let mut descendants = Vec::new();
        let mut open: Vec<Pid> = i32::try_from(self.0.id()).map(Pid::from_raw).into_iter().collect();
        while let Some(one) = open.pop() {
            if descendants.len() >= MAX_DESCENDANTS || kill(one, Signal::SIGSTOP).is_err() {
                continue;
            }
            let children = fs::read_to_string(format!("/proc/{one}/task/{one}/children")).unwrap_or_default();
            let children = children.split_ascii_whitespace().filter_map(|number| number.parse().ok());
            let children: Vec<Pid> = children.map(Pid::from_raw).collect();
            descendants.extend(&children);
            open.extend(children);
        }
        descendants
    }
}

/// Reads a pipe to its end on a thread of its own, so that two pipes never wait for one another. Whoever keeps the pipe
/// open for longer than we wait is left alone with it.
fn drain(pipe: impl Read + Send + 'static) -> Receiver<io::Result<String>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut octets = Vec::new();
        let read = pipe.take(MAX_PROCESS_OCTETS.saturating_add(1)).read_to_end(&mut octets);
        let whole = read.and_then(|count| match u64::try_from(count) {
            Ok(count) if count <= MAX_PROCESS_OCTETS => Ok(String::from_utf8_lossy(&octets).into_owned()),
            _ => Err(io::Error::other(format!("it says more than {MAX_PROCESS_OCTETS} octets"))),
        });
        // Nobody waits any more if this fails.
        let _ = sender.send(whole);
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    fn shell(script: &str, until: Instant) -> Seen<String> {
        run(Path::new("/bin/sh"), ["-c", script], "a line\n", None, until)
    }

    #[test]
    fn what_a_program_says_is_read_whole() {
        assert_eq!(shell("echo a; echo b >&2", soon()).unwrap(), "a\nb\n");
    }

    #[test]
    fn what_others_read_is_free_of_what_stands_on_standard_error() {
        let said = |script| output(Path::new("/bin/sh"), ["-c", script], None, soon());
        assert_eq!(said("echo a warning >&2; echo a; echo another >&2").unwrap(), "a\n");
        assert_eq!(said("echo a; echo no >&2; exit 3").unwrap_err(), "/bin/sh: exit status: 3: a\nno");
    }

    #[test]
    fn as_much_as_is_read_is_read_whole_and_one_octet_more_is_not() {
        let most = usize::try_from(MAX_PROCESS_OCTETS).unwrap();
        let octets = |count: usize| shell(&format!("head -c {count} /dev/zero"), soon());
        assert_eq!(octets(most).unwrap().len(), most);
        assert!(octets(most + 1).unwrap_err().ends_with("it says more than 1048576 octets"));
    }

    #[test]
    fn a_program_hears_what_it_is_told() {
        assert_eq!(shell("cat", soon()).unwrap(), "a line\n");
    }

    #[test]
    fn a_program_that_fails_hangs_or_is_not_there_is_told_in_words() {
        assert_eq!(shell("echo no; exit 3", soon()).unwrap_err(), "/bin/sh: exit status: 3: no");
        let began = Instant::now();
        let end = began + Duration::from_millis(200);
        assert_eq!(shell("exec sleep 60", end).unwrap_err(), "/bin/sh did not end in time");
        assert_eq!(shell("exec >&- 2>&-; exec sleep 60", end).unwrap_err(), "/bin/sh did not end in time");
        assert!(began.elapsed() < Duration::from_secs(10));
        let absent = run(Path::new("/nonexistent"), ["x"], "", None, soon()).unwrap_err();
        assert!(absent.starts_with("/nonexistent cannot be started: "), "{absent}");
    }

    /// As Exim does: the delivery is a process of its own, in a session of its own, and so is what it starts.
    #[test]
    fn a_program_that_is_ended_leaves_no_process_of_its_own_behind() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("numbers");
        let script = format!(
            "setsid sh -c 'echo $$; sleep 3600 & echo $!; mv {0}.new {0}; wait' >{0}.new & wait",
            file.display()
        );
        let end = Instant::now() + Duration::from_secs(2);
        assert_eq!(shell(&script, end).unwrap_err(), "/bin/sh did not end in time");
        let numbers = fs::read_to_string(&file).unwrap();
        assert_eq!(numbers.lines().count(), 2);
        let is_there = |number: &str| {
            // One that is dead and was waited for by nobody yet is a zombie.
            let status = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        };
        let patience = Instant::now() + Duration::from_secs(60);
        while numbers.lines().any(is_there) {
            assert!(Instant::now() < patience, "{numbers}");
            thread::sleep(PAUSE);
        }
    }

    #[test]
    fn a_program_that_never_stops_talking_is_ended() {
        let error = shell("exec yes", soon()).unwrap_err();
        assert!(error.contains("says more than 1048576 octets"), "{error}");
    }

    #[test]
    fn nothing_of_the_environment_is_handed_on() {
        let variables = run(Path::new("/usr/bin/env"), [""; 0], "", None, soon()).unwrap();
        assert!(!variables.contains("HOME=") && !variables.contains("CARGO"), "{variables}");
    }
}
