//! A manual page: sections, items, tables, examples. It is written in man(7) for `man`, or in Markdown for those who read it
//! where the source is; the words are escaped on their way.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// Where these pages belong in the books of a system.
const MANUAL: &str = "smtp-sts-verify manual";

/// The date of the pages: that of their words, not of a build, so that a build can be repeated.
const DATE: &str = "2026-11-22";

/// How wide Markdown is written.
const COLUMNS: usize = 150;

/// How a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Markup {
    /// man(7).
    Man,
    /// Markdown.
    Markdown,
}

/// Words in a line.
#[derive(Clone, Debug)]
pub(super) enum Span {
    /// Typed as it stands.
    Literal(String),
    /// Stands for something.
    Value(String),
    /// Around them.
    Plain(String),
}

/// One thing after the other.
#[derive(Debug)]
enum Block {
    Section(String),
    Subsection(String),
    Paragraph(String),
    Item(Vec<Span>, String),
    Table(Table),
    Verbatim(String),
}

/// A column: what stands above it, and what stands before its words where there are no columns.
pub(super) type Column = (&'static str, &'static str);

/// Rows that have the same columns.
#[derive(Debug)]
pub(super) struct Table {
    /// The columns.
    pub(super) columns: &'static [Column],
    /// How many columns are the term; the others explain it.
    pub(super) terms: usize,
    /// The rows; words between backticks are typed, or printed, as they stand.
    pub(super) rows: Vec<Vec<String>>,
}

/// A page.
#[derive(Debug)]
pub(super) struct ManPage {
    name: &'static str,
    section: &'static str,
    blocks: Vec<Block>,
}

impl ManPage {
    /// What the page is called, the first line of every page.
    pub(super) const fn titled(name: &'static str, section: &'static str) -> Self {
        Self { name, section, blocks: Vec::new() }
    }

    /// A section, in capitals.
    pub(super) fn section(&mut self, title: &str) {
        self.blocks.push(Block::Section(title.to_owned()));
    }

    /// A section within one.
    pub(super) fn subsection(&mut self, title: &str) {
        self.blocks.push(Block::Subsection(title.to_owned()));
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, words: &str) {
        self.blocks.push(Block::Paragraph(words.to_owned()));
    }

    /// A term and what there is to say about it.
    pub(super) fn item(&mut self, term: Vec<Span>, words: &str) {
        self.blocks.push(Block::Item(term, words.to_owned()));
    }

    /// A table.
    pub(super) fn table(&mut self, table: Table) {
        self.blocks.push(Block::Table(table));
    }

    /// Lines as they are typed.
    pub(super) fn verbatim(&mut self, lines: &str) {
        self.blocks.push(Block::Verbatim(lines.to_owned()));
    }

    /// The page, written.
    pub(super) fn finish(&self, markup: Markup) -> String {
        match markup {
            Markup::Man => self.man(),
            Markup::Markdown => self.markdown(),
        }
    }

    fn man(&self) -> String {
        let mut roff = Roff::new();
        let source = concat!("smtp-sts-verify ", env!("CARGO_PKG_VERSION"));
        roff.control("TH", [self.name, self.section, DATE, source, MANUAL]);
        // The first words below a heading keep its distance.
        let mut is_below_heading = true;
        for block in &self.blocks {
            if matches!(block, Block::Paragraph(_) | Block::Verbatim(_)) && !is_below_heading {
                roff.control("PP", []);
            }
            is_below_heading = matches!(block, Block::Section(_) | Block::Subsection(_));
            match block {
                Block::Section(title) => drop(roff.control("SH", [title.as_str()])),
                Block::Subsection(title) => drop(roff.control("SS", [title.as_str()])),
                Block::Paragraph(words) => drop(roff.text([roman(words.replace('`', ""))])),
                Block::Item(term, words) => {
                    roff.control("TP", []);
                    roff.text(term.iter().map(Span::inline).collect::<Vec<_>>());
                    roff.text([roman(words.replace('`', ""))]);
                }
                Block::Table(table) => {
                    for (term, words) in table.items() {
                        roff.control("TP", []);
                        roff.text([bold(term)]);
                        roff.text([roman(words)]);
                    }
                }
                Block::Verbatim(lines) => {
                    roff.control("RS", ["4"]);
                    roff.control("nf", []);
                    for line in lines.lines() {
                        roff.text([roman(line)]);
                    }
                    roff.control("fi", []);
                    roff.control("RE", []);
                }
            }
        }
        roff.to_roff()
    }

    fn markdown(&self) -> String {
        let arguments = if self.name.ends_with(".toml") { " --config" } else { "" };
        let mut text = format!(
            "<!-- Written by: smtp-sts-verify generate man{arguments} --markdown -->\n\n# {}({})\n",
            self.name, self.section
        );
        let mut follows_item = false;
        for block in &self.blocks {
            let is_item = matches!(block, Block::Item(..));
            if !(is_item && follows_item) {
                text.push('\n');
            }
            follows_item = is_item;
            text.push_str(&match block {
                Block::Section(title) => format!("## {}\n", sentence_case(title)),
                Block::Subsection(title) => format!("### {title}\n"),
                Block::Paragraph(words) => wrapped(&escaped(words), ""),
                Block::Item(term, words) => {
                    let term: String = term.iter().map(Span::markdown).collect();
                    wrapped(&format!("- {term}: {}", escaped(words)), "  ")
                }
                Block::Table(table) => table.markdown(),
                Block::Verbatim(lines) => format!("```\n{lines}\n```\n"),
            });
        }
        text
    }
}

impl Table {
    /// Each row as a term and what explains it, for a page without columns.
    fn items(&self) -> impl Iterator<Item = (String, String)> {
        self.rows.iter().map(|row| {
            let told: Vec<String> = self
                .columns
                .iter()
                .zip(row)
                .map(
                    |((_, before), words)| {
                        if words.is_empty() { String::new() } else { format!("{before}{words}") }
                    },
                )
                .map(|words| words.replace('`', ""))
                .collect();
            let (term, rest) = told.split_at_checked(self.terms).unwrap_or((&told, &[]));
            let rest: Vec<String> =
                rest.iter().filter(|words| !words.is_empty()).map(|words| sentence(words)).collect();
            (term.join(", "), rest.join(" "))
        })
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let head = line(self.columns.iter().map(|(above, _)| (*above).to_owned()).collect());
        let rule = format!("|{}\n", "---|".repeat(self.columns.len()));
        let cell = |words: &String| escaped(words).replace('|', "\\|");
        let rows = self.rows.iter().map(|row| line(row.iter().map(cell).collect()));
        [head, rule].into_iter().chain(rows).collect()
    }
}

/// Words with a full stop, unless they end with a mark already.
fn sentence(words: &str) -> String {
    if words.ends_with(['.', '?']) { words.to_owned() } else { format!("{words}.") }
}

impl Span {
    fn inline(&self) -> Inline {
        match self {
            Self::Literal(word) => bold(word.as_str()),
            Self::Value(word) => italic(word.as_str()),
            Self::Plain(word) => roman(word.as_str()),
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Literal(word) if word.is_empty() => String::new(),
            Self::Value(word) if word.is_empty() => String::new(),
            Self::Literal(word) => format!("`{word}`"),
            Self::Value(word) => format!("*{}*", escaped(word)),
            Self::Plain(word) => escaped(word),
        }
    }
}

/// A heading in capitals as a sentence begins.
fn sentence_case(title: &str) -> String {
    let mut letters = title.chars();
    let first: String = letters.next().into_iter().collect();
    first + &letters.as_str().to_lowercase()
}

/// Words that Markdown shows as they stand, but for those between backticks, which stay.
fn escaped(words: &str) -> String {
    let mut text = String::new();
    let (mut is_typed, mut is_within_word) = (false, false);
    for letter in words.chars() {
        is_typed ^= letter == '`';
        // An underscore within a word is one.
        let is_markup = matches!(letter, '*' | '<' | '[' | ']' | '\\') || letter == '_' && !is_within_word;
        if is_markup && !is_typed {
            text.push('\\');
        }
        is_within_word = letter.is_alphanumeric();
        text.push(letter);
    }
    text
}

/// Lines of a width that is read well in a source.
fn wrapped(words: &str, indent: &str) -> String {
    let options = textwrap::Options::new(COLUMNS)
        .subsequent_indent(indent)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
    format!("{}\n", textwrap::fill(words, options))
}

/// A word that is typed as it stands.
pub(super) fn literal(word: &str) -> Vec<Span> {
    vec![Span::Literal(word.to_owned())]
}

/// A word that is typed as it stands, and one that stands for something.
pub(super) fn pair(word: &str, between: &str, value: &str) -> Vec<Span> {
    vec![Span::Literal(word.to_owned()), Span::Plain(between.to_owned()), Span::Value(value.to_owned())]
}
