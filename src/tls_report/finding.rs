//! What can be wrong with a report: one stable word for each, and what its reader makes of it. Pure.

use crate::policy::WordEntry;
use crate::policy::lint::Severity;
use crate::text::shortened;
use std::fmt;

/// What every word begins with, up to its dot.
pub const PREFIX: &str = "tls-report";

/// Characters of untrusted text that a finding shows.
const SHOWN: usize = 80;

/// Makes the enum, its list and its explanations from one table, so that none of them can forget a code.
macro_rules! codes {
    ($($code:ident: $severity:ident $word:literal, $rule:literal, $meaning:literal, $fix:literal;)*) => {
        /// What was noticed. The word never changes its meaning: people and programs search for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "`explain` is the documentation, and every output shows it")]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code, in the order of the words.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// Everything there is to say about it.
            #[must_use]
            pub const fn explain(self) -> WordEntry {
                match self {
                    $(Self::$code => WordEntry {
                        word: $word, meaning: $meaning, fix: $fix, rule: $rule, result_type: None,
                    },)*
                }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$code => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    Compression: Warning "tls-report.compression", "RFC 8460 sections 5.2 and 6",
        "The mail or the file's name says gzip and the report is plain JSON, or the other way round. It is read as what it is; some readers refuse it.",
        "The sender should call the report what it is: application/tlsrpt+gzip and .json.gz, or application/tlsrpt+json and .json.";
    ContactInfo: Warning "tls-report.contact-info", "RFC 8460 section 4.4",
        "The report names no contact: the key is absent, null or empty. It is read all the same; some readers refuse it.",
        "The sender should give an address at which somebody answers.";
    CountSum: Note "tls-report.count-sum", "RFC 8460 section 4.4",
        "The failures that are told one by one add up to another number than the total: a session may have failed for two reasons, or the rest is not told. The total counts.",
        "Nothing needs to be done.";
    DateFormat: Warning "tls-report.date-format", "RFC 8460 section 4.4, RFC 3339 section 5.6",
        "A moment of the date range is not written as RFC 3339 has it: without a zone, without a time, or as a number. It is read as UTC.",
        "The sender should write it as in 2026-05-09T00:00:00Z.";
    DateRange: Error "tls-report.date-range", "RFC 8460 section 4.4",
        "The beginning or the end of the report's time is absent or cannot be read, or the end is before the beginning: its sessions count, and nobody knows for which day.",
        "The sender should write both moments, as in 2026-05-09T00:00:00Z.";
    DateRangeDay: Note "tls-report.date-range-day", "RFC 8460 section 4.1",
        "The report is not about one whole day in UTC, from 00:00:00 to 23:59:59. It counts for the day in which most of it lies.",
        "Nothing needs to be done; the sender should report whole days in UTC.";
    Disagrees: Warning "tls-report.disagrees", "RFC 8460 section 5.6",
        "The mail or the file's name is about another domain than the report itself. The report counts.",
        "Look whether the domain in the report is yours; the sender should name the same one everywhere.";
    EmptyValue: Note "tls-report.empty-value", "RFC 8460 section 4.4",
        "A value is null or empty. It is read as if its key were absent; some readers refuse the report.",
        "The sender should leave the key out.";
    Encoding: Warning "tls-report.encoding", "RFC 8460 section 4, RFC 7493 section 2.1",
        "The report is not plain UTF-8: it begins with a byte order mark, or holds octets that are no character. Those are replaced.",
        "The sender should write UTF-8 without a byte order mark.";
    FailureDetails: Warning "tls-report.failure-details", "RFC 8460 section 4.4",
        "The failures of a policy are no list of objects: what is one object is read as the only one, and what is none is passed over.",
        "The sender should write a list, be it an empty one, or leave the key out.";
    FileName: Note "tls-report.file-name", "RFC 8460 section 5.1",
        "The report's file is not named SUBMITTER!DOMAIN!BEGIN!END.json or .json.gz. The name decides nothing.",
        "Nothing needs to be done.";
    GzipCut: Warning "tls-report.gzip-cut", "RFC 1952 section 2.3",
        "The gzip ends too early, has a wrong checksum or something behind its end. What came out of it is a whole report, and was read.",
        "Look whether something cuts or changes mail on its way; the sender should write a whole gzip.";
    GzipMembers: Warning "tls-report.gzip-members", "RFC 8460 section 5.2, RFC 1952 section 2.2",
        "The gzip has several members. They are read as one; some readers refuse it, or see the first one alone.",
        "The sender should write a single member.";
    HostName: Warning "tls-report.host-name", "RFC 8460 section 4.4",
        "The MX host of a failure is no host name. It is shown as it was written.",
        "The sender should give the name of the MX host in A-labels, or leave the key out.";
    IpAddress: Warning "tls-report.ip-address", "RFC 8460 section 4.4",
        "An address is no IP address. The failure counts without it.",
        "The sender should write it as in 192.0.2.25 or 2001:db8::25, or leave the key out.";
    KeyName: Warning "tls-report.key-name", "RFC 8460 section 4.4",
        "A key is written in another case, with an underscore, or as the RFC's text calls it where its JSON does not (mx-host-pattern, additional-info-uri). It is read as the one that was meant; most readers pass it over.",
        "The sender should write the key as the RFC does.";
    MailForm: Warning "tls-report.mail-form", "RFC 8460 section 5.3",
        "The mail around the report is not multipart/report with report-type=tlsrpt. It is read all the same; some readers do not find the report in it.",
        "The sender should write Content-Type: multipart/report; report-type=tlsrpt.";
    MailHeaders: Warning "tls-report.mail-headers", "RFC 8460 section 5.3",
        "The mail lacks TLS-Report-Domain or TLS-Report-Submitter, which say without a look inside what it is.",
        "The sender should write both header fields.";
    MediaType: Warning "tls-report.media-type", "RFC 8460 section 6",
        "The part with the report is neither application/tlsrpt+gzip nor application/tlsrpt+json. It was found by what is in it; some readers pass it over.",
        "The sender should use one of these two media types.";
    MxHost: Warning "tls-report.mx-host", "RFC 8460 section 4.4, erratum 6241",
        "The MX hosts of a policy are no list of patterns: one text, as in an example of the RFC, or with mx: before them. They are read all the same.",
        "The sender should write a list of texts, such as [\"mx.example.org\"].";
    NotAuthenticated: Warning "tls-report.not-authenticated", "RFC 8460 section 3, RFC 8601",
        "The mail server that is believed does not say that a DKIM signature of the sender's own domain is in order. The report is told all the same: anybody may have sent it.",
        "Look at Authentication-Results of the mail; the sender should sign what he sends with his domain.";
    OrganizationName: Warning "tls-report.organization-name", "RFC 8460 section 4.4",
        "The report does not say who sends it. It is listed under its contact.",
        "The sender should give its name.";
    Policies: Warning "tls-report.policies", "RFC 8460 section 4.4",
        "The policies are no list of objects, or there is none: what is one object is read as the only one, and what is none is passed over.",
        "The sender should write a list, be it about a single policy.";
    PolicyDomain: Warning "tls-report.policy-domain", "RFC 8460 section 4.4",
        "A policy names no domain, or what it names is none. Its sessions count; some readers refuse the report.",
        "The sender should name the domain, or for DANE the MX host, in A-labels.";
    PolicyString: Warning "tls-report.policy-string", "RFC 8460 section 4.4",
        "The policy's text is no list of texts, such as one text that holds a list. Its lines are read all the same.",
        "The sender should write a list with one text for each line of the policy or each TLSA record.";
    PolicyType: Warning "tls-report.policy-type", "RFC 8460 section 4.4",
        "The type of a policy is none of sts, tlsa and no-policy-found. Its sessions count under no mechanism; some readers refuse the report.",
        "The sender should write one of the three words.";
    RepeatedKey: Warning "tls-report.repeated-key", "RFC 7493 section 2.3",
        "A key stands twice in one object. The first one counts here; other readers take the last, or refuse the report.",
        "The sender should write each key once.";
    ReportId: Warning "tls-report.report-id", "RFC 8460 section 4.4",
        "The report has no id, so a second copy of it is known only if it says exactly the same.",
        "The sender should give each report an id of its own.";
    ReportIdReused: Warning "tls-report.report-id-reused", "RFC 8460 section 4.4",
        "The same sender gave this id to a report about another time or domain, too. Both count.",
        "The sender should give each report an id of its own.";
    ResultType: Warning "tls-report.result-type", "RFC 8460 section 4.3",
        "A failure has no result type that the RFC knows. It counts, and nobody can say what is to be done.",
        "Ask the sender what the word means.";
    ResultTypeMechanism: Note "tls-report.result-type-mechanism", "RFC 8460 section 4.3.2",
        "A failure of MTA-STS stands under DANE, or one of DANE under MTA-STS. It counts as it was told.",
        "Nothing needs to be done.";
    SessionCount: Warning "tls-report.session-count", "RFC 8460 section 4.4",
        "A number of sessions is absent, negative or no whole number, or written as a text. Digits are read; else the total of the failures is what they add up to, a failure counts once, and a number of successes as none.",
        "The sender should write a whole number.";
    Several: Note "tls-report.several", "RFC 8460 section 4",
        "Several reports stand in one file. Each of them is read; most readers take one at most.",
        "Nothing needs to be done.";
    Subject: Note "tls-report.subject", "RFC 8460 section 5.3",
        "The subject is not of the form that the RFC gives, by which mail is sorted.",
        "Nothing needs to be done.";
    Trailing: Warning "tls-report.trailing", "RFC 8460 section 4, RFC 8259 section 2",
        "Something stands behind the end of the report. It is passed over; most readers refuse the report.",
        "The sender should end the file with the report.";
    UnknownKey: Note "tls-report.unknown-key", "RFC 8460 section 4.4",
        "A key is none that the RFC knows there. It is passed over.",
        "Nothing needs to be done; the sender may have misspelt it.";
    Zip: Warning "tls-report.zip", "RFC 8460 section 5.2",
        "The report is packed as zip. It is read all the same; few readers do that.",
        "The sender should use gzip, or nothing.";
}

impl Code {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.explain().word
    }
}

/// One thing that was noticed in a report, at its first place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// Where it was met first, such as `policies[0].policy.mx-host`, or a part of the mail; empty: the report as a whole.
    pub at: String,
    /// What stands there: untrusted text, cut where it is long, not yet escaped.
    pub shown: String,
    /// How often it was met.
    pub times: u64,
}

/// All that was noticed in a report: each code once, with its first place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noticed(Vec<Finding>);

impl Noticed {
    /// Notices something; `shown` is untrusted text.
    pub fn note(&mut self, code: Code, at: impl fmt::Display, shown: &str) {
        if let Some(known) = self.0.iter_mut().find(|finding| finding.code == code) {
            known.times = known.times.saturating_add(1);
            return;
        }
        self.0.push(Finding { code, at: at.to_string(), shown: shortened(shown, SHOWN), times: 1 });
    }

    /// What was noticed elsewhere about the same report.
    pub fn append(&mut self, other: &Self) {
        for finding in &other.0 {
            match self.0.iter_mut().find(|known| known.code == finding.code) {
                Some(known) => known.times = known.times.saturating_add(finding.times),
                None => self.0.push(finding.clone()),
            }
        }
    }

    /// Everything, the gravest first, and then in the order of the words.
    #[must_use]
    pub fn findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> = self.0.iter().collect();
        findings.sort_by_key(|finding| (finding.code.severity(), finding.code));
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_in_order_and_says_everything() {
        let words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        let mut sorted = words.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(words, sorted);
        for code in Code::ALL {
            let WordEntry { word, meaning, fix, rule, .. } = code.explain();
            assert_eq!(word.split('.').next(), Some(PREFIX));
            for sentence in [meaning, fix] {
                assert!(sentence.ends_with('.') && sentence.len() > 15 && sentence.is_ascii(), "{word}");
            }
            assert!(rule.starts_with("RFC "), "{word}: {rule}");
        }
    }

    #[test]
    fn a_finding_is_told_once_with_its_first_place() {
        let mut noticed = Noticed::default();
        noticed.note(Code::Zip, "", "");
        noticed.note(Code::IpAddress, "policies[0]", "a\u{1b}[2J");
        noticed.note(Code::IpAddress, "policies[1]", "b");
        noticed.note(Code::DateRange, "date-range", &"x".repeat(10_000));
        let mut other = noticed.clone();
        other.append(&noticed);
        let [first, second, third] = other.findings().try_into().unwrap();
        assert_eq!((first.code, first.times), (Code::DateRange, 2));
        assert!(first.shown.len() < 120);
        assert_eq!(
            (second.at.as_str(), second.shown.as_str(), second.times),
            ("policies[0]", "a\u{1b}[2J", 4)
        );
        assert_eq!((third.code, third.times), (Code::Zip, 2));
    }
}
