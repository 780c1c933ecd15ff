use super::*;
use hickory_proto::dnssec::TrustAnchors as LibraryAnchors;

const KEY: &str =
    "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";
const DIGEST: &str = "370 13 2 BE74359954660069D5C63D200C39F5603827D7DD02B56F120EE9F3A86764247C";

fn anchors(text: &str) -> String {
    TrustAnchors::parse(text).unwrap().fingerprint_input()
}

fn error(text: &str) -> String {
    TrustAnchors::parse(text).unwrap_err().to_string()
}

#[test]
fn the_built_in_digests_are_those_of_the_roots_keys() {
    let library = LibraryAnchors::default();
    let iana = TrustAnchors::iana().unwrap();
    let (digests, _) = iana.of(&Name::root());
    assert_eq!(digests.len(), library.len());
    for (place, tag) in [(0, 20326), (1, 38696)] {
        let key = DNSKEY::with_flags(257, library.get(place).unwrap().clone());
        assert_eq!(key.calculate_key_tag().unwrap(), tag);
        let ds = digests.iter().find(|ds| ds.key_tag() == tag).unwrap();
        assert!(ds.covers(&Name::root(), &key).unwrap());
    }
}

#[test]
fn lines_of_a_zone_file_are_read_with_and_without_ttl_and_class() {
    let key = format!("example.org. DNSKEY {KEY}\n");
    for line in [
        format!("example.org. DNSKEY {KEY}"),
        format!("Example.ORG 86400 IN DNSKEY {KEY} ; a comment"),
        format!("example.org. in 86400 dnskey {KEY} # another"),
        format!("; first\n\n\texample.org. IN DNSKEY {KEY}\r\n"),
        format!(
            "example.org. IN DNSKEY ( {}\n   {} ) ;{{id = 1 (ksk)}} ;;state=2 [  VALID  ]",
            &KEY[..30],
            &KEY[30..]
        ),
    ] {
        assert_eq!(anchors(&line), key, "{line}");
    }
    assert_eq!(anchors(&format!("example.org. DS {DIGEST}")), format!("example.org. DS {DIGEST}\n"));
    assert_eq!(
        anchors(&format!("example.org. DS {}", DIGEST.to_lowercase())),
        format!("example.org. DS {DIGEST}\n")
    );
}

/// SHA-1 has 20 octets, SHA-256 32, SHA-384 48 (RFC 4034 section 5.1.4, RFC 4509, RFC 6605).
#[test]
fn a_digest_has_the_length_of_its_type() {
    for (digest_type, octets) in [(1, 20), (2, 32), (4, 48)] {
        for (length, is_one) in [(octets - 1, false), (octets, true), (octets + 1, false)] {
            let line = format!(". DS 1 13 {digest_type} {}", "9E".repeat(length));
            let found = TrustAnchors::parse(&line);
            assert_eq!(found.is_ok(), is_one, "{line}");
            if is_one {
                assert_eq!(anchors(&line), format!("{line}\n"));
            }
        }
        let odd = format!(". DS 1 13 {digest_type} {}9", "9E".repeat(octets));
        assert!(error(&odd).contains("is not a digest"), "{odd}");
    }
}

/// An entry begins where its first word stands, whatever lines it has (RFC 1035 section 5.1).
#[test]
fn an_entry_of_several_lines_is_named_by_its_first() {
    let text = format!("; one\n. DS (\n{DIGEST} )\n\n. DS ( 1\n13\n2\nAB )\n");
    assert!(error(&text).starts_with("line 5: 'AB' is not a digest"), "{}", error(&text));
    let open = format!(". DS {DIGEST}\n. DS ( 1\n13\n2");
    assert_eq!(error(&open), "line 2: this parenthesis is never closed");
    let two = format!(". DS ( {DIGEST} )\nexample.org. DS {DIGEST}\n");
    assert_eq!(anchors(&two).lines().count(), 2);
}

#[test]
fn order_and_repetition_leave_no_trace() {
    let (a, b) = (format!(". DNSKEY {KEY}\n"), format!("example.org. DS {DIGEST}\n"));
    assert_eq!(anchors(&format!("{b}{a}{b}")), anchors(&format!("{a}{b}")));
}

#[test]
fn the_deepest_anchor_above_a_name_is_chosen() {
    let anchors = TrustAnchors::parse(&format!("org. DNSKEY {KEY}\nexample.org. DS {DIGEST}")).unwrap();
    let deepest = |name: &str| anchors.deepest_above(&Name::from_ascii(name).unwrap()).map(Name::to_ascii);
    assert_eq!(deepest("a.EXAMPLE.org.").as_deref(), Some("example.org."));
    assert_eq!(deepest("example.org.").as_deref(), Some("example.org."));
    assert_eq!(deepest("xexample.org.").as_deref(), Some("org."));
    assert_eq!(deepest("example.com."), None);
}

#[test]
fn what_is_no_usable_anchor_is_refused_with_its_line_and_what_was_expected() {
    let shorter = &DIGEST[..DIGEST.len() - 1];
    for (line, expected) in [
        ("", "no trust anchor in it; expected lines such as"),
        ("; only a comment", "no trust anchor in it"),
        ("\n. IN A 192.0.2.1", "line 2: 'A' is not a trust anchor; expected"),
        ("trust-anchors {", "line 1: '{' is not a trust anchor"),
        (".", "line 1: expected lines such as"),
        (". IN DNSKEY", "line 1: '' is not flags, protocol, algorithm and key"),
        (". IN DNSKEY 257 3 8", "is not flags"),
        (". IN DNSKEY 70000 3 8 AwEA", "is not flags"),
        (". IN DNSKEY 257 3 8 A*EA", "line 1: 'A*EA' is not a key in base64"),
        (". IN DNSKEY 257 3 8 AwE", "is not a key in base64"),
        (". IN DNSKEY 257 4 13 AwEA", "the protocol 4 is not 3"),
        (". IN DNSKEY 1 3 13 AwEA", "the flags 1 are not those of a zone's key"),
        (". IN DNSKEY 385 3 13 AwEA", "the flags 385 say that this key is revoked"),
        (". IN DNSKEY 257 3 16 AwEA", "signatures of algorithm 16 cannot be verified"),
        (". IN DS 1 200 2 AB", "signatures of algorithm 200 cannot be verified"),
        (". IN DS 1 13 3 AB", "digests of type 3 cannot be compared"),
        (&format!(". IN DS {shorter}"), "is not a digest of 64 hexadecimal digits"),
        (&format!(". IN DS {DIGEST}00"), "is not a digest of 64 hexadecimal digits"),
        (&format!(". IN DS {shorter}G"), "is not a digest of 64 hexadecimal digits"),
        (&format!("a..b DS {DIGEST}"), "line 1: 'a..b' is not the name of a zone"),
        (&format!(". DS ( {DIGEST}\n"), "line 1: this parenthesis is never closed"),
    ] {
        assert!(error(line).contains(expected), "{line:?}: {}", error(line));
    }
}

#[test]
fn errors_show_nothing_but_printable_ascii_and_little_of_it() {
    let shown = error(&format!(". IN DNSKEY 257 3 8 {}\u{1b}[31m", "é".repeat(10_000)));
    assert!(shown.is_ascii() && shown.len() < 400, "{shown}");
}
