//! The policy hosts of all domains behind one TLS port: whom they are is told by the server name of the handshake.

pub(crate) use super::certificates::{Authority, Certificate};
use super::world::World;
use rcgen::KeyPair;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, crypto::CryptoProvider};

/// Where a redirect leads; the right text is there.
const ELSEWHERE: &str = "/elsewhere";

/// A path under which every policy host would serve its text.
const ANYWHERE: &str = "/.well-known/mta-sts.txt";

/// Octets behind an oversized policy.
const TOO_MUCH: usize = 100_000;

/// What a policy host does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// 200 and the right text: the domain's own record, or its policy file.
    Policy,
    /// 200 and this text.
    Text(String),
    /// 200 and the right text, as `text/html`.
    Html,
    /// 200 and the right text, with more behind it than anybody reads.
    Oversized,
    /// 404.
    Missing,
    /// 301 to a place with the right text.
    Redirect,
    /// Nothing at all after the handshake.
    Stall,
}

/// How a policy host behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conduct {
    pub(crate) body: Body,
    pub(crate) certificate: Certificate,
}

impl Default for Conduct {
    fn default() -> Self {
        Self { body: Body::Policy, certificate: Certificate::Good }
    }
}

impl Conduct {
    /// Reads the words of an `https` line of `fixtures/laboratory/world`.
    pub(crate) fn read<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut conduct = Self::default();
        for word in words {
            match word {
                "policy" => conduct.body = Body::Policy,
                "other" => conduct.body = Body::Text("v=STS1; to=false".into()),
                "html" => conduct.body = Body::Html,
                "oversized" => conduct.body = Body::Oversized,
                "missing" => conduct.body = Body::Missing,
                "redirect" => conduct.body = Body::Redirect,
                "stall" => conduct.body = Body::Stall,
                "expired" => conduct.certificate = Certificate::Expired,
                "wrong-name" => conduct.certificate = Certificate::WrongName,
                "self-signed" => conduct.certificate = Certificate::SelfSigned,
                other => panic!("'{other}' is not a word for a policy host"),
            }
        }
        conduct
    }

    /// Another text than the right one.
    pub(crate) fn serving(text: &str) -> Self {
        Body::Text(text.into()).into()
    }
}

/// The wrong reply under the right certificate.
impl From<Body> for Conduct {
    fn from(body: Body) -> Self {
        Self { body, certificate: Certificate::Good }
    }
}

/// The right reply under the wrong certificate.
impl From<Certificate> for Conduct {
    fn from(certificate: Certificate) -> Self {
        Self { body: Body::Policy, certificate }
    }
}

pub(super) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// What was asked of the policy hosts: one entry a request, `HOST PATH`; a handshake that went no further is `HOST`.
pub(crate) type Visits = Arc<Mutex<Vec<String>>>;

/// The last handshake with `host` led to a request for `path`.
fn note_request(visits: &Visits, host: &str, path: &str) {
    let mut visits = visits.lock().unwrap();
    if let Some(visit) = visits.iter_mut().rev().find(|visit| *visit == host) {
        *visit = format!("{host} {path}");
    }
}

/// Chooses and remembers the certificate for each server name. A visit is taken down before the visitor sees it, so that
/// whoever turns away at once is counted in time.
struct Wardrobe {
    authority: Arc<Authority>,
    world: Arc<Mutex<World>>,
    visits: Visits,
    issued: Mutex<BTreeMap<(String, Certificate), Arc<CertifiedKey>>>,
}

impl fmt::Debug for Wardrobe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wardrobe")
    }
}

impl ResolvesServerCert for Wardrobe {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().unwrap_or_default().to_owned();
        self.visits.lock().unwrap().push(host.clone());
        let kind = self.world.lock().unwrap().policy_host(&host)?.certificate;
        let mut issued = self.issued.lock().unwrap();
        let certificate = issued
            .entry((host.clone(), kind))
            .or_insert_with(|| self.authority.issue(&host, &KeyPair::generate().unwrap(), kind));
        Some(Arc::clone(certificate))
    }
}

/// Answers on `listener` until the runtime ends.
pub(crate) async fn serve(
    listener: TcpListener,
    authority: Arc<Authority>,
    world: Arc<Mutex<World>>,
    visits: Visits,
) {
    let wardrobe = Wardrobe {
        authority,
        world: Arc::clone(&world),
        visits: Arc::clone(&visits),
        issued: Mutex::default(),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(wardrobe));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (acceptor, world, visits) = (acceptor.clone(), Arc::clone(&world), Arc::clone(&visits));
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let host = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
            let Some(path) = read_request(&mut stream).await else { return };
            note_request(&visits, &host, &path);
            let reply = {
                let world = world.lock().unwrap();
                let right = world.policy_text(&host, if path == ELSEWHERE { ANYWHERE } else { &path });
                match (world.policy_host(&host).map(|c| c.body), right) {
                    (Some(Body::Text(other)), _) => ok("text/plain", other.as_bytes()),
                    (Some(Body::Stall), _) => Vec::new(),
                    (Some(Body::Redirect), _) if path != ELSEWHERE => redirect(&host),
                    (Some(Body::Policy | Body::Redirect), Some(text)) => ok("text/plain", &text),
                    (Some(Body::Html), Some(text)) => ok("text/html", &text),
                    (Some(Body::Oversized), Some(text)) => {
                        ok("text/plain", &[text.as_slice(), &[b'\n'; TOO_MUCH]].concat())
                    }
                    _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
                }
            };
            if reply.is_empty() {
                // Until the other side has had enough.
                let _ = stream.read(&mut [0; 1]).await;
                return;
            }
            let _ = stream.write_all(&reply).await;
            let _ = stream.shutdown().await;
        });
    }
}

pub(super) fn ok(media_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn redirect(host: &str) -> Vec<u8> {
    let location = format!("https://{host}{ELSEWHERE}");
    format!("HTTP/1.1 301 Moved Permanently\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

/// The path of a request, when its head has arrived.
pub(super) async fn read_request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()?.split(' ').nth(1).map(str::to_owned)
}
