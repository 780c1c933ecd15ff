//! A page of HTML that is being written.
//!
//! By its types nothing reaches the page but words of this program's ([`Markup::raw`]) and text that went through [`Html`],
//! so nobody who writes one has to think of it.

use crate::serve::telemetry::counters::{By, Closed, Counter};
use crate::text::Html;
use crate::time::{UnixTime, span};
use std::fmt::{Display, Write as _};

/// The page so far. Only words of this program's are written as they are.
#[derive(Debug, Default)]
pub(crate) struct Markup(String);

impl Markup {
    /// The page.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    /// Markup, or words that mean nothing in HTML.
    pub(crate) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Anything else.
    pub(crate) fn text(&mut self, text: impl Display) {
        // Writing into a String does not fail.
        let _ = write!(self.0, "{}", Html(&text.to_string()));
    }

    pub(crate) fn moment(&mut self, moment: UnixTime) {
        let whole = moment.to_string();
        self.raw("<time datetime=\"");
        self.text(&whole);
        self.raw("\">");
        self.text(whole.replace('T', " ").replace('Z', " UTC"));
        self.raw("</time>");
    }

    pub(crate) fn ago(&mut self, moment: UnixTime, now: UnixTime) {
        self.raw("<time datetime=\"");
        self.text(moment);
        self.raw("\" title=\"");
        self.text(moment);
        self.raw("\">");
        self.text(match now.since(moment) {
            0 => "just now".to_owned(),
            seconds => format!("{} ago", span(seconds)),
        });
        self.raw("</time>");
    }

    pub(crate) fn note(&mut self, words: &str) {
        self.raw("<span class=\"faint\">");
        self.text(words);
        self.raw("</span>");
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.raw("<span class=\"number\">");
        self.text(grouped(number));
        self.raw("</span>");
    }

    pub(crate) fn pill(&mut self, tone: &'static str, word: &'static str) {
        self.raw("<span class=\"pill ");
        self.raw(tone);
        self.raw("\">");
        self.raw(word);
        self.raw("</span>");
    }

    pub(crate) fn tile(&mut self, label: &'static str, value: impl FnOnce(&mut Self)) {
        self.raw("<div><dt>");
        self.raw(label);
        self.raw("</dt><dd>");
        value(self);
        self.raw("</dd></div>\n");
    }

    pub(crate) fn section(&mut self, id: &'static str, heading: &'static str) {
        self.raw("<section aria-labelledby=\"");
        self.raw(id);
        self.raw("\">\n<div class=\"head\">\n<h2 id=\"");
        self.raw(id);
        self.raw("\">");
        self.raw(heading);
        self.raw("</h2>\n");
    }

    /// The roles stay where a narrow page shows each row as a card.
    pub(crate) fn table(&mut self, labelled_by: &'static str, columns: &[&'static str]) {
        self.raw("<table role=\"table\" class=\"");
        self.raw(labelled_by);
        self.raw("\" aria-labelledby=\"");
        self.raw(labelled_by);
        self.raw("\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
        for column in columns {
            self.raw("<th role=\"columnheader\" scope=\"col\">");
            self.raw(column);
            self.raw("</th>");
        }
        self.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    }

    pub(crate) fn row(&mut self) {
        self.raw("<tr role=\"row\">");
    }

    pub(crate) fn cell(&mut self, label: &'static str, value: impl FnOnce(&mut Self)) {
        self.raw("<td role=\"cell\" data-label=\"");
        self.raw(label);
        self.raw("\"><div>");
        value(self);
        self.raw("</div></td>");
    }

    pub(crate) fn counts<K: Closed>(&mut self, counters: &By<K, Counter>) {
        self.raw("<dl>\n");
        for (key, counter) in counters.iter() {
            self.count(key.word(), counter.get());
        }
        self.raw("</dl>\n");
    }

    pub(crate) fn count(&mut self, label: &'static str, number: u64) {
        self.raw("<dt>");
        self.raw(label);
        self.raw("</dt>");
        self.figure(number);
    }

    pub(crate) fn amount(&mut self, number: u64) {
        self.raw(if number == 0 { "<span class=\"zero\">" } else { "<span>" });
        self.text(grouped(number));
        self.raw("</span>");
    }

    pub(crate) fn figure(&mut self, number: u64) {
        self.raw(if number == 0 { "<dd class=\"zero\">" } else { "<dd>" });
        self.text(grouped(number));
        self.raw("</dd>\n");
    }

    /// Shares of a whole, side by side; the numbers stand beside it for those who do not see it.
    pub(crate) fn bar(&mut self, what: &'static str, shares: &[(&'static str, u64)]) {
        let whole: u64 = shares.iter().map(|(_, share)| *share).sum();
        self.raw("<svg class=\"bar\" viewBox=\"0 0 1000 8\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Shares of ");
        self.raw(what);
        self.raw("\">");
        let mut from = 0_u64;
        for (tone, share) in shares.iter().filter(|(_, share)| *share > 0) {
            // At least a sliver: one refusal in a million answers is what somebody looks for.
            let width = (share.saturating_mul(1_000) / whole).max(4);
            let from_here = from.min(1_000_u64.saturating_sub(width));
            self.raw("<rect class=\"");
            self.raw(tone);
            self.raw("\" x=\"");
            self.text(from_here);
            self.raw("\" width=\"");
            self.text(width);
            self.raw("\" height=\"8\"/>");
            from = width.saturating_add(from_here);
        }
        self.raw("</svg>");
    }
}

/// A number as people read it.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 3 == first {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, expected) in
            [(0, "0"), (12, "12"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn the_shares_of_a_bar_fill_it_and_none_is_invisible() {
        let mut page = Markup::default();
        page.bar("all", &[("good", 1_000_000), ("wait", 0), ("bad", 1)]);
        assert!(page.0.contains("class=\"bad\" x=\"996\" width=\"4\""), "{}", page.0);
        assert!(!page.0.contains("wait"));
        page.bar("nothing", &[("good", 0)]);
    }
}
