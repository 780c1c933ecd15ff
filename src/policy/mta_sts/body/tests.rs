use super::*;

const PLAIN: &str =
    "version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.net\nmax_age: 2419200\n";

fn words(text: &str) -> Vec<&'static str> {
    let findings = Body::inspect(text.as_bytes()).findings;
    findings.iter().map(|f| f.code.word().strip_prefix("mta-sts.policy.").unwrap()).collect()
}

#[test]
fn a_policy_is_read_into_its_three_terms_and_prints_as_it_was() {
    let body = Body::parse(PLAIN.as_bytes()).unwrap();
    assert_eq!((body.mode, body.mx.len(), body.max_age), (Mode::Enforce, 2, 2_419_200));
    assert_eq!(body.to_string(), PLAIN);
    assert_eq!(words(PLAIN), [""; 0]);
}

#[test]
fn order_line_ends_and_blanks_do_not_matter_where_the_grammar_says_so() {
    let plain = Body::parse(PLAIN.as_bytes()).unwrap();
    for text in [
        PLAIN.replace('\n', "\r\n"),
        PLAIN.replace(": ", ":"),
        PLAIN.replace(": ", ":\t "),
        PLAIN.replace('\n', " \t\n"),
        PLAIN.trim_end().to_owned(),
        "max_age: 2419200\nmx: MX.Example.com\nmode: enforce\nmx: *.example.net\nversion: STSv1".to_owned(),
    ] {
        assert_eq!(Body::parse(text.as_bytes()).as_ref(), Ok(&plain), "{text:?}");
        assert_eq!(words(&text), [""; 0], "{text:?}");
    }
}

#[test]
fn what_is_tolerated_is_told() {
    for (line, word) in [
        ("\n", "blank-line"),
        (" \t\n", "blank-line"),
        ("mode: none\n", "repeated-key"),
        ("mode: nonsense\n", "repeated-key"),
        ("Mode: none\n", "key-case"),
        ("nmx: a.example\n", "unknown-key"),
        ("mx: mx.example.com\n", "mx-repeated"),
        ("mx: a.example.\n", "mx-trailing-dot"),
        ("mx: bücher.example\n", "mx-u-label"),
    ] {
        let text = format!("{PLAIN}{line}");
        assert_eq!(words(&text), [word], "{line:?}");
        assert_eq!(Body::parse(text.as_bytes()).unwrap().mode, Mode::Enforce);
    }
}

#[test]
fn what_is_not_in_the_grammar_is_no_policy() {
    for (line, word) in [
        (" mode: none\n", "leading-blank"),
        ("mode none\n", "no-colon"),
        ("mode : none\n", "key-name"),
        ("_x: y\n", "key-name"),
        ("x:\n", "empty-value"),
        ("x: \t\n", "empty-value"),
        ("x: a\tb\n", "control"),
        ("x: a\rb\n", "control"),
        ("x: a\r", "control"),
        ("x: a\0\n", "control"),
        ("mx: *\n", "mx-any"),
    ] {
        let text = format!("{PLAIN}{line}");
        assert_eq!(words(&text).first(), Some(&word), "{line:?}");
        assert!(Body::parse(text.as_bytes()).is_err(), "{line:?}");
    }
    assert_eq!(words(&format!("\u{feff}{PLAIN}")), ["bom"]);
    assert_eq!(words("<html></html>"), ["html"]);
    assert_eq!(words("{\"version\": \"STSv1\"}"), ["json"]);
    assert_eq!(words(""), ["no-version", "no-mode", "no-max-age"]);
    assert_eq!(words("version: STSv1\nmode: testing\nmax_age: 86400"), ["no-mx"]);
    assert!(Body::parse(b"version: STSv1\nx: \xff\n").is_err());
}

#[test]
fn no_number_of_seconds_overflows() {
    let of = |age: &str| Body::parse(format!("version: STSv1\nmode: none\nmax_age: {age}").as_bytes());
    for (age, seconds) in [
        ("0", 0),
        ("31557600", MAX_POLICY_LIFE),
        ("31557601", MAX_POLICY_LIFE),
        ("9999999999", MAX_POLICY_LIFE),
        ("0000000001", 1),
    ] {
        assert_eq!(of(age).unwrap().max_age, seconds, "{age}");
    }
    for age in ["10000000000", "18446744073709551617", "-1", "+1", "1.5", "1e9", "0x1", "١"] {
        assert!(of(age).is_err(), "{age}");
    }
}

#[test]
fn a_short_life_is_told_where_it_weakens_something() {
    let of =
        |mode: &str, age: u64| words(&format!("version: STSv1\nmode: {mode}\nmx: a.example\nmax_age: {age}"));
    assert_eq!(of("enforce", 86_399), ["max-age-too-short"]);
    assert_eq!(of("enforce", 1_209_599), ["max-age-short"]);
    assert_eq!(of("enforce", 1_209_600), [""; 0]);
    assert_eq!(of("testing", 86_399), ["max-age-too-short"]);
    assert_eq!(of("testing", 86_400), [""; 0]);
    assert_eq!(of("none", 1), ["mx-ignored"]);
}

#[test]
fn a_policy_of_64_kibibytes_is_read_and_one_octet_more_is_not() {
    let line = "mx: a.example.net\n".len();
    let mut text = PLAIN.to_owned();
    for number in 0.. {
        let more = format!("mx: {number}.example\n");
        if text.len() + more.len() + line > MAX_BODY_OCTETS {
            break;
        }
        text.push_str(&more);
    }
    text.push_str(&format!("x: {}", "y".repeat(MAX_BODY_OCTETS - text.len() - 3)));
    assert_eq!(text.len(), MAX_BODY_OCTETS);
    assert!(Body::parse(text.as_bytes()).unwrap().mx.len() > 3_000);
    text.push('y');
    assert_eq!(words(&text), ["too-large"]);
}

/// RFC 3629 section 3: the first octet too many may be in the middle of a character, which is shown whole.
#[test]
fn what_is_too_much_begins_behind_the_last_octet_that_is_read() {
    let begins = |text: String| Body::inspect(text.as_bytes()).findings[0].at.start;
    assert_eq!(begins("y".repeat(MAX_BODY_OCTETS + 9)), MAX_BODY_OCTETS);
    assert_eq!(begins("y".repeat(MAX_BODY_OCTETS - 1) + "\u{20ac}\u{20ac}"), MAX_BODY_OCTETS - 1);
    assert_eq!(begins("y".repeat(MAX_BODY_OCTETS - 2) + "\u{20ac}\u{20ac}"), MAX_BODY_OCTETS - 2);
}

/// RFC 8461 section 3.2: a plain-text non-negative integer, at most 31557600.
#[test]
fn a_life_of_a_year_is_taken_and_a_second_more_is_told() {
    let of = |seconds: u64| format!("version: STSv1\nmode: none\nmax_age: {seconds}\n");
    assert!(words(&of(31_557_600)).is_empty());
    assert_eq!(words(&of(31_557_601)), ["max-age-capped"]);
    assert_eq!(words(&of(0)), [""; 0]);
}
