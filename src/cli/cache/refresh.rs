//! `cache refresh [DOMAIN]`: what is in force is fetched again, by a person's hand or each night.
//!
//! Each domain has a resolver, a budget and a deadline of its own, as a delivery has: none can starve another one.

use super::sink::Sink;
use super::{CommandError, open, read_domain};
use crate::cache::{Cache, CacheError, weakenings};
use crate::cli::args::RefreshArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::cli::progress::Progress;
use crate::cli::{runtime, terminal};
use crate::config::{Dns, Setup, Storage};
use crate::https::HttpsFetcher;
use crate::limits::MAX_REFRESH_AT_ONCE;
use crate::name::PolicyDomain;
use crate::policy::StoredPolicy;
use crate::render::page::{Page, Paint, Tone};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verify::refresh::{Backoff, Outcome, refresh};
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::time::Instant;

/// Runs the command.
pub(super) fn run(arguments: &RefreshArguments) -> Result<ExitStatus, CommandError> {
    let domain = arguments.domain.as_deref().map(read_domain).transpose()?;
    let (setup, storage) = open(&arguments.outside)?;
    let round = Round {
        dns: setup.dns()?,
        backoff: if arguments.force { Backoff::Ignored } else { Backoff::Heeded },
        setup,
        storage,
    };
    let overview = round.storage.cache(SystemClock.now()).read_only();
    let (all, domains): (u64, Domains<'_>) = match &domain {
        None => (overview.census()?.here, Box::new(domains(&overview))),
        Some(domain) => (1, Box::new(std::iter::once(Ok(domain.clone())))),
    };
    let mut summary = RefreshSummary {
        format: arguments.format,
        quiet: arguments.quiet,
        is_about_one: domain.is_some(),
        sink: Sink::stdout(),
        paint: terminal::paint(),
        progress: Progress::of(Some(all), "policies", !arguments.quiet && io::stderr().is_terminal()),
        tally: RefreshCounts::default(),
    };
    let runtime = runtime::build()
        .map_err(|error| CommandError::Work(ExitStatus::Internal, format!("no run-time system: {error}")))?;
    let done = runtime.block_on(async {
        let jobs = stream::iter(domains).map(|domain| async { round.visit(&domain?).await });
        let mut done = std::pin::pin!(jobs.buffer_unordered(MAX_REFRESH_AT_ONCE));
        while let Some(visit) = done.next().await {
            summary.take(&visit?)?;
        }
        Ok::<_, CommandError>(())
    });
    summary.progress.clear();
    done?;
    if let (Some(domain), 0) = (&domain, summary.tally.all()) {
        let why =
            format!("no policy of {domain} is stored that has not ended: there is nothing to fetch again");
        return Err(CommandError::Work(ExitStatus::Refuse, why));
    }
    summary.close().map_err(CommandError::Output)
}

type Domains<'a> = Box<dyn Iterator<Item = Result<PolicyDomain, CacheError>> + 'a>;

/// Each domain once; its policies follow each other.
fn domains(cache: &Cache) -> impl Iterator<Item = Result<PolicyDomain, CacheError>> {
    let mut last = None;
    cache.all().filter_map(move |policy| match policy {
        Ok(StoredPolicy { domain, .. }) if last.as_ref() == Some(&domain) => None,
        Ok(StoredPolicy { domain, .. }) => {
            last = Some(domain.clone());
            Some(Ok(domain))
        }
        Err(trouble) => Some(Err(trouble)),
    })
}

/// Whom to ask about every domain.
struct Round {
    setup: Setup,
    storage: Storage,
    dns: Dns,
    backoff: Backoff,
}

/// What became of one domain's policies.
struct Visit {
    /// Rows that were looked at, the ended ones included.
    rows: u64,
    outcomes: Vec<(StoredPolicy, Outcome)>,
}

impl Round {
    async fn visit(&self, domain: &PolicyDomain) -> Result<Visit, CacheError> {
        // The moment of this domain: a long round must not give anything a wrong time.
        let (now, deadline) = (SystemClock.now(), Instant::now() + self.setup.choices().deadline());
        let cache = self.storage.cache(now);
        let stored = cache.stored(domain)?;
        let rows = u64::try_from(stored.iter().count()).unwrap_or(0);
        let resolver = self.dns.resolver(now, deadline);
        let fetcher = HttpsFetcher::new(&resolver, self.setup.https(), deadline);
        let mut outcomes = Vec::new();
        for policy in stored.unexpired(now).iter() {
            let dialect = policy.policy.dialect();
            let outcome = if self.setup.choices().mechanisms().include(dialect) {
                refresh(policy, self.backoff, &cache, &resolver, &fetcher, now).await
            } else {
                Outcome::Stays(format!(
                    "mechanisms leaves {} out: it is neither fetched nor applied",
                    dialect.word()
                ))
            };
            outcomes.push((policy.clone(), outcome));
        }
        Ok(Visit { rows, outcomes })
    }
}

#[derive(Default)]
struct RefreshCounts {
    renewed: u64,
    changed: u64,
    stay: u64,
    failed: u64,
}

impl RefreshCounts {
    const fn all(&self) -> u64 {
        self.renewed.saturating_add(self.changed).saturating_add(self.stay).saturating_add(self.failed)
    }

    const fn count(&mut self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Renewed(_) => &mut self.renewed,
            Outcome::Changed(_) => &mut self.changed,
            Outcome::Stays(_) => &mut self.stay,
            Outcome::Failed(_) => &mut self.failed,
        };
        *counter = counter.saturating_add(1);
    }

    /// Something failed, or of several not one could be fetched.
    const fn status(&self) -> ExitStatus {
        match (self.failed, self.all()) {
            (0, _) => ExitStatus::Deliver,
            (failed, all) if failed == all && all > 1 => ExitStatus::Defer,
            _ => ExitStatus::Refuse,
        }
    }
}

/// What is told of the round.
struct RefreshSummary {
    format: Format,
    quiet: bool,
    is_about_one: bool,
    sink: Sink,
    paint: Paint,
    progress: Progress,
    tally: RefreshCounts,
}

impl RefreshSummary {
    fn take(&mut self, visit: &Visit) -> io::Result<()> {
        for (stored, outcome) in &visit.outcomes {
            self.tally.count(outcome);
            if self.is_told(outcome) {
                let progress = self.progress.clone();
                progress.above(|| self.tell(stored, outcome).and_then(|()| self.sink.flush()))?;
            }
        }
        self.progress.advance(visit.rows);
        Ok(())
    }

    /// A person is not told of each policy that was merely renewed.
    fn is_told(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Failed(_) => true,
            Outcome::Renewed(_) => !self.quiet && (self.is_about_one || self.format == Format::Json),
            Outcome::Changed(_) | Outcome::Stays(_) => !self.quiet,
        }
    }

    /// In JSON: `domain`, `mechanism`, `outcome` (`renewed`, `changed`, `stays`, `failed`), `mode` and `expires_at` as
    /// they are now, `weakened`, `why` (null where nothing has to be said).
    fn tell(&mut self, stored: &StoredPolicy, outcome: &Outcome) -> io::Result<()> {
        let (word, current, why) = match outcome {
            Outcome::Renewed(new) => ("renewed", new, None),
            Outcome::Changed(new) => ("changed", new, None),
            Outcome::Stays(why) => ("stays", stored, Some(why)),
            Outcome::Failed(why) => ("failed", stored, Some(why)),
        };
        let is_weaker = !weakenings(stored, current).is_empty();
        let (mode, until) = (current.policy.mode().word(), current.expires_at);
        let (domain, mechanism) = (stored.domain.as_str(), stored.policy.dialect().word());
        if self.format == Format::Json {
            return self.sink.object(&json!({
                "domain": domain,
                "mechanism": mechanism,
                "outcome": word,
                "mode": mode,
                "expires_at": until.0,
                "weakened": is_weaker,
                "why": why,
            }));
        }
        let modes = match stored.policy.mode().word() {
            before if before == mode => mode.to_owned(),
            before => format!("{before} -> {mode}"),
        };
        let weaker = if is_weaker { ", weaker than before" } else { "" };
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let mut page = Page::new(self.paint);
        let tone = match outcome {
            Outcome::Failed(_) => Tone::Bad,
            _ if is_weaker => Tone::Warning,
            _ => Tone::Plain,
        };
        let told = format!("{domain} {mechanism} {word} (mode {modes}{weaker}, ends at {until}){why}");
        page.hanging(tone, &told);
        self.sink.page(&page.finish())
    }

    fn close(&mut self) -> io::Result<ExitStatus> {
        let RefreshCounts { renewed, changed, stay, failed } = self.tally;
        if !self.quiet || failed > 0 {
            match self.format {
                Format::Json => self.sink.object(
                    &json!({"renewed": renewed, "changed": changed, "stay": stay, "failed": failed}),
                )?,
                Format::Human => self.sink.line(&format!(
                    "{renewed} renewed, {changed} changed, {stay} left as they are, {failed} failed"
                ))?,
            }
        }
        self.sink.flush()?;
        Ok(self.tally.status())
    }
}
