//! Where in a configuration a mistake stands: the line, and the section that it is in.
//!
//! A library says "duplicate key" and "unknown field"; whoever appended a block to a file needs to hear that the section
//! was there already, or that a key of the whole program ended up in a section.

use super::nearest::nearest;
use crate::text::Escaped;
use clap::{Args, Command};
use std::path::Path;

/// A section of the file: its header, and the line of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section<'a> {
    header: &'a str,
    line: usize,
}

/// The keys of a part of the configuration, as they stand in the file: the options of the command line with `_` for `-`.
#[must_use]
fn keys<T: Args>() -> Vec<String> {
    let command = T::augment_args(Command::new("smtp-sts-verify"));
    command.get_arguments().map(|arg| arg.get_id().to_string()).collect()
}

/// The line of an octet of the file; the first one is 1.
pub(super) fn line_of(text: &str, octet: usize) -> usize {
    text.get(..octet).unwrap_or_default().matches('\n').count().saturating_add(1)
}

/// A mistake in words: file, line, what is wrong, in which section one is there, and where the key belongs, if it is known.
pub(super) fn mistake<General: Args, Daemon: Args, Reports: Args>(
    text: &str,
    path: &Path,
    error: &toml::de::Error,
) -> String {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    let before = sections(text).filter(|section| section.line <= line).last();
    let message = error.message();
    let (what, expected) = message.split_once(", expected one of").unwrap_or((message, ""));
    let words = if let Some(name) = unknown(what).filter(|name| is_header(before, line, name)) {
        no_such_section(name, expected)
    } else {
        let inside = before.map_or_else(String::new, |section| format!(" in the {section}"));
        let expected_words =
            if expected.is_empty() { String::new() } else { format!("; expected one of{expected}") };
        match unknown(what) {
            Some(key) => {
                let belongs = home::<General, Daemon, Reports>(key, before)
                    .or_else(|| unquoted(before, key))
                    .or_else(|| meant(key, expected).map(|known| format!(": did you mean {known}?")));
                format!("{what}{inside}{}{expected_words}", belongs.unwrap_or_default())
            }
            None => format!("{}{inside}{}{expected_words}", value(text, line, what), lacking(what)),
        }
    };
    told(path, line, &words)
}

/// The same of a text that is no TOML.
pub(super) fn no_toml(text: &str, path: &Path, error: &toml::de::Error) -> String {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    let before = sections(text).filter(|section| section.line <= line).last();
    let message = error.message();
    if message == "duplicate key" {
        return told(path, line, &twice(text, line, before));
    }
    let there = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let advice = if there.contains(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}']) {
        "; quotation marks have to be plain ones: \""
    } else if message.starts_with("key with no value") && there.contains(':') {
        "; between a key and its value stands =, and no colon"
    } else if message.starts_with("string values must be quoted") {
        "; a text has to stand in quotation marks: KEY = \"...\""
    } else {
        ""
    };
    let inside = before.map_or_else(String::new, |section| format!(" in the {section}"));
    told(path, line, &format!("{message}{inside}{advice}"))
}

fn told(path: &Path, line: usize, words: &str) -> String {
    format!("{} line {line}: {}", path.display(), Escaped(words))
}

/// Whether a name that nobody knows is that of the section which begins in this line.
fn is_header(inside: Option<Section<'_>>, line: usize, name: &str) -> bool {
    let header = inside.filter(|section| section.line == line).map_or("", |section| section.header);
    let begins = header.trim_start_matches('[').trim_start().strip_prefix(name);
    begins.is_some_and(|rest| rest.trim_start().starts_with([']', '.']))
}

/// A section that there is none of.
fn no_such_section(name: &str, keys: &str) -> String {
    const SECTIONS: [&str; 4] = ["serve", "reports", "fleet", "override"];
    let meant = match meant(name, keys).or_else(|| nearest(name, SECTIONS.into_iter(), 1).first().copied()) {
        Some("override") => ": did you mean [override.\"DOMAIN\"]?".to_owned(),
        Some(near) if SECTIONS.contains(&near) => format!(": did you mean [{near}]?"),
        Some(key) => format!(": did you mean the key {key}, above all sections?"),
        None => String::new(),
    };
    format!(
        "there is no section [{name}]{meant}; there are [serve], [reports], [fleet] and [override.\"DOMAIN\"]"
    )
}

/// The key that was meant, of those that a parser names.
fn meant<'a>(key: &str, expected: &'a str) -> Option<&'a str> {
    nearest(key, expected.split('`').skip(1).step_by(2), 1).first().copied()
}

/// A domain whose dots were taken for something else.
fn unquoted(inside: Option<Section<'_>>, key: &str) -> Option<String> {
    let header = inside?.header.strip_prefix("[override.")?.strip_suffix(']')?;
    let is_bare = !header.contains(['"', '\'']) && header.split('.').any(|label| label == key);
    is_bare.then(|| format!(": a domain has to stand in quotation marks: [override.\"{header}\"]"))
}

/// A value that is none for its key, with the key before it.
fn value(text: &str, line: usize, what: &str) -> String {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let key = lines.iter().rev().find_map(|line| key_of(line)).unwrap_or_default();
    let words = another_type(what).unwrap_or_else(|| what.to_owned());
    let is_about_the_section = what.starts_with("missing field") || what.starts_with("an override ");
    if key.is_empty() || is_about_the_section || words.starts_with(key) {
        words
    } else {
        format!("{key}: {words}")
    }
}

/// A parser's words for a value of another type, with those of TOML in the place of Rust's.
fn another_type(what: &str) -> Option<String> {
    let (found, expected) = what
        .split_once(", expected ")
        .filter(|(found, _)| found.starts_with("invalid type: ") || found.starts_with("invalid value: "))?;
    if let Some(number) =
        found.strip_prefix("invalid type: integer `").and_then(|found| found.split('`').next())
        && found.ends_with("128")
    {
        return Some(format!("the number {number} is too large, or too small"));
    }
    let expected = match expected {
        "a boolean" => "true or false, without quotation marks",
        "a string" => "a text in quotation marks",
        "a nonzero u16" => "a nonzero number up to 65535, without quotation marks",
        "u8" | "u32" | "u64" | "usize" | "i64" => "a whole number, without quotation marks",
        "f64" | "f32" => "a number, without quotation marks",
        "a sequence" => "a list, such as [\"...\"]",
        "a map" => "a section",
        _ => return None,
    };
    Some(format!("{found}, expected {expected}"))
}

/// What to add where a section lacks a key.
fn lacking(what: &str) -> &'static str {
    match what {
        "missing field `until`" => ": add the day on which it ends, as in until = 2026-12-31",
        "missing field `reason`" => ": add the line reason = \"...\", for whoever finds it later",
        _ => "",
    }
}

/// What stands there a second time.
fn twice(text: &str, line: usize, inside: Option<Section<'_>>) -> String {
    if let Some(again) = inside.filter(|section| section.line == line) {
        let first = sections(text).find(|section| section.header == again.header && section.line < line);
        return match first {
            Some(first) => format!(
                "duplicate key: the section {} is there already, in line {}; put these keys there",
                again.header, first.line
            ),
            None => format!("duplicate key: the section {} is there already", again.header),
        };
    }
    let key = text.lines().nth(line.saturating_sub(1)).and_then(key_of).unwrap_or_default();
    let from = inside.map_or(0, |section| section.line);
    let first = text.lines().enumerate().skip(from).find(|(_, line)| key_of(line) == Some(key));
    let first =
        first.map_or_else(String::new, |(place, _)| format!(" in line {} already", place.saturating_add(1)));
    let inside =
        inside.map_or_else(|| "above all sections".to_owned(), |section| format!("in the {section}"));
    format!("duplicate key: {key} is set{first}, {inside}")
}

/// Where a key belongs that is none where it stands.
fn home<General: Args, Daemon: Args, Reports: Args>(
    key: &str,
    inside: Option<Section<'_>>,
) -> Option<String> {
    let is_of_the_daemon = keys::<Daemon>().iter().any(|known| known == key);
    let is_of_reports = keys::<Reports>().iter().any(|known| known == key);
    let is_of_all = keys::<General>().iter().any(|known| known == key);
    match inside {
        None if is_of_the_daemon => {
            Some(format!(": {key} belongs in the section [serve], below a line [serve]"))
        }
        Some(section) if is_of_all => {
            Some(format!(": {key} belongs above all sections, so above line {}", section.line))
        }
        Some(section) if is_of_the_daemon && section.header != "[serve]" => {
            Some(format!(": {key} belongs in the section [serve]"))
        }
        None if is_of_reports => {
            Some(format!(": {key} belongs in the section [reports], below a line [reports]"))
        }
        Some(section) if is_of_reports && section.header != "[reports]" => {
            Some(format!(": {key} belongs in the section [reports]"))
        }
        _ => None,
    }
}

/// The key that a parser does not know, in its own words.
fn unknown(message: &str) -> Option<&str> {
    message.strip_prefix("unknown field `")?.strip_suffix('`')
}

/// The sections, in the order of the file.
fn sections(text: &str) -> impl Iterator<Item = Section<'_>> {
    text.lines().enumerate().filter_map(|(place, line)| {
        let (header, behind) = line.trim_start().strip_prefix('[')?.rsplit_once(']')?;
        let is_alone = behind.trim_start().is_empty() || behind.trim_start().starts_with('#');
        let header = line.trim_start().get(..header.len().saturating_add(2))?;
        is_alone.then_some(Section { header, line: place.saturating_add(1) })
    })
}

/// The key that a line sets.
fn key_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim()).filter(|key| !key.starts_with('#'))
}

impl std::fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "section {}, which begins in line {}", self.header, self.line)
    }
}

#[cfg(test)]
mod tests;
