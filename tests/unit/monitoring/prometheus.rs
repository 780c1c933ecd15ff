//! The series for Prometheus.

use super::nagios::with_strangers_text;
use super::scene::*;
use crate::support::skipped::skipped;
use proptest::prelude::*;
use smtp_sts_verify::monitoring::prometheus::{Family, exposition};
use smtp_sts_verify::monitoring::remembered::Remembered;
use smtp_sts_verify::probe::consequence::Action;
use smtp_sts_verify::probe::failure::{FailureKind, Stage};
use smtp_sts_verify::probe::report::DomainProbe;
use smtp_sts_verify::reason::Reason;
use smtp_sts_verify::time::UnixTime;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

fn exposed(probes: &[DomainProbe]) -> String {
    exposition(&summaries(probes), &Remembered::default())
}

/// A host that nobody can connect to, so that no certificate is seen.
fn silent(name: &str) -> DomainProbe {
    let silence = failing("192.0.2.2:25", Stage::Connect, FailureKind::TimedOut, Action::Wait);
    probe(name, Reason::NoPolicy, vec![host("mx.example.org", vec![silence])])
}

/// Name and labels of each sample, its value apart; no two samples are of the same series.
pub(crate) fn series(text: &str) -> BTreeSet<&str> {
    let mut all = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(all.insert(line.rsplit_once(' ').unwrap().0), "twice: {line}");
    }
    all
}

fn value<'a>(text: &'a str, series: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))
}

#[test]
fn the_series_of_a_domain_under_a_policy() {
    shows("prometheus", &exposed(&[healthy("example.org")]));
}

#[test]
fn promtool_has_nothing_to_say() {
    check_metrics(&exposed(&[healthy("example.org"), refused("refused.example"), silent("silent.example")]));
}

/// Has promtool look at an exposition, where it is installed.
pub(crate) fn check_metrics(text: &str) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skipped("monitoring", "promtool is not installed (Debian package prometheus)");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_number_of_series_depends_on_the_domains_alone() {
    let domains = 20;
    let one = series(&exposed(&[healthy("a.test")])).len();
    let makes: [fn(&str) -> DomainProbe; 3] = [healthy, refused, silent];
    for make in makes {
        let probes: Vec<DomainProbe> = (0..domains).map(|n| make(&format!("d{n}.test"))).collect();
        let text = exposed(&probes);
        assert!(series(&text).len() <= one * domains, "{}", series(&text).len());
    }
    assert!(one <= 60, "{one}");
}

#[test]
fn each_name_has_its_unit_and_a_sentence() {
    for family in Family::ALL {
        let (name, help) = (family.name(), family.help());
        assert!(
            name.starts_with("smtp_sts_probe_") && name.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()),
            "{name}"
        );
        assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
    }
    let names: BTreeSet<&str> = Family::ALL.into_iter().map(Family::name).collect();
    assert_eq!(names.len(), Family::ALL.len());
}

#[test]
fn the_expiry_stays_when_no_certificate_is_seen_and_says_how_old_it_is() {
    let known = exposed(&[healthy("example.org")]);
    let domains = [domain("example.org")];
    let later = UnixTime(NOW.0 + DAY);
    let remembered = Remembered::read(&known, &domains, later);
    let mut probe = silent("example.org");
    probe.at = later;
    let text = exposition(&summaries(&[probe.clone()]), &remembered);
    let expiry = "smtp_sts_probe_certificate_expiry_timestamp_seconds{domain=\"example.org\"}";
    let seen = "smtp_sts_probe_certificate_seen_timestamp_seconds{domain=\"example.org\"}";
    assert_eq!(value(&text, expiry), value(&known, expiry));
    assert_eq!(value(&text, seen), Some(NOW.0.to_string().as_str()));
    assert_eq!(
        value(&text, "smtp_sts_probe_last_run_timestamp_seconds{domain=\"example.org\"}"),
        Some(later.0.to_string().as_str())
    );
    // And from there on to the next run, and the one behind it.
    let again = exposition(&summaries(&[probe]), &Remembered::read(&text, &domains, later));
    assert_eq!((value(&again, expiry), value(&again, seen)), (value(&text, expiry), value(&text, seen)));
    // One who sees it again knows better.
    let fresh = exposition(&summaries(&[healthy("example.org")]), &Remembered::read(&again, &domains, later));
    assert_eq!(value(&fresh, seen), Some(NOW.0.to_string().as_str()));
}

#[test]
fn nothing_is_believed_of_the_last_file_that_could_not_be_ours() {
    let (expiry, seen) = (Family::CertificateExpiry.name(), Family::CertificateSeen.name());
    let good = format!(
        "{expiry}{{domain=\"example.org\"}} 1800000000\n{seen}{{domain=\"example.org\"}} 1790000000\n"
    );
    let believed = |text: &str| {
        let remembered = Remembered::read(text, &[domain("example.org"), domain("example.net")], NOW);
        (
            remembered.expiry(&domain("example.org")).is_some(),
            remembered.expiry(&domain("example.net")).is_some(),
        )
    };
    assert_eq!(believed(&good), (true, false));
    assert_eq!(believed(good.trim_end()), (false, false), "half a number is another number");
    for (what, by) in [
        ("1800000000", "1e9"),
        ("1800000000", "-1"),
        ("1800000000", "NaN"),
        ("1800000000", "999999999999999"),
        ("1800000000", "18446744073709551616"),
        ("1790000000", "1899999999"),
        ("1790000000", ""),
        ("example.org", "example.com"),
        ("example.org", "EXAMPLE.org"),
        ("{domain", "{host"),
        ("\"} ", "\",x=\"y\"} "),
        (seen, expiry),
    ] {
        assert_eq!(believed(&good.replace(what, by)), (false, false), "{what} became {by}");
    }
}

proptest! {
    #[test]
    fn no_text_of_a_stranger_changes_the_series(text in "\\PC*|[\"\\\\\\n}{,= ]{1,40}") {
        for probe in [refused("example.org"), healthy("example.org")] {
            let plain = exposed(&[with_strangers_text(probe.clone(), "plain")]);
            prop_assert_eq!(exposed(&[with_strangers_text(probe, &text)]), plain);
        }
    }

    #[test]
    fn no_earlier_file_panics_or_adds_a_series(text in "(\\PC*\\n){0,8}|(smtp_sts_probe_certificate_(expiry|seen)_timestamp_seconds\\{domain=\"(example.org|\\PC*)\"\\} \\PC*\\n){0,8}") {
        let remembered = Remembered::read(&text, &[domain("example.org")], NOW);
        let written = exposition(&summaries(&[silent("example.org")]), &remembered);
        let known = exposed(&[healthy("example.org")]);
        prop_assert!(series(&written).is_subset(&series(&known)), "{}", written);
    }
}
