//! The transcripts of `exim/troubleshooting.md` and of the README are what the program says now, in the laboratory: each command that stands there is given
//! again, and whatever differs from run to run is masked on both sides.

use crate::support::laboratory::Laboratory;
use regex::Regex;
use std::process::Command;

/// Each page with the heading above its transcripts.
const PAGES: [(&str, &str); 2] = [
    (include_str!("../../README.md"), "\n## What it looks like\n"),
    (include_str!("../../exim/troubleshooting.md"), "\n## Transcripts\n"),
];

/// The line that stands for something that was left out.
const LEFT_OUT: &str = "\n[...]";

/// The commands that are shown, in their order.
const COMMANDS: [&str; 8] = [
    "explain forbidden-sts.test mx2.forbidden-sts.test",
    "explain good-dane.test",
    "probe good-dane.test",
    "explain bogus.test",
    "doctor",
    "explain forbidden-sts.test mx2.forbidden-sts.test",
    "probe lapsed-sts.test",
    "probe stale-dane.test",
];

/// What differs from run to run.
const VOLATILE: [&str; 4] = [
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", // a day, a time
    r"\d+ days? ",                         // the time until then
    r":\d{5}",                             // a port
    r"[0-9A-Fa-f]{16,}",                   // a digest
];

/// What was typed, and what is shown of the answer: pieces without a gap in them.
#[derive(Debug)]
struct Transcript {
    command: &'static str,
    pieces: Vec<String>,
}

fn transcripts() -> Vec<Transcript> {
    let sections = PAGES.into_iter().map(|(page, heading)| {
        let (_, section) = page.split_once(heading).expect("the heading is there");
        section.split_once("\n## ").expect("something follows").0
    });
    let blocks = sections.flat_map(|section| section.split("```console\n").skip(1));
    blocks.map(|block| read(block.split("```").next().unwrap())).collect()
}

fn read(block: &'static str) -> Transcript {
    let (typed, shown) = block.split_once('\n').unwrap();
    let command = typed.strip_prefix("$ smtp-sts-verify ").unwrap_or_else(|| panic!("{typed}"));
    let shown = format!("\n{shown}");
    let pieces = shown.split(LEFT_OUT).filter(|piece| !piece.trim().is_empty());
    Transcript { command, pieces: pieces.map(masked).collect() }
}

fn masked(text: &str) -> String {
    VOLATILE.iter().fold(text.to_owned(), |text, volatile| {
        Regex::new(volatile).unwrap().replace_all(&text, "~").into_owned()
    })
}

/// What the program says to a command, in the laboratory; `doctor` looks at the name server that strips.
fn said(lab: &Laboratory, port: u16, command: &str) -> String {
    let (dns, stripped) = (lab.dns().to_string(), lab.stripped_dns().to_string());
    let strips = command.starts_with("doctor");
    let world =
        lab.options().into_iter().map(|word| if strips && word == dns { stripped.clone() } else { word });
    let mut run = Command::new(env!("CARGO_BIN_EXE_smtp-sts-verify"));
    run.args(command.split(' ')).args(world).arg("-c").arg(lab.cache_file());
    run.arg("--config").arg(lab.empty_configuration());
    if command.starts_with("probe") {
        run.args(["--port", &port.to_string()]);
    }
    let output = run.output().unwrap();
    assert!(output.stderr.is_empty(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_of_the_situations_that_people_meet_has_its_transcript() {
    let shown: Vec<&str> = transcripts().iter().map(|transcript| transcript.command).collect();
    assert_eq!(shown, COMMANDS);
}

#[test]
fn a_transcript_is_what_the_program_says_now() {
    let lab = Laboratory::start();
    let mail_hosts = lab.open_mail_hosts();
    for Transcript { command, pieces } in transcripts() {
        let now = said(&lab, mail_hosts.port(), command);
        let masked = masked(&format!("\n{now}"));
        assert!(
            masked.starts_with(&pieces[0]),
            "{command} does not begin like this:\n{}\nbut:\n{now}",
            pieces[0]
        );
        let mut rest = masked.as_str();
        for piece in &pieces {
            let lines = format!("{}\n", piece.trim_end());
            let Some((_, after)) = rest.split_once(&lines) else {
                panic!("{command} does not say:\n{piece}\nbut:\n{now}");
            };
            rest = after;
        }
    }
}
