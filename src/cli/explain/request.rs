//! From what was typed to the question.

use super::ExplainArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::config::{Asked, Rules};
use crate::explain::Question;
use crate::limits::MAX_HOSTS;
use crate::name::{Destination, MxHost, PolicyDomain};
use crate::time::UnixTime;
use crate::verdict::Handshake;
use std::ffi::OsStr;

/// What is asked: the domain, and hosts.
pub(super) fn read(arguments: &ExplainArguments) -> Result<(PolicyDomain, Vec<MxHost>), Failure> {
    let domain = domain(arguments.domain.as_deref().unwrap_or_default())?;
    if arguments.hosts.len() > MAX_HOSTS {
        return Err(Failure::usage(format!("{} hosts are more than {MAX_HOSTS}", arguments.hosts.len())));
    }
    let mut hosts: Vec<MxHost> = Vec::new();
    for argument in &arguments.hosts {
        let host = MxHost::parse(argument).map_err(|bad| Failure::usage(format!("the host {bad}")))?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok((domain, hosts))
}

/// The same under what is said about the domain.
///
/// # Errors
/// That nobody can tell what is decreed about it.
pub(super) fn under(
    rules: &Rules,
    (domain, hosts): (PolicyDomain, Vec<MxHost>),
    handshake: Handshake,
    now: UnixTime,
) -> Result<Question, Failure> {
    if let Some(why) = rules.withheld(&domain, now) {
        let why = format!(
            "what the fleet's operator has decreed cannot be read, so all mail to {domain} waits (policy-lost): {why}"
        );
        return Err(Failure(ExitStatus::Defer, why));
    }
    Ok(match rules.request(domain, hosts, handshake, now) {
        Asked::Ask(request, decree) => Question { request, decree },
        Asked::Ignored(request, decree) => Question { request, decree: Some(decree) },
    })
}

fn domain(argument: &OsStr) -> Result<PolicyDomain, Failure> {
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => Err(Failure::usage(
            "an address has no policy, and its mail is delivered as ever; give a domain".to_owned(),
        )),
        Ok(Destination::Unpublishable(bad)) | Err(bad) => Err(Failure::usage(format!("the domain {bad}"))),
    }
}
