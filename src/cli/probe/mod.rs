//! `probe DOMAIN...`: what the MX hosts of domains show to a sender, and what one who enforces would make of it.

mod desk;

use super::args::OutsideArguments;
use super::exit::ExitStatus;
use super::{output, terminal};
use crate::limits::{MAX_HOSTS, MAX_PROBED_DOMAINS_AT_ONCE, PROBE_DEADLINE};
use crate::name::{Destination, MxHost, PolicyDomain};
use crate::probe::report::{DomainProbe, Reach};
use crate::render::probe::{human, json};
use clap::{Args, ValueEnum};
use desk::Desk;
use futures_util::stream::{self, StreamExt as _};
use std::ffi::{OsStr, OsString};
use std::num::NonZeroU16;

/// What is asked of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArguments {
    /// The domains whose MX hosts are asked
    #[arg(value_name = "DOMAIN", required = true)]
    pub domains: Vec<OsString>,
    /// A host to be asked instead of the domain's own MX hosts; repeatable
    #[arg(long, value_name = "HOST", allow_hyphen_values = true)]
    pub mx: Vec<OsString>,
    /// The port of MX hosts; their TLSA records are those of port 25 all the same
    #[arg(long, value_name = "N", default_value = "25")]
    pub port: NonZeroU16,
    /// Time for one address, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = PROBE_DEADLINE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=60))]
    pub timeout: u64,
    /// The name under which the probe introduces itself
    #[arg(long, value_name = "NAME", default_value = crate::probe::EHLO, value_parser = ehlo)]
    pub ehlo: String,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A page for a person.
    Human,
    /// One JSON object a domain, each on one line.
    Json,
}

/// Why nothing can be shown: the exit status, and a sentence for standard error.
type Failure = (ExitStatus, String);

/// Runs the command.
pub(super) fn run(arguments: &ProbeArguments) -> ExitStatus {
    answer(arguments).unwrap_or_else(|(status, why)| output::complain("probe", &why, status))
}

fn answer(arguments: &ProbeArguments) -> Result<ExitStatus, Failure> {
    let domains: Vec<PolicyDomain> =
        arguments.domains.iter().map(|argument| domain(argument)).collect::<Result<_, _>>()?;
    if domains.len() > MAX_HOSTS {
        return Err(usage(format!("{} domains are more than {MAX_HOSTS}", domains.len())));
    }
    let desk = Desk::open(arguments)?;
    let runtime = super::outside::runtime().map_err(|error| (ExitStatus::Internal, error.to_string()))?;
    let probes: Vec<DomainProbe> = runtime.block_on(
        stream::iter(&domains)
            .map(|domain| desk.visit(domain))
            .buffered(MAX_PROBED_DOMAINS_AT_ONCE)
            .collect(),
    );
    let text = match arguments.format {
        Format::Human => human::page(&probes, terminal::paint()),
        Format::Json => probes.iter().map(json::line).collect(),
    };
    Ok(output::write(&text, status(&probes)))
}

/// What the probes mean for whoever started the program: trouble that was seen counts before what nobody can tell.
fn status(probes: &[DomainProbe]) -> ExitStatus {
    let reaches: Vec<Reach> = probes.iter().map(DomainProbe::reach).collect();
    if reaches.contains(&Reach::Some) {
        ExitStatus::Refuse
    } else if reaches.contains(&Reach::Unknown) {
        ExitStatus::Defer
    } else {
        ExitStatus::Deliver
    }
}

/// Reads a domain.
pub(super) fn domain(argument: &OsStr) -> Result<PolicyDomain, Failure> {
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => {
            Err(usage("an address has neither MX hosts nor a policy; give a domain".to_owned()))
        }
        Err(bad) => Err(usage(format!("the domain {bad}"))),
    }
}

fn hosts(arguments: &[OsString]) -> Result<Vec<MxHost>, Failure> {
    if arguments.len() > MAX_HOSTS {
        return Err(usage(format!("{} hosts are more than {MAX_HOSTS}", arguments.len())));
    }
    let mut hosts = Vec::new();
    for argument in arguments {
        let host = MxHost::parse(argument).map_err(|bad| usage(format!("the host {bad}")))?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

/// A name that a server may be told: nothing in it can end the line.
fn ehlo(text: &str) -> Result<String, String> {
    match MxHost::from_text(text) {
        Ok(host) => Ok(host.to_string()),
        Err(bad) => Err(format!("the name {bad}")),
    }
}

const fn usage(why: String) -> Failure {
    (ExitStatus::Usage, why)
}
