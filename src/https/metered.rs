//! A connection that ends when more has come over it than a policy can need.

use crate::limits::{MAX_FETCH_OCTETS, MAX_INTERIM_REPLIES};
use crate::tapped::{Tap, Tapped};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a policy host has sent so far, seen from both ends: the wire, and the HTTP replies.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    octets: AtomicUsize,
    interim: AtomicUsize,
}

impl Traffic {
    /// One more interim reply has come.
    pub(super) fn interim_reply(&self) {
        self.interim.fetch_add(1, Ordering::Relaxed);
    }

    /// Which limit has been passed, in words.
    pub(super) fn excess(&self) -> Option<String> {
        if self.octets.load(Ordering::Relaxed) > MAX_FETCH_OCTETS {
            return Some(format!("more than {MAX_FETCH_OCTETS} octets"));
        }
        (self.interim.load(Ordering::Relaxed) > MAX_INTERIM_REPLIES)
            .then(|| format!("more than {MAX_INTERIM_REPLIES} interim replies"))
    }
}

/// Counts what is read, below TLS, and fails every read once a limit has been passed.
impl Tap for Arc<Traffic> {
    fn before(&self) -> io::Result<()> {
        self.excess().map_or(Ok(()), |excess| Err(io::Error::other(excess)))
    }

    fn read(&mut self, octets: &[u8]) {
        self.octets.fetch_add(octets.len(), Ordering::Relaxed);
    }
}

/// A connection whose traffic is counted.
pub(super) type Metered<S> = Tapped<S, Arc<Traffic>>;
