//! A list of domains, one a line, read as it is needed.

use crate::cli::lines::{self, Line};
use crate::limits::MAX_LIST_LINE;
use crate::name::{Destination, PolicyDomain};
use std::ffi::OsStr;
use std::io::{self, BufRead};

/// What stands in one line that is neither empty nor a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedDomain {
    /// Which line of the list it is; the first one is 1.
    pub(super) line: u64,
    /// Whose MX hosts are to be asked.
    pub(super) domain: Result<PolicyDomain, NoDomain>,
}

/// Why a line is answered without anybody being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoDomain {
    /// An address, which has no MX hosts.
    Address,
    /// No name of a domain; in words, escaped.
    NotAName(String),
    /// Longer than any name.
    TooLong,
}

impl NoDomain {
    /// The word, of a closed list.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::NotAName(_) => "not-a-domain",
            Self::TooLong => "too-long",
        }
    }

    /// A sentence.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Address => "it is an address, which has no MX hosts; give a domain".to_owned(),
            Self::NotAName(why) => why.clone(),
            Self::TooLong => format!("it is longer than {MAX_LIST_LINE} octets"),
        }
    }
}

/// The entries of a list, in their order.
pub(super) struct List<R> {
    input: R,
    line: u64,
}

impl<R: BufRead> List<R> {
    /// What stands in `input`.
    pub(super) const fn new(input: R) -> Self {
        Self { input, line: 0 }
    }

    /// The next entry; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<ListedDomain>> {
        while let Some(line) = lines::next(&mut self.input, MAX_LIST_LINE)? {
            self.line = self.line.saturating_add(1);
            let domain = match line {
                Line::TooLong => Err(NoDomain::TooLong),
                Line::Text(text) => match text.split('#').next().unwrap_or_default().trim() {
                    "" => continue,
                    name => read(name),
                },
            };
            return Ok(Some(ListedDomain { line: self.line, domain }));
        }
        Ok(None)
    }
}

fn read(name: &str) -> Result<PolicyDomain, NoDomain> {
    match Destination::parse(OsStr::new(name)) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => Err(NoDomain::Address),
        Ok(Destination::Unpublishable(bad)) | Err(bad) => Err(NoDomain::NotAName(bad.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn entries(text: &str) -> Vec<(u64, String)> {
        let mut list = List::new(Cursor::new(text.to_owned()));
        let next = || list.next().unwrap();
        let shown = |entry: ListedDomain| match entry.domain {
            Ok(domain) => (entry.line, domain.to_string()),
            Err(bad) => (entry.line, bad.word().to_owned()),
        };
        std::iter::from_fn(next).map(shown).collect()
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over_and_everything_else_is_an_entry() {
        // Their ends are counted, too.
        let [longest, long] = [2_047, 2_048].map(|octets| format!("a.test {}", "#".repeat(octets - 7)));
        let text = format!(
            "# ours\n\nExample.ORG. # the main one\r\n  b\u{fc}cher.test\n[192.0.2.1]\n{longest}\n{long}\na b\n-x"
        );
        let expected = [
            (3, "example.org"),
            (4, "xn--bcher-kva.test"),
            (5, "address"),
            (6, "a.test"),
            (7, "too-long"),
            (8, "not-a-domain"),
            (9, "not-a-domain"),
        ];
        assert_eq!(entries(&text), expected.map(|(line, word)| (line, word.to_owned())));
        assert_eq!(entries(""), []);
    }
}
