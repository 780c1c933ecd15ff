//! Values as Exim's `${quote:}` writes them (Exim spec, section 11.7 "Expansion operators"). Pure.
//!
//! What holds only letters, digits, `_`, `-` and `.` stands as it is; everything else, the empty text too, stands between
//! double quotes, in which a quote and a backslash follow a backslash, and a line end is `\n` or `\r`.

use std::borrow::Cow;

/// What is not quoted as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unclosed;

/// Takes a value from the front: to the next blank, or to its closing quote. Returns it and what follows.
///
/// # Errors
/// [`Unclosed`] if the closing quote is missing, or something other than a blank follows it.
pub(super) fn value(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), Unclosed> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|octet| *octet == b' ').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Ok((value.into(), rest));
    };
    let mut value = Vec::with_capacity(rest.len());
    loop {
        let (octet, after) = rest.split_first().ok_or(Unclosed)?;
        rest = after;
        match octet {
            b'"' if rest.is_empty() || rest.starts_with(b" ") => return Ok((value.into(), rest)),
            b'"' => return Err(Unclosed),
            b'\\' => {
                let (escaped, after) = rest.split_first().ok_or(Unclosed)?;
                rest = after;
                value.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    other => *other,
                });
            }
            other => value.push(*other),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Exim's own `${quote:}`.
    pub(in crate::serve::protocol) fn quote(text: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if !text.is_empty() && text.chars().all(is_plain) {
            return text.to_owned();
        }
        let escaped = |c: char| match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\\' | '"' => format!("\\{c}"),
            other => other.to_string(),
        };
        format!("\"{}\"", text.chars().map(escaped).collect::<String>())
    }

    #[test]
    fn a_value_ends_at_a_blank_or_at_its_quote() {
        for (text, expected, rest) in [
            ("mx.example.org", "mx.example.org", ""),
            ("a b", "a", " b"),
            ("", "", ""),
            ("\"\" x", "", " x"),
            ("\"a b\" c", "a b", " c"),
            (r#""x -D \(id\"'q.test""#, "x -D (id\"'q.test", ""),
            (r#""a\nb\r\\n\t""#, "a\nb\r\\nt", ""),
            ("a\"b", "a\"b", ""),
        ] {
            assert_eq!(value(text.as_bytes()), Ok((expected.as_bytes().into(), rest.as_bytes())), "{text}");
        }
        for text in ["\"", "\"a", "\"a\\", "\"a\\\"", "\"a\"b", "\"\"\""] {
            assert_eq!(value(text.as_bytes()), Err(Unclosed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_exim_quotes_reads_back_with_what_follows(text in "(?s).{0,40}", rest in "( .{0,10})?") {
            let line = quote(&text) + &rest;
            prop_assert_eq!(value(line.as_bytes()), Ok((text.as_bytes().into(), rest.as_bytes())));
        }
    }
}
