//! What was read in one run: every report once, and what could not be read by its name. Pure.

use super::finding::Code;
use super::open::{Opened, Received};
use super::{Report, Unreadable};
use crate::limits::MAX_RECEIVED_ROWS;
use crate::time::UnixTime;
use std::collections::HashSet;

/// What was read in one run.
#[derive(Debug, Default)]
pub struct Collection {
    reports: Vec<Read>,
    unread: Vec<Unread>,
    duplicates: u64,
    other_mails: u64,
    known: HashSet<Identity>,
    ids: HashSet<(String, String)>,
    rows: usize,
}

/// A report, and where it lies.
#[derive(Debug)]
pub struct Read {
    /// The name of the file.
    pub source: String,
    /// The report.
    pub received: Received,
}

/// What could not be read.
#[derive(Debug)]
pub struct Unread {
    /// The name of the file.
    pub source: String,
    /// Why.
    pub why: Unreadable,
}

/// What two copies of a report have in common, whichever way they came (RFC 8460 section 5.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Who sends it, its id, its policy domains, its beginning.
    Named(String, String, Vec<Option<String>>, Option<UnixTime>),
    /// One that has no id.
    Whole(Box<Report>),
}

impl Identity {
    fn of(report: &Report) -> Self {
        let Some((sender, id)) = named(report) else { return Self::Whole(Box::new(report.clone())) };
        let mut domains: Vec<_> = report.policies.iter().map(|policy| policy.domain.clone()).collect();
        domains.sort_unstable();
        domains.dedup();
        Self::Named(sender, id, domains, report.begin)
    }
}

/// Who sends a report, and its id.
fn named(report: &Report) -> Option<(String, String)> {
    let id = report.id.as_deref()?.trim_start_matches('<').trim_end_matches('>');
    Some((report.sender().to_lowercase(), id.to_owned()))
}

impl Collection {
    /// Takes in what an input held.
    pub fn take(&mut self, source: &str, opened: Opened) {
        self.other_mails = self.other_mails.saturating_add(opened.other_mails);
        for why in opened.troubles {
            self.miss(source, why);
        }
        for received in opened.reports {
            self.receive(source, received);
        }
    }

    /// Notes what could not be read.
    pub fn miss(&mut self, source: &str, why: Unreadable) {
        self.unread.push(Unread { source: source.to_owned(), why });
    }

    fn receive(&mut self, source: &str, mut received: Received) {
        let identity = Identity::of(&received.report);
        if self.known.contains(&identity) {
            self.duplicates = self.duplicates.saturating_add(1);
            return;
        }
        let policies = received.report.policies.iter();
        let rows = policies
            .fold(1, |rows: usize, policy| rows.saturating_add(1).saturating_add(policy.details.len()));
        if self.rows.saturating_add(rows) > MAX_RECEIVED_ROWS {
            return self.miss(source, Unreadable::TooManyRows);
        }
        self.rows = self.rows.saturating_add(rows);
        if let Some(named) = named(&received.report) {
            let id = received.report.id.clone().unwrap_or_default();
            if !self.ids.insert(named) {
                received.noticed.note(Code::ReportIdReused, "report-id", &id);
            }
        }
        self.known.insert(identity);
        self.reports.push(Read { source: source.to_owned(), received });
    }

    /// The reports, in the order in which they came.
    #[must_use]
    pub fn reports(&self) -> &[Read] {
        &self.reports
    }

    /// What could not be read.
    #[must_use]
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// How many copies came of reports that were known.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Mails without a report.
    #[must_use]
    pub const fn other_mails(&self) -> u64 {
        self.other_mails
    }

    /// Whether a report tells of a failure, or something could not be read.
    #[must_use]
    pub fn has_faults(&self) -> bool {
        !self.unread.is_empty() || self.reports.iter().any(|read| read.received.report.tells_of_failures())
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::open;
    use super::*;

    fn report(id: &str, begin: &str, successes: u64) -> String {
        format!(
            r#"{{"organization-name":"S","date-range":{{"start-datetime":"{begin}","end-datetime":"{begin}"}},
            "contact-info":"a@s.test",{id}"policies":[{{"policy":{{"policy-type":"sts","policy-domain":"r.test"}},
            "summary":{{"total-successful-session-count":{successes},"total-failure-session-count":0}}}}]}}"#
        )
    }

    #[test]
    fn a_report_counts_once_whatever_brings_its_copies() {
        let mut collection = Collection::default();
        let mut take = |text: &str| collection.take("file", open(text.as_bytes(), None));
        let (day, next) = ("2026-05-09T00:00:00Z", "2026-05-10T00:00:00Z");
        take(&report(r#""report-id":"1","#, day, 3));
        take(&report(r#""report-id":"<1>","#, day, 3));
        take(&report("", day, 3));
        take(&report("", day, 3));
        take(&report("", day, 4));
        take(&report(r#""report-id":"1","#, next, 5));
        take("rubbish");
        assert_eq!((collection.reports().len(), collection.duplicates()), (4, 2));
        let reused = collection.reports().last().unwrap();
        assert!(
            reused.received.noticed.findings().iter().any(|finding| finding.code == Code::ReportIdReused)
        );
        assert_eq!(collection.unread().len(), 1);
        assert!(collection.has_faults());
    }
}
