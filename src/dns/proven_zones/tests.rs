use super::super::basis::Insecurity;
use super::*;

const NOW: UnixTime = UnixTime(1_000_000);

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// That no zone begins at a name, as `by` says.
fn none_by(by: &str) -> Proven {
    Proven { cut: Cut::None, by: name(by), from: NOW, until: NOW.plus(600) }
}

/// What one of a table takes that has just grown to twice its places: 7 of 16 are taken, and each has an octet beside it (hashbrown).
const fn in_a_table(octets: usize) -> usize {
    (octets + 1) * 16 / 7
}

#[test]
fn what_is_proven_of_a_name_takes_what_is_reckoned_for_it() {
    let long = |start: &str| name(&format!("{start}{}.", "a".repeat(60)));
    let of = |name: &Name| none_by("test.").octets(name);
    let least = of(&name("a."));
    let none = none_by("test.");
    let place = least - beside(&name("a.")) - beside(&none.by) - none.cut.octets();
    assert_eq!(place, in_a_table(size_of::<(Name, Proven)>()));
    assert!(least <= 900, "what the limit says of one: {least}");
    assert_eq!(of(&long("")), least + beside(&long("")));
    let by = name(&format!("{}.", "b".repeat(50)));
    assert_eq!(Proven { by: by.clone(), ..none_by("test.") }.octets(&name("a.")), least + beside(&by));
    let why = "no-ds: the zone is not signed".to_owned();
    let cut = Cut::Insecure(Arc::new(Insecurity { why, basis: Basis::ANCHOR }));
    let octets = cut.octets();
    assert!(octets >= size_of::<Insecurity>());
    assert_eq!(Proven { cut, ..none_by("test.") }.octets(&name("a.")), least + octets);
    // Below their own name an owner has a share, in which each name has its place.
    assert_eq!(of(&name("b.a.")), least);
    let shared = of(&name("c.b.a.")) - least;
    let place = shared - beside(&name("c.b.a.")) + beside(&name("a.")) - beside(&name("b.a."));
    // A node of a tree is at least half full.
    assert_eq!(place, 2 * size_of::<(UnixTime, Name)>() + in_a_table(size_of::<(Name, Share)>()));
    let deep = long("c.b.");
    assert_eq!(of(&deep), least + shared + 2 * beside(&deep) + beside(&long("b.")));
}

/// What takes so many octets at that name.
fn of_octets(octets: usize, at: &Name) -> Proven {
    let of = |capacity: usize| {
        let insecurity = Insecurity { why: String::with_capacity(capacity), basis: Basis::ANCHOR };
        Proven { cut: Cut::Insecure(Arc::new(insecurity)), ..none_by("test.") }
    };
    let proven = of(octets - of(0).octets(at));
    assert_eq!(proven.octets(at), octets);
    proven
}

#[test]
fn a_zone_of_the_most_octets_is_kept_and_no_larger_one() {
    let at = name("a.test.");
    for (octets, is_kept) in [(MAX_SHARED_ZONE_OCTETS, true), (MAX_SHARED_ZONE_OCTETS + 1, false)] {
        let mut room = Room::default();
        room.keep(&at, of_octets(octets, &at), NOW);
        assert_eq!((room.has(&at), room.new.octets), (is_kept, if is_kept { octets } else { 0 }));
    }
}

#[test]
fn the_last_octet_of_half_a_room_is_used_and_then_it_becomes_the_old_one() {
    let (first, second) = (name("a.test."), name("b.test."));
    for (more, is_old) in [(0, false), (1, true)] {
        let mut room = Room::default();
        room.keep(&first, of_octets(5_000, &first), NOW);
        room.new.octets = 4_194_304 - 6_000 + more;
        room.keep(&second, of_octets(6_000, &second), NOW);
        assert_eq!(room.old.proven.contains_key(&first), is_old, "{more}");
        assert_eq!(room.new.octets, if is_old { 6_000 } else { HALF });
        assert!(room.has(&first) && room.has(&second) && !room.has(&name("c.test.")));
        room.forget(&second);
        assert_eq!(room.new.octets, if is_old { 0 } else { HALF - 6_000 });
        assert!(!room.has(&second));
    }
}

#[test]
fn the_last_octet_of_a_share_is_used_and_none_beyond_while_what_is_there_counts() {
    let (first, second) = (name("a.b.test."), name("c.b.test."));
    for (more, is_kept) in [(0, true), (1, false)] {
        let mut half = Half::default();
        half.keep(&first, of_octets(5_000, &first), 5_000, NOW);
        assert_eq!(half.owners[&name("b.test.")].octets, 5_000);
        half.owners.get_mut(&name("b.test.")).unwrap().octets = 262_144 - 6_000 + more;
        half.keep(&second, of_octets(6_000, &second), 6_000, NOW);
        assert_eq!(half.proven.contains_key(&second), is_kept, "{more}");
        assert_eq!(half.octets, if is_kept { 11_000 } else { 5_000 });
        // Somebody else has a share of their own, and who has a name of two labels alone has none.
        for other in [name("a.c.test."), name("b.test.")] {
            half.keep(&other, of_octets(6_000, &other), 6_000, NOW);
            assert!(half.proven.contains_key(&other), "{other}");
        }
    }
}

#[test]
fn what_is_kept_is_found_as_long_as_it_counts_for_whoever_asks_below_the_same_zone() {
    let at = name("a.test.");
    let mut room = Room::default();
    room.keep(&at, none_by("test."), NOW);
    for is_old in [false, true] {
        if is_old {
            room.old = mem::take(&mut room.new);
        }
        assert!(room.find(&at, &name("other."), NOW).is_none(), "another zone has not said so");
        assert!(room.find(&at, &name("test."), UnixTime(NOW.0 - 1)).is_none(), "it is not proven yet");
        assert!(room.find(&at, &name("test."), NOW.plus(600 - SHARED_ZONE_LEAST_LIFE + 1)).is_none());
        assert!(room.find(&name("b.test."), &name("test."), NOW).is_none());
        let last = NOW.plus(600 - SHARED_ZONE_LEAST_LIFE);
        assert!(matches!(room.find(&at, &name("test."), last), Some(Cut::None)));
        assert!(matches!(room.find(&at, &name("test."), NOW), Some(Cut::None)));
        assert!(room.new.proven.contains_key(&at), "what is used moves into the new half");
    }
}

/// Sixteen are needed to conclude anything; then one in eight has to be signed.
#[test]
fn keys_are_asked_for_where_one_zone_in_eight_is_signed_or_few_were_seen() {
    let likely = |signed, unsigned| Delegations { signed, unsigned }.are_keys_likely();
    assert_eq!([likely(0, 0), likely(0, 15), likely(0, 16), likely(1, 16)], [true, true, false, false]);
    assert_eq!(
        [likely(2, 16), likely(2, 17), likely(100, 800), likely(100, 801)],
        [true, false, true, false]
    );
}

#[test]
fn of_a_thousand_and_twenty_four_zones_half_are_counted_on() {
    let insecurity = Arc::new(Insecurity { why: String::new(), basis: Basis::ANCHOR });
    let zone = Arc::new(Zone { name: name("test."), keys: Vec::new(), basis: Basis::ANCHOR });
    let (signed, unsigned) = (Cut::Signed(zone), Cut::Insecure(insecurity));
    let mut seen = Delegations::default();
    for _ in 0..400 {
        seen.count(&signed);
        seen.count(&Cut::None);
    }
    for _ in 0..623 {
        seen.count(&unsigned);
    }
    assert_eq!((seen.signed, seen.unsigned), (400, 623));
    seen.count(&unsigned);
    assert_eq!((seen.signed, seen.unsigned), (200, 312));
    seen.count(&signed);
    assert_eq!((seen.signed, seen.unsigned), (201, 312));
}

#[test]
fn only_what_begins_below_the_root_and_top_level_domains_is_counted() {
    let zones = ProvenZones::under(Arc::new(TrustAnchors::iana().unwrap()));
    let cut = Cut::Insecure(Arc::new(Insecurity { why: String::new(), basis: Basis::ANCHOR }));
    let keep = |below: &str| {
        for number in 0..20 {
            zones.keep(&name(&format!("n{number}.{below}")), &name(below), &cut, NOW, NOW.plus(600));
        }
    };
    keep("b.test.");
    zones.keep(&name("test."), &name("test."), &cut, NOW, NOW.plus(600));
    assert!(zones.rooms().delegations.is_empty());
    assert!(zones.are_keys_likely_below(&name("b.test.")));
    keep("test.");
    assert!(!zones.are_keys_likely_below(&name("test.")));
}
