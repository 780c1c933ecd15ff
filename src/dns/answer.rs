//! One reply, judged by what one zone has signed: the data asked for, an alias, or the proof that there is neither.

use super::alias::{self, Offered};
use super::basis::{Basis, Insecurity};
use super::chain::TrustContext;
use super::denial::{Denials, Denied, Strength};
use super::proof::Role;
use super::replies::{Found, Stop, has, negative_seconds, records, seconds, shown};
use super::signature::{Zone, signatures};
use super::{Content, Outage, ZoneStatus};
use crate::time::UnixTime;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// What a reply says about one name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub(super) says: Says,
    /// Does the chain of trust reach it?
    pub(super) strength: Strength,
    /// What it rests on.
    pub(super) basis: Basis,
}

/// The end of the chain of aliases, or its next link.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Says {
    End(Content),
    Alias(Name),
}

/// Judges a reply by the signatures of `zone`, which holds `name`.
pub(super) fn judge(
    trust: &mut TrustContext,
    zone: &Zone,
    name: &Name,
    rtype: RecordType,
    message: &Message,
) -> Found<Judged> {
    let (now, budget) = (trust.now(), trust.budget());
    let offered = alias::offered(&message.answers, name, &zone.name);
    let is_synthesised = rtype == RecordType::CNAME && matches!(offered, Some(Offered::Dname(_)));
    let (found, role, says) = if has(&message.answers, name, rtype) && !is_synthesised {
        let data = match rtype {
            // Never from a wildcard: they speak about the one name that they stand at.
            RecordType::DS
            | RecordType::DNSKEY
            | RecordType::NSEC
            | RecordType::NSEC3
            | RecordType::DNAME => zone.proven_here(name, rtype, &message.answers, now, budget)?,
            _ => zone.proven(name, rtype, &message.answers, now, budget)?,
        };
        let content = Content::Data(data.records.iter().copied().cloned().collect());
        (data, Role::Data, Says::End(content))
    } else {
        match offered {
            Some(Offered::Dname(owner)) => {
                let dname = zone.proven_here(&owner, RecordType::DNAME, &message.answers, now, budget)?;
                let Some(target) = alias::substituted(name, &owner, dname.records.iter().copied()) else {
                    return leads_nowhere(&owner, ZoneStatus::Signed);
                };
                let says = match rtype {
                    RecordType::CNAME => Says::End(Content::Data(vec![RData::CNAME(CNAME(target))])),
                    _ => Says::Alias(target),
                };
                let basis = zone.basis.clone().and(dname.basis(Role::Alias));
                trust.note_existing(zone, &owner);
                return Ok(Judged { says, strength: Strength::Proven, basis });
            }
            Some(Offered::Cname) => {
                let cname = zone.proven(name, RecordType::CNAME, &message.answers, now, budget)?;
                let Some(target) = alias::cname_target(cname.records.iter().copied()) else {
                    return leads_nowhere(name, ZoneStatus::Signed);
                };
                (cname, Role::Alias, Says::Alias(target))
            }
            None => return denied(trust, zone, name, rtype, message),
        }
    };
    let basis = zone.basis.clone().and(found.basis(role));
    if found.labels() == name.num_labels() {
        trust.note_existing(zone, name);
        return Ok(Judged { says, strength: Strength::Proven, basis });
    }
    let denials = Denials::read(zone, message, now, budget)?;
    let (strength, denial) = denials.of_closer_match(name, rtype, found.labels(), budget)?;
    Ok(Judged { says, strength, basis: basis.and(denial) })
}

/// Nothing was given: is that proven? The RCODE says which of two absences it is only where the proof does not.
fn denied(
    trust: &mut TrustContext,
    zone: &Zone,
    name: &Name,
    rtype: RecordType,
    message: &Message,
) -> Found<Judged> {
    let denials = Denials::read(zone, message, trust.now(), trust.budget())?;
    let (denied, strength, basis) = denials.of_type(name, rtype, trust.budget())?;
    trust.note_denied(zone, &denials);
    let content = match denied {
        Denied::Type => Content::Nodata,
        Denied::Name => Content::Nxdomain,
        Denied::Either => absence(message),
    };
    let basis = zone.basis.clone().and(basis);
    if denied == Denied::Name && strength == Strength::Proven {
        trust.note_absent(name, &basis);
    }
    Ok(Judged { says: Says::End(content), strength, basis })
}

/// What `zone` itself has signed below a cut of which it denies the DS, as the zones of load balancers have it: the
/// signer's name is that of the zone which holds the RRset, and so it is secure (RFC 4035 section 5.3.1), or bogus where
/// the signature is wrong. `None` if no signature of the zone stands over the data asked for, or over an alias: the zone
/// denies nothing there (RFC 6840 section 4.1).
pub(super) fn signed_above_cut(
    trust: &mut TrustContext,
    zone: &Zone,
    name: &Name,
    rtype: RecordType,
    message: &Message,
) -> Found<Option<Judged>> {
    let answers = &message.answers;
    let is_signed = match alias::offered(answers, name, &zone.name) {
        _ if has(answers, name, rtype) => is_signed_by(&zone.name, answers, name, rtype),
        Some(Offered::Dname(owner)) => is_signed_by(&zone.name, answers, &owner, RecordType::DNAME),
        Some(Offered::Cname) => is_signed_by(&zone.name, answers, name, RecordType::CNAME),
        None => false,
    };
    if !is_signed {
        return Ok(None);
    }
    let judged = judge(trust, zone, name, rtype, message)?;
    Ok(Some(judged).filter(|judged| judged.strength == Strength::Proven))
}

/// Does a signature over this RRset claim to be by `zone`?
fn is_signed_by(zone: &Name, section: &[Record], owner: &Name, rtype: RecordType) -> bool {
    signatures(section, owner, rtype).any(|(_, signature)| signature.input().signer_name == *zone)
}

/// Takes a reply as it is, where the chain of trust is proven to end.
///
/// # Errors
/// [`Stop::Failed`] for what is no answer at all: a referral, or an alias that cannot be followed.
pub(super) fn unproven(
    name: &Name,
    rtype: RecordType,
    message: &Message,
    insecurity: &Insecurity,
    now: UnixTime,
) -> Found<Judged> {
    let (owner, wanted) = if has(&message.answers, name, rtype) {
        (name.clone(), rtype)
    } else if has(&message.answers, name, RecordType::CNAME) {
        (name.clone(), RecordType::CNAME)
    } else if let Some(Offered::Dname(owner)) = alias::offered(&message.answers, name, &Name::root()) {
        (owner, RecordType::DNAME)
    } else {
        (name.clone(), rtype)
    };
    let data = alias::unproven(&message.answers, &owner, wanted);
    let life = if data.is_empty() {
        negative_seconds(message).unwrap_or(0) // without SOA it is not kept (RFC 2308 section 5)
    } else {
        records(&message.answers, &owner, wanted).map(|record| seconds(record.ttl)).min().unwrap_or(0)
    };
    let says = if data.is_empty() {
        if is_referral(message) {
            let why = format!("no-answer: {} {rtype}: the name server refers to others", shown(name));
            return Err(Stop::Failed(Outage::NoAnswer, ZoneStatus::ProvenInsecure, why));
        }
        Says::End(absence(message))
    } else if wanted == rtype {
        Says::End(Content::Data(data.into_iter().cloned().collect()))
    } else {
        let target = match wanted {
            RecordType::CNAME => alias::cname_target(data.into_iter()),
            _ => alias::substituted(name, &owner, data.into_iter()),
        };
        let Some(target) = target else { return leads_nowhere(&owner, ZoneStatus::ProvenInsecure) };
        Says::Alias(target)
    };
    let Insecurity { why, mut basis } = insecurity.clone();
    basis.until = basis.until.min(now.plus(life));
    Ok(Judged { says, strength: Strength::Insecure(why), basis })
}

/// An alias that has several targets, or none that is a name.
fn leads_nowhere<T>(owner: &Name, status: ZoneStatus) -> Found<T> {
    let why = format!("alias-broken: the alias at {} leads to no single name", shown(owner));
    Err(Stop::Failed(Outage::NoAnswer, status, why))
}

/// The absence that the RCODE names.
fn absence(message: &Message) -> Content {
    match message.metadata.response_code {
        ResponseCode::NXDomain => Content::Nxdomain,
        _ => Content::Nodata,
    }
}

/// A reply that only names other servers: the one asked does not resolve for us (RFC 2308 section 2.2). Where recursion
/// was asked for and is available there are no referrals, and it is a NODATA whose SOA was left out.
fn is_referral(message: &Message) -> bool {
    let is_soa = |data: &RData| matches!(data, RData::SOA(_));
    message.metadata.response_code == ResponseCode::NoError
        && !message.metadata.recursion_available
        && message.answers.is_empty()
        && message.authorities.iter().any(|record| record.record_type() == RecordType::NS)
        && !message.authorities.iter().any(|record| is_soa(&record.data))
}
