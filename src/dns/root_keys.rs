//! What the root says of its own keys, proven by a key that is trusted already, whatever the clock says.
//!
//! For those who look after a machine: does its clock fit the root's signatures, and is a key announced that its trust
//! anchors do not know yet (RFC 5011 section 2)? Nothing here is ever used to prove an answer.

use super::Question;
use super::anchor::TrustAnchors;
use super::basis::Basis;
use super::budget::Budget;
use super::keys::trusted_keys;
use super::replies::records;
use super::signature::{Zone, ZoneKey, signatures};
use crate::time::UnixTime;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_proto::dnssec::{PublicKey, PublicKeyBuf};
use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// The root's key signing keys and the life of the signatures over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootKeys {
    /// Tags of the keys that a trust anchor names.
    pub ours: Vec<u16>,
    /// Tags of those that the root has revoked (RFC 5011 section 2.1), as they were before that.
    pub revoked: Vec<u16>,
    /// Tags of the keys that the root announces with the SEP flag (RFC 4034 section 2.1.1) and no trust anchor names.
    pub unknown: Vec<u16>,
    /// From when until when each signature by one of `ours` counts; only those that verify.
    pub signed: Vec<(UnixTime, UnixTime)>,
}

/// The question whose reply [`read`] reads.
#[must_use]
pub fn question() -> Question {
    Question::new(&Name::root(), RecordType::DNSKEY)
}

/// Reads a reply about the root's keys; `None` without a trust anchor for the root, or without a key in the reply.
///
/// `now` only tells which of the times that a signature's 32 bits may mean is meant (RFC 4034 section 3.1.5).
#[must_use]
pub fn read(message: &Message, anchors: &TrustAnchors, now: UnixTime) -> Option<RootKeys> {
    let root = Name::root();
    let (digests, keys) = anchors.of(&root);
    if digests.is_empty() && keys.is_empty() {
        return None;
    }
    let shown = records(&message.answers, &root, RecordType::DNSKEY);
    let shown: Vec<&DNSKEY> = shown.filter_map(|record| dnskey(&record.data)).collect();
    if shown.is_empty() {
        return None;
    }
    let trusted = trusted_keys(&root, message, &digests, &keys, &mut Budget::default()).unwrap_or_default();
    let ours: Vec<u16> = trusted.iter().map(|key| key.tag).collect();
    let entries = || shown.iter().filter(|key| key.zone_key() && key.secure_entry_point());
    let tag = |key: &DNSKEY| key.calculate_key_tag().ok();
    Some(RootKeys {
        unknown: entries()
            .filter(|key| !key.revoke())
            .filter_map(|key| tag(key))
            .filter(|tag| !ours.contains(tag))
            .collect(),
        revoked: entries()
            .filter(|key| key.revoke())
            .map(|key| before_revocation(key))
            .filter(|key| is_named(key, &root, &digests, &keys))
            .filter_map(|key| tag(&key))
            .collect(),
        signed: lives(message, &root, trusted, now),
        ours,
    })
}

const fn dnskey(data: &RData) -> Option<&DNSKEY> {
    match data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key),
        _ => None,
    }
}

/// The lives of the signatures over the keys that verify; each is tried alone, at the moment of its own beginning.
fn lives(message: &Message, root: &Name, trusted: Vec<ZoneKey>, now: UnixTime) -> Vec<(UnixTime, UnixTime)> {
    let mut budget = Budget::default();
    let is_ours = |tag: u16| trusted.iter().any(|key| key.tag == tag);
    let keys: Vec<Record> = records(&message.answers, root, RecordType::DNSKEY).cloned().collect();
    let mut found = Vec::new();
    let zone = Zone { name: root.clone(), keys: trusted.clone(), basis: Basis::ANCHOR };
    for (record, signature) in signatures(&message.answers, root, RecordType::DNSKEY) {
        let input = signature.input();
        if !is_ours(input.key_tag) {
            continue;
        }
        let (begins, ends) = (near(input.sig_inception.get(), now), near(input.sig_expiration.get(), now));
        let section: Vec<Record> = keys.iter().chain([record]).cloned().collect();
        if zone.proven_here(root, RecordType::DNSKEY, &section, begins, &mut budget).is_ok() {
            found.push((begins, ends));
        }
    }
    found
}

/// The key without its REVOKE flag, which changes its tag and digest.
fn before_revocation(key: &DNSKEY) -> DNSKEY {
    const REVOKE: u16 = 0x80;
    let public = key.public_key();
    let buffer = PublicKeyBuf::new(public.public_bytes().to_vec(), public.algorithm());
    DNSKEY::with_flags(key.flags() & !REVOKE, buffer)
}

fn is_named(key: &DNSKEY, root: &Name, digests: &[&DS], keys: &[&DNSKEY]) -> bool {
    keys.iter().any(|anchor| anchor.public_key() == key.public_key())
        || digests.iter().any(|ds| ds.covers(root, key).unwrap_or(false))
}

/// The moment nearest to `now` that these 32 bits can mean.
fn near(serial: u32, now: UnixTime) -> UnixTime {
    let ahead = serial.wrapping_sub(now.serial());
    if ahead <= u32::MAX / 2 {
        now.plus(u64::from(ahead))
    } else {
        UnixTime(now.0.saturating_sub(u64::from(ahead.wrapping_neg())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::dnssec::TrustAnchors as LibraryAnchors;
    use hickory_proto::op::{MessageType, OpCode};

    /// A reply with the root's public keys, of which those named get other flags.
    fn reply(flags: &[(usize, u16)]) -> Message {
        let library = LibraryAnchors::default();
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        for place in 0..library.len() {
            let flags = flags.iter().find(|(at, _)| *at == place).map_or(257, |(_, flags)| *flags);
            let key = DNSKEY::with_flags(flags, library.get(place).unwrap().clone());
            let data = RData::DNSSEC(DNSSECRData::DNSKEY(key));
            message.answers.push(Record::from_rdata(Name::root(), 300, data));
        }
        message
    }

    const OLD: &str = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";

    #[test]
    fn a_key_that_is_announced_and_not_known_is_told_apart_from_ours() {
        let keys = read(&reply(&[]), &TrustAnchors::parse(OLD).unwrap(), UnixTime(0)).unwrap();
        assert_eq!((keys.ours, keys.unknown, keys.revoked), (vec![20326], vec![38696], vec![]));
        let keys = read(&reply(&[]), &TrustAnchors::iana().unwrap(), UnixTime(0)).unwrap();
        assert_eq!((keys.ours, keys.unknown), (vec![20326, 38696], vec![]));
    }

    #[test]
    fn a_key_of_ours_that_is_revoked_is_known_by_the_tag_it_had() {
        let keys = read(&reply(&[(0, 257 | 0x80)]), &TrustAnchors::iana().unwrap(), UnixTime(0)).unwrap();
        assert_eq!((keys.ours, keys.unknown, keys.revoked), (vec![38696], vec![], vec![20326]));
    }

    #[test]
    fn keys_that_only_sign_the_zone_are_no_announcement() {
        let keys = read(&reply(&[(1, 256)]), &TrustAnchors::parse(OLD).unwrap(), UnixTime(0)).unwrap();
        assert_eq!(keys.unknown, Vec::<u16>::new());
    }

    #[test]
    fn without_a_signature_there_is_no_life_to_tell() {
        let keys = read(&reply(&[]), &TrustAnchors::iana().unwrap(), UnixTime(0)).unwrap();
        assert_eq!(keys.signed, vec![]);
    }

    #[test]
    fn a_time_of_32_bits_is_the_one_nearest_to_now() {
        let now = UnixTime(0x1_0000_0010);
        assert_eq!(near(0x20, now), UnixTime(0x1_0000_0020));
        assert_eq!(near(0xffff_fff0, now), UnixTime(0xffff_fff0));
        assert_eq!(near(5, UnixTime(2)), UnixTime(5));
    }
}
