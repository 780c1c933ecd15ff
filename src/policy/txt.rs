//! TXT records: which of those at one name are a dialect's, and the grammar that two of the dialects share.
//!
//! RFC 8461 section 3.1 and RFC 8460 section 3 give the same shape to their records: the version, then fields
//! `key=value`, a semicolon between them with blanks around it, and one more semicolon allowed at the end. The shape
//! is read here to the letter; what the known keys mean is read in the modules of the dialects.

use crate::limits::MAX_TXT_OCTETS;
use crate::policy::lint::{Code, Finding, Malformed};

/// What stands at one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published<R> {
    /// A record that is not well-formed.
    Malformed(Malformed),
    /// No record that begins with the version.
    Nothing,
    /// One well-formed record.
    Record(R),
    /// So many records that begin with the version: an error in the publication.
    Several(usize),
}

/// How a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With the version, as the RFC has it: the record is one of the dialect's.
    Version,
    /// With the version, and then something is amiss. It does not count beside a record that is right, and is named
    /// where there is none.
    Nearly,
    /// Otherwise: somebody else's record.
    Other,
}

/// Reads the TXT records of one name, each with its character-strings already joined.
pub(super) fn published<R>(
    records: &[Vec<u8>],
    beginning: impl Fn(&[u8]) -> Beginning,
    parse: impl Fn(&[u8]) -> Result<R, Malformed>,
) -> Published<R> {
    let beginning = &beginning;
    let that = |wanted| records.iter().filter(move |octets| beginning(octets) == wanted);
    let read = |octets: &[u8]| parse(octets).map_or_else(Published::Malformed, Published::Record);
    match that(Beginning::Version).collect::<Vec<_>>().as_slice() {
        [] => that(Beginning::Nearly).next().map_or(Published::Nothing, |octets| read(octets)),
        [one] => read(one),
        several => Published::Several(several.len()),
    }
}

/// A dialect of the shape: its version, its keys, and its words for what can be wrong.
pub(super) struct Shape {
    /// The first field, whole.
    pub(super) version: &'static str,
    /// The keys that it knows, the version's included.
    pub(super) keys: &'static [&'static str],
    pub(super) blank: Code,
    pub(super) blank_before_semicolon: Code,
    pub(super) empty_field: Code,
    pub(super) key_case: Code,
    pub(super) key_name: Code,
    pub(super) no_equals: Code,
    pub(super) not_ascii: Code,
    pub(super) quoted: Code,
    pub(super) repeated_key: Code,
    pub(super) too_long: Code,
    pub(super) unknown_key: Code,
    pub(super) value: Code,
    pub(super) wrong_version: Code,
}

/// One field behind the version, and where in the record its parts begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) key_at: usize,
    pub(super) value_at: usize,
}

pub(super) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

pub(super) fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// A piece without the blanks around it, and where it begins if the piece begins at `at`.
pub(super) fn trimmed(piece: &str, at: usize) -> (&str, usize) {
    let inner = piece.trim_start_matches(blank);
    (inner.trim_end_matches(blank), at.saturating_add(piece.len().saturating_sub(inner.len())))
}

/// The pieces between the separators, and where each begins if the text begins at `at`.
pub(super) fn split(text: &str, mut at: usize, separator: char) -> impl Iterator<Item = (&str, usize)> {
    text.split(separator).map(move |piece| {
        let begin = at;
        at = at.saturating_add(piece.len()).saturating_add(separator.len_utf8());
        (piece, begin)
    })
}

/// A letter or digit, and up to 31 more of these, `_`, `-` or `.`: `sts-ext-name`, `tlsrpt-ext-name` and
/// `sts-policy-ext-name` of the two RFCs.
pub(super) fn is_key(key: &str) -> bool {
    key.len() <= 32
        && key.starts_with(|c: char| c.is_ascii_alphanumeric())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// `sts-ext-value` and `tlsrpt-ext-value`: printable ASCII without a blank, `;` and `=`, and not nothing.
fn is_value(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b'=')
}

impl Shape {
    /// How a record begins. The RFCs' prose wants `;` right behind the version, their grammar allows blanks before it
    /// (RFC 8461, erratum 6285): the grammar decides.
    pub(super) fn beginning(&self, octets: &[u8]) -> Beginning {
        let Some(rest) = octets.strip_prefix(self.version.as_bytes()) else { return Beginning::Other };
        match rest.iter().find(|octet| !is_blank(**octet)) {
            Some(b';') => Beginning::Version,
            None => Beginning::Nearly,
            Some(_) if rest.first().is_some_and(|octet| is_blank(*octet)) => Beginning::Nearly,
            Some(_) => Beginning::Other,
        }
    }

    /// Takes a record apart.
    ///
    /// # Errors
    /// The one finding about a record of which nothing can be read.
    pub(super) fn fields<'a>(
        &self,
        octets: &'a [u8],
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<Field<'a>>, Finding> {
        let found = |code, at| Finding::new(code, octets, at);
        if octets.len() > MAX_TXT_OCTETS {
            return Err(found(self.too_long, 0..octets.len()));
        }
        let stranger = octets.iter().position(|octet| !matches!(octet, b' '..=b'~' | b'\t'));
        let text = match (stranger, std::str::from_utf8(octets)) {
            (None, Ok(text)) => text,
            (stranger, _) => {
                let at = stranger.unwrap_or_default();
                let more = octets.iter().skip(at).take_while(|octet| !octet.is_ascii()).count();
                return Err(found(self.not_ascii, at..at.saturating_add(more.max(1))));
            }
        };
        let Some(rest) = text.strip_prefix(self.version) else {
            let code = if text.starts_with('"') { self.quoted } else { self.wrong_version };
            return Err(found(code, 0..text.find(';').unwrap_or(text.len())));
        };
        let mut at = self.version.len();
        let fields = rest.trim_start_matches(blank);
        let blanks = rest.len().saturating_sub(fields.len());
        match fields.strip_prefix(';') {
            None if fields.is_empty() => {
                if blanks > 0 {
                    findings.push(found(self.blank, at..text.len()));
                }
                Ok(Vec::new())
            }
            None => Err(found(self.wrong_version, 0..text.find(';').unwrap_or(text.len()))),
            Some(fields) => {
                if blanks > 0 {
                    findings.push(found(self.blank_before_semicolon, at..at.saturating_add(blanks)));
                }
                at = at.saturating_add(blanks).saturating_add(1);
                Ok(self.pieces(octets, fields, at, findings))
            }
        }
    }

    /// The fields of what stands behind the first semicolon, which begins at `at`.
    fn pieces<'a>(
        &self,
        octets: &[u8],
        fields: &'a str,
        at: usize,
        findings: &mut Vec<Finding>,
    ) -> Vec<Field<'a>> {
        let mut found = |code, at| findings.push(Finding::new(code, octets, at));
        let mut read = Vec::new();
        let mut pieces = split(fields, at, ';').peekable();
        while let Some((piece, at)) = pieces.next() {
            let (field, field_at) = trimmed(piece, at);
            let field_end = field_at.saturating_add(field.len());
            let last = pieces.peek().is_none();
            if last && !field.is_empty() && field_end < octets.len() {
                found(self.blank, field_end..octets.len());
            }
            match field.split_once('=') {
                None if field.is_empty() && last => {}
                None if field.is_empty() => {
                    found(self.empty_field, at..at.saturating_add(piece.len()).saturating_add(1))
                }
                None => found(self.no_equals, field_at..field_end),
                Some((key, value)) => {
                    let value_at = field_at.saturating_add(key.len()).saturating_add(1);
                    let (bare_key, key_at) = trimmed(key, field_at);
                    let (bare_value, bare_value_at) = trimmed(value, value_at);
                    if bare_key.len() < key.len() || bare_value.len() < value.len() {
                        found(self.blank, key_at.saturating_add(bare_key.len())..bare_value_at);
                    }
                    read.push(Field { key: bare_key, value: bare_value, key_at, value_at: bare_value_at });
                }
            }
        }
        read
    }

    /// What there is to say about a field that is none of the known ones, or one of them again; both are ignored.
    pub(super) fn ignored(
        &self,
        octets: &[u8],
        field: Field<'_>,
        seen: &[&str],
        findings: &mut Vec<Finding>,
    ) {
        let Field { key, value, key_at, value_at } = field;
        let key_range = key_at..key_at.saturating_add(key.len());
        let code = if !is_key(key) {
            self.key_name
        } else if seen.contains(&key) || self.keys.first() == Some(&key) {
            self.repeated_key
        } else if self.keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            self.key_case
        } else {
            self.unknown_key
        };
        findings.push(Finding::new(code, octets, key_range));
        if !is_value(value) {
            findings.push(Finding::new(self.value, octets, value_at..value_at.saturating_add(value.len())));
        }
    }
}
