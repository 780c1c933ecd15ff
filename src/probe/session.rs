//! One address: connect, greet, STARTTLS, shake hands, take leave.

use super::Times;
use super::allowance::Allowance;
use super::anchored::Presented;
use super::collector::{Collector, Notes};
use super::failure::{FailureKind, SessionFailure, Stage};
use super::report::{Chain, Sighting, TlsSession};
use super::smtp::{Conversation, quit};
use super::target::Target;
use crate::certificate::Certificate;
use crate::dane::matching::fates;
use crate::https::address::set_aside_for;
use crate::limits::{CONNECT_DEADLINE, MAX_ANCHORS_TRIED};
use crate::name::MxHost;
use crate::tapped::Tapped;
use std::cell::{Cell, OnceCell};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::pki_types::ServerName;

/// What a session needs beside an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) collector: &'a Collector,
    /// Our name.
    pub(super) ehlo: &'a str,
    pub(super) allow_private_addresses: bool,
    /// Of this address.
    pub(super) times: Times,
}

impl Session<'_> {
    /// Looks at one address of the target.
    pub(super) async fn look(self, address: SocketAddr, target: &Target) -> Sighting {
        let began = Instant::now();
        let (stage, notes) = (Cell::new(Stage::Connect), OnceCell::new());
        let done = match set_aside_for(address.ip()).filter(|_| !self.allow_private_addresses) {
            Some(purpose) => {
                let why = format!("{} is set aside ({purpose}): no public server can be there", address.ip());
                Err(SessionFailure::new(Stage::Connect, FailureKind::SetAside, why))
            }
            None => match timeout_at(self.times.ends, self.talk(address, target, &stage, &notes)).await {
                Ok(done) => done,
                Err(_) => {
                    let why = format!("nothing more came in {} seconds", began.elapsed().as_secs());
                    Err(SessionFailure::new(stage.get(), FailureKind::TimedOut, why))
                }
            },
        };
        // Certificates of which the server does not prove that it holds the key may be anybody's.
        let is_theirs = !matches!(&done, Err(failure) if failure.kind == FailureKind::KeyNotProven);
        let seen = notes.get().and_then(|notes: &Arc<Notes>| notes.take()).filter(|_| is_theirs);
        let ders = seen.as_ref().map_or(&[][..], |(chain, _)| chain.as_slice());
        let presented = Presented { chain: ders, references: &target.references, now: self.times.now };
        let tried = Cell::new(0_usize);
        let tlsa = fates(ders, target.tlsa.iter().map(|record| &record.read), |anchor| {
            tried.set(tried.get().saturating_add(1));
            match tried.get() <= MAX_ANCHORS_TRIED {
                true => presented.leads_to(anchor, self.collector.provider()),
                false => Err(format!("more than {MAX_ANCHORS_TRIED} trust anchors fit what it shows")),
            }
        });
        let chain = seen.map(|(ders, webpki)| Chain {
            certificates: ders.iter().map(|der| Certificate::read(der)).collect(),
            webpki,
        });
        let (tls, failure) = match done {
            Ok(tls) => (Some(tls), None),
            Err(failure) => (None, Some(failure)),
        };
        Sighting { address, failure, tls, chain, tlsa, elapsed: began.elapsed() }
    }

    async fn talk(
        self,
        address: SocketAddr,
        target: &Target,
        stage: &Cell<Stage>,
        notes: &OnceCell<Arc<Notes>>,
    ) -> Result<TlsSession, SessionFailure> {
        let connected = timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await;
        let stream = match connected {
            Err(_) => {
                let why = format!("nobody answered in {} seconds", CONNECT_DEADLINE.as_secs());
                return Err(SessionFailure::new(Stage::Connect, FailureKind::TimedOut, why));
            }
            Ok(Err(error)) => return Err(SessionFailure::of_io(Stage::Connect, &error)),
            Ok(Ok(stream)) => stream,
        };
        let stream =
            Conversation::new(Tapped::new(stream, Allowance::default()), stage).starttls(self.ehlo).await?;
        stage.set(Stage::Handshake);
        let (name, mx_name) = (for_tls(target.server_name())?, for_tls(&target.name)?);
        let (config, noted) = self.collector.session(mx_name).map_err(|_| {
            SessionFailure::new(Stage::Handshake, FailureKind::Tls, "our TLS library refuses its own set-up")
        })?;
        let noted = notes.get_or_init(|| noted);
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let mut stream =
            shaken.map_err(|error| SessionFailure::of_handshake(&error, noted.own_certificate().as_ref()))?;
        let tls = agreed(&stream);
        quit(&mut stream).await;
        Ok(tls)
    }
}

fn for_tls(host: &MxHost) -> Result<ServerName<'static>, SessionFailure> {
    ServerName::try_from(host.as_str().to_owned()).map_err(|_| {
        let why = format!("{host} is no name that a handshake can ask for");
        SessionFailure::new(Stage::Handshake, FailureKind::Tls, why)
    })
}

fn agreed<S>(stream: &TlsStream<S>) -> TlsSession {
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    TlsSession { version, cipher: cipher.map_or("unknown", registered) }
}

/// The name in the IANA registry: the library puts the version into those of TLS 1.3.
fn registered(cipher: &'static str) -> &'static str {
    match cipher {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        cipher => cipher,
    }
}
