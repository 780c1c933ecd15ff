//! The answer, one file an audience. Every function is pure: a report in, text out.

pub mod exim;
pub mod human;
pub mod json;

use crate::verify::Report;

/// The eight keys that every output has, in their order, each with a word of a closed list.
#[must_use]
pub fn flat(report: &Report) -> [(&'static str, &'static str); 8] {
    let judgement = &report.judgement;
    [
        ("verdict", judgement.verdict.word()),
        ("tls", judgement.tls.word()),
        ("policy", judgement.policy.word()),
        ("mode", judgement.mode.word()),
        ("auth", judgement.authentication.map_or("none", |how| how.word())),
        ("mx", judgement.mx.word()),
        ("cache", report.cache.word()),
        ("reason", judgement.reason.word()),
    ]
}
