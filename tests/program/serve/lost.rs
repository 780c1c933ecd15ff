//! G10: a thread that the daemon cannot do without is lost.

use super::daemon::{Plan, exim, until};
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::strace::{WAITS_FOR_SOCKETS, strace};
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
