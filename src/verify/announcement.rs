//! What the record `_mta-sts` of a domain says, and how it is remembered (RFC 8461 section 3.1). Pure.

use super::remembered::class_of;
use crate::dns::{Answer, Class, Content, joined_texts};
use crate::limits::MAX_NEGATIVE_TTL;
use crate::policy::mta_sts::{Published, Record, published};
use crate::time::UnixTime;
use crate::verdict::LookupError;

/// What stands at the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// Something that begins as a record does and is none, or more than one; the text says what is wrong.
    Malformed(String),
    /// No record.
    Nothing,
    /// A record.
    Record(Record),
    /// Nobody can tell.
    Unknown(LookupError),
}

impl Announcement {
    /// Reads the answer to the question for the record.
    #[must_use]
    pub fn read(answer: &Answer) -> Self {
        let records = match LookupError::or_content(&answer.outcome) {
            Err(trouble) => return Self::Unknown(trouble),
            Ok(Content::Nodata | Content::Nxdomain) => return Self::Nothing,
            Ok(Content::Data(records)) => records,
        };
        match published(&joined_texts(records)) {
            Published::Malformed(malformed) => Self::Malformed(malformed.to_string()),
            Published::Nothing => Self::Nothing,
            Published::Record(record) => Self::Record(record),
            Published::Several(number) => {
                Self::Malformed(format!("{number} records begin with v=STSv1 at one name"))
            }
        }
    }

    /// Until when this may be believed: a record for its TTL, anything else for an hour at most, so that a domain that
    /// begins, or mends its record, is noticed.
    #[must_use]
    pub fn believed_until(&self, answer: &Answer, now: UnixTime) -> Option<UnixTime> {
        match self {
            Self::Record(_) => answer.valid_until,
            Self::Malformed(_) | Self::Nothing => {
                answer.valid_until.map(|until| until.min(now.plus(MAX_NEGATIVE_TTL)))
            }
            Self::Unknown(_) => None,
        }
    }

    /// The line for the cache, with when it was asked for; `None` for what is not to be remembered.
    #[must_use]
    pub fn to_line(&self, class: Class, asked_at: UnixTime) -> Option<String> {
        let how = format!("{} {}", asked_at.0, class.word());
        match self {
            Self::Malformed(why) => Some(format!("malformed {how} {why}")),
            Self::Nothing => Some(format!("nothing {how}")),
            Self::Record(record) => Some(format!("record {how} {}", record.as_str())),
            Self::Unknown(_) => None,
        }
    }

    /// Reads the line again.
    #[must_use]
    pub fn from_line(line: &str) -> Option<(Self, Class, UnixTime)> {
        let mut words = line.splitn(4, ' ');
        let (kind, asked_at) = (words.next()?, UnixTime(words.next()?.parse().ok()?));
        let class = class_of(words.next()?)?;
        let announcement = match (kind, words.next()) {
            ("malformed", Some(why)) => Self::Malformed(why.to_owned()),
            ("nothing", None) => Self::Nothing,
            ("record", Some(text)) => Self::Record(Record::parse(text).ok()?),
            _ => return None,
        };
        Some((announcement, class, asked_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_remembered_reads_back_the_same() {
        for announcement in [
            Announcement::Malformed("the id 'a-b' is wrong".into()),
            Announcement::Nothing,
            Announcement::Record(Record::parse("v=STSv1; id=20160831085700Z;").unwrap()),
        ] {
            let asked_at = UnixTime(7);
            let line = announcement.to_line(Class::Insecure, asked_at).unwrap();
            let read = Announcement::from_line(&line);
            assert_eq!(read, Some((announcement, Class::Insecure, asked_at)), "{line}");
        }
    }

    #[test]
    fn a_line_that_was_tampered_with_does_not_exist() {
        for line in [
            "",
            "nothing",
            "nothing secure",
            "nothing secure x",
            "nothing 7 secure x",
            "nothing x secure",
            "nothing 7 bogus",
            "record 7 secure v=STSv1; id=a-b",
            "record secure v=STSv1; id=1;",
            "record 7 secure",
        ] {
            assert_eq!(Announcement::from_line(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "(nothing|record|malformed)? ?[0-9]{0,3} ?(secure|insecure)? ?\\PC{0,60}") {
            let _ = Announcement::from_line(&line);
        }
    }
}
