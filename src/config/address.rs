//! Where the daemon listens: a path, or a loopback address with a port. Pure.

use crate::text::excerpt;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A socket of the loopback interface.
    Tcp(Loopback),
    /// A UNIX socket at an absolute path.
    Unix(PathBuf),
}

/// An address of the loopback interface. Everybody on this machine may connect, and nobody else: there is no password, and
/// what is answered is this machine's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loopback(SocketAddr);

/// Why something is no place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAddress(String);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAddress {}

impl Loopback {
    /// The address and the port.
    #[must_use]
    pub const fn get(self) -> SocketAddr {
        self.0
    }
}

impl FromStr for Loopback {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let shown = excerpt(text, 64);
        let address: SocketAddr = text
            .parse()
            .map_err(|_| BadAddress(format!("'{shown}' is not ADDR:PORT ([ADDR]:PORT for IPv6)")))?;
        if !address.ip().is_loopback() {
            return Err(BadAddress(format!(
                "'{shown}' is not on the loopback interface (127.0.0.1 or [::1]); who has no business with the answers could \
                 ask there"
            )));
        }
        Ok(Self(address))
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if text.starts_with('/') {
            return Ok(Self::Unix(PathBuf::from(text)));
        }
        if !text.contains(':') {
            let shown = excerpt(text, 64);
            return Err(BadAddress(format!("'{shown}' is neither a path that begins with / nor ADDR:PORT")));
        }
        text.parse().map(Self::Tcp)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{}", address.0),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash_and_anything_else_is_a_loopback_address() {
        for (text, expected) in [
            ("/run/smtp-sts-verify/exim.sock", "/run/smtp-sts-verify/exim.sock"),
            ("127.0.0.1:8461", "127.0.0.1:8461"),
            ("[::1]:8461", "[::1]:8461"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_neither_is_refused_by_name() {
        for (text, why) in [
            ("run/exim.sock", "neither a path that begins with / nor ADDR:PORT"),
            ("127.0.0.1", "neither a path that begins with / nor ADDR:PORT"),
            ("", "neither a path that begins with / nor ADDR:PORT"),
            ("localhost:8461", "not ADDR:PORT"),
            ("0.0.0.0:8461", "not on the loopback interface"),
            ("192.0.2.1:8461", "not on the loopback interface"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
