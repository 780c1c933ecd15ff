//! What is at one name on the way down from the trust anchor, and what of it holds for other look-ups, too.

use super::basis::Insecurity;
use super::proof::{Ground, Proof, Role, Statement};
use super::replies::Stop;
use super::signature::{Zone, ZoneKey};
use hickory_proto::dnssec::PublicKey;
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

impl Cut {
    /// Octets that it takes in memory, about.
    pub(super) fn octets(&self) -> usize {
        let proof = match self {
            Self::Signed(zone) => {
                let key = |key: &ZoneKey| size_of::<ZoneKey>() + key.key.public_key().public_bytes().len();
                let keys: usize = zone.keys.iter().map(key).sum();
                return size_of::<Zone>() + keys + octets_of(&zone.basis.proof);
            }
            Self::Insecure(insecurity) | Self::Unproven(insecurity) => &insecurity.basis.proof,
            Self::Broken(_, proof) => proof,
            Self::None | Self::NothingBelow | Self::Doubtful(_) => return 0,
        };
        size_of::<Insecurity>() + octets_of(proof)
    }
}

fn octets_of(proof: &Proof) -> usize {
    let said = |ground: &Ground| match &ground.role {
        Role::Denial(denial) => denial.says.len() * size_of::<Statement>() + denial.name.len(),
        Role::Keys | Role::Delegation | Role::Alias | Role::Data => 0,
    };
    proof.0.iter().map(|ground| size_of::<Ground>() + ground.owner.len() + said(ground)).sum()
}
