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
    assert!(least >= size_of::<(Place, Arc<Gap>)>() + size_of::<Gap>(), "{least}");
    assert!(least <= 1_000, "what the limit says of one: {least}");
    // It stands in the record and in its place.
    let in_its_place = 2 * (name(&owner).len() - name("a.test.").len());
    let of_owner = in_its_place + beside(&name(&owner));
    assert_eq!(gap(&owner, "b.test.", "test.", 1, 0).octets(), least + of_owner);
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
    // Its place in a tree whose nodes are at least half full, and three pieces of memory: of the gap, of its record, and of its place.
    let place = 2 * size_of::<(Place, Arc<Gap>)>() + 2 * name("a.test.").len();
    assert_eq!(nothing.octets(), place + size_of::<Gap>() + 3 * ALLOCATION);
}

/// RFC 4034 section 6.1, its own example, and what stands around it: octets that end and escape labels, those next to them.
#[test]
fn places_sort_as_the_names_of_a_zone_do() {
    let below_z = |labels: &[&[u8]]| Name::from_labels([labels, &[b"z", b"example"]].concat()).unwrap();
    let names =
        ["example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example."];
    let labels: [&[&[u8]]; 10] = [
        &[&[0]],
        &[b"x", &[0]],
        &[&[0, 0]],
        &[&[1]],
        &[&[1, b'a']],
        &[&[1, 200]],
        &[&[2]],
        &[b"*"],
        &[&[200]],
        &[&[255]],
    ];
    let names = names.map(name).into_iter().chain(labels.map(below_z));
    let places: Vec<_> = names.map(|owner| place(&name("example."), &owner)).collect();
    assert!(places.is_sorted_by(|before, after| before < after), "{places:?}");
    let [small, large] = ["mail.test.", "MAIL.Test."].map(|owner| place(&name("test."), &name(owner)));
    assert_eq!(small, large);
    assert_ne!(small, place(&Name::root(), &name("mail.test.")));
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
