//! A machine on which somebody has prepared everything that the doctor looks at. Whatever lies there, it comes to its end, and what
//! it shows is inert.

use super::patient::Patient;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::name_server::{Manner, Scope};
use crate::support::laboratory::world::name;
use crate::support::users::copy_program;
use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::{CNAME, TXT};
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a program prints that wants to harm a terminal, a log, or whoever reads it.
const HOSTILE: &str = r"\033]0;owned\007\033[2J\r\n\t\u202e ${run{/bin/false}} $(id) `id` <script> | exim_user = root\nexim_group = root\n";

fn script(directory: &Path, name: &str, text: &str) {
    let source = directory.join("script");
    fs::write(&source, format!("#!/bin/sh\n{text}\n")).unwrap();
    copy_program(&source, &directory.join(name));
}

fn pipe(path: PathBuf) -> PathBuf {
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    path
}

fn is_inert(octets: &[u8]) -> bool {
    octets.iter().all(|octet| *octet == b'\n' || (b' '..=b'~').contains(octet))
}

/// Both pages of that machine, within the time that one may take.
fn looked_at(patient: &Patient, what: &str) {
    let began = Instant::now();
    let said = patient.examined();
    assert!(began.elapsed() < Duration::from_secs(15), "{what}: {:?}", began.elapsed());
    assert!([1, 2].contains(&said.exit), "{what}: {}", said.exit);
    let page = patient.run("human");
    assert!(is_inert(&page.stdout) && is_inert(&page.stderr), "{what}: {}", page.stdout.escape_ascii());
}

#[test]
fn mail_servers_that_say_anything_are_told_and_not_obeyed() {
    let lab = Laboratory::start();
    let directory = lab.directory().join("programs");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let ca_file = pipe(directory.join("pipe"));
    let maps = "socketmap:unix:/dev/null:policy ".repeat(3_000);
    for (what, exim, postconf) in [
        ("words", format!("printf '{HOSTILE}'"), format!("printf '{HOSTILE}'")),
        ("no end", "exec yes".to_owned(), "exec yes".to_owned()),
        (
            "another user",
            "printf 'exim_user = 4294967295\\nexim_group = -1\\n'".to_owned(),
            "exit 1".to_owned(),
        ),
        (
            "a pipe for certificates, and thousands of maps",
            "exit 0".to_owned(),
            format!(
                "printf 'smtp_tls_CAfile = {}\\nqueue_directory = /dev/zero\\nsmtp_tls_policy_maps = {maps}\\n'",
                ca_file.display()
            ),
        ),
        ("a device for certificates", "kill -9 $$".to_owned(), "echo smtp_tls_CAfile = /dev/zero".to_owned()),
    ] {
        script(&directory, "exim4", &exim);
        script(&directory, "postconf", &postconf);
        script(&directory, "postmap", &format!("printf '{HOSTILE}'"));
        let (exim, place) = (directory.join("exim4").display().to_string(), directory.display().to_string());
        let patient = Patient::of(&lab).but("--exim", &exim).with(["--postfix", &place, "--deadline", "4"]);
        looked_at(&patient, what);
    }
}

#[test]
fn whatever_lies_in_the_place_of_the_cache_is_told() {
    let lab = Laboratory::start();
    let directory = lab.cache_file().parent().unwrap().to_owned();
    let odd = directory.join("\u{1b}[2J\u{202e}");
    fs::create_dir(&odd).unwrap();
    symlink(directory.join("loop"), directory.join("loop")).unwrap();
    symlink("/dev/zero", directory.join("zero.db")).unwrap();
    fs::write(directory.join("long.db"), vec![0x53; 3 << 20]).unwrap();
    let beside = directory.join("beside.db");
    fs::write(&beside, "").unwrap();
    pipe(directory.join("beside.db-journal"));
    for path in [
        pipe(directory.join("pipe.db")),
        odd.join("cache.db"),
        directory.join("loop"),
        directory.join("loop/cache.db"),
        directory.join("zero.db"),
        directory.join("long.db"),
        beside,
        PathBuf::from("/dev/zero"),
        PathBuf::from("/proc/self/mem"),
    ] {
        let patient = Patient::of(&lab).but("--cachedb", path.to_str().unwrap()).with(["--deadline", "4"]);
        looked_at(&patient, &path.display().to_string());
    }
}

#[test]
fn name_servers_that_say_anything_are_told() {
    let forged = [
        Manner::Forged(RData::TXT(TXT::new(vec!["\u{1b}[2J\u{202e}${run{id}}".into()]))),
        Manner::Forged(RData::CNAME(CNAME(name("a.test")))),
        Manner::Refused,
        Manner::Altered,
        Manner::Nothing,
    ];
    for manner in forged {
        let lab = Laboratory::start();
        let what = format!("{manner:?}");
        lab.behave(Scope::Everything, manner);
        looked_at(&Patient::of(&lab).with(["--deadline", "4"]), &what);
    }
}

#[test]
fn programs_that_never_end_and_say_nothing_cost_no_more_than_the_deadline() {
    let lab = Laboratory::start();
    let directory = lab.directory().join("programs");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    for (what, text) in [
        ("asleep", "exec sleep 600"),
        ("its pipes closed", "exec >&- 2>&-; exec sleep 600"),
        ("a child that keeps its pipes", "sleep 600 & exit 0"),
        ("deaf", "trap '' TERM INT HUP; while :; do sleep 1; done"),
        ("half a line, and then nothing", "printf 'exim_user = '; exec sleep 600"),
    ] {
        for program in ["exim4", "postconf", "postmap"] {
            script(&directory, program, text);
        }
        let (exim, place) = (directory.join("exim4").display().to_string(), directory.display().to_string());
        let patient = Patient::of(&lab).but("--exim", &exim).with(["--postfix", &place, "--deadline", "3"]);
        looked_at(&patient, what);
    }
}

#[test]
fn pipes_in_place_of_the_files_that_are_named_are_told_and_not_waited_for() {
    let lab = Laboratory::start();
    let pipe = pipe(lab.directory().join("pipe")).display().to_string();
    for option in ["--config", "--trust-anchor", "--ca-file"] {
        let began = Instant::now();
        let output = Patient::of(&lab).but(option, &pipe).with(["--deadline", "3"]).run("human");
        assert!(began.elapsed() < Duration::from_secs(8), "{option}: {:?}", began.elapsed());
        let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(words.contains("it is a pipe, which is not waited for"), "{option}: {words}");
        assert!(matches!(output.status.code(), Some(1 | 2 | 78)), "{option}: {:?}", output.status);
    }
}

#[test]
fn a_web_server_and_a_name_server_that_accept_and_are_silent_cost_no_more_than_the_deadline() {
    let lab = Laboratory::start();
    // Nobody ever takes these connections up, and the system accepts them all the same.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = UdpSocket::bind(silent.local_addr().unwrap()).unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let url = "https://mta-sts.sts.test/";
    let options = ["--https-url", url, "--deadline", "3"];
    let patient = Patient::of(&lab).but("--https-port", &port).with(options).without_offline();
    looked_at(&patient, "a web server");
    let began = Instant::now();
    let server = deaf.local_addr().unwrap().to_string();
    let said = Patient::of(&lab).but("--dns", &server).with(["--deadline", "3"]).examined();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!([said.result("resolver.udp"), said.exit.to_string().as_str()], ["wrong", "2"]);
}
