//! The doctor that root starts has most things looked at by itself, started once more as nobody. What becomes of such a child is
//! told as what was not seen, and in time.

use super::patient::{Patient, Said};
use crate::support::laboratory::Laboratory;
use crate::support::skipped::skipped;
use crate::support::users::is_root;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(4);

/// The line that starts the program on a machine of its own, whose `/etc` loads a library into each process: it has a child of the
/// doctor's do what `child` in that directory says. `None` where that cannot be made.
fn machine(directory: &Path) -> Option<String> {
    let succeeds = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let (etc, library) = (directory.join("etc"), directory.join("child.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/child.c");
    let is_made = is_root()
        && succeeds(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source))
        && succeeds(Command::new("cp").arg("-a").arg("/etc").arg(&etc));
    if !is_made {
        return None;
    }
    fs::write(etc.join("ld.so.preload"), format!("{}\n", library.display())).unwrap();
    let mount = format!("mount --bind '{}' /etc", etc.display());
    let is_possible = succeeds(Command::new("unshare").args(["--mount", "sh", "-c", &mount]));
    is_possible.then(|| format!("exec unshare --mount sh -c \"{mount} && exec \\\"\\$@\\\"\" sh \"$@\""))
}

#[test]
fn whatever_a_child_of_the_doctor_does_it_is_told_in_time_as_what_was_not_seen() {
    let lab = Laboratory::start();
    let patient = Patient::of(&lab).with(["--deadline", &DEADLINE.as_secs().to_string()]);
    let Some(machine) = machine(lab.directory()) else {
        return skipped(
            "a child of the doctor's that fails",
            "it takes root, a C compiler and a mount of its own",
        );
    };
    let patient = patient.started_by(&machine);
    let child = lab.directory().join("etc/child");
    let told = |does: &str| {
        fs::write(&child, does).unwrap();
        let began = Instant::now();
        let said: Said = patient.examined();
        assert!(began.elapsed() < 3 * DEADLINE, "{does}: {:?}", began.elapsed());
        said
    };
    // Whatever a library says on standard error is no part of what the child saw.
    for does in ["nothing", "stray"] {
        let said = told(does);
        let seen = ["resolver.dnssec", "resolver.list", "cache.as-root"].map(|check| said.result(check));
        assert_eq!(seen, ["fine"; 3], "{does}");
    }
    for (does, why, advice) in [
        ("signal", "/proc/self/exe: signal: 9 (SIGKILL): ", "If a signal ended it, the kernel's log"),
        ("flood", "/proc/self/exe: it says more than 1048576 octets", "If it says too much or"),
        ("hang", "/proc/self/exe did not end in time", "If the look did not end in time, run `doctor` again"),
        (
            "nonsense",
            "what the child saw cannot be read: expected value at line 1 column 1",
            "what cannot be read, look at what is loaded into each process",
        ),
    ] {
        let said = told(does);
        let user = if does == "nonsense" { "" } else { "as user 65534: " };
        let outside = format!("nothing outside of this machine was looked at: {user}{why}");
        assert_eq!(said.of("resolver.list"), ("warning", outside.as_str()), "{does}");
        assert_eq!(said.of("cache.as-root"), ("wrong", why), "{does}");
        assert_eq!(said.exit, 2, "{does}");
        // Neither are name servers missing, nor is the cache's directory somebody else's.
        for check in ["resolver.list", "cache.as-root"] {
            let [meaning, fix] = said.advice(check);
            assert_eq!(meaning, "This was not looked at: it may be in order or not.", "{does}");
            assert!(fix.contains(advice), "{does}: {fix}");
        }
    }
}
