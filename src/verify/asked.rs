//! The names in a question, before anything is asked: the same words about them for every caller. Pure.

use super::{NextHop, NoEvaluation, SMTP_PORT};
use crate::limits::MAX_SERVICE_OCTETS;
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

/// What an operator asks about: a domain, or in brackets a host that mail goes to without a look at MX records, with a port
/// behind it if it is another one than 25 (Postfix's `[NAME]:PORT`).
///
/// # Errors
/// The answer to what is neither.
pub fn next_hop(argument: &OsStr) -> Result<(PolicyDomain, NextHop), NoEvaluation> {
    let brackets = argument.to_str().and_then(|text| text.strip_prefix('[')?.split_once(']'));
    let Some((name, behind)) = brackets.filter(|(name, _)| PolicyDomain::parse(name).is_ok()) else {
        return domain(argument).map(|domain| (domain, NextHop::default()));
    };
    let at = match behind.strip_prefix(':') {
        Some(text) => port(text),
        None => behind.is_empty().then_some(Port::Known(SMTP_PORT)),
    };
    match at {
        Some(Port::Known(port)) => Ok((domain(OsStr::new(name))?, NextHop::Host(port))),
        Some(Port::OfService(_)) | None => Err(NoEvaluation::defer(
            Reason::Usage,
            "behind [HOST] stands nothing, or ':' and the number of a port",
        )),
    }
}

/// A port, as it stands behind a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// Its number.
    Known(u16),
    /// That of a service which has another one on each machine, if any.
    OfService(String),
}

/// A number, or a service's name (services(5)); or nothing, for the usual one (`host_port(3)` of Postfix).
#[must_use]
pub fn port(text: &str) -> Option<Port> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) && !text.is_empty() {
        return text.parse().ok().filter(|port| *port != 0).map(Port::Known);
    }
    let is_service = text.len() <= MAX_SERVICE_OCTETS
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_+.".contains(&octet));
    is_service.then(|| match text.to_ascii_lowercase().as_str() {
        "" | "smtp" | "mail" => Port::Known(SMTP_PORT),
        "submission" => Port::Known(587),
        "submissions" | "smtps" | "ssmtp" | "urd" => Port::Known(465),
        _ => Port::OfService(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_name_of_32_octets_and_no_more() {
        let longest = "x".repeat(32);
        assert_eq!(port(&longest), Some(Port::OfService(longest)));
        assert_eq!(port(&"x".repeat(33)), None);
    }
}
