//! The answer, one file an audience. Every function is pure: a report in, text out.

pub mod exim;
pub mod human;
pub mod json;
pub mod lookup;
pub mod outbox;
pub mod page;
pub mod probe;
pub mod proof;
pub mod received;
pub mod reports;
pub mod socketmap;

use crate::policy::{Authentication, Mode, PolicyType};
use crate::verdict::{MxCheck, Tls, Tlsa, Verdict};
use crate::verify::{CacheUse, Report};

/// What can stand behind a key of the answer, and what it tells.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub key: &'static str,
    /// Its words; none, if it has others than a few.
    pub words: Vec<&'static str>,
    /// What it tells.
    pub about: &'static str,
}

/// Every key of the line for Exim, in its order: those of [`flat`], and the one for routers.
#[must_use]
pub fn keys() -> Vec<Key> {
    let key = |key, words: &[&'static str], about| Key { key, words: words.to_vec(), about };
    let authentication = Authentication::ALL.map(Authentication::word);
    vec![
        key(
            "verdict",
            &Verdict::ALL.map(Verdict::word),
            "What is to be done with the mail; refuse only with -m.",
        ),
        key("tls", &Tls::ALL.map(Tls::word), "The least TLS, weakest first."),
        key("policy", &PolicyType::ALL.map(PolicyType::word), "What decided."),
        key(
            "mode",
            &Mode::ALL.map(Mode::word),
            "The mode of the policy. It informs: whoever enforces follows verdict, tls and mxre.",
        ),
        key("auth", &[authentication.as_slice(), &["none"]].concat(), "How the policy was authenticated."),
        key("mx", &MxCheck::ALL.map(MxCheck::word), "How the hosts stand to the policy."),
        key(
            "cache",
            &CacheUse::ALL.map(CacheUse::word),
            "What memory did. unchanged: a newer policy was looked for, and there is none. unavailable: it cannot be used.",
        ),
        key("reason", &[], "Why: one of the reasons below."),
        key(
            "passed",
            &[PolicyType::SmtpSts, PolicyType::MtaSts].map(PolicyType::word),
            "Only if a mechanism with an authenticated policy was passed over: which.",
        ),
        key(
            "tlsa",
            &Tlsa::ALL.map(Tlsa::word),
            "Only if hosts to which the mail may go have TLSA records, or `mechanisms` leaves dane out. usable: at least one host is \
             held to its own. unusable: none can be, or is to be.",
        ),
        key(
            "mxre",
            &[],
            "Without -m: the hosts that may be used, as a regular expression. `^(.+)$` is all of them, `^(.^)$` none.",
        ),
    ]
}

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
