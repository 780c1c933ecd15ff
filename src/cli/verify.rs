//! `verify`, the default command: one question about a delivery.

use super::args::VerifyArguments;
use super::config::{Choices, Format};
use super::exit::ExitStatus;
use super::log::{self, LogFormat};
use super::outside::{self, Trusted};
use super::{output, privileges, watchdog};
use crate::cache::{Cache, CachePath};
use crate::dns::session::Resolver;
use crate::https::HttpsFetcher;
use crate::journal::Journal;
use crate::limits::MAX_HOSTS;
use crate::name::MxHost;
use crate::overrides::{Effect, Word};
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::render::human::Detail;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::{Handshake, OnUnreachable};
use crate::verify::{self, NoInquiry, Report, Request, asked};
use std::sync::Arc;
use std::time::Instant;
use tracing::warn;

/// Runs the command.
pub(super) fn run(arguments: &VerifyArguments) -> ExitStatus {
    let started = Instant::now();
    let asker = if arguments.hosts.is_empty() { Asker::Router } else { Asker::Host };
    let detail = if arguments.verbose { Detail::Full } else { Detail::Brief };
    let (format, report) = match arguments.choices.clone().with_file(&arguments.config) {
        Ok(choices) => (choices.format(), answer(arguments, &choices, asker, started)),
        Err(error) => (arguments.choices.format(), Err(misconfigured(error))),
    };
    output::report(&report.unwrap_or_else(Report::from), format, asker, detail)
}

/// The answer, if there is something to ask and whom to ask.
fn answer(
    arguments: &VerifyArguments,
    choices: &Choices,
    asker: Asker,
    started: Instant,
) -> Result<Report, NoInquiry> {
    if let Some(format) = log_format(arguments, choices) {
        log::start(format);
    }
    let mut request = request(arguments, choices)?;
    let now = SystemClock.now();
    let word = choices.overrides.about(&request.domain, now);
    let notes: Vec<String> = word.note().into_iter().collect();
    match word {
        Word::Nothing => {}
        Word::Ended(..) => warn!(why = notes.concat(), "an override has ended"),
        Word::InForce(_, one) => match one.effect {
            Effect::Ignore => return Ok(Report::ignored(&request, notes)),
            Effect::Require(requirement) => request.requirement = Some(requirement),
        },
    }
    let noted = |report: Report| Report { notes: notes.into_iter().chain(report.notes).collect(), ..report };
    let path = CachePath::parse(choices.cache_file())
        .map_err(|why| misconfigured(format!("the cache '{}' {why}", choices.cache_file().display())))?;
    privileges::give_up(&path).map_err(misconfigured)?;
    let trusted = Trusted::read(choices).map_err(misconfigured)?;
    let cache = Cache::new(path, &trusted.circumstances(choices), choices.max_domains(), now);
    if let Some(report) = verify::from_memory(&request, Some(&cache), now) {
        return Ok(noted(report));
    }
    let servers = outside::name_servers(choices).map_err(misconfigured)?;
    let anchors = Arc::new(trusted.anchors().map_err(misconfigured)?);
    let runtime = outside::runtime().map_err(|error| NoInquiry::defer(Reason::Internal, error))?;
    let deadline = started + choices.deadline();
    watchdog::start(deadline, choices.format(), asker);
    Ok(noted(runtime.block_on(async {
        let journal = Journal::since(started);
        let resolver = journal.watch(Resolver::new(&servers, anchors, now, deadline.into()));
        let settings = outside::https_settings(choices);
        let fetcher = HttpsFetcher::new(&resolver, settings, deadline).noted_in(&journal);
        let report = verify::verify(&request, Some(&cache), &resolver, &fetcher, now).await;
        Report { timeline: journal.timeline(), ..report }
    })))
}

/// The log that is wanted. `-v` puts the same on the page for people, so it needs none there; Exim's line stays alone.
fn log_format(arguments: &VerifyArguments, choices: &Choices) -> Option<LogFormat> {
    match choices.format() {
        Format::Exim => None,
        Format::Human => choices.log_format,
        Format::Json => choices.log_format.or_else(|| arguments.verbose.then_some(LogFormat::Text)),
    }
}

fn misconfigured(why: impl ToString) -> NoInquiry {
    NoInquiry::defer(Reason::Configuration, why)
}

/// What is asked; whatever is no question is answered before a packet is sent.
fn request(arguments: &VerifyArguments, choices: &Choices) -> Result<Request, NoInquiry> {
    if arguments.hosts.len() > MAX_HOSTS {
        return Err(NoInquiry::defer(
            Reason::Usage,
            format!("{} hosts are more than {MAX_HOSTS}", arguments.hosts.len()),
        ));
    }
    let Some(domain) = &arguments.domain else {
        return Err(NoInquiry::defer(Reason::Usage, "a domain is needed: -d DOMAIN".to_owned()));
    };
    let domain = asked::domain(domain)?;
    let mut hosts: Vec<MxHost> = Vec::new();
    for argument in &arguments.hosts {
        let host = asked::host(argument)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(Request {
        domain,
        hosts,
        handshake: choices.tls_verified.map_or(Handshake::NotSeen, Handshake::from),
        require_authentication: choices.require_authentication.unwrap_or(false),
        on_unreachable: choices.on_unreachable.map_or_else(OnUnreachable::default, OnUnreachable::from),
        requirement: None,
    })
}
