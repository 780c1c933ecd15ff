//! Where the mails of an mbox begin (RFC 4155). Pure.

/// What the line before a mail begins with.
pub const SEPARATOR: &[u8] = b"From ";

/// Whether a line stands before a mail: at the beginning of the file, or behind an empty line.
#[must_use]
pub fn is_separator(line: &[u8], is_behind_an_empty_line: bool) -> bool {
    is_behind_an_empty_line && line.starts_with(SEPARATOR)
}

/// Whether a line is empty.
#[must_use]
pub fn is_empty(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n" | b"")
}

/// The mails of an mbox, without the lines before them.
pub(super) fn mails(octets: &[u8]) -> Vec<&[u8]> {
    let (mut mails, mut begun, mut at, mut was_empty) = (Vec::new(), None, 0_usize, true);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let end = at.saturating_add(line.len());
        if is_separator(line, was_empty) {
            mails.extend(begun.and_then(|from| octets.get(from..at)));
            begun = Some(end);
        }
        was_empty = is_empty(line);
        at = end;
    }
    mails.extend(begun.and_then(|from| octets.get(from..)));
    mails
}
