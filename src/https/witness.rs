//! What was seen of policy hosts, for whoever wants to know why a fetch ended as it did. It decides nothing.

use super::Sighting;
use hyper::Response;
use hyper::body::Incoming;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// Notes what is seen, by host.
#[derive(Debug, Default)]
pub struct Witness(Mutex<HashMap<String, Sighting>>);

impl Witness {
    /// What was seen of a host since the last time that this was asked.
    #[must_use]
    pub fn take(&self, host: &str) -> Sighting {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(host).unwrap_or_default()
    }

    fn note(&self, host: &str, what: impl FnOnce(&mut Sighting)) {
        what(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(host.to_owned()).or_default());
    }

    /// The connection was taken.
    pub(super) fn connected(&self, host: &str, address: SocketAddr) {
        self.note(host, |sighting| sighting.address = Some(address));
    }

    /// The head of the reply is there.
    pub(super) fn replied(&self, host: &str, reply: &Response<Incoming>) {
        let line = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        self.note(host, |sighting| {
            sighting.status = Some(reply.status().as_u16());
            sighting.fields = reply.headers().iter().map(line).collect();
        });
    }
}

/// Judges certificates as WebPKI does, and lets a witness see them before: those that are refused, too.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) webpki: Arc<WebPkiServerVerifier>,
    pub(super) witness: Arc<Witness>,
}

impl ServerCertVerifier for Watched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
        self.witness.note(&server_name.to_str(), |sighting| sighting.chain = chain);
        self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
