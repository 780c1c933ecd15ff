use super::*;

fn permits(pattern: &str, host: &str) -> bool {
    MxPattern::parse(pattern).unwrap().permits(&MxHost::from_text(host).unwrap())
}

#[test]
fn a_name_permits_itself_in_any_case_and_nothing_else() {
    assert!(permits("mx.Example.com", "MX.example.COM."));
    for host in
        ["mx.example.comx", "mx.example.com.evil", "xmx.example.com", "example.com", "a.mx.example.com"]
    {
        assert!(!permits("mx.example.com", host), "{host}");
    }
}

#[test]
fn a_wildcard_stands_for_exactly_one_label() {
    for host in ["mx1.example.com", "mx2.example.com", "MX9.EXAMPLE.COM", "x_1.example.com"] {
        assert!(permits("*.example.com", host), "{host}");
    }
    for host in ["example.com", "a.b.example.com", "mx1.example.net", "mx.example.com.evil", "mxexample.com"]
    {
        assert!(!permits("*.example.com", host), "{host}");
    }
}

#[test]
fn the_labels_where_the_wildcard_stands_are_counted() {
    let labels = |pattern: &str, host: &str| {
        MxPattern::parse(pattern).unwrap().labels_for_wildcard(&MxHost::from_text(host).unwrap())
    };
    for (host, expected) in [
        ("mx.microsoft", Some(0)),
        ("a.mx.microsoft", Some(1)),
        ("contoso-com.a-v1.mx.microsoft", Some(2)),
        ("amx.microsoft", None),
        ("mx.example.com", None),
    ] {
        assert_eq!(labels("*.mx.microsoft", host), expected, "{host}");
    }
    assert_eq!(labels("mx.microsoft", "a.mx.microsoft"), None);
}

#[test]
fn what_is_no_pattern_is_refused() {
    for text in [
        "",
        "*",
        "*.",
        ".",
        ".example.com",
        "*.*.example.com",
        "mx.*.example.com",
        "as*.example.com",
        "a b.com",
        "mx.example.com.",
        "_.example.com",
        "a_b.example.com",
        "bücher.example",
        "192.0.2.1",
        "-a.com",
        "a..b",
        "$a.com",
        "a{b}.com",
        "a\\.com",
        "a.com\"",
    ] {
        assert!(MxPattern::parse(text).is_none(), "{text:?}");
    }
}

#[test]
fn patterns_become_regular_expressions_that_exim_can_carry() {
    assert_eq!(MxPattern::parse("*.a-b.example.com").unwrap().to_regex(), "[^.]+[.]a-b[.]example[.]com");
    assert_eq!(MxPattern::parse("mx.example.com").unwrap().to_regex(), "mx[.]example[.]com");
}
