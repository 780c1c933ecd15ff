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
        if !rua.is_empty() && rua.iter().all(|destination| matches!(destination, Destination::Other(_))) {
            findings.push(Finding::new(Code::TlsrptTxtNoDestination, octets, octets.len()..octets.len()));
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
        if uri.scheme.eq_ignore_ascii_case("mailto") {
            if is_address(uri) { Ok(Self::Mail(text.to_owned())) } else { Err(Code::TlsrptTxtMailAddress) }
        } else if uri.scheme.eq_ignore_ascii_case("https") {
            let host = uri.host.filter(|host| !host.is_empty());
            host.map(|_| Self::Web(text.to_owned())).ok_or(Code::TlsrptTxtUri)
        } else {
            Ok(Self::Other(text.to_owned()))
        }
    }
}

/// Whether a `mailto` has exactly one address with one host: `addr-spec` of RFC 6068 section 2. A report is one mail to one
/// address.
fn is_address(uri: Uri<'_>) -> bool {
    let Some((local, host)) = uri.path.split_once('@') else { return false };
    let host = host.to_ascii_lowercase();
    // An address in brackets, which have to be encoded.
    let is_literal = host.starts_with("%5b") && host.ends_with("%5d") && !host.contains('@');
    let is_name = host.split('.').all(|label| !label.is_empty())
        && !["@", ":", "/", "%40", "%2c"].iter().any(|other| host.contains(other));
    uri.host.is_none() && !local.is_empty() && !local.contains('/') && (is_literal || is_name)
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail(uri) | Self::Web(uri) | Self::Other(uri) => f.write_str(uri),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_go_to_mail_addresses_and_web_servers() {
        let record = Record::parse("v=TLSRPTv1; rua=mailto:a@b.example , https://r.example/x;").unwrap();
        let (mail, web) = ("mailto:a@b.example".to_owned(), "https://r.example/x".to_owned());
        assert_eq!(record.rua(), [Destination::Mail(mail.clone()), Destination::Web(web.clone())]);
        assert_eq!(record.rua().iter().map(ToString::to_string).collect::<Vec<_>>(), [mail, web]);
        assert_eq!(record.as_str(), "v=TLSRPTv1; rua=mailto:a@b.example , https://r.example/x;");
    }

    /// RFC 6068 section 2: the domain of an `addr-spec` may be a literal, whose brackets are encoded.
    #[test]
    fn an_address_in_brackets_is_one_if_both_are_there() {
        let is_read = |host: &str| Record::parse(&format!("v=TLSRPTv1; rua=mailto:a@{host}")).is_ok();
        for host in ["%5B192.0.2.1%5D", "%5bIPv6:2001:db8::1%5d"] {
            assert!(is_read(host), "{host}");
        }
        for host in ["%5BIPv6:2001:db8::1", "IPv6:2001:db8::1%5D", "%5Ba@b%5D"] {
            assert!(!is_read(host), "{host}");
        }
    }

    #[test]
    fn what_is_wrong_has_a_word_and_a_place() {
        for (text, word, shown) in [
            ("v=TLSRPTv1;", "no-rua", ""),
            ("v=TLSRPTv1; rua=", "uri", ""),
            ("v=TLSRPTv1; rua=a@b.example", "uri", "a@b.example"),
            ("v=TLSRPTv1; rua=mailto:a@b.example,", "uri", ""),
            ("v=TLSRPTv1; rua=mailto:a", "mail-address", "mailto:a"),
            ("v=TLSRPTv1; rua=mailto:", "mail-address", "mailto:"),
            ("v=TLSRPTv1; rua=mailto:a@", "mail-address", "mailto:a@"),
            ("v=TLSRPTv1; rua=mailto:@b.example", "mail-address", "mailto:@b.example"),
            ("v=TLSRPTv1; rua=mailto:a@b@c.example", "mail-address", "mailto:a@b@c.example"),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example%2Cc@d.example",
                "mail-address",
                "mailto:a@b.example%2Cc@d.example",
            ),
            ("v=TLSRPTv1; rua=mailto:a@b..example", "mail-address", "mailto:a@b..example"),
            ("v=TLSRPTv1; rua=mailto://a@b.example", "mail-address", "mailto://a@b.example"),
            // RFC 8460 section 3: "https" and "mailto" are all that there is.
            ("v=TLSRPTv1; rua=http://r.example/", "no-destination", ""),
            ("v=TLSRPTv1; rua=http://r.example/,ftp://r.example/", "no-destination", ""),
            ("v=TLSRPTv1; rua=https:/x", "uri", "https:/x"),
            ("v=TLSRPTv1; rua=mailto:a@b.example!10m", "uri-reserved", "mailto:a@b.example!10m"),
            (
                "v=TLSRPTv1; rua=mailto:a@b.example mailto:c@d.example",
                "uri",
                "mailto:a@b.example mailto:c@d.example",
            ),
            ("v=TLSRPTv1; rua=mailto:a@b.example ", "blank", " "),
            ("v=TLSRPTv1; RUA=mailto:a@b.example", "no-rua", ""),
        ] {
            let Malformed(first) = Record::parse(text).unwrap_err();
            assert_eq!(first.code.word().strip_prefix("tlsrpt.txt."), Some(word), "{text}");
            assert_eq!(&text[first.at], shown, "{text}");
        }
    }

    #[test]
    fn what_is_tolerated_is_told() {
        for (text, word) in [
            ("v=TLSRPTv1; rua=mailto:a@b.example; rua=mailto:c@d.example", "repeated-key"),
            ("v=TLSRPTv1; rua=http://r.example/,https://r.example/", "scheme"),
            ("v=TLSRPTv1 ; rua=mailto:a@b.example", "blank-before-semicolon"),
            ("v=TLSRPTv1; rua=mailto:a@b.example; x=y", "unknown-key"),
        ] {
            let Inspected { value, findings } = Record::inspect(text.as_bytes());
            assert!(value.is_ok(), "{text}");
            let words: Vec<&str> = findings.iter().map(|finding| finding.code.word()).collect();
            assert_eq!(words, [format!("tlsrpt.txt.{word}")], "{text}");
        }
    }
}
