//! A TLS client that takes down what the server shows instead of ending the handshake over it.
//!
//! That the server holds the key of its certificate is verified as ever; only the verdict about the certificate itself
//! is written down and not acted upon.

use crate::https::{BadRoots, Roots};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// What makes the clients.
#[derive(Debug)]
pub(super) struct Collector {
    provider: Arc<CryptoProvider>,
    webpki: Arc<WebPkiServerVerifier>,
}

/// What one server showed: its chain, and what the web's authorities say of it.
type Seen = (Vec<Vec<u8>>, Result<(), String>);

/// The notes of one handshake.
#[derive(Debug)]
pub(super) struct Notes {
    webpki: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Seen>>,
}

impl Collector {
    /// Reads the authorities.
    ///
    /// # Errors
    /// [`BadRoots`] if there are none.
    pub(super) fn new(roots: &Roots) -> Result<Self, BadRoots> {
        let provider = Arc::new(ring::default_provider());
        let store = Arc::new(roots.load()?);
        let webpki = WebPkiServerVerifier::builder_with_provider(store, Arc::clone(&provider))
            .build()
            .map_err(|error| BadRoots::no_tls(&error))?;
        Ok(Self { provider, webpki })
    }

    /// A client for one handshake, and its notes.
    ///
    /// # Errors
    /// If the TLS library is built without TLS 1.2 and 1.3.
    pub(super) fn session(&self) -> Result<(ClientConfig, Arc<Notes>), Error> {
        let notes = Arc::new(Notes { webpki: Arc::clone(&self.webpki), seen: Mutex::new(None) });
        let verifier: Arc<dyn ServerCertVerifier> = Arc::<Notes>::clone(&notes);
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok((config, notes))
    }
}

impl Notes {
    /// What was seen; nothing without a handshake.
    pub(super) fn take(&self) -> Seen {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        seen.unwrap_or_else(|| (Vec::new(), Err("no certificate was shown".to_owned())))
    }
}

impl ServerCertVerifier for Notes {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
        let webpki = verdict.map(|_| ()).map_err(|error| error.to_string());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((chain, webpki));
        Ok(ServerCertVerified::assertion())
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
