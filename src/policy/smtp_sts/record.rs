//! The record as a whole: which of the TXT records is one, and how it falls into fields (draft section 3.1).

use super::Terms;
use super::terms::Value;
use crate::limits::MAX_TXT_OCTETS;
use crate::policy::lint::{Code, Finding, Inspected, Malformed};
use crate::policy::txt::{self, Beginning, Field, blank, is_blank, split, trimmed};
use crate::policy::{Constraint, Mode};

/// The labels under which a record may stand, the winning one first.
pub const LABELS: [&str; 2] = ["_smtp_sts", "_smtp-sts"];

/// What stands at one of the two names.
pub type Published = txt::Published<Record>;

/// Reads the TXT records of one name, each with its character-strings already joined.
#[must_use]
pub fn published(records: &[Vec<u8>]) -> Published {
    let beginning = |octets: &[u8]| if is_candidate(octets) { Beginning::Version } else { Beginning::Other };
    txt::published(records, beginning, |octets| Record::inspect(octets).value)
}

/// Only what begins with the version is one of ours; `STS1` is given as octets and so in this case only.
fn is_candidate(octets: &[u8]) -> bool {
    let skip = |octets: &[u8]| octets.iter().position(|b| !is_blank(*b)).unwrap_or(octets.len());
    let Some(rest) = octets.strip_prefix(b"v").or_else(|| octets.strip_prefix(b"V")) else { return false };
    let Some(rest) = rest.get(skip(rest)..).and_then(|rest| rest.strip_prefix(b"=")) else { return false };
    let Some(rest) = rest.get(skip(rest)..).and_then(|rest| rest.strip_prefix(b"STS1")) else { return false };
    rest.first().is_none_or(|b| is_blank(*b) || *b == b';')
}

/// A well-formed record: its text as published, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    text: String,
    terms: Terms,
}

impl Record {
    /// Reads one record and says what it noticed (draft section 3.1, with the decisions of its digest: blanks around
    /// `=` and `;`, keys and the words `true` and `false` in any case, a final `;`; the first of a repeated key counts).
    ///
    /// A malformed record is no policy; it never passes for one that was met.
    #[must_use]
    pub fn inspect(octets: &[u8]) -> Inspected<Self> {
        let unreadable = |code, at| Inspected::malformed(Finding::new(code, octets, at));
        if octets.len() > MAX_TXT_OCTETS {
            return unreadable(Code::SmtpStsTxtTooLong, 0..octets.len());
        }
        let text = match std::str::from_utf8(octets) {
            Ok(text) => text,
            Err(error) => {
                let at = error.valid_up_to();
                let end = at.saturating_add(error.error_len().unwrap_or(1));
                return unreadable(Code::SmtpStsTxtNotUtf8, at..end);
            }
        };
        if !is_candidate(octets) {
            return unreadable(Code::SmtpStsTxtVersion, 0..text.find(';').unwrap_or(text.len()));
        }
        let mut findings = Vec::new();
        let fields = fields(text, &mut findings);
        let terms = terms(text, &fields, &mut findings);
        Inspected::new(Self { text: text.to_owned(), terms }, findings)
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`Malformed`]: the first thing that makes it no policy.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::inspect(text.as_bytes()).value
    }

    /// The text as it was published, its character-strings joined.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the record says.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// `key WSP* = WSP* value` behind the version, separated by `WSP* ; WSP*`, an optional `;` at the end.
fn fields<'a>(text: &'a str, findings: &mut Vec<Finding>) -> Vec<Field<'a>> {
    let body = text.trim_end_matches(blank);
    let body = body.strip_suffix(';').unwrap_or(body);
    let mut found = |code, part: &str, at: usize| {
        findings.push(Finding::new(code, text.as_bytes(), at..at.saturating_add(part.len())));
    };
    let mut fields = Vec::new();
    for (piece, at) in split(body, 0, ';').skip(1) {
        let (piece, at) = trimmed(piece, at);
        let Some((key, value)) = piece.split_once('=') else {
            found(Code::SmtpStsTxtNoEquals, piece, at);
            continue;
        };
        let (value, value_at) = trimmed(value, at.saturating_add(key.len()).saturating_add(1));
        let (key, key_at) = trimmed(key, at);
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            found(Code::SmtpStsTxtKeyName, key, key_at);
        } else {
            fields.push(Field { key, value, key_at, value_at });
        }
    }
    fields
}

/// What the fields say together; in the place of what could not be read stands anything.
fn terms(text: &str, fields: &[Field<'_>], findings: &mut Vec<Finding>) -> Terms {
    let octets = text.as_bytes();
    let mut terms = Terms {
        mode: Mode::Testing,
        mx: Vec::new(),
        mechanism: None,
        constraint: Constraint::WebPki,
        life: None,
        reports: Vec::new(),
    };
    let end = octets.len()..octets.len();
    match fields.first() {
        None => findings.push(Finding::new(Code::SmtpStsTxtNoMode, octets, end.clone())),
        Some(first) if first.key.eq_ignore_ascii_case("to") => {}
        Some(first) => {
            let later = first.key.eq_ignore_ascii_case("m");
            let code = if later { Code::SmtpStsTxtLaterDraft } else { Code::SmtpStsTxtOrder };
            let at = first.key_at..first.key_at.saturating_add(first.key.len());
            findings.push(Finding::new(code, octets, at));
        }
    }
    let mut seen = vec!["v".to_owned()];
    for &Field { key, value, key_at, value_at } in fields {
        let lower = key.to_ascii_lowercase();
        let key_at = key_at..key_at.saturating_add(key.len());
        if seen.contains(&lower) {
            findings.push(Finding::new(Code::SmtpStsTxtRepeatedKey, octets, key_at));
            continue;
        }
        let value = Value { input: octets, text: value, at: value_at, findings };
        match lower.as_str() {
            "to" => terms.mode = value.mode(),
            "mx" => terms.mx = value.patterns(),
            "a" => terms.mechanism = Some(value.mechanism()),
            "c" => terms.constraint = value.constraint(),
            "e" => terms.life = Some(value.life()),
            "rua" => terms.reports = value.reports(),
            _ => findings.push(Finding::new(Code::SmtpStsTxtUnknownKey, octets, key_at)),
        }
        seen.push(lower);
    }
    let missing = [
        ("mx", Code::SmtpStsTxtNoMx),
        ("a", Code::SmtpStsTxtNoMechanism),
        ("c", Code::SmtpStsTxtNoConstraint),
        ("e", Code::SmtpStsTxtNoLife),
    ];
    for (_, code) in missing.into_iter().filter(|(key, _)| !seen.iter().any(|s| s == key)) {
        findings.push(Finding::new(code, octets, end.clone()));
    }
    terms
}

#[cfg(test)]
mod tests;
