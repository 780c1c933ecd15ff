//! What was seen of a policy host, as values. Pure.

use std::net::SocketAddr;

/// What was seen of a policy host in one fetch, as far as that went; all of it untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The address that took the connection.
    pub address: Option<SocketAddr>,
    /// Its certificates in DER, its own first, whether they were accepted or not.
    pub chain: Vec<Vec<u8>>,
    /// The status code of its reply (RFC 9110 section 15); `None` if no whole head came.
    pub status: Option<u16>,
    /// The header fields of its reply, as `name: value`.
    pub fields: Vec<String>,
}
