use super::*;
use proptest::prelude::*;

/// A reply to `a. TXT` with the given records (type, RDATA) in its answer section, owned by the question's name.
fn reply(records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut octets = vec![0, 7, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 16, 0, 1];
    octets[7] = u8::try_from(records.len()).unwrap();
    for (rtype, rdata) in records {
        octets.extend([0xc0, 12]);
        octets.extend(rtype.to_be_bytes());
        octets.extend([0, 1, 0, 0, 1, 44]);
        octets.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
        octets.extend(*rdata);
    }
    octets
}

const TXT: (u16, &[u8]) = (16, b"\x03abc");

#[test]
fn odd_records_keep_their_type_and_octets_and_cost_nothing_else() {
    let odd: [(u16, &[u8]); 12] = [
        (48, &[1, 1, 4, 13, 9, 9]),   // DNSKEY of protocol 4
        (50, &[2, 0, 0, 0, 0, 1, 9]), // NSEC3 of hash algorithm 2
        (50, &[1, 2, 0, 0, 0, 1, 9]), // NSEC3 with an unknown flag
        (43, &[]),                    // DS without RDATA
        (16, &[]),                    // TXT without RDATA
        (16, &[9, b'a']),             // a string that runs out
        (1, &[192, 0, 2]),            // three octets of an IPv4 address
        (15, &[0]),                   // half a preference
        (52, &[3, 1]),                // TLSA without its third field
        (46, &[0, 16]),               // RRSIG that ends at once
        (255, &[1]),                  // ANY is no record
        (5, &[0xc0, 0xff]),           // an alias that points outside
    ];
    for (rtype, rdata) in odd {
        assert!(Message::from_vec(&reply(&[(rtype, rdata)])).is_err(), "type {rtype} is not odd any more");
        let message = read(&reply(&[TXT, (rtype, rdata), TXT])).unwrap();
        assert_eq!(message.answers.len(), 3);
        assert!(
            matches!(&message.answers[0].data, RData::TXT(_)) && message.answers[0] == message.answers[2]
        );
        let kept = &message.answers[1];
        assert_eq!((u16::from(kept.record_type()), kept.name.to_ascii().as_str()), (rtype, "a."));
        assert!(
            matches!(&kept.data, RData::Unknown { rdata: kept, .. } if kept.anything == rdata),
            "{kept:?}"
        );
    }
}

#[test]
fn healthy_replies_read_as_the_parser_beneath_reads_them() {
    let octets =
        reply(&[TXT, (1, &[192, 0, 2, 1]), (15, &[0, 10, 2, b'm', b'x', 0xc0, 12]), (65_000, &[1, 2])]);
    assert_eq!(read(&octets).unwrap(), Message::from_vec(&octets).unwrap());
    assert_eq!(claimed_records(&octets), 4);
}

#[test]
fn the_rcode_is_read_whole() {
    let mut octets = reply(&[]);
    octets[11] = 1;
    octets.extend([0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0]); // OPT, upper RCODE bits 1, lower 0: 16, bad version
    assert_eq!(u16::from(read(&octets).unwrap().metadata.response_code), 16);
}

/// RFC 6891 section 6.1.3: the owner of OPT is the root, its class the payload, the first bit below the version DO.
#[test]
fn opt_is_read_among_the_additional_records_of_the_root_alone() {
    let with = |owner: &[u8], class: [u8; 2], ttl: [u8; 4]| {
        let mut octets = reply(&[]);
        octets[11] = 1;
        octets.extend(owner);
        octets.extend([0, 41]);
        octets.extend(class);
        octets.extend(ttl);
        octets.extend([0, 0]);
        read(&octets).unwrap()
    };
    for (ttl, is_dnssec_ok) in [([0, 0, 0x80, 0], true), ([0, 0, 0, 0], false), ([0, 0, 0x7f, 0xff], false)] {
        let message = with(&[0], [4, 208], ttl);
        let edns = message.edns.as_ref().unwrap();
        assert_eq!((edns.max_payload(), edns.flags().dnssec_ok), (1_232, is_dnssec_ok), "{ttl:?}");
    }
    assert!(with(&[1, b'a', 0], [4, 208], [1, 0, 0, 0]).edns.is_none(), "of another owner");
    let mut octets = reply(&[]);
    octets[11] = 1;
    octets.extend([0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 4, 192, 0, 2, 1]);
    let message = read(&octets).unwrap();
    assert!(message.edns.is_none(), "an address is no OPT");
    assert_eq!(u16::from(message.metadata.response_code), 0);
    // In another section it is no record.
    let message = read(&reply(&[TXT, (41, &[]), TXT])).unwrap();
    assert_eq!((message.answers.len(), message.edns.is_none()), (2, true));
}

/// RFC 1035 section 4.1.1: the numbers of answers, of authorities and of additional records.
#[test]
fn all_records_that_a_header_claims_are_counted() {
    assert_eq!(claimed_records(&[0, 7, 0x81, 0x80, 0, 1, 0, 5, 1, 2, 0, 7]), 5 + 258 + 7);
    assert_eq!(claimed_records(&[0, 7, 0x81, 0x80, 0, 1, 0, 5, 1, 2, 0]), 0, "no header");
}

#[test]
fn a_broken_frame_is_an_error() {
    let octets = reply(&[TXT]);
    for cut in 12..octets.len() {
        assert!(read(&octets[..cut]).is_err(), "{cut} octets of {}", octets.len());
    }
}

proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..80, with: u8) {
        let _ = read(&octets);
        let mut near = reply(&[TXT, (50, &[1, 0, 0, 0, 0, 1, 9, 0, 1, 64]), (48, &[1, 1, 3, 13, 9, 9]), TXT]);
        if let Some(octet) = near.get_mut(at) {
            *octet = with;
        }
        let _ = read(&near);
    }
}
