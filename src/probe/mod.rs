//! What MX hosts show to a sender: SMTP up to the TLS handshake, and nothing after it (RFC 3207). Nothing is mailed.
//!
//! It is for an operator who asks about a domain, never for a delivery: it decides nothing. [`target`] asks the DNS about
//! a host, `session` meets one address of it, `smtp` speaks until STARTTLS, `collector` shakes hands and takes down
//! whatever certificate is shown, after the host has proven to hold its key. What follows for mail is
//! [`consequence`]: the ruling of [`crate::verdict`], applied to what was seen.
//!
//! Addresses, waiting and octets have their bounds as in [`crate::https`]: each address its own time, all of them
//! together theirs, and no more connections at once than the settings say, of which only a few go to one address (`address_limiter`).

mod address_limiter;
mod allowance;
mod anchored;
mod collector;
pub mod consequence;
pub mod domain;
pub mod failure;
mod handshake;
mod path;
pub mod report;
mod session;
mod smtp;
pub mod target;
pub mod words;

use crate::https::{BadRoots, Roots};
use crate::limits::{MAX_PROBES_AT_ONCE, PROBE_DEADLINE};
use crate::time::UnixTime;
use address_limiter::AddressLimiter;
use collector::Collector;
use failure::{FailureKind, SessionFailure, Stage};
use futures_util::future::join_all;
use report::Sighting;
use session::Session;
use std::net::SocketAddr;
use std::time::Duration;
use target::Target;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// The name under which the probe introduces itself: one that nobody can have (RFC 2606 section 2), so that it claims to
/// be nobody.
pub const EHLO: &str = "smtp-sts-verify.invalid";

/// How addresses are met.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who vouches for certificates.
    pub roots: Roots,
    /// 25 but for laboratories; the TLSA records are those of port 25 all the same.
    pub port: u16,
    /// Also private and loopback addresses are met, for laboratories.
    pub allow_private_addresses: bool,
    /// The time for one address, from the connection attempt to the end.
    pub patience: Duration,
    /// Connections at the same time.
    pub at_once: usize,
    /// Our name.
    pub ehlo: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roots: Roots::System,
            port: 25,
            allow_private_addresses: false,
            patience: PROBE_DEADLINE,
            at_once: MAX_PROBES_AT_ONCE,
            ehlo: EHLO.to_owned(),
        }
    }
}

/// The two clocks of a look.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The moment by which certificates are judged.
    pub now: UnixTime,
    /// Nothing is waited for beyond this.
    pub ends: Instant,
}

/// Looks at MX hosts; of however many domains, it keeps to one bound on connections.
#[derive(Debug)]
pub struct Probe {
    settings: Settings,
    collector: Collector,
    permits: Semaphore,
    address_limiter: AddressLimiter,
}

impl Probe {
    /// A probe that has met nobody yet.
    ///
    /// # Errors
    /// [`BadRoots`] if there is nothing to judge certificates by.
    pub fn new(settings: Settings) -> Result<Self, BadRoots> {
        let collector = Collector::new(&settings.roots)?;
        let permits = Semaphore::new(settings.at_once.max(1));
        Ok(Self { settings, collector, permits, address_limiter: AddressLimiter::default() })
    }

    /// What every address of the target shows, in their order.
    pub async fn look(&self, target: &Target, times: Times) -> Vec<Sighting> {
        let addresses = target.addresses.iter().flatten();
        let addresses = addresses.map(|ip| SocketAddr::new(*ip, self.settings.port));
        join_all(addresses.map(|address| self.look_at(address, target, times))).await
    }

    async fn look_at(&self, address: SocketAddr, target: &Target, times: Times) -> Sighting {
        let turn = async {
            // A target that waits for one address takes no place at another one.
            let pass = self.address_limiter.pass(address.ip()).await;
            (pass, self.permits.acquire().await)
        };
        let Ok(turn) = timeout_at(times.ends, turn).await else {
            let why = "the time for all was over before it had its turn";
            let failure = SessionFailure::new(Stage::Connect, FailureKind::TimedOut, why);
            return Sighting::nothing(address, failure, target.tlsa.iter().map(|record| &record.read));
        };
        let own_end = Instant::now().checked_add(self.settings.patience);
        let session = Session {
            collector: &self.collector,
            ehlo: &self.settings.ehlo,
            allow_private_addresses: self.settings.allow_private_addresses,
            times: Times { ends: own_end.map_or(times.ends, |own_end| own_end.min(times.ends)), ..times },
        };
        let sighting = session.look(address, target).await;
        drop(turn);
        sighting
    }
}
