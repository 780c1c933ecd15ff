//! The keys of a zone: which of them a DS or a trust anchor names, and that those sign the rest (RFC 4035 section 5.2).

use super::basis::Basis;
use super::budget::Budget;
use super::proof::Role;
use super::replies::{Found, bogus, exhausted, has, records, shown};
use super::signature::{Proven, Zone, ZoneKey};
use crate::limits::MAX_DS_DIGESTS;
use crate::time::UnixTime;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_proto::dnssec::{DigestType, PublicKey};
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, RecordType};
use std::sync::Arc;

/// The DS records of a proven RRset whose algorithm and digest can be verified.
pub(super) fn usable_digests<'m>(ds: &Proven<'m>) -> Vec<&'m DS> {
    ds.records
        .iter()
        .filter_map(|data| match data {
            RData::DNSSEC(DNSSECRData::DS(ds)) => Some(ds),
            _ => None,
        })
        .filter(|ds| ds.algorithm().is_supported() && ds.digest_type().is_supported())
        .collect()
}

/// Proves the keys of a zone: its DNSKEY RRset is signed by a key that is trusted (RFC 4035 section 5.2).
pub(super) fn enter(
    apex: &Name,
    message: &Message,
    digests: &[&DS],
    keys: &[&DNSKEY],
    basis: Basis,
    now: UnixTime,
    budget: &mut Budget,
) -> Found<Arc<Zone>> {
    if !has(&message.answers, apex, RecordType::DNSKEY) {
        return bogus("no-keys", &format!("the zone {} has to be signed, but shows no DNSKEY", shown(apex)));
    }
    let trusted = trusted_keys(apex, message, digests, keys, budget)?;
    if trusted.is_empty() {
        let why =
            format!("no DNSKEY of the zone {} is the one that its DS or trust anchor names", shown(apex));
        return bogus("key-mismatch", &why);
    }
    let entrance = Zone { name: apex.clone(), keys: trusted, basis };
    let proven = entrance.proven_here(apex, RecordType::DNSKEY, &message.answers, now, budget)?;
    let keys = proven.records.iter().copied().filter_map(ZoneKey::usable).collect();
    let basis = entrance.basis.and(proven.basis(Role::Keys));
    Ok(Arc::new(Zone { name: apex.clone(), keys, basis }))
}

/// The keys in a DNSKEY reply that a DS, or a trust anchor, names.
pub(super) fn trusted_keys(
    apex: &Name,
    message: &Message,
    digests: &[&DS],
    keys: &[&DNSKEY],
    budget: &mut Budget,
) -> Found<Vec<ZoneKey>> {
    // SHA-1 does not count beside a better digest (RFC 4509 section 3).
    let better = digests.iter().any(|ds| ds.digest_type() != DigestType::SHA1);
    let digests = digests.iter().filter(|ds| !better || ds.digest_type() != DigestType::SHA1);
    let mut compared = 0;
    let mut trusted = Vec::new();
    for record in records(&message.answers, apex, RecordType::DNSKEY) {
        let Some(candidate) = ZoneKey::usable(&record.data) else { continue };
        let public = candidate.key.public_key();
        let mut is_trusted = keys.iter().any(|key| key.public_key() == public);
        for ds in digests.clone() {
            if is_trusted || ds.key_tag() != candidate.tag || ds.algorithm() != public.algorithm() {
                continue;
            }
            compared += 1;
            if compared > MAX_DS_DIGESTS {
                return exhausted(&format!("{}: more than {MAX_DS_DIGESTS} digests of keys", shown(apex)));
            }
            budget.hashed(apex.len() + 4 + public.public_bytes().len())?;
            is_trusted = ds.covers(apex, &candidate.key).unwrap_or(false);
        }
        if is_trusted {
            trusted.push(candidate);
        }
    }
    Ok(trusted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::dnssec::{Algorithm, PublicKeyBuf};
    use hickory_proto::op::{MessageType, OpCode};
    use hickory_proto::rr::Record;

    /// RFC 4034 section 5.1.4: the owner name, then the DNSKEY RDATA, which has four octets before the key.
    #[test]
    fn a_digest_of_a_key_costs_the_blocks_of_its_name_and_its_data() {
        let apex = Name::from_ascii(format!("{}.", "a".repeat(63))).unwrap();
        let key = DNSKEY::with_flags(257, PublicKeyBuf::new(vec![7; 64], Algorithm::ECDSAP256SHA256));
        let tag = key.calculate_key_tag().unwrap();
        let ds = DS::new(tag, Algorithm::ECDSAP256SHA256, DigestType::SHA256, vec![0; 32]);
        let mut message = Message::new(1, MessageType::Response, OpCode::Query);
        let data = RData::DNSSEC(DNSSECRData::DNSKEY(key));
        message.answers = vec![Record::from_rdata(apex.clone(), 600, data)];
        let mut budget = Budget::default();
        assert!(trusted_keys(&apex, &message, &[&ds], &[], &mut budget).is_ok_and(|keys| keys.is_empty()));
        // 65 + 4 + 64 octets, in blocks of 64.
        assert_eq!(budget.spent().hash_blocks, 3);
    }
}
