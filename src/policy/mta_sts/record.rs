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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_TXT_OCTETS;

    fn words(text: &str) -> Vec<&'static str> {
        let findings = Record::inspect(text.as_bytes()).findings;
        findings.iter().map(|f| f.code.word().strip_prefix("mta-sts.txt.").unwrap()).collect()
    }

    fn of(texts: &[&str]) -> Published {
        published(&texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn a_record_is_its_text_and_an_id() {
        let record = Record::parse("v=STSv1; x=y; id=20160831085700Z;").unwrap();
        assert_eq!((record.id(), record.as_str()), ("20160831085700Z", "v=STSv1; x=y; id=20160831085700Z;"));
    }

    #[test]
    fn what_is_wrong_has_a_word_and_a_place() {
        for (text, word, shown) in [
            ("v=STSv1; id=a-b", "id-charset", "a-b"),
            ("v=STSv1; id=", "id-empty", ""),
            (
                "v=STSv1; id=012345678901234567890123456789012",
                "id-length",
                "012345678901234567890123456789012",
            ),
            ("v=STSv1; ", "no-id", ""),
            ("v=STSv1; id=1 ", "blank", " "),
            ("v=STSv1; id =1", "blank", " ="),
            ("v=STSv1; id= 1", "blank", "= "),
            ("v=STSv1; id=1;;", "empty-field", ";"),
            ("v=STSv1; id=1; x", "no-equals", "x"),
            ("v=STSv1; id=1; _x=1", "key-name", "_x"),
            ("v=STSv1; id=1; x=a b", "value", "a b"),
            ("v=STSv1; id=1; x=", "value", ""),
            ("v=STSv1; id=1; x=\u{a3}", "not-ascii", "\u{a3}"),
            ("v=STSv1; id=1; x=\u{a3}\u{20ac}y", "not-ascii", "\u{a3}\u{20ac}"),
            ("V=STSV1; id=1", "version", "V=STSV1"),
            (" v=STSv1; id=1", "version", " v=STSv1"),
            ("\"v=STSv1; id=1\"", "quoted", "\"v=STSv1"),
        ] {
            let Malformed(first) = Record::parse(text).unwrap_err();
            assert_eq!(first.code.word().strip_prefix("mta-sts.txt."), Some(word), "{text}");
            assert_eq!(&text[first.at], shown, "{text}");
        }
    }

    #[test]
    fn what_is_tolerated_is_told() {
        assert_eq!(words("v=STSv1 ; id=1"), ["blank-before-semicolon"]);
        assert_eq!(words("v=STSv1; id=1; id=2"), ["repeated-key"]);
        assert_eq!(words("v=STSv1; id=1; v=STSv1"), ["repeated-key"]);
        assert_eq!(words("v=STSv1; ID=1; id=2"), ["key-case"]);
        assert_eq!(words("v=STSv1; id=1; x=y"), ["unknown-key"]);
        assert_eq!(words("v=STSv1\t;\tid=1\t;\t"), ["blank-before-semicolon"]);
    }

    #[test]
    fn exactly_one_record_that_begins_with_the_version_counts() {
        for nothing in
            ["", "v=spf1 -all", "v=STSv10; id=1", "v=STSv2; id=1", " v=STSv1; id=1", "V=STSv1; id=1"]
        {
            assert_eq!(of(&[nothing]), Published::Nothing, "{nothing:?}");
        }
        assert!(matches!(of(&["v=spf1 -all", "v=STSv1; id=1"]), Published::Record(_)));
        assert_eq!(of(&["v=STSv1; id=1", "v=STSv1; id=1"]), Published::Several(2));
        assert_eq!(of(&["v=STSv1; id=1", "v=STSv1; id=-"]), Published::Several(2));
    }

    #[test]
    fn a_record_without_the_semicolon_does_not_hide_the_one_that_has_it() {
        assert!(matches!(of(&["v=STSv1", "v=STSv1; id=1"]), Published::Record(_)));
        assert!(matches!(of(&["v=STSv1 is not a policy", "v=STSv1; id=1"]), Published::Record(_)));
        assert!(matches!(of(&["v=STSv1"]), Published::Malformed(_)));
        assert!(matches!(of(&["v=STSv1 id=1"]), Published::Malformed(_)));
    }

    /// RFC 8461 section 3.1: `1*32(ALPHA / DIGIT)`, and no blank behind the last field.
    #[test]
    fn an_id_has_32_characters_and_a_record_without_fields_has_none() {
        assert!(Record::parse(&format!("v=STSv1; id={}", "7".repeat(32))).is_ok());
        assert_eq!(words("v=STSv1"), ["no-id"]);
        assert_eq!(words("v=STSv1 "), ["blank", "no-id"]);
        assert_eq!(words("v=STSv1 id=1"), ["version"]);
    }

    #[test]
    fn a_record_of_4096_octets_is_read_and_a_longer_one_is_not() {
        let of =
            |octets: usize| format!("v=STSv1; id=1; x={}", "y".repeat(octets - "v=STSv1; id=1; x=".len()));
        assert!(Record::parse(&of(MAX_TXT_OCTETS)).is_ok());
        for longer in [MAX_TXT_OCTETS + 1, MAX_TXT_OCTETS + 2] {
            assert_eq!(words(&of(longer)), ["too-long"], "{longer}");
        }
    }
}
