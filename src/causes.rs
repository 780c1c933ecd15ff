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
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio_rustls::rustls::pki_types::UnixTime as Moment;
    use tokio_rustls::rustls::{ContentType, HandshakeType, OtherError};

    /// What shows that a library speaks to its own programmers.
    const DEBUG_TEXT: [&str; 6] = ["Other(", "Error(", " { ", "InvalidCertificate(", "Some(", "::"];

    fn is_for_people(words: &str, error: &dyn std::fmt::Debug) {
        assert!(words.len() > 10 && words.bytes().all(|b| (b' '..=b'~').contains(&b)), "{words}");
        let debug = format!("{error:?}");
        for text in DEBUG_TEXT {
            assert!(!words.contains(text), "{words} ({debug})");
        }
        // The innermost variant, by its name.
        for name in debug.split(|c: char| !c.is_alphanumeric()).filter(|name| name.len() > 12) {
            assert!(!words.contains(name), "{words} ({debug})");
        }
    }

    fn certificate_errors() -> Vec<CertificateError> {
        use CertificateError::*;
        let time = Moment::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let other =
            |text: &str| Other(OtherError(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(text))));
        let identifiers = [
            "CaUsedAsEndEntity",
            "EndEntityUsedAsCa",
            "PathLenConstraintViolated",
            "NameConstraintViolation",
            "MaximumSignatureChecksExceeded",
            "MaximumPathBuildCallsExceeded",
            "UnsupportedCertVersion",
            "SignatureAlgorithmMismatch",
            "MalformedExtensions",
            "TrailingData(Certificate)",
            "Error(Something { deep: 1 })",
        ];
        let mut errors = vec![
            BadEncoding,
            Expired,
            ExpiredContext { time, not_after: time },
            NotValidYet,
            NotValidYetContext { time, not_before: time },
            Revoked,
            UnhandledCriticalExtension,
            UnknownIssuer,
            UnknownRevocationStatus,
            ExpiredRevocationList,
            BadSignature,
            UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: vec![],
            },
            UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            NotValidForName,
            InvalidPurpose,
            InvalidOcspResponse,
            ApplicationVerificationFailure,
        ];
        errors.extend(identifiers.map(other));
        errors
    }

    fn errors() -> Vec<Error> {
        let alerts = (0..=255).map(|number| Error::AlertReceived(AlertDescription::from(number)));
        let certificates = certificate_errors().into_iter().map(Error::InvalidCertificate);
        let others = [
            Error::InappropriateMessage { expect_types: vec![], got_type: ContentType::Alert },
            Error::InappropriateHandshakeMessage { expect_types: vec![], got_type: HandshakeType::Finished },
            Error::InvalidMessage(InvalidMessage::MissingData("Certificate")),
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge),
            Error::InvalidMessage(InvalidMessage::UnsupportedCurveType),
            Error::NoCertificatesPresented,
            Error::UnsupportedNameType,
            Error::DecryptError,
            Error::EncryptError,
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
            Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedKxGroup),
            Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol),
            Error::PeerMisbehaved(PeerMisbehaved::DuplicateServerHelloExtensions),
            Error::General("a General(failure) { of: ours }".into()),
            Error::FailedToGetCurrentTime,
            Error::FailedToGetRandomBytes,
            Error::HandshakeNotComplete,
            Error::PeerSentOversizedRecord,
            Error::NoApplicationProtocol,
            Error::BadMaxFragmentSize,
            Error::Other(OtherError(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from("Other(x)")))),
        ];
        alerts.chain(certificates).chain(others).collect()
    }

    /// A certificate in DER.
    fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["mx.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "mx\u{1b}[31m.test");
        change(&mut params);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn no_error_of_a_library_is_told_in_its_own_words() {
        let plain = certificate(|_| {});
        let authority = certificate(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        let chains: [&[&[u8]]; 5] = [&[], &[b"none"], &[&plain], &[&authority], &[&plain, &authority]];
        for error in errors() {
            for chain in chains {
                let own = chain.first().map(|der| Certificate::read(der));
                is_for_people(&of_handshake(&error, own.as_ref()).1, &error);
                let told = of_certificates(&error, chain).why;
                is_for_people(&excerpt(&told, 1_000), &error);
                assert!(!told.contains('\u{1b}'), "{told}");
            }
        }
    }

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        for (number, name) in [
            (40, "handshake_failure"),
            (48, "unknown_ca"),
            (80, "internal_error"),
            (112, "unrecognized_name"),
            (115, "unknown_psk_identity"),
            (116, "certificate_required"),
            (200, "number 200"),
        ] {
            let (_, words) = of_handshake(&Error::AlertReceived(AlertDescription::from(number)), None);
            assert!(words.ends_with(name), "{words}");
        }
    }

    #[test]
    fn a_socket_is_told_of_in_the_words_of_the_system_or_ours() {
        let custom = |kind| io::Error::new(kind, Error::General("Other(OtherError)".into()));
        for kind in
            [ErrorKind::Other, ErrorKind::InvalidData, ErrorKind::UnexpectedEof, ErrorKind::BrokenPipe]
        {
            let words = of_io(&custom(kind));
            assert!(DEBUG_TEXT.iter().all(|text| !words.contains(text)), "{words}");
        }
        assert_eq!(of_io(&io::Error::from_raw_os_error(111)), "Connection refused (os error 111)");
        for error in [
            pem::Error::MissingSectionEnd { end_marker: vec![45; 5] },
            pem::Error::IllegalSectionStart { line: vec![45; 5] },
            pem::Error::Base64Decode("InvalidCharacter(61)".into()),
            pem::Error::NoItemsFound,
        ] {
            is_for_people(&of_pem(&error), &error);
        }
    }

    /// RFC 8461 section 3.3 and what `openssl verify` calls such chains.
    #[test]
    fn which_certificate_it_is_about_and_what_is_missing_is_said() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "R3");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(2021, 9, 30);
        let root = rcgen::Issuer::from_params(&params, &key);
        let mut own = CertificateParams::new(vec!["mx.test".to_owned()]).unwrap();
        own.distinguished_name.push(DnType::CommonName, "mx.test");
        let own = own.signed_by(&KeyPair::generate().unwrap(), &root).unwrap().der().to_vec();
        let issuer = params.self_signed(&key).unwrap().der().to_vec();
        let of = |error, chain: &[&[u8]]| of_certificates(&Error::InvalidCertificate(error), chain);
        let missing = of(CertificateError::UnknownIssuer, &[&own]);
        assert_eq!(missing.kind, Distrust::UnknownIssuer);
        assert!(missing.why.contains("'CN=R3'") && missing.why.contains("intermediate"), "{}", missing.why);
        let private = of(CertificateError::UnknownIssuer, &[&own, &issuer]);
        assert!(private.why.contains("ends at 'CN=R3', whom this machine does not trust"), "{}", private.why);
        let at = Moment::since_unix_epoch(Duration::from_secs(1_632_960_000)); // 2021-09-30
        let over = CertificateError::ExpiredContext { time: at, not_after: at };
        let over = of(over, &[&own, &issuer]);
        assert_eq!(over.kind, Distrust::Expired);
        assert!(over.why.contains("of 'CN=R3' that it sends along ended at 2021-09-30"), "{}", over.why);
    }
}
