//! What domains publish about their mail, as types: one file or directory a dialect.
//!
//! These modules turn untrusted text into terms, or into an error that names the field. They decide nothing about
//! a delivery, and never ask anybody.
//!
//! Beside them stands what all others say about policies: [`PolicyType`] names the mechanisms, [`StoredPolicy`] is a policy as it
//! is remembered, [`result`] has the words of TLS reports.

pub mod lint;
mod mechanism;
pub mod mta_sts;
pub mod pattern;
pub mod reason_code;
pub mod result;
pub mod smtp_sts;
mod stored;
pub mod tls_rpt;
pub mod txt;
mod uri;
pub mod url;
mod word_entry;

pub use mechanism::{Mechanisms, PolicyType};
pub use stored::{Authentication, StoredPolicy, life};
pub use word_entry::WordEntry;

use crate::name::MxHost;
use crate::words::words;
use pattern::MxPattern;

words! {
    /// The dialects in which a domain can publish a policy for senders, the one that counts more first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Dialect {
        /// RFC 8461.
        MtaSts = "mta-sts",
        /// draft-margolis-smtp-sts-00.
        SmtpSts = "smtp-sts",
    }
}

/// A policy in one of the dialects, as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A policy file, with the TXT record that announced it.
    MtaSts(mta_sts::Policy),
    /// A TXT record, which is the policy itself.
    SmtpSts(smtp_sts::Record),
}

impl From<mta_sts::Policy> for Policy {
    fn from(policy: mta_sts::Policy) -> Self {
        Self::MtaSts(policy)
    }
}

impl From<smtp_sts::Record> for Policy {
    fn from(record: smtp_sts::Record) -> Self {
        Self::SmtpSts(record)
    }
}

words! {
    /// How the certificate of an MX host is validated under a policy.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Constraint {
        /// By a TLSA record (draft section 3.4, `c=tlsa`).
        Tlsa = "tlsa",
        /// By the certificate authorities of the web (RFC 8461 section 4.2; draft section 3.4, `c=webpki`).
        WebPki = "webpki",
    }
}

impl Policy {
    /// Reads what [`Policy::to_text`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_text(dialect: Dialect, text: &str) -> Option<Self> {
        match dialect {
            Dialect::MtaSts => mta_sts::Policy::parse(text).ok().map(Self::MtaSts),
            Dialect::SmtpSts => smtp_sts::Record::parse(text).ok().map(Self::SmtpSts),
        }
    }

    /// The policy as text: the TXT record, and below it, after a line feed, what an MTA-STS policy file says.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::MtaSts(policy) => policy.to_string(),
            Self::SmtpSts(record) => record.as_str().to_owned(),
        }
    }

    /// Which of the two protocols it belongs to: MTA-STS (RFC 8461), or the draft before it.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::MtaSts(_) => Dialect::MtaSts,
            Self::SmtpSts(_) => Dialect::SmtpSts,
        }
    }

    /// What a sender is to do with a delivery that does not conform.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::MtaSts(policy) => policy.body.mode,
            Self::SmtpSts(record) => record.terms().mode,
        }
    }

    /// The patterns that MX hosts have to match. Without any, the draft's dialect permits every host; an MTA-STS
    /// policy has none only in mode `none`.
    #[must_use]
    pub fn mx(&self) -> &[MxPattern] {
        match self {
            Self::MtaSts(policy) => &policy.body.mx,
            Self::SmtpSts(record) => &record.terms().mx,
        }
    }

    /// Whether the policy permits the host.
    #[must_use]
    pub fn permits(&self, host: &MxHost) -> bool {
        self.mx().is_empty() || self.mx().iter().any(|pattern| pattern.permits(host))
    }

    /// How the certificate of an MX host is validated.
    #[must_use]
    pub const fn constraint(&self) -> Constraint {
        match self {
            Self::MtaSts(_) => Constraint::WebPki,
            Self::SmtpSts(record) => record.terms().constraint,
        }
    }

    /// For how many seconds from its fetch it may be kept, as published and capped by
    /// [`crate::limits::MAX_POLICY_LIFE`]; `None` if the TTL of its record says that.
    #[must_use]
    pub const fn life(&self) -> Option<u64> {
        match self {
            Self::MtaSts(policy) => Some(policy.body.max_age),
            Self::SmtpSts(record) => record.terms().life,
        }
    }
}

/// What a sender is to do with a delivery that does not conform (RFC 8461 section 5; `to` in the draft's dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Refuse it: `enforce`, `to=true`.
    Enforce,
    /// There is no policy.
    None,
    /// Deliver it and report: `testing`, `to=false`.
    Testing,
}

impl Mode {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Testing, Self::Enforce];

    /// The word of RFC 8461 section 3.2.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::None => "none",
            Self::Testing => "testing",
        }
    }

    /// Reads the word again.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8461 section 3.2.
    #[test]
    fn the_three_modes_have_their_words() {
        for (word, mode) in [("enforce", Mode::Enforce), ("testing", Mode::Testing), ("none", Mode::None)] {
            assert_eq!((Mode::from_word(word), mode.word()), (Some(mode), word));
        }
        assert_eq!(Mode::from_word("Enforce"), None);
    }
}
