//! What the pipeline gives to `explain`: the answer, and everything that it rests on. Pure.

use super::{Heard, Report};
use crate::cache::Policies;
use crate::time::UnixTime;
use crate::verdict::{DaneFindings, MxFindings, PolicyFindings};

/// The answer, and what it rests on.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The answer that a delivery gets that asks now.
    pub report: Report,
    /// What was found about the mail hosts and of each mechanism, and what was heard on the way there.
    pub grounds: Grounds,
    /// The answer that a delivery gets without asking anybody, if memory gives one.
    pub remembered: Option<Remembered>,
    /// The policies that the delivery would keep, or kept: those that memory holds now and did not hold so before.
    pub kept: Policies,
}

/// Everything that an answer rests on.
#[derive(Clone, Debug)]
pub struct Grounds {
    /// Where the mail goes.
    pub mx: MxFindings,
    /// What DANE asks of it there.
    pub dane: DaneFindings,
    /// How the policy of RFC 8461 stands, whether it can decide or not.
    pub mta_sts: PolicyFindings,
    /// How the policy of the draft stands, whether it can decide or not.
    pub smtp_sts: PolicyFindings,
    /// What was heard about the MX hosts.
    pub of_exchangers: Heard,
    /// What was heard about the policy of RFC 8461.
    pub of_mta_sts: Heard,
    /// What was heard about the policy of the draft.
    pub of_smtp_sts: Heard,
    /// What was heard afterwards: of aliases, and when a newer policy was looked for before the one in force forbids.
    pub of_second_look: Heard,
}

/// The answer of memory alone.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// What a delivery is told that nobody is asked for.
    pub report: Report,
    /// The first moment at which somebody has to be asked again.
    pub until: UnixTime,
}
