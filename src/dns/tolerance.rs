//! Reads a name server's reply so that one odd record does not cost the whole message.
//!
//! RFC 4034 section 2.1.2 tells us to ignore a key of another protocol, RFC 5155 sections 8.1 and 8.2 an NSEC3 of an
//! unknown hash or flag, RFC 3597 section 3 to treat what we do not know as opaque; the parser beneath refuses the
//! whole message instead. Here such a record keeps its owner, type and octets and loses only its meaning: it still
//! counts in its RRset's signature, and nothing ever reads it.

use hickory_proto::op::{Edns, Header, HeaderCounts, Message, Query};
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError, Restrict};

/// DO, in the TTL of OPT (RFC 3225 section 3).
const DNSSEC_OK: u32 = 0x8000;

/// Records that a reply claims to hold, read from its header alone; what reading the rest may cost.
#[must_use]
pub fn claimed_records(octets: &[u8]) -> usize {
    Header::read(&mut BinDecoder::new(octets)).map_or(0, |header| {
        let HeaderCounts { answers, authorities, additionals, .. } = header.counts;
        usize::from(answers) + usize::from(authorities) + usize::from(additionals)
    })
}

/// Reads the question, answer and authority sections of a reply; of the additional section only what OPT says in its
/// fixed part (the rest of the RCODE, the size, DO: RFC 6891 section 6.1.3), since nothing else was asked for.
///
/// # Errors
/// If the message has no readable frame: a name that does not end, a length beyond the end.
pub fn read(octets: &[u8]) -> Result<Message, DecodeError> {
    let mut decoder = BinDecoder::new(octets);
    let Header { metadata, counts } = Header::read(&mut decoder)?;
    let mut message = Message::new(metadata.id, metadata.message_type, metadata.op_code);
    message.metadata = metadata;
    for _ in 0..counts.queries {
        message.queries.push(Query::read(&mut decoder)?);
    }
    for _ in 0..counts.answers {
        message.answers.extend(record(&mut decoder)?);
    }
    for _ in 0..counts.authorities {
        message.authorities.extend(record(&mut decoder)?);
    }
    for _ in 0..counts.additionals {
        let frame = Frame::read(&mut decoder)?;
        if frame.rtype == RecordType::OPT && frame.owner.is_root() {
            message.metadata.merge_response_code(frame.ttl.to_be_bytes()[0]);
            let mut edns = Edns::new();
            edns.set_max_payload(frame.class).set_dnssec_ok(frame.ttl & DNSSEC_OK != 0);
            message.set_edns(edns);
        }
    }
    Ok(message)
}

/// What stands around the RDATA of a record (RFC 1035 section 4.1.3).
struct Frame<'a> {
    owner: Name,
    rtype: RecordType,
    class: u16,
    ttl: u32,
    /// At the first octet of the RDATA.
    start: BinDecoder<'a>,
    rdata: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads one record's frame and leaves the decoder behind its RDATA.
    fn read(decoder: &mut BinDecoder<'a>) -> Result<Self, DecodeError> {
        let owner = Name::read(decoder)?;
        let rtype = RecordType::read(decoder)?;
        let class = decoder.read_u16()?.unverified(/* any class is compared, never counted with */);
        let ttl = decoder.read_u32()?.unverified(/* capped where it is used */);
        let length = decoder.read_u16()?.unverified(/* read_slice checks it against the end */);
        let start = decoder.clone(u16::try_from(decoder.index()).unwrap_or(u16::MAX));
        let rdata = decoder.read_slice(usize::from(length))?.unverified(/* octets are octets */);
        Ok(Self { owner, rtype, class, ttl, start, rdata })
    }
}

/// One record of the answer or authority section; `None` for an OPT, which has no business there.
fn record(decoder: &mut BinDecoder<'_>) -> Result<Option<Record>, DecodeError> {
    let mut frame = Frame::read(decoder)?;
    if frame.rtype == RecordType::OPT {
        return Ok(None);
    }
    let length = u16::try_from(frame.rdata.len()).unwrap_or(u16::MAX);
    let known = if length == 0 {
        None
    } else {
        RData::read(&mut frame.start, frame.rtype, Restrict::new(length)).ok()
    };
    let opaque = || {
        let mut rdata = NULL::new();
        rdata.anything = frame.rdata.to_vec();
        RData::Unknown { code: frame.rtype, rdata }
    };
    let mut record = Record::from_rdata(frame.owner, frame.ttl, known.unwrap_or_else(opaque));
    record.dns_class = DNSClass::from(frame.class);
    Ok(Some(record))
}

#[cfg(test)]
mod tests;
