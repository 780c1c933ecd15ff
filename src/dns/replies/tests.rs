use super::*;
use hickory_proto::op::{MessageType, OpCode};
use hickory_proto::rr::rdata::SOA;

/// RFC 2181 section 8: a TTL has 31 bits, and one with the highest bit set counts as zero.
#[test]
fn a_ttl_has_31_bits() {
    for (ttl, expected) in
        [(0, 0), (1, 1), (300, 300), (0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (0xffff_ffff, 0)]
    {
        assert_eq!(seconds(ttl), expected, "{ttl}");
    }
}

/// RFC 2308 section 5: the lesser of the SOA's TTL and its MINIMUM.
#[test]
fn an_absence_lives_for_the_lesser_of_ttl_and_minimum_of_its_soa() {
    let message = |soas: &[(u32, u32)]| {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        for (ttl, minimum) in soas {
            let soa = SOA::new(Name::root(), Name::root(), 1, 2, 3, 4, *minimum);
            message.authorities.push(Record::from_rdata(Name::root(), *ttl, RData::SOA(soa)));
        }
        message
    };
    assert_eq!(negative_seconds(&message(&[])), None);
    assert_eq!(negative_seconds(&message(&[(600, 300)])), Some(300));
    assert_eq!(negative_seconds(&message(&[(200, 300)])), Some(200));
    assert_eq!(negative_seconds(&message(&[(600, 300), (100, 900)])), Some(100));
}
