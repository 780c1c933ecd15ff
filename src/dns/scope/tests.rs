use super::*;

fn zones(names: &[&str]) -> InsecureZones {
    names.iter().map(|name| name.parse::<InsecureZone>().unwrap()).collect::<Vec<_>>().into()
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

#[test]
fn special_use_names_and_all_below_them_are_told_from_names_that_only_look_alike() {
    for (text, expected) in [
        ("localhost.", Some("localhost")),
        ("LOCALHOST.", Some("localhost")),
        ("_25._tcp.mail.corp.internal.", Some("internal")),
        ("printer.local.", Some("local")),
        ("x.onion.", Some("onion")),
        ("x.alt.", Some("alt")),
        ("nobody.invalid.", Some("invalid")),
        ("host.home.arpa.", Some("home.arpa")),
        ("arpa.", None),
        ("home.arpa.example.", None),
        ("notlocal.", None),
        ("local.example.", None),
        ("x.test.", None),
        ("x.example.", None),
        (".", None),
    ] {
        let expected = expected.map_or(Scope::Public, Scope::SpecialUse);
        assert_eq!(InsecureZones::default().scope(&name(text)), expected, "{text}");
    }
}

#[test]
fn the_deepest_zone_of_the_configuration_counts_and_stands_above_special_use() {
    let zones = zones(&["Corp.Example.", "internal", "a.corp.example", "internal"]);
    assert_eq!(
        zones.iter().map(InsecureZone::as_str).collect::<Vec<_>>(),
        ["a.corp.example", "corp.example", "internal"]
    );
    for (text, expected) in [
        ("corp.example.", Some("corp.example")),
        ("x.A.CORP.example.", Some("a.corp.example")),
        ("mail.internal.", Some("internal")),
        ("example.", None),
        ("xcorp.example.", None),
    ] {
        assert_eq!(zones.above(&name(text)).map(InsecureZone::as_str), expected, "{text}");
    }
    assert_eq!(zones.scope(&name("localhost.")), Scope::SpecialUse("localhost"));
}

#[test]
fn the_root_and_top_level_domains_are_refused() {
    for (text, why) in [
        (".", "is the root"),
        ("", "is the root"),
        ("com", "is a top-level domain"),
        ("ORG.", "is a top-level domain"),
        ("de", "is a top-level domain"),
        ("arpa", "is a top-level domain"),
        ("test", "is a top-level domain"),
        ("xn--p1ai", "is a top-level domain"),
        ("a..b", "is not the name of a zone"),
        ("a b.example", "is not the name of a zone"),
        ("*.example", "is not the name of a zone"),
    ] {
        let error = text.parse::<InsecureZone>().unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    for text in
        ["corp.example", "internal", "home.arpa.", "local", "lan", "10.in-addr.arpa", "_x.corp.example"]
    {
        assert!(text.parse::<InsecureZone>().is_ok(), "{text}");
    }
}

/// RFC 1035 section 2.3.4, with the root's octet and the lengths of the labels: 253 characters are left, 63 in a label.
#[test]
fn a_zone_has_a_name_of_253_characters_at_most_and_of_63_in_a_label() {
    let name = |last: usize| format!("{}.{}", vec!["a".repeat(63); 3].join("."), "b".repeat(last));
    for (text, is_one) in [
        (name(61), true),
        (format!("{}.", name(61)), true),
        (name(62), false),
        (format!("{}.example", "a".repeat(63)), true),
        (format!("{}.example", "a".repeat(64)), false),
        ("-a_1.example".to_owned(), true),
        ("a+b.example".to_owned(), false),
        (".example".to_owned(), false),
    ] {
        assert_eq!(text.parse::<InsecureZone>().is_ok(), is_one, "{text}");
    }
    assert!(InsecureZones::default().is_empty() && !zones(&["lan"]).is_empty());
}

#[test]
fn an_operator_is_told_where_nothing_is_asked_or_proven() {
    let note = |scope: Scope| scope.note("x.local");
    assert_eq!(note(Scope::Public), None);
    let special = note(Scope::SpecialUse("local")).unwrap();
    assert!(special.starts_with("x.local is not asked about: local is set apart"), "{special}");
    let private = note(Scope::InsecureZone("lan".parse().unwrap())).unwrap();
    assert!(private.contains("names lan: nothing that is said about x.local is proven"), "{private}");
}

#[test]
fn names_of_private_networks_look_like_it() {
    for (text, expected) in [
        ("mail.", true),
        ("mail.lan.", true),
        ("x.corp.internal.", true),
        ("mail.example.", false),
        ("corp.example.", false),
    ] {
        assert_eq!(looks_private(&name(text)), expected, "{text}");
    }
}
