//! Finds the reports in what somebody sent, whatever they are packed in. Pure.
//!
//! What it is, its octets say; what it is called only makes findings. Everything that is unpacked on the way counts against one
//! bound, so a file that unpacks to more than any report has ends there.

use super::authentication::{self, Authentication};
use super::envelope::{Envelope, Label, Packing};
use super::finding::{Code, Noticed};
use super::mime::{self, Header};
use super::{Report, Unreadable, gzip, mbox, read, zip};
use crate::limits::{
    MAX_MAIL_OCTETS_SPLIT, MAX_MAIL_PARTS, MAX_REPORT_LAYERS, MAX_REPORT_MAIL_OCTETS, MAX_REPORT_OCTETS,
};

/// A report, and what was noticed about it and around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The report.
    pub report: Report,
    /// What was noticed.
    pub noticed: Noticed,
    /// What the server that is believed says of who sent it; `None`: none is believed.
    pub authentication: Option<Authentication>,
}

/// What one input held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    /// The reports.
    pub reports: Vec<Received>,
    /// What could not be read, and why.
    pub troubles: Vec<Unreadable>,
    /// Mails without a report, and without a claim to have one.
    pub other_mails: u64,
}

/// Finds the reports of an input: of a file, of a mail of an mbox, of all that came on standard input. The mail server that is
/// believed about who sent a mail is the one that calls itself `server` in Authentication-Results.
#[must_use]
pub fn open(octets: &[u8], server: Option<&str>) -> Opened {
    let mut opening = Opening {
        authentication: server.map(|server| authenticated(octets, server)),
        found: Opened::default(),
        left: MAX_REPORT_OCTETS,
        parts: MAX_MAIL_PARTS,
        unsplit: MAX_MAIL_OCTETS_SPLIT,
        mails: 0,
    };
    let packed = Packed {
        envelope: None,
        label: Label::default(),
        packing: Packing::Plain,
        noticed: Noticed::default(),
    };
    if octets.len() > MAX_REPORT_OCTETS {
        opening.found.troubles.push(Unreadable::TooManyOctets);
    } else if let Err(why) = opening.layer(octets, &packed, 0) {
        opening.found.troubles.push(why);
    }
    opening.found
}

/// What the server says of an input; of what is no mail, or lies within one, it can say nothing.
fn authenticated(octets: &[u8], server: &str) -> Authentication {
    match mime::header(octets) {
        Ok((header, _)) if form(octets) == Form::Mail => authentication::of(&header, server),
        _ => Authentication::NotPassed,
    }
}

/// What octets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Empty,
    Json,
    Gzip,
    Zip,
    Mbox,
    Mail,
    Markup,
    Unknown,
}

fn form(octets: &[u8]) -> Form {
    let text = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets).trim_ascii_start();
    match text.first() {
        None => Form::Empty,
        Some(b'{' | b'[') => Form::Json,
        Some(b'<') => Form::Markup,
        _ if octets.starts_with(gzip::MAGIC) => Form::Gzip,
        _ if octets.starts_with(zip::MAGIC) => Form::Zip,
        _ if octets.starts_with(mbox::SEPARATOR) => Form::Mbox,
        _ if is_a_mail(text) => Form::Mail,
        _ => Form::Unknown,
    }
}

/// Whether it begins with a header of which a field is one that mail has.
fn is_a_mail(text: &[u8]) -> bool {
    const FIELDS: [&str; 10] = [
        "content-type",
        "date",
        "delivered-to",
        "from",
        "message-id",
        "mime-version",
        "received",
        "return-path",
        "subject",
        "to",
    ];
    let first = text.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let name = first.split(|octet| *octet == b':').next().unwrap_or_default();
    let is_a_field = name.len() < first.len() && name.iter().all(u8::is_ascii_graphic);
    // What is too long for a header begins like one, and is told so.
    is_a_field && mime::header(text).map_or(true, |(header, _)| header.has_one_of(&FIELDS))
}

/// What stands around what is looked at.
#[derive(Clone)]
struct Packed<'a> {
    envelope: Option<&'a Envelope>,
    label: Label,
    packing: Packing,
    noticed: Noticed,
}

struct Opening {
    found: Opened,
    /// Octets that may still be unpacked.
    left: usize,
    /// Parts of mails that may still come.
    parts: usize,
    /// What is known of the mail that all of it came in.
    authentication: Option<Authentication>,
    /// Mails that were begun.
    mails: usize,
    /// Octets that may still be looked through for the boundaries of parts within parts.
    unsplit: usize,
}

impl Opening {
    fn spend(&mut self, octets: usize) -> Result<(), Unreadable> {
        self.left = self.left.checked_sub(octets).ok_or(Unreadable::TooManyOctets)?;
        Ok(())
    }

    /// Looks into one layer.
    fn layer(&mut self, octets: &[u8], packed: &Packed<'_>, depth: usize) -> Result<(), Unreadable> {
        let below = deeper(depth)?;
        match form(octets) {
            Form::Empty => Err(Unreadable::Empty),
            Form::Markup => Err(Unreadable::Markup),
            Form::Unknown => Err(Unreadable::Unknown),
            Form::Json => self.reports(octets, packed),
            Form::Gzip => {
                let unpacked = gzip::unpack(octets, self.left)?;
                self.spend(unpacked.octets.len())?;
                let mut packed = Packed { packing: Packing::Gzip, ..packed.clone() };
                if unpacked.members > 1 {
                    packed.noticed.note(Code::GzipMembers, "", &unpacked.members.to_string());
                }
                if !unpacked.is_whole {
                    packed.noticed.note(Code::GzipCut, "", "");
                }
                let read = self.layer(&unpacked.octets, &packed, below);
                // What is wrong with a damaged gzip is that, whatever came out of it.
                read.map_err(|why| if unpacked.is_whole || why.is_a_bound() { why } else { Unreadable::Gzip })
            }
            Form::Zip => {
                let mut packed = Packed { packing: Packing::Zip, ..packed.clone() };
                packed.noticed.note(Code::Zip, "", "");
                let files = zip::unpack(octets, self.left)?;
                let before = self.found.reports.len();
                let mut first = None;
                for file in &files {
                    self.spend(file.len())?;
                    match self.layer(file, &packed, below) {
                        Err(why) if why.is_a_bound() => return Err(why),
                        Err(why) => first = first.or(Some(why)),
                        Ok(()) => {}
                    }
                }
                let is_in_vain = self.found.reports.len() == before;
                if is_in_vain { Err(first.unwrap_or(Unreadable::Empty)) } else { Ok(()) }
            }
            Form::Mbox => mbox::mails(octets).into_iter().try_for_each(|mail| self.mail(mail, below)),
            Form::Mail => self.mail(octets, below),
        }
    }

    fn reports(&mut self, octets: &[u8], packed: &Packed<'_>) -> Result<(), Unreadable> {
        for (report, mut noticed) in read::reports(octets)? {
            noticed.append(&packed.noticed);
            if let Some(envelope) = packed.envelope {
                envelope.compare(&report, &packed.label, packed.packing, &mut noticed);
            }
            // What a mail says that lies within another one, its writer may have made up.
            let authentication =
                self.authentication.map(|own| if self.mails == 1 { own } else { Authentication::NotPassed });
            if authentication == Some(Authentication::NotPassed) {
                noticed.note(Code::NotAuthenticated, "the mail", "");
            }
            self.found.reports.push(Received { report, noticed, authentication });
        }
        Ok(())
    }

    /// One mail: either there are reports in it, or a reason why not, or it is none of our business.
    fn mail(&mut self, octets: &[u8], depth: usize) -> Result<(), Unreadable> {
        if octets.len() > MAX_REPORT_MAIL_OCTETS {
            return Err(Unreadable::MailTooLong);
        }
        let (header, body) = mime::header(octets)?;
        self.mails = self.mails.saturating_add(1);
        let envelope = Envelope::read(&header);
        let others = self.found.other_mails;
        let told = |found: &Opened| (found.reports.len(), found.troubles.len());
        let before = told(&self.found);
        self.entity(&header, body, &envelope, depth)?;
        // Mails within a mail without a report are that one mail.
        self.found.other_mails = others;
        if told(&self.found) == before {
            match envelope.claims_a_report() {
                true => self.found.troubles.push(Unreadable::NoReport),
                false => self.found.other_mails = others.saturating_add(1),
            }
        }
        Ok(())
    }

    /// A mail's body or a part of it, with the parts in it.
    fn entity(
        &mut self,
        header: &Header,
        body: &[u8],
        envelope: &Envelope,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let below = deeper(depth)?;
        let media = header.media();
        match media.value.split('/').next().unwrap_or_default() {
            "multipart" => {
                let boundary = media.parameter("boundary");
                self.unsplit = self.unsplit.checked_sub(body.len()).ok_or(Unreadable::TooManyLayers)?;
                for part in mime::parts(body, boundary.as_deref(), self.parts)? {
                    self.parts = self.parts.checked_sub(1).ok_or(Unreadable::TooManyParts)?;
                    let (header, body) = mime::header(part)?;
                    self.entity(&header, body, envelope, below)?;
                }
                Ok(())
            }
            "image" | "audio" | "video" | "font" => Ok(()),
            _ => self.leaf(header, media.value, body, envelope, below),
        }
    }

    fn leaf(
        &mut self,
        header: &Header,
        media: String,
        body: &[u8],
        envelope: &Envelope,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let clear = mime::body(header, body);
        if matches!(clear, std::borrow::Cow::Owned(_)) {
            self.spend(clear.len())?;
        }
        let is_a_mail = media == "message/rfc822" || media == "message/global";
        let is_said_to_be_text = media.starts_with("text/") || media.starts_with("message/");
        let label = Label { media, file: header.file() };
        // Words for people, which may look like a header, are no mail within the mail.
        if !is_a_mail && is_said_to_be_text && form(&clear) != Form::Json {
            return Ok(());
        }
        let is_claimed = label.claims_a_report() || envelope.claims_a_report();
        let packed =
            Packed { envelope: Some(envelope), label, packing: Packing::Plain, noticed: Noticed::default() };
        let read = if is_a_mail { self.mail(&clear, depth) } else { self.layer(&clear, &packed, depth) };
        match read {
            // Whatever it is, it was made to cost time or memory.
            Err(why @ (Unreadable::TooManyOctets | Unreadable::TooManyLayers)) => Err(why),
            Err(why) if is_claimed && why.is_a_bound() => Err(why),
            Err(why) if is_claimed && !(is_said_to_be_text && why == Unreadable::NoReport) => {
                self.found.troubles.push(why);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The layer below, if there may be one.
fn deeper(depth: usize) -> Result<usize, Unreadable> {
    if depth < MAX_REPORT_LAYERS { Ok(depth.saturating_add(1)) } else { Err(Unreadable::TooManyLayers) }
}
