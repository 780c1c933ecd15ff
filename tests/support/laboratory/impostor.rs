//! The web server to which somebody on the path leads whoever asks for another one's policy: it has a policy for everybody, and certificates
//! that are none of the host that was asked for.

use super::certificates::{Authority, Certificate};
use super::policy_host::{ok, provider, read_request};
use rcgen::KeyPair;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// What it shows, in turns.
const SHOWN: [&str; 3] =
    ["the name of no policy host", "the right name, expired", "another domain's policy host"];

/// A policy host whose good certificate the attacker has.
const OTHER_POLICY_HOST: &str = "mta-sts.attacker.test";

/// How often it showed each of its certificates, and how often somebody asked for a policy all the same.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) shown: BTreeMap<&'static str, usize>,
    pub(crate) believed: usize,
}

/// A server that runs as long as the laboratory.
#[derive(Clone)]
pub(crate) struct Impostor {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

struct Costumes {
    authority: Arc<Authority>,
    key: KeyPair,
    seen: Arc<Mutex<Seen>>,
}

impl fmt::Debug for Costumes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Costumes")
    }
}

impl ResolvesServerCert for Costumes {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name()?;
        let shown = &mut self.seen.lock().unwrap().shown;
        let what = SHOWN[shown.values().sum::<usize>() % SHOWN.len()];
        *shown.entry(what).or_default() += 1;
        let issue = |name, kind| Some(self.authority.issue(name, &self.key, kind));
        match SHOWN.iter().position(|one| *one == what)? {
            0 => issue(host, Certificate::WrongName),
            1 => issue(host, Certificate::Expired),
            _ => issue(OTHER_POLICY_HOST, Certificate::Good),
        }
    }
}

impl Impostor {
    /// One that has this policy for everybody.
    pub(super) async fn open(authority: Arc<Authority>, policy: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let impostor = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let key = KeyPair::generate().unwrap();
        let costumes = Costumes { authority, key, seen: Arc::clone(&impostor.seen) };
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(costumes));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (acceptor, seen) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&impostor.seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    if read_request(&mut stream).await.is_none() {
                        return;
                    }
                    seen.lock().unwrap().believed += 1;
                    let _ = stream.write_all(&ok("text/plain", policy.as_bytes())).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        impostor
    }

    /// That each certificate was shown, and that nobody believed one.
    pub(crate) fn was_seen_and_not_believed(&self) {
        let seen = self.seen.lock().unwrap();
        for what in SHOWN {
            assert!(seen.shown.contains_key(what), "nobody was shown {what}: {seen:?}");
        }
        assert_eq!(seen.believed, 0, "{seen:?}");
    }
}
