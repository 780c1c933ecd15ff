//! What the fuzzers have found or begun with, replayed without a fuzzer; and each target has something to begin with.

use crate::targets;
use std::fs;
use std::path::Path;

/// What a fuzz target does with its octets.
type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("walk", targets::walk),
    ("reply", targets::reply),
    ("trust_anchors", targets::trust_anchors),
    ("presentation", targets::presentation),
    ("resolv_conf", targets::resolv_conf),
    ("names", targets::names),
    ("record", targets::record),
    ("policy_url", targets::policy_url),
    ("mta_sts_record", targets::mta_sts_record),
    ("mta_sts_body", targets::mta_sts_body),
    ("mta_sts_policy", targets::mta_sts_policy),
    ("tls_rpt", targets::tls_rpt),
    ("tls_report", targets::tls_report),
    ("bounce", targets::bounce),
    ("tlsa", targets::tlsa),
    ("certificates", targets::certificates),
    ("lint", targets::lint),
    ("recording", targets::recording),
    ("socketmap", targets::socketmap),
    ("tlsrpt", targets::tlsrpt),
    ("exim_request", targets::exim_request),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn everything_in_the_corpora_is_taken_without_a_panic() {
    for &(name, target) in TARGETS {
        let directory = root().join("fixtures/corpora").join(name);
        for file in names_in(&directory) {
            println!("{name}/{file}"); // the last one shown is the one that panics
            target(&fs::read(directory.join(file)).unwrap());
        }
    }
}

#[test]
fn cut_short_anywhere_it_is_taken_too() {
    for &(name, target) in TARGETS {
        let directory = root().join("fixtures/corpora").join(name);
        for file in names_in(&directory).iter().take(6) {
            let octets = fs::read(directory.join(file)).unwrap();
            let step = octets.len() / 64 + 1;
            for end in (0..octets.len()).step_by(step) {
                target(&octets[..end]);
            }
        }
    }
}

#[test]
fn every_fuzz_target_has_a_corpus_and_every_corpus_a_target() {
    let mut listed: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(names_in(&root().join("fixtures/corpora")), listed);
    let binaries: Vec<String> = listed.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names_in(&root().join("fuzz/fuzz_targets")), binaries);
    for name in listed {
        assert!(names_in(&root().join("fixtures/corpora").join(name)).len() > 2, "{name}");
    }
}
