//! An MX host of the laboratory: SMTP as far as STARTTLS, under whatever name it is asked for.

use super::policy_host::Authority;
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It offers STARTTLS and shows a certificate of the laboratory's CA for the name it is asked for.
    Certified,
    /// The same without the CA.
    SelfSigned,
    /// It offers no STARTTLS.
    Plain,
    /// It sends a line without an end.
    Endless,
}

/// One port for all MX hosts; it closes with the value.
pub(crate) struct MailHost {
    port: u16,
    public_key: Vec<u8>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl MailHost {
    /// Opens on loopback.
    pub(crate) fn open(authority: Arc<Authority>, manner: Manner) -> Self {
        let key = KeyPair::generate().unwrap();
        let public_key = key.subject_public_key_info();
        let (stop, stopped) = oneshot::channel();
        let (ready, opened) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                ready.send(listener.local_addr().unwrap().port()).unwrap();
                tokio::spawn(serve(listener, Wardrobe { authority, key, manner }));
                let _ = stopped.await;
            });
        });
        Self { port: opened.recv().unwrap(), public_key, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The data of the TLSA record that fits its key.
    pub(crate) fn tlsa(&self) -> String {
        let digest = digest(&SHA256, &self.public_key);
        let hex: String = digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("3 1 1 {hex}")
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

/// One key, and a certificate for each name.
struct Wardrobe {
    authority: Arc<Authority>,
    key: KeyPair,
    manner: Manner,
}

impl fmt::Debug for Wardrobe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wardrobe")
    }
}

impl ResolvesServerCert for Wardrobe {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let params = CertificateParams::new(vec![hello.server_name()?.to_owned()]).unwrap();
        let certificate = match self.manner {
            Manner::SelfSigned => params.self_signed(&self.key),
            _ => params.signed_by(&self.key, self.authority.issuer()),
        };
        let chain = vec![certificate.unwrap().der().clone()];
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        Some(Arc::new(CertifiedKey::from_der(chain, secret, &default_provider()).unwrap()))
    }
}

async fn serve(listener: TcpListener, wardrobe: Wardrobe) {
    let manner = wardrobe.manner;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(wardrobe));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Some(stream) = greet(BufStream::new(stream), manner).await
                && let Ok(mut stream) = acceptor.accept(stream).await
            {
                let _ = stream.shutdown().await;
            }
        });
    }
}

/// The connection, once it is to become TLS.
async fn greet(mut stream: BufStream<TcpStream>, manner: Manner) -> Option<TcpStream> {
    if manner == Manner::Endless {
        while stream.write_all(&[b'x'; 1_024]).await.is_ok() {}
        return None;
    }
    say(&mut stream, "220-mx.test\r\n220 ESMTP").await?;
    loop {
        let mut command = String::new();
        if stream.read_line(&mut command).await.ok()? == 0 {
            return None;
        }
        match (command.trim_end(), manner) {
            ("STARTTLS", Manner::Certified | Manner::SelfSigned) => {
                say(&mut stream, "220 go ahead").await?;
                return Some(stream.into_inner());
            }
            (ehlo, Manner::Plain) if ehlo.starts_with("EHLO ") => {
                say(&mut stream, "250-mx.test\r\n250 SIZE").await?
            }
            (ehlo, _) if ehlo.starts_with("EHLO ") => say(&mut stream, "250-mx.test\r\n250 STARTTLS").await?,
            _ => say(&mut stream, "502 no").await?,
        }
    }
}

async fn say(stream: &mut BufStream<TcpStream>, reply: &str) -> Option<()> {
    stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}
