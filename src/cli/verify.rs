//! `verify`, the default command: one question about a delivery.

use super::args::VerifyArguments;
use super::config::{BadConfiguration, Choices, Format};
use super::exit::ExitStatus;
use super::{output, outside, privileges};
use crate::cache::{Anchors, Authorities, Cache, CachePath, Circumstances};
use crate::dns::session::Resolver;
use crate::https::{HttpsFetcher, HttpsSettings};
use crate::limits::MAX_HOSTS;
use crate::name::{Destination, MxHost};
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::render::human::Detail;
use crate::text::Escaped;
use crate::time::{Clock as _, SystemClock};
use crate::verdict::{Handshake, OnUnreachable, Verdict};
use crate::verify::{self, Report, Request};
use std::sync::Arc;
use std::time::Instant;

/// Runs the command.
pub fn run(arguments: &VerifyArguments) -> ExitStatus {
    let started = Instant::now();
    let asker = if arguments.hosts.is_empty() { Asker::Router } else { Asker::Host };
    let detail = if arguments.verbose { Detail::Full } else { Detail::Brief };
    let (format, report) = match arguments.choices.clone().with_file(&arguments.config) {
        Ok(choices) => (choices.format(), answer(arguments, &choices, asker, started)),
        Err(error) => (arguments.choices.format(), Err(misconfigured(&error))),
    };
    output::report(&report.unwrap_or_else(|report| report), format, asker, detail)
}

fn misconfigured(error: &BadConfiguration) -> Report {
    Report::without_inquiry(Verdict::Defer, Reason::Configuration, error.to_string())
}

/// The answer; the error is one, too: that of a question that could not be asked.
fn answer(
    arguments: &VerifyArguments,
    choices: &Choices,
    asker: Asker,
    started: Instant,
) -> Result<Report, Report> {
    let request = request(arguments, choices)?;
    if arguments.verbose && choices.format() != Format::Exim {
        super::log::start();
    }
    let path = CachePath::parse(choices.cache_file()).map_err(|bad| {
        let file = Escaped(&choices.cache_file().to_string_lossy()).to_string();
        misconfigured(&BadConfiguration(format!("the cache file '{file}' {bad}")))
    })?;
    privileges::give_up(&path)
        .map_err(|error| Report::without_inquiry(Verdict::Defer, Reason::Internal, error.to_string()))?;
    let now = SystemClock.now();
    let anchors = outside::trust_anchors(choices).map_err(|error| misconfigured(&error))?;
    let roots = outside::roots(choices);
    let settings = HttpsSettings {
        allow_private_addresses: choices.allow_private_addresses.unwrap_or(false),
        port: choices.https_port.map_or(443, std::num::NonZeroU16::get),
        roots: roots.clone(),
        ..HttpsSettings::default()
    };
    let circumstances = Circumstances {
        anchors: match &choices.trust_anchor {
            None => Anchors::BuiltIn,
            Some(_) => Anchors::Given(anchors.fingerprint_input().lines().map(str::to_owned).collect()),
        },
        authorities: match &choices.ca_file {
            None => Authorities::System,
            Some(_) => Authorities::Given(
                roots
                    .identity()
                    .map_err(|error| misconfigured(&BadConfiguration(error.to_string())))?
                    .into_bytes(),
            ),
        },
        https_port: settings.port,
        allow_private_addresses: settings.allow_private_addresses,
        name_servers: choices.dns.iter().map(|server| server.0).collect(),
    };
    let cache = Cache::new(path, &circumstances, choices.max_domains(), now);
    match verify::from_memory(&request, Some(&cache), now) {
        Some(report) => Ok(report),
        None => {
            let servers = outside::name_servers(choices).map_err(|error| misconfigured(&error))?;
            let runtime = outside::runtime().map_err(|error| {
                Report::without_inquiry(Verdict::Defer, Reason::Internal, error.to_string())
            })?;
            super::watchdog::start(started + choices.deadline(), choices.format(), asker);
            Ok(runtime.block_on(async {
                let deadline = tokio::time::Instant::from_std(started + choices.deadline());
                let resolver = Resolver::new(&servers, Arc::new(anchors), now, deadline);
                let fetcher = HttpsFetcher::new(&resolver, settings, started + choices.deadline());
                verify::verify(&request, Some(&cache), &resolver, &fetcher, now).await
            }))
        }
    }
}

/// What is asked; whatever is no question is answered before a packet is sent.
fn request(arguments: &VerifyArguments, choices: &Choices) -> Result<Request, Report> {
    let wrong = |reason, why| Report::without_inquiry(Verdict::Defer, reason, why);
    if arguments.hosts.len() > MAX_HOSTS {
        return Err(wrong(
            Reason::Usage,
            format!("{} hosts are more than {MAX_HOSTS}", arguments.hosts.len()),
        ));
    }
    let Some(domain) = &arguments.domain else {
        return Err(wrong(Reason::Usage, "a domain is needed: -d DOMAIN".to_owned()));
    };
    let domain = match Destination::parse(domain) {
        Ok(Destination::Domain(domain)) => domain,
        Ok(Destination::AddressLiteral) => {
            let why = "an address literal has no policy domain".to_owned();
            return Err(Report::without_inquiry(Verdict::Deliver, Reason::AddressLiteral, why));
        }
        Err(bad) => return Err(wrong(Reason::BadDomain, format!("the domain {bad}"))),
    };
    let mut hosts: Vec<MxHost> = Vec::new();
    for argument in &arguments.hosts {
        let host =
            MxHost::parse(argument).map_err(|bad| wrong(Reason::BadHost, format!("the host {bad}")))?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(Request {
        domain,
        hosts,
        handshake: choices.tls_verified.map_or(Handshake::NotSeen, Handshake::from),
        require_authentication: choices.require_authentication.unwrap_or(false),
        on_unreachable: choices.on_unreachable.map_or(OnUnreachable::default(), OnUnreachable::from),
    })
}
