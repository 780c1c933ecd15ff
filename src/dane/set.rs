//! The TLSA records of a host as TLS reports tell them (RFC 8460 section 4.4): where they stand, and each of them whole.

use crate::dns::{Answer, Content, Outcome};
use crate::limits::MAX_REPORTED_POLICY_OCTETS;
use crate::name::MxHost;
use hickory_proto::rr::{RData, RecordType};
use std::fmt::Write as _;

/// The secure TLSA records at the TLSA base domain of a host (RFC 7672 section 2.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsaSet {
    /// The TLSA base domain: the host, or what it is an alias for.
    pub base: MxHost,
    /// The data of each record, `3 1 1 HEX`, usable or not, in order; `None` if they are longer than what is kept.
    pub records: Option<Vec<String>>,
}

impl TlsaSet {
    /// What the answer to a TLSA question says; `None` if it has no secure records.
    #[must_use]
    pub fn of(answer: &Answer) -> Option<Self> {
        let Outcome::Secure(Content::Data(records)) = &answer.outcome else { return None };
        // Below `_25._tcp`.
        let base = MxHost::from_dns(&answer.question.name().base_name().base_name())?;
        let mut records: Vec<String> = records.iter().filter_map(presented).collect();
        records.sort_unstable();
        records.dedup();
        let octets = records.iter().map(|record| record.len().saturating_add(1)).sum::<usize>();
        (!records.is_empty())
            .then(|| Self { base, records: (octets <= MAX_REPORTED_POLICY_OCTETS).then_some(records) })
    }

    /// The records in lines; `None` if they are too long to be kept.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.records.as_ref().map(|records| records.iter().map(|record| format!("{record}\n")).collect())
    }
}

/// The presentation format (RFC 6698 section 2.2).
fn presented(record: &RData) -> Option<String> {
    let (fields, data) = match record {
        RData::TLSA(tlsa) => {
            ([tlsa.cert_usage.into(), tlsa.selector.into(), tlsa.matching.into()], tlsa.cert_data.as_slice())
        }
        RData::Unknown { code: RecordType::TLSA, rdata } => match rdata.anything.as_slice() {
            [usage, selector, matching, data @ ..] => ([*usage, *selector, *matching], data),
            _ => return None,
        },
        _ => return None,
    };
    let [usage, selector, matching]: [u8; 3] = fields;
    let mut text = format!("{usage} {selector} {matching} ");
    for octet in data {
        // Writing into a text cannot fail.
        let _ = write!(text, "{octet:02X}");
    }
    Some(text)
}

/// Whether that is a record as [`TlsaSet::of`] writes it.
#[must_use]
pub fn is_record(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let [usage, selector, matching, data] = words.as_slice() else { return false };
    let is_field = |word: &str| word.parse::<u8>().is_ok_and(|number| number.to_string() == word);
    [usage, selector, matching].into_iter().all(|word| is_field(word))
        && data.len() % 2 == 0
        && data.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'A'..=b'F'))
}

#[cfg(test)]
mod tests {
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
}
