//! Aliases: CNAME (RFC 1034 section 3.6.2) and DNAME (RFC 6672), read and applied, not yet believed.

use super::labels;
use super::replies::{has, records};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

/// The alias that a reply offers for a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// A DNAME at this owner, strictly above the name. Looked for first: the CNAME beside it is synthesised and has no
    /// signature (RFC 6672 section 5.3.1).
    Dname(Name),
    /// A CNAME at the name.
    Cname,
}

/// The alias for `name` among `answers`, its owner at or below `zone`.
pub(super) fn offered(answers: &[Record], name: &Name, zone: &Name) -> Option<Offered> {
    let above = answers
        .iter()
        .filter(|record| record.record_type() == RecordType::DNAME && record.dns_class == DNSClass::IN)
        .map(|record| &record.name)
        .filter(|owner| *owner != name && owner.zone_of(name) && zone.zone_of(owner))
        .min_by_key(|owner| labels::count(owner)); // nothing lies below a DNAME, so the uppermost decides
    match above {
        Some(owner) => Some(Offered::Dname(owner.clone())),
        None => has(answers, name, RecordType::CNAME).then_some(Offered::Cname),
    }
}

/// The target of the only CNAME at `name`; `None` if there are several (RFC 2181 section 10.1).
pub(super) fn cname_target<'r>(mut rdata: impl Iterator<Item = &'r RData>) -> Option<Name> {
    match (rdata.next(), rdata.next()) {
        (Some(RData::CNAME(target)), None) => Some(target.0.to_lowercase()),
        _ => None,
    }
}

/// `name` with its end `owner` replaced by the target of the only DNAME (RFC 6672 section 2.2); `None` if there are
/// several, the target cannot be read, or the new name would be too long (there a server says YXDOMAIN).
pub(super) fn substituted<'r>(
    name: &Name,
    owner: &Name,
    mut rdata: impl Iterator<Item = &'r RData>,
) -> Option<Name> {
    let (Some(RData::Unknown { code: RecordType::DNAME, rdata: target }), None) =
        (rdata.next(), rdata.next())
    else {
        return None;
    };
    let target = uncompressed(&target.anything)?;
    let kept = labels::count(name).checked_sub(labels::count(owner))?;
    Name::from_labels(name.iter().take(kept).chain(target.iter())).ok().map(|name| name.to_lowercase())
}

/// One name in wire format that uses no compression (RFC 6672 section 2.5) and nothing after it.
fn uncompressed(octets: &[u8]) -> Option<Name> {
    let (mut rest, mut labels) = (octets, Vec::new());
    loop {
        let (&length, after) = rest.split_first()?;
        match length {
            0 => return if after.is_empty() { Name::from_labels(labels).ok() } else { None },
            1..=63 => {
                let (label, after) = after.split_at_checked(length.into())?;
                labels.push(label);
                rest = after;
            }
            _ => return None,
        }
    }
}

/// The data of the records of one owner and type, none twice: for answers that nothing proves.
pub(super) fn unproven<'m>(answers: &'m [Record], owner: &'m Name, rtype: RecordType) -> Vec<&'m RData> {
    let mut data: Vec<&RData> = Vec::new();
    for record in records(answers, owner, rtype) {
        if !data.contains(&&record.data) {
            data.push(&record.data);
        }
    }
    data
}

#[cfg(test)]
mod tests;
