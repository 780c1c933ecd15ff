//! Closed lists of words: enums each of whose variants is one word in every output, in files and in labels. A word never changes its meaning.

/// Declares such an enum, `Variant = "word"`, with the list of all, the word of each, and the way back from a word. One table is all there is, so
/// that nothing can be missing from it.
macro_rules! words {
    ($(#[$of_enum:meta])* $visible:vis enum $name:ident { $($(#[$of_variant:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$of_enum])*
        $visible enum $name {
            $($(#[$of_variant])* $variant,)+
        }

        impl $name {
            /// Every one, in the order of the list.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word, as every output spells it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word again.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.word() == word)
            }
        }
    };
}

/// Declares a list each of whose words has all that there is to say about it in the same table: `Variant: "word", "meaning", "fix", "rule", result type`.
macro_rules! entries {
    ($(#[$of_enum:meta])* $visible:vis enum $name:ident {
        $($variant:ident: $word:literal, $meaning:literal, $fix:literal, $rule:literal, $result_type:expr;)+
    }) => {
        words! {
            $(#[$of_enum])*
            $visible enum $name { $($variant = $word,)+ }
        }

        impl $name {
            /// Everything there is to say about it.
            #[must_use]
            pub const fn explain(self) -> WordEntry {
                match self {
                    $(Self::$variant => WordEntry {
                        word: $word, meaning: $meaning, fix: $fix, rule: $rule, result_type: $result_type,
                    },)+
                }
            }
        }
    };
}

pub(crate) use {entries, words};
