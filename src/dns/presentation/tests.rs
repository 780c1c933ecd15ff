use super::*;
use hickory_proto::rr::rdata::NULL;
use hickory_proto::serialize::binary::Restrict;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};

fn shown(rtype: RecordType, octets: &[u8]) -> String {
    let length = Restrict::new(u16::try_from(octets.len()).unwrap());
    rdata(&RData::read(&mut BinDecoder::new(octets), rtype, length).unwrap())
}

#[test]
fn record_data_is_shown_as_dig_shows_it() {
    for (rtype, octets, expected) in [
        (RecordType::TXT, &b"\x03a;b\x00\x06\"\\\x07\xff e"[..], r#""a;b" "" "\"\\\007\255 e""#),
        (RecordType::MX, b"\x00\x0a\x02Mx\x04test\x00", "10 Mx.test."),
        (RecordType::MX, b"\x00\x00\x00", "0 ."),
        (RecordType::CNAME, b"\x03b.c\x04test\x00", r"b\.c.test."),
        (RecordType::NS, b"\x02ns\x04test\x00", "ns.test."),
        (RecordType::PTR, b"\x02mx\x04test\x00", "mx.test."),
        (RecordType::SRV, b"\x00\x01\x00\x02\x00\x19\x02mx\x04test\x00", "1 2 25 mx.test."),
        (RecordType::TLSA, b"\x03\x01\x01\xe3\xb0", "3 1 1 E3B0"),
        (RecordType::DS, b"\xce\x8a\x0d\x02\x90\xd9", "52874 13 2 90D9"),
        (RecordType::DNSKEY, b"\x01\x01\x03\x0dabc", "257 3 13 YWJj"),
        (RecordType::DNAME, b"\x01a\x04test\x00", "a.test."),
        (RecordType::DNAME, b"\x09", r"\# 1 09"),
        (
            RecordType::SOA,
            b"\x01a\x00\x03b.c\x00\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05",
            r"a. b\.c. 1 2 3 4 5",
        ),
        (RecordType::Unknown(65_000), b"\x01\x02", r"\# 2 0102"),
        (RecordType::CAA, b"\x00\x05issueca", r"\# 9 000569737375656361"),
    ] {
        assert_eq!(shown(rtype, octets), expected);
    }
    assert_eq!(rdata(&RData::A(Ipv4Addr::new(192, 0, 2, 1).into())), "192.0.2.1");
    assert_eq!(rdata(&RData::AAAA("2001:db8::1".parse::<Ipv6Addr>().unwrap().into())), "2001:db8::1");
    assert_eq!(rdata(&RData::Unknown { code: RecordType::TXT, rdata: NULL::new() }), r"\# 0");
}

#[test]
fn names_are_absolute_and_escapes_are_decimal() {
    for (text, expected) in [
        (".", "."),
        ("a", "a."),
        ("_25._tcp.Mx.test.", "_25._tcp.Mx.test."),
        (r"\065b\.c.test", r"Ab\.c.test."),
        (r"\000\255.*.test", r"\000\255.*.test."),
    ] {
        assert_eq!(name(&parse_name(text).unwrap()), expected);
    }
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let long = "a.".repeat(128);
    let label = "a".repeat(64);
    for text in [
        "",
        "..",
        "a..b",
        ".a",
        "a b",
        "bücher.test",
        "a\u{7f}",
        r"a\",
        r"\256",
        r"\1",
        r"\1a2",
        &long,
        &label,
    ] {
        assert!(parse_name(text).is_err(), "{text:?}");
    }
    for text in
        ["", "ANY", "*", "AXFR", "OPT", "TYPE", "TYPE0", "TYPE255", "TYPE65536", "TYPE-1", "NONSENSE", "TSIG"]
    {
        assert_eq!(parse_type(text), None, "{text}");
    }
}

#[test]
fn types_are_known_by_name_and_number() {
    for (text, expected) in
        [("txt", "TXT"), ("type39", "DNAME"), ("TYPE65000", "TYPE65000"), ("Tlsa", "TLSA")]
    {
        assert_eq!(type_word(parse_type(text).unwrap()), expected);
    }
    assert_eq!(parse_type("TYPE16"), Some(RecordType::TXT));
}

proptest! {
    #[test]
    fn reading_and_writing_names_are_inverse(labels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..20), 0..10)) {
        let mut original = Name::from_labels(labels.iter().map(Vec::as_slice)).unwrap();
        original.set_fqdn(true);
        let text = name(&original);
        prop_assert!(text.bytes().all(|octet| octet.is_ascii_graphic()));
        prop_assert!(parse_name(&text).unwrap().eq_case(&original));
    }

    #[test]
    fn no_text_panics_and_all_that_is_written_is_printable(text in "\\PC{0,60}", rtype: u16, octets in proptest::collection::vec(any::<u8>(), 1..60)) {
        let _ = (parse_name(&text), parse_type(&text));
        let length = Restrict::new(u16::try_from(octets.len()).unwrap());
        if let Ok(data) = RData::read(&mut BinDecoder::new(&octets), RecordType::from(rtype), length) {
            prop_assert!(rdata(&data).bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        }
    }
}
