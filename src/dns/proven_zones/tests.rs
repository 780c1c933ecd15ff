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

#[test]
fn what_is_proven_of_a_name_takes_what_is_reckoned_for_it() {
    let long = |start: &str| name(&format!("{start}{}.", "a".repeat(60)));
    let of = |name: &Name| none_by("test.").octets(name);
    let least = of(&name("a."));
    assert!(least >= size_of::<(Name, Proven)>(), "{least}");
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
    let places = size_of::<(UnixTime, Name)>() + size_of::<(Name, Share)>();
    assert!((places..=3 * places).contains(&shared), "{shared}, {places}");
    let deep = long("c.b.");
    assert_eq!(of(&deep), least + shared + 2 * beside(&deep) + beside(&long("b.")));
}
