//! A policy host that does what a script says, the authority behind its certificate, and the fetch from it.

use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, RecordType};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use smtp_sts_verify::dns::{Answer, Content, Outcome, Question, Resolve};
use smtp_sts_verify::https::{
    Fetch, FetchError, HttpsFetcher, HttpsSettings, MediaType, Patience, PolicyUrl, Roots,
};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::Acceptor;
use tokio_rustls::rustls::{DEFAULT_VERSIONS, ServerConfig};

pub(crate) const HOST: &str = "sts.policy.example";
pub(crate) const TEXT: &[u8] = b"v=STS1; to=true; mx=mx.policy.example";

/// What a policy host does once it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these octets.
    Send(Vec<u8>),
    /// Sends one octet after the other, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Sends these octets until nobody reads them.
    Forever(Vec<u8>),
    /// Says nothing more, and stays.
    Hang,
    /// Ends TLS and TCP in good order.
    Close,
}

pub(crate) fn say(text: impl AsRef<[u8]>) -> Act {
    Act::Send(text.as_ref().to_vec())
}

/// A good reply with these further header lines.
pub(crate) fn policy_with(lines: &str) -> Vec<Act> {
    let head = format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {}\r\n\r\n", TEXT.len());
    vec![Act::Send([head.as_bytes(), TEXT].concat()), Act::Close]
}

/// A certification authority of its own, in a file.
pub(crate) struct Authority {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

pub(crate) fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a good certificate for the policy host asks for.
pub(crate) fn host_params() -> CertificateParams {
    CertificateParams::new(vec![HOST.to_owned()]).unwrap()
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with_key(KeyPair::generate().unwrap())
    }

    pub(crate) fn with_key(key: KeyPair) -> Self {
        let params = authority_params("A test authority");
        let certificate = params.self_signed(&key).unwrap();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(certificate.pem().as_bytes()).unwrap();
        Self { certificate, issuer: Issuer::new(params, key), file }
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::File(self.file.path().to_owned())
    }

    pub(crate) fn issue(&self, params: &CertificateParams) -> Identity {
        self.issue_for(params, KeyPair::generate().unwrap())
    }

    pub(crate) fn issue_for(&self, params: &CertificateParams, key: KeyPair) -> Identity {
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

/// A chain of certificates, and the key of the first.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// A policy host on an ephemeral port of loopback.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

/// What a policy host has seen.
#[derive(Default)]
pub(crate) struct Seen {
    connections: AtomicUsize,
    hellos: Mutex<Vec<Hello>>,
    requests: Mutex<Vec<String>>,
}

/// What a client says first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hello {
    pub(crate) server_name: Option<String>,
    pub(crate) alpn: Vec<String>,
}

impl Site {
    /// Serves TLS with `identity`; after each request it does what `script` says.
    pub(crate) async fn serve(identity: Identity, script: Vec<Act>) -> Self {
        Self::serve_with_alpn(identity, script, &["http/1.1"]).await
    }

    pub(crate) async fn serve_with_alpn(identity: Identity, script: Vec<Act>, alpn: &[&str]) -> Self {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(DEFAULT_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        Self::serve_configured(config, script).await
    }

    pub(crate) async fn serve_configured(config: ServerConfig, script: Vec<Act>) -> Self {
        let config = Arc::new(config);
        Self::listen(move |stream, seen| {
            let (config, script) = (Arc::clone(&config), script.clone());
            async move {
                let _ = converse(stream, config, &script, &seen).await;
            }
        })
        .await
    }

    /// Speaks no TLS: does what `script` says once something has come.
    pub(crate) async fn serve_bare(script: Vec<Act>) -> Self {
        Self::listen(move |mut stream, _| {
            let script = script.clone();
            async move {
                let mut first = [0; 4_096];
                let _ = stream.read(&mut first).await;
                let _ = perform(&mut stream, &script).await;
            }
        })
        .await
    }

    async fn listen<F, Serving>(serve: F) -> Self
    where
        F: Fn(TcpStream, Arc<Seen>) -> Serving + Send + 'static,
        Serving: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let counted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                counted.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, Arc::clone(&counted)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    pub(crate) fn hellos(&self) -> Vec<Hello> {
        self.seen.hellos.lock().unwrap().clone()
    }
}

async fn converse(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    script: &[Act],
    seen: &Seen,
) -> std::io::Result<()> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let hello = start.client_hello();
    let alpn = hello.alpn().into_iter().flatten().map(|p| String::from_utf8_lossy(p).into_owned()).collect();
    seen.hellos.lock().unwrap().push(Hello { server_name: hello.server_name().map(str::to_owned), alpn });
    let mut stream = start.into_stream(config).await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    seen.requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
    perform(&mut stream, script).await
}

async fn perform<S: AsyncWrite + Unpin>(stream: &mut S, script: &[Act]) -> std::io::Result<()> {
    for act in script {
        match act {
            Act::Send(octets) => stream.write_all(octets).await?,
            Act::Drip(octets, pause) => {
                for octet in octets {
                    stream.write_all(&[*octet]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            Act::Forever(octets) => loop {
                stream.write_all(octets).await?;
            },
            Act::Hang => std::future::pending().await,
            Act::Close => stream.shutdown().await?,
        }
        stream.flush().await?;
    }
    Ok(())
}

/// Answers with the addresses that it is given, a list for each time that it is asked; the last one stays.
pub(crate) struct Names {
    turns: Vec<Vec<IpAddr>>,
    pub(crate) asked: AtomicUsize,
}

impl Names {
    pub(crate) fn at(address: IpAddr) -> Self {
        Self::by_turns(vec![vec![address]])
    }

    pub(crate) fn by_turns(turns: Vec<Vec<IpAddr>>) -> Self {
        Self { turns, asked: AtomicUsize::new(0) }
    }
}

impl Resolve for Names {
    async fn resolve(&self, questions: &[Question]) -> Vec<Answer> {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        let addresses = self.turns.get(turn).or_else(|| self.turns.last()).unwrap();
        let answer = |question: &Question| {
            let records: Vec<_> = addresses
                .iter()
                .filter_map(|address| match (address, question.rtype()) {
                    (IpAddr::V4(v4), RecordType::A) => Some(RData::A(A(*v4))),
                    (IpAddr::V6(v6), RecordType::AAAA) => Some(RData::AAAA(AAAA(*v6))),
                    _ => None,
                })
                .collect();
            let content = if records.is_empty() { Content::Nodata } else { Content::Data(records) };
            answered(question, Outcome::Secure(content))
        };
        questions.iter().map(answer).collect()
    }
}

pub(crate) fn answered(question: &Question, outcome: Outcome) -> Answer {
    Answer {
        question: question.clone(),
        outcome,
        aliases: Vec::new(),
        valid_until: None,
        proof: smtp_sts_verify::dns::proof::Proof::default(),
        queries: 0,
        elapsed: Duration::ZERO,
    }
}

/// Enough for a busy machine, for tests that are not about time.
pub(crate) const PATIENT: Patience = Patience {
    connect: Duration::from_secs(5),
    stagger: Duration::from_millis(20),
    handshake: Duration::from_secs(5),
    head: Duration::from_secs(5),
    whole: Duration::from_secs(10),
};

pub(crate) fn settings(site: &Site, roots: Roots) -> HttpsSettings {
    HttpsSettings { allow_private_addresses: true, patience: PATIENT, port: site.address.port(), roots }
}

pub(crate) fn url() -> PolicyUrl {
    PolicyUrl::parse(&format!("https://{HOST}/.well-known/smtp-sts/current")).unwrap()
}

pub(crate) async fn fetch_with(
    names: &impl Resolve,
    settings: HttpsSettings,
    media: MediaType,
) -> Result<Vec<u8>, FetchError> {
    let run_ends = Instant::now() + Duration::from_secs(20);
    HttpsFetcher::new(names, settings, run_ends).fetch(&url(), media).await
}

/// Fetches from a site with a good certificate that does what `script` says.
pub(crate) async fn fetch_as(script: Vec<Act>, media: MediaType) -> Result<Vec<u8>, FetchError> {
    let authority = Authority::new();
    let site = Site::serve(authority.issue(&host_params()), script).await;
    fetch_with(&Names::at(site.address.ip()), settings(&site, authority.roots()), media).await
}

pub(crate) async fn fetch(script: Vec<Act>) -> Result<Vec<u8>, FetchError> {
    fetch_as(script, MediaType::Any).await
}
