//! A page for people: at most 80 columns, untrusted texts made harmless, colour only where it adds to words.
//!
//! Every word on a page goes through [`Printable`], so nobody who fills one has to think of it; and no meaning is in a
//! colour alone, so a page reads the same without.

use crate::text::Printable;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;

/// The width of a page, in columns: that of the terminals that people have had for fifty years.
pub const COLUMNS: usize = 80;

/// Where the words of an item begin.
const WORDS_AT: usize = 12;

/// Whether a page is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// In black and white: a file, a pipe, or somebody who asked for it.
    Plain,
    /// With the sixteen colours of a terminal.
    Colour,
}

/// How words are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As they are.
    Plain,
    /// All is well.
    Good,
    /// Somebody should look.
    Warning,
    /// Something is wrong.
    Bad,
    /// For those who want to know it all.
    Faint,
    /// What the eye should find first.
    Strong,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// The page that is being written.
#[derive(Clone, Debug)]
pub struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(paint: Paint) -> Self {
        Self { text: String::new(), paint }
    }

    /// A line that begins a part, behind an empty one unless it is the first.
    pub fn heading(&mut self, words: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.wrapped("", "", Tone::Strong, words);
    }

    /// A sentence or two, from the left margin.
    pub fn paragraph(&mut self, tone: Tone, words: &str) {
        self.wrapped("", "", tone, words);
    }

    /// A label and what there is to say about it, the words below one another.
    pub fn item(&mut self, label: &str, tone: Tone, words: &str) {
        let label = format!("  {:<9} ", Printable(label).to_string());
        let next = " ".repeat(WORDS_AT);
        if label.len() > WORDS_AT {
            self.wrapped("  ", "  ", Tone::Plain, label.trim());
            return self.wrapped(&next, &next, tone, words);
        }
        self.wrapped(&label, &next, tone, words);
    }

    /// More about the item above.
    pub fn more(&mut self, tone: Tone, words: &str) {
        let indent = " ".repeat(WORDS_AT);
        self.wrapped(&indent, &indent, tone, words);
    }

    /// One of many sentences: where it is too long for a line, the others stand further in.
    pub fn hanging(&mut self, tone: Tone, words: &str) {
        self.wrapped("", "    ", tone, words);
    }

    /// What belongs to the line above it.
    pub fn indented(&mut self, tone: Tone, words: &str) {
        self.wrapped("    ", "    ", tone, words);
    }

    /// Words in columns, to be read from left to right.
    pub fn columns(&mut self, words: &[&str]) {
        const GAP: usize = 2;
        let indent = " ".repeat(GAP);
        let room = COLUMNS.saturating_sub(GAP);
        let width = words.iter().map(|word| word.len()).max().unwrap_or(0).saturating_add(GAP);
        let number = room.saturating_add(GAP).checked_div(width).unwrap_or(1).max(1);
        for row in words.chunks(number) {
            let cells: String = row.iter().map(|word| format!("{word:<width$}")).collect();
            self.wrapped(&indent, &indent, Tone::Plain, cells.trim_end());
        }
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// Words behind `first`, and behind `next` in each further line; a word that is too long is cut where it must be.
    fn wrapped(&mut self, first: &str, next: &str, tone: Tone, words: &str) {
        let words = Printable(words).to_string();
        let options = textwrap::Options::new(COLUMNS.saturating_sub(next.len()))
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(true);
        let style = match self.paint {
            Paint::Plain => Style::new(),
            Paint::Colour => tone.style(),
        };
        for (place, line) in textwrap::wrap(&words, options).iter().enumerate() {
            let indent = if place == 0 { first } else { next };
            // Writing into a String does not fail.
            let _ = match line.is_empty() {
                true => writeln!(self.text, "{}", indent.trim_end()),
                false => writeln!(self.text, "{indent}{style}{line}{style:#}"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_below_one_another_within_80_columns() {
        let mut page = Page::new(Paint::Plain);
        page.heading("example.org");
        page.item("why", Tone::Good, &"word ".repeat(40));
        page.item("record", Tone::Plain, &"x".repeat(200));
        page.item("a-label-that-is-long", Tone::Plain, "its words");
        let text = page.finish();
        assert!(text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        assert!(text.starts_with("example.org\n  why       word word"), "{text}");
        assert!(
            text.contains("\n            word")
                && text.contains("\n  a-label-that-is-long\n            its words\n")
        );
        assert_eq!(text.matches('x').count(), 201, "nothing is lost: {text}");
    }

    #[test]
    fn words_in_columns_stand_below_one_another() {
        let mut page = Page::new(Paint::Plain);
        page.columns(&["one", "x".repeat(36).as_str(), "three"]);
        page.columns(&["y".repeat(78).as_str()]);
        page.columns(&[]);
        let text = page.finish();
        let expected = [
            format!("  {:<38}{}", "one", "x".repeat(36)),
            "  three".to_owned(),
            format!("  {}", "y".repeat(78)),
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_painted_page_has_the_same_words() {
        let written = |paint| {
            let mut page = Page::new(paint);
            page.item("result", Tone::Bad, "the host\u{1b}[2J is refused");
            page.finish()
        };
        let (plain, painted) = (written(Paint::Plain), written(Paint::Colour));
        assert_eq!(plain, "  result    the host\\u{1b}[2J is refused\n");
        assert_eq!(painted, "  result    \u{1b}[1m\u{1b}[31mthe host\\u{1b}[2J is refused\u{1b}[0m\n");
    }
}
