//! Who may call itself the policy host: WebPKI decides, and its objection to a chain is translated into our words.

use super::witness::Witness;
use crate::causes;
use crate::certificate::Distrusted;
use std::sync::Arc;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

/// Judges certificates as WebPKI does, lets a witness see them before, and says why they are refused while the chain is
/// still at hand.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) webpki: Arc<WebPkiServerVerifier>,
    pub(super) witness: Option<Arc<Witness>>,
}

/// What the judge had against the server's certificates, if that ended the handshake.
pub(super) fn judgement_in(error: &Error) -> Option<&Distrusted> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(why))) => why.downcast_ref(),
        _ => None,
    }
}

/// The error that [`judgement_in`] reads again.
fn refusal(why: Distrusted) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<&[u8]> = std::iter::once(end_entity).chain(intermediates).map(AsRef::as_ref).collect();
        if let Some(witness) = &self.witness {
            witness.shown(&server_name.to_str(), &chain);
        }
        let verdict =
            self.webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verdict.map_err(|error| refusal(causes::of_certificates(&error, &chain)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.webpki.verify_tls12_signature(message, certificate, signed);
        verdict.map_err(|error| refusal(causes::of_proof(&error, certificate)))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.webpki.verify_tls13_signature(message, certificate, signed);
        verdict.map_err(|error| refusal(causes::of_proof(&error, certificate)))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
