//! Who said what in a denial: the records that were heard, and the grounds that they make together.

use super::proof::{Denial, Denied, Place, Proof, Role, Statement, Word};
use super::signature::Proven;
use hickory_proto::rr::{Name, RecordType};

/// A record that says something about a name.
#[derive(Debug)]
pub(super) struct Witness<'m> {
    owner: &'m Name,
    rtype: RecordType,
    says: Statement,
}

impl<'m> Witness<'m> {
    /// An NSEC record at `owner` says that `word` about a name with that place in the proof.
    pub(super) fn nsec(owner: &'m Name, about: &Name, place: Place, word: Word) -> Self {
        Self { owner, rtype: RecordType::NSEC, says: Statement { about: about.clone(), place, word } }
    }

    /// An NSEC3 record does.
    pub(super) fn nsec3(owner: &'m Name, about: &Name, place: Place, word: Word) -> Self {
        Self { owner, rtype: RecordType::NSEC3, says: Statement { about: about.clone(), place, word } }
    }

    /// Is this the RRset that it is one of?
    fn is_of(&self, set: &Proven<'_>) -> bool {
        set.owner == *self.owner && set.rtype == self.rtype
    }
}

/// What is denied about a type at a name, as these witnesses prove it: their RRsets, of those that are `proven`, each
/// once, in the order in which they were heard.
pub(super) fn grounds(
    proven: &[Proven<'_>],
    (denied, name, rtype): (Denied, &Name, RecordType),
    witnesses: Vec<Witness<'_>>,
) -> Proof {
    let mut heard: Vec<(&Proven<'_>, Vec<Statement>)> = Vec::new();
    for witness in witnesses {
        let Some(set) = proven.iter().find(|set| witness.is_of(set)) else { continue };
        match heard.iter_mut().find(|(other, _)| witness.is_of(other)) {
            Some((_, said)) if said.contains(&witness.says) => {}
            Some((_, said)) => said.push(witness.says),
            None => heard.push((set, vec![witness.says])),
        }
    }
    let denial = |says| Denial { denied, name: name.clone(), rtype, says };
    Proof(heard.into_iter().map(|(set, says)| set.ground(Role::Denial(denial(says)))).collect())
}
