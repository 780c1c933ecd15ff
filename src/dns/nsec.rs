//! What the NSEC records of one reply say about a name (RFC 4035 section 5.4).

use super::denial::{Says, Witnessed, leads_away};
use super::labels;
use super::proof::{Place, Word};
use super::witness::Witness;
use hickory_proto::dnssec::rdata::NSEC;
use hickory_proto::rr::Name;

/// The NSEC records of one reply, each signed by the proven zone, with their owners.
#[derive(Debug, Default)]
pub(super) struct NsecSet<'m>(Vec<(&'m Name, &'m NSEC)>);

impl<'m> NsecSet<'m> {
    /// Enters a record, unless its next name lies outside of the zone, which no zone can say.
    pub(super) fn enter(&mut self, owner: &'m Name, record: &'m NSEC, zone: &Name) {
        if zone.zone_of(record.next_domain_name()) {
            self.0.push((owner, record));
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said about `name`, which has that place in the proof.
    pub(super) fn says(&self, name: &Name, place: Place) -> Witnessed<'m> {
        for (owner, record) in &self.0 {
            let next = record.next_domain_name();
            let by = |word| vec![Witness::nsec(owner, name, place, word)];
            if *owner == name {
                return (Says::Exists(record.type_set()), by(Word::Matches));
            }
            if !labels::is_between(*owner, name, next) || owner.zone_of(name) && leads_away(record.type_set())
            {
                continue;
            }
            // Names below it exist, and so does it (RFC 4592 section 2.2.2).
            if name.zone_of(next) {
                return (Says::EmptyNonTerminal, by(Word::LeadsBelow));
            }
            let (above, below) = (labels::common_ancestor(name, owner), labels::common_ancestor(name, next));
            let is_deeper = labels::count(&above) > labels::count(&below);
            let closest_encloser = if is_deeper { above } else { below };
            return (Says::Absent { closest_encloser, opt_out: false }, by(Word::Covers));
        }
        (Says::Nothing, Vec::new())
    }
}
