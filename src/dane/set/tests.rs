use super::*;
use crate::dns::Question;
use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::{NULL, TLSA};

fn tlsa([usage, selector, matching]: [u8; 3], data: Vec<u8>) -> RData {
    RData::TLSA(TLSA::new(usage.into(), selector.into(), matching.into(), data))
}

fn set_of(outcome: Outcome) -> Option<TlsaSet> {
    let name: Name = "_25._tcp.mx.example.org.".parse().unwrap();
    TlsaSet::of(&Answer { outcome, ..Answer::none(Question::new(&name, RecordType::TLSA)) })
}

fn secure(records: Vec<RData>) -> Option<TlsaSet> {
    set_of(Outcome::Secure(Content::Data(records)))
}

/// RFC 6698 section 2.2: three numbers, and the data as hexadecimal; section 2.3 has the examples. RFC 7672 section 2.2.3: the base
/// domain is what stands below `_25._tcp`.
#[test]
fn records_are_told_as_zone_files_have_them_in_order_and_none_twice() {
    let whole = RData::Unknown { code: RecordType::TLSA, rdata: NULL::with(vec![3, 1, 2, 0xd2, 0xab]) };
    let records = vec![
        tlsa([3, 1, 1], vec![0xd2, 0x0a]),
        whole,
        tlsa([0, 0, 1], vec![]),
        tlsa([3, 1, 1], vec![0xd2, 0x0a]),
    ];
    let set = secure(records).unwrap();
    assert_eq!(set.base.as_str(), "mx.example.org");
    assert_eq!(set.text().unwrap(), "0 0 1 \n3 1 1 D20A\n3 1 2 D2AB\n");
    assert!(set.records.unwrap().iter().all(|record| is_record(record)));
    let empty = TlsaSet { records: None, base: set.base };
    assert_eq!(empty.text(), None);
}

#[test]
fn what_is_no_tlsa_record_or_not_secure_is_not_told() {
    let short = RData::Unknown { code: RecordType::TLSA, rdata: NULL::with(vec![3, 1]) };
    let other = RData::Unknown { code: RecordType::TXT, rdata: NULL::with(vec![3, 1, 1, 7]) };
    assert_eq!(secure(vec![short, other, RData::NULL(NULL::new())]), None);
    assert_eq!(secure(Vec::new()), None);
    assert_eq!(set_of(Outcome::Secure(Content::Nodata)), None);
}

/// A line is `3 0 0 `, two digits an octet, and its end.
#[test]
fn records_are_kept_up_to_their_bound_and_none_of_them_beyond() {
    let octets = (MAX_REPORTED_POLICY_OCTETS - 7) / 2;
    let of = |octets: usize| secure(vec![tlsa([3, 0, 0], vec![7; octets])]).unwrap();
    assert!(of(octets).text().is_some());
    assert_eq!((of(octets + 1).records, of(octets + 1).base.as_str()), (None, "mx.example.org"));
}

#[test]
fn a_record_is_three_octets_and_whole_octets_of_hexadecimal() {
    for text in ["3 1 1 D20A", "255 0 2 ", "2 0 1 00"] {
        assert!(is_record(text), "{text}");
    }
    for text in [
        "",
        "3 1 1",
        "3 1 1 D20",
        "3 1 1 d20a",
        "3 1 1 D2G0",
        "03 1 1 D20A",
        "256 1 1 D20A",
        "3 +1 1 D20A",
        "3 1 x D20A",
        "3 1 1 D2 0A",
        "3 1 1 D20A ",
    ] {
        assert!(!is_record(text), "{text}");
    }
}
