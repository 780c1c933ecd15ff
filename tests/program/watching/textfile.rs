//! `probe --format prometheus --output FILE`: what the node exporter reads.

use super::fixture::*;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::mail_host::Manner;
use crate::support::skipped::skipped;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

fn written(lab: &Laboratory, port: u16, file: &Path, domains: &[&str]) -> String {
    let output =
        probe(lab, port, &[&["--format", "prometheus", "-o", file.to_str().unwrap()], domains].concat());
    assert_eq!((exit(&output), said(&output).as_str()), (0, ""), "{output:?}");
    fs::read_to_string(file).unwrap()
}

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(&format!("smtp_sts_probe_{series} "))?.parse().ok())
}

#[test]
fn the_file_is_whole_readable_and_accepted() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let file = lab.directory().join("probe.prom");
    let text = written(&lab, host.port(), &file, &["sts.test", "null.test"]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o644);
    let hidden = fs::read_dir(lab.directory()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(hidden.into_iter().all(|name| !name.to_str().unwrap().starts_with(".probe.prom")));
    assert_eq!(value(&text, "success{domain=\"sts.test\"}"), Some(1.0));
    assert_eq!(value(&text, "outcome{domain=\"null.test\",outcome=\"no-mail\"}"), Some(1.0));
    assert_eq!(value(&text, "addresses{domain=\"sts.test\",outcome=\"completed\"}"), Some(2.0));
    assert_eq!(
        value(&text, "policy_info{domain=\"sts.test\",mechanism=\"mta-sts\",mode=\"enforce\"}"),
        Some(1.0)
    );
    let checked =
        Command::new("promtool").args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap()).output();
    match checked {
        Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{output:?}"),
        Err(_) => skipped("watching", "promtool is not installed (Debian package prometheus)"),
    }
}

#[test]
fn standard_output_has_the_same_series() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let output = probe(&lab, host.port(), &["--format", "prometheus", "sts.test"]);
    assert_eq!(exit(&output), 0);
    assert_eq!(value(&said(&output), "success{domain=\"sts.test\"}"), Some(1.0));
}

#[test]
fn the_expiry_outlives_a_host_that_is_down() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Certified);
    let (port, file) = (host.port(), lab.directory().join("probe.prom"));
    let expiry = "certificate_expiry_timestamp_seconds{domain=\"sts.test\"}";
    let seen = "certificate_seen_timestamp_seconds{domain=\"sts.test\"}";
    let before = written(&lab, port, &file, &["sts.test"]);
    assert!(value(&before, expiry).is_some());
    drop(host);
    for _ in 0..2 {
        let after = written(&lab, port, &file, &["sts.test"]);
        assert_eq!(value(&after, "success{domain=\"sts.test\"}"), Some(0.0));
        assert_eq!(
            (value(&after, expiry), value(&after, seen)),
            (value(&before, expiry), value(&before, seen))
        );
    }
}

#[test]
fn what_stands_in_the_place_of_the_file_is_neither_followed_nor_believed() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Plain);
    let (victim, file) = (lab.directory().join("victim"), lab.directory().join("probe.prom"));
    let forged = "smtp_sts_probe_certificate_expiry_timestamp_seconds{domain=\"sts.test\"} 4000000000\n\
                  smtp_sts_probe_certificate_seen_timestamp_seconds{domain=\"sts.test\"} 1700000000\n\
                  smtp_sts_probe_success{domain=\"forged.test\"} 1\nforged 1\n\u{1b}[2J";
    fs::write(&victim, forged).unwrap();
    symlink(&victim, &file).unwrap();
    let output =
        probe(&lab, host.port(), &["--format", "prometheus", "-o", file.to_str().unwrap(), "sts.test"]);
    assert_eq!(
        (exit(&output), complaint(&output).contains("is not read, but replaced")),
        (0, true),
        "{output:?}"
    );
    assert_eq!(fs::read_to_string(&victim).unwrap(), forged);
    assert!(fs::symlink_metadata(&file).unwrap().is_file());
    assert!(!fs::read_to_string(&file).unwrap().contains("4000000000"));
    // As a file it could be our own: then the one domain's expiry counts, and nothing else of it.
    fs::write(&file, forged).unwrap();
    let text = written(&lab, host.port(), &file, &["sts.test"]);
    assert!(text.contains("4000000000") && !text.contains("forged") && !text.contains('\u{1b}'), "{text}");
    for other in ["a directory that is not there/x", "."] {
        let place = lab.directory().join(other);
        let output =
            probe(&lab, host.port(), &["--format", "prometheus", "-o", place.to_str().unwrap(), "sts.test"]);
        assert_eq!(
            (exit(&output), complaint(&output).contains("cannot be written")),
            (75, true),
            "{output:?}"
        );
    }
}

#[test]
fn a_file_of_any_size_and_content_is_survived() {
    let lab = Laboratory::start();
    let host = lab.open_mail_host(Manner::Plain);
    let file = lab.directory().join("probe.prom");
    let line = "smtp_sts_probe_certificate_expiry_timestamp_seconds{domain=\"sts.test\"} 1\n";
    for content in [vec![0xff; 1_000], line.repeat(300_000).into_bytes(), vec![b'x'; 20 << 20]] {
        fs::write(&file, content).unwrap();
        let output =
            probe(&lab, host.port(), &["--format", "prometheus", "-o", file.to_str().unwrap(), "sts.test"]);
        assert_eq!(exit(&output), 0, "{output:?}");
        assert!(fs::metadata(&file).unwrap().len() < 20_000);
    }
}
