//! `why [WORD]`: what a word means that this program says.

mod lexicon;

use super::exit::ExitStatus;
use super::lookup::Format;
use super::{output, terminal};
use crate::config::nearest;
use crate::render::page::{Page, Tone};
use crate::text::excerpt;
use clap::Args;
pub(super) use lexicon::{Entry, Kind, entries};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Words that are suggested for one that nobody knows.
const MOST_SUGGESTED: usize = 5;

/// A word of this program.
#[derive(Args, Debug)]
pub struct WhyArguments {
    /// A word of an answer or a log, or the beginning of several, such as mta-sts.policy [default: all of them, listed]
    pub word: Option<String>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Runs the command.
pub(super) fn run(arguments: &WhyArguments) -> ExitStatus {
    let Some(typed) = &arguments.word else {
        return tell(&entries().collect::<Vec<_>>(), arguments.format);
    };
    // As it stands in a line for Exim, `reason=WORD`, or with an end of a sentence behind it.
    let word = typed.rsplit('=').next().unwrap_or_default().trim_end_matches([',', '.', ':']).to_lowercase();
    if let Some(entry) = entries().find(|entry| entry.word == word) {
        return output::write(&explained(&entry, arguments.format), ExitStatus::Deliver);
    }
    let family: Vec<Entry> =
        entries().filter(|entry| entry.kind.prefix().is_some_and(|prefix| begins(prefix, &word))).collect();
    if family.is_empty() { unknown(typed, &word) } else { tell(&family, arguments.format) }
}

/// Every word that a shell may complete: all that are explained but the numbers.
pub(super) fn words() -> Vec<&'static str> {
    let borrowed = |entry: Entry| match entry.word {
        Cow::Borrowed(word) => Some(word),
        Cow::Owned(_) => None,
    };
    entries().filter_map(borrowed).collect()
}

/// Whether a prefix of words is, or begins with, what was typed, whole words alone.
fn begins(prefix: &str, typed: &str) -> bool {
    prefix.strip_prefix(typed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn unknown(typed: &str, word: &str) -> ExitStatus {
    let words: Vec<Entry> = entries().collect();
    let near = nearest(word, words.iter().map(|entry| entry.word.as_ref()), MOST_SUGGESTED);
    let hint = match near.as_slice() {
        [] => "`smtp-sts-verify why` lists all that are".to_owned(),
        [one] => format!("did you mean {one}?"),
        [most @ .., last] => format!("did you mean {} or {last}?", most.join(", ")),
    };
    output::complain(
        "why",
        &format!("'{}' is no word of this program; {hint}", excerpt(typed, 64)),
        ExitStatus::Usage,
    )
}

fn explained(entry: &Entry, format: Format) -> String {
    if format == Format::Json {
        return format!("{}\n", object(entry));
    }
    let mut page = Page::new(terminal::paint());
    page.heading(&entry.word);
    let about = entry.about.map(|about| format!(": {about}")).unwrap_or_default();
    page.item("what", Tone::Plain, &format!("{}{about}", entry.kind.of_one()));
    if let Some(severity) = entry.severity {
        page.item("severity", entry.tone(), severity.word());
    }
    page.item(if entry.about.is_some() { "if not" } else { "meaning" }, Tone::Plain, entry.meaning);
    match (entry.fix, entry.kind) {
        ("", Kind::Reason) => page.item("to do", Tone::Plain, "nothing has to be done"),
        ("", _) => {}
        (fix, _) => page.item("to do", Tone::Plain, fix),
    }
    page.item("rule", Tone::Plain, entry.rule);
    if let Some(word) = entry.reported_as {
        page.item(
            "reported",
            Tone::Plain,
            &format!("as {word}, where senders report (RFC 8460 section 4.3)"),
        );
    }
    page.finish()
}

/// Lists words, by kind.
fn tell(entries: &[Entry], format: Format) -> ExitStatus {
    if format == Format::Json {
        let lines: String = entries.iter().map(|entry| format!("{}\n", object(entry))).collect();
        return output::write(&lines, ExitStatus::Deliver);
    }
    let mut page = Page::new(terminal::paint());
    for kind in Kind::all() {
        let words: Vec<&str> =
            entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.word.as_ref()).collect();
        if !words.is_empty() {
            page.heading(&kind.title());
            page.columns(&words);
        }
    }
    page.heading("One of them is explained by: smtp-sts-verify why WORD");
    output::write(&page.finish(), ExitStatus::Deliver)
}

/// One word in JSON: `word`, `kind` (`reason`, `lint`, `check`, `probe`, `tls-report`, `tls-report-finding`, `exit-code`), `about` (what a check looks at, or null), `severity` (`error`, `warning`, `note`, or
/// null), `meaning`, `fix` (empty: nothing has to be done), `rule`, `reported_as` (or null).
fn object(entry: &Entry) -> Value {
    json!({
        "word": entry.word,
        "kind": entry.kind.word(),
        "about": entry.about,
        "severity": entry.severity.map(crate::policy::lint::Severity::word),
        "meaning": entry.meaning,
        "fix": entry.fix,
        "rule": entry.rule,
        "reported_as": entry.reported_as,
    })
}
