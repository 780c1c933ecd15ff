//! What went wrong with a connection, told in the words of [`FailureKind`].

use super::failure::{Failure, FailureKind, Stage};
use crate::certificate::Certificate;
use std::io::{Error as IoError, ErrorKind};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved,
};

impl Failure {
    /// A failure of the connection itself.
    pub(super) fn of_io(at: Stage, error: &IoError) -> Self {
        let kind = match error.kind() {
            ErrorKind::ConnectionRefused => FailureKind::Refused,
            ErrorKind::TimedOut => FailureKind::TimedOut,
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable => {
                FailureKind::NoRoute
            }
            ErrorKind::QuotaExceeded => FailureKind::TooMuch,
            _ => FailureKind::Closed,
        };
        let why = match error.kind() {
            ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
            ErrorKind::QuotaExceeded => error.to_string(),
            ErrorKind::ConnectionRefused => "nobody listens there, or a firewall says so".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                format!("it broke the connection ({error})")
            }
            _ if kind == FailureKind::NoRoute => format!("this machine has no way there ({error})"),
            _ => error.to_string(),
        };
        Self::new(at, kind, why)
    }

    /// A failure of the handshake, in which `own` was the server's certificate.
    pub(super) fn of_handshake(error: &IoError, own: Option<&Certificate>) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let Some(inner) = inner else { return Self::of_io(Stage::Handshake, error) };
        let (kind, why) = of_tls(inner, own);
        Self::new(Stage::Handshake, kind, why)
    }
}

fn of_tls(error: &Error, own: Option<&Certificate>) -> (FailureKind, String) {
    let flaw = own.and_then(|certificate| certificate.says.as_ref()?.flaw());
    match error {
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            (FailureKind::OldTls, "it knows neither TLS 1.2 nor 1.3".to_owned())
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        )
        | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnusableCipherSuiteForVersion) => {
            (FailureKind::OldTls, "it chose a version before TLS 1.2".to_owned())
        }
        Error::AlertReceived(
            alert @ (AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity),
        ) => (FailureKind::NoCommonTls, format!("it ended the handshake with the alert {alert:?}")),
        Error::AlertReceived(alert) => {
            (FailureKind::Tls, format!("it ended the handshake with the alert {alert:?}"))
        }
        Error::PeerIncompatible(_) => (FailureKind::NoCommonTls, error.to_string()),
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        ) => (FailureKind::TooMuch, "a message of its handshake has more than 65,535 octets".to_owned()),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::InvalidEmptyPayload
            | InvalidMessage::MessageTooLarge,
        )
        | Error::PeerSentOversizedRecord
            if own.is_none() =>
        {
            (FailureKind::NotTls, format!("what it sends is not TLS: {error}"))
        }
        // The chain itself was only noted: what is refused here is the signature that proves the key.
        Error::InvalidCertificate(why) => match (flaw, why) {
            (Some(flaw), _) => {
                (FailureKind::BadCertificate, format!("the TLS library cannot use its certificate: {flaw}"))
            }
            (None, CertificateError::BadSignature) => (
                FailureKind::KeyNotProven,
                "it does not prove that it holds the key of its certificate".to_owned(),
            ),
            (None, why) => {
                (FailureKind::BadCertificate, format!("the TLS library cannot use its certificate: {why}"))
            }
        },
        Error::NoCertificatesPresented => {
            (FailureKind::BadCertificate, "it showed no certificate".to_owned())
        }
        _ => (FailureKind::Tls, error.to_string()),
    }
}
