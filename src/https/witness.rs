//! What was seen of policy hosts, for an explanation of why a fetch ended as it did. It decides nothing.

use super::Sighting;
use hyper::Response;
use hyper::body::Incoming;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// Notes what is seen, by host.
#[derive(Debug, Default)]
pub struct Witness(Mutex<HashMap<String, Sighting>>);

impl Witness {
    /// What was seen of a host since the last time that this was asked.
    #[must_use]
    pub fn take(&self, host: &str) -> Sighting {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(host).unwrap_or_default()
    }

    fn note(&self, host: &str, what: impl FnOnce(&mut Sighting)) {
        what(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(host.to_owned()).or_default());
    }

    /// The connection was taken.
    pub(super) fn connected(&self, host: &str, address: SocketAddr) {
        self.note(host, |sighting| sighting.address = Some(address));
    }

    /// These certificates were shown, in DER.
    pub(super) fn shown(&self, host: &str, chain: &[&[u8]]) {
        self.note(host, |sighting| sighting.chain = chain.iter().map(|der| der.to_vec()).collect());
    }

    /// The head of the reply is there.
    pub(super) fn replied(&self, host: &str, reply: &Response<Incoming>) {
        let line = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
        };
        self.note(host, |sighting| {
            sighting.status = Some(reply.status().as_u16());
            sighting.fields = reply.headers().iter().map(line).collect();
        });
    }
}
