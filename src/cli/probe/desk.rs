//! Whom to ask and what to trust, for however many domains; and the way from one domain to its probe.

use super::{Failure, ProbeArguments, hosts};
use crate::cache::{Cache, CachePath, Dossier};
use crate::cli::config::Choices;
use crate::cli::exit::ExitStatus;
use crate::cli::outside::{self, Trusted};
use crate::cli::privileges;
use crate::dns::anchor::TrustAnchors;
use crate::dns::session::Resolver;
use crate::https::HttpsFetcher;
use crate::limits::{PROBE_DOMAIN_DEADLINE_DEFAULT, PROBE_QUEUE};
use crate::name::{MxHost, PolicyDomain};
use crate::overrides::{Effect, Word};
use crate::policy::{PolicyType, StoredPolicy};
use crate::probe::domain::Decided;
use crate::probe::report::DomainProbe;
use crate::probe::{Probe, Settings, Times};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::{Handshake, OnUnreachable, PolicyFindings};
use crate::verify::explain::explain;
use crate::verify::grounds::Explained;
use crate::verify::{Report, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all domains share. Each has a resolver, a budget and a deadline of its own, as a delivery has; the bound on
/// connections is one for all.
pub(in crate::cli) struct Desk {
    choices: Choices,
    path: CachePath,
    trusted: Trusted,
    servers: Vec<SocketAddr>,
    anchors: Arc<TrustAnchors>,
    probe: Probe,
    hosts: Vec<MxHost>,
    deadline: Duration,
    /// Beyond the deadline, for the turn at an address.
    queue: Duration,
}

impl Desk {
    /// Reads what the arguments and the configuration name, without root's rights.
    pub(in crate::cli) fn open(arguments: &ProbeArguments) -> Result<Self, Failure> {
        let hosts = hosts(&arguments.mx)?;
        let choices = arguments.outside.choices().map_err(misconfigured)?;
        let path = CachePath::parse(choices.cache_file())
            .map_err(|why| misconfigured(format!("the cache '{}' {why}", choices.cache_file().display())))?;
        privileges::give_up(&path).map_err(misconfigured)?;
        let trusted = Trusted::read(&choices).map_err(misconfigured)?;
        let servers = outside::name_servers(&choices).map_err(misconfigured)?;
        let anchors = Arc::new(trusted.clone().anchors().map_err(misconfigured)?);
        let https = outside::https_settings(&choices);
        let settings = Settings {
            roots: https.roots,
            port: arguments.port.get(),
            allow_private_addresses: https.allow_private_addresses,
            patience: Duration::from_secs(arguments.timeout),
            ehlo: arguments.ehlo.clone(),
            ..Settings::default()
        };
        let probe = Probe::new(settings).map_err(misconfigured)?;
        let deadline = choices.deadline.map_or(PROBE_DOMAIN_DEADLINE_DEFAULT, |deadline| deadline.0);
        Ok(Self { choices, path, trusted, servers, anchors, probe, hosts, deadline, queue: Duration::ZERO })
    }

    /// The same for so many domains that they wait for each other where they have the same MX hosts: that does not count
    /// as time which an address took.
    pub(in crate::cli) fn for_many(self) -> Self {
        Self { queue: PROBE_QUEUE, ..self }
    }

    /// Looks at one domain: what a delivery that asks now would be told, and then its MX hosts.
    ///
    /// Policies that are remembered count as they do in a delivery; DNS is asked afresh, and nothing is kept.
    pub(in crate::cli) async fn visit(&self, domain: &PolicyDomain) -> DomainProbe {
        let (now, deadline) = (SystemClock.now(), Instant::now() + self.deadline);
        let times = Times { now, ends: (deadline + self.queue).into() };
        let resolver = Resolver::new(&self.servers, Arc::clone(&self.anchors), now, deadline.into());
        let mut request = Request {
            domain: domain.clone(),
            hosts: self.hosts.clone(),
            handshake: Handshake::NotSeen,
            require_authentication: self.choices.require_authentication.unwrap_or(false),
            on_unreachable: self
                .choices
                .on_unreachable
                .map_or_else(OnUnreachable::default, OnUnreachable::from),
            requirement: None,
        };
        let word = self.choices.overrides.about(domain, now);
        if let Word::InForce(_, one) = word {
            match one.effect {
                Effect::Require(requirement) => request.requirement = Some(requirement),
                Effect::Ignore => {
                    let report = Report::ignored(&request, word.note().into_iter().collect());
                    let decided = Decided { request: &request, report, policy: None };
                    return self.probe.domain(decided, &resolver, times).await;
                }
            }
        }
        let fetcher = HttpsFetcher::new(&resolver, outside::https_settings(&self.choices), deadline);
        let circumstances = self.trusted.circumstances(&self.choices);
        let cache =
            Cache::new(self.path.clone(), &circumstances, self.choices.max_domains(), now).read_only();
        let memory = Dossier::of(&cache, domain).rehearsal(domain, now);
        let explained = explain(&request, &memory, &resolver, &fetcher, now).await;
        let policy = decisive(&explained);
        let decided = Decided { request: &request, report: explained.report, policy };
        self.probe.domain(decided, &resolver, times).await
    }
}

/// The policy that decided.
fn decisive(explained: &Explained) -> Option<StoredPolicy> {
    let findings = match explained.report.judgement.policy {
        PolicyType::MtaSts => &explained.grounds.mta_sts,
        PolicyType::SmtpSts => &explained.grounds.smtp_sts,
        PolicyType::Dane | PolicyType::None | PolicyType::Override => return None,
    };
    match findings {
        PolicyFindings::InForce(policy) | PolicyFindings::NeverApplied(policy) => Some(policy.clone()),
        PolicyFindings::Absent(_) | PolicyFindings::NotAsked | PolicyFindings::Unknown(_) => None,
    }
}

fn misconfigured(why: impl ToString) -> Failure {
    (ExitStatus::Configuration, why.to_string())
}
