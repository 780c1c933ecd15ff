//! The MX hosts of the laboratory: SMTP as far as STARTTLS and a word behind it, each address with its own manner.

use super::certificates::{Authority, Certificate, certified, sha256};
use rcgen::{KeyPair, PublicKeyData};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};

/// The name for which a certificate is made when the client says none.
const NAMELESS: &str = "mx.test";

/// What it says, whatever name it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It offers STARTTLS and shows a certificate of the laboratory's CA for the name it is asked for.
    Certified,
    /// The same without the CA.
    SelfSigned,
    /// The same with another kind of certificate.
    Shows(Certificate),
    /// It offers no STARTTLS.
    Plain,
    /// It sends a line without an end.
    Endless,
}

impl Manner {
    /// Reads the word of a `mail` line of `fixtures/laboratory/world`.
    pub(crate) fn read(word: &str) -> Self {
        match word {
            "certified" => Self::Certified,
            "self-signed" => Self::SelfSigned,
            "chained" => Self::Shows(Certificate::Chained),
            "incomplete" => Self::Shows(Certificate::Incomplete),
            "lapsed" => Self::Shows(Certificate::Lapsed),
            "wrong-name" => Self::Shows(Certificate::WrongName),
            "plain" => Self::Plain,
            other => panic!("'{other}' is not a word for a mail host"),
        }
    }

    fn certificate(self) -> Certificate {
        match self {
            Self::Shows(kind) => kind,
            Self::SelfSigned => Certificate::SelfSigned,
            Self::Certified | Self::Plain | Self::Endless => Certificate::Good,
        }
    }
}

/// What stands behind one address.
#[derive(Clone)]
pub(crate) enum Service {
    /// SMTP with STARTTLS.
    Tls(Arc<ServerConfig>),
    /// SMTP without.
    Plain,
    /// A line without an end.
    Endless,
}

impl Service {
    /// Always this chain, over these versions of TLS.
    pub(crate) fn showing(
        chain: Vec<CertificateDer<'static>>,
        key: &KeyPair,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let always = SingleCertAndKey::from(certified(chain, key));
        Self::Tls(configuration(Arc::new(always), versions))
    }
}

/// One port, the same at every address; it closes with the value.
pub(crate) struct MailHost {
    port: u16,
    public_key: Vec<u8>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl MailHost {
    /// One host on loopback, with a key of its own.
    pub(crate) fn open(authority: Arc<Authority>, manner: Manner) -> Self {
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self::open_all(authority, KeyPair::generate().unwrap(), &[(here, manner)])
    }

    /// Several, with one key.
    pub(crate) fn open_all(authority: Arc<Authority>, key: KeyPair, places: &[(IpAddr, Manner)]) -> Self {
        let (public_key, key) = (key.subject_public_key_info(), Arc::new(key));
        let service = |manner: Manner| match manner {
            Manner::Plain => Service::Plain,
            Manner::Endless => Service::Endless,
            _ => {
                let (authority, key) = (Arc::clone(&authority), Arc::clone(&key));
                let wardrobe = Wardrobe { authority, key, certificate: manner.certificate() };
                Service::Tls(configuration(Arc::new(wardrobe), tokio_rustls::rustls::ALL_VERSIONS))
            }
        };
        let places = places.iter().map(|(address, manner)| (*address, service(*manner))).collect();
        let mut hosts = Self::serve(places);
        hosts.public_key = public_key;
        hosts
    }

    /// Whatever stands behind these addresses; one that this machine does not have (IPv6, mostly) is left out.
    pub(crate) fn serve(places: Vec<(IpAddr, Service)>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (ready, opened) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let (port, listeners) = bind(places).await;
                for (listener, service) in listeners {
                    tokio::spawn(accept(listener, service));
                }
                ready.send(port).unwrap();
                let _ = stopped.await;
            });
        });
        let port = opened.recv().unwrap();
        Self { port, public_key: Vec::new(), stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The data of the TLSA record that fits its key.
    pub(crate) fn tlsa(&self) -> String {
        format!("3 1 1 {}", sha256(&self.public_key))
    }
}

impl Drop for MailHost {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A port that is free at every address.
async fn bind(places: Vec<(IpAddr, Service)>) -> (u16, Vec<(TcpListener, Service)>) {
    'ports: loop {
        let (mut port, mut listeners) = (0, Vec::new());
        for (address, service) in &places {
            match TcpListener::bind((*address, port)).await {
                Ok(listener) => {
                    port = listener.local_addr().unwrap().port();
                    listeners.push((listener, service.clone()));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => continue 'ports,
                Err(error) => assert!(address.is_ipv6(), "{address}: {error}"),
            }
        }
        return (port, listeners);
    }
}

/// One key, and a certificate for each name.
struct Wardrobe {
    authority: Arc<Authority>,
    key: Arc<KeyPair>,
    certificate: Certificate,
}

impl fmt::Debug for Wardrobe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wardrobe")
    }
}

impl ResolvesServerCert for Wardrobe {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or(NAMELESS);
        Some(self.authority.issue(name, &self.key, self.certificate))
    }
}

fn configuration(
    certificates: Arc<dyn ResolvesServerCert>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    Arc::new(config)
}

async fn accept(listener: TcpListener, service: Service) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let service = service.clone();
        tokio::spawn(async move { receive(stream, service).await });
    }
}

async fn receive(mut stream: TcpStream, service: Service) -> Option<()> {
    if matches!(service, Service::Endless) {
        while stream.write_all(&[b'x'; 1_024]).await.is_ok() {}
        return None;
    }
    let mut clear = BufStream::new(stream);
    say(&mut clear, "220-mx.test\r\n220 ESMTP").await?;
    let offer = if matches!(service, Service::Tls(_)) { "STARTTLS" } else { "SIZE" };
    if converse(&mut clear, offer).await? == Ended::Starttls
        && let Service::Tls(config) = service
    {
        let stream = TlsAcceptor::from(config).accept(clear.into_inner()).await.ok()?;
        let mut sealed = BufStream::new(stream);
        converse(&mut sealed, "SIZE").await?;
        sealed.shutdown().await.ok()?;
    }
    Some(())
}

#[derive(PartialEq, Eq)]
enum Ended {
    Quit,
    Starttls,
}

/// Says 250 to EHLO and takes no mail.
async fn converse(stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>, offer: &str) -> Option<Ended> {
    loop {
        let mut command = String::new();
        if stream.read_line(&mut command).await.ok()? == 0 {
            return None;
        }
        match command.trim_end() {
            command if command.eq_ignore_ascii_case(offer) && offer == "STARTTLS" => {
                say(stream, "220 go ahead").await?;
                return Some(Ended::Starttls);
            }
            "QUIT" => {
                say(stream, "221 bye").await?;
                return Some(Ended::Quit);
            }
            ehlo if ehlo.starts_with("EHLO ") => say(stream, &format!("250-mx.test\r\n250 {offer}")).await?,
            _ => say(stream, "502 no").await?,
        }
    }
}

async fn say(stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>, reply: &str) -> Option<()> {
    stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}
