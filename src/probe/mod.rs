//! A look at the certificates of an MX host: SMTP up to the TLS handshake, and nothing after it (RFC 3207).
//!
//! It is for an operator who asks about a domain, never for a delivery: it decides nothing. Whatever certificate the
//! host shows is taken down, after the host has proven to hold its key; whether the web's authorities vouch for it is
//! taken down, too. Addresses, waiting and octets have their bounds as in [`crate::https`].

pub mod certificate;
mod collector;
pub mod consequence;
pub mod failure;
pub mod report;
mod smtp;

use crate::dns::{Content, Question, Resolve};
use crate::https::address::set_aside_for;
use crate::https::{BadRoots, Roots};
use crate::limits::{CONNECT_DEADLINE, MAX_PROBE_ADDRESSES, MAX_PROBE_OCTETS, PROBE_DEADLINE};
use crate::name::MxHost;
use collector::Collector;
use hickory_proto::rr::{RData, RecordType};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// What an MX host showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The address that answered.
    pub address: SocketAddr,
    /// Its certificates in DER, its own first, as they came.
    pub chain: Vec<Vec<u8>>,
    /// Whether a public authority vouches for the name, or why not (RFC 8461 section 4.2).
    pub webpki: Result<(), String>,
}

/// Why there is nothing to be looked at. The texts are a stranger's, or the system's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotShown {
    /// The host has no address, or none that a public server can have.
    NoAddress(String),
    /// No connection, or it broke, or took too long.
    NoConnection(String),
    /// The host does not speak SMTP, or does not want to speak with us.
    NoSmtp(String),
    /// The host offers no STARTTLS.
    NoStarttls(String),
    /// The handshake failed for another reason than a certificate.
    NoHandshake(String),
}

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(why) => write!(f, "has no usable address: {why}"),
            Self::NoConnection(why) => write!(f, "cannot be reached: {why}"),
            Self::NoSmtp(why) => write!(f, "does not take up SMTP: {why}"),
            Self::NoStarttls(why) => write!(f, "offers no STARTTLS: {why}"),
            Self::NoHandshake(why) => write!(f, "does not complete a TLS handshake: {why}"),
        }
    }
}

/// Looks at MX hosts.
#[derive(Debug)]
pub struct Probe {
    collector: Collector,
    port: u16,
    allow_private_addresses: bool,
    run_ends: Instant,
}

impl Probe {
    /// A probe whose looks all end before `run_ends`; `port` is 25 but for laboratories.
    ///
    /// # Errors
    /// [`BadRoots`] if there is nothing to judge the certificates by.
    pub fn new(
        roots: &Roots,
        port: u16,
        allow_private_addresses: bool,
        run_ends: Instant,
    ) -> Result<Self, BadRoots> {
        Ok(Self { collector: Collector::new(roots)?, port, allow_private_addresses, run_ends })
    }

    /// The certificates of `host`, asked for by the name `server_name` (RFC 7672 section 8.1: the TLSA base domain;
    /// RFC 8461 section 7.1: the MX host).
    ///
    /// # Errors
    /// [`NotShown`], of the last address that was tried.
    pub async fn look(
        &self,
        dns: &impl Resolve,
        host: &MxHost,
        server_name: &MxHost,
    ) -> Result<Shown, NotShown> {
        let ends =
            Instant::now().checked_add(PROBE_DEADLINE).map_or(self.run_ends, |end| end.min(self.run_ends));
        let name = ServerName::try_from(server_name.as_str().to_owned())
            .map_err(|_| NotShown::NoHandshake(format!("{server_name} is no name for a handshake")))?;
        let mut failure = NotShown::NoAddress("there is none".to_owned());
        for address in self.addresses(dns, host).await? {
            let looking = self.look_at(address, name.clone());
            match timeout_at(ends, looking).await {
                Ok(Ok(shown)) => return Ok(shown),
                Ok(Err(why)) => failure = why,
                Err(_) => return Err(NotShown::NoConnection(format!("{address} was too slow"))),
            }
        }
        Err(failure)
    }

    async fn addresses(&self, dns: &impl Resolve, host: &MxHost) -> Result<Vec<SocketAddr>, NotShown> {
        let questions = [RecordType::A, RecordType::AAAA].map(|rtype| Question::new(&host.to_dns(), rtype));
        let answers = dns.resolve(&questions).await;
        let found: Vec<IpAddr> = answers
            .iter()
            .filter_map(|answer| match answer.outcome.content() {
                Some(Content::Data(records)) => Some(records),
                _ => None,
            })
            .flatten()
            .filter_map(|record| match record {
                RData::A(v4) => Some(IpAddr::V4(v4.0)),
                RData::AAAA(v6) => Some(IpAddr::V6(v6.0)),
                _ => None,
            })
            .collect();
        let usable = |ip: &&IpAddr| self.allow_private_addresses || set_aside_for(**ip).is_none();
        let usable: Vec<_> = found.iter().filter(usable).take(MAX_PROBE_ADDRESSES).collect();
        match (usable.as_slice(), found.first()) {
            ([], Some(ip)) => Err(NotShown::NoAddress(format!(
                "{ip} is set aside ({})",
                set_aside_for(*ip).unwrap_or_default()
            ))),
            ([], None) => Err(NotShown::NoAddress("no A or AAAA record was found".to_owned())),
            (usable, _) => Ok(usable.iter().map(|ip| SocketAddr::new(**ip, self.port)).collect()),
        }
    }

    async fn look_at(&self, address: SocketAddr, name: ServerName<'static>) -> Result<Shown, NotShown> {
        let broken = |error: &io::Error| NotShown::NoConnection(format!("{address}: {error}"));
        let connected = timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await;
        let stream = connected
            .map_err(|_| NotShown::NoConnection(format!("{address} did not answer")))?
            .map_err(|error| broken(&error))?;
        let (reader, writer) = stream.into_split();
        // What is read has an end, whatever the host sends, in clear text and in the handshake.
        let mut stream = tokio::io::join(reader.take(MAX_PROBE_OCTETS), writer);
        smtp::starttls(&mut stream).await?;
        let (config, shown) =
            self.collector.session().map_err(|error| NotShown::NoHandshake(error.to_string()))?;
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let mut stream = shaken.map_err(|error| NotShown::NoHandshake(format!("{address}: {error}")))?;
        smtp::quit(&mut stream).await;
        let (chain, webpki) = shown.take();
        Ok(Shown { address, chain, webpki })
    }
}
