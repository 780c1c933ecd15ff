//! What an answer was proven by: the signed RRsets that the chain of trust and the answer rest on, for people who ask why.
//!
//! Nothing is decided here or by it: [`super::walk`] writes it down while it decides. What is not needed is not in it:
//! where a zone has signed the answer itself, no proof that no other zone begins above it (RFC 4035 section 5.3.1).

use crate::time::UnixTime;
use crate::words::words;
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
    /// The name at which it was given; one that a wildcard answers for is not the one that was signed.
    pub owner: Name,
    /// The type of its records; `NSEC` or `NSEC3` where it denies something.
    pub rtype: RecordType,
    /// The one of its signatures that was verified, with a key that was proven before (RFC 4035 section 5.3).
    pub signature: Signature,
}

/// What a signed RRset proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The keys of a zone (RFC 4035 section 5.2).
    Keys,
    /// The chain of trust leads into the zone below (DS, RFC 4035 section 5.2).
    Delegation,
    /// The name is another one (CNAME, DNAME; RFC 6672).
    Alias,
    /// What was asked for.
    Data,
    /// Something is not there (NSEC, NSEC3).
    Denial(Denial),
}

/// What one NSEC or NSEC3 RRset says for the proof that something is not there; others may have to say the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What is not there.
    pub denied: Denied,
    /// The name at which it is not.
    pub name: Name,
    /// The type that was asked for there.
    pub rtype: RecordType,
    /// What this RRset says of the names on which the proof rests: the name itself, its closest encloser, the name next closer to it (RFC 5155
    /// section 1.3), the wildcard below the encloser.
    pub says: Vec<Statement>,
}

words! {
    /// What a zone denies.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Denied {
        /// A DS at the name: no chain of trust leads into the zone that begins there, or may begin there (RFC 4035 section
        /// 5.2; RFC 5155 sections 8.6 and 8.9).
        Delegation = "delegation",
        /// The name (RFC 4035 section 5.4; RFC 5155 section 8.4).
        Name = "name",
        /// The type at the name, which is there itself or by a wildcard (RFC 4035 section 5.4; RFC 5155 sections 8.5 to 8.7).
        Type = "type",
        /// The name or the type: which of the two is left open (opt-out, RFC 5155 section 9.2; RFC 9276 section 3.2).
        NameOrType = "name-or-type",
        /// A closer match than the wildcard that the answer was made from (RFC 4035 section 5.3.4; RFC 5155 section 8.8).
        CloserMatch = "closer-match",
    }
}

/// What an NSEC or NSEC3 RRset says about one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The name of which something is said; it need not exist.
    pub about: Name,
    /// What it is to the name in question.
    pub place: Place,
    /// Whether the name exists, as far as this RRset tells.
    pub word: Word,
}

words! {
    /// What a name is to the name in question (RFC 5155 section 1.3).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Place {
        /// The same.
        Itself = "itself",
        /// The longest existing one at or above it.
        ClosestEncloser = "closest-encloser",
        /// One label longer than the closest encloser.
        NextCloser = "next-closer",
        /// The wildcard at the closest encloser, from which an answer could have been made.
        Wildcard = "wildcard",
    }
}

words! {
    /// What an NSEC or NSEC3 RRset says about a name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Word {
        /// It matches: the name exists, with the types that the RRset lists.
        Matches = "matches",
        /// It covers: the name does not exist.
        Covers = "covers",
        /// It covers with the Opt-Out flag: nothing exists there but, perhaps, an unsigned delegation (RFC 5155 section 6).
        CoversWithOptOut = "covers-with-opt-out",
        /// Its next name lies below: the name exists, without any type (an empty non-terminal).
        LeadsBelow = "leads-below",
        /// Nothing that could be read: it has more iterations than are computed (RFC 9276 section 3.2).
        Uncounted = "uncounted",
    }
}

/// A signature (RRSIG, RFC 4034 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The zone that signed.
    pub signer: Name,
    /// The tag of the key that signed (RFC 4034 appendix B): a short sum, which several keys of a zone may share.
    pub key_tag: u16,
    /// The algorithm by its number in DNSSEC (RFC 4034 appendix A.1), such as 13 for ECDSA on P-256.
    pub algorithm: Algorithm,
    /// The labels of the name that was signed, a leading `*` not counted.
    pub labels: u8,
    /// From when it counts.
    pub inception: UnixTime,
    /// Until when it counts.
    pub expires: UnixTime,
}

impl Proof {
    /// The zone to which the chain of trust leads, whether its keys could be proven or not: in a proof without aliases
    /// the one in which it ends.
    #[must_use]
    pub fn zone(&self) -> Option<&Name> {
        let mut upwards = self.0.iter().rev();
        upwards
            .find(|ground| matches!(ground.role, Role::Keys | Role::Delegation))
            .map(|ground| &ground.owner)
    }
}

impl Ground {
    /// The wildcard from which the RRset was made, if it was (RFC 4034 section 3.1.3).
    #[must_use]
    pub fn wildcard(&self) -> Option<Name> {
        let labels = self.signature.labels;
        let is_expanded = labels < self.owner.num_labels();
        is_expanded.then(|| self.owner.trim_to(labels.into()).prepend_label("*").ok()).flatten()
    }
}

impl Role {
    /// The word for it, as every output spells it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Delegation => "delegation",
            Self::Alias => "alias",
            Self::Data => "data",
            Self::Denial(_) => "denial",
        }
    }
}
