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
mod tests;
