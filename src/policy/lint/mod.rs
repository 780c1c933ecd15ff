//! What can be wrong, or better, in what a domain publishes: one stable word for each, with the way to mend it.
//!
//! A parser of a dialect has one implementation. It yields the value and everything that it noticed
//! ([`Inspected`]); what the pipeline calls `parse` is the value, or the first finding that makes it malformed. So a
//! lint never disagrees with a delivery. The words are in [`Code`]; the meaning of each stands there and nowhere else.

mod code;

pub use code::{Code, Family};

use crate::text::{Escaped, shortened};
use crate::words::words;
use std::fmt;
use std::ops::Range;

words! {
    /// How much a finding matters.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Severity {
        /// It counts for nothing as it stands: senders act as if it were not there.
        Error = "error",
        /// It works, and will fail somewhere, or protects less than it seems to.
        Warning = "warning",
        /// Worth knowing.
        Note = "note",
    }
}

/// One thing that was noticed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was noticed; it says how much that matters, and what to do about it.
    pub code: Code,
    /// Which octets of the input it is about; empty where something is missing, or where there is no input (what
    /// only a look at the whole domain can see).
    pub at: Range<usize>,
    /// Those octets, or the name or the value it is about: untrusted text, cut where it is long, not yet escaped.
    pub shown: String,
}

/// Characters of untrusted text that a finding shows.
const SHOWN: usize = 80;

impl Finding {
    /// A finding about octets of `input`; what lies outside of it is cut off, and a character that begins or ends in it
    /// belongs to it as a whole.
    #[must_use]
    pub fn new(code: Code, input: &[u8], at: Range<usize>) -> Self {
        let end = at.end.min(input.len());
        let at = whole_characters(input, at.start.min(end)..end);
        let octets = input.get(at.clone()).unwrap_or_default();
        // Four octets make a character at most: the rest could not be shown anyway.
        let most = octets.get(..SHOWN.saturating_mul(4)).unwrap_or(octets);
        let mut shown = shortened(&String::from_utf8_lossy(most), SHOWN);
        if most.len() < octets.len() && !shown.ends_with("octets)") {
            shown.push_str("...");
        }
        Self { code, at, shown }
    }

    /// A finding about the domain as a whole: a name, a host, a value, and no place in an input.
    #[must_use]
    pub fn about(code: Code, what: &str) -> Self {
        Self { code, at: 0..0, shown: shortened(what, SHOWN) }
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// The octets of a range of UTF-8 and those beside it that belong to the same characters.
fn whole_characters(input: &[u8], at: Range<usize>) -> Range<usize> {
    let is_boundary = |at: &usize| !matches!(input.get(*at), Some(0x80..=0xbf));
    let start = (at.start.saturating_sub(3)..=at.start).rev().find(is_boundary).unwrap_or(at.start);
    let end = (at.end..=at.end.saturating_add(3)).find(is_boundary).unwrap_or(at.end);
    start..end
}

/// What a parser made of an input, and everything that it noticed, in the order of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected<T> {
    /// The value, or the first finding that is an [`Severity::Error`].
    pub value: Result<T, Malformed>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

impl<T> Inspected<T> {
    /// What was read, which counts if no finding is an error; where one is, the value may hold anything in the places
    /// that could not be read.
    #[must_use]
    pub fn new(value: T, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| (finding.at.start, finding.severity()));
        let first = findings.iter().find(|finding| finding.severity() == Severity::Error);
        let value = first.map_or(Ok(value), |finding| Err(Malformed(finding.clone())));
        Self { value, findings }
    }

    /// An input of which nothing can be read.
    #[must_use]
    pub fn malformed(finding: Finding) -> Self {
        Self { value: Err(Malformed(finding.clone())), findings: vec![finding] }
    }
}

/// Why something that a domain publishes is no value of its dialect: the first error that was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub Finding);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Finding { code, at, shown }) = self;
        let explanation = code.explain();
        write!(f, "{} at octet {}", explanation.word, at.start.saturating_add(1))?;
        if !shown.is_empty() {
            write!(f, " ('{}')", Escaped(shown))?;
        }
        write!(f, ": {} {}", explanation.meaning, explanation.fix)
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::WordEntry;

    #[test]
    fn every_code_is_listed_once_under_a_word_of_its_own_in_order() {
        let words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(words, sorted);
    }

    #[test]
    fn the_words_of_a_family_begin_with_its_prefix() {
        for code in Code::ALL {
            let (prefix, _) = code.word().rsplit_once('.').unwrap();
            assert_eq!(prefix, code.family().prefix, "{code:?}");
        }
    }

    #[test]
    fn every_code_says_what_it_means_how_to_mend_it_and_where_the_rule_stands() {
        for code in Code::ALL {
            let WordEntry { word, meaning, fix, rule, .. } = code.explain();
            assert!(
                word.split('.').count() >= 2
                    && word
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b)),
                "{word}"
            );
            for sentence in [meaning, fix] {
                assert!(sentence.ends_with('.') && sentence.len() > 15, "{word}: {sentence}");
            }
            assert!(
                ["RFC ", "draft-", "this program"].iter().any(|source| rule.starts_with(source)),
                "{word}: {rule}"
            );
        }
    }

    #[test]
    fn a_finding_shows_its_octets_harmlessly_and_not_too_many_of_them() {
        let finding = Finding::new(Code::MtaStsTxtIdCharset, b"id=a\xff\n", 3..6);
        assert_eq!((finding.at, finding.shown.as_str()), (3..6, "a\u{fffd}\n"));
        let long = "x".repeat(10_000);
        assert!(Finding::new(Code::MtaStsTxtIdCharset, long.as_bytes(), 0..20_000).shown.len() < 120);
    }

    #[test]
    fn a_finding_is_about_whole_characters() {
        let text = "id=\u{20ac}x";
        for at in [3..4, 4..5, 5..6, 3..6] {
            let finding = Finding::new(Code::MtaStsTxtIdCharset, text.as_bytes(), at);
            assert_eq!((finding.at, finding.shown.as_str()), (3..6, "\u{20ac}"));
        }
        assert_eq!(
            Finding::new(Code::MtaStsTxtIdCharset, &[0x80; 9], 4..5).at,
            4..5,
            "no character anywhere"
        );
    }

    #[test]
    fn an_error_leaves_no_value_and_the_first_one_is_the_reason() {
        let noticed = |codes: &[Code]| codes.iter().map(|code| Finding::about(*code, "a-b")).collect();
        assert_eq!(Inspected::new(1, noticed(&[Code::MtaStsPolicyBlankLine])).value, Ok(1));
        let failed = Inspected::new(1, noticed(&[Code::MtaStsPolicyBlankLine, Code::MtaStsTxtIdCharset]));
        let why = failed.value.unwrap_err().to_string();
        assert!(why.starts_with("mta-sts.txt.id-charset at octet 1 ('a-b'): "), "{why}");
    }
}
