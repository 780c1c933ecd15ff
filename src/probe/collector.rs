//! A TLS client that takes down what the server shows instead of ending the handshake over it.
//!
//! That the server holds the key of its certificate is verified as ever; only the verdict about the certificate itself
//! is written down and not acted upon.

use super::path;
use crate::causes;
use crate::certificate::{Certificate, Distrust, Distrusted};
use crate::dane::der::PublicKey;
use crate::https::{BadRoots, Roots};
use crate::name::MxHost;
use crate::time::UnixTime as Moment;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What makes the clients.
#[derive(Debug)]
pub(super) struct Collector {
    provider: Arc<CryptoProvider>,
    webpki: Arc<WebPkiServerVerifier>,
    store: Arc<RootCertStore>,
}

/// What one server showed: its chain in DER, never empty, and what the web's authorities say of it.
pub(super) type ShownChain = (Vec<Vec<u8>>, Result<(), Distrusted>);

/// The notes of one handshake.
#[derive(Debug)]
pub(super) struct Notes {
    webpki: Arc<WebPkiServerVerifier>,
    store: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Whom the certificate has to be for (RFC 8461 section 4.1), whatever name the handshake asks for.
    mx: ServerName<'static>,
    seen: Mutex<Option<ShownChain>>,
}

impl Collector {
    /// Reads the authorities.
    ///
    /// # Errors
    /// [`BadRoots`] if there are none.
    pub(super) fn new(roots: &Roots) -> Result<Self, BadRoots> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let store = Arc::new(roots.load()?);
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::clone(&store), Arc::clone(&provider))
            .build()
            .map_err(|_| BadRoots::no_tls())?;
        Ok(Self { provider, webpki, store })
    }

    /// Who verifies signatures.
    pub(super) fn provider(&self) -> &CryptoProvider {
        &self.provider
    }

    /// A client for one handshake with the host `mx`, and its notes.
    ///
    /// # Errors
    /// If the TLS library is built without TLS 1.2 and 1.3.
    pub(super) fn session(&self, mx: ServerName<'static>) -> Result<(ClientConfig, Arc<Notes>), Error> {
        let algorithms = self.provider.signature_verification_algorithms;
        let (webpki, store) = (Arc::clone(&self.webpki), Arc::clone(&self.store));
        let notes = Arc::new(Notes { webpki, store, algorithms, mx, seen: Mutex::new(None) });
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
    /// The server's own certificate, if the handshake came to it.
    pub(super) fn own_certificate(&self) -> Option<Certificate> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().and_then(|(chain, _)| chain.first()).map(|der| Certificate::read(der))
    }

    /// Whether the server holds the key of a certificate that the library does not read: of version 1, or with extensions
    /// that it does not know. Senders with other libraries take such a one where a DANE-EE record names it.
    ///
    /// Only what kept the library from reading is passed over: the signature is verified by the same algorithms.
    fn proven_by_the_key_alone(
        &self,
        error: Error,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let is_unread = ParsedCertificate::try_from(certificate).is_err();
        let Some(PublicKey { algorithm, key }) = PublicKey::of(certificate).filter(|_| is_unread) else {
            return Err(error);
        };
        let schemes = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        let fits = |candidate: &&&dyn SignatureVerificationAlgorithm| {
            candidate.public_key_alg_id().as_ref() == algorithm
        };
        let mut candidates = schemes.flat_map(|(_, candidates)| candidates.iter()).filter(fits);
        match candidates.any(|one| one.verify_signature(key, message, signed.signature()).is_ok()) {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(error),
        }
    }

    /// What OpenSSL and GnuTLS make of a chain that begins with an authority's certificate.
    fn as_others_judge(&self, chain: &[&[u8]], now: UnixTime) -> Result<(), Distrusted> {
        let now = Moment(now.as_secs());
        path::leads_to(&self.store.roots, chain, now, self.algorithms.all)?;
        let own = chain.first().and_then(|der| Certificate::read(der).says);
        let (mx, other) = (MxHost::from_text(&self.mx.to_str()), Distrust::OtherName);
        match own {
            Some(own) if !own.is_named_in_subject && mx.is_ok_and(|mx| own.is_for(&[mx])) => Ok(()),
            Some(own) => Err(Distrusted { kind: other, why: own.for_whom_on_the_web() }),
            None => Err(Distrusted { kind: other, why: "it cannot be read".to_owned() }),
        }
    }

    /// What was seen; nothing if the handshake did not come to the certificate.
    pub(super) fn take(&self) -> Option<ShownChain> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Notes {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.webpki.verify_server_cert(end_entity, intermediates, &self.mx, ocsp_response, now);
        let chain: Vec<&[u8]> = std::iter::once(end_entity).chain(intermediates).map(AsRef::as_ref).collect();
        let webpki = match verdict {
            Err(error) if causes::is_about_an_authority(&error) => self.as_others_judge(&chain, now),
            verdict => verdict.map(drop).map_err(|error| causes::of_certificates(&error, &chain)),
        };
        let chain = chain.into_iter().map(<[u8]>::to_vec).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((chain, webpki));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls12_signature(message, certificate, signed);
        verified.or_else(|error| self.proven_by_the_key_alone(error, message, certificate, signed))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls13_signature(message, certificate, signed);
        verified.or_else(|error| self.proven_by_the_key_alone(error, message, certificate, signed))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
