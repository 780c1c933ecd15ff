use super::*;
use aws_lc_rs::signature::KeyPair as _;
use proptest::prelude::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn scope(text: &str) -> Scope {
    Scope::try_from(text.to_owned()).unwrap()
}

fn decree() -> Decree {
    Decree {
        fleet: "c0ffee".to_owned(),
        number: 7,
        order: Order::Purge,
        scope: scope("example.org"),
        issued: UnixTime(NOW.0 - 60),
        ends: NOW.plus(60),
        reason: "ticket 4711".to_owned(),
    }
}

#[test]
fn a_decree_is_obeyed_by_this_fleet_in_its_time_under_its_number_and_its_signature() {
    let (key, other) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
    let public = |key: &Ed25519KeyPair| -> [u8; 32] { key.public_key().as_ref().try_into().unwrap() };
    let both = [public(&other), public(&key)];
    let week = NOW.0 - DECREE_OLDEST;
    for (decree, expected) in [
        (decree(), None),
        (Decree { fleet: "another".to_owned(), ..decree() }, Some(Refused::OfOthers)),
        (Decree { number: 8, ..decree() }, Some(Refused::OfOthers)),
        (Decree { issued: UnixTime(week), ..decree() }, Some(Refused::TooLong)),
        (Decree { issued: UnixTime(week + 60), ..decree() }, None),
        (Decree { issued: UnixTime(week - 1), ..decree() }, Some(Refused::NotOfThisWeek)),
        (Decree { issued: NOW.plus(MAX_SKEW + 1), ..decree() }, Some(Refused::NotYet)),
        (Decree { ends: NOW, ..decree() }, Some(Refused::Ended)),
        (Decree { ends: NOW.plus(DECREE_OLDEST - 60), ..decree() }, None),
        (Decree { ends: NOW.plus(DECREE_OLDEST - 59), ..decree() }, Some(Refused::TooLong)),
        (Decree { order: Order::Lift, scope: scope("*.example.org"), ..decree() }, None),
        (Decree { order: Order::Override(Effect::Ignore), ..decree() }, None),
        (Decree { scope: scope("*.example.org"), ..decree() }, Some(Refused::Unknown)),
    ] {
        let (statement, signature) = decree.signed(&key);
        let admitted = Decree::admitted((7, &statement, &signature), "c0ffee", &both, NOW);
        assert_eq!(admitted.as_ref().err(), expected.as_ref(), "{decree:?}");
        assert!(admitted.is_err() || admitted == Ok(decree));
    }
    let (statement, signature) = decree().signed(&key);
    let admitted = |statement: &str, signature: &[u8], keys: &[[u8; 32]]| {
        Decree::admitted((7, statement, signature), "c0ffee", keys, NOW).err()
    };
    assert_eq!(admitted(&statement, &signature, &[]), Some(Refused::NotSigned), "no key, no decree");
    assert_eq!(admitted(&statement, &signature, &both[..1]), Some(Refused::NotSigned));
    assert_eq!(admitted(&statement.replace("org", "net"), &signature, &both), Some(Refused::NotSigned));
    assert_eq!(admitted(&statement, &[], &both), Some(Refused::NotSigned));
    let strange = format!("{statement}more: 1\n");
    assert_eq!(admitted(&strange, key.sign(strange.as_bytes()).as_ref(), &both), Some(Refused::Unknown));
}

#[test]
fn no_decree_is_longer_than_a_row_holds() {
    let longest = scope(&format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(50)));
    let decree = Decree { scope: longest, reason: told(&"long ".repeat(1_000)), ..decree() };
    assert!(decree.to_string().len() <= MAX_DECREE_OCTETS && Decree::parse(&decree.to_string()).is_some());
    let padded = format!("{decree}{}", "x".repeat(MAX_DECREE_OCTETS));
    assert_eq!(Decree::parse(&padded), None);
}

#[test]
fn of_the_same_domains_the_last_word_counts_if_its_key_still_does() {
    let key = Ed25519KeyPair::generate().unwrap();
    let operators: [[u8; 32]; 1] = [key.public_key().as_ref().try_into().unwrap()];
    let said = |number, order, about: &str, age: u64| {
        let issued = UnixTime(NOW.0 - age);
        let decree =
            Decree { number, order, scope: scope(about), issued, ends: issued.plus(3_600), ..decree() };
        let (statement, signature) = decree.signed(&key);
        kept(&statement, &signature)
    };
    let none = Order::Override(Effect::Require(Requirement::None));
    let mut all = vec![
        said(1, none, "a.test", 900),
        said(2, Order::Override(Effect::Ignore), "a.test", 800),
        said(3, none, "*.b.test", 900),
        said(4, Order::Lift, "*.b.test", 800),
        said(5, none, "over.test", 3_600),
        said(6, Order::Purge, "a.test", 10),
        // Another store has begun its numbers anew.
        said(1, none, "c.test", 5),
        said(9, Order::Lift, "c.test", 900),
    ];
    assert!(may_override(&all) && !may_override(&all[5..6]));
    let in_force = |all: &[String], operators: &[[u8; 32]]| {
        let decreed = overrides(all, operators, NOW);
        decreed.in_force(NOW).map(|one| (one.scope, one.number, one.effect)).collect::<Vec<_>>()
    };
    let expected = [
        ("a.test".to_owned(), Some(2), Effect::Ignore),
        ("c.test".to_owned(), Some(1), Effect::Require(Requirement::None)),
    ];
    assert_eq!(in_force(&all, &operators), expected);
    all.reverse();
    assert_eq!(in_force(&all, &operators), expected, "in whatever order they are read");
    assert_eq!(in_force(&all, &[]), [], "a key that was taken away takes its overrides with it");
    // Whoever writes into the file has no key.
    let forged = all.iter().map(|text| text.replace("none", "dane").replace("ignore", "dane"));
    assert_eq!(in_force(&forged.collect::<Vec<_>>(), &operators), []);
}

#[test]
fn where_no_key_can_be_looked_at_the_domains_are_known_that_may_be_held_to_more() {
    let key = Ed25519KeyPair::generate().unwrap();
    let said = |requirement, about: &str, issued: UnixTime| {
        let order = Order::Override(Effect::Require(requirement));
        let decree = Decree { order, scope: scope(about), issued, ends: issued.plus(3_600), ..decree() };
        let (statement, signature) = decree.signed(&key);
        kept(&statement, &signature)
    };
    let all = [
        said(Requirement::Dane, "dane.test", NOW),
        said(Requirement::WebPki, "*.webpki.test", NOW),
        said(Requirement::None, "none.test", NOW),
        said(Requirement::Dane, "over.test", UnixTime(NOW.0 - 3_600)),
        "no decree".to_owned(),
    ];
    assert_eq!(stricter(&all, NOW), [scope("*.webpki.test"), scope("dane.test")]);
    // What was lifted or replaced since then holds nothing any more, in whatever order it stands; and what came after that does.
    let lifted = |about: &str, issued| {
        let decree =
            Decree { order: Order::Lift, scope: scope(about), issued, ends: issued.plus(3_600), ..decree() };
        let (statement, signature) = decree.signed(&key);
        kept(&statement, &signature)
    };
    let (before, later) = (UnixTime(NOW.0 - 60), UnixTime(NOW.0 + 60));
    let mut all = all.to_vec();
    all.insert(0, lifted("dane.test", later));
    all.push(said(Requirement::None, "*.webpki.test", later));
    all.push(lifted("again.test", before));
    all.push(said(Requirement::WebPki, "again.test", NOW));
    assert_eq!(stricter(&all, NOW), [scope("again.test")]);
    all.reverse();
    assert_eq!(stricter(&all, NOW), [scope("again.test")]);
}

proptest! {
    #[test]
    fn what_an_operator_writes_stays_one_line(reason in "\\PC{0,80}[\n\r]?\\PC{0,20}") {
        let decree = Decree { reason: told(&reason), ..decree() };
        prop_assert_eq!(Decree::parse(&decree.to_string()), Some(decree));
    }

    #[test]
    fn no_text_panics(text in "(smtp-sts-verify fleet decree 1\nfleet: x\n)?\\PC{0,60}\n\\PC{0,60}") {
        let _ = Decree::parse(&text);
    }
}
