//! The one function that makes untrusted text harmless.
//!
//! Whatever came from DNS, HTTPS, a certificate, a file or the command line and is shown to a person or written to a
//! log goes through [`Escaped`]. It refuses to pass anything but printable ASCII: no control characters, no terminal
//! sequences, no text that changes direction, no second line.

use std::fmt::{self, Write};

/// Untrusted text, shown as printable ASCII; everything else, and the backslash, becomes an escape.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                ' '..='~' => f.write_char(c)?,
                _ => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            }
        }
        Ok(())
    }
}

/// The same for a text of which parts may have been escaped on their way here: a backslash stays one, so that nothing is
/// escaped twice. Harmless all the same, but a stranger's own backslash can no more be told from ours: for people, not
/// for programs.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split('\\');
        if let Some(first) = parts.next() {
            Escaped(first).fmt(f)?;
        }
        parts.try_for_each(|part| write!(f, "\\{}", Escaped(part)))
    }
}

/// The same for a page of HTML: what means something there, in text or in a quoted attribute, is written as a character
/// reference (HTML, "Serializing HTML fragments").
#[derive(Clone, Copy, Debug)]
pub struct Html<'a>(pub &'a str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in Printable(self.0).to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A value as JSON on one line of printable ASCII; see [`JsonText`].
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(pub &'a serde_json::Value);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        JsonText(&self.0.to_string()).fmt(f)
    }
}

/// The same JSON in printable ASCII and line ends: whatever else stands in an untrusted text has the escape of JSON (RFC 8259
/// section 7), so that programs read the text itself.
#[derive(Clone, Copy, Debug)]
pub struct JsonText<'a>(pub &'a str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Control characters below the blank have their escape already, and nothing outside of texts is not ASCII.
        for c in self.0.chars() {
            match c {
                '\n' | ' '..='~' => f.write_char(c)?,
                _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?,
            }
        }
        Ok(())
    }
}

/// Untrusted text cut to `most` characters, with its whole length in octets, and not yet escaped.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}... ({} octets)", text.get(..cut).unwrap_or_default(), text.len()),
    }
}

/// The same made harmless.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> String {
    Escaped(&shortened(text, most)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_printable_ascii_gets_through() {
        for c in (0..=0x2_ffff).filter_map(char::from_u32) {
            let shown = Escaped(&c.to_string()).to_string();
            assert!(shown.bytes().all(|b| (b' '..=b'~').contains(&b)), "{c:?} was shown as {shown:?}");
            let shown = Printable(&c.to_string()).to_string();
            assert!(shown.bytes().all(|b| (b' '..=b'~').contains(&b)), "{c:?} was shown as {shown:?}");
            let shown = Html(&c.to_string()).to_string();
            assert!(shown.bytes().all(|b| (b' '..=b'~').contains(&b)), "{c:?} was shown as {shown:?}");
            assert!(!shown.contains(['<', '>', '"', '\'']), "{c:?} was shown as {shown:?}");
        }
    }

    #[test]
    fn plain_text_is_shown_as_it_is() {
        assert_eq!(Escaped("v=STS1; to=true").to_string(), "v=STS1; to=true");
        assert_eq!(Escaped("a\nb\u{1b}[31m\u{202e}").to_string(), "a\\u{a}b\\u{1b}[31m\\u{202e}");
    }

    #[test]
    fn json_is_printable_ascii_and_reads_back_as_what_it_was() {
        for text in ["a\nb\u{1b}[31m\u{202e}\u{7f}\u{85}", "\u{1f4e7} \u{fc}\"\\", ""] {
            let value = serde_json::json!({ "x": text });
            let shown = Json(&value).to_string();
            assert!(shown.bytes().all(|b| (b' '..=b'~').contains(&b)), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value, "{shown}");
        }
    }

    #[test]
    fn what_was_escaped_is_not_escaped_again() {
        let escaped = Escaped("a\nb\u{1b}[31m").to_string();
        assert_eq!(Printable(&escaped).to_string(), escaped);
        assert_eq!(Printable("\\a\n\\\\").to_string(), "\\a\\u{a}\\\\");
    }

    #[test]
    fn what_means_something_in_html_is_a_reference() {
        assert_eq!(
            Html("<b title='a\"b'>R&D\n\u{202e}").to_string(),
            "&lt;b title=&#39;a&quot;b&#39;&gt;R&amp;D\\u{a}\\u{202e}"
        );
    }

    #[test]
    fn long_text_is_cut_and_its_length_told() {
        assert_eq!(excerpt("abcdef", 3), "abc... (6 octets)");
        assert_eq!(excerpt("abc", 3), "abc");
    }
}
