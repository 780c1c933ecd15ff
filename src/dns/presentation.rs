//! Names, types and record data as text, and back: the presentation format of zone files.
//!
//! RFC 1035 section 5.1 for names and character-strings, RFC 3597 sections 4 and 5 for what has no format of its own.
//! Everything that is written is printable ASCII, whatever was published. It refuses names and types that
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
mod tests;
