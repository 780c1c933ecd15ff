use super::*;

const NOW: UnixTime = UnixTime(1_798_675_200); // 2026-12-31T00:00:00Z

fn parse(text: &str) -> Result<Overrides, String> {
    #[derive(Deserialize)]
    struct File {
        r#override: Overrides,
    }
    toml::from_str::<File>(text).map(|file| file.r#override).map_err(|error| error.message().to_owned())
}

fn about(overrides: &Overrides, domain: &str, now: UnixTime) -> String {
    match overrides.about_beside(&Decreed::default(), &PolicyDomain::parse(domain).unwrap(), now) {
        None => "nothing".into(),
        Some(decree) if decree.is_in_force(now) => format!("{} {:?}", decree.scope, decree.effect),
        Some(decree) => format!("ended {}", decree.scope),
    }
}

#[test]
fn what_cannot_be_read_is_unknown_about_the_domains_that_it_may_be_about() {
    let domain = |name: &str| PolicyDomain::parse(name).unwrap();
    let all = Decreed::unread(None, "it is damaged".to_owned());
    assert_eq!(all.why_unread(&domain("a.test")), Some("it is damaged"));
    let scopes = ["a.test", "*.b.test"].map(|text| Scope::try_from(text.to_owned()).unwrap());
    let some = Decreed::unread(Some(scopes.into()), "there is no key".to_owned());
    for (name, is_unknown) in [("a.test", true), ("x.a.test", false), ("x.b.test", true), ("b.test", false)] {
        assert_eq!(some.why_unread(&domain(name)).is_some(), is_unknown, "{name}");
    }
    assert!(some.is_unread() && !Decreed::default().is_unread());
    assert_eq!(Decreed::default().why_unread(&domain("a.test")), None);
}

#[test]
fn what_stands_nearest_to_a_domain_counts() {
    let overrides = parse(
        "[override.'example.org']\nrequire = 'webpki'\nuntil = 2026-12-31\nreason = 'r'\n\
             [override.'*.example.org']\nignore = true\nuntil = 2026-12-31\nreason = 'r'\n\
             [override.'*.b.example.org']\nrequire = 'dane'\nuntil = '2026-12-31'\nreason = 'r'\n\
             [override.'*.BÜCHER.test']\nrequire = 'none'\nuntil = 2026-12-31T01:00:00+01:00\nreason = 'r'",
    )
    .unwrap();
    for (domain, expected) in [
        ("example.org", "example.org Require(WebPki)"),
        ("a.example.org", "*.example.org Ignore"),
        ("x.a.example.org", "*.example.org Ignore"),
        ("a.b.example.org", "*.b.example.org Require(Dane)"),
        ("b.example.org", "*.example.org Ignore"),
        ("notexample.org", "nothing"),
        ("org", "nothing"),
        ("a.xn--bcher-kva.test", "ended *.xn--bcher-kva.test"),
    ] {
        assert_eq!(about(&overrides, domain, NOW), expected, "{domain}");
    }
}

#[test]
fn a_date_lasts_until_the_end_of_its_day() {
    let overrides = parse("[override.'a.test']\nignore = true\nuntil = 2026-12-31\nreason = 'r'").unwrap();
    assert_eq!(about(&overrides, "a.test", NOW.plus(86_399)), "a.test Ignore");
    assert_eq!(about(&overrides, "a.test", NOW.plus(86_400)), "ended a.test");
}

#[test]
fn an_override_without_an_end_or_a_reason_is_none() {
    for (text, expected) in [
        ("ignore = true\nreason = 'r'", "missing field `until`"),
        ("ignore = true\nuntil = 2026-12-31", "missing field `reason`"),
        ("ignore = true\nuntil = 2026-12-31\nreason = ' '", "needs a reason"),
        ("until = 2026-12-31\nreason = 'r'", "either `require"),
        ("ignore = true\nrequire = 'none'\nuntil = 2026-12-31\nreason = 'r'", "either `require"),
        ("require = 'tls'\nuntil = 2026-12-31\nreason = 'r'", "unknown variant"),
        ("ignore = true\nuntil = 'soon'\nreason = 'r'", "no date like"),
        ("ignore = true\nuntil = 12:00:00\nreason = 'r'", "no date like"),
        ("ignore = true\nuntil = 2026-12-31T12:00:00\nreason = 'r'", "no time with its zone"),
        ("ignore = true\nuntil = 7\nreason = 'r'", "a date like 2026-12-31"),
        ("ignore = true\nuntil = 2026-12-31\nreason = 'r'\nforever = true", "unknown field `forever`"),
    ] {
        let error = parse(&format!("[override.'a.test']\n{text}")).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let error = parse("[override.'a..test']\nignore = true\nuntil = 2026-12-31\nreason = 'r'").unwrap_err();
    assert!(error.contains("an override needs a domain"), "{error}");
}

#[test]
fn what_counts_comes_before_what_has_ended_then_what_is_nearest_then_the_own_configuration() {
    let own = parse(
        "[override.'same.test']\nrequire = 'webpki'\nuntil = 2026-12-31\nreason = 'own'\n\
             [override.'*.above.test']\nrequire = 'webpki'\nuntil = 2026-12-31\nreason = 'own'\n\
             [override.'near.above.test']\nrequire = 'dane'\nuntil = 2026-12-31\nreason = 'own'\n\
             [override.'ended.test']\nignore = true\nuntil = 2026-12-29\nreason = 'own'",
    )
    .unwrap();
    let mut decreed = Decreed::default();
    for (scope, ends) in [
        ("same.test", NOW.plus(9)),
        ("host.above.test", NOW.plus(9)),
        ("*.above.test", NOW.plus(9)),
        ("ended.test", NOW.plus(9)),
        ("over.test", NOW),
        ("*.fleet.test", NOW.plus(9)),
    ] {
        let scope = Scope::try_from(scope.to_owned()).unwrap();
        decreed.insert(scope, 7, Effect::Ignore, ends, "ordered".to_owned());
    }
    for (domain, expected) in [
        ("same.test", Some(None)),
        ("host.above.test", Some(Some(7))),
        ("other.above.test", Some(None)),
        ("near.above.test", Some(None)),
        ("ended.test", Some(Some(7))),
        ("over.test", None),
        ("a.fleet.test", Some(Some(7))),
        ("fleet.test", None),
    ] {
        let about = own.about_beside(&decreed, &PolicyDomain::parse(domain).unwrap(), NOW);
        assert_eq!(about.as_ref().map(|decree| decree.number), expected, "{domain}");
    }
    let domain = PolicyDomain::parse("a.fleet.test").unwrap();
    let note = own.about_beside(&decreed, &domain, NOW).unwrap().note(NOW);
    assert!(
        note.starts_with("the override for *.fleet.test by decree 7 of the fleet's operator counts until"),
        "{note}"
    );
    // Afterwards it is gone, and the own one that has ended is told of as ever.
    assert_eq!(own.about_beside(&decreed, &domain, NOW.plus(9)), None);
    let ended = own.about_beside(&decreed, &PolicyDomain::parse("ended.test").unwrap(), NOW.plus(9));
    assert!(ended.is_some_and(|decree| decree.number.is_none()));
    assert_eq!((decreed.in_force(NOW).count(), decreed.in_force(NOW.plus(9)).count()), (5, 0));
}
