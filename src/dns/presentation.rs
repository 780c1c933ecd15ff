//! Names, types and record data as text, and back: the presentation format of zone files.
//!
//! RFC 1035 section 5.1 for names and character-strings, RFC 3597 sections 4 and 5 for what has no format of its own.
//! Everything that is written is printable ASCII, whatever a stranger published. It refuses names and types that
//! cannot be asked for.

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable};
use std::fmt::Write;

/// The record data as `dig +short +nosplit` shows it; what it does not know well, as `\# length hex`.
#[must_use]
pub fn rdata(data: &RData) -> String {
    match data {
        RData::A(address) => address.to_string(),
        RData::AAAA(address) => address.to_string(),
        RData::CNAME(target) => name(target),
        RData::NS(host) => name(host),
        RData::PTR(target) => name(target),
        RData::MX(mx) => format!("{} {}", mx.preference, name(&mx.exchange)),
        RData::SRV(srv) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, name(&srv.target)),
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {} {}",
            name(&soa.mname),
            name(&soa.rname),
            soa.serial,
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        RData::TXT(TXT { txt_data, .. }) => {
            txt_data.iter().map(|string| character_string(string)).collect::<Vec<_>>().join(" ")
        }
        RData::TLSA(tlsa) => {
            let fields = [u8::from(tlsa.cert_usage), u8::from(tlsa.selector), u8::from(tlsa.matching)];
            format!("{} {}", fields.map(|field| field.to_string()).join(" "), hex(&tlsa.cert_data))
        }
        RData::DNSSEC(DNSSECRData::DS(ds)) => ds.to_string(),
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) => key.to_string(),
        RData::Unknown { code: RecordType::DNAME, rdata } => {
            let mut octets = BinDecoder::new(&rdata.anything);
            let target = Name::read(&mut octets).ok().filter(|_| octets.is_empty());
            target.map_or_else(|| generic(data), |target| name(&target))
        }
        _ => generic(data),
    }
}

/// The name with its final dot; the root is a dot alone.
#[must_use]
pub fn name(name: &Name) -> String {
    let mut text = String::new();
    for label in name {
        for octet in label {
            match octet {
                b'"' | b'$' | b'(' | b')' | b'.' | b';' | b'@' | b'\\' => {
                    text.push('\\');
                    text.push(char::from(*octet));
                }
                b'!'..=b'~' => text.push(char::from(*octet)),
                _ => decimal(&mut text, *octet),
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// One character-string of a TXT record, quoted.
fn character_string(string: &[u8]) -> String {
    let mut text = String::from('"');
    for octet in string {
        match octet {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(*octet));
            }
            b' '..=b'~' => text.push(char::from(*octet)),
            _ => decimal(&mut text, *octet),
        }
    }
    text.push('"');
    text
}

/// An octet as a backslash and three decimal digits.
fn decimal(text: &mut String, octet: u8) {
    let _never_fails = write!(text, "\\{octet:03}");
}

/// The form that fits every type (RFC 3597 section 5).
fn generic(data: &RData) -> String {
    let octets = data.to_bytes().unwrap_or_default();
    format!("\\# {} {}", octets.len(), hex(&octets)).trim_end().to_owned()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _never_fails = write!(text, "{octet:02X}");
        text
    })
}

/// Reads a name; it is absolute with or without its final dot, so that no search list ever applies.
///
/// # Errors
/// The reason, if it is no name of DNS: a sentence without the name.
pub fn parse_name(text: &str) -> Result<Name, &'static str> {
    if text == "." {
        return Ok(Name::root());
    }
    let mut labels = vec![Vec::new()];
    let mut rest = text.bytes();
    let mut follows_dot = false;
    while let Some(octet) = rest.next() {
        follows_dot = false;
        let literal = match octet {
            b'.' => {
                labels.push(Vec::new());
                follows_dot = true;
                continue;
            }
            b'\\' => match rest.next() {
                Some(hundreds @ b'0'..=b'9') => {
                    let digits = [hundreds, rest.next().unwrap_or(b' '), rest.next().unwrap_or(b' ')];
                    let number = str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
                    number.ok_or("has an escape that is not three decimal digits up to 255")?
                }
                Some(escaped) => escaped,
                None => return Err("ends in a backslash"),
            },
            b'!'..=b'~' => octet,
            _ => {
                return Err(
                    "has a character beyond printable ASCII: write it escaped, or as an A-label (xn--)",
                );
            }
        };
        if let Some(label) = labels.last_mut() {
            label.push(literal);
        }
    }
    if follows_dot {
        labels.pop();
    }
    if labels.iter().any(Vec::is_empty) {
        return Err("has an empty label");
    }
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice))
        .map_err(|_| "has a label of more than 63 octets, or more than 255 octets in all")?;
    name.set_fqdn(true);
    Ok(name)
}

/// Reads a type, by its name in any case or as `TYPE123` (RFC 3597 section 5); `None` for what is not the type of a
/// record (RFC 6895 section 3.1: OPT, and the question types 128 to 255).
#[must_use]
pub fn parse_type(text: &str) -> Option<RecordType> {
    let upper = text.to_ascii_uppercase();
    let number =
        upper.strip_prefix("TYPE").filter(|digits| digits.bytes().all(|octet| octet.is_ascii_digit()));
    let rtype = match number {
        Some(digits) => RecordType::from(digits.parse::<u16>().ok()?),
        None => upper.parse().ok()?,
    };
    (!matches!(u16::from(rtype), 0 | 41 | 128..=255)).then_some(rtype)
}

/// The type as it is written; one without a name as `TYPE123`.
#[must_use]
pub fn type_word(rtype: RecordType) -> String {
    match rtype {
        RecordType::Unknown(number) => format!("TYPE{number}"),
        known => known.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::rr::rdata::NULL;
    use hickory_proto::serialize::binary::Restrict;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

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
        for text in [
            "",
            "ANY",
            "*",
            "AXFR",
            "OPT",
            "TYPE",
            "TYPE0",
            "TYPE255",
            "TYPE65536",
            "TYPE-1",
            "NONSENSE",
            "TSIG",
        ] {
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
}
