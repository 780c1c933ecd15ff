//! Whom to ask and what to trust, as the administrator chose: what a reload exchanges as a whole.

use crate::cache::{Cache, Outbox};
use crate::config::{BadConfiguration, Dns, Fleet, LogLevel, Reporting, Rules, Setup, Storage};
use crate::dns::proven_zones::ProvenZones;
use crate::files;
use crate::https::{HttpsSettings, SharedTls};
use crate::limits::{MAX_REPORTS_NAMED, MAX_SERVICES_OCTETS};
use crate::name::PolicyDomain;
use crate::overrides::Decreed;
use crate::reports::tally::Day;
use crate::serve::protocol::services::Services;
use crate::serve::telemetry::status::Reports;
use crate::time::UnixTime;
#[cfg(feature = "fleet")]
use crate::time::{Clock as _, clock::SystemClock};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Where services(5) lies.
const SERVICES: &str = "/etc/services";

/// Everything that an answer depends on beside the question, the time and the network.
#[derive(Clone, Debug)]
pub struct World {
    /// Where policies are remembered.
    pub storage: Storage,
    /// Who is asked.
    pub dns: Dns,
    /// What look-ups under it have proven of zones, for one another.
    pub zones: ProvenZones,
    /// How policies are fetched.
    pub https: HttpsSettings,
    /// The CA certificates behind that, once they were needed.
    pub tls: SharedTls,
    /// What the administrator says about questions.
    pub rules: Rules,
    /// The services of this machine.
    pub services: Arc<Services>,
    /// An asker waits at most so long.
    pub answer_within: Duration,
    /// A look-up goes on at most so long.
    pub look_up_within: Duration,
    /// Whose answers are told with all that they came from.
    pub debugged: Debugged,
    /// Who sends TLS reports, and for how long their counts are kept.
    pub reporting: Reporting,
    /// The memory that this host shares with others.
    pub fleet: Option<Fleet>,
}

/// Domains whose answers are told with all that they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Debugged {
    /// Every one.
    All,
    /// These.
    Only(Vec<PolicyDomain>),
}

impl Default for Debugged {
    /// None.
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl Debugged {
    /// Whether the domain is one of them.
    #[must_use]
    pub fn has(&self, domain: &PolicyDomain) -> bool {
        match self {
            Self::All => true,
            Self::Only(domains) => domains.contains(domain),
        }
    }
}

impl World {
    /// All that the set-up names is read now, so that nothing of it is missing later.
    ///
    /// # Errors
    /// [`BadConfiguration`] if something of it cannot be used.
    pub fn of(setup: &Setup) -> Result<Self, BadConfiguration> {
        let places = &setup.choices().serve;
        let debugged = match places.log_level {
            Some(LogLevel::Debug) => Debugged::All,
            _ => Debugged::Only(places.debug_domains.iter().map(|domain| domain.0.clone()).collect()),
        };
        let dns = setup.dns()?;
        Ok(Self {
            storage: setup.storage()?,
            zones: ProvenZones::under(Arc::clone(&dns.anchors)),
            dns,
            https: setup.https(),
            tls: SharedTls::default(),
            rules: Rules { decreed: decreed(setup)?, ..setup.choices().rules() },
            services: Arc::new(services(Path::new(SERVICES))),
            answer_within: places.answer_within(),
            look_up_within: setup.choices().deadline(),
            debugged,
            reporting: setup.choices().reporting(),
            fleet: setup.choices().fleet.clone(),
        })
    }

    /// The same after another one: decrees that cannot be read just now are those that were known, of the same cache.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        if self.fleet.is_some() && before.fleet.is_some() && self.storage.path == before.storage.path {
            self.rules.decreed = self.rules.decreed.or_known(&before.rules.decreed);
        }
        self
    }

    /// The TLS reports that leave: those about the day that ended last, and what failed of late.
    #[must_use]
    pub fn reports(&self, now: UnixTime) -> Reports {
        let outbox = Outbox::beside(&self.storage.path, self.storage.max_domains, now).read_only();
        let glance = outbox.glance(Day::of(now).before(1), MAX_REPORTS_NAMED);
        Reports { is_sending: self.reporting.send, glance: glance.map_err(|trouble| trouble.to_string()) }
    }

    /// The cache, for as long as one look at it takes.
    #[must_use]
    pub fn cache(&self, now: UnixTime) -> Cache {
        self.storage.cache(now)
    }
}

/// What the operator of the fleet has decreed and this host has obeyed before.
#[cfg(feature = "fleet")]
fn decreed(setup: &Setup) -> Result<Decreed, BadConfiguration> {
    let Some(fleet) = &setup.choices().fleet else { return Ok(Decreed::default()) };
    let now = SystemClock.now();
    Ok(crate::fleet::decreed(fleet, &setup.storage()?.cache(now).read_only(), now))
}

#[cfg(not(feature = "fleet"))]
fn decreed(_: &Setup) -> Result<Decreed, BadConfiguration> {
    Ok(Decreed::default())
}

/// The services that the file names; none without one. What cannot be read of it is told and missing: a next hop at such a service
/// is answered as one that Postfix does not find either.
fn services(path: &Path) -> Services {
    let mut octets = Vec::new();
    let most = u64::try_from(MAX_SERVICES_OCTETS).unwrap_or(u64::MAX);
    match files::open(path).and_then(|file| file.take(most).read_to_end(&mut octets)) {
        Ok(read) if read < MAX_SERVICES_OCTETS => {}
        Ok(_) => {
            let (path, most) = (path.display().to_string(), MAX_SERVICES_OCTETS);
            warn!(path, most, "the file of services is too long: what is behind so many octets is not read");
            // The last line may have been cut in two.
            octets.truncate(octets.iter().rposition(|octet| *octet == b'\n').unwrap_or(0));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            let (path, why) = (path.display().to_string(), error.to_string());
            warn!(
                path,
                why, "services cannot be read: next hops at a service are known by their usual names alone"
            );
        }
    }
    Services::parse(&String::from_utf8_lossy(&octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_up_to_a_bound_and_a_machine_without_the_file_has_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("services");
        assert_eq!(services(&path), Services::default());
        assert_eq!(services(directory.path()), Services::default());
        std::fs::write(&path, b"our-port 2525/tcp\n\xff\n").unwrap();
        assert_eq!(services(&path).port("our-port"), Some(2525));
        let start = "our-port 2525/tcp\n";
        let cut = "late 2526/tcp";
        // Where as much was read as may be, the last line may be half a one.
        for (octets, late) in [(1_048_575, Some(2526)), (1_048_576, None), (1_048_580, None)] {
            let filler = "#".repeat(octets - start.len() - 1 - cut.len());
            std::fs::write(&path, format!("{start}{filler}\n{cut}")).unwrap();
            let read = services(&path);
            assert_eq!((read.port("our-port"), read.port("late")), (Some(2525), late), "{octets}");
        }
    }
}
