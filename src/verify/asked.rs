//! The names in a question, before anything is asked: the same words about them for whoever asks. Pure.

use super::NoEvaluation;
use crate::name::{Destination, MxHost, PolicyDomain};
use crate::reason::Reason;
use crate::verdict::Verdict;
use std::ffi::OsStr;

/// The domain that is asked about.
///
/// # Errors
/// The answer to what is none: an address and what the DNS cannot carry have no policy, and their mail goes as ever; whatever
/// else it is waits.
pub fn domain(argument: &OsStr) -> Result<PolicyDomain, NoEvaluation> {
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => {
            let why = "an address literal has no policy domain".to_owned();
            Err(NoEvaluation { verdict: Verdict::Deliver, reason: Reason::AddressLiteral, why })
        }
        Ok(Destination::Unpublishable(bad)) => {
            let why = format!("the domain {bad}: nobody can have published a policy for it");
            Err(NoEvaluation { verdict: Verdict::Deliver, reason: Reason::NoDnsName, why })
        }
        Err(bad) => Err(NoEvaluation::defer(Reason::BadDomain, format!("the domain {bad}"))),
    }
}

/// A host that is asked about.
///
/// # Errors
/// The answer to what is none.
pub fn host(argument: &OsStr) -> Result<MxHost, NoEvaluation> {
    MxHost::parse(argument).map_err(|bad| NoEvaluation::defer(Reason::BadHost, format!("the host {bad}")))
}
