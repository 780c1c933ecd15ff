//! The files of `exim/monitoring`: rules and a board that ask for series that there are, and words that occur.

use crate::support::skipped::skipped;
use smtp_sts_verify::dane::matching::Fate;
use smtp_sts_verify::dane::tlsa::Unusable;
use smtp_sts_verify::monitoring::prometheus::Family;
use smtp_sts_verify::monitoring::{Outcome, Summary};
use smtp_sts_verify::serve::pages::metrics;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The one family whose series have other names than the family.
const HISTOGRAM: &str = "smtp_sts_serve_answer_seconds";

/// The families of the probe's and of the daemon's series.
fn families<'a>(exposition: &'a str) -> BTreeSet<&'a str> {
    let of_daemon = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let of_daemon = of_daemon.filter(|name| name.starts_with("smtp_sts_serve_"));
    let of_probe = Family::ALL.into_iter().map(|family| -> &'a str { family.name() });
    of_probe.chain(of_daemon).collect()
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("exim/monitoring").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(place(name)).unwrap()
}

/// Every name in the text that looks like one of ours; of a histogram, the name of all its series.
fn names(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c == '_' || c.is_ascii_lowercase();
    ["smtp_sts_probe_", "smtp_sts_serve_"]
        .into_iter()
        .flat_map(|prefix| text.match_indices(prefix))
        .map(|(at, _)| text[at..].split(|c| !is_part(c)).next().unwrap())
        .map(|name| if name.starts_with(HISTOGRAM) { &name[..HISTOGRAM.len()] } else { name })
        .collect()
}

fn promtool(arguments: &[&str], file: &str) -> Option<Output> {
    let output = Command::new("promtool").args(arguments).arg(place(file)).output();
    if output.is_err() {
        skipped("monitoring", "promtool is not installed (Debian package prometheus)");
    }
    output.ok()
}

#[test]
fn promtool_accepts_the_rules_and_each_alert_rings_for_what_it_is_there_for() {
    for (arguments, file) in
        [(&["check", "rules", "--lint-fatal"][..], "alerts.yml"), (&["test", "rules"], "alerts_test.yml")]
    {
        let Some(output) = promtool(arguments, file) else { return };
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn every_alert_is_tested() {
    let tests = read("alerts_test.yml");
    for alert in read("alerts.yml").lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(
            tests.matches(&format!("alertname: {alert}\n")).count() >= 1,
            "{alert} never rings in a test"
        );
        assert!(tests.contains(&format!("alertname: {alert}}}")), "{alert} is never silent in a test");
    }
}

#[test]
fn rules_and_board_ask_only_for_series_that_there_are() {
    let exposition = metrics::exposition(&super::daemon::busy());
    let ours = families(&exposition);
    for file in ["alerts.yml", "alerts_test.yml", "grafana.json"] {
        let text = read(file);
        let asked = names(&text);
        assert!(asked.is_subset(&ours) && !asked.is_empty(), "{file}: {:?}", asked.difference(&ours));
    }
    let text = read("alerts.yml") + &read("grafana.json");
    let asked = names(&text);
    let unused: Vec<_> = ours.difference(&asked).collect();
    assert!(unused.is_empty(), "nobody looks at {unused:?}");
}

/// Label and word of each matcher in the text.
fn matchers(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for sign in ["=\"", "=~\""] {
        for (at, _) in text.match_indices(sign) {
            let label = text[..at].rsplit(|c: char| c != '_' && !c.is_ascii_lowercase()).next().unwrap();
            let words = text[at + sign.len()..].split('"').next().unwrap();
            found.extend(words.split('|').map(|word| (label, word)));
        }
    }
    found
}

#[test]
fn rules_ask_only_for_words_that_occur() {
    let exposition = metrics::exposition(&super::daemon::busy());
    let summary = Summary::of(&super::scene::refused("example.org"));
    let tallies = [&summary.addresses, &summary.hosts, &summary.tlsa];
    let mut occurring: BTreeSet<(&str, &str)> =
        tallies.into_iter().flatten().map(|(word, _)| ("outcome", *word)).collect();
    occurring.extend(Outcome::ALL.into_iter().map(|outcome| ("outcome", outcome.word())));
    occurring.extend(matchers(&exposition));
    let rules = read("alerts.yml");
    let asked = matchers(&rules);
    assert!(asked.len() > 10, "{asked:?}");
    for (label, word) in asked {
        assert!(occurring.contains(&(label, word)), "{label}=\"{word}\"");
    }
}

#[test]
fn its_readme_tells_of_every_series_of_the_daemon() {
    let readme = read("README.md");
    let exposition = metrics::exposition(&super::daemon::busy());
    for name in families(&exposition).into_iter().filter(|name| name.starts_with("smtp_sts_serve_")) {
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in the README");
    }
}

#[test]
fn the_board_can_be_loaded() {
    let board: serde_json::Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels {
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel}");
        assert!(panel["title"].is_string() && panel["description"].is_string(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            assert!(!names(target["expr"].as_str().unwrap()).is_empty(), "{target}");
        }
    }
}

#[test]
fn every_query_of_the_board_is_one_that_prometheus_understands() {
    let board: serde_json::Value = serde_json::from_str(&read("grafana.json")).unwrap();
    let queries =
        board["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let rules: String = queries
        .enumerate()
        .map(|(n, target)| format!("  - record: query:n{n}\n    expr: {}\n", target["expr"]))
        .collect();
    // Grafana writes an interval there.
    let rules = rules.replace("$__rate_interval", "5m");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("groups:\n- name: board\n  rules:\n{rules}")).unwrap();
    let Some(output) = promtool(&["check", "rules"], file.path().to_str().unwrap()) else { return };
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn whatever_became_of_a_tlsa_record_is_counted() {
    let fates = [
        Fate::Matched { at: Some(0) },
        Fate::NotMatched,
        Fate::Unverified(String::new()),
        Fate::Unusable(Unusable::Truncated),
        Fate::Superseded,
        Fate::NotReached,
    ];
    for fate in fates {
        let word = fate.word();
        let host = super::scene::host("mx.example.org", vec![super::scene::well("192.0.2.1:25", 60)]);
        let host = super::scene::with_tlsa(host, 3, &[fate]);
        let probe =
            super::scene::probe("example.org", smtp_sts_verify::reason::Reason::DaneUsable, vec![host]);
        assert!(Summary::of(&probe).tlsa.contains(&(word, 1)), "{word}");
    }
}
