//! From what was typed to the question.

use super::{ExplainArguments, Failure};
use crate::cli::config::Choices;
use crate::cli::exit::ExitStatus;
use crate::explain::{self, Decree, Question};
use crate::limits::MAX_HOSTS;
use crate::name::{Destination, MxHost, PolicyDomain};
use crate::overrides::{Effect, Override, Scope, Word};
use crate::time::UnixTime;
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::Request;
use std::ffi::OsStr;

/// What is asked, under what the configuration says about the domain.
pub(super) fn read(
    arguments: &ExplainArguments,
    choices: &Choices,
    now: UnixTime,
) -> Result<Question, Failure> {
    let domain = domain(arguments.domain.as_deref().unwrap_or_default())?;
    if arguments.hosts.len() > MAX_HOSTS {
        return Err(usage(format!("{} hosts are more than {MAX_HOSTS}", arguments.hosts.len())));
    }
    let mut hosts: Vec<MxHost> = Vec::new();
    for argument in &arguments.hosts {
        let host = MxHost::parse(argument).map_err(|bad| usage(format!("the host {bad}")))?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let (decree, requirement) = match choices.overrides.about(&domain, now) {
        Word::Nothing => (None, None),
        Word::Ended(scope, one) => (Some(decree(scope, one)), None),
        Word::InForce(scope, one) => match one.effect {
            Effect::Ignore => (Some(decree(scope, one)), None),
            Effect::Require(requirement) => (Some(decree(scope, one)), Some(requirement)),
        },
    };
    let request = Request {
        domain,
        hosts,
        handshake: choices.tls_verified.map_or(Handshake::NotSeen, Handshake::from),
        require_authentication: choices.require_authentication.unwrap_or(false),
        on_unreachable: choices.on_unreachable.map_or_else(OnUnreachable::default, OnUnreachable::from),
        requirement,
    };
    Ok(Question { request, decree })
}

fn domain(argument: &OsStr) -> Result<PolicyDomain, Failure> {
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => Err(usage(
            "an address has no policy, and its mail is delivered as ever; give a domain".to_owned(),
        )),
        Err(bad) => Err(usage(format!("the domain {bad}"))),
    }
}

fn decree(scope: &Scope, one: &Override) -> Decree {
    let effect = match one.effect {
        Effect::Ignore => explain::Effect::Ignore,
        Effect::Require(requirement) => explain::Effect::Require(requirement),
    };
    Decree { scope: scope.to_string(), effect, ends: one.ends, reason: one.reason.clone() }
}

const fn usage(why: String) -> Failure {
    (ExitStatus::Usage, why)
}
