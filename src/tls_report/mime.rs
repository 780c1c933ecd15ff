//! Mail (RFC 5322) and its parts (RFC 2045, 2046), as far as a report needs them. Pure.
//!
//! Nothing is refused for its form: a line that is no header field is passed over, a part without an end ends with the mail.

use super::Unreadable;
use crate::limits::MAX_MAIL_HEADER_OCTETS;
use data_encoding::BASE64_MIME_PERMISSIVE;
use std::borrow::Cow;

/// The header of a mail or of one of its parts: names in lower case, values unfolded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header(Vec<(String, String)>);

/// A value with parameters behind it, such as that of Content-Type (RFC 2045 section 5.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Parametrised {
    /// The value in lower case, such as `multipart/report`.
    pub(crate) value: String,
    parameters: Vec<(String, String)>,
}

/// Reads a header, and says what follows it.
///
/// # Errors
/// [`Unreadable::HeaderTooLong`].
pub(crate) fn header(octets: &[u8]) -> Result<(Header, &[u8]), Unreadable> {
    let (mut fields, mut at): (Vec<(String, String)>, usize) = (Vec::new(), 0);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        at = at.saturating_add(line.len());
        if at > MAX_MAIL_HEADER_OCTETS {
            return Err(Unreadable::HeaderTooLong);
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            break;
        }
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Ok((Header(fields), octets.get(at..).unwrap_or_default()))
}

impl Header {
    /// The first field of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Every field of that name, from above.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a field of one of these names.
    pub(crate) fn has_one_of(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(found, _)| names.contains(&found.as_str()))
    }

    /// What the part is; without a word, text (RFC 2045 section 5.2).
    pub(crate) fn media(&self) -> Parametrised {
        Parametrised::read(self.get("content-type").unwrap_or("text/plain"))
    }

    /// The name of the file that the part is.
    pub(crate) fn file(&self) -> Option<String> {
        let disposition = Parametrised::read(self.get("content-disposition").unwrap_or_default());
        disposition.parameter("filename").or_else(|| self.media().parameter("name"))
    }
}

impl Parametrised {
    fn read(text: &str) -> Self {
        let mut pieces = pieces(text).into_iter();
        let value = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let parameters = pieces.filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            Some((name.trim().to_ascii_lowercase(), unquoted(value.trim())))
        });
        Self { value, parameters: parameters.collect() }
    }

    /// A parameter; also if it is written in pieces or encoded (RFC 2231 sections 3 and 4).
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.parameters.iter().find(|(found, _)| found == name) {
            return Some(value.clone());
        }
        let pieces: String = self
            .parameters
            .iter()
            .filter(|(found, _)| found.strip_prefix(name).is_some_and(|rest| rest.starts_with('*')))
            .map(|(found, value)| if found.ends_with('*') { decoded(value) } else { value.clone() })
            .collect();
        (!pieces.is_empty()).then_some(pieces)
    }
}

/// A value without what stands in parentheses that are not quoted (RFC 5322 section 3.2.2).
pub(crate) fn without_comments(text: &str) -> String {
    let (mut rest, mut depth, mut is_quoted, mut is_escaped) = (String::new(), 0_usize, false, false);
    for c in text.chars() {
        match c {
            '(' if !is_quoted && !is_escaped => depth = depth.saturating_add(1),
            ')' if depth > 0 && !is_escaped => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                is_quoted ^= c == '"' && !is_escaped;
                rest.push(c);
            }
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest
}

/// The pieces between semicolons that are not quoted.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut piece, mut is_quoted, mut is_escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            ';' if !is_quoted => pieces.push(std::mem::take(&mut piece)),
            _ => {
                is_quoted ^= c == '"' && !is_escaped;
                piece.push(c);
            }
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    pieces.push(piece);
    pieces
}

/// A value without its quotation marks.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let (mut text, mut is_escaped) = (String::new(), false);
    for c in inner.chars() {
        is_escaped = c == '\\' && !is_escaped;
        if !is_escaped {
            text.push(c);
        }
    }
    text
}

/// `utf-8''a%20b` in clear.
fn decoded(value: &str) -> String {
    let coded = value.rsplit('\'').next().unwrap_or(value);
    String::from_utf8_lossy(&escapes(coded.as_bytes(), b'%')).into_owned()
}

/// What two hexadecimal digits behind a sign stand for.
pub(crate) fn escapes(octets: &[u8], sign: u8) -> Vec<u8> {
    let (mut clear, mut rest) = (Vec::with_capacity(octets.len()), octets);
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|_| *first == sign);
        let octet = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        clear.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    clear
}

/// The parts between lines of a boundary, at most `most` of them; without a boundary, of the first line that looks like one.
///
/// # Errors
/// [`Unreadable::TooManyParts`].
pub(crate) fn parts<'a>(
    body: &'a [u8],
    boundary: Option<&str>,
    most: usize,
) -> Result<Vec<&'a [u8]>, Unreadable> {
    let mut delimiter = boundary.map(|boundary| format!("--{}", boundary.trim_end()).into_bytes());
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0_usize);
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let end = at.saturating_add(line.len());
        let bare = line.trim_ascii_end();
        if delimiter.is_none() && bare.starts_with(b"--") && bare.len() > 2 {
            delimiter = Some(bare.to_vec());
        }
        let rest = delimiter.as_deref().and_then(|delimiter| bare.strip_prefix(delimiter));
        if let Some(rest @ (b"" | b"--")) = rest {
            if let Some(from) = begun {
                if parts.len() >= most {
                    return Err(Unreadable::TooManyParts);
                }
                parts.extend(body.get(from..at));
            }
            begun = rest.is_empty().then_some(end);
        }
        at = end;
    }
    if let Some(part) = begun.and_then(|from| body.get(from..)).filter(|part| !part.is_empty()) {
        parts.push(part);
    }
    Ok(parts)
}

/// A body in clear (RFC 2045 section 6).
pub(crate) fn body<'a>(header: &Header, body: &'a [u8]) -> Cow<'a, [u8]> {
    match header.get("content-transfer-encoding").map(str::to_ascii_lowercase).as_deref() {
        Some("base64") => base64(body).into(),
        Some("quoted-printable") => quoted_printable(body).into(),
        _ => body.into(),
    }
}

/// base64, up to its end or the first octet that can be none; what is no letter of it is passed over (section 6.8).
fn base64(body: &[u8]) -> Vec<u8> {
    let is_letter = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/".contains(octet);
    let mut letters: Vec<u8> =
        body.iter().copied().take_while(|octet| *octet != b'=').filter(is_letter).collect();
    // One letter alone says less than an octet.
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    while !letters.len().is_multiple_of(4) {
        letters.push(b'=');
    }
    BASE64_MIME_PERMISSIVE.decode(&letters).unwrap_or_default()
}

/// quoted-printable: a line that ends in an equals sign goes on in the next one (section 6.7).
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let bare = line.trim_ascii_end();
        match bare.strip_suffix(b"=") {
            Some(open) => joined.extend_from_slice(open),
            None => {
                joined.extend_from_slice(bare);
                joined.extend_from_slice(if line.ends_with(b"\n") { b"\n" } else { b"" });
            }
        }
    }
    escapes(&joined, b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_unfolded_and_its_parameters_are_read() {
        let mail = b"Content-Type: multipart/Report;\r\n\tReport-Type=\"tls\\rpt\"; boundary = \"a;b\"\r\nrubbish\r\nX: y\r\n\r\nbody";
        let (header, body) = header(mail).unwrap();
        let media = header.media();
        assert_eq!((media.value.as_str(), body), ("multipart/report", &b"body"[..]));
        assert_eq!(media.parameter("report-type").as_deref(), Some("tlsrpt"));
        assert_eq!(media.parameter("boundary").as_deref(), Some("a;b"));
        assert_eq!((header.get("x"), header.get("y")), (Some("y"), None));
        let long = format!("A: {}", "x".repeat(MAX_MAIL_HEADER_OCTETS));
        assert_eq!(super::header(long.as_bytes()).unwrap_err(), Unreadable::HeaderTooLong);
    }

    #[test]
    fn a_file_has_its_name_in_every_spelling() {
        for line in [
            "Content-Disposition: attachment; filename=\"a b.json\"",
            "Content-Disposition: attachment; filename*=utf-8''a%20b.json",
            "Content-Disposition: attachment; filename*0=\"a b\"; filename*1=.json",
            "Content-Type: application/tlsrpt+json; name=\"a b.json\"",
        ] {
            assert_eq!(header(line.as_bytes()).unwrap().0.file().as_deref(), Some("a b.json"), "{line}");
        }
        assert_eq!(header(b"A: b\n").unwrap().0.file(), None);
    }

    #[test]
    fn parts_stand_between_their_boundary() {
        let body = b"preamble\n--x\n\none\n--x \r\n\r\ntwo\r\n--xy\n--x--\nepilogue\n";
        let found = parts(body, Some("x"), 5).unwrap();
        assert_eq!(found, [&b"\none\n"[..], b"\r\ntwo\r\n--xy\n"]);
        assert_eq!(parts(body, None, 5).unwrap(), found);
        assert_eq!(parts(b"--x\nopen", Some("x"), 5).unwrap(), [b"open"]);
        assert_eq!(parts(b"--x\na\n--x\nb\n--x\nc\n", Some("x"), 1).unwrap_err(), Unreadable::TooManyParts);
        assert_eq!(parts(b"nothing", Some("x"), 5).unwrap(), [&b""[..]; 0]);
    }

    #[test]
    fn bodies_come_in_clear() {
        let decode = |encoding: &str, text: &str| {
            let (header, _) =
                header(format!("Content-Transfer-Encoding: {encoding}\n\n").as_bytes()).unwrap();
            String::from_utf8_lossy(&body(&header, text.as_bytes())).into_owned()
        };
        // RFC 4648 section 10; RFC 2045 section 6.7.
        for (text, clear) in
            [("Zm9vYmFy", "foobar"), ("Zm9v\r\nYmE=\r\n", "fooba"), ("Zg", "f"), ("Z m9*v", "foo")]
        {
            assert_eq!(decode("BASE64", text), clear);
        }
        assert_eq!(decode("quoted-printable", "a=3D b=\r\nc =\nd=zz\n"), "a= bc d=zz\n");
        assert_eq!(decode("7bit", "a=3D"), "a=3D");
    }
}
