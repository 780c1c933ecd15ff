use super::*;
use crate::limits::MAX_POLICY_LIFE;
use crate::policy::pattern::MxPattern;
use crate::policy::smtp_sts::{Location, Mechanism};
use proptest::prelude::*;

fn parse(text: &str) -> Result<Record, Malformed> {
    Record::parse(text)
}

/// The words of everything that is noticed in a record, without what they have in common.
fn noticed(text: &str) -> Vec<&'static str> {
    let findings = Record::inspect(text.as_bytes()).findings;
    findings.iter().map(|finding| finding.code.word().strip_prefix("smtp-sts.txt.").unwrap()).collect()
}

#[test]
fn a_whole_record_is_read_into_its_terms() {
    let record = parse("v=STS1; to=true; mx=*.example.com,mx.example.net; a=webpki:https://example.com/p; c=tlsa; e=86400; rua=mailto:a@b.example!10m,https://r.example.com/x").unwrap();
    let terms = record.terms();
    assert_eq!(terms.mode, Mode::Enforce);
    assert_eq!(terms.mx.len(), 2);
    assert_eq!(terms.mechanism, Some(Mechanism::WebPki(Location::Uri("https://example.com/p".into()))));
    assert_eq!(terms.constraint, Constraint::Tlsa);
    assert_eq!(terms.life, Some(86_400));
    assert_eq!(terms.reports.len(), 2);
    assert_eq!(noticed(record.as_str()), [""; 0]);
}

#[test]
fn the_shortest_legal_record_is_a_policy_without_constraints() {
    let record = parse("v=STS1; to=false; rua=mailto:sts-feedback@example.com ").unwrap();
    assert_eq!(record.terms().mode, Mode::Testing);
    assert_eq!((record.terms().mechanism.clone(), record.terms().life), (None, None));
    assert_eq!(noticed(record.as_str()), ["no-mx", "no-mechanism", "no-life", "no-constraint"]);
}

#[test]
fn blanks_order_and_case_do_not_matter_where_the_grammar_says_so() {
    let plain = parse("v=STS1; to=true; mx=mx.example.com; a=dnssec; c=tlsa; e=86400").unwrap();
    for text in [
        "v = STS1 ; to = true ; mx = mx.example.com ; a = dnssec ; c = tlsa ; e = 86400",
        "v=STS1;to=TRUE;e=86400;c=TLSA;a=DNSSEC;mx=MX.example.com",
        "V=STS1\t;\tTo=true;mx=mx.example.com;a=dnssec;c=tlsa;e=86400;",
    ] {
        assert_eq!(parse(text).unwrap().terms(), plain.terms(), "{text}");
    }
}

#[test]
fn a_malformed_record_names_what_is_wrong_and_where() {
    for (text, word, shown) in [
        ("v=STS1", "no-mode", ""),
        ("v=STS1;", "no-mode", ""),
        ("v=STS1; mx=mx.example.com; to=true", "order", "mx"),
        ("v=STS1; to=yes", "mode", "yes"),
        ("v=STS1; m=report", "later-draft", "m"),
        ("v=STS1; to=true; e=-1", "life", "-1"),
        ("v=STS1; to=true; e=", "life", ""),
        ("v=STS1; to=true; e=12345678901", "life", "12345678901"),
        ("v=STS1; to=true; mx=", "mx", ""),
        ("v=STS1; to=true; mx=a.example, *", "mx", "*"),
        ("v=STS1; to=true; mx=*.*.example.com", "mx", "*.*.example.com"),
        ("v=STS1; to=true; mx=a.example,,b.example", "mx", ""),
        ("v=STS1; to=true; c=pinned", "constraint", "pinned"),
        ("v=STS1; to=true; a=", "mechanism", ""),
        ("v=STS1; to=true;;", "no-equals", ""),
        ("v=STS1; to=true; x", "no-equals", "x"),
        ("v=STS1; to=true; b ad=x", "key-name", "b ad"),
        ("v=sts1; to=true", "version", "v=sts1"),
        ("v=STS2; to=true", "version", "v=STS2"),
        ("v=STSv1; id=1", "version", "v=STSv1"),
    ] {
        let Malformed(first) = parse(text).unwrap_err();
        assert_eq!(first.code.word().strip_prefix("smtp-sts.txt."), Some(word), "{text}");
        assert_eq!((first.shown.as_str(), &text[first.at]), (shown, shown), "{text}");
    }
}

#[test]
fn a_record_of_too_many_patterns_is_not_read() {
    let of = |number: usize| format!("v=STS1; to=true; mx={}", vec!["a.example"; number].join(","));
    assert_eq!(parse(&of(64)).unwrap().terms().mx.len(), 64);
    assert!(noticed(&of(65)).contains(&"mx-many"));
}

#[test]
fn a_long_life_is_capped_at_a_year() {
    let record = parse("v=STS1; to=true; e=9999999999").unwrap();
    assert_eq!(record.terms().life, Some(MAX_POLICY_LIFE));
    assert_eq!(noticed(record.as_str())[..2], ["life-capped", "life-long"]);
}

/// The draft's grammar has six digits for `e`; a year is 31557600 seconds, as RFC 8461 section 3.2 has it.
#[test]
fn six_digits_are_no_long_life_and_a_year_is_not_capped() {
    let noticed_of = |seconds: u64| {
        let text = format!("v=STS1; to=true; mx=a.example; a=dnssec; c=webpki; e={seconds}");
        noticed(&text).into_iter().filter(|word| word.starts_with("life")).collect::<Vec<_>>()
    };
    assert_eq!(noticed_of(999_999), [""; 0]);
    assert_eq!(noticed_of(1_000_000), ["life-long"]);
    assert_eq!(noticed_of(31_557_600), ["life-long"]);
    assert_eq!(noticed_of(31_557_601), ["life-capped", "life-long"]);
}

/// RFC 3986 section 3: a URI has a scheme, and consists of printable ASCII.
#[test]
fn what_is_no_uri_is_no_place_for_reports() {
    let of = |rua: &str| parse(&format!("v=STS1; to=true; rua={rua}")).unwrap().terms().reports.clone();
    assert_eq!(of("mailto:a@b.example"), ["mailto:a@b.example"]);
    for none in ["a@b.example", "mailto:a b@c.example", "mailto:\u{fc}@b.example"] {
        assert_eq!(of(none), [""; 0], "{none}");
    }
}

#[test]
fn a_record_of_4096_octets_is_read_and_a_longer_one_is_not() {
    let of =
        |octets: usize| format!("v=STS1; to=true; x={}", "y".repeat(octets - "v=STS1; to=true; x=".len()));
    assert!(parse(&of(MAX_TXT_OCTETS)).is_ok());
    for longer in [MAX_TXT_OCTETS + 1, MAX_TXT_OCTETS + 2] {
        assert_eq!(noticed(&of(longer)), ["too-long"], "{longer}");
    }
}

#[test]
fn the_first_of_a_repeated_key_counts() {
    let record = parse("v=STS1; to=true; to=false; e=1; e=2; v=STS1").unwrap();
    assert_eq!((record.terms().mode, record.terms().life), (Mode::Enforce, Some(1)));
    assert_eq!(noticed(record.as_str())[..3], ["repeated-key"; 3]);
}

#[test]
fn the_lost_asterisk_is_read_as_the_wildcard() {
    let record = parse("v=STS1; to=true; mx=_.example.com, mx2.example.net").unwrap();
    assert_eq!(record.terms().to_string(), "v=STS1; to=true; mx=*.example.com,mx2.example.net; c=webpki");
    assert_eq!(noticed(record.as_str())[..2], ["underscore-wildcard", "blank-in-list"]);
}

#[test]
fn only_what_begins_with_the_version_is_a_candidate() {
    let of = |texts: &[&str]| published(&texts.iter().map(|t| t.as_bytes().to_vec()).collect::<Vec<_>>());
    for nothing in ["", "0", "v=STSv1; id=1", "v=STS12; to=true", " v=STS1; to=true", "v=spf1 -all", "STS1"] {
        assert_eq!(of(&[nothing]), Published::Nothing, "{nothing:?}");
    }
    assert!(matches!(of(&["v=spf1 -all", "v=STS1; to=true"]), Published::Record(_)));
    assert!(matches!(of(&["v=STS1; to=true", "v=STS1; to=true"]), Published::Several(2)));
    assert!(matches!(of(&["v=STS1"]), Published::Malformed(_)));
    assert!(matches!(published(&[b"v=STS1; to=true; x=\xff".to_vec()]), Published::Malformed(_)));
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let pattern = "(\\*\\.)?[a-z][a-z0-9]{0,5}(\\.[a-z][a-z0-9-]{0,3}[a-z0-9]){1,3}"
        .prop_filter_map("a pattern", |text| MxPattern::parse(&text));
    let mechanism = prop_oneof![
        Just(None),
        Just(Some(Mechanism::Dnssec)),
        "[a-z]{3,5}x".prop_map(|word| Some(Mechanism::Unknown(word))),
        Just(Some(Mechanism::WebPki(Location::Default))),
        "[a-z./-]{1,20}".prop_map(|path| Some(Mechanism::WebPki(Location::Path(path)))),
        "https://[a-z.]{1,20}/[a-z:]{0,9}".prop_map(|uri| Some(Mechanism::WebPki(Location::Uri(uri)))),
    ];
    (
        prop_oneof![Just(Mode::Enforce), Just(Mode::Testing)],
        proptest::collection::vec(pattern, 0..4),
        mechanism,
        prop_oneof![Just(Constraint::Tlsa), Just(Constraint::WebPki)],
        proptest::option::of(0..=MAX_POLICY_LIFE),
        proptest::collection::vec("mailto:[a-z]{1,5}@[a-z]{1,5}(!9m)?", 0..3),
    )
        .prop_map(|(mode, mx, mechanism, constraint, life, reports)| Terms {
            mode,
            mx,
            mechanism,
            constraint,
            life,
            reports,
        })
}

proptest! {
    #[test]
    fn printing_and_reading_are_inverse(terms in any_terms()) {
        let text = terms.to_string();
        let record = parse(&text).unwrap();
        prop_assert_eq!(record.terms(), &terms);
        prop_assert_eq!(record.as_str(), text);
    }

    #[test]
    fn no_text_panics(text in "v=STS1;( ?(to|mx|a|c|e|rua|x)[ =]\\PC{0,12};?){0,6}|\\PC{0,200}") {
        if let Ok(record) = parse(&text) {
            prop_assert!(parse(&record.terms().to_string()).is_ok());
        }
    }
}
