//! What the root and top-level domains have denied to look-ups of one process, for those that come after them: NSEC records from which
//! it follows, without another question, that a name does not exist (RFC 8198). Pure.
//!
//! Each was verified by whoever heard it, and what it says of a name is read by the same rules as in a reply ([`super::denial`]). Only
//! that a name does not exist is taken from here: never data, a type that a name lacks, or what a wildcard answers. NSEC3 is left out,
//! whose gaps most top-level domains have open for unsigned delegations (RFC 5155 section 6). So are all other zones: few names
//! below one of them are asked for.
//!
//! No two of them contradict each other: whatever proves that a name exists ends the one that denies it, and of two denials the one
//! that was signed later stays, of two of the same second the one that was heard later. They count for a quarter of an hour, in
//! look-ups that hold no mail back, whatever comes of them ([`super::Resolve::count_others_denials`]).
//!
//! A room that is full begins anew.

use super::basis::Basis;
use super::chain::{Sharing, TrustContext};
use super::cut::{ALLOCATION, Cut, beside};
use super::denial::Denials;
use super::labels;
use super::proof::Signature;
use super::signature::{Proven, Zone};
use crate::limits::{MAX_SHARED_DENIALS_OCTETS, SHARED_DENIALS_LIFE, SHARED_ZONE_LEAST_LIFE};
use crate::time::UnixTime;
use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC};
use hickory_proto::rr::{Name, RData, RecordType};
use std::collections::BTreeMap;
use std::mem;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// An NSEC record: between its owner and its next name there is no other name of the zone.
#[derive(Debug)]
pub(super) struct Gap {
    owner: Name,
    data: RData,
    signature: Signature,
    /// The moment for which it was proven.
    from: UnixTime,
    /// The earliest end of a TTL or signature that it rests on.
    until: UnixTime,
}

/// All that are known.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// In the order of their zones.
    gaps: BTreeMap<Place, Arc<Gap>>,
    octets: usize,
}

/// Where a gap stands: in which zone, by how many labels that has, and with which owner. The octets sort as the names do (RFC 4034
/// section 6.1): what is searched for is compared as octets, not label by label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(Box<[u8]>);

fn place(zone: &Name, owner: &Name) -> Place {
    let mut octets = Vec::with_capacity(1 + owner.len());
    octets.extend(u8::try_from(labels::count(zone)));
    for label in owner.iter().rev() {
        for octet in label.iter().map(u8::to_ascii_lowercase) {
            // What a label ends with comes before any octet of a longer one.
            octets.extend((octet <= ESCAPE).then_some(ESCAPE));
            octets.push(octet);
        }
        octets.push(LABEL_END);
    }
    Place(octets.into())
}

const LABEL_END: u8 = 0;
/// Before an octet that would be one of these two.
const ESCAPE: u8 = 1;

impl Gap {
    /// That of an RRset of `zone` which was proven at the moment `now`, with others that end by `until`; `None` if it is none.
    pub(super) fn of(proven: &Proven<'_>, zone: &Name, now: UnixTime, until: UnixTime) -> Option<Self> {
        let [RData::DNSSEC(DNSSECRData::NSEC(record))] = proven.records.as_slice() else { return None };
        let next = record.next_domain_name();
        if !zone.zone_of(next) {
            return None;
        }
        // Made anew, it leaves behind how it was read.
        let record = NSEC::new(next.clone(), record.type_set().iter());
        let (owner, data) = (proven.owner.to_lowercase(), RData::DNSSEC(DNSSECRData::NSEC(record)));
        let until = until.min(now.plus(SHARED_DENIALS_LIFE));
        Some(Self { owner, data, signature: proven.signature.clone(), from: now, until })
    }

    /// The record, and where it stands.
    pub(super) const fn record(&self) -> Option<(&Name, &NSEC)> {
        match &self.data {
            RData::DNSSEC(DNSSECRData::NSEC(record)) => Some((&self.owner, record)),
            _ => None,
        }
    }

    /// The RRset that it is, as it was proven.
    pub(super) fn proven(&self) -> Proven<'_> {
        Proven {
            owner: self.owner.clone(),
            rtype: RecordType::NSEC,
            records: vec![&self.data],
            signature: self.signature.clone(),
            until: self.until,
        }
    }

    /// Is the key that has signed it one of the zone's still?
    pub(super) fn is_signed_by(&self, zone: &Zone) -> bool {
        let Signature { key_tag, algorithm, .. } = self.signature;
        zone.keys.iter().any(|key| key.tag == key_tag && key.key.public_key().algorithm() == algorithm)
    }

    /// Does it say that there is no such name?
    fn covers(&self, name: &Name) -> bool {
        self.record()
            .is_some_and(|(owner, record)| labels::is_between(owner, name, record.next_domain_name()))
    }

    /// Does it count at that moment, and for a while?
    fn holds_at(&self, now: UnixTime) -> bool {
        self.from <= now && now.plus(SHARED_ZONE_LEAST_LIFE) <= self.until
    }

    /// Does that zone say so?
    fn is_of(&self, zone: &Name) -> bool {
        self.signature.signer == *zone
    }

    /// Octets that it takes in memory, with its place.
    fn octets(&self) -> usize {
        // Of the places of a tree half are taken; types have a tree of their own, of which each node has five at least.
        const PLACE: usize = 2 * size_of::<(Place, Arc<Gap>)>() + 3 * ALLOCATION + size_of::<Gap>();
        const TYPES: usize = 5;
        const TYPES_NODE: usize = 96;
        let of_record = self.record().map_or(0, |(_, record)| {
            let nodes = record.type_set().iter().count() / TYPES + 1;
            beside(record.next_domain_name()) + nodes * TYPES_NODE
        });
        // Each octet of the owner may be escaped in its place.
        PLACE + 2 * self.owner.len() + beside(&self.owner) + beside(&self.signature.signer) + of_record
    }
}

impl Gaps {
    /// Takes in one of that zone's, unless what is there and counts was signed later, and says otherwise. What had to make room is
    /// given back, to be freed where nobody waits for it.
    #[must_use]
    pub(super) fn keep(&mut self, zone: &Name, gap: Gap, now: UnixTime) -> Option<Self> {
        // None is too large for an empty room: with each type that there is it has 1.3 MB.
        let (place, octets) = (place(zone, &gap.owner), gap.octets());
        let inception = gap.signature.inception;
        let mut is_outdated = self
            .gaps
            .get(&place)
            .is_some_and(|known| known.holds_at(now) && known.signature.inception > inception);
        for (place, holds, since) in self.contradicting(zone, &place, &gap, now) {
            let is_later = holds && since > inception;
            is_outdated |= is_later;
            if !is_later {
                self.forget(&place);
            }
        }
        if is_outdated {
            return None;
        }
        self.forget(&place);
        let is_full = self.octets + octets > MAX_SHARED_DENIALS_OCTETS;
        let before = is_full.then(|| mem::take(self));
        self.octets += octets;
        self.gaps.insert(place, Arc::new(gap));
        before
    }

    /// Ends what denies that there is such a name in that zone: there is.
    pub(super) fn end_at(&mut self, zone: &Name, name: &Name) {
        if let Some(place) = self.covering(zone, name).map(|(place, _)| place.clone()) {
            self.forget(&place);
        }
    }

    /// The last one of that zone whose owner is `name` or comes before it, if it counts at that moment.
    pub(super) fn at_or_before(&self, zone: &Name, name: &Name, now: UnixTime) -> Option<Arc<Gap>> {
        let (_, gap) = self.gaps.range(..=place(zone, name)).next_back()?;
        (gap.is_of(zone) && gap.holds_at(now)).then(|| Arc::clone(gap))
    }

    /// The one that denies that there is such a name in that zone.
    fn covering(&self, zone: &Name, name: &Name) -> Option<(&Place, &Arc<Gap>)> {
        let before = self.gaps.range(..place(zone, name)).next_back();
        before.filter(|(_, gap)| gap.is_of(zone) && gap.covers(name))
    }

    /// Those that cannot be true beside that one, whose place that is: whether they count at that moment, and since when they are signed.
    fn contradicting(
        &self,
        zone: &Name,
        place: &Place,
        gap: &Gap,
        now: UnixTime,
    ) -> Vec<(Place, bool, UnixTime)> {
        let Some((_, record)) = gap.record() else { return Vec::new() };
        let next = record.next_domain_name();
        let ends_elsewhere =
            |known: &&Arc<Gap>| known.record().is_some_and(|(_, known)| known.next_domain_name() != next);
        let same = self.gaps.get_key_value(place).filter(|(_, known)| ends_elsewhere(known));
        let within = self.gaps.range((Excluded(place), Unbounded));
        let within = within.take_while(|(_, known)| known.is_of(zone) && gap.covers(&known.owner));
        // Both names of each exist.
        let around = [&gap.owner, next].into_iter().filter_map(|name| self.covering(zone, name));
        let all = within.chain(around).chain(same);
        all.map(|(place, known)| (place.clone(), known.holds_at(now), known.signature.inception)).collect()
    }

    fn forget(&mut self, place: &Place) {
        if let Some(gap) = self.gaps.remove(place) {
            self.octets = self.octets.saturating_sub(gap.octets());
        }
    }
}

impl TrustContext {
    /// From now on, what the root and top-level domains have denied to other look-ups counts here, or does not; it does not at first.
    /// Whether any of it has made a name absent since it counts.
    pub fn count_others_denials(&mut self, counts: bool) -> bool {
        let has_counted = self.denials == Sharing::Used;
        self.denials = if counts { Sharing::Allowed } else { Sharing::Nothing };
        self.forget_absent_to_others();
        has_counted
    }

    /// Forgets which names were absent by that, since what is judged next may show that they exist.
    pub(super) fn forget_absent_to_others(&mut self) {
        self.absent_to_others.clear();
    }

    /// Remembers for others what a zone denies.
    pub(super) fn note_denied(&self, zone: &Zone, denials: &Denials<'_>) {
        if let Some(zones) = self.borrowers() {
            zones.keep_denied(zone, denials, self.now());
        }
    }

    /// Remembers for others that a zone has signed something at that name.
    pub(super) fn note_existing(&self, zone: &Zone, name: &Name) {
        if let Some(zones) = self.borrowers() {
            zones.keep_existing(&zone.name, name);
        }
    }

    /// Remembers that `name` is proven not to exist: nothing exists below it either (RFC 8020 section 2).
    pub(super) fn note_absent(&mut self, name: &Name, by: &Basis) {
        self.absent.insert(name.clone(), by.clone());
    }

    /// What proves that `name` does not exist, as other look-ups have heard the deepest zone deny that is proven above it; remembered
    /// for all names below it.
    pub(super) fn absent_to_others(&mut self, name: &Name) -> Option<Basis> {
        if self.denials == Sharing::Nothing || self.anchors().insecure_above(name).is_some() {
            return None;
        }
        let anchor = self.anchors().deepest_above(name)?.clone();
        let Some(Cut::Signed(mut zone)) = self.known(&anchor, &anchor) else { return None };
        for cut_at in labels::below(&anchor, name) {
            match self.known(&cut_at, &zone.name) {
                Some(Cut::Signed(next)) => zone = next,
                // It exists.
                Some(Cut::None) if cut_at == *name => return None,
                Some(Cut::None) => {}
                // Nothing is below it, or nothing is known: what the zone says of the name decides.
                Some(Cut::NothingBelow) | None => break,
                Some(_) => return None,
            }
        }
        let basis = self.lenders()?.denied(&zone, name, self.now())?;
        self.denials = Sharing::Used;
        self.absent_to_others.insert(name.clone(), basis.clone());
        Some(basis)
    }
}

#[cfg(test)]
mod tests;
