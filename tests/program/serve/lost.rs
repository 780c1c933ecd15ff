//! G10: a thread that the daemon cannot do without is lost.

use super::daemon::{Plan, exim, until};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::skipped::skipped;
use crate::support::strace::{WAITS_FOR_SOCKETS, strace};
use crate::support::users::is_root;
use std::fs;
use std::process::Stdio;
use std::thread;

/// The number of a process's thread of that name.
fn thread_named(process: u32, name: &str) -> String {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let is_named = |number: &String| {
        let path = format!("/proc/{process}/task/{number}/comm");
        fs::read_to_string(path).is_ok_and(|comm| comm.trim_end() == name)
    };
    let mut numbers = threads.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    numbers.find(is_named).unwrap_or_else(|| panic!("no thread {name}"))
}

#[test]
fn a_daemon_that_loses_a_thread_says_so_keeps_nobody_waiting_and_ends_with_70() {
    for (name, said) in [
        ("lookup-worker", "a bug: a part of the daemon is gone, which ends so that it can be started again"),
        // The front, which answers.
        ("smtp-sts-verify", "thread=\"main\""),
    ] {
        // What waits for sockets panics where the system does not let it; nobody catches that in the thread's own loop.
        let Some(mut fault) = strace("a thread that is lost", WAITS_FOR_SOCKETS, "error=EBADF") else {
            return;
        };
        let lab = Laboratory::start();
        lab.behave(Scope::Everything, Manner::Silent);
        let mut daemon = Plan::in_world(&lab).option("--answer-within", "4.5").start();
        let path = daemon.plan().exim();
        let asking = thread::spawn(move || exim(&path, "enforced.test").unwrap_or_default());
        until("the look-up has begun", || lab.questions() > 0);
        let thread = thread_named(daemon.pid(), name);
        let mut fault = fault.args(["-p", &thread]).stderr(Stdio::null()).spawn().unwrap();
        assert_eq!(daemon.wait().code(), Some(70), "{name}\n{}", daemon.log());
        fault.wait().unwrap();
        daemon.wait_for_log("a mistake of ours");
        daemon.wait_for_log(said);
        // Either it was told in the last moment, or its connection was closed: Exim asks the program itself then.
        let answer = asking.join().unwrap();
        let is_told = answer.starts_with("verdict=defer ") && answer.contains(" reason=internal");
        assert!(answer.is_empty() || is_told, "{name}: {answer}");
    }
}

/// A line of the shell's that starts the program as a user with so many threads at most: root has as many as it likes.
fn with_threads(number: usize) -> String {
    format!(
        "exec setpriv --ruid=4242 --bounding-set=-sys_resource,-sys_admin prlimit --nproc={number} \"$@\""
    )
}

#[test]
fn without_threads_it_does_not_start_or_ends_in_order_and_says_what_helps() {
    if !is_root() {
        return skipped("a daemon without threads", "only root can start it as another user");
    }
    let lab = Laboratory::start();
    for number in [1, 2] {
        let (status, said) = Plan::in_world(&lab).started_by(&with_threads(number)).fail();
        assert_eq!(status, Some(70), "{number}: {said}");
        assert!(said.contains("raise TasksMax=") && !said.contains("panic"), "{number}: {said}");
    }
    let mut daemon = Plan::in_world(&lab).started_by(&with_threads(3)).start();
    assert!(daemon.ask("enforced.test").starts_with("verdict=deliver"));
    assert_eq!(daemon.terminate().code(), Some(0), "{}", daemon.log());
    daemon.made_no_mistake();
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk_and_no_end() {
    let lab = Laboratory::start();
    let daemon = Plan::in_world(&lab).started_by("ulimit -f 4; exec \"$@\"").start();
    for domain in ["enforced.test", "sts.test"] {
        assert!(daemon.ask(domain).starts_with("verdict=deliver"), "{domain}: {}", daemon.log());
    }
    daemon.wait_for_log("could not be written to");
    daemon.made_no_mistake();
}
