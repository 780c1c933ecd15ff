//! `lint DOMAIN` and `lint --publish DOMAIN`: what is published is asked for as a verdict asks for it.

use super::{line, status};
use crate::cache::{Cache, Memory as _};
use crate::cli::args::{LintArguments, PolicyMode};
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::lookup::Format;
use crate::cli::{output, runtime};
use crate::config::{Access, Dns, Setup};
use crate::dns::session::Resolver;
use crate::dns::{Question, Resolve as _};
use crate::https::{HttpsFetcher, HttpsSettings};
use crate::limits::{LINT_DEADLINE_DEFAULT, LINT_MAX_AGE_DEFAULT, MAX_ARGUMENT_OCTETS};
use crate::lint::publish::{Publication, Wishes};
use crate::lint::survey::Survey;
use crate::lint::{domain, human, json};
use crate::name::{Destination, MxHost, PolicyDomain};
use crate::policy::{Dialect, Mode, StoredPolicy, tls_rpt};
use crate::probe::{Probe, Settings, Times};
use crate::text::excerpt;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::verdict::{LookupError, MxFindings};
use crate::verify::mx::mx_findings;
use hickory_proto::rr::RecordType;
use std::ffi::OsStr;
use std::future::Future;
use std::time::Instant;

/// Looks and tells.
pub(super) fn answer(arguments: &LintArguments, domain: &OsStr) -> Result<ExitStatus, Failure> {
    let domain = read_domain(domain)?;
    let opened = Opened::open(arguments)?;
    if arguments.publish { publish(arguments, &domain, &opened) } else { look(arguments, &domain, &opened) }
}

fn read_domain(argument: &OsStr) -> Result<PolicyDomain, Failure> {
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => {
            Err(Failure(ExitStatus::Usage, "an address publishes nothing; give a domain".to_owned()))
        }
        Ok(Destination::Unpublishable(bad)) | Err(bad) => {
            Err(Failure(ExitStatus::Usage, format!("the domain {bad} (a file is read with --kind KIND)")))
        }
    }
}

/// The set-up of `lint DOMAIN`, opened.
struct Opened {
    setup: Setup,
    cache: Cache,
    dns: Dns,
    now: UnixTime,
    deadline: Instant,
}

impl Opened {
    fn open(arguments: &LintArguments) -> Result<Self, Failure> {
        let setup = Setup::open(arguments.outside.choices()?, Access::Owner)?;
        let now = SystemClock.now();
        let (cache, dns) = (setup.storage()?.cache(now), setup.dns()?);
        let within =
            setup.choices().shared.time.deadline.map_or(LINT_DEADLINE_DEFAULT, |deadline| deadline.0);
        Ok(Self { setup, cache, dns, now, deadline: Instant::now() + within })
    }

    fn resolver(&self) -> Resolver {
        self.dns.resolver(self.now, self.deadline)
    }

    /// What this machine knows of the domain; the files are only read.
    fn stored(&self, domain: &PolicyDomain) -> Option<StoredPolicy> {
        self.cache.policy(domain, Dialect::MtaSts).ok().flatten()
    }

    fn wait_for<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let runtime = runtime::build().map_err(Failure::internal)?;
        Ok(runtime.block_on(work))
    }
}

fn look(arguments: &LintArguments, domain: &PolicyDomain, opened: &Opened) -> Result<ExitStatus, Failure> {
    let https = opened.setup.https();
    let probe = if arguments.no_connect { None } else { Some(probe(arguments, &https)?) };
    let stored = opened.stored(domain);
    let survey = opened.wait_for(async {
        let resolver = opened.resolver();
        let fetcher = HttpsFetcher::new(&resolver, https, opened.deadline);
        let times = Times { now: opened.now, ends: opened.deadline.into() };
        let probe = probe.as_ref().map(|probe| (probe, times));
        Survey::take(domain, stored, &resolver, &fetcher, probe).await
    })?;
    let Some(survey) = survey else {
        return Err(Failure(
            ExitStatus::Usage,
            format!("nothing can be published below {domain}: the name is too long"),
        ));
    };
    let parts = domain::parts(&survey);
    let text = match arguments.format {
        Format::Human => human::text(&parts),
        Format::Json => line(&json::domain(domain.as_str(), &parts)),
    };
    let status = match status(arguments.strict, &parts) {
        ExitStatus::Deliver if parts.iter().any(|part| part.is_unanswered) => ExitStatus::Defer,
        status => status,
    };
    Ok(output::write(&text, status))
}

fn probe(arguments: &LintArguments, https: &HttpsSettings) -> Result<Probe, Failure> {
    let settings = Settings {
        roots: https.roots.clone(),
        port: arguments.smtp_port.map_or(25, std::num::NonZeroU16::get),
        allow_private_addresses: https.allow_private_addresses,
        ..Settings::default()
    };
    Probe::new(settings).map_err(Failure::misconfigured)
}

fn publish(arguments: &LintArguments, domain: &PolicyDomain, opened: &Opened) -> Result<ExitStatus, Failure> {
    let wishes = Wishes {
        mode: arguments.mode.unwrap_or(PolicyMode::Testing).into(),
        max_age: arguments.max_age.unwrap_or(LINT_MAX_AGE_DEFAULT),
        reports: reports(arguments.rua.as_deref(), domain)?,
    };
    let question = Question::new(&domain.to_dns(), RecordType::MX);
    let answer = opened.wait_for(async { opened.resolver().ask(question).await })?;
    let hosts: Vec<MxHost> = match mx_findings(domain, &answer) {
        MxFindings::Hosts { names, .. } => names,
        MxFindings::Null => {
            return Err(Failure(
                ExitStatus::Refuse,
                format!("{domain} takes no mail (null MX): it needs no policy"),
            ));
        }
        MxFindings::TooMany(number, _) => {
            return Err(Failure(
                ExitStatus::Refuse,
                format!("{domain} has {number} MX records, which is more than are judged"),
            ));
        }
        MxFindings::Unknown(LookupError::Bogus(_, why) | LookupError::Unreachable(_, _, why)) => {
            return Err(Failure(
                ExitStatus::Defer,
                format!("the MX records of {domain} could not be learnt: {why}"),
            ));
        }
    };
    let publication = Publication::new(domain, &hosts, &wishes, opened.now);
    let text = match arguments.format {
        Format::Human => publication.human(),
        Format::Json => line(&publication.json()),
    };
    Ok(output::write(&text, status(arguments.strict, &publication.parts())))
}

/// Where reports are to go: what was asked for, if a record may hold it.
fn reports(wish: Option<&str>, domain: &PolicyDomain) -> Result<String, Failure> {
    let Some(wish) = wish else { return Ok(format!("mailto:tls-reports@{domain}")) };
    let record = format!("v=TLSRPTv1; rua={}", wish.get(..MAX_ARGUMENT_OCTETS).unwrap_or(wish));
    let inspected = tls_rpt::Record::inspect(record.as_bytes());
    match inspected.findings.first() {
        None => Ok(wish.to_owned()),
        Some(finding) => {
            let why = finding.code.explain();
            Err(Failure(
                ExitStatus::Usage,
                format!("'{}' cannot take reports: {} {}", excerpt(wish, 64), why.meaning, why.fix),
            ))
        }
    }
}

impl From<PolicyMode> for Mode {
    fn from(choice: PolicyMode) -> Self {
        match choice {
            PolicyMode::Enforce => Self::Enforce,
            PolicyMode::Testing => Self::Testing,
            PolicyMode::None => Self::None,
        }
    }
}
