//! What there is to say about one word of a closed list. Pure.

use super::result::ResultType;

/// What there is to say about one word of a closed list: a reason, a finding, what a probe says, a result type. Outputs, `why`, the manual
/// page and the status page all draw on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordEntry {
    /// The word as answers, logs and `why` have it, in lower case with hyphens; it never changes its meaning.
    pub word: &'static str,
    /// What happened, and what it means for the mail.
    pub meaning: &'static str,
    /// What to do about it; empty where nothing is to be done.
    pub fix: &'static str,
    /// Where the rule stands.
    pub rule: &'static str,
    /// The result type of RFC 8460 section 4.3 that a report would carry, where there is one.
    pub result_type: Option<ResultType>,
}
