//! An Exim that says what it is told to; the real one is in `tests/exim`.

use super::patient::Patient;
use crate::support::laboratory::Laboratory;
use crate::support::users::copy_program;
use std::fs;
use std::time::{Duration, Instant};

/// A stand-in at a path of its own, which runs this script.
fn stand_in(lab: &Laboratory, script: &str) -> String {
    let (text, path) = (lab.directory().join("script"), lab.directory().join("exim4"));
    fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
    copy_program(&text, &path);
    path.display().to_string()
}

#[test]
fn without_exim_that_is_the_warning() {
    let lab = Laboratory::start();
    let said = Patient::of(&lab).examined();
    assert_eq!(said.of("exim.found"), ("warning", "/nonexistent is not there, or no program"));
    assert!(said.all("wrong").iter().all(|check| !check.starts_with("exim.")));
}

#[test]
fn an_exim_that_hangs_does_not_keep_the_doctor() {
    let lab = Laboratory::start();
    let exim = stand_in(&lab, "exec sleep 60");
    let began = Instant::now();
    let said = Patient::of(&lab).but("--exim", &exim).with(["--deadline", "4"]).examined();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let (result, seen) = said.of("exim.version");
    assert!(result == "warning" && seen.ends_with("did not end in time"), "{seen}");
    assert_eq!(said.result("resolver.dnssec"), "fine", "everything else had its time");
}

#[test]
fn an_exim_that_talks_without_end_or_nonsense_is_told() {
    let lab = Laboratory::start();
    let exim = stand_in(&lab, "exec yes");
    let said = Patient::of(&lab).but("--exim", &exim).examined();
    assert_eq!(said.result("exim.version"), "warning");
    let exim = stand_in(&lab, "printf '\\033[2J all is well\\n'");
    let patient = Patient::of(&lab).but("--exim", &exim);
    assert_eq!(patient.examined().result("exim.version"), "warning");
    let page = patient.run("human").stdout;
    assert!(page.iter().all(|octet| *octet == b'\n' || (b' '..=b'~').contains(octet)));
}

#[test]
fn one_without_tls_from_before_the_macros_is_wrong() {
    let lab = Laboratory::start();
    let exim = stand_in(&lab, "[ \"$1\" = -bV ] && echo 'Exim version 4.94.2 #2 built 1-Jan-2021'; exit 0");
    let said = Patient::of(&lab).but("--exim", &exim).examined();
    assert_eq!([said.result("exim.version"), said.result("exim.tls")], ["wrong", "wrong"]);
    assert_eq!((said.result("exim.routers"), said.exit), ("warning", 2));
}
