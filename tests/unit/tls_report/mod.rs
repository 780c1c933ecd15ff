//! TLS reports of others: the samples in `fixtures/reports`, whose values `tests/unit/tls_report/samples.rs` writes down once more,
//! every habit of section 4.4 that is read all the same, and what a hostile file costs.

mod habits;
mod hostile;
mod samples;
mod series;

use smtp_sts_verify::tls_report::finding::Noticed;
use smtp_sts_verify::tls_report::open::{Opened, Received, open};
use std::fs;
use std::path::Path;

/// A sample of `fixtures/reports`.
pub(crate) fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports").join(name)).unwrap()
}

/// The one report of an input.
fn one(octets: &[u8]) -> Received {
    let Opened { mut reports, troubles, .. } = open(octets, None);
    assert!(reports.len() == 1 && troubles.is_empty(), "{reports:?} {troubles:?}");
    reports.remove(0)
}

/// The codes of findings, without what they begin with.
fn codes(noticed: &Noticed) -> Vec<&'static str> {
    noticed.findings().iter().map(|finding| finding.code.word().trim_start_matches("tls-report.")).collect()
}
