//! What is at one name on the way down from the trust anchor, and what of it holds for other look-ups, too.

use super::basis::Insecurity;
use super::proof::{Ground, Proof, Role, Statement};
use super::replies::Stop;
use super::signature::{Zone, ZoneKey};
use hickory_proto::dnssec::PublicKey;
use hickory_proto::rr::Name;
use std::sync::Arc;

/// What is at one name on the way down.
#[derive(Clone, Debug)]
pub(super) enum Cut {
    /// A zone begins, and the chain leads into it.
    Signed(Arc<Zone>),
    /// None: the zone goes on.
    None,
    /// None, nor at any name below.
    NothingBelow,
    /// An insecure zone begins, or may begin.
    Insecure(Arc<Insecurity>),
    /// The zone cannot deny (NSEC3 iterations).
    Unproven(Arc<Insecurity>),
    /// A zone was proven to begin here, and its keys cannot be learnt.
    Broken(Stop, Proof),
    /// Neither a signed DS nor a proof that there is none.
    Doubtful(Stop),
}

/// What an allocation takes beside what it is for, and the two counters of an `Arc`.
pub(super) const ALLOCATION: usize = 16;

impl Cut {
    /// Octets that it takes in memory beyond its own place: all that it leads to, room for more included.
    pub(super) fn octets(&self) -> usize {
        match self {
            Self::Signed(zone) => {
                let public = |key: &ZoneKey| ALLOCATION + key.key.public_key().public_bytes().len();
                let keys =
                    zone.keys.capacity() * size_of::<ZoneKey>() + zone.keys.iter().map(public).sum::<usize>();
                3 * ALLOCATION + size_of::<Zone>() + beside(&zone.name) + keys + octets_of(&zone.basis.proof)
            }
            Self::Insecure(insecurity) | Self::Unproven(insecurity) => {
                let Insecurity { why, basis } = &**insecurity;
                3 * ALLOCATION + size_of::<Insecurity>() + why.capacity() + octets_of(&basis.proof)
            }
            Self::Broken(_, proof) => octets_of(proof),
            Self::None | Self::NothingBelow | Self::Doubtful(_) => 0,
        }
    }
}

/// Octets of a name that has no room in its own place.
pub(super) fn beside(name: &Name) -> usize {
    const OWN_PLACE: usize = 32;
    // What was read may have grown by doubling.
    if name.len() > OWN_PLACE { 2 * (ALLOCATION + name.len()) } else { 0 }
}

fn octets_of(proof: &Proof) -> usize {
    let said = |ground: &Ground| match &ground.role {
        Role::Denial(denial) => {
            let about: usize = denial.says.iter().map(|statement| beside(&statement.about)).sum();
            ALLOCATION + denial.says.capacity() * size_of::<Statement>() + beside(&denial.name) + about
        }
        Role::Keys | Role::Delegation | Role::Alias | Role::Data => 0,
    };
    let beside_it = |ground: &Ground| beside(&ground.owner) + beside(&ground.signature.signer) + said(ground);
    ALLOCATION + proof.0.capacity() * size_of::<Ground>() + proof.0.iter().map(beside_it).sum::<usize>()
}

#[cfg(test)]
mod tests;
