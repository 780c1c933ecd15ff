//! The fetch itself, step by step: resolve, connect, shake hands, ask, read.

use super::address::{set_aside_for, to_be_tried};
use super::exchange::{Wanted, date, exchange};
use super::judge::{Judge, judgement_in};
use super::metered::{Metered, Traffic};
use super::progress::{Peer, Progress};
use super::witness::Witness;
use super::{BadRoots, Fetch, FetchError, FetchFailure, MediaType, PolicyUrl, Roots, Step};
use crate::causes::{self, HandshakeFault};
use crate::certificate::{Distrust, Distrusted};
use crate::dns::{Answer, Content, Outage, Outcome, Question, Resolve};
use crate::journal::Journal;
use crate::limits;
use crate::name::PolicyDomain;
use crate::resources;
use crate::time::UnixTime;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hickory_proto::rr::{RData, RecordType};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ClientConfig};

/// How policies are fetched, as the administrator chose.
#[derive(Clone, Debug)]
pub struct HttpsSettings {
    /// Laboratories only: addresses where no public server can be are connected to.
    pub allow_private_addresses: bool,
    /// How long each step may take.
    pub patience: Patience,
    /// 443, but for laboratories.
    pub port: u16,
    /// Whose certificates count.
    pub roots: Roots,
}

impl Default for HttpsSettings {
    fn default() -> Self {
        Self {
            allow_private_addresses: false,
            patience: Patience::default(),
            port: 443,
            roots: Roots::System,
        }
    }
}

/// How long each step of a fetch may take; the defaults are those of [`crate::limits`].
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// One TCP connection.
    pub connect: Duration,
    /// From one connection attempt to the next address's turn.
    pub stagger: Duration,
    /// From the end of the TCP connection's set-up to the end of the TLS handshake, certificate included.
    pub handshake: Duration,
    /// From the request to the end of the reply's head.
    pub head: Duration,
    /// All of it, from the first question to the last octet.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: limits::CONNECT_DEADLINE,
            stagger: limits::CONNECT_STAGGER,
            handshake: limits::HANDSHAKE_DEADLINE,
            head: limits::HEAD_DEADLINE,
            whole: limits::FETCH_DEADLINE,
        }
    }
}

/// What fetches may share: CA certificates are read when the first of them needs them, and not again. Only fetchers of the
/// same [`Roots`] may share one.
#[derive(Clone, Debug, Default)]
pub struct SharedTls(Arc<OnceLock<Arc<ClientConfig>>>);

/// Fetches policies over HTTPS, with names resolved by `R`.
///
/// Making one costs nothing: CA certificates are read when the first policy is fetched.
#[derive(Debug)]
pub struct HttpsFetcher<'r, R> {
    resolver: &'r R,
    settings: HttpsSettings,
    run_ends: Instant,
    journal: Option<&'r Journal>,
    witness: Option<Arc<Witness>>,
    tls: SharedTls,
}

/// Where a policy host is.
struct Addresses {
    /// In the order in which they are tried.
    addresses: Vec<SocketAddr>,
    /// Why there may be others: this machine had nothing left to ask for them with.
    unasked: Option<FetchError>,
}

impl<'r, R: Resolve> HttpsFetcher<'r, R> {
    /// A fetcher whose fetches all end before `run_ends`.
    #[must_use]
    pub fn new(resolver: &'r R, settings: HttpsSettings, run_ends: Instant) -> Self {
        Self { resolver, settings, run_ends, journal: None, witness: None, tls: SharedTls::default() }
    }

    /// The same, for a process that fetches often: reading and parsing a system's certificates takes milliseconds. Not for one with a
    /// witness.
    #[must_use]
    pub fn sharing(mut self, tls: &SharedTls) -> Self {
        self.tls = tls.clone();
        self
    }

    /// The same, with its steps taken down: connections, handshake, request. Its questions are the resolver's steps.
    #[must_use]
    pub const fn noted_in(mut self, journal: &'r Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same, with a witness of what policy hosts show.
    #[must_use]
    pub fn seen_by(mut self, witness: Arc<Witness>) -> Self {
        self.witness = Some(witness);
        // A set-up that others made would tell this witness nothing.
        self.tls = SharedTls::default();
        self
    }

    /// Waits for a step of a fetch; its name is for the journal.
    async fn step<T>(&self, name: impl FnOnce() -> String, work: impl Future<Output = T>) -> T {
        match self.journal {
            Some(journal) => journal.step(name(), work).await,
            None => work.await,
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        let SharedTls(shared) = &self.tls;
        if let Some(made) = shared.get() {
            return Ok(Arc::clone(made));
        }
        // What fails is tried again by the next fetch: an administrator may mend it meanwhile.
        let made = client_config(&self.settings.roots, self.witness.as_ref()).map_err(FetchError::NoRoots)?;
        Ok(Arc::clone(shared.get_or_init(|| Arc::new(made))))
    }

    /// The addresses of `host` that may be connected to.
    async fn addresses(&self, host: &PolicyDomain) -> Result<Addresses, FetchError> {
        let questions = [RecordType::AAAA, RecordType::A].map(|rtype| Question::new(&host.to_dns(), rtype));
        let answers = self.resolver.resolve(&questions).await;
        let found = in_turn(&answers);
        let usable: Vec<_> = to_be_tried(&found, self.settings.allow_private_addresses)
            .map(|ip| SocketAddr::new(ip, self.settings.port))
            .collect();
        if !usable.is_empty() {
            let unasked = why_no_address(host, &answers);
            let is_ours = unasked.failure() == FetchFailure::OutOfResources;
            return Ok(Addresses { addresses: usable, unasked: is_ours.then_some(unasked) });
        }
        let refused = found.iter().find_map(|ip| Some((*ip, set_aside_for(*ip)?)));
        Err(match refused {
            Some((address, range)) => FetchError::AddressRefused { host: host.clone(), address, range },
            None => why_no_address(host, &answers),
        })
    }

    /// The first connection that comes about. An address that answers slowly holds the next one up for a moment only
    /// (RFC 8305 section 5).
    async fn connect<'h>(
        &self,
        fetch: Progress<'h>,
        Addresses { addresses, unasked }: Addresses,
    ) -> Result<(TcpStream, Peer<'h>), FetchError> {
        let Patience { connect: patience, stagger, .. } = self.settings.patience;
        let mut waiting = addresses.into_iter();
        let mut attempts = FuturesUnordered::new();
        let mut failure = unasked.unwrap_or_else(|| FetchError::NoAddress { host: fetch.host.clone() });
        loop {
            if let Some(address) = waiting.next() {
                attempts.push(async move {
                    let peer = fetch.at(address);
                    let connecting = async {
                        let stream = resources::awaited(|| TcpStream::connect(address)).await?;
                        // The end of the handshake and the request are two small segments: neither waits for an ACK.
                        stream.set_nodelay(true)?;
                        io::Result::Ok(stream)
                    };
                    let connecting = peer.within(patience, Step::Connect, connecting);
                    match self.step(|| format!("connect to {address}"), connecting).await {
                        Ok(Ok(stream)) => Ok((stream, peer)),
                        Ok(Err(e)) => Err(peer.broke(Step::Connect, Some(&e), causes::of_io(&e))),
                        Err(late) => Err(late),
                    }
                });
            }
            match timeout(stagger, attempts.next()).await {
                Ok(Some(Ok(connected))) => return Ok(connected),
                // What this machine lacked says nothing of an address that was not tried.
                Ok(Some(Err(e))) if failure.failure() != FetchFailure::OutOfResources => failure = e,
                Ok(Some(Err(_))) => {}
                Ok(None) => return Err(failure),
                Err(_) => {} // the next address's turn
            }
        }
    }

    async fn shake_hands(
        &self,
        peer: &Peer<'_>,
        tls: Arc<ClientConfig>,
        stream: TcpStream,
        traffic: &Arc<Traffic>,
    ) -> Result<TlsStream<Metered<TcpStream>>, FetchError> {
        let (host, address) = (peer.fetch.host, peer.address);
        let certificate =
            |why: &Distrusted| FetchError::Certificate { host: host.clone(), address, why: why.to_string() };
        let name = ServerName::try_from(host.as_str().to_owned()).map_err(|_| {
            let why = "no certificate can bear this name".to_owned();
            certificate(&Distrusted { kind: Distrust::OtherName, why })
        })?;
        let stream = Metered::new(stream, Arc::clone(traffic));
        let shaking = TlsConnector::from(tls).connect(name, stream);
        let shaking = peer.within(self.settings.patience.handshake, Step::Handshake, shaking);
        self.step(|| format!("TLS with {host}"), shaking).await?.map_err(|e| {
            if let Some(excess) = traffic.excess() {
                return peer.too_large(excess);
            }
            let tls = |error| {
                let (fault, why) = causes::of_handshake(error, None);
                match fault {
                    HandshakeFault::TooMuch => peer.too_large("a TLS handshake that is too large".to_owned()),
                    _ => FetchError::Tls { host: host.clone(), address, why },
                }
            };
            match e.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => judgement_in(error).map_or_else(|| tls(error), certificate),
                None => peer.broke(Step::Handshake, Some(&e), causes::of_io(&e)),
            }
        })
    }
}

impl<R: Resolve> HttpsFetcher<'_, R> {
    /// A connection to the host of `url`, whose certificate is right.
    pub(super) async fn reach<'u>(
        &self,
        url: &'u PolicyUrl,
    ) -> Result<(TlsStream<Metered<TcpStream>>, Arc<Traffic>, Peer<'u>), FetchError> {
        let fetch = Progress::begin(url.host(), self.settings.patience.whole, self.run_ends);
        let tls = self.tls()?;
        let addresses = fetch.until_the_end(Step::Resolve, self.addresses(url.host())).await??;
        let (stream, peer) = self.connect(fetch, addresses).await?;
        if let Some(witness) = &self.witness {
            witness.connected(url.host().as_str(), peer.address);
        }
        let traffic = Arc::new(Traffic::default());
        let stream = self.shake_hands(&peer, tls, stream, &traffic).await?;
        Ok((stream, traffic, peer))
    }

    /// What time it is at a web server, in the words of its reply's head, whatever its status; by the same steps and
    /// within the same bounds as a policy.
    ///
    /// # Errors
    /// [`FetchError`] as for a policy, or if the reply does not say.
    pub async fn date(&self, url: &PolicyUrl) -> Result<UnixTime, FetchError> {
        let HttpsSettings { patience, port, .. } = self.settings;
        let (stream, traffic, peer) = self.reach(url).await?;
        date(
            stream,
            traffic,
            &peer,
            Wanted { url, port, media: MediaType::Any, patience: patience.head, witness: None },
        )
        .await
    }
}

impl<R: Resolve> Fetch for HttpsFetcher<'_, R> {
    fn fetch(&self, url: &PolicyUrl, media: MediaType) -> impl Future<Output = Result<Vec<u8>, FetchError>> {
        // Some 20,000 octets, in a look-up that seldom has anything to fetch.
        Box::pin(self.fetched(url, media))
    }
}

impl<R: Resolve> HttpsFetcher<'_, R> {
    async fn fetched(&self, url: &PolicyUrl, media: MediaType) -> Result<Vec<u8>, FetchError> {
        let HttpsSettings { patience, port, .. } = self.settings;
        let (stream, traffic, peer) = self.reach(url).await?;
        let witness = self.witness.as_deref();
        let wanted = Wanted { url, port, media, patience: patience.head, witness };
        let asking = exchange(stream, traffic, &peer, wanted);
        self.step(|| format!("GET {url}"), asking).await
    }
}

impl SharedTls {
    /// One whose certificates are judged by this judge.
    pub(super) fn judged_by(judge: Arc<dyn ServerCertVerifier>) -> Result<Self, BadRoots> {
        let config = Arc::new(config_judged_by(judge)?);
        Ok(Self(Arc::new(OnceLock::from(config))))
    }
}

fn client_config(roots: &Roots, witness: Option<&Arc<Witness>>) -> Result<ClientConfig, BadRoots> {
    config_judged_by(Arc::new(Judge { webpki: webpki(roots)?, witness: witness.map(Arc::clone) }))
}

/// Who says what a certificate is worth under these roots.
pub(super) fn webpki(roots: &Roots) -> Result<Arc<WebPkiServerVerifier>, BadRoots> {
    let (roots, provider) = (Arc::new(roots.load()?), Arc::new(aws_lc_rs::default_provider()));
    WebPkiServerVerifier::builder_with_provider(roots, provider).build().map_err(|_| BadRoots::no_tls())
}

/// TLS 1.2 or later with the *aws-lc-rs* provider, HTTP/1.1 alone, and nothing remembered from one connection to the next.
fn config_judged_by(judge: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, BadRoots> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| BadRoots::no_tls())?
        .dangerous()
        .with_custom_certificate_verifier(judge)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// All addresses of the answers, once each: IPv6 and IPv4 by turns, as answered (RFC 8305 section 4).
fn in_turn(answers: &[Answer]) -> Vec<IpAddr> {
    let records = |answer: &Answer| match answer.outcome.content() {
        Some(Content::Data(records)) => records.iter().filter_map(address).collect(),
        _ => Vec::new(),
    };
    let all: Vec<IpAddr> = answers.iter().flat_map(records).collect();
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = all.into_iter().partition(IpAddr::is_ipv6);
    let mut turns = Vec::new();
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    loop {
        let (six, four) = (v6.next(), v4.next());
        if six.is_none() && four.is_none() {
            return turns;
        }
        for address in six.into_iter().chain(four) {
            if !turns.contains(&address) {
                turns.push(address);
            }
        }
    }
}

const fn address(record: &RData) -> Option<IpAddr> {
    match record {
        RData::A(v4) => Some(IpAddr::V4(v4.0)),
        RData::AAAA(v6) => Some(IpAddr::V6(v6.0)),
        _ => None,
    }
}

/// Of two answers without an address, the worse one explains it: a falsehood before what was not asked for want of something, before a
/// silence, before an absence.
fn why_no_address(host: &PolicyDomain, answers: &[Answer]) -> FetchError {
    let host = || host.clone();
    let bogus = answers.iter().find_map(|answer| match &answer.outcome {
        Outcome::Bogus(blame, why) => {
            Some(FetchError::Bogus { host: host(), blame: *blame, why: why.clone() })
        }
        _ => None,
    });
    let unreached = |is_ours: bool| {
        answers.iter().find_map(|answer| match &answer.outcome {
            Outcome::Unreachable(outage, zone, why) if (*outage == Outage::OutOfResources) == is_ours => {
                Some(FetchError::Unresolved { host: host(), outage: *outage, zone: *zone, why: why.clone() })
            }
            _ => None,
        })
    };
    let unreached = || unreached(true).or_else(|| unreached(false));
    bogus.or_else(unreached).unwrap_or_else(|| FetchError::NoAddress { host: host() })
}
