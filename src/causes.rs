//! What libraries report of TLS, certificates, HTTP and sockets, in words of ours: the one place where their errors are read.
//!
//! A library tells programmers what went wrong, often by the name of a variant. Whoever runs a mail server is told what the
//! other side did; a library's own text is shown nowhere. Only the system's words for a socket's error pass as they are.

use crate::certificate::{Certificate, Distrust, Distrusted, Flaw, Says};
use crate::text::excerpt;
use crate::time::UnixTime;
use std::error::Error as _;
use std::io::{self, ErrorKind};
use tokio_rustls::rustls::pki_types::pem;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved,
};

/// Characters of a name in a certificate that are shown.
const NAME_SHOWN: usize = 80;

/// How the library calls a server's certificate that is an authority's.
const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// How a TLS handshake failed, certificates aside that are only not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandshakeFault {
    /// The server knows no version that we know.
    OldVersion,
    /// Nothing in common otherwise: suites, groups, signatures.
    NothingInCommon,
    /// The server wants to speak something else than HTTP/1.1 inside.
    OtherProtocol,
    /// What came is not TLS.
    NotTls,
    /// A message has more octets than any needs.
    TooMuch,
    /// Our library cannot use the certificate.
    UnusableCertificate,
    /// The server does not prove that it holds the key of its certificate.
    KeyNotProven,
    /// Another way.
    Other,
}

/// What a handshake failed of, in which `own` was the server's certificate.
pub(crate) fn of_handshake(error: &Error, own: Option<&Certificate>) -> (HandshakeFault, String) {
    use HandshakeFault::{
        KeyNotProven, NotTls, NothingInCommon, OldVersion, Other, OtherProtocol, TooMuch, UnusableCertificate,
    };
    let says = |fault, words: &str| (fault, words.to_owned());
    match error {
        Error::AlertReceived(alert) => {
            let fault = match alert {
                AlertDescription::ProtocolVersion => {
                    return says(OldVersion, "it knows neither TLS 1.2 nor 1.3");
                }
                AlertDescription::NoApplicationProtocol => {
                    return says(OtherProtocol, "it does not speak HTTP/1.1, but perhaps HTTP/2 alone");
                }
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
                    NothingInCommon
                }
                _ => Other,
            };
            (fault, format!("it ended the handshake with the alert {}", alert_name(*alert)))
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        )
        | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnusableCipherSuiteForVersion) => {
            says(OldVersion, "it chose a version before TLS 1.2")
        }
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            says(OtherProtocol, "it chose another protocol than HTTP/1.1")
        }
        // A group, a point or a signature that was not offered: the server has nothing else.
        Error::PeerIncompatible(_)
        | Error::PeerMisbehaved(
            PeerMisbehaved::SelectedUnofferedKxGroup
            | PeerMisbehaved::SelectedUnofferedCipherSuite
            | PeerMisbehaved::SignedKxWithWrongAlgorithm
            | PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme,
        )
        | Error::InvalidMessage(
            InvalidMessage::UnsupportedCurveType | InvalidMessage::UnsupportedKeyExchangeAlgorithm(_),
        ) => says(NothingInCommon, "it wants a cipher suite, group or signature that was not offered"),
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        ) => says(TooMuch, "a message of its handshake has more than 65,535 octets"),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::InvalidEmptyPayload
            | InvalidMessage::MessageTooLarge,
        )
        | Error::PeerSentOversizedRecord
            if own.is_none() =>
        {
            says(NotTls, "what it sends is not TLS")
        }
        // Chains are judged elsewhere: what is refused here is the signature that proves the key.
        Error::InvalidCertificate(why) => match (own.and_then(|own| own.says.as_ref()?.flaw()), why) {
            (Some(flaw), _) => (UnusableCertificate, format!("its certificate {flaw}")),
            (None, CertificateError::BadSignature) => {
                says(KeyNotProven, "it does not prove that it holds the key of its certificate")
            }
            (None, _) => says(UnusableCertificate, "our TLS library cannot read its certificate"),
        },
        Error::NoCertificatesPresented => says(UnusableCertificate, "it showed no certificate"),
        Error::DecryptError => {
            says(Other, "what it sends cannot be decrypted: something changed it on its way")
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            says(Other, "it sent a message of TLS where another one belongs")
        }
        Error::InvalidMessage(_) | Error::PeerSentOversizedRecord => {
            says(Other, "a message of its handshake is malformed")
        }
        Error::PeerMisbehaved(_) => says(Other, "it breaks the rules of TLS"),
        Error::FailedToGetCurrentTime | Error::FailedToGetRandomBytes | Error::EncryptError => {
            says(Other, "this machine has no clock or no random numbers for TLS")
        }
        _ => says(Other, "our TLS library gave up, and does not say why"),
    }
}

/// The name of an alert as RFC 8446 section 6 writes it.
fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnrecognisedName => return "unrecognized_name".to_owned(),
        AlertDescription::UnknownPSKIdentity => return "unknown_psk_identity".to_owned(),
        _ => {}
    }
    let Some(name) = alert.as_str() else { return format!("number {}", u8::from(alert)) };
    let mut words = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            words.push('_');
        }
        was_lower = c.is_ascii_lowercase();
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// Why a chain is not believed; its certificates in DER, the server's own first.
pub(crate) fn of_certificates(error: &Error, chain: &[&[u8]]) -> Distrusted {
    let read: Vec<Option<Says>> = chain.iter().map(|der| Certificate::read(der).says).collect();
    let Error::InvalidCertificate(error) = error else {
        let (_, why) = of_handshake(error, None);
        return Distrusted { kind: Distrust::Other, why };
    };
    let own = read.first().and_then(Option::as_ref);
    let (kind, why) = match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            let end = UnixTime(not_after.as_secs());
            let over = read.iter().position(|says| says.as_ref().is_some_and(|says| says.not_after == end));
            (Distrust::Expired, format!("{} ended at {end}", who(over, &read)))
        }
        CertificateError::Expired => {
            (Distrust::Expired, "the end of a certificate is before its beginning".to_owned())
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            let begin = UnixTime(not_before.as_secs());
            let early =
                read.iter().position(|says| says.as_ref().is_some_and(|says| says.not_before == begin));
            (Distrust::NotYetValid, format!("{} begins at {begin}", who(early, &read)))
        }
        CertificateError::NotValidYet => (Distrust::NotYetValid, "a certificate has not begun".to_owned()),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names = own.map_or_else(|| "it is for other names".to_owned(), Says::for_whom_on_the_web);
            (Distrust::OtherName, names)
        }
        CertificateError::UnknownIssuer => unknown_issuer(&read),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            Distrust::WrongPurpose,
            "a certificate is not for TLS servers (its extended key usage has no id-kp-serverAuth)"
                .to_owned(),
        ),
        CertificateError::Revoked => (Distrust::Other, "it is revoked".to_owned()),
        CertificateError::Other(other) => other_reason(&other.0.to_string(), &read),
        error => match flaw(&read) {
            Some((who, flaw)) => (flaw.kind, format!("{who} {flaw}")),
            None => unflawed(error),
        },
    };
    Distrusted { kind, why }
}

/// Why the server's signature does not prove that it holds the key of `certificate`.
pub(crate) fn of_proof(error: &Error, certificate: &[u8]) -> Distrusted {
    let (fault, why) = of_handshake(error, Some(&Certificate::read(certificate)));
    let kind = match fault {
        HandshakeFault::UnusableCertificate => Distrust::Unsupported,
        HandshakeFault::KeyNotProven => Distrust::BadSignature,
        _ => Distrust::Other,
    };
    Distrusted { kind, why }
}

/// Whether the library stops at a server's certificate that is an authority's (CA:TRUE), where other libraries go on.
pub(crate) fn is_about_an_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(why)) if why.0.to_string() == CA_AS_SERVER)
}

/// What is wrong where no certificate shows why.
#[expect(deprecated, reason = "the library may still report it")]
fn unflawed(error: &CertificateError) -> (Distrust, String) {
    let (kind, why) = match error {
        CertificateError::BadSignature => (
            Distrust::BadSignature,
            "a signature in its chain is wrong: what it sends along is not its issuer's",
        ),
        CertificateError::BadEncoding => (Distrust::Malformed, "a certificate of its chain is malformed"),
        CertificateError::UnhandledCriticalExtension => (
            Distrust::Unsupported,
            "a certificate of its chain has a critical extension that our TLS library does not know",
        ),
        CertificateError::UnsupportedSignatureAlgorithm
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            Distrust::Unsupported,
            "a certificate of its chain is signed by an algorithm that our TLS library does not know; OpenSSL and GnuTLS may",
        ),
        _ => (Distrust::Other, "our TLS library does not believe its chain, and does not say why"),
    };
    (kind, why.to_owned())
}

/// What the library has no word of its own for; it names it by an identifier.
fn other_reason(identifier: &str, read: &[Option<Says>]) -> (Distrust, String) {
    let own = read.first().and_then(Option::as_ref);
    if identifier == CA_AS_SERVER {
        return match own {
            Some(own) if own.is_its_own_issuer() => (
                Distrust::SelfSigned,
                "it is signed by itself, and is an authority's (CA:TRUE), not a server's".to_owned(),
            ),
            _ => (
                Distrust::WrongPurpose,
                "it is an authority's (CA:TRUE), not a server's: our TLS library takes no such one, OpenSSL and GnuTLS do"
                    .to_owned(),
            ),
        };
    }
    let is_malformed =
        ["Malformed", "Trailing", "Invalid", "BadDer", "ExtensionValue", "SignatureAlgorithmMismatch"];
    if let Some((who, flaw)) = flaw(read) {
        return (flaw.kind, format!("{who} {flaw}"));
    }
    let (kind, why) = match identifier {
        "EndEntityUsedAsCa" => {
            (Distrust::Other, "a certificate that is no authority's has issued one of its chain")
        }
        "PathLenConstraintViolated" => (
            Distrust::WrongPurpose,
            "more authorities stand in its chain than one of them lets stand below it",
        ),
        "NameConstraintViolation" => {
            (Distrust::Other, "an authority of its chain may not issue certificates for such names")
        }
        name if name.starts_with("Maximum") => {
            (Distrust::Other, "so many certificates could have issued one another that nobody tries them all")
        }
        name if is_malformed.iter().any(|word| name.starts_with(word)) => {
            (Distrust::Malformed, "a certificate of its chain is malformed")
        }
        _ => (Distrust::Other, "our TLS library does not believe its chain, and does not say why"),
    };
    (kind, why.to_owned())
}

/// The first certificate with a flaw, by who it is.
fn flaw(read: &[Option<Says>]) -> Option<(String, Flaw)> {
    let flaws = read.iter().enumerate().filter_map(|(at, says)| Some((at, says.as_ref()?.flaw()?)));
    flaws.map(|(at, flaw)| (who(Some(at), read), flaw)).next()
}

/// What a sentence about a certificate of the chain begins with.
fn who(at: Option<usize>, read: &[Option<Says>]) -> String {
    match at.and_then(|at| Some((at, read.get(at)?.as_ref()?))) {
        Some((0, _)) => "it".to_owned(),
        Some((_, says)) => format!("the certificate of {} that it sends along", quoted(&says.subject)),
        None => "a certificate of its chain".to_owned(),
    }
}

fn quoted(name: &str) -> String {
    format!("'{}'", excerpt(name, NAME_SHOWN))
}

/// Nobody who is trusted stands at the end of the chain: where it ends says what to do.
fn unknown_issuer(read: &[Option<Says>]) -> (Distrust, String) {
    let mut rest: Vec<&Says> = read.iter().flatten().collect();
    if rest.is_empty() {
        return (Distrust::UnknownIssuer, "nobody whom this machine trusts has issued it".to_owned());
    }
    let mut last = rest.remove(0);
    if last.is_its_own_issuer() {
        return (Distrust::SelfSigned, "it is signed by itself".to_owned());
    }
    while !last.is_its_own_issuer()
        && let Some(at) = rest.iter().position(|says| says.subject == last.issuer)
    {
        last = rest.remove(at);
    }
    let issuer = quoted(&last.issuer);
    let why = if last.is_its_own_issuer() {
        format!("its chain ends at {issuer}, whom this machine does not trust")
    } else {
        format!(
            "nobody whom this machine trusts has issued it: its chain ends at {issuer}, who is neither sent along nor \
             known here; often an intermediate certificate is missing"
        )
    };
    (Distrust::UnknownIssuer, why)
}

/// What became of a socket. A library's error within is told by who wraps it.
pub(crate) fn of_io(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => "what it sends is malformed".to_owned(),
        _ => match error.raw_os_error() {
            Some(_) => error.to_string(),
            None => error.kind().to_string(),
        },
    }
}

/// What became of an HTTP exchange that broke off, or why its reply is no HTTP/1.1.
pub(crate) fn of_http(error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return "it closed the connection before the end of its reply".to_owned();
    }
    if error.is_parse_too_large() {
        return "the head of its reply is too large".to_owned();
    }
    if error.is_parse_status() {
        return "its status is no HTTP/1.1 status".to_owned();
    }
    if error.is_parse() {
        return "the head of its reply is not HTTP/1.1".to_owned();
    }
    match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
        Some(cause) if matches!(cause.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
            "its body is badly framed".to_owned()
        }
        Some(cause) => match cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(tls) => of_handshake(tls, None).1,
            None => of_io(cause),
        },
        None => "the connection broke".to_owned(),
    }
}

/// Why a file of certificates cannot be read.
pub(crate) fn of_pem(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a block has no '-----END CERTIFICATE-----'".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "a line that begins a block is malformed".to_owned(),
        pem::Error::Base64Decode(_) => "a block is not base64".to_owned(),
        pem::Error::Io(error) => of_io(error),
        _ => "it has no block that can be read".to_owned(),
    }
}

#[cfg(test)]
mod tests;
