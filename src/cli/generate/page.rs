//! A manual page in man(7): sections, items, examples; the words are escaped for roff on their way.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

/// Where these pages belong in the books of a system.
pub(super) const MANUAL: &str = "smtp-sts-verify manual";

/// The date of the pages: that of their words, not of a build, so that a build can be repeated.
pub(super) const DATE: &str = "2026-11-22";

/// Part of a page.
#[derive(Default)]
pub(super) struct ManPage {
    roff: Roff,
    /// The next words are the first below a heading, which keeps its own distance.
    is_below_heading: bool,
}

impl ManPage {
    /// What the page is called, the first line of every page.
    pub(super) fn titled(name: &str, section: &str) -> Self {
        let mut page = Self::default();
        let source = concat!("smtp-sts-verify ", env!("CARGO_PKG_VERSION"));
        page.roff.control("TH", [name, section, DATE, source, MANUAL]);
        page
    }

    /// A section, in capitals.
    pub(super) fn section(&mut self, title: &str) {
        self.roff.control("SH", [title]);
        self.is_below_heading = true;
    }

    /// A section within one.
    pub(super) fn subsection(&mut self, title: &str) {
        self.roff.control("SS", [title]);
        self.is_below_heading = true;
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, words: &str) {
        self.keep_distance();
        self.roff.text([roman(words)]);
    }

    fn keep_distance(&mut self) {
        if !std::mem::take(&mut self.is_below_heading) {
            self.roff.control("PP", []);
        }
    }

    /// A term and what there is to say about it.
    pub(super) fn item(&mut self, term: Vec<Inline>, words: &str) {
        self.is_below_heading = false;
        self.roff.control("TP", []);
        self.roff.text(term);
        self.roff.text([roman(words)]);
    }

    /// Lines as they are typed.
    pub(super) fn verbatim(&mut self, lines: &str) {
        self.keep_distance();
        self.roff.control("RS", ["4"]);
        self.roff.control("nf", []);
        for line in lines.lines() {
            self.roff.text([roman(line)]);
        }
        self.roff.control("fi", []);
        self.roff.control("RE", []);
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.roff.to_roff()
    }
}

/// A word that is typed as it stands.
pub(super) fn literal(word: &str) -> Vec<Inline> {
    vec![bold(word)]
}

/// What stands around words.
pub(super) fn plain(word: &str) -> Vec<Inline> {
    vec![roman(word)]
}

/// A word that is typed as it stands, and one that stands for something.
pub(super) fn pair(word: &str, between: &str, value: &str) -> Vec<Inline> {
    vec![bold(word), roman(between), italic(value)]
}
