//! `probe DOMAIN...`: what the MX hosts of domains show to a sender, and what one who enforces would make of it.

mod batch;
mod list;
mod pace;
mod results;
mod runner;
mod watch;

pub(super) use watch::{is_a_plugin, unknown};

use super::args::OutsideArguments;
use super::exit::ExitStatus;
use super::failure::Failure;
use super::{output, terminal};
use crate::limits::{MAX_HOSTS, MAX_PROBED_DOMAINS_AT_ONCE, MAX_PROBED_TOGETHER, PROBE_DEADLINE};
use crate::monitoring::Outcome;
use crate::name::{Destination, MxHost, PolicyDomain};
use crate::probe::report::{DomainProbe, Reach};
use crate::render::probe::{human, json};
use batch::{Batch, BatchArguments};
use clap::{Args, ValueEnum};
use futures_util::stream::{self, StreamExt as _};
use runner::ProbeRunner;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// What is asked of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArguments {
    /// The domains whose MX hosts are asked
    #[arg(value_name = "DOMAIN", required_unless_present = "batch")]
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
    /// Where the results of --batch go, one a line, or the series of --format prometheus, in a file that is replaced as a
    /// whole [default: -, standard output]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// With --format nagios: so many days before its end, a certificate or policy is a warning
    #[arg(long, value_name = "DAYS", default_value_t = 21)]
    pub warning: u32,
    /// With --format nagios: so many days before its end, it is critical
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub critical: u32,
    /// Many domains.
    #[command(flatten)]
    pub many: BatchArguments,
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
    /// One line with performance data, and the exit codes of a plugin.
    Nagios,
    /// Series for the textfile collector of the node exporter.
    Prometheus,
}

const BATCH_IS_JSON: &str =
    "--batch writes JSON; for nagios and prometheus, name the domains on the command line";

/// Runs the command.
pub(super) fn run(arguments: &ProbeArguments) -> ExitStatus {
    if arguments.format == Format::Nagios {
        return watch::nagios(arguments);
    }
    answer(arguments).unwrap_or_else(|failure| failure.tell("probe"))
}

fn answer(arguments: &ProbeArguments) -> Result<ExitStatus, Failure> {
    let is_for_people_or_programs = matches!(arguments.format, Format::Human | Format::Json);
    if let Some(list) = &arguments.many.batch {
        if !is_for_people_or_programs {
            return Err(Failure::usage(BATCH_IS_JSON.to_owned()));
        }
        return many(arguments, list);
    }
    if arguments.output.is_some() && is_for_people_or_programs {
        return Err(Failure::usage("--output is for --batch and --format prometheus".to_owned()));
    }
    if arguments.format == Format::Prometheus {
        return watch::prometheus(arguments);
    }
    let probes = probes(arguments, |probe| probe)?;
    let text = match arguments.format {
        Format::Json => probes.iter().map(json::line).collect(),
        _ => human::page(&probes, terminal::paint()),
    };
    Ok(output::write(&text, status(&probes)))
}

/// Probes the domains of the command line, in their order, a few of them at once.
fn probes<T>(arguments: &ProbeArguments, told: impl Fn(DomainProbe) -> T) -> Result<Vec<T>, Failure> {
    let domains = domains(arguments)?;
    let runner = ProbeRunner::open(arguments)?;
    let visits = stream::iter(&domains).map(|domain| async { told(runner.probe(domain).await) });
    Ok(runtime()?.block_on(visits.buffered(MAX_PROBED_DOMAINS_AT_ONCE).collect()))
}

/// Works through a list.
fn many(arguments: &ProbeArguments, list: &Path) -> Result<ExitStatus, Failure> {
    let output = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    // The files belong to whoever typed the command; root's rights go after that.
    let batch = Batch::open(&arguments.many, list, output)?;
    let runner = ProbeRunner::open(arguments)?.for_many();
    let ask = |domain: PolicyDomain| {
        let runner = &runner;
        async move {
            let probe = runner.probe(&domain).await;
            batch::DomainResult { outcome: Outcome::of(&probe), probe: json::object(&probe) }
        }
    };
    runtime()?.block_on(batch.run(ask))
}

fn runtime() -> Result<Runtime, Failure> {
    super::runtime::build().map_err(Failure::internal)
}

/// The domains of the command line, each once.
fn domains(arguments: &ProbeArguments) -> Result<Vec<PolicyDomain>, Failure> {
    if arguments.domains.len() > MAX_PROBED_TOGETHER {
        let number = arguments.domains.len();
        return Err(Failure::usage(format!(
            "{number} domains are more than {MAX_PROBED_TOGETHER}; give a list, with --batch"
        )));
    }
    let mut domains = Vec::new();
    for argument in &arguments.domains {
        let domain = domain(argument)?;
        if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    Ok(domains)
}

/// What the probes mean for whoever started the program: trouble that was seen counts before what nobody can tell.
fn status(probes: &[DomainProbe]) -> ExitStatus {
    let reaches: Vec<Reach> = probes.iter().map(DomainProbe::reach).collect();
    if reaches.iter().any(|reach| matches!(reach, Reach::Some | Reach::NoUsableMx)) {
        ExitStatus::Refuse
    } else if reaches.iter().any(|reach| matches!(reach, Reach::Unknown | Reach::CannotBeLookedAt)) {
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
            Err(Failure::usage("an address has neither MX hosts nor a policy; give a domain".to_owned()))
        }
        Ok(Destination::Unpublishable(bad)) | Err(bad) => Err(Failure::usage(format!("the domain {bad}"))),
    }
}

fn hosts(arguments: &[OsString]) -> Result<Vec<MxHost>, Failure> {
    if arguments.len() > MAX_HOSTS {
        return Err(Failure::usage(format!("{} hosts are more than {MAX_HOSTS}", arguments.len())));
    }
    let mut hosts = Vec::new();
    for argument in arguments {
        let host = MxHost::parse(argument).map_err(|bad| Failure::usage(format!("the host {bad}")))?;
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
