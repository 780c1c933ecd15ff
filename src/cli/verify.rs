//! `verify`, the default command: one question about a delivery.

use super::args::VerifyArguments;
use super::exit::ExitStatus;
use super::{log, output, rules, runtime, watchdog};
use crate::cache::{Cache, DomainSnapshot, Ledger, WithheldAnswer, WithheldAnswers};
use crate::config::{Access, Asked, BadConfiguration, Choices, Format, LogFormat, Rules, Setup, Storage};
use crate::https::HttpsFetcher;
use crate::journal::Journal;
use crate::limits::MAX_HOSTS;
use crate::name::{MxHost, PolicyDomain};
use crate::reason::Reason;
use crate::render::exim::Asker;
use crate::render::human::Detail;
use crate::serve::look_up::own_eyes;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::verdict::{Judgement, Verdict};
use crate::verify::{self, NoEvaluation, Report, Request, asked};
use std::mem::ManuallyDrop;
use std::time::Instant;
use tracing::warn;

/// Runs the command.
pub(super) fn run(arguments: &VerifyArguments) -> ExitStatus {
    let started = Instant::now();
    let asker = if arguments.hosts.is_empty() { Asker::Router } else { Asker::Host };
    let detail = if arguments.verbose { Detail::Full } else { Detail::Brief };
    let mut withheld_log = None;
    // Files may hang as well as networks, and the configuration is the first of them.
    let latest = started + arguments.choices.latest_deadline();
    let watchdog = watchdog::start(latest, arguments.choices.format(), asker);
    let (format, report) = match arguments.choices.clone().with_file(&arguments.config) {
        Ok(choices) => {
            let deadline = started + choices.deadline();
            watchdog.wait_for(deadline, choices.format());
            (choices.format(), answer(arguments, &choices, started, deadline, &mut withheld_log))
        }
        Err(error) => (arguments.choices.format(), Err(error.into())),
    };
    let report = report.unwrap_or_else(Report::from);
    let status = output::report(&report, format, asker, detail);
    // Exim has its answer; what is not written down costs a line of the history.
    if let Some(withheld_log) = withheld_log.filter(|_| format == Format::Exim) {
        withheld_log.keep(&report);
    }
    status
}

/// Where answers that withhold mail are written down, for `cache history`.
struct WithheldLog {
    storage: Storage,
    domain: PolicyDomain,
    /// The one host that was asked about.
    host: Option<MxHost>,
    /// Whether a policy of the domain is stored.
    is_known: bool,
}

impl WithheldLog {
    fn keep(self, report: &Report) {
        let Judgement { verdict, reason, .. } = report.judgement;
        if verdict == Verdict::Deliver {
            return;
        }
        let now = SystemClock.now();
        let Self { storage, domain, host, is_known } = self;
        let asker = "exim".to_owned();
        let answer = WithheldAnswer { domain, host, asker, verdict, reason, first: now, last: now, times: 1 };
        let file = WithheldAnswers::beside(&storage.path, storage.max_domains, now);
        if let Err(trouble) = file.add(&[(answer, is_known)]) {
            let why = trouble.to_string();
            warn!(why, "an answer that withheld mail is not written down; cache history will lack it");
        }
    }
}

/// The answer, if there is something to ask and whom to ask.
fn answer(
    arguments: &VerifyArguments,
    choices: &Choices,
    started: Instant,
    deadline: Instant,
    withheld_log: &mut Option<WithheldLog>,
) -> Result<Report, NoEvaluation> {
    if let Some(format) = log_format(arguments, choices) {
        log::start(format);
    }
    let now = SystemClock.now();
    let (mut opened, mut unread) = (None, Rules::default());
    let rules = || {
        // A fleet's operator may have decreed something, which stands beside the cache.
        if choices.fleet.is_none() {
            return Ok(choices.rules());
        }
        let (setup, storage, cache) = open(choices, now)?;
        let rules = rules::beside(&setup, &cache, now);
        opened = Some((setup, storage, cache));
        unread = rules.clone();
        Ok::<_, BadConfiguration>(rules)
    };
    let (request, decree) = match asked(arguments, choices, rules, now) {
        Ok(Asked::Ask(request, decree)) => (request, decree),
        Ok(Asked::Ignored(request, decree)) => return Ok(Report::ignored(&request, vec![decree.note(now)])),
        Err(none) => return Ok(Report::unasked(none, choices.mechanisms())),
    };
    let notes: Vec<String> = decree.iter().map(|decree| decree.note(now)).collect();
    if decree.is_some_and(|decree| !decree.is_in_force(now)) {
        warn!(why = notes.concat(), "an override has ended");
    }
    if let Some(why) = unread.withheld(&request.domain, now) {
        return Ok(Report::withheld(&request, why));
    }
    let (setup, storage, cache) = match opened {
        Some(opened) => opened,
        None => open(choices, now)?,
    };
    // The process ends with its answer, and the system closes files in less time than SQLite does.
    let cache = ManuallyDrop::new(cache);
    let snapshot = DomainSnapshot::of(&cache, &request.domain);
    // What one other host of a fleet says binds the daemon's answers alone; what several have signed, these, too.
    let signed = own_eyes::signed_by_several(&request, &snapshot, now);
    let snapshot = if signed.is_empty() { snapshot } else { own_eyes::beside(&snapshot, &signed) };
    let notes = notes.into_iter().chain(own_eyes::notes(&signed)).collect::<Vec<_>>();
    let noted = |report: Report| Report { notes: notes.into_iter().chain(report.notes).collect(), ..report };
    let host = match request.hosts.as_slice() {
        [host] => Some(host.clone()),
        _ => None,
    };
    let is_known = !snapshot.policies.is_empty();
    *withheld_log = Some(WithheldLog { storage, domain: request.domain.clone(), host, is_known });
    let ledger = Ledger::of(&request.domain, &snapshot, now);
    if let Some(report) = verify::from_memory(&request, Some(&ledger), now) {
        return Ok(noted(report));
    }
    let dns = setup.dns()?;
    let runtime = runtime::build().map_err(|error| NoEvaluation::defer(Reason::OutOfResources, error))?;
    Ok(noted(runtime.block_on(async {
        let journal = Journal::since(started);
        let resolver = journal.watch(dns.resolver(now, deadline));
        let fetcher = HttpsFetcher::new(&resolver, setup.https(), deadline).noted_in(&journal);
        let report = verify::verify(&request, Some(&ledger), &resolver, &fetcher, now).await;
        let mut writes = ledger.close();
        writes.retain(|write| own_eyes::is_own(write, &signed));
        let report = match cache.apply(&request.domain, &writes) {
            Ok(()) => report,
            Err(why) => report.unkept(why.to_string()),
        };
        Report { timeline: journal.timeline(), ..report }
    })))
}

/// The set-up, and the cache, beside which nothing is written of what others of a fleet say: that is the daemon's.
fn open(choices: &Choices, now: UnixTime) -> Result<(Setup, Storage, Cache), BadConfiguration> {
    let setup = Setup::open(choices.clone(), Access::Owner)?;
    let storage = setup.storage()?;
    let cache = storage.cache(now).listening();
    Ok((setup, storage, cache))
}

/// The log that is wanted. `-v` puts the same on the page for people, so it needs none there; Exim's line stays alone.
fn log_format(arguments: &VerifyArguments, choices: &Choices) -> Option<LogFormat> {
    match choices.format() {
        Format::Exim => None,
        Format::Human => choices.log.log_format,
        Format::Json => choices.log.log_format.or_else(|| arguments.verbose.then_some(LogFormat::Text)),
    }
}

/// What is asked; whatever is no question is answered before a packet is sent.
fn asked(
    arguments: &VerifyArguments,
    choices: &Choices,
    rules: impl FnOnce() -> Result<Rules, BadConfiguration>,
    now: UnixTime,
) -> Result<Asked, NoEvaluation> {
    if arguments.hosts.len() > MAX_HOSTS {
        return Err(NoEvaluation::defer(
            Reason::Usage,
            format!("{} hosts are more than {MAX_HOSTS}", arguments.hosts.len()),
        ));
    }
    let Some(domain) = &arguments.domain else {
        return Err(NoEvaluation::defer(Reason::Usage, "a domain is needed: -d DOMAIN".to_owned()));
    };
    let (domain, next_hop) = asked::next_hop(domain)?;
    let mut hosts: Vec<MxHost> = Vec::new();
    for argument in &arguments.hosts {
        let host = asked::host(argument)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(match rules()?.request(domain, hosts, choices.conditions.handshake(), now) {
        Asked::Ask(request, decree) => Asked::Ask(Request { next_hop, ..request }, decree),
        ignored @ Asked::Ignored(..) => ignored,
    })
}
