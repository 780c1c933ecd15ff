//! The closed list of findings: a file for each family, one table of all of them.
//!
//! A family's rows are a macro that hands them on, behind those that came before, to the next one; the last one is
//! `codes!` below, which makes the enum of all of them at once.

#[macro_use]
mod domain;
#[macro_use]
mod mta_sts_policy;
#[macro_use]
mod mta_sts_server;
#[macro_use]
mod mta_sts_txt;
#[macro_use]
mod smtp_sts_txt;
#[macro_use]
mod tlsa;
#[macro_use]
mod tlsrpt_txt;

use super::Severity;
use crate::policy::WordEntry;

/// Codes whose words begin alike: they are about the same thing that a domain publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// What the words begin with, up to their last dot.
    pub prefix: &'static str,
    /// What they are about.
    pub about: &'static str,
}

impl Family {
    /// Every family, in the order of the words.
    pub const ALL: [Self; 7] = [
        domain::FAMILY,
        mta_sts_policy::FAMILY,
        mta_sts_server::FAMILY,
        mta_sts_txt::FAMILY,
        smtp_sts_txt::FAMILY,
        tlsa::FAMILY,
        tlsrpt_txt::FAMILY,
    ];
}

/// Makes the enum, its list and its explanations from one table, so that none of them can forget a code.
macro_rules! codes {
    (; $($family:ident { $($code:ident: $severity:ident $word:literal, $rule:literal, $meaning:literal, $fix:literal;)* })*) => {
        /// What was noticed. The word never changes its meaning: people and programs search for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "`explain` is the documentation, and every output shows it")]
        pub enum Code { $($($code,)*)* }

        impl Code {
            /// Every code, in the order of the words.
            pub const ALL: &'static [Self] = &[$($(Self::$code,)*)*];

            /// Everything there is to say about it.
            #[must_use]
            pub const fn explain(self) -> WordEntry {
                match self {
                    $($(Self::$code => WordEntry {
                        word: $word, meaning: $meaning, fix: $fix, rule: $rule, result_type: None,
                    },)*)*
                }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $($(Self::$code => Severity::$severity,)*)*
                }
            }

            /// Which part of a domain's set-up it is about, and so under which heading it is told.
            #[must_use]
            pub const fn family(self) -> Family {
                match self {
                    $($(Self::$code)|* => $family::FAMILY,)*
                }
            }
        }
    };
}

impl Code {
    /// The word by which `lint` names it and `why` explains it, such as `domain.null-mx-otherwise`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.explain().word
    }
}

domain! { mta_sts_policy, mta_sts_server, mta_sts_txt, smtp_sts_txt, tlsa, tlsrpt_txt, codes; }
