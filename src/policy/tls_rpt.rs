//! Where reports about TLS go: the TXT record of SMTP TLS reporting (RFC 8460 section 3).

use crate::policy::lint::{Code, Finding, Inspected, Malformed};
use crate::policy::txt::{self, Shape, has_scheme, split, trimmed};
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
    fn read(uri: &str) -> Result<Self, Code> {
        if !has_scheme(uri) {
            return Err(Code::TlsrptTxtUri);
        }
        if uri.contains('!') {
            return Err(Code::TlsrptTxtUriReserved);
        }
        let (scheme, rest) = uri.split_once(':').unwrap_or_default();
        if !is_rest_of_uri(rest) {
            return Err(Code::TlsrptTxtUri);
        }
        let end = |marks: &[char]| rest.find(marks).unwrap_or(rest.len());
        if scheme.eq_ignore_ascii_case("mailto") {
            let address = rest.get(..end(&['?', '#'])).unwrap_or_default();
            let whole =
                address.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
            if whole { Ok(Self::Mail(uri.to_owned())) } else { Err(Code::TlsrptTxtUri) }
        } else if scheme.eq_ignore_ascii_case("https") {
            let authority = rest.strip_prefix("//").unwrap_or_default();
            let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            if host.is_empty() || host.starts_with(':') {
                return Err(Code::TlsrptTxtUri);
            }
            Ok(Self::Web(uri.to_owned()))
        } else {
            Ok(Self::Other(uri.to_owned()))
        }
    }
}

/// What may follow the scheme and its colon (RFC 3986 section 3): complete percent-encodings, brackets only around the
/// address in an authority, one `#` at most.
fn is_rest_of_uri(rest: &str) -> bool {
    let mut octets = rest.bytes();
    let mut fragments = 0_usize;
    while let Some(octet) = octets.next() {
        let fits = match octet {
            b'%' => {
                octets.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && octets.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            b'#' => {
                fragments = fragments.saturating_add(1);
                fragments == 1
            }
            b'[' | b']' => rest.starts_with("//["),
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
            _ => octet.is_ascii_graphic(),
        };
        if !fits {
            return false;
        }
    }
    true
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(uri) | Self::Web(uri) | Self::Other(uri) => f.write_str(uri),
        }
    }
}
