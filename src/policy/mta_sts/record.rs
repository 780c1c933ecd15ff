//! The TXT record that tells that there is a policy, and when it changed (RFC 8461 section 3.1).

use crate::policy::lint::{Code, Finding, Inspected, Malformed};
use crate::policy::txt::{self, Shape};
use std::fmt;

/// The label under which the record stands.
pub const LABEL: &str = "_mta-sts";

/// What stands at `_mta-sts.` of a domain.
pub type Published = txt::Published<Record>;

/// Reads the TXT records of one name, each with its character-strings already joined.
#[must_use]
pub fn published(records: &[Vec<u8>]) -> Published {
    txt::published(records, |octets| SHAPE.beginning(octets), |octets| Record::inspect(octets).value)
}

const SHAPE: Shape = Shape {
    version: "v=STSv1",
    keys: &["v", "id"],
    blank: Code::MtaStsTxtBlank,
    blank_before_semicolon: Code::MtaStsTxtBlankBeforeSemicolon,
    empty_field: Code::MtaStsTxtEmptyField,
    key_case: Code::MtaStsTxtKeyCase,
    key_name: Code::MtaStsTxtKeyName,
    no_equals: Code::MtaStsTxtNoEquals,
    not_ascii: Code::MtaStsTxtNotAscii,
    quoted: Code::MtaStsTxtQuoted,
    repeated_key: Code::MtaStsTxtRepeatedKey,
    too_long: Code::MtaStsTxtTooLong,
    unknown_key: Code::MtaStsTxtUnknownKey,
    value: Code::MtaStsTxtValue,
    wrong_version: Code::MtaStsTxtVersion,
};

/// A well-formed record: its text as published, and the id in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    text: String,
    id: String,
}

impl Record {
    /// Reads one record, by the grammar to the letter, and says what it noticed. An `id` outside of the grammar makes
    /// the record malformed, as section 3.1 demands; of a repeated key the first one counts (section 3.2).
    #[must_use]
    pub fn inspect(octets: &[u8]) -> Inspected<Self> {
        let mut findings = Vec::new();
        let fields = match SHAPE.fields(octets, &mut findings) {
            Ok(fields) => fields,
            Err(finding) => return Inspected::malformed(finding),
        };
        let mut id = None;
        let mut seen = Vec::new();
        for field in fields {
            if field.key == "id" && id.is_none() {
                let at = field.value_at..field.value_at.saturating_add(field.value.len());
                findings.extend(fault_of_id(field.value).map(|code| Finding::new(code, octets, at)));
                id = Some(field.value);
            } else {
                SHAPE.ignored(octets, field, &seen, &mut findings);
            }
            seen.push(field.key);
        }
        if id.is_none() {
            findings.push(Finding::new(Code::MtaStsTxtNoId, octets, octets.len()..octets.len()));
        }
        let text = String::from_utf8_lossy(octets).into_owned();
        Inspected::new(Self { text, id: id.unwrap_or_default().to_owned() }, findings)
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`Malformed`]: the first thing that makes it no record.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::inspect(text.as_bytes()).value
    }

    /// What changes when the policy changes. It has no order, and says nothing about time.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The text as it was published, its character-strings joined.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `1*32(ALPHA / DIGIT)`.
fn fault_of_id(id: &str) -> Option<Code> {
    if id.is_empty() {
        Some(Code::MtaStsTxtIdEmpty)
    } else if !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Some(Code::MtaStsTxtIdCharset)
    } else if id.len() > 32 {
        Some(Code::MtaStsTxtIdLength)
    } else {
        None
    }
}
