//! The answer, one file an audience. Every function is pure: a report in, text out.

pub mod exim;
pub mod human;
pub mod json;
pub mod lookup;
pub mod page;
pub mod probe;
pub mod proof;
pub mod reports;
pub mod socketmap;

use crate::verify::Report;

/// The eight keys that every output has, in their order, each with a word of a closed list; `passed`, if a mechanism was
/// passed over; and `tlsa`, if a host to which the mail may go has TLSA records.
pub fn flat(report: &Report) -> impl Iterator<Item = (&'static str, &'static str)> {
    let judgement = &report.judgement;
    let always = [
        ("verdict", judgement.verdict.word()),
        ("tls", judgement.tls.word()),
        ("policy", judgement.policy.word()),
        ("mode", judgement.mode.word()),
        ("auth", judgement.authentication.map_or("none", |how| how.word())),
        ("mx", judgement.mx.word()),
        ("cache", report.cache.word()),
        ("reason", judgement.reason.word()),
    ];
    let passed = judgement.passed.map(|policy| ("passed", policy.word()));
    always.into_iter().chain(passed).chain(judgement.tlsa.map(|tlsa| ("tlsa", tlsa.word())))
}
