//! Proofs that something is not there: NSEC (RFC 4035 section 5.4) and NSEC3 (RFC 5155 section 8), read with
//! RFC 6840 section 4 and RFC 9276.
//!
//! A proof is taken from one *book*: all NSEC records of a reply, or all NSEC3 records with the same salt and
//! iterations. Books are never mixed within a proof, and only records that the proven zone has signed are in them.
//!
//! NSEC3 with more than 150 iterations makes every denial insecure (RFC 9276 section 3.2), but it has to be a denial:
//! where the hashes say something else, such a zone is not at an attacker's disposal.

use super::budget::Budget;
use super::nsec::NsecBook;
use super::nsec3::Nsec3Book;
use super::replies::{Found, Stop, bogus, exhausted, negative_seconds, shown};
use super::signature::Zone;
use crate::limits::{MAX_DENIALS, MAX_NSEC3_ITERATIONS, MAX_NSEC3_ITERATIONS_COMPUTED};
use crate::time::UnixTime;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC3};
use hickory_proto::op::Message;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, RecordTypeSet};

/// Everything that a zone denies in one reply.
#[derive(Debug)]
pub(super) struct Denials<'m> {
    zone: &'m Name,
    books: Vec<Book<'m>>,
    /// NSEC3 records are there whose iterations are too many to compute (RFC 5155 section 10.3).
    has_uncountable: bool,
    /// The end of the first TTL or signature among all of them.
    until: UnixTime,
}

/// The records from which one proof is made.
#[derive(Debug)]
enum Book<'m> {
    Nsec(NsecBook<'m>),
    Nsec3(Nsec3Book<'m>),
}

/// What a book says about a name.
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
    /// Here begins an insecure zone, for this reason.
    InsecureCut(String),
    /// The zone denies with too many NSEC3 iterations: open.
    Unproven(String),
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
        let mut denials = Self { zone: &zone.name, books: Vec::new(), has_uncountable: false, until: soa };
        let (mut nsec, mut nsec3) = (NsecBook::default(), Vec::new());
        for (owner, rtype) in owners(&message.authorities)? {
            let proven = match zone.proven_here(owner, rtype, &message.authorities, now, budget) {
                Ok(proven) => proven,
                Err(Stop::Bogus(_)) => continue,
                Err(stop) => return Err(stop),
            };
            denials.until = denials.until.min(proven.until);
            for data in proven.records {
                match data {
                    RData::DNSSEC(DNSSECRData::NSEC(record)) => nsec.enter(owner, record, &zone.name),
                    RData::DNSSEC(DNSSECRData::NSEC3(record))
                        if record.iterations() > MAX_NSEC3_ITERATIONS_COMPUTED =>
                    {
                        denials.has_uncountable = true;
                    }
                    RData::DNSSEC(DNSSECRData::NSEC3(record)) => {
                        Nsec3Book::enter(&mut nsec3, owner, record, &zone.name);
                    }
                    _ => {}
                }
            }
        }
        if !nsec.is_empty() {
            denials.books.push(Book::Nsec(nsec));
        }
        denials.books.extend(nsec3.into_iter().map(Book::Nsec3));
        Ok(denials)
    }

    /// The end of what these records say.
    pub(super) const fn until(&self) -> UnixTime {
        self.until
    }

    /// Is there no such type at `name`, nor at a wildcard for it (RFC 4035 section 5.4; RFC 5155 sections 8.4 to 8.7)?
    pub(super) fn of_type(
        &mut self,
        name: &Name,
        rtype: RecordType,
        budget: &mut Budget,
    ) -> Found<(Denied, Strength)> {
        let what = format!("{} {rtype}", shown(name));
        let mut fault = None;
        for book in &mut self.books {
            match book.denies(self.zone, name, rtype, budget) {
                Ok(Some((denied, _))) if book.is_heavy() => {
                    return Ok((denied, Strength::Insecure(self.nsec3_iterations())));
                }
                Ok(Some((denied, false))) => return Ok((denied, Strength::Proven)),
                Ok(Some((denied, true))) => return Ok((denied, Strength::Insecure(self.opt_out(name)))),
                Ok(None) => {}
                Err(Stop::Bogus(why)) => fault = Some(why),
                Err(stop) => return Err(stop),
            }
        }
        match fault {
            Some(why) => Err(Stop::Bogus(why)),
            None if self.has_uncountable => Ok((Denied::Either, Strength::Insecure(self.nsec3_iterations()))),
            None => bogus(
                "no-proof",
                &format!("the zone {} does not prove that there is no {what}", shown(self.zone)),
            ),
        }
    }

    /// Is there no DS at `name`, and what follows (RFC 4035 section 5.2, RFC 5155 section 8.9, RFC 6840 section 4.4)?
    pub(super) fn of_ds(&mut self, name: &Name, budget: &mut Budget) -> Found<NoDs> {
        let mut contradicted = false;
        for book in &mut self.books {
            match book.says(self.zone, name, budget)? {
                // A DS that was withheld; or the records of the zone below, which cannot speak about its own DS.
                Says::Exists(types) if types.contains(RecordType::DS) || types.contains(RecordType::SOA) => {
                    contradicted = true;
                }
                Says::Exists(types) if types.contains(RecordType::NS) => {
                    return Ok(NoDs::InsecureCut(format!(
                        "unsigned-delegation: the zone {} proves that {} is delegated without DS",
                        shown(self.zone),
                        shown(name)
                    )));
                }
                Says::Absent { opt_out: true, .. } => return Ok(NoDs::InsecureCut(self.opt_out(name))),
                Says::Exists(_) | Says::EmptyNonTerminal => return Ok(NoDs::NoCut),
                Says::Absent { opt_out: false, .. } => return Ok(NoDs::NothingBelow),
                Says::Nothing => {}
            }
        }
        if contradicted {
            return bogus("withheld", &format!("{} has a DS, but it was not given", shown(name)));
        }
        if self.has_uncountable {
            return Ok(NoDs::Unproven(self.nsec3_iterations()));
        }
        bogus(
            "no-proof",
            &format!("the zone {} does not prove that {} has no DS", shown(self.zone), shown(name)),
        )
    }

    /// Does no closer match exist than the wildcard whose signature has `labels` labels (RFC 4035 section 5.3.4,
    /// RFC 5155 section 8.8)? What has to be absent is the next closer name, not the name itself.
    pub(super) fn of_closer_match(
        &mut self,
        name: &Name,
        labels: u8,
        budget: &mut Budget,
    ) -> Found<Strength> {
        let next_closer = name.trim_to(usize::from(labels) + 1);
        for book in &mut self.books {
            match book.absent(&next_closer, budget)? {
                Some(_) if book.is_heavy() => return Ok(Strength::Insecure(self.nsec3_iterations())),
                Some(false) => return Ok(Strength::Proven),
                Some(true) => return Ok(Strength::Insecure(self.opt_out(name))),
                None => {}
            }
        }
        if self.has_uncountable {
            return Ok(Strength::Insecure(self.nsec3_iterations()));
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

impl<'m> Book<'m> {
    /// Denies a type at a name; the flag says opt-out. `None` if this book says nothing about it, bogus if it says
    /// otherwise.
    fn denies(
        &mut self,
        zone: &Name,
        name: &Name,
        rtype: RecordType,
        budget: &mut Budget,
    ) -> Found<Option<(Denied, bool)>> {
        let (closest_encloser, opt_out) = match self.says(zone, name, budget)? {
            Says::Nothing => return Ok(None),
            Says::EmptyNonTerminal => return Ok(Some((Denied::Type, false))),
            Says::Exists(types) => {
                lacks(types, name, rtype)?;
                return Ok(Some((Denied::Type, false)));
            }
            Says::Absent { closest_encloser, opt_out } => (closest_encloser, opt_out),
        };
        // The wildcard that could have answered (RFC 4592 section 3.3.1).
        let Ok(wildcard) = closest_encloser.prepend_label("*") else {
            return Ok(Some((Denied::Name, opt_out))); // too long to exist
        };
        match self.says(zone, &wildcard, budget)? {
            Says::Exists(types) => {
                lacks(types, &wildcard, rtype)?;
                Ok(Some((Denied::Type, opt_out)))
            }
            Says::EmptyNonTerminal => Ok(Some((Denied::Type, opt_out))),
            // What may stand there all the same: an insecure delegation, of which only the DS is denied and without the
            // wildcard (RFC 5155 section 8.6), or an empty name above such ones that has no NSEC3 of its own.
            Says::Absent { .. } | Says::Nothing if opt_out => Ok(Some((Denied::Either, true))),
            Says::Absent { .. } => Ok(Some((Denied::Name, false))),
            Says::Nothing => Ok(None),
        }
    }

    /// Does it hold true, but prove nothing?
    const fn is_heavy(&self) -> bool {
        match self {
            Self::Nsec(_) => false,
            Self::Nsec3(book) => book.is_heavy(),
        }
    }

    /// What this book says about a name.
    fn says(&mut self, zone: &Name, name: &Name, budget: &mut Budget) -> Found<Says<'m>> {
        match self {
            Self::Nsec(book) => Ok(book.says(name)),
            Self::Nsec3(book) => book.says(zone, name, budget),
        }
    }

    /// Is a name absent whose parent is known to exist? `Some` of the opt-out flag. An NSEC3 zone proves no more than
    /// that beside the answer of a wildcard (RFC 5155 section 7.2.6).
    fn absent(&mut self, name: &Name, budget: &mut Budget) -> Found<Option<bool>> {
        match self {
            Self::Nsec(book) => match book.says(name) {
                Says::Absent { opt_out, .. } => Ok(Some(opt_out)),
                _ => Ok(None),
            },
            Self::Nsec3(book) => Ok(book.covering(name, budget)?.map(NSEC3::opt_out)),
        }
    }
}

/// The names below lie in another zone, or are redirected: nothing is said about them (RFC 6840 section 4.1).
pub(super) fn leads_away(types: &RecordTypeSet) -> bool {
    types.contains(RecordType::DNAME) || types.contains(RecordType::NS) && !types.contains(RecordType::SOA)
}

/// Do these types deny `rtype` at `name`? Neither it nor a CNAME may be there (RFC 6840 section 4.3); above a cut only
/// DS is denied (section 4.1), and below a cut everything but DS (RFC 4035 section 5.2).
fn lacks(types: &RecordTypeSet, name: &Name, rtype: RecordType) -> Found<()> {
    let (ns, soa) = (types.contains(RecordType::NS), types.contains(RecordType::SOA));
    if types.contains(rtype) || types.contains(RecordType::CNAME) {
        return bogus("withheld", &format!("{} has {rtype} or CNAME, but it was not given", shown(name)));
    }
    if rtype == RecordType::DS && soa && !name.is_root() {
        return bogus(
            "wrong-side",
            &format!("the denial of {} DS comes from below the zone cut", shown(name)),
        );
    }
    if rtype != RecordType::DS && ns && !soa {
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
