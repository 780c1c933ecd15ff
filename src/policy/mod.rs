//! What domains publish about their mail, as types: one file a dialect.
//!
//! These modules turn a stranger's text into terms, or into an error that names the field. They decide nothing about
//! a delivery, and never ask anybody.

pub mod pattern;
pub mod smtp_sts;
pub mod url;

/// What a sender is to do with a delivery that does not conform (RFC 8461 section 5; `to` in the draft's dialect).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Refuse it: `enforce`, `to=true`.
    Enforce,
    /// There is no policy.
    None,
    /// Deliver it and report: `testing`, `to=false`.
    Testing,
}

impl Mode {
    /// The word of RFC 8461 section 3.2.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::None => "none",
            Self::Testing => "testing",
        }
    }
}
