//! Web servers that take TLS reports, all behind one port: what each of them was handed, and what it says to it.

use super::certificates::{Authority, Certificate};
use rcgen::KeyPair;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) host: String,
    /// The request line and the header fields, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct Inside {
    taken: Vec<Taken>,
    /// What is said next by each host; the last one is said for ever, and 201 by whom nothing is written of.
    replies: BTreeMap<String, VecDeque<String>>,
    certificates: BTreeMap<String, Certificate>,
}

/// The servers.
#[derive(Clone)]
pub(crate) struct ReportReceiver {
    inside: Arc<Mutex<Inside>>,
    address: SocketAddr,
}

impl ReportReceiver {
    pub(super) async fn open(authority: Arc<Authority>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Mutex::new(Inside::default()));
        let wardrobe = Wardrobe { authority, inside: Arc::clone(&inside) };
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(wardrobe));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let shared = Arc::clone(&inside);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (acceptor, inside) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let host = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
                    let Some((head, body)) = read(&mut stream).await else { return };
                    let reply = {
                        let mut inside = inside.lock().unwrap();
                        inside.taken.push(Taken { host: host.clone(), head, body });
                        match inside.replies.get_mut(&host) {
                            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap(),
                            Some(replies) => replies.front().cloned().unwrap(),
                            None => "201 Created".to_owned(),
                        }
                    };
                    // A page that nobody reads to its end.
                    let page = "x".repeat(100_000);
                    let head = format!("HTTP/1.1 {reply}\r\nContent-Length: {}\r\n\r\n", page.len());
                    let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { inside, address }
    }

    /// The port of all of them.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What a host says, one reply after the other: a status, a reason, and header fields behind CR LF.
    pub(crate) fn replies(&self, host: &str, replies: &[&str]) {
        let replies = replies.iter().map(ToString::to_string).collect();
        self.inside.lock().unwrap().replies.insert(host.to_owned(), replies);
    }

    /// The certificate that a host shows.
    pub(crate) fn shows(&self, host: &str, certificate: Certificate) {
        self.inside.lock().unwrap().certificates.insert(host.to_owned(), certificate);
    }

    /// What was handed over so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.inside.lock().unwrap().taken.clone()
    }
}

struct Wardrobe {
    authority: Arc<Authority>,
    inside: Arc<Mutex<Inside>>,
}

impl std::fmt::Debug for Wardrobe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wardrobe")
    }
}

impl ResolvesServerCert for Wardrobe {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().unwrap_or_default().to_owned();
        let kind = self.inside.lock().unwrap().certificates.get(&host).copied().unwrap_or(Certificate::Good);
        Some(self.authority.issue(&host, &KeyPair::generate().unwrap(), kind))
    }
}

/// The head and the body of a request.
async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}
