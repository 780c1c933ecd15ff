use super::*;
use hickory_proto::dnssec::Algorithm;

const NOW: UnixTime = UnixTime(1_000_000);

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// A denial of `zone` that was signed at a moment, with so many types at its owner.
fn gap(owner: &str, next: &str, zone: &str, types: u16, inception: u64) -> Gap {
    let record = NSEC::new(name(next), (0..types).map(|number| RecordType::from(2_000 + number)));
    let signature = Signature {
        signer: name(zone),
        key_tag: 1,
        algorithm: Algorithm::ECDSAP256SHA256,
        labels: 1,
        inception: UnixTime(inception),
        expires: UnixTime(u64::MAX),
    };
    let data = RData::DNSSEC(DNSSECRData::NSEC(record));
    Gap { owner: name(owner), data, signature, from: NOW, until: NOW.plus(600) }
}

#[test]
fn the_names_and_types_of_a_denial_take_what_is_reckoned_for_them() {
    let long = |letter: &str| format!("{}.test.", letter.repeat(60));
    let (owner, next) = (long("a"), long("b"));
    let zone = format!("{}.", "c".repeat(50));
    let least = gap("a.test.", "b.test.", "test.", 1, 0).octets();
    assert!(least >= size_of::<((Name, Name), Arc<Gap>)>() + size_of::<Gap>(), "{least}");
    assert!(least <= 1_000, "what the limit says of one: {least}");
    // It stands in the record and in its place.
    assert_eq!(gap(&owner, "b.test.", "test.", 1, 0).octets(), least + 2 * beside(&name(&owner)));
    assert_eq!(gap("a.test.", &next, "test.", 1, 0).octets(), least + beside(&name(&next)));
    assert_eq!(gap("a.test.", "b.test.", &zone, 1, 0).octets(), least + beside(&name(&zone)));
    // A node of the library's tree has five to eleven types of four octets, and the places of twelve nodes below if it has any.
    let node = |types: u16| {
        gap("a.test.", "b.test.", "test.", types, 0).octets()
            - gap("a.test.", "b.test.", "test.", 0, 0).octets()
    };
    assert_eq!(node(4), 0, "one node has them");
    for types in [5, 30, 100, 255] {
        let nodes = usize::from(types / 11)..=usize::from(types / 5);
        let octets = nodes.start() * 11 * 4..=nodes.end() * (11 * 4 + 12 * 8 + 16);
        assert!(octets.contains(&node(types)), "{types} types: {}", node(types));
    }
    let nothing = Gap {
        data: RData::A(hickory_proto::rr::rdata::A::new(192, 0, 2, 1)),
        ..gap("a.test.", "b.test.", "test.", 0, 0)
    };
    assert!(gap("a.test.", "b.test.", "test.", 0, 0).octets() >= nothing.octets() + 11 * 4);
    // Its place in a tree whose nodes are at least half full, and two pieces of memory: of the gap, and of its record.
    let place = 2 * size_of::<((Name, Name), Arc<Gap>)>();
    assert_eq!(nothing.octets(), place + size_of::<Gap>() + 2 * ALLOCATION);
}

#[test]
fn the_last_octet_of_the_room_is_used_and_beyond_it_the_room_begins_anew() {
    let taken = gap("a.test.", "b.test.", "test.", 1, 0).octets();
    for (left, is_full) in [(taken, false), (taken - 1, true)] {
        let mut gaps = Gaps { octets: MAX_SHARED_DENIALS_OCTETS - left, ..Gaps::default() };
        let made_room = gaps.keep(&name("test."), gap("a.test.", "b.test.", "test.", 1, 0), NOW);
        assert_eq!(made_room.is_some(), is_full, "{left}");
        assert_eq!(gaps.octets, if is_full { taken } else { MAX_SHARED_DENIALS_OCTETS });
        gaps.end_at(&name("test."), &name("aa.test."));
        assert_eq!(gaps.octets, if is_full { 0 } else { MAX_SHARED_DENIALS_OCTETS - taken });
    }
}
