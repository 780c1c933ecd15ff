//! Findings for people: what, where, how much it matters, how it is mended; at most 80 columns, printable ASCII. Pure.

use super::place::Place;
use super::{FindingCounts, Part};
use crate::limits::MAX_FINDINGS_SHOWN;
use crate::policy::WordEntry;
use crate::policy::lint::{Finding, Severity};
use crate::text::{Escaped, Printable, excerpt};
use std::fmt::Write as _;

/// Columns of a terminal.
const WIDTH: usize = 80;
/// What stands before an excerpt and before the words about a finding.
const INDENT: &str = "    ";
/// Lines of a text that are shown without a finding in them.
const MAX_LINES_SHOWN: usize = 12;
/// Characters of one of these lines.
const MAX_LINE_SHOWN: usize = 300;

/// One part after the other, and what they come to.
#[must_use]
pub fn text(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        push_wrapped(&mut text, &part.headline(), "", INDENT);
        for note in &part.notes {
            push_wrapped(&mut text, &Printable(note).to_string(), INDENT, INDENT);
        }
        if !part.state.is_empty() {
            push_text(&mut text, part.text.as_deref().unwrap_or_default());
        }
        for (finding, input) in part.foremost(MAX_FINDINGS_SHOWN) {
            push_finding(&mut text, finding, input);
        }
        match part.all_findings().count().saturating_sub(MAX_FINDINGS_SHOWN) {
            0 => {}
            more => push_wrapped(
                &mut text,
                &format!("and {more} more, which matter no more than these"),
                "\n",
                "",
            ),
        }
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
    // Writing into a String does not fail.
    let unanswered = parts.iter().filter(|part| part.is_unanswered).count();
    let _ = writeln!(text, "{}", FindingCounts::of(parts).sentence(unanswered));
    text
}

/// The text that was found, as far as anybody wants to read it.
fn push_text(out: &mut String, text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    for line in text.lines().take(MAX_LINES_SHOWN) {
        push_wrapped(out, &excerpt(line, MAX_LINE_SHOWN), INDENT, "      ");
    }
    if text.lines().nth(MAX_LINES_SHOWN).is_some() {
        push_wrapped(out, "...", INDENT, INDENT);
    }
}

fn push_finding(text: &mut String, finding: &Finding, input: Option<&[u8]>) {
    let WordEntry { word, meaning, fix, rule, .. } = finding.code.explain();
    let severity = finding.severity().word();
    let _ = match input {
        Some(input) => {
            // A mark may stand just behind the end of the excerpt.
            let place = Place::of(&finding.at, input, WIDTH - INDENT.len() - 1);
            let blanks = " ".repeat(place.mark.start);
            let mark = "^".repeat(place.mark.len());
            writeln!(text, "\nline {}, column {}: {severity}: {word}", place.line, place.column).and_then(
                |()| {
                    let excerpt = format!("{INDENT}{}", place.excerpt);
                    writeln!(text, "{}\n{INDENT}{blanks}{mark}", excerpt.trim_end())
                },
            )
        }
        None => writeln!(text, "\n{severity}: {word}"),
    };
    if input.is_none() && !finding.shown.is_empty() {
        push_wrapped(text, &Escaped(&finding.shown).to_string(), INDENT, INDENT);
    }
    push_wrapped(text, meaning, "  what: ", "        ");
    push_wrapped(text, fix, "  mend: ", "        ");
    push_wrapped(text, rule, "  rule: ", "        ");
}

/// Adds the words of `text` in lines of at most 80 columns; a word that is longer is broken.
pub fn push_wrapped(out: &mut String, text: &str, first: &str, next: &str) {
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        let mut word = word;
        if !is_empty && line.len() + 1 + word.len() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            next.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        while line.len() + word.len() > WIDTH {
            let Some((head, tail)) = word.split_at_checked(WIDTH.saturating_sub(line.len())) else { break };
            line.push_str(head);
            out.push_str(&line);
            out.push('\n');
            next.clone_into(&mut line);
            word = tail;
        }
        line.push_str(word);
        is_empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

impl FindingCounts {
    /// What was found, in one line.
    fn sentence(self, unanswered: usize) -> String {
        let count = |number: usize, word: &str| match number {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{number} {word}s")),
        };
        let unanswered = match unanswered {
            0 => None,
            1 => Some("1 question without an answer".to_owned()),
            _ => Some(format!("{unanswered} questions without an answer")),
        };
        let counts: Vec<String> = [
            count(self.errors, Severity::Error.word()),
            count(self.warnings, Severity::Warning.word()),
            count(self.notes, Severity::Note.word()),
            unanswered,
        ]
        .into_iter()
        .flatten()
        .collect();
        if counts.is_empty() {
            "nothing to complain of".to_owned()
        } else {
            format!("found: {}", counts.join(", "))
        }
    }
}
