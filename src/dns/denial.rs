//! Proofs that something is not there: NSEC (RFC 4035 section 5.4) and NSEC3 (RFC 5155 section 8), read with
//! RFC 6840 section 4 and RFC 9276.
//!
//! A proof is taken from one *set*: all NSEC records of a reply, or all NSEC3 records with the same salt and
//! iterations. Sets are never mixed within a proof, and only records that the proven zone has signed are in them.
//!
//! NSEC3 with more than 150 iterations makes every denial insecure (RFC 9276 section 3.2), but it has to be a denial:
//! where the hashes say something else, such a zone is not at an attacker's disposal.

use super::basis::{Basis, Insecurity};
use super::budget::Budget;
use super::nsec::NsecSet;
use super::nsec3::Nsec3Set;
use super::proof::{self, Place, Word};
use super::replies::{Found, Stop, bogus, exhausted, negative_seconds, shown};
use super::signature::{Proven, Zone};
use super::witness::{Witness, grounds};
use crate::limits::{MAX_DENIALS, MAX_NSEC3_ITERATIONS, MAX_NSEC3_ITERATIONS_COMPUTED};
use crate::time::UnixTime;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::op::Message;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, RecordTypeSet};

/// Everything that a zone denies in one reply.
#[derive(Debug)]
pub(super) struct Denials<'m> {
    zone: &'m Name,
    sets: Vec<DenialSet<'m>>,
    /// Owners of NSEC3 records whose iterations are too many to compute (RFC 5155 section 10.3).
    uncounted: Vec<&'m Name>,
    /// All of these RRsets.
    proven: Vec<Proven<'m>>,
    /// The end of the first TTL or signature among all of them.
    until: UnixTime,
}

/// The records from which one proof is made.
#[derive(Debug)]
enum DenialSet<'m> {
    Nsec(NsecSet<'m>),
    Nsec3(Nsec3Set<'m>),
}

/// What a set says about a name.
#[derive(Debug)]
pub(super) enum Says<'m> {
    /// It exists, with these types.
    Exists(&'m RecordTypeSet),
    /// It exists only because names below it do.
    EmptyNonTerminal,
    /// It does not exist; `opt_out` if an insecure delegation may stand there all the same (RFC 5155 section 6).
    Absent { closest_encloser: Name, opt_out: bool },
    /// Nothing.
    Nothing,
}

/// What a set says about a name, and the records by which it does.
pub(super) type Witnessed<'m> = (Says<'m>, Vec<Witness<'m>>);

/// That a type is not at a name.
struct Denying<'m> {
    denied: Denied,
    /// But an insecure delegation may be there (RFC 5155 section 6).
    opt_out: bool,
    by: Vec<Witness<'m>>,
}

/// How far a proof goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// To the end.
    Proven,
    /// It would, but for this: the answer is insecure.
    Insecure(String),
}

/// What is denied about a type at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// The name is there, or a wildcard for it, without the type.
    Type,
    /// The name is not there.
    Name,
    /// One of the two.
    Either,
}

/// What a zone says about a cut at a name, none of it a DS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoDs {
    /// There is no cut at the name.
    NoCut,
    /// There is neither a cut nor anything below the name.
    NothingBelow,
    /// Here begins an insecure zone.
    InsecureCut(Insecurity),
    /// The zone denies with too many NSEC3 iterations: open.
    Unproven(Insecurity),
}

impl<'m> Denials<'m> {
    /// Reads the NSEC and NSEC3 records of the authority section that this zone has signed.
    ///
    /// What is not signed, or expanded from a wildcard (RFC 4035 section 5.4), or of unknown form (RFC 5155 sections
    /// 8.1, 8.2) is left out.
    pub(super) fn read(
        zone: &'m Zone,
        message: &'m Message,
        now: UnixTime,
        budget: &mut Budget,
    ) -> Found<Self> {
        let soa = negative_seconds(message).map_or(UnixTime(u64::MAX), |seconds| now.plus(seconds));
        let (sets, uncounted, proven) = (Vec::new(), Vec::new(), Vec::new());
        let mut denials = Self { zone: &zone.name, sets, uncounted, proven, until: soa };
        let (mut nsec, mut nsec3) = (NsecSet::default(), Vec::new());
        for (owner, rtype) in owners(&message.authorities)? {
            let set = match zone.proven_here(owner, rtype, &message.authorities, now, budget) {
                Ok(set) => set,
                Err(Stop::Bogus(_)) => continue,
                Err(stop) => return Err(stop),
            };
            denials.until = denials.until.min(set.until);
            for data in &set.records {
                match data {
                    RData::DNSSEC(DNSSECRData::NSEC(record)) => nsec.enter(owner, record, &zone.name),
                    RData::DNSSEC(DNSSECRData::NSEC3(record))
                        if record.iterations() > MAX_NSEC3_ITERATIONS_COMPUTED =>
                    {
                        denials.uncounted.push(owner);
                    }
                    RData::DNSSEC(DNSSECRData::NSEC3(record)) => {
                        Nsec3Set::add(&mut nsec3, owner, record, &zone.name);
                    }
                    _ => {}
                }
            }
            denials.proven.push(set);
        }
        if !nsec.is_empty() {
            denials.sets.push(DenialSet::Nsec(nsec));
        }
        denials.sets.extend(nsec3.into_iter().map(DenialSet::Nsec3));
        Ok(denials)
    }

    /// The end of the first TTL or signature among the records.
    pub(super) const fn until(&self) -> UnixTime {
        self.until
    }

    /// Is there no such type at `name`, nor at a wildcard for it (RFC 4035 section 5.4; RFC 5155 sections 8.4 to 8.7)?
    pub(super) fn of_type(
        &self,
        name: &Name,
        rtype: RecordType,
        budget: &mut Budget,
    ) -> Found<(Denied, Strength, Basis)> {
        let what = format!("{} {rtype}", shown(name));
        let basis = |denied: Denied, by| self.basis(denied.shown(), name, rtype, by);
        let mut fault = None;
        for set in &self.sets {
            match set.denies(self.zone, name, rtype, budget) {
                Ok(Some(Denying { denied, opt_out, by })) => {
                    return Ok((denied, self.strength(set, name, opt_out), basis(denied, by)));
                }
                Ok(None) => {}
                Err(Stop::Bogus(why)) => fault = Some(why),
                Err(stop) => return Err(stop),
            }
        }
        match fault {
            Some(why) => Err(Stop::Bogus(why)),
            None if !self.uncounted.is_empty() => {
                let strength = Strength::Insecure(self.nsec3_iterations());
                Ok((Denied::Either, strength, basis(Denied::Either, self.uncounted(name))))
            }
            None => bogus(
                "no-proof",
                &format!("the zone {} does not prove that there is no {what}", shown(self.zone)),
            ),
        }
    }

    /// Is there no DS at `name`, and what follows (RFC 4035 section 5.2, RFC 5155 section 8.9, RFC 6840 section 4.4)?
    pub(super) fn of_ds(&self, name: &Name, budget: &mut Budget) -> Found<NoDs> {
        let insecurity = |why, by| {
            let basis = self.basis(proof::Denied::Delegation, name, RecordType::DS, by);
            Insecurity { why, basis }
        };
        let mut contradicted = false;
        for set in &self.sets {
            let (says, by) = set.says(self.zone, name, Place::Itself, budget)?;
            match says {
                // A DS that was withheld; or the records of the zone below, which cannot speak about its own DS.
                Says::Exists(types) if types.contains(RecordType::DS) || types.contains(RecordType::SOA) => {
                    contradicted = true;
                }
                Says::Exists(types) if types.contains(RecordType::NS) => {
                    let why = format!(
                        "unsigned-delegation: the zone {} proves that {} is delegated without DS",
                        shown(self.zone),
                        shown(name)
                    );
                    return Ok(NoDs::InsecureCut(insecurity(why, by)));
                }
                Says::Absent { opt_out: true, .. } => {
                    return Ok(NoDs::InsecureCut(insecurity(self.opt_out(name), by)));
                }
                Says::Exists(_) | Says::EmptyNonTerminal => return Ok(NoDs::NoCut),
                Says::Absent { opt_out: false, .. } => return Ok(NoDs::NothingBelow),
                Says::Nothing => {}
            }
        }
        if contradicted {
            return bogus("withheld", &format!("{} has a DS, but it was not given", shown(name)));
        }
        if !self.uncounted.is_empty() {
            return Ok(NoDs::Unproven(insecurity(self.nsec3_iterations(), self.uncounted(name))));
        }
        bogus(
            "no-proof",
            &format!("the zone {} does not prove that {} has no DS", shown(self.zone), shown(name)),
        )
    }

    /// Does no closer match exist than the wildcard whose signature has `labels` labels (RFC 4035 section 5.3.4,
    /// RFC 5155 section 8.8)? What has to be absent is the next closer name, not the name itself.
    pub(super) fn of_closer_match(
        &self,
        name: &Name,
        rtype: RecordType,
        labels: u8,
        budget: &mut Budget,
    ) -> Found<(Strength, Basis)> {
        let next_closer = name.trim_to(usize::from(labels) + 1);
        let basis = |by| self.basis(proof::Denied::CloserMatch, name, rtype, by);
        for set in &self.sets {
            if let Some((opt_out, by)) = set.absent(&next_closer, budget)? {
                return Ok((self.strength(set, name, opt_out), basis(by)));
            }
        }
        if !self.uncounted.is_empty() {
            let strength = Strength::Insecure(self.nsec3_iterations());
            return Ok((strength, basis(self.uncounted(&next_closer))));
        }
        bogus(
            "wildcard-unproven",
            &format!(
                "a wildcard answers for {}, but nothing proves that {} is absent",
                shown(name),
                shown(&next_closer)
            ),
        )
    }

    /// How far a proof from this set goes.
    fn strength(&self, set: &DenialSet<'_>, name: &Name, opt_out: bool) -> Strength {
        if set.is_heavy() {
            Strength::Insecure(self.nsec3_iterations())
        } else if opt_out {
            Strength::Insecure(self.opt_out(name))
        } else {
            Strength::Proven
        }
    }

    /// The records that are there, but cannot be read.
    fn uncounted(&self, name: &Name) -> Vec<Witness<'m>> {
        let witness = |owner| Witness::nsec3(owner, name, Place::Itself, Word::Uncounted);
        self.uncounted.iter().copied().map(witness).collect()
    }

    /// What a denial rests on.
    fn basis(&self, denied: proof::Denied, name: &Name, rtype: RecordType, by: Vec<Witness<'_>>) -> Basis {
        Basis { until: self.until, proof: grounds(&self.proven, (denied, name, rtype), by) }
    }

    fn opt_out(&self, name: &Name) -> String {
        format!("opt-out: {} is under NSEC3 opt-out of the zone {}", shown(name), shown(self.zone))
    }

    fn nsec3_iterations(&self) -> String {
        format!(
            "nsec3-iterations: the zone {} denies with more than {MAX_NSEC3_ITERATIONS} NSEC3 iterations, \
             which prove nothing",
            shown(self.zone)
        )
    }
}

impl<'m> DenialSet<'m> {
    /// Denies a type at a name. `None` if this set says nothing about it, bogus if it says otherwise.
    fn denies(
        &self,
        zone: &Name,
        name: &Name,
        rtype: RecordType,
        budget: &mut Budget,
    ) -> Found<Option<Denying<'m>>> {
        let (says, mut by) = self.says(zone, name, Place::Itself, budget)?;
        let (closest_encloser, opt_out) = match says {
            Says::Nothing => return Ok(None),
            Says::EmptyNonTerminal => return Ok(Some(Denying { denied: Denied::Type, opt_out: false, by })),
            Says::Exists(types) => {
                lacks(types, name, rtype)?;
                return Ok(Some(Denying { denied: Denied::Type, opt_out: false, by }));
            }
            Says::Absent { closest_encloser, opt_out } => (closest_encloser, opt_out),
        };
        // The wildcard that could have answered (RFC 4592 section 3.3.1).
        let Ok(wildcard) = closest_encloser.prepend_label("*") else {
            return Ok(Some(Denying { denied: Denied::Name, opt_out, by })); // too long to exist
        };
        let (says, by_wildcard) = self.says(zone, &wildcard, Place::Wildcard, budget)?;
        let denied = match says {
            Says::Exists(types) => {
                lacks(types, &wildcard, rtype)?;
                Denied::Type
            }
            Says::EmptyNonTerminal => Denied::Type,
            // What may stand there all the same: an insecure delegation, of which only the DS is denied and without the
            // wildcard (RFC 5155 section 8.6), or an empty name above such ones that has no NSEC3 of its own.
            Says::Absent { .. } | Says::Nothing if opt_out => Denied::Either,
            Says::Absent { .. } => Denied::Name,
            Says::Nothing => return Ok(None),
        };
        by.extend(by_wildcard);
        Ok(Some(Denying { denied, opt_out, by }))
    }

    /// Does it hold true, but prove nothing?
    const fn is_heavy(&self) -> bool {
        match self {
            Self::Nsec(_) => false,
            Self::Nsec3(set) => set.is_heavy(),
        }
    }

    /// What this set says about a name, which has that place in the proof.
    fn says(&self, zone: &Name, name: &Name, place: Place, budget: &mut Budget) -> Found<Witnessed<'m>> {
        match self {
            Self::Nsec(set) => Ok(set.says(name, place)),
            Self::Nsec3(set) => set.says(zone, name, place, budget),
        }
    }

    /// Is a name absent whose parent is known to exist? The opt-out flag, and the witness. An NSEC3 zone proves no more
    /// than that beside the answer of a wildcard (RFC 5155 section 7.2.6).
    fn absent(&self, name: &Name, budget: &mut Budget) -> Found<Option<(bool, Vec<Witness<'m>>)>> {
        match self {
            Self::Nsec(set) => match set.says(name, Place::NextCloser) {
                (Says::Absent { opt_out, .. }, by) => Ok(Some((opt_out, by))),
                _ => Ok(None),
            },
            Self::Nsec3(set) => {
                let covering = set.covering(name, budget)?;
                Ok(covering.map(|entry| (entry.opt_out(), vec![entry.covers(name, Place::NextCloser)])))
            }
        }
    }
}

impl Denied {
    /// As a proof shows it.
    const fn shown(self) -> proof::Denied {
        match self {
            Self::Type => proof::Denied::Type,
            Self::Name => proof::Denied::Name,
            Self::Either => proof::Denied::NameOrType,
        }
    }
}

/// The names below lie in another zone, or are redirected: nothing is said about them (RFC 6840 section 4.1).
pub(super) fn leads_away(types: &RecordTypeSet) -> bool {
    types.contains(RecordType::DNAME) || is_above_cut(types)
}

/// Are these the types that the zone above has at a cut? A DS stands nowhere else (RFC 4035 section 2.4), whether the NS
/// beside it is listed or not.
fn is_above_cut(types: &RecordTypeSet) -> bool {
    let cut = types.contains(RecordType::NS) || types.contains(RecordType::DS);
    cut && !types.contains(RecordType::SOA)
}

/// Do these types deny `rtype` at `name`? Neither it nor a CNAME may be there (RFC 6840 section 4.3); above a cut only
/// DS is denied (section 4.1), and below a cut everything but DS (RFC 4035 section 5.2).
fn lacks(types: &RecordTypeSet, name: &Name, rtype: RecordType) -> Found<()> {
    if types.contains(rtype) || types.contains(RecordType::CNAME) {
        return bogus("withheld", &format!("{} has {rtype} or CNAME, but it was not given", shown(name)));
    }
    if rtype == RecordType::DS && types.contains(RecordType::SOA) && !name.is_root() {
        return bogus(
            "wrong-side",
            &format!("the denial of {} DS comes from below the zone cut", shown(name)),
        );
    }
    if rtype != RecordType::DS && is_above_cut(types) {
        return bogus(
            "wrong-side",
            &format!("the denial of {} {rtype} comes from above a zone cut", shown(name)),
        );
    }
    Ok(())
}

/// The owners of NSEC and NSEC3 RRsets, each once.
fn owners(authorities: &[Record]) -> Found<Vec<(&Name, RecordType)>> {
    let mut owners = Vec::new();
    for record in authorities.iter().filter(|record| record.dns_class == DNSClass::IN) {
        let key = (&record.name, record.record_type());
        if matches!(key.1, RecordType::NSEC | RecordType::NSEC3) && !owners.contains(&key) {
            if owners.len() >= MAX_DENIALS {
                return exhausted(&format!("more than {MAX_DENIALS} denials in one reply"));
            }
            owners.push(key);
        }
    }
    Ok(owners)
}

/// All small zones, with every subset of their denial records, against a statement of the RFCs of its own.
#[cfg(test)]
mod tests;
