//! Where in a text a finding is, for a person: line, column, and the line itself with a mark below. Pure.

use crate::text::Escaped;
use std::ops::Range;

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1; a line feed ends one.
    pub line: usize,
    /// The character in the line, from 1; an octet that is no UTF-8 counts as one.
    pub column: usize,
    /// The line, harmless, cut where it is too long.
    pub excerpt: String,
    /// Which characters of the excerpt are meant; at least one, which may be just behind its end.
    pub mark: Range<usize>,
}

/// What stands for the part of a line that is left out.
const CUT: &str = "...";

impl Place {
    /// The place of the octets `at` in `text`, with an excerpt of at most `width` characters.
    #[must_use]
    pub fn of(at: &Range<usize>, text: &[u8], width: usize) -> Self {
        let start = at.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line = before.iter().filter(|octet| **octet == b'\n').count().saturating_add(1);
        let begins =
            before.iter().rposition(|octet| *octet == b'\n').map_or(0, |last| last.saturating_add(1));
        let rest = text.get(start..).unwrap_or_default();
        let ends = rest
            .iter()
            .position(|octet| *octet == b'\n')
            .map_or(text.len(), |next| start.saturating_add(next));
        let meant_until = at.end.clamp(start, ends);
        let lossy =
            |range: Range<usize>| String::from_utf8_lossy(text.get(range).unwrap_or_default()).into_owned();
        let column = lossy(begins..start).chars().count().saturating_add(1);
        let shown = |range: Range<usize>| Escaped(&lossy(range)).to_string();
        let after = shown(meant_until..ends);
        // The CR of a CRLF belongs to the line end, unless it is what is meant.
        let after = after.strip_suffix("\\u{d}").unwrap_or(&after);
        Self::cut(line, column, &shown(begins..start), &shown(start..meant_until), after, width)
    }

    /// Cuts away what is too long: behind what is meant first, then before it, then of itself. All of it is ASCII.
    fn cut(line: usize, column: usize, before: &str, meant: &str, after: &str, width: usize) -> Self {
        let meant = without_end(meant, width);
        let room = width.saturating_sub(meant.len());
        // A third of the room is for what follows, if there is so much of it.
        let before = without_begin(before, room.saturating_sub(after.len().min(room / 3)));
        let after = without_end(after, room.saturating_sub(before.len()));
        let mark = before.len()..before.len().saturating_add(meant.len().max(1));
        Self { line, column, excerpt: format!("{before}{meant}{after}"), mark }
    }
}

/// At most `most` characters, the first ones.
fn without_end(ascii: &str, most: usize) -> String {
    if ascii.len() <= most {
        return ascii.to_owned();
    }
    let kept = ascii.get(..most.saturating_sub(CUT.len())).unwrap_or_default();
    format!("{kept}{CUT}").chars().take(most).collect()
}

/// At most `most` characters, the last ones.
fn without_begin(ascii: &str, most: usize) -> String {
    if ascii.len() <= most {
        return ascii.to_owned();
    }
    let left_out = ascii.len().saturating_sub(most.saturating_sub(CUT.len()));
    let kept = ascii.get(left_out..).unwrap_or_default();
    format!("{CUT}{kept}").chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(at: Range<usize>, text: &str) -> (usize, usize, String, String) {
        let Place { line, column, excerpt, mark } = Place::of(&at, text.as_bytes(), 60);
        let marked = excerpt.get(mark.start..mark.end.min(excerpt.len())).unwrap().to_owned();
        (line, column, excerpt, marked)
    }

    #[test]
    fn lines_end_at_line_feeds_and_columns_count_characters() {
        let policy = "version: STSv1\r\nmode: enforce\nmx: *\n";
        let star = policy.find('*').unwrap();
        assert_eq!(place(star..star + 1, policy), (3, 5, "mx: *".into(), "*".into()));
        assert_eq!(place(9..14, policy), (1, 10, "version: STSv1".into(), "STSv1".into()));
        assert_eq!(place(16..20, policy), (2, 1, "mode: enforce".into(), "mode".into()));
        assert_eq!(place(policy.len()..policy.len(), policy), (4, 1, String::new(), String::new()));
        assert_eq!(place(2..4, "\u{fc}\u{fc}x").1, 2);
    }

    #[test]
    fn what_is_missing_is_marked_just_behind_the_end() {
        let place = Place::of(&(7..7), b"v=STSv1", 60);
        assert_eq!((place.column, place.excerpt.as_str(), place.mark), (8, "v=STSv1", 7..8));
    }

    #[test]
    fn a_range_beyond_the_line_or_the_text_is_cut() {
        assert_eq!(place(2..9, "ab\ncd"), (1, 3, "ab".into(), String::new()));
        assert_eq!(place(0..5, "ab\ncd"), (1, 1, "ab".into(), "ab".into()));
        assert_eq!(place(90..99, "ab"), (1, 3, "ab".into(), String::new()));
    }

    #[test]
    fn long_lines_are_cut_around_what_is_meant() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let (line, column, excerpt, marked) = place(500..501, &text);
        assert_eq!((line, column, marked.as_str(), excerpt.len()), (1, 501, "X", 60));
        assert!(excerpt.starts_with("...aaa") && excerpt.ends_with("bbb..."), "{excerpt}");
    }

    proptest! {
        #[test]
        fn any_octets_give_a_narrow_harmless_excerpt(text in proptest::collection::vec(any::<u8>(), 0..300), start in 0_usize..320, length in 0_usize..320, width in 0_usize..100) {
            let place = Place::of(&(start..start + length), &text, width);
            prop_assert!(place.line >= 1 && place.column >= 1);
            prop_assert!(place.excerpt.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert!(place.excerpt.len() <= width, "{:?}", place);
            prop_assert!(place.mark.start <= place.excerpt.len() && place.mark.end <= place.excerpt.len() + 1);
        }
    }
}
