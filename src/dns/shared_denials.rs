//! What the root and top-level domains have denied to look-ups of one process, for those that come after them: NSEC records from which
//! it follows, without another question, that a name does not exist (RFC 8198). Pure.
//!
//! Each was verified by whoever heard it, and what it says of a name is read by the same rules as in a reply ([`super::denial`]). Only
//! that a name does not exist is taken from here: never data, a type that a name lacks, or what a wildcard answers. NSEC3 is left out,
//! whose gaps most top-level domains have open for unsigned delegations (RFC 5155 section 6). So are all other zones: few names
//! below one of them are asked for.
//!
//! The room has two halves, as that of the zones has ([`super::proven_zones`]).

use super::basis::Basis;
use super::chain::TrustContext;
use super::cut::{Cut, beside};
use super::labels;
use super::proof::Signature;
use super::signature::Proven;
use crate::limits::{MAX_NEGATIVE_TTL, MAX_SHARED_DENIALS_OCTETS, SHARED_ZONE_LEAST_LIFE};
use crate::time::UnixTime;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC};
use hickory_proto::rr::{Name, RData, RecordType};
use std::collections::BTreeMap;
use std::mem;
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
    new: Half,
    old: Half,
}

/// By zone and owner, in the order of the zone.
#[derive(Debug, Default)]
struct Half {
    gaps: BTreeMap<(Name, Name), Arc<Gap>>,
    octets: usize,
}

impl Gap {
    /// That of an RRset which was proven at the moment `now`, with others that end by `until`; `None` if it is none.
    pub(super) fn of(proven: &Proven<'_>, now: UnixTime, until: UnixTime) -> Option<Self> {
        let [RData::DNSSEC(DNSSECRData::NSEC(record))] = proven.records.as_slice() else { return None };
        let (owner, data) = (proven.owner.to_lowercase(), RData::DNSSEC(DNSSECRData::NSEC(record.clone())));
        let until = until.min(now.plus(MAX_NEGATIVE_TTL));
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

    /// Does it count at that moment, and for a while?
    fn holds_at(&self, now: UnixTime) -> bool {
        self.from <= now && now.plus(SHARED_ZONE_LEAST_LIFE) <= self.until
    }

    /// Octets that it takes in memory, with its place.
    fn octets(&self) -> usize {
        // Of the places of a tree half are taken; a type has one in a tree of its own.
        const PLACE: usize = 2 * size_of::<((Name, Name), Arc<Gap>)>() + size_of::<Gap>();
        const TYPES_PLACE: usize = 16;
        let of_record = self.record().map_or(0, |(_, record)| {
            beside(record.next_domain_name()) + record.type_set().iter().count() * TYPES_PLACE
        });
        PLACE + 2 * beside(&self.owner) + beside(&self.signature.signer) + of_record
    }
}

impl Gaps {
    /// Takes in one of that zone's.
    pub(super) fn keep(&mut self, zone: &Name, gap: Gap) {
        self.enter((zone.clone(), gap.owner.clone()), Arc::new(gap));
    }

    /// The last one of that zone whose owner is `name` or comes before it, if it counts at that moment.
    pub(super) fn at_or_before(&mut self, zone: &Name, name: &Name, now: UnixTime) -> Option<Arc<Gap>> {
        let place = (zone.clone(), name.to_lowercase());
        let found = |half: &Half| {
            let (key, gap) = half.gaps.range(..=&place).next_back()?;
            (key.0 == *zone).then(|| (key.clone(), Arc::clone(gap)))
        };
        let (new, old) = (found(&self.new), found(&self.old));
        let is_old = old.as_ref().map(|(key, _)| key) > new.as_ref().map(|(key, _)| key);
        let (key, gap) = if is_old { old } else { new }?;
        if !gap.holds_at(now) {
            return None;
        }
        if is_old {
            self.enter(key, Arc::clone(&gap));
        }
        Some(gap)
    }

    fn enter(&mut self, place: (Name, Name), gap: Arc<Gap>) {
        const HALF: usize = MAX_SHARED_DENIALS_OCTETS / 2;
        let octets = gap.octets();
        self.old.forget(&place);
        self.new.forget(&place);
        if octets > HALF {
            return;
        }
        if self.new.octets + octets > HALF {
            self.old = mem::take(&mut self.new);
        }
        self.new.octets += octets;
        self.new.gaps.insert(place, gap);
    }
}

impl Half {
    fn forget(&mut self, place: &(Name, Name)) {
        if let Some(gap) = self.gaps.remove(place) {
            self.octets = self.octets.saturating_sub(gap.octets());
        }
    }
}

impl TrustContext {
    /// What proves that `name` does not exist, as other look-ups have heard the deepest zone deny that is proven above it; remembered.
    pub(super) fn absent_to_others(&mut self, name: &Name, rtype: RecordType) -> Option<Basis> {
        if self.lenders().is_none() || self.anchors().insecure_above(name).is_some() {
            return None;
        }
        let anchor = self.anchors().deepest_above(name)?.clone();
        let Some(Cut::Signed(mut zone)) = self.known(&anchor, &anchor) else { return None };
        for cut_at in labels::below(&anchor, name) {
            match self.known(&cut_at, &zone.name) {
                Some(Cut::Signed(next)) => zone = next,
                Some(Cut::None) => {}
                // Nothing is below it, or nothing is known: what the zone says of the name decides.
                Some(Cut::NothingBelow) | None => break,
                Some(_) => return None,
            }
        }
        let basis = self.lenders()?.denied(&zone, name, rtype, self.now())?;
        self.note_absent(name, &basis);
        Some(basis)
    }
}
