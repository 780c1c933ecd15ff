//! `probe --batch`: a list in, lines of JSON out, in order, and from where it was interrupted.

use super::fixture::*;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::mail_host::Manner;
use crate::support::laboratory::name_server::{Manner as Answering, Scope};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const LIST: &str = "# domains of ours\nsts.test\n\nnone.test # no policy\nno domain\n[192.0.2.1]\nNULL.test.\nno-such-name.test\n";

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// Line, domain and outcome of each result.
fn told(text: &str) -> Vec<(u64, String, String)> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let triple = |o: Value| (o["line"].as_u64().unwrap(), word(&o["domain"]), word(&o["outcome"]));
    objects(text).into_iter().map(triple).collect()
}

fn list(lab: &Laboratory, text: &str) -> PathBuf {
    let path = lab.directory().join("list");
    fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn each_line_is_answered_in_its_order_and_the_whole_is_counted() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let list = list(&lab, LIST);
    // The first one is the slowest.
    lab.behave(Scope::question("sts.test", "MX"), Answering::Late(Duration::from_millis(300)));
    let output = probe(&lab, host.port(), &["--batch", text(&list), "--rate", "1000"]);
    let results = told(&said(&output));
    let expected = [
        (2, "sts.test", "deliverable"),
        (4, "none.test", "deliverable"),
        (5, "-", "not-a-domain"),
        (6, "-", "address"),
        (7, "null.test", "no-mail"),
        (8, "no-such-name.test", "unknown"),
    ];
    assert_eq!(results, expected.map(|(line, domain, word)| (line, domain.to_owned(), word.to_owned())));
    assert_eq!(exit(&output), 1, "a line is no domain");
    let summary = complaint(&output);
    assert!(summary.starts_with("6 domains in "), "{summary}");
    assert!(
        summary.ends_with(" s, 2 malformed\n2 deliverable, 0 partly, 0 refused, 1 no-mail, 1 unknown\n"),
        "{summary}"
    );
    // What is told of a domain is what is told of it alone.
    let alone: Value =
        serde_json::from_str(&said(&probe(&lab, host.port(), &["--format", "json", "sts.test"]))).unwrap();
    let here = &objects(&said(&output))[0]["probe"];
    assert_eq!((&here["reach"], &here["hosts"][0]["host"]), (&alone["reach"], &alone["hosts"][0]["host"]));
}

#[test]
fn a_list_may_come_bit_by_bit_and_each_answer_goes_at_once() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let mut command = command(&lab, host.port(), &["--batch", "-", "--rate", "1000"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for (line, domain) in [(1, "sts.test"), (2, "none.test")] {
        input.write_all(format!("{domain}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        assert_eq!(told(&answer), [(line, domain.to_owned(), "deliverable".to_owned())]);
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_file_that_is_there_is_continued_only_on_request_and_only_if_it_is_of_the_list() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let (list, results) = (list(&lab, LIST), lab.directory().join("results"));
    let run = |more: &[&str]| {
        let arguments = ["--batch", text(&list), "-o", text(&results), "--rate", "1000"];
        probe(&lab, host.port(), &[&arguments, more].concat())
    };
    assert_eq!(exit(&run(&[])), 1);
    let all = fs::read_to_string(&results).unwrap();
    let again = run(&[]);
    assert_eq!((exit(&again), complaint(&again).contains("--resume continues it")), (64, true), "{again:?}");
    lab.forget();
    let resumed = run(&["--resume"]);
    assert_eq!((exit(&resumed), lab.questions()), (1, 0), "nothing was left to do");
    assert!(
        complaint(&resumed)
            .ends_with(" s, 2 malformed\n2 deliverable, 0 partly, 0 refused, 1 no-mail, 1 unknown\n")
    );
    assert_eq!(fs::read_to_string(&results).unwrap(), all);
    fs::write(&list, LIST.replace("none.test", "dane.test")).unwrap();
    let other = run(&["--resume"]);
    assert_eq!(
        (exit(&other), complaint(&other).contains("in line 2 it is about another domain than line 4")),
        (64, true)
    );
    assert_eq!(fs::read_to_string(&results).unwrap(), all);
}

#[test]
fn killed_at_any_moment_and_resumed_it_has_the_same_lines() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let domains = ["sts.test", "none.test", "dane.test", "null.test", "partly.test", "enforced.test"];
    let names: String = domains.iter().cycle().take(48).map(|domain| format!("{domain}\n")).collect();
    let (list, results) = (list(&lab, &names), lab.directory().join("results"));
    let arguments =
        ["--batch", text(&list), "-o", text(&results), "--resume", "--rate", "1000", "--parallel", "3"];
    let whole = || fs::read_to_string(&results).map_or(0, |text| text.matches('\n').count());
    let mut kills = 0;
    while whole() < 48 {
        let before = whole();
        let mut child = command(&lab, host.port(), &arguments).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        // Killed once it has gone on for five lines, wherever it is in the sixth.
        while whole() < (before + 5).min(48) && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not go on");
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = child.kill();
        let _ = child.wait();
        kills += 1;
        // And the machine goes down with it: half a line stays.
        let mut file = fs::OpenOptions::new().append(true).open(&results).unwrap();
        file.write_all(b"{\"line\":9,\"dom").unwrap();
    }
    let output = probe(&lab, host.port(), &arguments);
    assert_eq!((exit(&output), kills > 3), (0, true), "{kills} {output:?}");
    let found: Vec<(u64, String)> = told(&fs::read_to_string(&results).unwrap())
        .into_iter()
        .map(|(line, domain, _)| (line, domain))
        .collect();
    let expected: Vec<(u64, String)> = (1..).zip(names.lines().map(str::to_owned)).collect();
    assert_eq!(found, expected);
}

#[test]
fn no_more_domains_are_begun_in_a_second_than_the_rate_says() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let list = list(&lab, &"null.test\n".repeat(6));
    let begun = Instant::now();
    assert_eq!(
        exit(&probe(&lab, host.port(), &["--batch", text(&list), "--rate", "5", "--parallel", "256"])),
        0
    );
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn what_makes_no_sense_is_told_before_anything_is_opened() {
    let lab = Laboratory::start();
    let results = lab.directory().join("results");
    for arguments in [
        &["--batch", "/nonexistent"][..],
        &["--batch", "-", "sts.test"],
        &["--batch", "-", "--resume"],
        &["--batch", "-", "--format", "prometheus"],
        &["--batch", "-", "--parallel", "0"],
        &["--batch", "-", "--parallel", "257"],
        &["--batch", "-", "--rate", "0"],
        &["--rate", "5", "sts.test"],
        &["--output", text(&results), "sts.test"],
        &[],
    ] {
        let output = probe(&lab, 25, arguments);
        assert_eq!((exit(&output), said(&output).as_str()), (64, ""), "{arguments:?}");
        assert!(!complaint(&output).is_empty() && !results.exists(), "{arguments:?}");
    }
}

#[test]
fn results_that_nobody_takes_end_the_run() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let list = list(&lab, &"null.test\n".repeat(100));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&lab, host.port(), &["--batch", text(&list), "--rate", "1000"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(exit(&output), 75);
    assert!(complaint(&output).contains("the results cannot be written"), "{output:?}");
}
