use super::*;
use proptest::prelude::*;

fn parsed(text: &str) -> String {
    match Destination::parse(OsStr::new(text)) {
        Ok(Destination::Domain(domain)) => domain.to_string(),
        Ok(Destination::AddressLiteral) => "(address)".into(),
        Ok(Destination::Unpublishable(_)) => "(unpublishable)".into(),
        Err(_) => "(bad)".into(),
    }
}

#[test]
fn domains_become_a_labels_in_lower_case() {
    for (given, expected) in [
        ("example.org", "example.org"),
        ("Example.ORG.", "example.org"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
        ("example。org", "example.org"),
        ("faß.test", "xn--fa-hia.test"),
        ("localhost", "localhost"),
        ("1.example", "1.example"),
    ] {
        assert_eq!(parsed(given), expected, "{given}");
    }
}

#[test]
fn what_the_dns_can_carry_is_asked_about_as_it_is() {
    for (given, expected) in [
        ("foo_bar.example", "foo_bar.example"),
        ("_x.test", "_x.test"),
        ("User_1.Example.", "user_1.example"),
        ("bad-.example", "bad-.example"),
        ("a.-b.example", "a.-b.example"),
        ("ab--cd.example", "ab--cd.example"),
        ("xn--a.example", "xn--a.example"),
        ("xn--.example", "xn--.example"),
        ("xn----5da7e.example", "xn----5da7e.example"),
        ("xn--example-.org", "xn--example-.org"),
        ("a.1", "a.1"),
        // RFC 3492 and UTS 46; IDNA2008 has no place for these. The spellings are those of
        // Python's codec `punycode`.
        ("\u{2603}.example", "xn--n3h.example"),
        ("i\u{2665}.example", "xn--i-n3p.example"),
        ("\u{1f4a9}.example", "xn--ls8h.example"),
        ("-\u{e4}.example", "(bad)"),
        ("b.-\u{e4}.example", "b.xn----0fa.example"),
        ("\u{2fff}.example", "xn--o6j.example"),
    ] {
        assert_eq!(parsed(given), expected, "{given}");
    }
}

#[test]
fn what_nobody_sees_is_what_uts_46_makes_of_it() {
    for (given, expected) in [
        // The examples of UTS 46 section 7 for joiners, non-transitional.
        ("\u{646}\u{627}\u{645}\u{647}\u{200c}\u{627}\u{6cc}.com", "xn--mgba3gch31f060k.com"),
        ("\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}.com", "xn--10cl1a0b660p.com"),
        ("xn--10cl1a0b660p.com", "xn--10cl1a0b660p.com"),
        // Its table has these as "ignored".
        ("exam\u{ad}ple.org", "example.org"),
        ("\u{ad}Example.org.\u{ad}", "example.org"),
        ("b\u{fc}\u{ad}cher.test", "xn--bcher-kva.test"),
        ("exam\u{200b}ple.org", "example.org"),
        ("exam\u{2060}ple.org", "example.org"),
        ("exam\u{1d173}ple.org", "example.org"),
        ("i\u{2764}\u{fe0f}.example", "xn--i-7iq.example"),
        ("\u{2764}\u{fe00}.example", "xn--qei.example"),
        ("\u{8fbb}\u{e0100}.example", "xn--w63a.example"),
        // A joiner where no script has one: as Python's codec `punycode` spells it, without the selector.
        ("\u{1f468}\u{200d}\u{1f4bb}\u{fe0f}.example", "xn--1ugz855pfha.example"),
        ("a\u{200d}b.example", "xn--ab-m1t.example"),
        ("127.0.0.1\u{ad}", "(address)"),
        ("\u{ff11}27.0.0.1", "(address)"),
        ("a\u{ad}..b", "(unpublishable)"),
        ("a.\u{ad}.b", "(unpublishable)"),
    ] {
        assert_eq!(parsed(given), expected, "{given:?}");
    }
    assert!(PolicyDomain::parse("127.0.0.1\u{ad}").is_err() && MxHost::from_text("127.0.0.1\u{ad}").is_err());
}

#[test]
fn what_the_dns_cannot_carry_has_no_policy() {
    let long_label = format!("{}.test", "a".repeat(64));
    let long_name = format!("{}test", "a.".repeat(126));
    let long_u_label = format!("{}.test", "\u{fc}".repeat(63));
    for given in ["a..b", ".a", "example.org..", "\u{fc}..test", &long_label, &long_name, &long_u_label] {
        assert_eq!(parsed(given), "(unpublishable)", "{given:?}");
        assert!(PolicyDomain::parse(given).is_err() && MxHost::from_text(given).is_err(), "{given:?}");
    }
}

#[test]
fn what_is_no_attempt_at_a_name_is_refused() {
    for given in [
        "",
        ".",
        "..",
        "a b",
        "-a",
        "-d",
        "--domain",
        "@file",
        "-a.test",
        "a\nb",
        "a\tb",
        "a\u{7f}",
        "a\u{85}b",
        "a\u{202e}b",
        "\u{feff}a",
        "\u{ad}",
        "\u{ad}-a.test",
        "a\u{61c}b",
        "a\u{200e}b",
        "a\u{200f}b",
        "a\u{202a}b",
        "a\u{2066}b",
        "a\u{2069}b",
        "a\u{feff}b",
        "a\u{fff9}b",
        "a\u{e0001}b",
        "a\u{e0061}b",
        "\u{1f3f4}\u{e0067}\u{e0062}.example",
        "a\u{3000}b",
        "a\"b",
        "a'b",
        "$a",
        "{a}",
        "a\\b",
        "a;b",
        "a%b",
        "`id`",
        "a,b",
        "a/b",
        "a\u{ff0f}b",
        "a:b",
        "user@example.org",
        "user\u{ff20}example.org",
        "[a]",
        "[",
        "[::1",
        "[1.2.3.4]x",
    ] {
        assert_eq!(parsed(given), "(bad)", "{given:?}");
    }
}

#[test]
fn a_textbook_host_name_is_told_from_what_the_dns_carries() {
    for (name, expected) in [
        ("mx.example.org", true),
        ("xn--bcher-kva.test", true),
        ("foo_bar.example", false),
        ("bad-.example", false),
        ("xn--a.example", false),
        ("a.1", false),
    ] {
        assert_eq!(MxHost::from_text(name).unwrap().is_textbook(), expected, "{name}");
    }
}

#[test]
fn an_mx_record_names_what_a_mail_server_takes_for_a_host() {
    let name = |text: &str| Name::from_labels(text.split_terminator('.').map(str::as_bytes)).unwrap();
    let of = |text: &str| MxHost::from_dns(&name(text)).map(|host| host.to_string());
    for kept in ["mx_1.example.", "xn--a.example.", "ab--c.example."] {
        assert_eq!(of(kept).as_deref(), kept.strip_suffix('.'), "{kept}");
    }
    assert_eq!(MxHost::from_dns(&Name::root()), None);
    for dropped in ["mail-.example.", "-d.example.", "a.-b.example.", "192.0.2.1."] {
        assert_eq!(of(dropped), None, "{dropped}");
    }
}

#[test]
fn addresses_have_no_policy() {
    for given in [
        "[192.0.2.1]",
        "192.0.2.1",
        "[IPv6:2001:db8::1]",
        "[ipv6:::1]",
        "2001:db8::1",
        "0x7f.1",
        "127.1",
        "[::1]",
        "1",
    ] {
        assert_eq!(parsed(given), "(address)", "{given}");
    }
}

#[test]
fn hosts_may_hold_underscores_but_nothing_stranger() {
    assert_eq!(MxHost::from_text("Mail_1.Example.org.").unwrap().as_str(), "mail_1.example.org");
    for given in ["", ".", "-D.test", "x -D.test", "a\nb.test", "192.0.2.1", "[192.0.2.1]", "a..b"] {
        assert!(MxHost::from_text(given).is_err(), "{given:?}");
    }
}

#[test]
fn a_mebibyte_is_refused_unread_and_shown_short() {
    let error = Destination::parse(OsStr::new(&"a".repeat(1 << 20))).unwrap_err().to_string();
    assert!(error.contains("(1048576 octets)") && error.len() < 200, "{error}");
}

/// What a text is read as: a name, why the DNS cannot carry it, or nothing.
fn shown(read: Option<Spelled>) -> Option<Result<String, &'static str>> {
    read.map(|spelled| match spelled {
        Spelled::Name(name) => Ok(name),
        Spelled::Uncarried(why) => Err(why),
    })
}

#[test]
fn every_octet_of_ascii_is_read_like_any_other_character() {
    let all = (0..=127_u8).map(char::from);
    let texts = all.flat_map(|c| {
        [format!("{c}"), format!("a{c}"), format!("{c}a"), format!("a.{c}.b"), format!("a{c}.")]
    });
    for text in texts {
        assert_eq!(shown(Spelled::read_ascii(&text)), shown(Spelled::read_unicode(&text)), "{text:?}");
    }
}

#[test]
fn what_is_an_address_is_what_parses_as_one() {
    for (text, expected) in [
        ("192.0.2.1", true),
        ("192.0.2.1.", true),
        ("::1", true),
        ("::ffff:192.0.2.1", true),
        ("fe80::1", true),
        ("::1.", false),
        ("1:2", false),
        ("a.1", false),
        ("1.a", false),
        ("0x.", true),
        ("", false),
    ] {
        assert_eq!(is_address_literal(text), expected, "{text}");
    }
}

/// Texts that are nearly names, in every way in which they are not.
fn nearly_names() -> impl Strategy<Value = String> {
    let label = "[a-zA-Z0-9_-]{0,5}|xn--[a-z0-9-]{0,8}|XN--[A-Z0-9]{1,6}|[a-z0-9-]{62,65}|-[a-z]{1,3}|[a-z]{1,3}-|[0-9]{1,3}";
    let joined = (proptest::collection::vec(label, 0..7), prop_oneof![Just(""), Just("."), Just("..")])
        .prop_map(|(labels, end)| labels.join(".") + end);
    prop_oneof![4 => joined, 1 => "[ -~]{0,40}", 1 => "\\PC{0,20}", 1 => "[a-z0-9.:x\\[\\]]{0,20}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn names_in_ascii_are_read_as_all_names_are(text in nearly_names()) {
        prop_assume!(text.is_ascii());
        prop_assert_eq!(shown(Spelled::read_ascii(&text)), shown(Spelled::read_unicode(&text)));
    }

    #[test]
    fn a_name_without_a_labels_is_by_the_book_if_uts_46_says_so(text in nearly_names()) {
        if let Ok(Spelled::Name(name)) = Spelled::read(&text) && !name.contains("xn--") {
            prop_assert_eq!(has_ascii_textbook_labels(&name), has_textbook_labels(&name));
        }
    }

    #[test]
    fn an_address_is_found_wherever_the_parser_finds_one(text in nearly_names()) {
        if text.parse::<IpAddr>().is_ok() {
            prop_assert!(is_address_literal(&text));
        }
        if let Some(Spelled::Name(name)) = Spelled::read_ascii(&text).filter(|_| text.is_ascii()) {
            prop_assert_eq!(is_address_literal(&text), is_address_literal(&name));
        }
    }

    #[test]
    fn no_text_panics_and_every_name_is_safe_and_stable(text in "\\PC{0,80}|[a-z0-9._-]{0,300}") {
        if let Ok(Destination::Domain(domain)) = Destination::parse(OsStr::new(&text)) {
            prop_assert!(domain.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)));
            prop_assert_eq!(parsed(domain.as_str()), domain.to_string());
            prop_assert!(!domain.as_str().starts_with('-'));
            let labels: Vec<Vec<u8>> = domain.to_dns().iter().map(<[u8]>::to_vec).collect();
            prop_assert_eq!(labels.join(&b'.'), domain.as_str().as_bytes());
        }
    }
}
