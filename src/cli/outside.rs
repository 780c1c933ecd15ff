//! From the administrator's choices to whom the program talks to.

use super::config::{BadConfiguration, Choices};
use crate::dns::anchor::TrustAnchors;
use crate::dns::resolv_conf::{self, RESOLV_CONF};
use crate::https::Roots;
use crate::limits::MAX_ANCHOR_FILE_OCTETS;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// Where every chain of trust begins.
///
/// # Errors
/// [`BadConfiguration`] if the file cannot be read, or holds something else than keys: nothing can be proven then.
pub fn trust_anchors(choices: &Choices) -> Result<TrustAnchors, BadConfiguration> {
    let Some(path) = &choices.trust_anchor else {
        return TrustAnchors::iana().map_err(|error| BadConfiguration(error.to_string()));
    };
    let bad = |why: String| BadConfiguration(format!("the trust anchor {}: {why}", path.display()));
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_ANCHOR_FILE_OCTETS).read_to_string(&mut text))
        .map_err(|error| bad(error.to_string()))?;
    TrustAnchors::parse(&text).map_err(|error| bad(error.to_string()))
}

/// Who is asked.
///
/// # Errors
/// [`BadConfiguration`] if the system's own list cannot be used.
pub fn name_servers(choices: &Choices) -> Result<Vec<SocketAddr>, BadConfiguration> {
    if choices.dns.is_empty() {
        return resolv_conf::read(Path::new(RESOLV_CONF))
            .map_err(|error| BadConfiguration(error.to_string()));
    }
    Ok(choices.dns.iter().map(|server| server.0).collect())
}

/// Who vouches for policy hosts.
#[must_use]
pub fn roots(choices: &Choices) -> Roots {
    choices.ca_file.clone().map_or(Roots::System, Roots::File)
}

/// One thread that waits for everything at once.
///
/// # Errors
/// If the system has no descriptors left.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
