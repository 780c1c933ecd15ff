//! What the NSEC3 records of one reply say about a name (RFC 5155 section 8).

use super::budget::{Budget, Hash};
use super::denial::{Says, Witnessed, leads_away};
use super::labels;
use super::proof::{Place, Word};
use super::replies::Found;
use super::witness::Witness;
use crate::limits::MAX_NSEC3_ITERATIONS;
use hickory_proto::dnssec::rdata::NSEC3;
use hickory_proto::rr::Name;

/// The NSEC3 records of one reply that share salt and iterations, each signed by the proven zone.
#[derive(Debug)]
pub(super) struct Nsec3Set<'m> {
    salt: &'m [u8],
    iterations: u16,
    entries: Vec<HashedOwner<'m>>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct HashedOwner<'m> {
    hash: Hash,
    owner: &'m Name,
    record: &'m NSEC3,
}

impl<'m> HashedOwner<'m> {
    /// As a witness that `name` exists.
    fn matches(&self, name: &Name, place: Place) -> Witness<'m> {
        Witness::nsec3(self.owner, name, place, Word::Matches)
    }

    /// As a witness that `name`, whose parent exists, does not.
    pub(super) fn covers(&self, name: &Name, place: Place) -> Witness<'m> {
        let word = if self.opt_out() { Word::CoversWithOptOut } else { Word::Covers };
        Witness::nsec3(self.owner, name, place, word)
    }

    /// May an insecure delegation stand where it says that nothing does (RFC 5155 section 6)?
    pub(super) fn opt_out(&self) -> bool {
        self.record.opt_out()
    }
}

impl<'m> Nsec3Set<'m> {
    /// Adds a record to the set with its salt and iterations.
    ///
    /// One whose owner is not a hash exactly one label below the zone, or whose next hash has another length, is not
    /// entered (RFC 5155 section 3).
    pub(super) fn add(sets: &mut Vec<Self>, owner: &'m Name, record: &'m NSEC3, zone: &Name) {
        if owner.base_name() != *zone || record.next_hashed_owner_name().len() != size_of::<Hash>() {
            return;
        }
        let Some(hash) = owner.iter().next().and_then(base32hex) else { return };
        let (salt, iterations) = (record.salt(), record.iterations());
        let entry = HashedOwner { hash, owner, record };
        match sets.iter_mut().find(|set| set.salt == salt && set.iterations == iterations) {
            Some(set) => set.entries.push(entry),
            None => {
                sets.push(Self { salt, iterations, entries: vec![entry] });
            }
        }
    }

    /// What is said about `name`, which has that place in the proof: a matching record, or the closest encloser proof,
    /// which is the deepest ancestor that has one and a record that covers the next closer name (RFC 5155 section 8.3).
    pub(super) fn says(
        &self,
        zone: &Name,
        name: &Name,
        place: Place,
        budget: &mut Budget,
    ) -> Found<Witnessed<'m>> {
        if let Some(entry) = self.matching(name, budget)? {
            return Ok((Says::Exists(entry.record.type_set()), vec![entry.matches(name, place)]));
        }
        for depth in (labels::count(zone)..labels::count(name)).rev() {
            let closest_encloser = name.trim_to(depth);
            let Some(encloser) = self.matching(&closest_encloser, budget)? else { continue };
            if leads_away(encloser.record.type_set()) {
                break;
            }
            let next_closer = name.trim_to(depth + 1);
            let Some(cover) = self.covering(&next_closer, budget)? else { break };
            // A wildcard is the next closer name to its own closest encloser.
            let next = if place == Place::Wildcard { place } else { Place::NextCloser };
            let by = vec![
                encloser.matches(&closest_encloser, Place::ClosestEncloser),
                cover.covers(&next_closer, next),
            ];
            return Ok((Says::Absent { closest_encloser, opt_out: cover.opt_out() }, by));
        }
        Ok((Says::Nothing, Vec::new()))
    }

    /// The record whose owner is the hash of `name`.
    fn matching(&self, name: &Name, budget: &mut Budget) -> Found<Option<&HashedOwner<'m>>> {
        let hash = self.hash(name, budget)?;
        Ok(self.entries.iter().find(|entry| entry.hash == hash))
    }

    /// The record between whose owner and next hash the hash of `name` lies.
    pub(super) fn covering(&self, name: &Name, budget: &mut Budget) -> Found<Option<&HashedOwner<'m>>> {
        let hash = self.hash(name, budget)?;
        let covers = |entry: &&HashedOwner<'_>| {
            let (start, end) = (entry.hash.as_slice(), entry.record.next_hashed_owner_name());
            labels::is_between(start, hash.as_slice(), end)
        };
        Ok(self.entries.iter().find(covers))
    }

    /// Are the iterations more than a proof may have (RFC 9276 section 3.2)?
    pub(super) const fn is_heavy(&self) -> bool {
        self.iterations > MAX_NSEC3_ITERATIONS
    }

    fn hash(&self, name: &Name, budget: &mut Budget) -> Found<Hash> {
        budget.nsec3_hash(name, self.salt, self.iterations)
    }
}

/// Base32 with the extended hex alphabet, without padding, in any case (RFC 4648 section 7).
fn base32hex(label: &[u8]) -> Option<Hash> {
    let (mut octets, mut pending, mut bits) = (Vec::with_capacity(size_of::<Hash>()), 0_u16, 0);
    for character in label {
        let value = match character.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'a'..=b'v' => letter - b'a' + 10,
            _ => return None,
        };
        pending = pending << 5 | u16::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            let [_, octet] = (pending >> bits).to_be_bytes();
            octets.push(octet);
        }
    }
    if bits == 0 { octets.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_thirty_two_digits_of_base32hex() {
        // RFC 5155 appendix A: the hash of example. with salt aabbccdd and 12 iterations.
        let hash = base32hex(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom").unwrap();
        assert_eq!(hash[..4], [0x06, 0x53, 0x68, 0xab]);
        assert_eq!(base32hex(b"0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM"), Some(hash));
        for wrong in ["0p9mhaveqvm6t7vbl5lop2u3t2rp3to", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tow", "", "0p9m"] {
            assert_eq!(base32hex(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
