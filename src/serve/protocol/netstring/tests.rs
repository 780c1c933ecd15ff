use super::*;
use proptest::prelude::*;

fn written(content: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write(content, &mut out);
    out
}

#[test]
fn a_netstring_ends_where_it_says() {
    for (octets, content, taken) in [
        (&b"0:,"[..], "", 3),
        (b"5:hello,", "hello", 8),
        (b"5:hello,5:world,", "hello", 8),
        (b"3:a,b,", "a,b", 6),
        (b"2:,:,junk", ",:", 5),
    ] {
        assert_eq!(read(octets), Frame::Whole(content.as_bytes(), taken), "{octets:?}");
    }
}

#[test]
fn what_may_still_become_one_is_waited_for() {
    for octets in [&b""[..], b"5", b"5:", b"5:hell", b"5:hello", b"10000", b"10000:", b"0", b"0:"] {
        assert_eq!(read(octets), Frame::More, "{octets:?}");
    }
}

#[test]
fn what_never_becomes_one_is_broken_at_once() {
    for octets in [
        &b"05:hello,"[..],
        b"00:,",
        b"-1:,",
        b"+1:a,",
        b" 5:hello,",
        b"5 :hello,",
        b"5: hello,",
        b":hello,",
        b",",
        b"5hello,",
        b"5:hello;",
        b"5:hello\n",
        b"5:hell,o",
        b"0:x",
        b"0x5:hello,",
        b"policy example.org\n",
        b"\n",
        b"\0",
        b"\xff",
    ] {
        assert_eq!(read(octets), Frame::Broken(NO_NETSTRING), "{octets:?}");
    }
}

/// Whatever is announced: a single octet of it need not have come.
#[test]
fn too_long_a_one_is_refused_by_its_digits() {
    for octets in ["10001", "10001:", "99999", "999999999:", &"9".repeat(1 << 16)] {
        assert_eq!(read(octets.as_bytes()), Frame::Broken(TOO_LONG), "{octets:.20}");
    }
    assert!(TOO_LONG.contains(&MAX_NETSTRING_OCTETS.to_string()));
}

#[test]
fn the_longest_one_is_read() {
    let content = "a".repeat(MAX_NETSTRING_OCTETS);
    assert_eq!(read(&written(&content)), Frame::Whole(content.as_bytes(), MAX_NETSTRING_OCTETS + 7));
}

proptest! {
    #[test]
    fn what_was_written_is_read(content in "\\PC{0,200}", behind in proptest::collection::vec(any::<u8>(), 0..20)) {
        let mut octets = written(&content);
        let whole = octets.len();
        octets.extend(behind);
        prop_assert_eq!(read(&octets), Frame::Whole(content.as_bytes(), whole));
    }

    /// How the octets were cut on their way changes nothing: each beginning of a netstring waits for the rest.
    #[test]
    fn each_beginning_of_one_waits_for_the_rest(content in "[ -~]{0,40}", cut in any::<prop::sample::Index>()) {
        let octets = written(&content);
        prop_assert_eq!(read(&octets[..cut.index(octets.len())]), Frame::More);
    }

    #[test]
    fn no_octets_panic_and_nothing_is_taken_that_is_not_there(octets in "[0-9:,a ]{0,16}") {
        if let Frame::Whole(content, taken) = read(octets.as_bytes()) {
            prop_assert!(taken <= octets.len());
            prop_assert_eq!(written(std::str::from_utf8(content).unwrap()), &octets.as_bytes()[..taken]);
        }
    }
}
