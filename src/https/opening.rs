//! The first octets of what a server says inside TLS, kept for the case that nobody can read them.

use crate::tapped::Tap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is kept: the length, type and flags of a frame of HTTP/2, and the begin of its stream identifier (RFC 9113 section 4.1).
const KEPT: usize = 8;

/// The octets, the first one highest.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening {
    kept: Arc<AtomicU64>,
    seen: usize,
}

impl Opening {
    /// Whether it begins as a server of HTTP/2 has to (RFC 9113 section 3.4): with a SETTINGS frame, which is short.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.kept.load(Ordering::Relaxed).to_be_bytes(), [0, 0, _, 4, 0, 0, 0, 0])
    }
}

impl Tap for Opening {
    fn read(&mut self, octets: &[u8]) {
        let missing = KEPT.saturating_sub(self.seen);
        for octet in octets.iter().take(missing) {
            let kept = self.kept.load(Ordering::Relaxed);
            self.kept.store(kept << 8 | u64::from(*octet), Ordering::Relaxed);
        }
        self.seen = self.seen.saturating_add(octets.len());
    }
}
