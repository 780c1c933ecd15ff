//! Why a report could not be read, in a sentence for whoever wanted to. Pure.

use crate::limits::{
    MAX_GZIP_MEMBERS, MAX_MAIL_HEADER_OCTETS, MAX_MAIL_PARTS, MAX_RECEIVED_DEPTH, MAX_RECEIVED_FILES,
    MAX_RECEIVED_ROWS, MAX_REPORT_LAYERS, MAX_REPORT_MAIL_OCTETS, MAX_REPORT_OCTETS, MAX_REPORT_VALUES,
    MAX_ZIP_FILES,
};
use std::fmt;

/// Why an input, or a part of it, was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is nothing in it.
    Empty,
    /// It is none of what a report comes in.
    Unknown,
    /// It is a page or a report of another kind, in XML or HTML.
    Markup,
    /// Well-formed, and no TLS report.
    NoReport,
    /// More octets than a report may have, once it is unpacked.
    TooManyOctets,
    /// A mail that is too long.
    MailTooLong,
    /// A mail with too many parts.
    TooManyParts,
    /// A header that is too long.
    HeaderTooLong,
    /// Packed too often.
    TooManyLayers,
    /// A gzip of too many members.
    TooManyMembers,
    /// A zip of too many files.
    TooManyFiles,
    /// JSON of too many values.
    TooManyValues,
    /// More rows than one run keeps.
    TooManyRows,
    /// A directory with more files than one run reads.
    TooManyInputs,
    /// A directory too far down.
    TooDeep,
    /// JSON that ends too early.
    JsonCut {
        /// The line in which it ends.
        line: usize,
    },
    /// No JSON.
    NotJson {
        /// The line of what does not belong there.
        line: usize,
        /// Its place in the line.
        column: usize,
    },
    /// A gzip that is damaged.
    Gzip,
    /// A zip that is damaged.
    Zip,
    /// A zip packed in a way that is not read.
    ZipMethod,
    /// The system's words: it cannot be opened, or not to its end.
    System(String),
}

impl Unreadable {
    /// Whether a bound was met: that is told in any case, be the input a report or not.
    #[must_use]
    pub const fn is_a_bound(&self) -> bool {
        matches!(
            self,
            Self::TooManyOctets
                | Self::MailTooLong
                | Self::TooManyParts
                | Self::HeaderTooLong
                | Self::TooManyLayers
                | Self::TooManyMembers
                | Self::TooManyFiles
                | Self::TooManyValues
                | Self::TooManyRows
        )
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Unknown => f.write_str("it is neither a mail nor an mbox, JSON, gzip or zip"),
            Self::Markup => {
                f.write_str("it is XML or HTML: a report about DMARC perhaps, but none about TLS")
            }
            Self::NoReport => f.write_str("there is no TLS report in it"),
            Self::TooManyOctets => write!(
                f,
                "unpacked it has more than {MAX_REPORT_OCTETS} octets: no TLS report is that long, and it was not read to its end"
            ),
            Self::MailTooLong => write!(f, "a mail of more than {MAX_REPORT_MAIL_OCTETS} octets is not read"),
            Self::TooManyParts => write!(f, "a mail of more than {MAX_MAIL_PARTS} parts is not read"),
            Self::HeaderTooLong => {
                write!(f, "a mail with a header of more than {MAX_MAIL_HEADER_OCTETS} octets is not read")
            }
            Self::TooManyLayers => {
                write!(f, "it is packed, or lies in mails within mails, more than {MAX_REPORT_LAYERS} times")
            }
            Self::TooManyMembers => write!(f, "a gzip of more than {MAX_GZIP_MEMBERS} members is not read"),
            Self::TooManyFiles => write!(f, "a zip of more than {MAX_ZIP_FILES} files is not read"),
            Self::TooManyValues => {
                write!(f, "its JSON has more than {MAX_REPORT_VALUES} values: no TLS report has so many")
            }
            Self::TooManyRows => write!(
                f,
                "with it there would be more than {MAX_RECEIVED_ROWS} policies and failures: read fewer reports at once"
            ),
            Self::TooManyInputs => {
                write!(f, "of its files the first {MAX_RECEIVED_FILES} were read: read fewer at once")
            }
            Self::TooDeep => {
                write!(f, "it lies more than {MAX_RECEIVED_DEPTH} directories down, and was not looked into")
            }
            Self::JsonCut { line } => write!(f, "its JSON ends too early, in line {line}: was it cut?"),
            Self::NotJson { line, column } => {
                write!(f, "it is no JSON: line {line}, column {column} does not belong there")
            }
            Self::Gzip => f.write_str("its gzip is damaged: was it cut, or changed on its way?"),
            Self::Zip => f.write_str("its zip is damaged: was it cut, or changed on its way?"),
            Self::ZipMethod => f.write_str("its zip is encrypted, or packed in another way than deflate"),
            Self::System(words) => write!(f, "the system says: {words}"),
        }
    }
}
