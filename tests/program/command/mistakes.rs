//! B2: a mistake of ours, or a disk that hangs, under the program as it is started: the hook for panics and the watchdog are
//! where they have to be.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program, told};
use crate::support::skipped::skipped;
use crate::support::strace::{WAITS_FOR_SOCKETS, strace};
use crate::support::users::is_root;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// Runs that command line where no socket can be waited for, at which Tokio panics; `None` if that cannot be tried.
fn panicking(model: &Command) -> Option<Output> {
    let mut traced = strace("a panic of the program", WAITS_FOR_SOCKETS, "error=EBADF")?;
    Some(traced.arg("-f").arg(PROGRAM).args(model.get_args()).output().unwrap())
}

#[test]
fn a_mistake_of_ours_in_the_middle_of_a_question_is_one_answer_that_defers_and_exit_70() {
    let lab = Laboratory::start();
    let question = ["-d", "enforced.test", "-m", "mx1.enforced.test"];
    let Some(output) = panicking(&Program::new(&lab).command(question)) else { return };
    let line = told(output, false);
    assert_eq!((line.exit, line.verdict()), (70, ["defer", "internal"]), "{}", line.line);
    let json = Program::new(&lab).with(["--format", "json"]).command(question);
    let Output { status, stdout, stderr } = panicking(&json).unwrap();
    let object: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(
        (status.code(), &object["verdict"], &object["reason"]),
        (Some(70), &"defer".into(), &"internal".into())
    );
    assert!(stderr.is_empty(), "{}", stderr.escape_ascii());
}

#[test]
fn a_mistake_of_ours_in_a_plugin_is_unknown_in_one_line() {
    let lab = Laboratory::start();
    let mut model = Command::new(PROGRAM);
    model.args(["probe", "enforced.test", "--format", "nagios"]).args(lab.options());
    model.arg("--config").arg(lab.empty_configuration()).arg("-c").arg(lab.cache_file());
    let Some(Output { status, stdout, stderr }) = panicking(&model) else { return };
    let line = String::from_utf8(stdout).unwrap();
    assert_eq!((status.code(), line.trim_end().lines().count()), (Some(3), 1), "{line}");
    assert!(line.contains(" UNKNOWN - panic at "), "{line}");
    assert!(stderr.is_empty(), "{}", stderr.escape_ascii());
}

#[test]
fn a_run_whose_disk_hangs_is_answered_for_when_its_time_is_over() {
    const HANGS: Duration = Duration::from_secs(8);
    let lab = Laboratory::start();
    let configuration = lab.empty_configuration();
    // The configuration, before anything is known; the policy, which is in hand, and is written down before anybody is told.
    for (calls, path) in [("openat", Some(&configuration)), ("fsync,fdatasync", None)] {
        let began = Instant::now();
        let model = Program::new(&lab).with(["--deadline", "3"]).command(["-d", "enforced.test"]);
        let fault = format!("delay_enter={}:when=1", HANGS.as_micros());
        let Some(mut traced) = strace("a disk that hangs", calls, &fault) else { return };
        traced.args(path.iter().flat_map(|path| ["-P".as_ref(), path.as_os_str()]));
        let mut child = traced
            .arg(PROGRAM)
            .args(model.get_args())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // One write is one read; the end of the pipe would be that of `strace`, which waits for the disk.
        let mut room = [0; 4_096];
        let length = child.stdout.take().unwrap().read(&mut room).unwrap();
        let answered = began.elapsed();
        let line = String::from_utf8_lossy(&room[..length]);
        assert_eq!(child.wait().unwrap().code(), Some(75), "{calls}: {line}");
        assert!(line.starts_with("verdict=defer ") && line.contains(" reason=deadline"), "{calls}: {line}");
        assert!(answered < HANGS, "{calls}: {answered:?}");
    }
}

#[test]
fn where_descriptors_or_threads_are_wanting_commands_for_people_say_so_without_a_panic_and_without_exims_line()
 {
    let (few, alone) = (
        "ulimit -n \"$1\"; shift; exec \"$@\"",
        "number=\"$1\"; shift; \
         exec setpriv --ruid=4242 --bounding-set=-sys_resource,-sys_admin prlimit --nproc=\"$number\" \"$@\"",
    );
    let at_once = available_parallelism().unwrap().get().min(8);
    for (line, number, command, helps) in [
        (few, 5, "explain none.test", "LimitNOFILE="),
        (few, 6, "lint none.test", "LimitNOFILE="),
        (few, 7, "lookup none.test TXT", "LimitNOFILE="),
        (few, 8, "explain none.test", "LimitNOFILE="),
        (alone, 2, "doctor --offline", "TasksMax="),
        // Enough for those that ask, and none for the one that reads.
        (alone, 1 + at_once, "lookup --batch", "TasksMax="),
        (alone, 1, "probe --batch -", "TasksMax="),
    ] {
        if line == alone && !is_root() {
            skipped("a command without threads", "only root can start it as another user");
            continue;
        }
        let mut limited = Command::new("sh");
        limited.args(["-c", line, "sh", &number.to_string(), PROGRAM]).args(command.split(' '));
        let output = limited.args(["--dns", "127.0.0.1:9"]).stdin(Stdio::null()).output().unwrap();
        let (said, complaint) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(complaint.contains(helps) && !complaint.contains("panic"), "{number} {command}: {complaint}");
        assert!(!said.contains("verdict="), "{number} {command}: {said}");
        assert_ne!(output.status.code(), Some(0), "{number} {command}");
    }
}
