//! Which words somebody may have meant.

/// The words that are nearest to `typed`, the nearest first: those that it is a part of, else those that a few slips of
/// the finger lead to.
#[must_use]
pub fn nearest<'a>(typed: &str, words: impl Iterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> =
        words.filter_map(|word| Some((remoteness(typed, word)?, word))).collect();
    near.sort_unstable();
    near.into_iter().map(|(_, word)| word).take(most).collect()
}

/// How far a word is from what was typed; `None`: too far.
fn remoteness(typed: &str, word: &str) -> Option<usize> {
    // A part of a word, such as a lint code without its family.
    if typed.len() >= 3 && word.contains(typed) {
        return Some(usize::from(!word.ends_with(typed)));
    }
    let slips = distance(typed, word);
    (slips <= typed.chars().count() / 3).then_some(slips.saturating_add(1))
}

/// Characters that have to be put in, left out or replaced (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (line, x) in a.chars().enumerate() {
        let mut above_left = line;
        let mut left = line.saturating_add(1);
        let mut next = vec![left];
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            let replaced = above_left.saturating_add(usize::from(x != y));
            left = replaced.min(left.saturating_add(1)).min(above.saturating_add(1));
            above_left = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_that_of_levenshtein() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("same", "same", 0),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn a_slip_or_a_part_of_a_word_finds_it() {
        let words = [
            "dane-usable",
            "dane-unusable",
            "no-policy",
            "mta-sts.policy.max-age",
            "mta-sts.policy.max-age-short",
        ];
        let near = |typed| nearest(typed, words.into_iter(), 3);
        assert_eq!(near("dane-usabel"), ["dane-usable"]);
        assert_eq!(near("dane-usable-"), ["dane-usable", "dane-unusable"]);
        assert_eq!(near("nopolicy"), ["no-policy"]);
        assert_eq!(near("max-age"), ["mta-sts.policy.max-age", "mta-sts.policy.max-age-short"]);
        assert_eq!(near("xyzzy"), [""; 0]);
        assert_eq!(near(""), [""; 0]);
    }
}
