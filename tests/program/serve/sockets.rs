//! Places to listen at: their rights, what lies there already, and what systemd hands over (G5, G12).

use super::daemon::{Daemon, PATIENCE, Plan, exim, until};
use crate::support::laboratory::Laboratory;
use crate::support::skipped::skipped;
use crate::support::users::is_root;
use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// A group that is not the tests' own.
const GROUP: u32 = 12_345;

#[test]
fn a_socket_has_its_rights_from_the_moment_it_can_be_seen() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab).started_by("umask 0; exec \"$@\"");
    if is_root() {
        chown(plan.directory.path(), None, Some(GROUP)).unwrap();
    } else {
        skipped("the group of a socket", "only root can give its directory another one");
    }
    let (path, is_enough) = (plan.exim(), Arc::new(AtomicBool::new(false)));
    let seen = thread::spawn({
        let (path, is_enough) = (path.clone(), Arc::clone(&is_enough));
        move || {
            let mut modes = Vec::new();
            loop {
                // One look more when it is ready.
                let is_last = is_enough.load(Relaxed);
                if let Ok(meta) = fs::symlink_metadata(&path) {
                    modes.push(meta.mode() & 0o7777);
                    modes.dedup();
                    // Whoever can connect is in the group by then.
                    let can_connect = UnixStream::connect(&path).is_ok();
                    let group = fs::symlink_metadata(&path).map_or(GROUP, |meta| meta.gid());
                    assert!(!can_connect || !is_root() || group == GROUP, "{group}");
                }
                if is_last {
                    break modes;
                }
            }
        }
    });
    let _daemon = plan.start();
    is_enough.store(true, Relaxed);
    assert_eq!(seen.join().unwrap(), [0o660]);
}

#[test]
fn what_an_earlier_run_left_behind_is_removed_and_what_this_one_made_goes_with_it() {
    let lab = Laboratory::start();
    let plan = Daemon::in_world(&lab).kill();
    assert!(fs::symlink_metadata(plan.exim()).unwrap().file_type().is_socket(), "kill -9 leaves it there");
    let mut daemon = plan.start();
    assert!(daemon.ask("enforced.test").starts_with("verdict=deliver"));
    // Somebody puts his own socket there while the daemon runs.
    fs::remove_file(daemon.plan().postfix()).unwrap();
    let _others = UnixListener::bind(daemon.plan().postfix()).unwrap();
    assert_eq!(daemon.terminate().code(), Some(0));
    assert!(!daemon.plan().exim().exists());
    assert!(daemon.plan().postfix().exists(), "it was not ours any more");
}

#[test]
fn anything_else_under_the_path_is_left_alone_and_the_daemon_does_not_start() {
    let lab = Laboratory::start();
    let refused = |prepare: &dyn Fn(&Path), why: &str| {
        let plan = Plan::in_world(&lab);
        let path = plan.exim();
        prepare(&path);
        let before = fs::symlink_metadata(&path).map(|meta| (meta.ino(), meta.mode())).ok();
        let (status, said) = plan.fail();
        assert_eq!(status, Some(78), "{said}");
        assert!(said.contains(why) && said.contains("cannot listen at"), "{why}: {said}");
        assert_eq!(fs::symlink_metadata(&path).map(|meta| (meta.ino(), meta.mode())).ok(), before, "{why}");
    };
    refused(&|path| fs::write(path, "precious").unwrap(), "no socket lies there");
    refused(&|path| symlink("/etc/passwd", path).unwrap(), "no socket lies there");
    refused(&|path| fs::create_dir(path).unwrap(), "no socket lies there");
    refused(&|path| std::mem::forget(UnixListener::bind(path).unwrap()), "somebody listens there already");
    refused(
        &|path| fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap(),
        "can be written by its group or by everybody",
    );
    if is_root() {
        let somebody_elses = |path: &Path| {
            drop(UnixListener::bind(path).unwrap());
            chown(path, Some(GROUP), None).unwrap();
        };
        refused(&somebody_elses, "a socket of somebody else");
        refused(
            &|path| chown(path.parent().unwrap(), Some(GROUP), None).unwrap(),
            "belongs to somebody else",
        );
    } else {
        skipped("a place to listen at that belongs to somebody else", "only root can make one");
    }
}

#[test]
fn without_a_place_there_is_no_daemon() {
    let lab = Laboratory::start();
    let (status, said) = Plan::in_world(&lab).without("--exim").without("--postfix").fail();
    assert_eq!(status, Some(78));
    assert!(said.contains("no place to listen at"), "{said}");
}

#[test]
fn what_systemd_listens_at_is_served_and_stays_when_the_daemon_ends() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab).without("--exim").without("--postfix");
    let (exim_at, postfix_at) = (plan.exim(), plan.postfix());
    let listeners = [&exim_at, &postfix_at].map(|path| UnixListener::bind(path).unwrap());
    let sockets = listeners.iter().map(|listener| OwnedFd::from(listener.try_clone().unwrap())).collect();
    // Whoever comes before the daemon waits for it.
    let early = thread::spawn({
        let path = exim_at.clone();
        move || exim(&path, "enforced.test")
    });
    let mut daemon = plan.handed_over("exim:postfix", sockets).start();
    assert!(early.join().unwrap().unwrap().starts_with("verdict=deliver"));
    assert_eq!(daemon.postfix().ask("policy", "plain.test").unwrap(), "NOTFOUND ");
    assert_eq!(daemon.terminate().code(), Some(0));
    assert!(exim_at.exists() && postfix_at.exists());
    UnixStream::connect(&exim_at).expect("nobody is refused between two daemons");
}

#[test]
fn a_restart_loses_nobody_who_comes_through_a_socket_of_systemds() {
    let lab = Laboratory::start();
    let plan = Plan::in_world(&lab).without("--exim");
    let path = plan.exim();
    let listener = UnixListener::bind(&path).unwrap();
    let mut daemon = plan.handed_over("exim", vec![listener.try_clone().unwrap().into()]).start();
    daemon.ask("enforced.test");
    let (is_enough, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let asking = thread::spawn({
        let (is_enough, answered) = (Arc::clone(&is_enough), Arc::clone(&answered));
        move || {
            let mut answers = Vec::new();
            while !is_enough.load(Relaxed) {
                answers.push(exim(&path, "enforced.test").unwrap());
                answered.fetch_add(1, Relaxed);
                thread::sleep(Duration::from_millis(10));
            }
            answers
        }
    });
    until("some came before", || answered.load(Relaxed) > 5);
    assert_eq!(daemon.terminate().code(), Some(0));
    let daemon = daemon.kill().start();
    let before = answered.load(Relaxed);
    until("some came afterwards", || answered.load(Relaxed) > before + 5);
    is_enough.store(true, Relaxed);
    let answers = asking.join().unwrap();
    assert!(answers.iter().all(|answer| answer.starts_with("verdict=deliver")), "{answers:?}");
    drop(daemon);
}

#[test]
fn a_socket_that_cannot_be_meant_for_us_is_refused_by_its_name() {
    let lab = Laboratory::start();
    let directory = tempfile::tempdir().unwrap();
    let stream = |name: &str| OwnedFd::from(UnixListener::bind(directory.path().join(name)).unwrap());
    let datagrams = UnixDatagram::bind(directory.path().join("datagrams")).unwrap();
    let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    for (names, socket, why) in [
        ("connection", stream("a"), "FileDescriptorName=exim, postfix, http or tlsrpt"),
        ("exim", datagrams.into(), "neither a UNIX nor a TCP stream socket"),
        ("exim", everywhere.into(), "not on the loopback interface"),
        ("exim:postfix", stream("b"), "invalid LISTEN_FDNAMES"),
    ] {
        let (status, said) = Plan::in_world(&lab).handed_over(names, vec![socket]).fail();
        assert_eq!(status, Some(78), "{said}");
        assert!(said.contains("handed over") && said.contains(why), "{why}: {said}");
    }
}

#[test]
fn with_64_descriptors_it_serves_and_without_any_it_waits_until_there_are_some() {
    let lab = Laboratory::start();
    let daemon = Plan::in_world(&lab).started_by("ulimit -n 64; exec \"$@\"").start();
    let honest = || {
        let began = Instant::now();
        assert!(daemon.ask("enforced.test").starts_with("verdict=deliver"));
        began.elapsed()
    };
    honest();
    let crowd: Vec<UnixStream> =
        (0..200).map(|_| UnixStream::connect(daemon.plan().postfix()).unwrap()).collect();
    assert!(honest() < Duration::from_secs(1));
    assert!(daemon.descriptors() < 64);
    // Now even what it counted on is taken from it.
    let limit = |number| limit_descriptors(&daemon, number);
    limit(1);
    let waiting = thread::spawn({
        let path = daemon.plan().exim();
        move || exim(&path, "enforced.test").unwrap()
    });
    daemon.wait_for_log("connections cannot be accepted");
    limit(64);
    let began = Instant::now();
    assert!(waiting.join().unwrap().starts_with("verdict=deliver"));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    daemon.wait_for_log("connections are accepted again");
    drop(crowd);
    until("the crowd has left", || daemon.descriptors() < 20);
    assert!(began.elapsed() < PATIENCE);
}

/// From now on the daemon may have so many descriptors, of 64.
fn limit_descriptors(daemon: &Daemon, number: usize) {
    let pid = daemon.pid().to_string();
    let limited =
        Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={number}:64")]).status().unwrap();
    assert!(limited.success());
}

#[test]
fn a_look_up_that_finds_no_descriptor_lets_the_mail_wait_and_the_log_says_what_helps() {
    let lab = Laboratory::start();
    let daemon = Plan::in_world(&lab).started_by("ulimit -n 64; exec \"$@\"").start();
    let mut pipe = daemon.postfix();
    let mut ask = |domain| {
        pipe.send("policy", domain).unwrap();
        pipe.reply().unwrap()
    };
    assert!(ask("enforced.test").starts_with("OK "));
    // Those that it has stay; there is no other one that a question could wait for.
    limit_descriptors(&daemon, 1);
    let answer = ask("sts.test");
    assert!(answer.starts_with("TEMP out-of-resources"), "{answer}");
    daemon.wait_for_log("raise LimitNOFILE=");
    limit_descriptors(&daemon, 64);
    let answer = daemon.ask("webpki.test");
    assert!(answer.starts_with("verdict=deliver tls=webpki"), "{answer}");
}

#[test]
fn with_fewer_descriptors_than_wanted_it_says_what_that_means_and_with_too_few_to_be_asked_it_does_not_start()
{
    let lab = Laboratory::start();
    for (number, level, means, so_many) in [
        (1_024, "WARN", "mail may wait", "look_ups=\"12\" connections=\"420\" wanted=\"45248\""),
        (8_192, "INFO", "enough for most", "look_ups=\"101\" connections=\"4000\" wanted=\"45248\""),
    ] {
        let daemon = Plan::in_world(&lab).started_by(&format!("ulimit -n {number}; exec \"$@\"")).start();
        daemon.wait_for_log(so_many);
        let log = daemon.log();
        let line = log.lines().find(|line| line.contains(so_many)).unwrap();
        assert!(line.trim_start().starts_with(level) && line.contains(means), "{number}: {line}");
    }
    for number in [6, 20, 23] {
        let (status, said) =
            Plan::in_world(&lab).started_by(&format!("ulimit -n {number}; exec \"$@\"")).fail();
        assert_eq!(status, Some(78), "{number}: {said}");
        assert!(
            said.contains(&format!("may have {number} descriptors")) && said.contains("LimitNOFILE="),
            "{said}"
        );
    }
}
