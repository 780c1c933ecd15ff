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
    for kind in [ErrorKind::Other, ErrorKind::InvalidData, ErrorKind::UnexpectedEof, ErrorKind::BrokenPipe] {
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
