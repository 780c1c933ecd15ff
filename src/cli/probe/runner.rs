//! Whom to ask and what to trust, for however many domains; and the way from one domain to its probe.

use super::{ProbeArguments, hosts};
use crate::cache::DomainSnapshot;
use crate::cli::failure::Failure;
use crate::cli::rules;
use crate::config::{Access, Asked, Dns, Rules, Setup, Storage};
use crate::https::HttpsFetcher;
use crate::limits::{PROBE_DOMAIN_DEADLINE_DEFAULT, PROBE_QUEUE};
use crate::name::{MxHost, PolicyDomain};
use crate::policy::{PolicyType, StoredPolicy};
use crate::probe::domain::Decided;
use crate::probe::report::DomainProbe;
use crate::probe::{Probe, Settings, Times};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use crate::verdict::{Handshake, PolicyFindings};
use crate::verify::Report;
use crate::verify::explain::explain;
use crate::verify::grounds::Explained;
use std::time::{Duration, Instant};

/// What all domains share. Each has a resolver, a budget and a deadline of its own, as a delivery has; the bound on
/// connections is one for all.
pub(in crate::cli) struct ProbeRunner {
    setup: Setup,
    storage: Storage,
    dns: Dns,
    rules: Rules,
    probe: Probe,
    hosts: Vec<MxHost>,
    deadline: Duration,
    /// Beyond the deadline, for the turn at an address.
    queue: Duration,
}

impl ProbeRunner {
    /// Reads what the arguments and the configuration name, without root's rights.
    pub(in crate::cli) fn open(arguments: &ProbeArguments) -> Result<Self, Failure> {
        let hosts = hosts(&arguments.mx)?;
        let setup = Setup::open(arguments.outside.choices()?, Access::Owner)?;
        let (storage, dns) = (setup.storage()?, setup.dns()?);
        let rules = rules::of(&setup, SystemClock.now())?;
        let https = setup.https();
        let settings = Settings {
            roots: https.roots,
            port: arguments.port.get(),
            allow_private_addresses: https.allow_private_addresses,
            patience: Duration::from_secs(arguments.timeout),
            ehlo: arguments.ehlo.clone(),
            ..Settings::default()
        };
        let probe = Probe::new(settings).map_err(Failure::misconfigured)?;
        let deadline =
            setup.choices().shared.time.deadline.map_or(PROBE_DOMAIN_DEADLINE_DEFAULT, |deadline| deadline.0);
        Ok(Self { setup, storage, dns, rules, probe, hosts, deadline, queue: Duration::ZERO })
    }

    /// The same for so many domains that they wait for each other where they have the same MX hosts: that does not count
    /// as time which an address took.
    pub(in crate::cli) fn for_many(self) -> Self {
        Self { queue: PROBE_QUEUE, ..self }
    }

    /// Looks at one domain: what a delivery would be answered now, and then its MX hosts.
    ///
    /// Policies that are remembered count as they do in a delivery; DNS is asked afresh, and nothing is kept.
    pub(in crate::cli) async fn probe(&self, domain: &PolicyDomain) -> DomainProbe {
        let (now, deadline) = (SystemClock.now(), Instant::now() + self.deadline);
        let times = Times { now, ends: (deadline + self.queue).into() };
        let resolver = self.dns.resolver(now, deadline);
        let hosts = self.hosts.clone();
        let request = match self.rules.request(domain.clone(), hosts, Handshake::NotSeen, now) {
            Asked::Ask(request, _) => request,
            Asked::Ignored(request, decree) => {
                let report = Report::ignored(&request, vec![decree.note(now)]);
                let decided = Decided { request: &request, report, policy: None };
                return self.probe.domain(decided, &resolver, times).await;
            }
        };
        if let Some(why) = self.rules.withheld(domain, now) {
            let report = Report::withheld(&request, why);
            let decided = Decided { request: &request, report, policy: None };
            return self.probe.domain(decided, &resolver, times).await;
        }
        let fetcher = HttpsFetcher::new(&resolver, self.setup.https(), deadline);
        let cache = self.storage.cache(now).read_only();
        let memory = DomainSnapshot::of(&cache, domain).rehearsal(domain, now);
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
        PolicyFindings::Absent(_)
        | PolicyFindings::Lost
        | PolicyFindings::NotAsked
        | PolicyFindings::Unknown(_) => None,
    }
}
