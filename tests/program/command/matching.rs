//! `match PATTERN HOST`: one sentence and an exit code.

use crate::support::program::PROGRAM;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output};

fn matched<T: AsRef<OsStr>>(arguments: &[T]) -> Output {
    Command::new(PROGRAM).arg("match").args(arguments).output().unwrap()
}

fn exit(arguments: &[&str]) -> Option<i32> {
    matched(arguments).status.code()
}

#[test]
fn the_answer_is_a_sentence_and_its_exit_code() {
    for (arguments, code, sentence) in [
        (&["*.example.org", "MX.example.org."][..], 0, "match: *.example.org permits mx.example.org\n"),
        (
            &["*.example.org", "a.b.example.org"],
            1,
            "no match: *.example.org does not permit a.b.example.org, the wildcard stands for exactly one label, not for 2\n",
        ),
        (
            &["*", "mx.example.org"],
            1,
            "not a pattern: '*': A lone asterisk would permit every host in the world, and is no pattern. Write a line mx: \
             for each MX host, or '*.' and the domain that all of them are in.\n",
        ),
        (
            &["--kind", "smtp-sts", "_.example.org", "mx.example.org"],
            0,
            "match: *.example.org permits mx.example.org\n",
        ),
    ] {
        let output = matched(arguments);
        // Broken into lines of 80 columns.
        let said = String::from_utf8(output.stdout).unwrap().replace('\n', " ");
        assert_eq!(
            (output.status.code(), said.trim_end()),
            (Some(code), sentence.trim_end()),
            "{arguments:?}"
        );
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn an_argument_is_never_an_option_in_disguise() {
    for arguments in
        [["-a.example", "-a.example"], ["--config=/etc/passwd", "a"], ["a", "-c"], ["$(id)", "`id`"]]
    {
        assert_eq!(exit(&arguments), Some(1), "{arguments:?}");
    }
}

#[test]
fn two_arguments_are_needed_and_no_more() {
    for arguments in [&[][..], &["a"], &["a", "b", "c"], &["--kind", "dane", "a", "b"]] {
        let output = matched(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{arguments:?}");
    }
}

#[test]
fn hostile_arguments_are_shown_harmlessly() {
    let long = "x".repeat(70_000);
    for text in [&b"\xff\xfe"[..], b"\x1b[2J", "\u{202e}a.example".as_bytes(), b"a\nb", long.as_bytes()] {
        let text = OsStr::from_bytes(text);
        for arguments in [[text, OsStr::new("a.example")], [OsStr::new("a.example"), text]] {
            let output = matched(&arguments);
            assert_eq!(output.status.code(), Some(1));
            assert!(output.stdout.iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)));
            assert!(output.stdout.len() < 400 && !output.stdout.starts_with(b"\n"));
        }
    }
}

#[test]
fn every_collected_vector_matches_as_written_down() {
    let rows = include_str!("../../../fixtures/mx-match.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut seen = 0;
    for row in rows {
        let fields: Vec<&str> = row.split('\t').collect();
        let text = |field: &str| match field.split_once("\\u{") {
            None => field.to_owned(),
            Some(_) => unescaped(field),
        };
        let (host, patterns, outcome) = (text(fields[0]), text(fields[1]), fields[2]);
        if host.starts_with('<') {
            continue;
        }
        let matches = patterns.split(',').any(|pattern| exit(&[pattern, &host]) == Some(0));
        assert_eq!(matches, outcome == "match", "{row}");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}

/// With every `\u{N}` decoded.
fn unescaped(field: &str) -> String {
    let mut parts = field.split("\\u{");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}').unwrap();
        text.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        text.push_str(rest);
    }
    text
}
