//! What look-ups of one process have proven of zones, for those that come after them: the keys of a zone, that no zone begins
//! at a name, that an unsigned one does, that a name does not exist (`shared_denials`). Pure, but for a lock.
//!
//! Nothing enters that a chain of signatures from the trust anchor did not prove, and what is used is looked at again each
//! time: under the same anchors, below the same zone, at a moment for which it was proven. What fails under it is judged once
//! more without it ([`super::walk`]).
//!
//! Questions on their way are nobody else's: two look-ups that want the same reply ask twice, for a reply is not proven before it is
//! judged, and whoever changes one on its way is to harm the one look-up whose it is. What many look-ups want at the same time is proven
//! by the first of them within a round trip, and costs each of the others one question at most.
//!
//! The root and the top-level domains have room of their own, which no other zone can take. Below them an owner, the holder
//! of a name of two labels, has a share. Each room has two halves: a full one becomes the old one, what is used moves into
//! the new one, and the rest goes with the next change.

use super::anchor::TrustAnchors;
use super::basis::Basis;
use super::budget::Budget;
use super::cut::{Cut, beside};
use super::denial::{Denials, Denied, Strength};
use super::labels;
use super::shared_denials::{Gap, Gaps};
use super::signature::Zone;
use crate::limits::{
    DELEGATIONS_BEFORE_KEYS_WAIT, DELEGATIONS_COUNTED, DELEGATIONS_TO_ONE_SIGNED, MAX_NEGATIVE_TTL,
    MAX_POSITIVE_TTL, MAX_SHARED_ZONE_OCTETS, MAX_SHARED_ZONES_OCTETS, SHARED_ZONE_LEAST_LIFE,
    SHARED_ZONES_OWNERS,
};
use crate::time::UnixTime;
use hickory_proto::rr::{Name, RecordType};
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was proven of zones under one set of trust anchors; a clone shares it.
#[derive(Clone, Debug)]
pub struct ProvenZones {
    anchors: Arc<TrustAnchors>,
    rooms: Arc<Mutex<Rooms>>,
    /// What the root and top-level domains have denied.
    gaps: Arc<Mutex<Gaps>>,
}

/// Where it is kept.
#[derive(Debug, Default)]
struct Rooms {
    /// The root and top-level domains.
    top: Room,
    /// All others.
    below: Room,
    /// What begins below the first: no more of them than there are signed ones.
    delegations: HashMap<Name, Delegations>,
}

/// How many of the names below a zone that were new here were proven to begin a signed zone, and how many an unsigned one, or
/// perhaps one (opt-out): how often there were keys to ask for.
#[derive(Debug, Default)]
struct Delegations {
    signed: u32,
    unsigned: u32,
}

/// Two halves, by the name at which something was proven.
#[derive(Debug, Default)]
struct Room {
    new: Half,
    old: Half,
}

#[derive(Debug, Default)]
struct Half {
    proven: HashMap<Name, Proven>,
    octets: usize,
    /// What each owner has below their own name.
    owners: HashMap<Name, Share>,
}

/// What an owner has.
#[derive(Debug, Default)]
struct Share {
    octets: usize,
    /// What ends first can be found: that is given back before anything is turned away.
    ends: BTreeSet<(UnixTime, Name)>,
}

/// What is at a name.
#[derive(Clone, Debug)]
struct Proven {
    cut: Cut,
    /// The zone that says so, or an anchor for itself.
    by: Name,
    /// The moment for which it was proven.
    from: UnixTime,
    /// The earliest end of a TTL or signature that it rests on.
    until: UnixTime,
}

impl ProvenZones {
    /// Nothing is proven yet.
    #[must_use]
    pub fn under(anchors: Arc<TrustAnchors>) -> Self {
        Self { anchors, rooms: Arc::default(), gaps: Arc::default() }
    }

    /// The anchors from which everything in it was proven.
    pub(super) const fn anchors(&self) -> &Arc<TrustAnchors> {
        &self.anchors
    }

    /// What is at `name`, as the zone `by` says; nothing that was proven for a later moment than `now`, or ends soon after it.
    pub(super) fn at(&self, name: &Name, by: &Name, now: UnixTime) -> Option<Cut> {
        self.rooms().of(name).find(name, by, now)
    }

    /// Takes in what was proven at `name` by the zone `by` at the moment `now`, and is proven `until` then.
    pub(super) fn keep(&self, name: &Name, by: &Name, cut: &Cut, now: UnixTime, until: UnixTime) {
        if matches!(cut, Cut::Signed(_) | Cut::Insecure(_) | Cut::None) {
            self.keep_existing(by, name);
        }
        let longest = match cut {
            Cut::Signed(_) => MAX_POSITIVE_TTL,
            // Anybody can ask for as many top-level names as they like that do not exist.
            Cut::None | Cut::NothingBelow if is_top(name) => return,
            Cut::None | Cut::NothingBelow | Cut::Insecure(_) => MAX_NEGATIVE_TTL,
            Cut::Unproven(_) | Cut::Broken(..) | Cut::Doubtful(_) => return,
        };
        let until = until.min(now.plus(longest));
        let proven = Proven { cut: cut.clone(), by: by.clone(), from: now, until };
        let mut rooms = self.rooms();
        if is_top(by) && by != name && !rooms.of(name).has(name) {
            rooms.delegations.entry(by.clone()).or_default().count(cut);
        }
        let room = rooms.of(name);
        // What is proven now ends what was known, even where it is not kept itself.
        room.forget(name);
        if proven.holds_at(now) {
            room.keep(name, proven, now);
        }
    }

    /// Whether the keys of a zone below that one are asked for before its DS is there: most of `com` has neither.
    pub(super) fn are_keys_likely_below(&self, zone: &Name) -> bool {
        self.rooms().delegations.get(zone).is_none_or(Delegations::are_keys_likely)
    }

    /// Takes in what `zone` has denied in a reply, proven at the moment `now`.
    pub(super) fn keep_denied(&self, zone: &Zone, denials: &Denials<'_>, now: UnixTime) {
        if !is_top(&zone.name) {
            return;
        }
        let heard: Vec<Gap> = denials.gaps(now, zone.basis.until).collect();
        // What made room is freed when the lock is open again.
        let mut made_room = Vec::new();
        let mut gaps = self.gaps();
        made_room.extend(heard.into_iter().filter_map(|gap| gaps.keep(&zone.name, gap, now)));
        drop(gaps);
    }

    /// Ends what the zone `by` has denied, where that says that there is no `name`: there is.
    pub(super) fn keep_existing(&self, by: &Name, name: &Name) {
        if is_top(by) && by != name {
            self.gaps().end_at(by, name);
        }
    }

    /// What proves that `name` does not exist in `zone`, the deepest that is proven above it, nor a wildcard that could answer
    /// for it (RFC 8198 section 5.1): by what others have heard that zone deny.
    pub(super) fn denied(&self, zone: &Zone, name: &Name, now: UnixTime) -> Option<Basis> {
        if !is_top(&zone.name) {
            return None;
        }
        let known = |name: &Name| {
            let gap = self.gaps().at_or_before(&zone.name, name, now);
            gap.filter(|gap| gap.is_signed_by(zone))
        };
        let covering = [known(name)?];
        let wildcard =
            Denials::heard(zone, &covering).closest_encloser_of_absent(name)?.prepend_label("*").ok()?;
        let [covering] = covering;
        let both = [covering, known(&wildcard)?];
        // Any type: there is none at a name that does not exist.
        match Denials::heard(zone, &both).of_type(name, RecordType::A, &mut Budget::default()) {
            Ok((Denied::Name, Strength::Proven, basis)) => Some(zone.basis.clone().and(basis)),
            _ => None,
        }
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gaps(&self) -> MutexGuard<'_, Gaps> {
        self.gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_top(name: &Name) -> bool {
    labels::count(name) <= 1
}

/// Octets of half a room.
const HALF: usize = MAX_SHARED_ZONES_OCTETS / 4;

impl Delegations {
    fn count(&mut self, cut: &Cut) {
        match cut {
            Cut::Signed(_) => self.signed += 1,
            Cut::Insecure(_) => self.unsigned += 1,
            _ => {}
        }
        if self.signed + self.unsigned >= DELEGATIONS_COUNTED {
            *self = Self { signed: self.signed / 2, unsigned: self.unsigned / 2 };
        }
    }

    /// A question in vain costs less than a round trip more; so if one in eight zones is signed, or few have been seen.
    const fn are_keys_likely(&self) -> bool {
        self.unsigned < DELEGATIONS_BEFORE_KEYS_WAIT
            || self.signed * DELEGATIONS_TO_ONE_SIGNED >= self.unsigned
    }
}

impl Rooms {
    fn of(&mut self, name: &Name) -> &mut Room {
        if is_top(name) { &mut self.top } else { &mut self.below }
    }
}

impl Room {
    fn has(&self, name: &Name) -> bool {
        self.new.proven.contains_key(name) || self.old.proven.contains_key(name)
    }

    fn forget(&mut self, name: &Name) {
        self.new.forget(name);
        self.old.forget(name);
    }

    fn find(&mut self, name: &Name, by: &Name, now: UnixTime) -> Option<Cut> {
        let fits = |proven: &&Proven| proven.by == *by && proven.holds_at(now);
        if let Some(proven) = self.new.proven.get(name) {
            return Some(proven).filter(fits).map(|proven| proven.cut.clone());
        }
        let proven = self.old.proven.get(name).filter(fits)?.clone();
        let cut = proven.cut.clone();
        self.keep(name, proven, now);
        Some(cut)
    }

    fn keep(&mut self, name: &Name, proven: Proven, now: UnixTime) {
        let octets = proven.octets(name);
        if octets > MAX_SHARED_ZONE_OCTETS {
            return;
        }
        if self.new.octets + octets > HALF {
            self.old = mem::take(&mut self.new);
        }
        self.new.keep(name, proven, octets, now);
    }
}

impl Half {
    fn forget(&mut self, name: &Name) {
        let Some(earlier) = self.proven.remove(name) else { return };
        let octets = earlier.octets(name);
        self.octets = self.octets.saturating_sub(octets);
        let Some(owner) = owner(name) else { return };
        let Some(share) = self.owners.get_mut(&owner) else { return };
        share.octets = share.octets.saturating_sub(octets);
        share.ends.remove(&(earlier.until, name.clone()));
        if share.ends.is_empty() {
            self.owners.remove(&owner);
        }
    }

    /// Takes it in, in the place of what was known of the name; unless its owner's share is spent on what still counts.
    fn keep(&mut self, name: &Name, proven: Proven, octets: usize, now: UnixTime) {
        self.forget(name);
        if let Some(owner) = owner(name) {
            while let Some(ended) = self.first_of_a_spent_share(&owner, octets) {
                if self.proven.get(&ended).is_some_and(|proven| proven.holds_at(now)) {
                    return;
                }
                self.forget(&ended);
            }
            let share = self.owners.entry(owner).or_default();
            share.octets += octets;
            share.ends.insert((proven.until, name.clone()));
        }
        self.octets += octets;
        self.proven.insert(name.clone(), proven);
    }

    /// What ends first of all that the owner has, if so many octets more are none of their share.
    fn first_of_a_spent_share(&self, owner: &Name, octets: usize) -> Option<Name> {
        let share = self.owners.get(owner)?;
        let is_spent = share.octets + octets > HALF / SHARED_ZONES_OWNERS;
        share.ends.first().filter(|_| is_spent).map(|(_, name)| name.clone())
    }
}

/// Who has a name below their own.
fn owner(name: &Name) -> Option<Name> {
    (labels::count(name) > 2).then(|| name.trim_to(2))
}

impl Proven {
    /// Does it count at that moment, and for a while?
    fn holds_at(&self, now: UnixTime) -> bool {
        self.from <= now && now.plus(SHARED_ZONE_LEAST_LIFE) <= self.until
    }

    /// Octets that it takes in memory, its owner's part included.
    fn octets(&self, name: &Name) -> usize {
        // Of the places of a table that has grown 7 of 16 are taken, of those of a tree half.
        const PLACE: usize = (size_of::<(Name, Proven)>() + 1) * 16 / 7;
        const OWNERS_PLACE: usize =
            size_of::<(UnixTime, Name)>() * 2 + (size_of::<(Name, Share)>() + 1) * 16 / 7;
        let owner = owner(name).map_or(0, |owner| OWNERS_PLACE + beside(name) + beside(&owner));
        PLACE + beside(name) + beside(&self.by) + owner + self.cut.octets()
    }
}

#[cfg(test)]
mod tests;
