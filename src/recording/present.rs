//! What octets say, in words for people: printable ASCII, whatever was put into them. Pure.

use crate::dns::presentation::{name, rdata, type_word};
use crate::dns::tolerance;
use crate::text::Escaped;
use crate::time::UnixTime;
use data_encoding::BASE64;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A reply: its code, then each record as a zone file has it, behind the word for its section.
pub(super) fn reply(octets: &[u8]) -> Vec<String> {
    let Ok(message) = tolerance::read(octets) else { return vec!["it cannot be read".to_owned()] };
    let code = match message.metadata.response_code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        other => format!("RCODE {}", u16::from(other)),
    };
    let mut lines = vec![code];
    for (section, records) in [("answer", &message.answers), ("authority", &message.authorities)] {
        lines.extend(records.iter().map(|one| format!("{section}: {}", record(one))));
    }
    lines
}

fn record(record: &Record) -> String {
    let (owner, kind) = (name(&record.name), type_word(record.record_type()));
    format!("{owner} {} {} {kind} {}", record.ttl, record.dns_class, data(&record.data))
}

/// As a zone file has it, but for the times of a signature, which are shown as dates.
fn data(data: &RData) -> String {
    match data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => {
            let input = signature.input();
            let date = |at: u32| UnixTime(at.into());
            format!(
                "{} {} {} {} {} {} {} {} {}",
                type_word(input.type_covered),
                u8::from(input.algorithm),
                input.num_labels,
                input.original_ttl,
                date(input.sig_expiration.get()),
                date(input.sig_inception.get()),
                input.key_tag,
                name(&input.signer_name),
                BASE64.encode(signature.sig())
            )
        }
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
            let types = nsec.type_bit_maps().map(type_word).collect::<Vec<_>>();
            format!("{} {}", name(nsec.next_domain_name()), types.join(" "))
        }
        RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => nsec3.to_string(),
        other => rdata(other),
    }
}

/// A certificate: whose it is, who gave it, and until when.
pub(super) fn certificate(der: &[u8]) -> String {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return "it cannot be read".to_owned();
    };
    let validity = certificate.validity();
    let line = format!(
        "{}, issued by {}, valid from {} to {}",
        certificate.subject(),
        certificate.issuer(),
        validity.not_before,
        validity.not_after
    );
    Escaped(&line).to_string()
}

/// A policy file, line by line.
pub(super) fn body(octets: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(octets).lines().map(|line| Escaped(line).to_string()).collect()
}
