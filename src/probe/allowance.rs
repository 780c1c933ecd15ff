//! A connection that ends when more has come over it than a mail server has reason to send.

use crate::limits::MAX_PROBE_OCTETS;
use crate::tapped::Tap;
use std::io;

/// Counts what is read, in clear text and in TLS records together, and fails every read behind
/// [`MAX_PROBE_OCTETS`] with [`io::ErrorKind::QuotaExceeded`], which nothing else on a socket brings.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    read: usize,
}

impl Tap for Allowance {
    fn before(&self) -> io::Result<()> {
        if self.read > MAX_PROBE_OCTETS {
            let why = format!("it sent more than {MAX_PROBE_OCTETS} octets");
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, why));
        }
        Ok(())
    }

    fn read(&mut self, octets: &[u8]) {
        self.read = self.read.saturating_add(octets.len());
    }
}
