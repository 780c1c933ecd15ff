//! `explain --record` and `explain --replay`, as people use them.

use crate::support::laboratory::{Laboratory, deliveries};
use crate::support::program::{PROGRAM, Program};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program without anything of the laboratory: another directory, no environment.
fn replay(recording: &Path, format: &str) -> Output {
    let elsewhere = tempfile::TempDir::new().unwrap();
    Command::new(PROGRAM)
        .args(["explain", "--format", format, "--replay"])
        .arg(recording)
        .current_dir(elsewhere.path())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The command line of `explain` in the laboratory.
fn explain(program: &Program, arguments: &[&str]) -> Output {
    let mut words: Vec<_> = program.command::<&str>([]).get_args().map(ToOwned::to_owned).collect();
    words.insert(0, "explain".into());
    Command::new(PROGRAM).args(words).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn a_replay_prints_the_same_bytes_when_the_world_is_gone() {
    let lab = Laboratory::start();
    let program = Program::new(&lab).with_configuration(lab.configuration());
    let directory = tempfile::TempDir::new().unwrap();
    let domains: BTreeSet<&str> = deliveries::all().iter().map(|delivery| delivery.domain).collect();
    let mut told = Vec::new();
    for domain in domains {
        let file = directory.path().join(domain);
        let pages = ["human", "json"].map(|format| {
            let record = ["--format", format, "--force", "--record", file.to_str().unwrap(), domain];
            let output = explain(&program, &record);
            assert_eq!(text(&output.stderr), "", "{domain}");
            output
        });
        // The clock may have gone on between the two: the page that belongs to this recording is the second.
        let [_, json] = pages;
        told.push((domain, file, json));
    }
    drop(lab);
    for (domain, file, recorded) in told {
        let replayed = replay(&file, "json");
        assert_eq!(text(&replayed.stderr), "", "{domain}");
        assert_eq!(text(&replayed.stdout), text(&recorded.stdout), "{domain}");
        assert_eq!(replayed.status.code(), recorded.status.code(), "{domain}");
        assert_eq!(text(&replay(&file, "human").stdout), text(&replay(&file, "human").stdout), "{domain}");
    }
}

#[test]
fn private_zones_and_mechanisms_are_recorded_and_count_in_a_replay() {
    let lab = Laboratory::start();
    let directory = tempfile::TempDir::new().unwrap();
    for (number, (options, domain)) in [
        (&["--insecure-zones", "bogus.test"][..], "bogus.test"),
        (&["--mechanisms", "mta-sts"], "dane.test"),
        (&["--mechanisms", "dane"], "sts.test"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = directory.path().join(number.to_string());
        let record = ["--format", "json", "--record", file.to_str().unwrap(), domain];
        let recorded = explain(&Program::new(&lab), &[options, &record].concat());
        let replayed = replay(&file, "json");
        assert_eq!(
            (text(&replayed.stderr), text(&replayed.stdout)),
            (String::new(), text(&recorded.stdout)),
            "{domain}"
        );
        assert!(
            text(&recorded.stdout).contains(options[0].trim_start_matches("--").replace('-', "_").as_str()),
            "{domain}"
        );
    }
}

#[test]
fn the_page_for_people_is_the_same_and_recording_changes_nothing_of_it() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let directory = tempfile::TempDir::new().unwrap();
    for domain in ["enforced.test", "mta-sts.test", "dane.test", "bogus.test", "badcert.test"] {
        let file = directory.path().join(domain);
        let recorded = explain(&program, &["--record", file.to_str().unwrap(), domain]);
        let replayed = replay(&file, "human");
        assert_eq!(text(&replayed.stdout), text(&recorded.stdout), "{domain}");
        assert_eq!((text(&replayed.stderr), replayed.status.code()), (String::new(), recorded.status.code()));
        assert!(recorded.stdout.len() > 80, "{domain}");
    }
    assert!(!program.cache().exists(), "nothing was kept");
}

#[test]
fn only_its_owner_can_read_a_recording_and_none_is_replaced_unasked() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("report.json");
    let record = |more: &[&str]| {
        let mut arguments = vec!["--record", file.to_str().unwrap(), "enforced.test"];
        arguments.extend(more);
        explain(&program, &arguments)
    };
    assert_eq!(record(&[]).status.code(), Some(0));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o170_000, 0o100_000);
    let first = fs::read(&file).unwrap();
    lab.forget();
    let refused = record(&[]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(text(&refused.stderr).contains("is there already; give another name, or --force"));
    assert_eq!(
        (lab.questions(), fs::read(&file).unwrap()),
        (0, first.clone()),
        "nobody was asked for nothing"
    );
    assert_eq!(record(&["--force"]).status.code(), Some(0));
    assert_ne!(fs::read(&file).unwrap(), first);
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["report.json"], "nothing is left beside it");

    let (victim, link) = (directory.path().join("victim"), directory.path().join("link"));
    fs::write(&victim, "mine").unwrap();
    symlink(&victim, &link).unwrap();
    let over = explain(&program, &["--force", "--record", link.to_str().unwrap(), "enforced.test"]);
    assert_eq!((over.status.code(), fs::read_to_string(&victim).unwrap()), (Some(0), "mine".to_owned()));
    let nowhere = explain(&program, &["--record", "/nonexistent/report.json", "enforced.test"]);
    assert_eq!(nowhere.status.code(), Some(64));
    assert!(text(&nowhere.stderr).contains("/nonexistent/report.json cannot be written"), "{nowhere:?}");
}

#[test]
fn a_replay_takes_no_settings_and_a_recording_stores_nothing() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("report.json").to_str().unwrap().to_owned();
    assert_eq!(explain(&program, &["--record", &file, "enforced.test"]).status.code(), Some(0));
    for option in [
        &["--dns", "192.0.2.1"][..],
        &["-c", "/x.db"],
        &["--config", "/x"],
        &["--store"],
        &["enforced.test"],
        &["--on-unreachable", "defer"],
        &["--record", "/x"],
        &["--deadline", "3"],
    ] {
        let output =
            Command::new(PROGRAM).args(["explain", "--replay", &file]).args(option).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{option:?}: {output:?}");
    }
    let both = explain(&program, &["--store", "--record", "/x", "enforced.test"]);
    assert_eq!(both.status.code(), Some(64));
}

#[test]
fn a_strangers_file_is_told_in_one_plain_line() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("report.json");
    for (octets, expected) in [
        (&b"\x1b[2J"[..], "is no JSON"),
        (
            b"{\"smtp_sts_verify_recording\":9}",
            "field 'smtp_sts_verify_recording' is 9, and this program reads 1",
        ),
        (b"{\"smtp_sts_verify_recording\":1}", "field 'moment' is missing"),
    ] {
        fs::write(&file, octets).unwrap();
        let output = replay(&file, "human");
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{said}");
        assert!(said.contains(expected) && said.lines().count() == 1 && !said.contains('\x1b'), "{said}");
    }
    let absent = replay(Path::new("/nonexistent/report.json"), "human");
    assert!(text(&absent.stderr).contains("cannot be read"), "{absent:?}");
}

#[test]
fn a_changed_recording_is_told_beside_its_explanation() {
    let lab = Laboratory::start();
    let program = Program::new(&lab);
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("report.json");
    explain(&program, &["--record", file.to_str().unwrap(), "enforced.test"]);
    let good = fs::read_to_string(&file).unwrap();
    let later = {
        let value: serde_json::Value = serde_json::from_str(&good).unwrap();
        let moment = value["moment"].as_u64().unwrap();
        good.replace(&format!("\"moment\": {moment}"), &format!("\"moment\": {}", moment + 315_360_000))
    };
    assert_ne!(later, good);
    fs::write(&file, later).unwrap();
    let output = replay(&file, "human");
    let said = text(&output.stderr);
    assert!(said.contains("the file was changed after it was recorded"), "{said}");
    assert!(said.contains("the verdict was deliver (policy-met), and is defer ("), "{said}");
    assert_eq!(output.status.code(), Some(75));
}
