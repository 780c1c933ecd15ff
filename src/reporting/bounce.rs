//! Bounces: mail in which a mail server says that it could not deliver a report (RFC 3464). Pure.
//!
//! Whoever hands a mail to the mail server hears of a refusal hours later, by a mail to the report address, and anybody can write one. So
//! the Message-ID of each report's mail ends in a token ([`Key::token`]) that nobody can guess, another one for each destination, and a
//! mail counts as a bounce only if it gives that token back and says, in the form that is made for it, that delivery to this very
//! destination has failed for good. Nobody knows the token but us and who handled that mail.

use super::outbox::{Leg, OutboxEntry, State, short};
use super::schedule::Failing;
use crate::limits::{
    MAX_BOUNCE_IDS, MAX_BOUNCE_RECIPIENTS, MAX_MAIL_PARTS, MAX_REPORT_MAIL_OCTETS, MAX_REPORT_WORDS,
};
use crate::name::PolicyDomain;
use crate::reports::tally::Day;
use crate::text::excerpt;
use crate::time::UnixTime;
use crate::tls_report::Unreadable;
use crate::tls_report::mime::{self, Header};
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use std::fmt;

/// Octets of the key that tokens come from.
pub const KEY_OCTETS: usize = 32;

/// Octets of a token: nobody guesses 128 bits.
const TOKEN_OCTETS: usize = 16;

/// What the words of a destination begin with, to which a report went in vain.
const CAME_BACK: &str = "came back: ";

/// The key that tokens come from: it is made once, and lies in the outbox.
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key of these octets.
    #[must_use]
    pub fn new(octets: &[u8; KEY_OCTETS]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, octets))
    }

    /// The token of a report at one of its destinations: the same for every copy of that mail, and for no other mail.
    #[must_use]
    pub fn token(&self, day: Day, domain: &PolicyDomain, destination: &str) -> String {
        // No name and no address has a blank in it.
        let tag = hmac::sign(&self.0, format!("{} {domain} {destination}", day.0).as_bytes());
        HEXLOWER.encode(tag.as_ref().get(..TOKEN_OCTETS).unwrap_or_default())
    }
}

/// A Message-ID that one of our reports could have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId {
    /// The day that the report would be about.
    pub day: Day,
    /// The domain.
    pub domain: PolicyDomain,
    /// Its token, be it genuine or not.
    token: String,
}

/// What a mail says of a recipient that it could not be delivered to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failed {
    /// The recipient, as each field names it.
    addresses: Vec<String>,
    /// Whether somebody refused it, and the time was not merely up.
    is_refused: bool,
    /// The server's words, inert.
    words: String,
}

/// A mail that says that something of ours came back; whether that is true, [`Bounce::returns`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// The Message-IDs that it gives back.
    pub ids: Vec<MessageId>,
    failures: Vec<Failed>,
}

/// Why a mail is no bounce of a report of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBounce {
    /// It could not be read.
    Unreadable(Unreadable),
    /// It is any other mail.
    OtherMail,
    /// Nothing has failed for good, so far.
    NothingFailed,
    /// It gives no Message-ID back that one of our reports could have.
    NotOurs,
}

impl fmt::Display for NoBounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "it is not read: {why}"),
            Self::OtherMail => f.write_str("it is no delivery status notification"),
            Self::NothingFailed => f.write_str("it tells of no permanent failure"),
            Self::NotOurs => f.write_str("it does not give back the Message-ID of a report"),
        }
    }
}

impl From<Unreadable> for NoBounce {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

impl MessageId {
    /// Reads `<DAY.DOMAIN.MARK.TOKEN@SUBMITTER>`.
    fn read(text: &str) -> Option<Self> {
        let (left, _) = text.trim().strip_prefix('<')?.split_once('@')?;
        let (left, token) = left.rsplit_once('.')?;
        let (left, _) = left.rsplit_once('.')?;
        let (day, domain) = left.split_once('.')?;
        let is_a_token = token.len() == 2 * TOKEN_OCTETS
            && token.bytes().all(|octet| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet));
        Some(Self {
            day: day.parse().ok()?,
            domain: PolicyDomain::parse(domain).ok()?,
            token: is_a_token.then(|| token.to_owned())?,
        })
    }
}

/// Reads a mail.
///
/// # Errors
/// [`NoBounce`].
pub fn read(mail: &[u8]) -> Result<Bounce, NoBounce> {
    if mail.len() > MAX_REPORT_MAIL_OCTETS {
        return Err(Unreadable::MailTooLong.into());
    }
    let (header, body) = mime::header(mail)?;
    let media = header.media();
    let kind = media.parameter("report-type").unwrap_or_default();
    if media.value != "multipart/report" || !kind.eq_ignore_ascii_case("delivery-status") {
        return Err(NoBounce::OtherMail);
    }
    let mut bounce = Bounce { ids: Vec::new(), failures: Vec::new() };
    bounce.answers(&header, &["in-reply-to", "references"]);
    for part in mime::parts(body, media.parameter("boundary").as_deref(), MAX_MAIL_PARTS)? {
        let (header, body) = mime::header(part)?;
        let clear = mime::body(&header, body);
        match header.media().value.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => bounce.status(&clear)?,
            "message/rfc822"
            | "message/global"
            | "text/rfc822-headers"
            | "message/rfc822-headers"
            | "message/global-headers" => bounce.answers(&mime::header(&clear)?.0, &["message-id"]),
            _ => {}
        }
    }
    match (bounce.failures.is_empty(), bounce.ids.is_empty()) {
        (true, _) => Err(NoBounce::NothingFailed),
        (false, true) => Err(NoBounce::NotOurs),
        (false, false) => Ok(bounce),
    }
}

impl Bounce {
    /// Takes in the Message-IDs of these fields, [`MAX_BOUNCE_IDS`] in all.
    fn answers(&mut self, header: &Header, fields: &[&str]) {
        let words = fields.iter().flat_map(|field| header.all(field)).flat_map(str::split_ascii_whitespace);
        for id in words.filter_map(MessageId::read) {
            if self.ids.len() < MAX_BOUNCE_IDS && !self.ids.contains(&id) {
                self.ids.push(id);
            }
        }
    }

    /// Takes in the groups of fields behind the first one, each of which is about a recipient (RFC 3464 section 2.1), of
    /// [`MAX_BOUNCE_RECIPIENTS`].
    fn status(&mut self, octets: &[u8]) -> Result<(), Unreadable> {
        let (_, mut rest) = mime::header(octets.trim_ascii_start())?;
        for _ in 0..MAX_BOUNCE_RECIPIENTS {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                break;
            }
            let (group, after) = mime::header(rest)?;
            self.failures.extend(failed(&group));
            rest = after;
        }
        Ok(())
    }

    /// Which destination of a report the mail came back from: the one whose token it gives back, if it also
    /// says that it failed there.
    #[must_use]
    pub fn returns(&self, id: &MessageId, entry: &OutboxEntry, key: &Key) -> Option<Returned<'_>> {
        let mut destinations = entry.destinations.iter().map(|leg| &leg.key);
        let destination =
            destinations.find(|destination| key.token(entry.day, &entry.domain, destination) == id.token)?;
        let is_it =
            |failed: &&Failed| failed.addresses.iter().any(|one| one.eq_ignore_ascii_case(destination));
        Some(match self.failures.iter().find(is_it) {
            Some(failed) => Returned::Failed(Return { destination: destination.clone(), failed }),
            None => Returned::Elsewhere,
        })
    }
}

/// What became of a mail of ours that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned<'a> {
    /// It failed at its destination.
    Failed(Return<'a>),
    /// It failed somewhere else, behind its destination.
    Elsewhere,
}

/// A report that failed at one of its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return<'a> {
    destination: String,
    failed: &'a Failed,
}

impl Return<'_> {
    /// The server's words about it, inert.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.failed.words
    }

    /// The destination.
    #[must_use]
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// Notes it in the entry; whether that was not done before.
    pub fn note(&self, entry: &mut OutboxEntry) -> bool {
        let mut legs = entry.destinations.iter_mut();
        let is_it =
            |leg: &&mut Leg| leg.key == self.destination && (leg.state.is_open() || leg.state == State::Sent);
        let Some(leg) = legs.find(is_it) else { return false };
        (leg.state, leg.words) = (State::GaveUp, short(&format!("{CAME_BACK}{}", self.failed.words)));
        let told: Vec<String> = entry
            .destinations
            .iter()
            .filter(|leg| !leg.words.is_empty())
            .map(|leg| format!("{}: {}", leg.key, leg.words))
            .collect();
        entry.words = short(&told.join("; "));
        let has = |wanted: fn(State) -> bool| entry.destinations.iter().any(|leg| wanted(leg.state));
        if has(|state| state == State::Sent) {
            // One that took it is enough (RFC 8460 section 3).
            if !has(State::is_open) {
                entry.state = State::Sent;
            }
        } else if !has(State::is_open) {
            entry.state = State::GaveUp;
        }
        true
    }

    /// What it means for the destination, of which that was known, in reports to come.
    #[must_use]
    pub fn lesson(&self, before: Failing, now: UnixTime) -> Failing {
        before.bounced(self.failed.is_refused, now)
    }
}

/// What a bounce suppresses: that destination, for reports about that domain. Whoever has us report about his domain to somebody else's
/// address could see to it that the mail is refused there, so no other domain's reports stay away for it.
#[must_use]
pub fn place(destination: &str, domain: &PolicyDomain) -> String {
    format!("{destination} about {domain}")
}

/// What a group of fields says of a recipient, if it says that delivery failed for good (RFC 3464 sections 2.3.3 and 2.3.4).
fn failed(group: &Header) -> Option<Failed> {
    let field = |name| group.get(name).map(mime::without_comments).unwrap_or_default();
    let (action, status) = (field("action"), field("status"));
    let status = status.trim();
    if !action.trim().eq_ignore_ascii_case("failed") || !is_permanent(status) {
        return None;
    }
    let addresses: Vec<String> = ["final-recipient", "original-recipient"]
        .into_iter()
        .filter_map(|name| group.get(name))
        .flat_map(addresses)
        .collect();
    let diagnostic = group.get("diagnostic-code").and_then(|code| code.split_once(';'));
    let (kind, said) = diagnostic.map_or(("", ""), |(kind, said)| (kind.trim(), said.trim()));
    // Exim says 5.0.0 of everything. Without a refusal by the other server, the time was up, or the domain is gone.
    let is_temporary = kind.eq_ignore_ascii_case("smtp") && said.starts_with('4');
    let is_unsaid = said.is_empty() && status == "5.0.0";
    let is_refused = !is_temporary && !is_unsaid;
    let words = if said.is_empty() { format!("status {status}") } else { said.to_owned() };
    Some(Failed { addresses, is_refused, words: excerpt(&words, MAX_REPORT_WORDS / 2) })
}

/// Whether it is a status of class 5 (RFC 3463 section 2).
fn is_permanent(status: &str) -> bool {
    let mut numbers = status.split('.');
    let is_a_number =
        |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    numbers.next() == Some("5")
        && numbers.next().is_some_and(is_a_number)
        && numbers.next().is_some_and(is_a_number)
        && numbers.next().is_none()
}

/// The address behind `rfc822;`, as it stands there and without what RFC 3461 section 4 has encoded.
fn addresses(field: &str) -> Vec<String> {
    let Some((kind, address)) = field.split_once(';') else { return Vec::new() };
    if !["rfc822", "utf-8"].iter().any(|known| kind.trim().eq_ignore_ascii_case(known)) {
        return Vec::new();
    }
    let address = address.trim();
    let address = address.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(address);
    let clear = String::from_utf8_lossy(&mime::escapes(address.as_bytes(), b'+')).into_owned();
    vec![address.to_owned(), clear]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(name: &str) -> PolicyDomain {
        PolicyDomain::parse(name).unwrap()
    }

    #[test]
    fn a_token_is_of_one_mail_and_of_one_key() {
        let key = Key::new(&[7; KEY_OCTETS]);
        let token = key.token(Day(20_784), &domain("a.example"), "x@a.example");
        // printf '20784 a.example x@a.example' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07
        assert_eq!(token, "81655e5e9ab074ba6d214d10b8799547");
        assert_eq!(token, key.token(Day(20_784), &domain("A.example"), "x@a.example"));
        for other in [
            key.token(Day(20_785), &domain("a.example"), "x@a.example"),
            key.token(Day(20_784), &domain("b.example"), "x@a.example"),
            key.token(Day(20_784), &domain("a.example"), "y@a.example"),
            Key::new(&[8; KEY_OCTETS]).token(Day(20_784), &domain("a.example"), "x@a.example"),
        ] {
            assert_ne!(token, other);
        }
        assert_eq!(format!("{key:?}"), "Key");
    }

    #[test]
    fn a_message_id_is_read_back() {
        let token = "0123456789abcdef0123456789abcdef";
        let read = |text: &str| MessageId::read(text).map(|id| (id.day, id.domain.to_string()));
        for name in ["r.example", "xn--bcher-kva.example", "mail.r.example"] {
            let text = format!("<2026-11-27.{name}.9f2c1a07.{token}@sender.example>");
            assert_eq!(read(&text), Some((Day(20_784), name.to_owned())), "{text}");
        }
        for text in [
            String::new(),
            "<x@y.example>".to_owned(),
            format!("<2026-11-27.r.example.9f2c1a07.{}@sender.example>", token.to_uppercase()),
            format!("<2026-11-27.r.example.9f2c1a07.{}@sender.example>", &token[1..]),
            format!("<2026-13-27.r.example.9f2c1a07.{token}@sender.example>"),
            format!("<2026-11-27.9f2c1a07.{token}@sender.example>"),
            format!("2026-11-27.r.example.9f2c1a07.{token}"),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
    }

    #[test]
    fn a_status_of_class_five_is_for_good() {
        for (status, is_it) in [
            ("5.1.1", true),
            ("5.0.0", true),
            ("5.7.509", true),
            ("4.4.1", false),
            ("2.0.0", false),
            ("5", false),
            ("5.1", false),
            ("5.1.1.1", false),
            ("5.1.1111", false),
            ("55.1.1", false),
            ("5.x.1", false),
            ("", false),
        ] {
            assert_eq!(is_permanent(status), is_it, "{status}");
        }
    }

    #[test]
    fn an_address_is_read_in_every_spelling() {
        for field in [
            "rfc822; a+x@b.example",
            "RFC822;<a+x@b.example>",
            "rfc822;a+2Bx@b.example",
            "utf-8; a+x@b.example",
        ] {
            assert!(
                addresses(field).contains(&"a+x@b.example".to_owned()),
                "{field}: {:?}",
                addresses(field)
            );
        }
        for field in ["a@b.example", "x400; a@b.example", ""] {
            assert_eq!(addresses(field), Vec::<String>::new(), "{field}");
        }
    }
}
