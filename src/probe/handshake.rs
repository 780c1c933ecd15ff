//! What went wrong with a connection, in the words of [`FailureKind`].

use super::failure::{FailureKind, SessionFailure, Stage};
use crate::causes::{self, HandshakeFault};
use crate::certificate::Certificate;
use std::io::{Error as IoError, ErrorKind};
use tokio_rustls::rustls::Error;

impl SessionFailure {
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
            // Its words are our own.
            ErrorKind::QuotaExceeded => error.to_string(),
            ErrorKind::ConnectionRefused => "nobody listens there, or a firewall says so".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                format!("it broke the connection ({})", causes::of_io(error))
            }
            _ if kind == FailureKind::NoRoute => {
                format!("this machine has no way there ({})", causes::of_io(error))
            }
            _ => causes::of_io(error),
        };
        Self::new(at, kind, why)
    }

    /// A failure of the handshake, in which `own` was the server's certificate.
    pub(super) fn of_handshake(error: &IoError, own: Option<&Certificate>) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let Some(inner) = inner else { return Self::of_io(Stage::Handshake, error) };
        let (fault, why) = causes::of_handshake(inner, own);
        Self::new(Stage::Handshake, FailureKind::of(fault), why)
    }
}

impl FailureKind {
    const fn of(fault: HandshakeFault) -> Self {
        match fault {
            HandshakeFault::OldVersion => Self::OldTls,
            HandshakeFault::NothingInCommon => Self::NoCommonTls,
            HandshakeFault::NotTls => Self::NotTls,
            HandshakeFault::TooMuch => Self::TooMuch,
            HandshakeFault::UnusableCertificate => Self::BadCertificate,
            HandshakeFault::KeyNotProven => Self::KeyNotProven,
            HandshakeFault::OtherProtocol | HandshakeFault::Other => Self::Tls,
        }
    }
}
