//! A report, handed to the web server that a domain names for it (RFC 8460 section 5.4): one POST, and the status of its reply.
//!
//! The way there is that of a policy fetch, with its rules for addresses. But the certificate is told, and not obeyed (section 3: "MAY
//! ignore"): a domain whose certificate has expired is to hear that TLS fails. No more is read of the reply than its head.

use super::exchange::{Handed, hand_over};
use super::fetcher::webpki;
use super::judge::Judge;
use super::{BadRoots, FetchError, HttpsFetcher, HttpsSettings, Patience, PolicyUrl, Roots, SharedTls};
use crate::causes;
use crate::dns::Resolve;
use crate::text::excerpt;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// Characters of what is told.
const SHOWN: usize = 160;

/// Hands reports to web servers, with names resolved by whoever is given.
#[derive(Debug)]
pub struct Poster {
    settings: HttpsSettings,
    webpki: OnceLock<Arc<WebPkiServerVerifier>>,
}

/// A reply came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its status code (RFC 9110 section 15): of 200 to 299 the report was taken.
    pub status: u16,
    /// What is wrong with the server's certificate.
    pub certificate: Option<String>,
}

/// No reply came.
#[derive(Clone, Debug, PartialEq)]
pub enum NotPosted {
    /// This machine has no certificates to judge by.
    NoRoots(BadRoots),
    /// The server's addresses lie where no public server can be: nothing was connected to.
    NoPublicAddress(String),
    /// Anything else: it may be over soon.
    Failed(String),
}

impl fmt::Display for NotPosted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoots(roots) => roots.fmt(f),
            Self::NoPublicAddress(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for NotPosted {}

impl Poster {
    /// A poster with these settings, but for their time limits.
    #[must_use]
    pub const fn new(settings: HttpsSettings) -> Self {
        Self { settings, webpki: OnceLock::new() }
    }

    /// Hands over those octets, and waits so long for the reply; what becomes of them is for whoever reads the status.
    ///
    /// # Errors
    /// [`NotPosted`].
    pub async fn post(
        &self,
        resolver: &impl Resolve,
        url: &PolicyUrl,
        media: &'static str,
        octets: Vec<u8>,
        patience: Duration,
    ) -> Result<Posted, NotPosted> {
        let objection = Arc::new(OnceLock::new());
        let judge = Judge { webpki: self.webpki(&self.settings.roots)?, witness: None };
        let teller = ObjectionRecorder { judge, objection: Arc::clone(&objection) };
        let tls = SharedTls::judged_by(Arc::new(teller)).map_err(NotPosted::NoRoots)?;
        let (settings, port) = (self.settings.clone(), self.settings.port);
        let whole = Patience { handshake: patience, head: patience, whole: patience, ..settings.patience };
        let settings = HttpsSettings { patience: whole, ..settings };
        let fetcher = HttpsFetcher::new(resolver, settings, Instant::now() + patience).sharing(&tls);
        let (stream, traffic, peer) = fetcher.reach(url).await.map_err(|error| told(&error))?;
        let handed = Handed { url, port, media, octets, patience };
        let status = hand_over(stream, traffic, &peer, handed).await.map_err(|error| told(&error))?;
        Ok(Posted { status, certificate: objection.get().cloned() })
    }

    fn webpki(&self, roots: &Roots) -> Result<Arc<WebPkiServerVerifier>, NotPosted> {
        if let Some(made) = self.webpki.get() {
            return Ok(Arc::clone(made));
        }
        let made = webpki(roots).map_err(NotPosted::NoRoots)?;
        Ok(Arc::clone(self.webpki.get_or_init(|| made)))
    }
}

/// A failure in the words of whoever sends a report.
fn told(error: &FetchError) -> NotPosted {
    match error {
        FetchError::NoRoots(roots) => NotPosted::NoRoots(roots.clone()),
        FetchError::AddressRefused { address, range, .. } => NotPosted::NoPublicAddress(format!(
            "its address {address} ({range}) is none of the public Internet"
        )),
        FetchError::NoAddress { .. } => NotPosted::Failed("it has no address".to_owned()),
        FetchError::Bogus { why, .. } => {
            NotPosted::Failed(format!("its addresses are bogus: {}", excerpt(why, SHOWN)))
        }
        FetchError::Unresolved { why, .. } => {
            NotPosted::Failed(format!("its addresses could not be learnt: {}", excerpt(why, SHOWN)))
        }
        FetchError::OutOfResources { step, why, .. } => NotPosted::Failed(format!(
            "this machine has nothing left for it, while {step}: {}",
            excerpt(why, SHOWN)
        )),
        FetchError::Interrupted { address, step, why, .. } => {
            NotPosted::Failed(format!("{address} failed while {step}: {}", excerpt(why, SHOWN)))
        }
        FetchError::TimedOut { address, step, .. } => {
            let at = address.map(|address| format!("{address} ")).unwrap_or_default();
            NotPosted::Failed(format!("{at}was given up while {step}"))
        }
        FetchError::Tls { address, why, .. } | FetchError::Certificate { address, why, .. } => {
            NotPosted::Failed(format!("no TLS came about with {address}: {}", excerpt(why, SHOWN)))
        }
        FetchError::Malformed { why, .. } => {
            NotPosted::Failed(format!("it sent no usable HTTP/1.1 reply: {}", excerpt(why, SHOWN)))
        }
        FetchError::TooLarge { what, .. } => NotPosted::Failed(format!("it sent {}", excerpt(what, SHOWN))),
        other => NotPosted::Failed(other.to_string()),
    }
}

/// Takes down what WebPKI has against a certificate, and goes on.
#[derive(Debug)]
struct ObjectionRecorder {
    judge: Judge,
    objection: Arc<OnceLock<String>>,
}

impl ObjectionRecorder {
    fn tell<T>(&self, verdict: Result<T, Error>, all_the_same: impl FnOnce() -> T) -> T {
        verdict.unwrap_or_else(|error| {
            let why = super::judge::judgement_in(&error)
                .map_or_else(|| causes::of_handshake(&error, None).1, ToString::to_string);
            // The first objection is the one that counts.
            let _ = self.objection.set(excerpt(&why, SHOWN));
            all_the_same()
        })
    }
}

impl ServerCertVerifier for ObjectionRecorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        Ok(self.tell(verdict, ServerCertVerified::assertion))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.judge.verify_tls12_signature(message, certificate, signed);
        Ok(self.tell(verdict, HandshakeSignatureValid::assertion))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.judge.verify_tls13_signature(message, certificate, signed);
        Ok(self.tell(verdict, HandshakeSignatureValid::assertion))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
