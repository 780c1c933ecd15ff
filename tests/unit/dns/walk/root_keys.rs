//! What the root shows of its keys, beside the trust anchors of this machine.

use super::scene::{NOW, Zone};
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, RRSIG};
use hickory_proto::op::{Message, MessageType, OpCode};
use hickory_proto::rr::{Name, RData, Record, SerialNumber};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::root_keys::{RootKeys, read};
use smtp_sts_verify::time::UnixTime;

/// What a reply with these records says to whoever trusts that key.
fn shown(trusted: &Zone, answers: Vec<Record>) -> RootKeys {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.answers = answers;
    let anchors = TrustAnchors::parse(&format!(". DNSKEY {}", trusted.dnskey)).unwrap();
    read(&message, &anchors, UnixTime(NOW)).unwrap()
}

/// The same public key with other flags.
fn flagged(zone: &Zone, flags: u16) -> Record {
    let key = DNSKEY::with_flags(flags, zone.dnskey.public_key().clone());
    Record::from_rdata(Name::root(), 300, RData::DNSSEC(DNSSECRData::DNSKEY(key)))
}

#[test]
fn a_signature_of_ours_that_verifies_tells_from_when_until_when_it_counts() {
    let (ours, zone_signing) = (Zone::new("."), Zone::with_flags(".", 256));
    let keys = vec![ours.key(), zone_signing.key()];
    let life = (UnixTime(NOW - 3_600), UnixTime(NOW + 86_400 * 7));
    let signed = ours.signed(keys.clone());
    assert_eq!(shown(&ours, signed.clone()).signed, [life]);
    // One that another key of the zone has made says nothing, nor does one that is wrong.
    assert!(shown(&ours, zone_signing.signed(keys.clone())).signed.is_empty());
    let both = [signed.clone(), vec![zone_signing.signed(keys.clone()).pop().unwrap()]].concat();
    assert_eq!(shown(&ours, both).signed, [life]);
    let mut wrong = signed;
    if let Some(Record { data: RData::DNSSEC(DNSSECRData::RRSIG(signature)), .. }) = wrong.last_mut() {
        let mut octets = signature.sig().to_vec();
        octets[0] ^= 1;
        *signature = RRSIG::from_sig(signature.input().clone(), octets);
    }
    let keys_alone = shown(&ours, wrong);
    assert_eq!((keys_alone.signed, keys_alone.ours), (vec![], vec![ours.tag()]));
    // Its time is past: that it was signed then is what is told.
    let begins = u32::try_from(NOW).unwrap() - 1_000;
    let past = ours.signed_but(keys, |input| {
        input.sig_inception = SerialNumber::new(begins);
        input.sig_expiration = SerialNumber::new(begins + 10);
    });
    assert_eq!(shown(&ours, past).signed, [(UnixTime(NOW - 1_000), UnixTime(NOW - 990))]);
}

/// RFC 4034 section 2.1.1: 256 is ZONE, 1 is SEP; RFC 5011 section 2.1: 128 is REVOKE.
#[test]
fn an_announcement_has_both_flags_and_what_is_revoked_is_ours() {
    let (ours, other) = (Zone::new("."), Zone::new("."));
    let unknown = |flags| shown(&ours, vec![ours.key(), flagged(&other, flags)]).unknown;
    assert_eq!(unknown(257), [other.tag()]);
    assert!([256, 1, 0, 257 | 128].into_iter().all(|flags| unknown(flags).is_empty()));
    let revoked = |record| shown(&ours, vec![record]);
    let keys = revoked(flagged(&ours, 257 | 128));
    assert_eq!((keys.ours, keys.revoked, keys.unknown), (vec![], vec![ours.tag()], vec![]));
    assert!(revoked(flagged(&other, 257 | 128)).revoked.is_empty(), "somebody else's");
    assert!(revoked(flagged(&ours, 128 | 1)).revoked.is_empty(), "no key of a zone");
    assert!(revoked(flagged(&ours, 257)).revoked.is_empty());
}
