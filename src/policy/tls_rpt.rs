//! Where reports about TLS go: the TXT record of SMTP TLS reporting (RFC 8460 section 3).

use crate::policy::lint::{Code, Finding, Inspected, Malformed};
use crate::policy::txt::{self, Shape, split, trimmed};
use crate::policy::uri::{Uri, has_scheme};
use std::fmt;

/// The labels before the domain under which the record stands, the leftmost one first.
pub const LABELS: [&str; 2] = ["_smtp", "_tls"];

/// What stands at `_smtp._tls.` of a domain.
pub type Published = txt::Published<Record>;

/// Reads the TXT records of one name, each with its character-strings already joined.
#[must_use]
pub fn published(records: &[Vec<u8>]) -> Published {
    txt::published(records, |octets| SHAPE.beginning(octets), |octets| Record::inspect(octets).value)
}

const SHAPE: Shape = Shape {
    version: "v=TLSRPTv1",
    keys: &["v", "rua"],
    blank: Code::TlsrptTxtBlank,
    blank_before_semicolon: Code::TlsrptTxtBlankBeforeSemicolon,
    empty_field: Code::TlsrptTxtEmptyField,
    key_case: Code::TlsrptTxtKeyCase,
    key_name: Code::TlsrptTxtKeyName,
    no_equals: Code::TlsrptTxtNoEquals,
    not_ascii: Code::TlsrptTxtNotAscii,
    quoted: Code::TlsrptTxtQuoted,
    repeated_key: Code::TlsrptTxtRepeatedKey,
    too_long: Code::TlsrptTxtTooLong,
    unknown_key: Code::TlsrptTxtUnknownKey,
    value: Code::TlsrptTxtValue,
    wrong_version: Code::TlsrptTxtVersion,
};

/// A well-formed record: its text as published, and where it wants reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    text: String,
    rua: Vec<Destination>,
}

/// Where a report is to go, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A mail address: `mailto:`.
    Mail(String),
    /// A web server that takes it as a POST: `https:`.
    Web(String),
    /// A URI of a scheme that no sender of reports uses.
    Other(String),
}

impl Record {
    /// Reads one record, by the grammar to the letter, and says what it noticed.
    ///
    /// The grammar allows `rua` more than once, and the RFC has no word on it: the destinations of all of them are
    /// taken, with a warning. It allows any URI: those that reports cannot go to are warned about.
    #[must_use]
    pub fn inspect(octets: &[u8]) -> Inspected<Self> {
        let mut findings = Vec::new();
        let fields = match SHAPE.fields(octets, &mut findings) {
            Ok(fields) => fields,
            Err(finding) => return Inspected::malformed(finding),
        };
        let mut rua = Vec::new();
        let mut seen = Vec::new();
        for field in fields {
            if field.key != "rua" {
                SHAPE.ignored(octets, field, &seen, &mut findings);
            } else {
                if seen.contains(&"rua") {
                    let at = field.key_at..field.key_at.saturating_add(field.key.len());
                    findings.push(Finding::new(Code::TlsrptTxtRepeatedKey, octets, at));
                }
                for (item, at) in split(field.value, field.value_at, ',') {
                    let (uri, at) = trimmed(item, at);
                    let destination = Destination::read(uri);
                    let code = match &destination {
                        Ok(Destination::Mail(_) | Destination::Web(_)) => None,
                        Ok(Destination::Other(_)) => Some(Code::TlsrptTxtScheme),
                        Err(code) => Some(*code),
                    };
                    findings.extend(
                        code.map(|code| Finding::new(code, octets, at..at.saturating_add(uri.len()))),
                    );
                    rua.extend(destination);
                }
            }
            seen.push(field.key);
        }
        if !seen.contains(&"rua") {
            findings.push(Finding::new(Code::TlsrptTxtNoRua, octets, octets.len()..octets.len()));
        }
        Inspected::new(Self { text: String::from_utf8_lossy(octets).into_owned(), rua }, findings)
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`Malformed`]: the first thing that makes it no record.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::inspect(text.as_bytes()).value
    }

    /// Where reports are to go; at least one destination.
    #[must_use]
    pub fn rua(&self) -> &[Destination] {
        &self.rua
    }

    /// The text as it was published, its character-strings joined.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Destination {
    /// `tlsrpt-uri`: a URI of RFC 3986 in which `,`, `!` and `;` are encoded, and which its own scheme allows as well:
    /// a `mailto` has an address (RFC 6068 section 2), an `https` a host (RFC 9110 section 4.2.2).
    fn read(text: &str) -> Result<Self, Code> {
        if text.contains('!') && has_scheme(text) {
            return Err(Code::TlsrptTxtUriReserved);
        }
        let uri = Uri::parse(text).ok_or(Code::TlsrptTxtUri)?;
        let has_address =
            || uri.path.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
        if uri.scheme.eq_ignore_ascii_case("mailto") {
            if has_address() { Ok(Self::Mail(text.to_owned())) } else { Err(Code::TlsrptTxtUri) }
        } else if uri.scheme.eq_ignore_ascii_case("https") {
            let host = uri.host.filter(|host| !host.is_empty());
            host.map(|_| Self::Web(text.to_owned())).ok_or(Code::TlsrptTxtUri)
        } else {
            Ok(Self::Other(text.to_owned()))
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(uri) | Self::Web(uri) | Self::Other(uri) => f.write_str(uri),
        }
    }
}
