//! The mechanisms that can decide about a delivery, by the words that every output, the cache and reports have for them.

use super::Dialect;
use crate::text::excerpt;
use std::fmt;
use std::str::FromStr;

/// Which mechanism decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyType {
    /// RFC 7672.
    Dane,
    /// RFC 8461.
    MtaSts,
    /// None.
    None,
    /// The administrator's configuration.
    Override,
    /// draft-margolis-smtp-sts-00.
    SmtpSts,
}

impl From<Dialect> for PolicyType {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::MtaSts => Self::MtaSts,
            Dialect::SmtpSts => Self::SmtpSts,
        }
    }
}

impl PolicyType {
    /// Each of them.
    pub const ALL: [Self; 5] = [Self::None, Self::SmtpSts, Self::MtaSts, Self::Dane, Self::Override];

    /// The word, as every output spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dane => "dane",
            Self::MtaSts => "mta-sts",
            Self::None => "none",
            Self::Override => "override",
            Self::SmtpSts => "smtp-sts",
        }
    }

    /// Reads the word again.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.word() == word)
    }
}

/// The mechanisms that are asked for and applied: the administrator's `mechanisms`. One that is left out is as if nobody had
/// thought of it; what is stored of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanisms {
    /// RFC 7672.
    pub dane: bool,
    /// RFC 8461.
    pub mta_sts: bool,
    /// draft-margolis-smtp-sts-00.
    pub smtp_sts: bool,
}

impl Default for Mechanisms {
    /// All of them.
    fn default() -> Self {
        Self { dane: true, mta_sts: true, smtp_sts: true }
    }
}

impl Mechanisms {
    /// Each of them, with whether it is included, in the order in which they stand above each other.
    const fn each(self) -> [(PolicyType, bool); 3] {
        [
            (PolicyType::Dane, self.dane),
            (PolicyType::MtaSts, self.mta_sts),
            (PolicyType::SmtpSts, self.smtp_sts),
        ]
    }

    /// Whether policies of that dialect are asked for and applied.
    #[must_use]
    pub const fn include(self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::MtaSts => self.mta_sts,
            Dialect::SmtpSts => self.smtp_sts,
        }
    }

    /// The words of those that are asked for and applied.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        self.each().into_iter().filter(|(_, included)| *included).map(|(mechanism, _)| mechanism.word())
    }

    /// The words of those that are left out.
    pub fn left_out(self) -> impl Iterator<Item = &'static str> {
        self.each().into_iter().filter(|(_, included)| !included).map(|(mechanism, _)| mechanism.word())
    }

    /// Reads a list of words.
    ///
    /// # Errors
    /// A sentence that names the field: for an empty list, which would ask for nothing, and for a word that is none of them.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        const NONE: Mechanisms = Mechanisms { dane: false, mta_sts: false, smtp_sts: false };
        let mut mechanisms = NONE;
        for word in words {
            let included = match PolicyType::from_word(word) {
                Some(PolicyType::Dane) => &mut mechanisms.dane,
                Some(PolicyType::MtaSts) => &mut mechanisms.mta_sts,
                Some(PolicyType::SmtpSts) => &mut mechanisms.smtp_sts,
                Some(PolicyType::None | PolicyType::Override) | None => {
                    let shown = excerpt(word, 32);
                    return Err(format!("mechanisms: '{shown}' is none of dane, mta-sts and smtp-sts"));
                }
            };
            *included = true;
        }
        if mechanisms == NONE {
            return Err(
                "mechanisms: an empty list would protect no mail; name at least one of dane, mta-sts and \
                        smtp-sts, or leave the key out for all of them"
                    .to_owned(),
            );
        }
        Ok(mechanisms)
    }
}

/// Words with commas between them, as on the command line.
impl FromStr for Mechanisms {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::of(text.split(',').map(str::trim).filter(|word| !word.is_empty()))
    }
}

impl fmt::Display for Mechanisms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let included = self.each().into_iter().filter(|(_, included)| *included);
        f.write_str(&included.map(|(mechanism, _)| mechanism.word()).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_mechanisms_read_back_and_others_are_refused_by_name() {
        for text in [
            "dane",
            "mta-sts",
            "smtp-sts",
            "dane,mta-sts",
            "dane,smtp-sts",
            "mta-sts,smtp-sts",
            "dane,mta-sts,smtp-sts",
        ] {
            assert_eq!(text.parse::<Mechanisms>().unwrap().to_string(), text);
        }
        assert_eq!("smtp-sts, dane,dane".parse::<Mechanisms>().unwrap().to_string(), "dane,smtp-sts");
        assert_eq!("dane,mta-sts,smtp-sts".parse(), Ok(Mechanisms::default()));
        assert_eq!(
            "mta-sts".parse::<Mechanisms>().unwrap().left_out().collect::<Vec<_>>(),
            ["dane", "smtp-sts"]
        );
        assert_eq!(
            "smtp-sts,dane".parse::<Mechanisms>().unwrap().words().collect::<Vec<_>>(),
            ["dane", "smtp-sts"]
        );
        for (text, why) in [
            ("", "an empty list"),
            (",", "an empty list"),
            ("tlsa", "'tlsa' is none of"),
            ("dane,none", "'none' is none of"),
            ("override", "'override' is none of"),
            ("DANE", "'DANE' is none of"),
        ] {
            let error = text.parse::<Mechanisms>().unwrap_err();
            assert!(error.starts_with("mechanisms: ") && error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_dialect_is_included_if_it_was_named() {
        for (text, expected) in
            [("mta-sts", [true, false]), ("smtp-sts", [false, true]), ("dane", [false; 2])]
        {
            let named: Mechanisms = text.parse().unwrap();
            assert_eq!(
                [Dialect::MtaSts, Dialect::SmtpSts].map(|dialect| named.include(dialect)),
                expected,
                "{text}"
            );
        }
    }
}
