//! `match`.

use crate::screen::typed;

#[test]
fn a_match_is_a_sentence_and_no_match_one_with_its_reason() {
    typed("match *.example.org mx.example.org").shows("match-permitted");
    typed("match *.example.org a.mx.example.org").shows("match-not-permitted");
    typed("match * mx.example.org").shows("match-no-pattern");
    typed("match mx.example.org").shows("match-word-missing");
}
