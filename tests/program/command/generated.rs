//! Manual pages and completions: other programs read them.

use crate::support::program::PROGRAM;
use crate::support::skipped::skipped;
use smtp_sts_verify::cli::guide::{self, GUIDES};
use smtp_sts_verify::reason::Reason;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn generated(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).arg("generate").args(arguments).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs another program; `None`, and a word about it, if it is not installed.
fn run(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            skipped("what is generated", &format!("{}: {error}", command.get_program().display()));
            None
        }
    }
}

#[test]
fn mandoc_has_nothing_to_say_about_the_manual_pages() {
    let directory = TempDir::new().unwrap();
    for (arguments, name) in [(&["man"][..], "x.1"), (&["man", "--config"], "x.5")] {
        let path = directory.path().join(name);
        fs::write(&path, generated(arguments)).unwrap();
        let Some(output) = run(Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&path))
        else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

#[test]
fn the_manual_page_has_every_command_option_and_reason() {
    let page = generated(&["man"]).replace("\\-", "-");
    for guide in GUIDES.iter().filter(|guide| !guide.path.is_empty()) {
        let heading =
            if guide.path.contains(' ') { format!("\"{}\"", guide.path) } else { guide.path.to_owned() };
        assert!(page.contains(&format!("\n.SS {heading}\n")), "{}", guide.path);
    }
    let mut command = guide::command();
    command.build();
    let everywhere = command.get_subcommands().flat_map(clap::Command::get_arguments);
    for arg in everywhere.filter(|arg| !arg.is_hide_set()) {
        if let Some(long) = arg.get_long() {
            assert!(page.contains(&format!("--{long}")), "--{long}");
        }
    }
    for reason in Reason::ALL {
        assert!(page.contains(&format!("\\fB{}\\fR", reason.word())), "{reason:?}");
    }
    for section in [
        "NAME",
        "SYNOPSIS",
        "COMMANDS",
        "OPTIONS",
        "ANSWER",
        "\"EXIT STATUS\"",
        "FILES",
        "EXAMPLES",
        "REASONS",
        "\"LINT CODES\"",
    ] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section}");
    }
}

/// So that they can be read where the source is, in a browser and in the package.
#[test]
fn the_manual_in_the_tree_is_what_the_program_writes() {
    for (arguments, name) in [
        (&["man", "--markdown"][..], "smtp-sts-verify.1.md"),
        (&["man", "--config", "--markdown"], "smtp-sts-verify.toml.5.md"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exim/manual").join(name);
        let is_same = fs::read_to_string(&path).is_ok_and(|text| text == generated(arguments));
        let words = arguments.join(" ");
        assert!(is_same, "write it again: cargo run -- generate {words} > exim/manual/{name}");
    }
}

/// What bash completes a command line to.
fn completed(words: &[&str]) -> Option<Vec<String>> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("completions");
    fs::write(&path, generated(&["completions", "bash"])).unwrap();
    let script = "source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                  f=$(complete -p smtp-sts-verify) && f=${f#*-F } && ${f%% *} \"$1\" \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\" 2>&1; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", script, "bash"]).arg(&path).arg("smtp-sts-verify").args(words);
    let output = run(&mut command)?;
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_options_values_and_words() {
    for (words, expected) in [
        (&["ex"][..], &["explain"][..]),
        (&["cache", "re"], &["refresh"]),
        (&["lint", "--stri"], &["--strict"]),
        (&["lint", "--kind", "mta-sts-p"], &["mta-sts-policy"]),
        (&["why", "dane-u"], &["dane-unusable", "dane-usable"]),
        (&["generate", "completions", "f"], &["fish"]),
    ] {
        let Some(mut completed) = completed(words) else { return };
        completed.sort();
        assert_eq!(completed, expected, "{words:?}");
    }
}

#[test]
fn zsh_and_fish_can_read_their_completions() {
    let directory = TempDir::new().unwrap();
    for (shell, option) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let path = directory.path().join(shell);
        let text = generated(&["completions", shell]);
        assert!(text.contains("explain") && text.contains("smtp-sts-verify"), "{text}");
        fs::write(&path, text).unwrap();
        if let Some(output) = run(Command::new(shell).arg(option).arg(&path)) {
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
