//! From the administrator's choices to whom the program talks to.

use super::config::{BadConfiguration, Choices};
use crate::cache::{Anchors, Authorities, Circumstances};
use crate::dns::anchor::TrustAnchors;
use crate::dns::resolv_conf::{self, RESOLV_CONF};
use crate::https::{HttpsSettings, Roots};
use crate::limits::MAX_ANCHOR_FILE_OCTETS;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// What the administrator gave to trust instead of the built-in root keys and the system's authorities. Only files
/// that were named are read: a warm answer needs nothing else.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    anchors: Option<TrustAnchors>,
    authorities: Authorities,
}

impl Trusted {
    /// Reads the files that were named.
    ///
    /// # Errors
    /// [`BadConfiguration`] if one cannot be read, or holds something else: nothing could be proven then.
    pub(super) fn read(choices: &Choices) -> Result<Self, BadConfiguration> {
        let authorities = match roots(choices) {
            Roots::System => Authorities::System,
            given @ Roots::File(_) => {
                let identity = given.identity().map_err(|error| BadConfiguration(error.to_string()))?;
                Authorities::Given(identity.into_bytes())
            }
        };
        Ok(Self { anchors: choices.trust_anchor.as_deref().map(read_anchors).transpose()?, authorities })
    }

    /// Where every chain of trust begins.
    ///
    /// # Errors
    /// None for the built-in keys but in a wrong build.
    pub(super) fn anchors(self) -> Result<TrustAnchors, BadConfiguration> {
        match self.anchors {
            Some(anchors) => Ok(anchors),
            None => TrustAnchors::iana().map_err(|error| BadConfiguration(error.to_string())),
        }
    }

    /// Under which circumstances this run learns.
    #[must_use]
    pub(super) fn circumstances(&self, choices: &Choices) -> Circumstances {
        let lines = |anchors: &TrustAnchors| anchors.fingerprint_input().lines().map(str::to_owned).collect();
        let HttpsSettings { port, allow_private_addresses, .. } = https_settings(choices);
        Circumstances {
            anchors: self.anchors.as_ref().map_or(Anchors::BuiltIn, |anchors| Anchors::Given(lines(anchors))),
            authorities: self.authorities.clone(),
            https_port: port,
            allow_private_addresses,
            name_servers: choices.dns.iter().map(|server| server.0).collect(),
        }
    }
}

fn read_anchors(path: &Path) -> Result<TrustAnchors, BadConfiguration> {
    let bad = |why: String| BadConfiguration(format!("the trust anchor {}: {why}", path.display()));
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_ANCHOR_FILE_OCTETS + 1).read_to_string(&mut text))
        .and_then(|octets| match u64::try_from(octets) {
            Ok(octets) if octets <= MAX_ANCHOR_FILE_OCTETS => Ok(()),
            _ => Err(io::Error::other(format!("it has more than {MAX_ANCHOR_FILE_OCTETS} octets"))),
        })
        .map_err(|error| bad(error.to_string()))?;
    TrustAnchors::parse(&text).map_err(|error| bad(error.to_string()))
}

/// Who is asked.
///
/// # Errors
/// [`BadConfiguration`] if the system's own list cannot be used.
pub(super) fn name_servers(choices: &Choices) -> Result<Vec<SocketAddr>, BadConfiguration> {
    if choices.dns.is_empty() {
        return resolv_conf::read(Path::new(RESOLV_CONF))
            .map_err(|error| BadConfiguration(error.to_string()));
    }
    Ok(choices.dns.iter().map(|server| server.0).collect())
}

/// How policies are fetched.
#[must_use]
pub(super) fn https_settings(choices: &Choices) -> HttpsSettings {
    HttpsSettings {
        allow_private_addresses: choices.allow_private_addresses.unwrap_or(false),
        port: choices.https_port.map_or(443, std::num::NonZeroU16::get),
        roots: roots(choices),
        ..HttpsSettings::default()
    }
}

/// Who vouches for policy hosts.
fn roots(choices: &Choices) -> Roots {
    choices.ca_file.clone().map_or(Roots::System, Roots::File)
}

/// One thread that waits for everything at once.
///
/// # Errors
/// If the system has no descriptors left.
pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
