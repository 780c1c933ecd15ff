//! Every word that the program says and explains, as tables of its manual: from the lists that `why` draws on.

use super::page::{Column, Table};
use crate::cli::guide::{self, Guide};
use crate::cli::why::{Entry, Kind, entries};
use crate::render;

const REASON: [Column; 4] = [
    ("word", ""),
    ("what happened, and what it means for the mail", ""),
    ("what to do", "To do: "),
    ("rule", "Rule: "),
];

const FINDING: [Column; 4] =
    [("code", ""), ("matters", "Severity: "), ("what it means, and how to mend it", ""), ("rule", "Rule: ")];

const CHECK: [Column; 4] = [
    ("check", ""),
    ("what is looked at", "Fine if "),
    ("if it is not so", "If not: "),
    ("what mends it", "To do: "),
];

const OTHER: [Column; 4] =
    [("word", ""), ("what it means", ""), ("what to do", "To do: "), ("rule", "Rule: ")];

/// All words of one kind.
pub(super) fn table(kind: Kind) -> Table {
    let columns: &'static [Column] = match kind {
        Kind::Reason => &REASON,
        Kind::Lint(_) | Kind::Report => &FINDING,
        Kind::Check => &CHECK,
        Kind::Probe | Kind::ResultType | Kind::ExitCode => &OTHER,
    };
    Table {
        columns,
        terms: 1,
        rows: entries().filter(|entry| entry.kind == kind).map(|entry| row(&entry)).collect(),
    }
}

fn row(entry: &Entry) -> Vec<String> {
    let word = format!("`{}`", entry.word);
    let reported = entry.reported_as.map(|word| format!(" Report as `{word}`.")).unwrap_or_default();
    let [about, meaning, fix, rule] =
        [entry.about.unwrap_or_default(), entry.meaning, entry.fix, entry.rule].map(str::to_owned);
    match entry.kind {
        Kind::Lint(_) | Kind::Report => {
            let severity = entry.severity.map(|severity| severity.word().to_owned()).unwrap_or_default();
            vec![word, severity, format!("{meaning} {fix}"), rule]
        }
        Kind::Check => vec![word, about, meaning, fix],
        Kind::Reason | Kind::Probe | Kind::ResultType | Kind::ExitCode => {
            vec![word, format!("{meaning}{reported}"), fix, rule]
        }
    }
}

/// The keys of an answer.
pub(super) fn answer() -> Table {
    let row = |key: render::Key| {
        let words: Vec<String> = key.words.iter().map(|word| format!("`{word}`")).collect();
        vec![format!("`{}`", key.key), words.join(", "), key.about.to_owned()]
    };
    Table {
        columns: &[("key", ""), ("words", "One of "), ("what it tells", "")],
        terms: 1,
        rows: render::keys().into_iter().map(row).collect(),
    }
}

/// What a line for Exim ends with.
pub(super) fn exits() -> Table {
    let exits = Guide::of("").map(Guide::all_exits).unwrap_or_default();
    Table {
        columns: &[("code", ""), ("meaning", "")],
        terms: 1,
        rows: exits
            .into_iter()
            .map(|(code, meaning)| vec![format!("`{code}`"), meaning.to_owned()])
            .collect(),
    }
}

/// What each command ends with.
pub(super) fn exits_of_commands() -> Table {
    let row = |guide: &Guide| {
        let exits: Vec<String> =
            guide.exits.iter().map(|(code, meaning)| format!("`{code}` {meaning}")).collect();
        vec![format!("`{}`", guide.path), exits.join("; ")]
    };
    let guides = guide::GUIDES.iter().filter(|guide| !guide.exits.is_empty() && !guide.path.contains(' '));
    Table { columns: &[("command", ""), ("codes", "")], terms: 1, rows: guides.map(row).collect() }
}
