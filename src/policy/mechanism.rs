//! The mechanisms that can decide about a delivery, by the words that every output, the cache and reports have for them.

use super::Dialect;

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
