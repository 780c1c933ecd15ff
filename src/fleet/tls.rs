//! TLS of the connection to the database: our own rustls, the one authority that was named, and the channel binding that SCRAM wants.

use super::trouble::Trouble;
use crate::causes;
use crate::config::{Fleet, Proof};
use crate::files;
use crate::https::Roots;
use crate::limits::{FLEET_REPLY_OCTETS, MAX_FLEET_KEY_OCTETS};
use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as Encrypted;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// What the server may still send for the statement that is under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// A new statement begins.
    pub(super) fn renew(&self) {
        self.0.store(FLEET_REPLY_OCTETS, Relaxed);
    }

    fn take(&self, octets: usize) -> io::Result<()> {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let taken = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(octets));
        taken.map(drop).map_err(|_| io::Error::other("it sends more than any answer has"))
    }
}

/// Opens TLS.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    allowance: Allowance,
}

impl Tls {
    /// Reads the files that the configuration names, as they are now.
    pub(super) fn of(fleet: &Fleet, allowance: Allowance) -> Result<Self, Trouble> {
        let unusable = |why: &dyn ToString| Trouble::Configuration(why.to_string());
        let roots = Roots::File(fleet.ca_file.clone()).load().map_err(|error| unusable(&error))?;
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let config = match &fleet.proof {
            Proof::Password(_) => builder.with_no_client_auth(),
            Proof::Certificate(certificate, key) => {
                let bad = |path: &Path, why: &str| {
                    Trouble::Configuration(format!("[fleet] {}: {why}", path.display()))
                };
                let chain =
                    CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<Vec<_>, _>>();
                let chain = chain.map_err(|error| bad(certificate, &causes::of_pem(&error)))?;
                let private = PrivateKeyDer::from_pem_slice(&read(key)?);
                let private = private.map_err(|error| bad(key, &causes::of_pem(&error)))?;
                builder.with_client_auth_cert(chain, private).map_err(|_| {
                    bad(key, "it is not the key of the certificate, or of a kind that is not known")
                })?
            }
        };
        Ok(Self { config: Arc::new(config), allowance })
    }
}

/// The octets of a file that is short.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let bad = |why: String| Trouble::Configuration(format!("[fleet] {}: {why}", path.display()));
    let read = files::read(path, MAX_FLEET_KEY_OCTETS).map_err(|error| bad(error.to_string()))?;
    read.ok_or_else(|| bad(format!("it has more than {MAX_FLEET_KEY_OCTETS} octets")))
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        let name = ServerName::try_from(domain.to_owned()).map_err(io::Error::other)?;
        Ok(Handshake { tls: self.clone(), name })
    }
}

/// One handshake with the server that has to have that name.
pub(super) struct Handshake {
    tls: Tls,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let Tls { config, allowance } = self.tls;
        let connecting = TlsConnector::from(config).connect(self.name, stream);
        Box::pin(async move {
            let encrypted = connecting.await?;
            Ok(Stream { encrypted, allowance })
        })
    }
}

/// What is said inside TLS.
pub(super) struct Stream<S> {
    encrypted: Encrypted<S>,
    allowance: Allowance,
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.encrypted).poll_read(context, buffer))?;
        Poll::Ready(self.allowance.take(buffer.filled().len().saturating_sub(before)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.encrypted).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.encrypted).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.encrypted).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, connection) = self.encrypted.get_ref();
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        let end_point = certificate.and_then(|certificate| end_point(certificate));
        end_point.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// The hash of the server's certificate by the algorithm of its signature (RFC 5929 section 4.1); `None` where the algorithm has none, as Ed25519.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = hash_of(&parsed.signature_algorithm.algorithm.to_id_string())?;
    Some(digest(algorithm, certificate).as_ref().to_vec())
}

/// By the object identifier of the signature; what was signed with MD5 or SHA-1 is hashed with SHA-256.
fn hash_of(signature: &str) -> Option<&'static Algorithm> {
    Some(match signature {
        // RSA and ECDSA with MD5, SHA-1 and SHA-256.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    #[test]
    fn the_channel_is_bound_by_the_hash_of_the_certificates_own_signature() {
        for (algorithm, octets) in
            [(&PKCS_ECDSA_P256_SHA256, Some(32)), (&PKCS_ECDSA_P384_SHA384, Some(48)), (&PKCS_ED25519, None)]
        {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate =
                CertificateParams::new(vec!["db.test".to_owned()]).unwrap().self_signed(&key).unwrap();
            let bound = end_point(certificate.der());
            assert_eq!(bound.map(|hash| hash.len()), octets);
        }
        assert_eq!(end_point(b"no certificate"), None);
    }

    #[test]
    fn a_server_may_send_so_much_and_no_more() {
        let allowance = Allowance::default();
        assert!(allowance.take(1).is_err(), "nothing was asked");
        allowance.renew();
        let most = usize::try_from(FLEET_REPLY_OCTETS).unwrap();
        assert!(allowance.take(most).is_ok() && allowance.take(1).is_err());
        allowance.renew();
        assert!(allowance.take(most + 1).is_err());
    }
}
