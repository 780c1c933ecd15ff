//! What an answer was proven by: the signed RRsets that the chain of trust and the answer rest on, for people who ask why.
//!
//! Nothing is decided here or by it: [`super::walk`] writes it down while it decides.

use crate::time::UnixTime;
use hickory_proto::dnssec::Algorithm;
use hickory_proto::rr::{Name, RecordType};

/// The signed RRsets that an answer rests on, from the trust anchor down, in the order in which they were used. Up to
/// where it ended, for an answer that is insecure or bogus; empty where nothing was proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof(pub Vec<Ground>);

/// One RRset of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// What it was used for.
    pub role: Role,
    /// The name at which it stands.
    pub owner: Name,
    /// Its type.
    pub rtype: RecordType,
    /// The signature that proved it.
    pub signature: Signature,
}

/// What a signed RRset proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The keys of a zone (RFC 4035 section 5.2).
    Keys,
    /// The chain of trust leads into the zone below (DS, RFC 4035 section 5.2).
    Delegation,
    /// There is no DS: no chain of trust leads into the zone below (RFC 4035 section 5.2; RFC 5155 section 8.9).
    NoDelegation,
    /// The name is another one (CNAME, DNAME; RFC 6672).
    Alias,
    /// What was asked for.
    Data,
    /// The name is not there (RFC 4035 section 5.4; RFC 5155 section 8.4).
    NoName,
    /// The name is there without the type (RFC 4035 section 5.4; RFC 5155 section 8.5).
    NoType,
    /// No closer match than the wildcard that the answer was made from (RFC 4035 section 5.3.4; RFC 5155 section 8.8).
    NoCloserMatch,
}

/// A signature (RRSIG, RFC 4034 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The zone that signed.
    pub signer: Name,
    /// The tag of the key.
    pub key_tag: u16,
    /// How it signed.
    pub algorithm: Algorithm,
    /// From when it counts.
    pub inception: UnixTime,
    /// Until when it counts.
    pub expires: UnixTime,
}
