//! Where in a configuration a mistake stands: the line, and the section that it is in.
//!
//! A library says "duplicate key" and "unknown field"; whoever appended a block to a file needs to hear that the section
//! was there already, or that a key of the whole program ended up in a section.

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
    let words = if message == "duplicate key" {
        twice(text, line, before)
    } else {
        let (what, expected) =
            message.split_once(", expected one of").map_or((message, String::new()), |(what, expected)| {
                (what, format!("; expected one of{expected}"))
            });
        let belongs =
            unknown(what).and_then(|key| home::<General, Daemon, Reports>(key, before)).unwrap_or_default();
        let inside = before.map_or_else(String::new, |section| format!(" in the {section}"));
        format!("{what}{inside}{belongs}{expected}")
    };
    format!("{} line {line}: {}", path.display(), Escaped(&words))
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
mod tests {
    use super::super::Choices;
    use super::*;

    fn wrong(text: &str) -> String {
        Choices::parse(text, Path::new("/etc/x.toml")).unwrap_err().to_string()
    }

    #[test]
    fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
        for (text, expected) in [
            (
                "[serve]\nhttp = '127.0.0.1:1'\ndns = '127.0.0.1'\n",
                "line 3: unknown field `dns` in the section [serve], which begins in line 1: dns belongs above all sections, so \
                 above line 1; expected one of `exim`",
            ),
            (
                "postfix = '127.0.0.1:8461'\n",
                "line 1: unknown field `postfix`: postfix belongs in the section [serve], below a line [serve]; expected one of",
            ),
            (
                "[override.'a.test'] # for now\ndeadline = 3\n",
                "line 2: unknown field `deadline` in the section [override.'a.test'], which begins in line 1: deadline belongs above",
            ),
            (
                "[override.'a.test']\nhttp = 'x'\n",
                ": http belongs in the section [serve]; expected one of `require`",
            ),
            (
                "[serve]\nnonsense = 1\n",
                "unknown field `nonsense` in the section [serve], which begins in line 1; expected",
            ),
            ("[serve]\nanswer_within = 9\n", "(Exim waits for 5) in the section [serve]"),
            (
                "[override.'a.test']\nrequire = 'none'\n",
                "missing field `until` in the section [override.'a.test']",
            ),
        ] {
            let said = wrong(text);
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn what_is_there_twice_is_told_with_its_first_line() {
        for (text, expected) in [
            (
                "x = 1\n [serve]\nhttp = []\n\n[serve] # again\npostfix = []\n",
                "line 5: duplicate key: the section [serve] is there already, in line 2; put these keys there",
            ),
            ("serve.http = []\n[serve]\n", "line 2: duplicate key: the section [serve] is there already"),
            (
                "dns = []\n# x\ndns = []\n",
                "line 3: duplicate key: dns is set in line 1 already, above all sections",
            ),
            (
                "dns = []\n[serve]\nexim = []\nexim = []\n",
                "line 4: duplicate key: exim is set in line 3 already, in the section [serve], which begins in line 2",
            ),
        ] {
            let said = wrong(text);
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
