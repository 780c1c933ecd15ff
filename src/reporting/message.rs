//! The mail around a report (RFC 8460 section 5.3). Pure: the same report is the same octets to the same address, whenever it is made.
//!
//! ASCII throughout, lines of 78 octets where their words allow it and never more than 998 (RFC 5322 section 2.1.1). One mail to one
//! address: the mail server's route for reports lets nothing else through.

use super::destination::MailAddress;
use crate::name::PolicyDomain;
use crate::time::UnixTime;
use data_encoding::BASE64;
use std::fmt::Write as _;

/// The media type of a report (RFC 8460 section 5.4).
pub const MEDIA: &str = "application/tlsrpt+gzip";

/// Octets of a line, its end not counted, where words can be moved to the next one.
const LINE: usize = 78;

/// Octets of a line of base64 (RFC 2045 section 6.8).
const BASE64_LINE: usize = 76;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Why a mail is sent, which it says in words for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A domain asked for it.
    Report,
    /// Somebody tries the way of reports: the report in it tells of no session.
    Trial,
}

/// What a mail is made of.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Why it is sent.
    pub purpose: Purpose,
    /// Who reports.
    pub from: &'a MailAddress,
    /// Who asked for it.
    pub to: &'a MailAddress,
    /// What it is about.
    pub domain: &'a PolicyDomain,
    /// The id within the report.
    pub id: &'a str,
    /// The name of the file.
    pub file: &'a str,
    /// When the report was made.
    pub made: UnixTime,
    /// What a bounce is known by ([`super::bounce::Key::token`]).
    pub token: &'a str,
    /// The gzip.
    pub package: &'a [u8],
}

/// The mail, its lines ended by LF, as a sendmail command takes it.
#[must_use]
pub fn mail(content: Content<'_>) -> Vec<u8> {
    let Content { purpose, from, to, domain, id, file, made, token, package } = content;
    let submitter = from.domain();
    // Letters, digits and a mark that base64 and the text below do not have at the beginning of a line.
    let boundary = format!("=_tlsrpt_{:016x}", mark(&[id, to.as_str(), file]));
    let mut text = String::new();
    let mut field = |name: &str, words: &[String]| text.push_str(&folded(name, words));
    field("From:", &[format!("<{from}>")]);
    field("To:", &[format!("<{to}>")]);
    field("Date:", &[date(made)]);
    field("Message-ID:", &[format!("<{id}.{token}@{submitter}>")]);
    let subject = [
        "Report",
        "Domain:",
        domain.as_str(),
        "Submitter:",
        submitter.as_str(),
        "Report-ID:",
        &format!("<{id}@{submitter}>"),
    ]
    .map(ToOwned::to_owned);
    field("Subject:", &subject);
    field("TLS-Report-Domain:", &[domain.to_string()]);
    field("TLS-Report-Submitter:", &[submitter.to_string()]);
    // RFC 8689 section 3: it goes out whatever TLS there is.
    field("TLS-Required:", &["No".to_owned()]);
    field("Auto-Submitted:", &["auto-generated".to_owned()]);
    field("MIME-Version:", &["1.0".to_owned()]);
    field(
        "Content-Type:",
        &[
            "multipart/report;".to_owned(),
            "report-type=\"tlsrpt\";".to_owned(),
            format!("boundary=\"{boundary}\""),
        ],
    );
    let opened = format!("\n--{boundary}\n");
    text.push_str(&opened);
    text.push_str("Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\n");
    text.push_str(&wrapped(&match purpose {
        Purpose::Report => format!(
            "This is an aggregate TLS report (RFC 8460) from {submitter} about {domain}, for {to}. It was asked for by the TXT record \
             at _smtp._tls.{domain}; whoever takes the address out of it gets no more of them."
        ),
        Purpose::Trial => format!(
            "This is a test of the way that TLS reports (RFC 8460) take from {submitter}. An administrator there had it sent to {to}, \
             once. The report in it tells of no session. Reports count only if they are signed: the receiver's header field \
             Authentication-Results should say dkim=pass for {submitter}."
        ),
    }));
    text.push_str(&opened);
    text.push_str(&folded("Content-Type:", &[MEDIA.to_owned()]));
    text.push_str("Content-Transfer-Encoding: base64\n");
    text.push_str(&folded(
        "Content-Disposition:",
        &["attachment;".to_owned(), format!("filename=\"{file}\"")],
    ));
    text.push('\n');
    let encoded = BASE64.encode(package);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(BASE64_LINE));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    // Writing into a text cannot fail.
    let _ = writeln!(text, "\n--{boundary}--");
    text.into_bytes()
}

/// A header field, folded before words that would make a line too long.
fn folded(name: &str, words: &[String]) -> String {
    let (mut field, mut length) = (name.to_owned(), name.len());
    for word in words {
        if length.saturating_add(word.len()).saturating_add(1) > LINE {
            field.push('\n');
            length = 0;
        }
        field.push(' ');
        field.push_str(word);
        length = length.saturating_add(word.len()).saturating_add(1);
    }
    field.push('\n');
    field
}

/// A text in lines.
fn wrapped(text: &str) -> String {
    let (mut lines, mut length) = (String::new(), 0_usize);
    for word in text.split(' ') {
        let gap = usize::from(length > 0);
        if length > 0 && length.saturating_add(word.len()).saturating_add(gap) > LINE {
            lines.push('\n');
            length = 0;
        } else if gap > 0 {
            lines.push(' ');
            length = length.saturating_add(1);
        }
        lines.push_str(word);
        length = length.saturating_add(word.len());
    }
    lines.push('\n');
    lines
}

/// The date of RFC 5322 section 3.3.
fn date(moment: UnixTime) -> String {
    let text = moment.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let day_of_week = usize::try_from(moment.0 / 86_400 % 7).unwrap_or(0);
    let weekday = WEEKDAYS.get(day_of_week).copied().unwrap_or_default();
    let month =
        part(5, 7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.saturating_sub(1)).copied());
    let day = part(8, 10).trim_start_matches('0');
    format!("{weekday}, {day} {} {} {} +0000", month.unwrap_or_default(), part(0, 4), part(11, 19))
}

/// FNV-1a of 64 bits: it tells apart, and secures nothing.
fn mark(parts: &[&str]) -> u64 {
    let octets = parts.iter().flat_map(|part| part.bytes().chain([0]));
    octets.fold(0xcbf2_9ce4_8422_2325_u64, |mark, octet| {
        (mark ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
