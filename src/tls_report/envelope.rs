//! What the mail around a report says of it (RFC 8460 sections 5.1 to 5.3), beside the report itself. Pure.
//!
//! Where they disagree, the report counts (section 5.6): so all of this only tells.

use super::Report;
use super::finding::{Code, Noticed};
use super::mime::{Header, Parametrised};
use crate::name::PolicyDomain;

/// The header of a mail, as far as it speaks of the report.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    subject: Option<String>,
    domain: Option<String>,
    submitter: Option<String>,
    /// Whether the whole mail is `multipart/report` of TLS reports.
    has_form: bool,
}

/// What a part of a mail is said to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    /// Its media type, in lower case.
    pub(super) media: String,
    /// Its file's name.
    pub(super) file: Option<String>,
}

/// How a report came out of its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zip,
}

/// The media types of section 6.
const GZIP: &str = "application/tlsrpt+gzip";
const JSON: &str = "application/tlsrpt+json";

impl Envelope {
    pub(super) fn read(header: &Header) -> Self {
        let field = |name| header.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let media = header.media();
        let is_of_tls = |media: &Parametrised| {
            media.parameter("report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("tlsrpt"))
        };
        Self {
            subject: field("subject"),
            domain: field("tls-report-domain"),
            submitter: field("tls-report-submitter"),
            has_form: media.value == "multipart/report" && is_of_tls(&media),
        }
    }

    /// Whether the mail says that it has a TLS report in it.
    pub(super) const fn claims_a_report(&self) -> bool {
        self.has_form || self.domain.is_some() || self.submitter.is_some()
    }

    /// Compares it, and the part, with the report.
    pub(super) fn compare(&self, report: &Report, label: &Label, packing: Packing, noticed: &mut Noticed) {
        if !self.has_form {
            noticed.note(Code::MailForm, "the mail", "");
        }
        if self.domain.is_none() || self.submitter.is_none() {
            noticed.note(Code::MailHeaders, "the mail", "");
        }
        let subject = self.subject.as_deref().unwrap_or_default();
        let of_subject = domain_of_subject(subject);
        if of_subject.is_none() {
            noticed.note(Code::Subject, "the mail", subject);
        }
        let of_file = label.file.as_deref().and_then(domain_of_file);
        if let Some(file) = label.file.as_deref().filter(|_| of_file.is_none()) {
            noticed.note(Code::FileName, "the mail", file);
        }
        let elsewhere = [self.domain.as_deref(), of_subject, of_file];
        if let Some(other) = elsewhere.into_iter().flatten().find(|domain| !is_about(report, domain)) {
            noticed.note(Code::Disagrees, "the mail", other);
        }
        label.compare(packing, noticed);
    }
}

impl Label {
    /// Whether the part is said to be a TLS report.
    pub(super) fn claims_a_report(&self) -> bool {
        let file = self.file.as_deref().unwrap_or_default().to_ascii_lowercase();
        self.media.starts_with("application/tlsrpt") || file.ends_with(".json") || file.ends_with(".json.gz")
    }

    fn compare(&self, packing: Packing, noticed: &mut Noticed) {
        if ![GZIP, JSON].contains(&self.media.as_str()) {
            noticed.note(Code::MediaType, "the mail", &self.media);
        }
        let file = self.file.as_deref().unwrap_or_default().to_ascii_lowercase();
        let (says_gzip, says_json) =
            (self.media == GZIP || file.ends_with(".gz"), self.media == JSON || file.ends_with(".json"));
        let is_contradicted = match packing {
            Packing::Plain => says_gzip,
            Packing::Gzip => says_json,
            Packing::Zip => false,
        };
        if is_contradicted {
            let shown = self.file.as_deref().filter(|_| self.media != GZIP && self.media != JSON);
            noticed.note(Code::Compression, "the mail", shown.unwrap_or(&self.media));
        }
    }
}

/// Whether one of the report's policies is about the domain, or, as those of DANE are, about a host: then nobody can say.
fn is_about(report: &Report, domain: &str) -> bool {
    let Ok(domain) = PolicyDomain::parse(domain) else { return false };
    let has_no_name = |policy: &super::Policy| policy.domain.is_none() || policy.kind == super::Kind::Tlsa;
    report
        .policies
        .iter()
        .any(|policy| has_no_name(policy) || policy.domain.as_deref() == Some(domain.as_str()))
}

/// The domain of `Report Domain: D Submitter: S Report-ID: <id@S>` (section 5.3).
fn domain_of_subject(subject: &str) -> Option<&str> {
    let lower = subject.to_ascii_lowercase();
    let begin = lower.find("report domain:")?.checked_add("report domain:".len())?;
    let rest = lower.get(begin..)?;
    let submitter = rest.find("submitter:")?;
    let id = rest.get(submitter..)?.find("report-id:")?;
    let domain = subject.get(begin..begin.checked_add(submitter)?)?.trim();
    (id > 0 && !domain.is_empty() && !domain.contains(' ')).then_some(domain)
}

/// The domain of `SUBMITTER!DOMAIN!BEGIN!END[!ID].json[.gz]` (section 5.1).
fn domain_of_file(file: &str) -> Option<&str> {
    let stem = file.strip_suffix(".gz").unwrap_or(file).strip_suffix(".json")?;
    let mut pieces = stem.split('!');
    let (submitter, domain) = (pieces.next()?, pieces.next()?);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let (begin, end) = (pieces.next()?, pieces.next()?);
    let id = pieces
        .next()
        .is_none_or(|id| !id.is_empty() && id.bytes().all(|octet| octet.is_ascii_alphanumeric()));
    let has_form =
        !submitter.is_empty() && is_number(begin) && is_number(end) && id && pieces.next().is_none();
    (has_form && !domain.is_empty()).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_and_file_names_have_their_form() {
        let subject = "Report Domain: receiver.example Submitter: sender.example Report-ID: <735ff.e317+bf22029@sender.example>";
        assert_eq!(domain_of_subject(subject), Some("receiver.example"));
        assert_eq!(domain_of_subject("Fwd: report domain: a.test submitter: b report-id: c"), Some("a.test"));
        for subject in ["", "TLS report for receiver.example", "Report Domain: Submitter: b Report-ID: c"] {
            assert_eq!(domain_of_subject(subject), None, "{subject}");
        }
        for file in [
            "sender.example!receiver.example!1472601600!1472687999.json.gz",
            "sender.example!receiver.example!1472601600!1472687999!a7.json",
        ] {
            assert_eq!(domain_of_file(file), Some("receiver.example"), "{file}");
        }
        for file in ["report.json", "a!b!1!2.xml.gz", "a!b!x!2.json", "a!b!1!2!a-b.json", "a!b!1!2!c!d.json"]
        {
            assert_eq!(domain_of_file(file), None, "{file}");
        }
    }
}
