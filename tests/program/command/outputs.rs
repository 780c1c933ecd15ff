//! An answer that nobody could read is not an answer.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use std::fs::{self, File, OpenOptions};
use std::io::pipe;
use std::process::{Command, Stdio};

const MET: [&str; 4] = ["-d", "enforced.test", "-m", "mx1.enforced.test"];

#[test]
fn a_full_disk_behind_standard_output_is_exit_75() {
    let lab = Laboratory::start();
    for format in ["exim", "json", "human"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Program::new(&lab).with(["--format", format]).command(MET);
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{format}");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            words.contains("the output cannot be written: No space left"),
            format != "exim",
            "{words}"
        );
    }
}

#[test]
fn a_reader_that_has_gone_is_exit_75() {
    let lab = Laboratory::start();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let output = Program::new(&lab).command(MET).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(75), 0));
}

/// As `generate man | head -1` ends, also where the shell looks at every command of a pipeline.
#[test]
fn of_what_no_mail_waits_for_a_full_disk_is_told_and_a_reader_that_has_gone_is_no_failure() {
    let lab = Laboratory::start();
    let cache = lab.cache_file().display().to_string();
    let empty = lab.empty_configuration().display().to_string();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["generate", "man"],
        &["config", "check", "--config", &empty, "-c", &cache],
        &["why", "policy-met"],
        &["cache", "list", "--config", &empty, "-c", &cache],
        &["match", "*.example.org", "mx.example.org"],
    ] {
        let ended = |stdout: Stdio| {
            let output = Command::new(PROGRAM).args(arguments).stdout(stdout).stderr(Stdio::piped()).output();
            let output = output.unwrap();
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let words = "smtp-sts-verify: the output cannot be written: No space left on device (os error 28)\n";
        assert_eq!(ended(full.into()), (Some(75), words.to_owned()), "{arguments:?}");
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(ended(writer.into()), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn a_batch_whose_reader_has_gone_has_not_failed() {
    let lab = Laboratory::start();
    let list = lab.empty_configuration().with_extension("list");
    fs::write(&list, "?\n").unwrap();
    for arguments in [&["lookup", "--batch"][..], &["probe", "--batch", "-"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = Command::new(PROGRAM);
        command
            .args(arguments)
            .args(["--config".as_ref(), lab.empty_configuration().as_os_str()])
            .stdin(File::open(&list).unwrap());
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("written") && !said.contains("failed"), "{arguments:?}: {said}");
    }
}

#[test]
fn more_words_for_people_are_none_for_exim() {
    let lab = Laboratory::start();
    for arguments in
        [&["-v", "-d", "bogus.test", "-m", "mx.bogus.test"][..], &["-v", "-d", "?"], &["-v", "--nonsense"]]
    {
        let plain = Program::new(&lab).ask(arguments.iter().copied().filter(|word| *word != "-v"));
        assert_eq!(Program::new(&lab).ask(arguments.iter().copied()), plain);
    }
}

#[test]
fn a_verdict_does_not_depend_on_the_cache_that_keeps_it() {
    let lab = Laboratory::start();
    for path in ["/nonexistent/cache.db", "/dev/full", "/dev/null"] {
        let told = Program::new(&lab).with_cache_at(path).ask(MET);
        assert_eq!(told.of(["verdict", "cache"]), ["deliver", "unavailable"], "{path}: {}", told.line);
    }
}

#[test]
fn a_cache_that_is_no_absolute_path_of_a_file_is_a_mistake_of_the_configuration() {
    let lab = Laboratory::start();
    for path in ["/", "cache.db", "../cache.db", "file:/tmp/cache.db?mode=memory", ":memory:"] {
        let told = Program::new(&lab).with_cache_at(path).ask(MET);
        assert_eq!((told.exit, told.get("reason")), (78, "configuration"), "{path:?}: {}", told.line);
    }
    assert_eq!(lab.questions(), 0);
}
