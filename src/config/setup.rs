//! From the administrator's choices to what they name: the cache, whom to ask, what to trust.

use super::file::unreadable;
use super::{BadConfiguration, Choices, privileges};
use crate::cache::{Anchors, Authorities, Cache, CachePath, Circumstances};
use crate::dns::anchor::TrustAnchors;
use crate::dns::resolv_conf::{self, RESOLV_CONF};
use crate::dns::session::Resolver;
use crate::files;
use crate::https::{HttpsSettings, Roots};
use crate::limits::MAX_ANCHOR_FILE_OCTETS;
use crate::time::UnixTime;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// As whom the set-up is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// As the owner of the cache's directory, if the program was started as root: its rights are given up for good.
    Owner,
    /// As whoever started the program.
    Starter,
}

/// What the choices come down to. Files are read when something is asked for that stands in them.
#[derive(Debug)]
pub struct Setup {
    choices: Choices,
    trusted: OnceLock<Trusted>,
}

/// Where policies are remembered, and under what they are learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The files.
    pub path: CachePath,
    /// What a policy must have been learnt under to count.
    pub circumstances: Circumstances,
    /// Domains in each file.
    pub max_domains: u64,
    /// Whether a fleet shares what is learnt.
    pub is_shared: bool,
}

/// Who is asked, and where every chain of trust begins.
#[derive(Clone, Debug)]
pub struct Dns {
    /// The name servers, in order.
    pub servers: Vec<SocketAddr>,
    /// The trust anchors.
    pub anchors: Arc<TrustAnchors>,
}

/// What the administrator gave to trust instead of the built-in root keys and the system's authorities. Only files
/// that were named are read.
#[derive(Debug)]
struct Trusted {
    anchors: Option<TrustAnchors>,
    authorities: Authorities,
}

impl Setup {
    /// Becomes whoever is to open the files; nothing is read yet.
    ///
    /// # Errors
    /// [`BadConfiguration`] if the owner is to be found and the cache has no usable place, or if root's rights could not be
    /// given up.
    pub fn open(choices: Choices, access: Access) -> Result<Self, BadConfiguration> {
        let setup = Self { choices, trusted: OnceLock::new() };
        match access {
            Access::Owner => privileges::give_up(&setup.path()?).map_err(BadConfiguration::of)?,
            Access::Starter => {}
        }
        Ok(setup)
    }

    /// The choices.
    #[must_use]
    pub const fn choices(&self) -> &Choices {
        &self.choices
    }

    /// The place of the cache.
    ///
    /// # Errors
    /// [`BadConfiguration`] if no cache can be there.
    pub fn path(&self) -> Result<CachePath, BadConfiguration> {
        let file = self.choices.cache_file();
        CachePath::parse(file)
            .map_err(|why| BadConfiguration(format!("the cache '{}' {why}", file.display())))
    }

    /// Where policies are remembered. The files that were named to be trusted are read for it.
    ///
    /// # Errors
    /// [`BadConfiguration`] if the cache has no usable place, or one of those files cannot be read, or holds something else:
    /// nothing could be proven then.
    pub fn storage(&self) -> Result<Storage, BadConfiguration> {
        let path = self.path()?;
        let Trusted { anchors, authorities } = self.trusted()?;
        let lines = |anchors: &TrustAnchors| anchors.fingerprint_input().lines().map(str::to_owned).collect();
        let HttpsSettings { port, allow_private_addresses, .. } = self.https();
        let circumstances = Circumstances {
            anchors: anchors.as_ref().map_or(Anchors::BuiltIn, |anchors| Anchors::Given(lines(anchors))),
            authorities: authorities.clone(),
            https_port: port,
            allow_private_addresses,
            insecure_zones: self.choices.insecure_zones().iter().map(ToString::to_string).collect(),
            mechanisms: self.choices.mechanisms(),
            name_servers: self.choices.shared.resolver.dns.iter().map(|server| server.0).collect(),
        };
        let (max_domains, is_shared) = (self.choices.max_domains(), self.choices.fleet.is_some());
        Ok(Storage { path, circumstances, max_domains, is_shared })
    }

    /// Whom to ask.
    ///
    /// # Errors
    /// [`BadConfiguration`], see [`Setup::servers`] and [`Setup::anchors`].
    pub fn dns(&self) -> Result<Dns, BadConfiguration> {
        Ok(Dns { servers: self.servers()?, anchors: Arc::new(self.anchors()?) })
    }

    /// The name servers, in the order in which they are asked.
    ///
    /// # Errors
    /// [`BadConfiguration`] if the system's own list cannot be used.
    pub fn servers(&self) -> Result<Vec<SocketAddr>, BadConfiguration> {
        if self.choices.shared.resolver.dns.is_empty() {
            return resolv_conf::read(Path::new(RESOLV_CONF)).map_err(BadConfiguration::of);
        }
        Ok(self.choices.shared.resolver.dns.iter().map(|server| server.0).collect())
    }

    /// Where every chain of trust begins.
    ///
    /// # Errors
    /// [`BadConfiguration`] as [`Setup::storage`]; none for the built-in keys but in a wrong build.
    pub fn anchors(&self) -> Result<TrustAnchors, BadConfiguration> {
        match &self.trusted()?.anchors {
            Some(anchors) => Ok(anchors.clone()),
            None => TrustAnchors::iana().map_err(BadConfiguration::of),
        }
        .map(|anchors| anchors.except(self.choices.insecure_zones()))
    }

    /// How policies are fetched.
    #[must_use]
    pub fn https(&self) -> HttpsSettings {
        HttpsSettings {
            allow_private_addresses: self.choices.shared.allow_private_addresses.unwrap_or(false),
            port: self.choices.shared.https_port.map_or(443, std::num::NonZeroU16::get),
            roots: self.roots(),
            ..HttpsSettings::default()
        }
    }

    /// Who vouches for policy hosts.
    fn roots(&self) -> Roots {
        self.choices.shared.ca_file.clone().map_or(Roots::System, Roots::File)
    }

    /// What was named to be trusted, read once.
    fn trusted(&self) -> Result<&Trusted, BadConfiguration> {
        if let Some(trusted) = self.trusted.get() {
            return Ok(trusted);
        }
        let authorities = match self.roots() {
            Roots::System => Authorities::System,
            given @ Roots::File(_) => {
                Authorities::Given(given.identity().map_err(BadConfiguration::of)?.into_bytes())
            }
        };
        let anchors = self.choices.shared.resolver.trust_anchor.as_deref().map(read_anchors).transpose()?;
        Ok(self.trusted.get_or_init(|| Trusted { anchors, authorities }))
    }
}

impl Storage {
    /// The cache, to be read and written at that moment; nothing of it is touched yet.
    #[must_use]
    pub fn cache(&self, now: UnixTime) -> Cache {
        let cache = Cache::new(self.path.clone(), &self.circumstances, self.max_domains, now);
        if self.is_shared { cache.shared() } else { cache }
    }
}

impl Dns {
    /// A resolver for one run that began `now` and ends at the deadline.
    #[must_use]
    pub fn resolver(&self, now: UnixTime, deadline: Instant) -> Resolver {
        Resolver::new(&self.servers, Arc::clone(&self.anchors), now, deadline.into())
    }
}

fn read_anchors(path: &Path) -> Result<TrustAnchors, BadConfiguration> {
    let bad = |why: String| {
        BadConfiguration(format!(
            "the trust anchor {}: {why}; without trust_anchor the root's keys are used, which are built in",
            path.display()
        ))
    };
    let too_long = || io::Error::other(format!("it has more than {MAX_ANCHOR_FILE_OCTETS} octets"));
    let text = files::read(path, MAX_ANCHOR_FILE_OCTETS)
        .and_then(|octets| octets.ok_or_else(too_long))
        .and_then(|octets| io::read_to_string(octets.as_slice()))
        .map_err(|error| bad(unreadable(path, &error)))?;
    TrustAnchors::parse(&text).map_err(|error| bad(error.to_string()))
}
