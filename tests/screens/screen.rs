//! One screen: what was typed, what came of it, and what of that is the same each time.

use crate::support::laboratory::Laboratory;
use crate::support::program::{PROGRAM, Program};
use regex::Regex;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Columns of a terminal.
const COLUMNS: usize = 80;

/// What differs from run to run, and what stands for it. The order counts.
const MASKS: [(&str, &str); 9] = [
    (r"\b1[789]\d{8}\b", "SSSSSSSSSS"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "YYYY-MM-DDTHH:MM:SSZ"),
    (r"\b20\d\d-\d\d-\d\d\b", "YYYY-MM-DD"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PPPPP"),
    (r"\btest:\d{4,5}\b", "test:PPPPP"),
    (r"\btag \d+\b", "tag NNNNN"),
    (r"\b\d+ (day|hour|minute|second)s?( \d+ (hour|minute|second)s?)?\b", "SOME TIME"),
    (r"\b\d+ ms\b", "N ms"),
    (r"\b\d+ quer(y|ies)\b", "N queries"),
];

/// A command line at a terminal of 80 columns.
pub(crate) struct Screen {
    line: String,
    world: Vec<OsString>,
    input: String,
    masks: Vec<(String, String)>,
}

/// `smtp-sts-verify LINE`; words are divided by blanks, and nothing is quoted.
pub(crate) fn typed(line: &str) -> Screen {
    Screen { line: line.to_owned(), world: Vec::new(), input: String::new(), masks: Vec::new() }
}

impl Screen {
    /// In the world of a laboratory, on the cache of that program: the options that lead there are not shown.
    pub(crate) fn at(self, lab: &Laboratory, program: &Program) -> Self {
        let mut options: Vec<OsString> = lab.options().into_iter().map(Into::into).collect();
        options.extend(["--config".into(), lab.empty_configuration().into()]);
        options.extend(["-c".into(), program.cache().into()]);
        self.with(options).masking(lab.directory().to_str().unwrap(), "LAB")
    }

    /// With more words behind those that are shown.
    pub(crate) fn with<T: Into<OsString>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.world.extend(words.into_iter().map(Into::into));
        self
    }

    /// With this on standard input.
    pub(crate) fn reading(mut self, input: &str) -> Self {
        input.clone_into(&mut self.input);
        self
    }

    /// One more text that differs from run to run, and what stands for it.
    pub(crate) fn masking(mut self, text: &str, mask: &str) -> Self {
        self.masks.push((regex::escape(text), mask.to_owned()));
        self
    }

    /// The screen is the one of that name in `tests/screens/snapshots`.
    pub(crate) fn shows(&self, name: &str) {
        let mut settings = insta::Settings::new();
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(name, self.text()));
    }

    fn text(&self) -> String {
        let mut command = Command::new(PROGRAM);
        command.args(self.line.split_whitespace()).args(&self.world);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Whoever reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(self.input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let [shown, said] = [output.stdout, output.stderr].map(|octets| String::from_utf8(octets).unwrap());
        for line in shown.lines().chain(said.lines()) {
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "not printable ASCII: {line:?}");
        }
        for line in shown.lines() {
            assert!(line.len() <= COLUMNS, "{} columns, more than {COLUMNS}: {line}", line.len());
        }
        let parts = [("standard error", &said), ("exit", &format!("{}\n", output.status.code().unwrap()))];
        let mut text = format!("$ smtp-sts-verify {}\n{shown}", self.line);
        for (label, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            text = format!("{}\n[{label}] {part}", text.trim_end());
        }
        self.masked(text)
    }

    fn masked(&self, text: String) -> String {
        let masks = self.masks.iter().map(|(pattern, mask)| (pattern.as_str(), mask.as_str()));
        masks.chain(MASKS).fold(text, |text, (pattern, mask)| {
            Regex::new(pattern).unwrap().replace_all(&text, regex::NoExpand(mask)).into_owned()
        })
    }
}
