//! Our probe beside OpenSSL and GnuTLS, before the same servers: `expected.tsv` has what each of them makes of every case,
//! and why they differ where they do.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

mod cases;
mod oracles;
mod pki;
#[path = "../support/mod.rs"]
mod support;

use cases::CASES;
use oracles::{Answer, Danetool, Place};
use pki::{Pki, Shown};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::laboratory::Laboratory;
use support::laboratory::mail_host::{MailHost, Service};

/// Every case, and what everybody is to make of it.
const EXPECTED: &str = include_str!("expected.tsv");

/// Where danetool's resolver finds the world, since it asks at port 53 alone. `test` it would not look for at all
/// (RFC 6761 section 6.2), hence `example`.
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 53);

/// The servers of all cases, and the world in which they are found.
struct Bench {
    lab: Laboratory,
    mail: MailHost,
    authorities: PathBuf,
    stands: Vec<Stand>,
}

/// One of them.
struct Stand {
    case: &'static str,
    domain: String,
    host: String,
    address: Ipv4Addr,
    records: Vec<String>,
}

impl Bench {
    fn build() -> Self {
        let pki = Pki::found();
        let mut stands = Vec::new();
        let mut places = Vec::new();
        for (number, case) in (1..).zip(CASES) {
            let domain = format!("{}.example", case.name);
            let (host, address) = (format!("mx.{domain}"), Ipv4Addr::new(127, 0, 2, number));
            let shown: Shown = (case.shows)(&pki, &host);
            let records = (case.tlsa)(&pki, &shown);
            places.push((IpAddr::V4(address), Service::showing(shown.chain, &shown.key, shown.versions)));
            stands.push(Stand { case: case.name, domain, host, address, records });
        }
        let lab = Laboratory::with(&world(&stands));
        let mail = MailHost::serve(places);
        lab.publish_tlsa_for(mail.port());
        let authorities = lab.directory().join("believed.pem");
        std::fs::write(&authorities, pki.root.pem()).unwrap();
        Self { lab, mail, authorities, stands }
    }

    fn danetool(&self) -> Result<Danetool, String> {
        let hosts: String =
            self.stands.iter().map(|stand| format!("{} {}\n", stand.address, stand.host)).collect();
        let address = SocketAddr::new(NAME_SERVER.into(), 53);
        self.lab.answer_at(address).map_err(|error| format!("{address}, which danetool needs: {error}"))?;
        Danetool::new(self.lab.directory(), &NAME_SERVER.to_string(), &self.lab.trust_anchor(), &hosts)
    }

    fn place<'a>(&self, stand: &'a Stand) -> Place<'a> {
        Place { host: &stand.host, address: stand.address, port: self.mail.port() }
    }
}

fn world(stands: &[Stand]) -> String {
    let mut text = "zone . signed\nzone example signed\n".to_owned();
    for Stand { domain, host, address, records, .. } in stands {
        writeln!(text, "zone {domain} signed\n@ MX 10 {host}.\nmx A {address}").unwrap();
        for record in records {
            writeln!(text, "_25._tcp.mx TLSA {record}").unwrap();
        }
    }
    text
}

/// What our own probe says of every host: the fate of each TLSA record in the order of `records`, and of the certificate.
fn ours(bench: &Bench) -> BTreeMap<String, (String, String)> {
    let options = bench.lab.options().into_iter().map(|option| match option {
        file if Path::new(&file) == bench.lab.ca_file() => bench.authorities.display().to_string(),
        other => other,
    });
    let mut told = BTreeMap::new();
    // As many domains as one command takes.
    for some in bench.stands.chunks(20) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-sts-verify"));
        command.args(["probe", "--format", "json", "--port", &bench.mail.port().to_string()]);
        command.args(options.clone()).arg("-c").arg(bench.lab.cache_file());
        command.args(["--config".into(), bench.lab.empty_configuration()]);
        command.args(some.iter().map(|stand| &stand.domain));
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), some.len(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        for (line, stand) in text.lines().zip(some) {
            let probe: serde_json::Value = serde_json::from_str(line).unwrap();
            let seen = &probe["hosts"][0]["addresses"][0];
            let fate = |record: &String| {
                let entries = seen["tlsa"].as_array().unwrap();
                // A record in full is told shortened.
                let start = &record[..record.len().min(60)];
                let text = |entry: &serde_json::Value| entry["record"].as_str().unwrap().to_lowercase();
                let is_it = |entry: &&serde_json::Value| text(entry).starts_with(start);
                let entry = entries.iter().find(is_it).unwrap_or_else(|| panic!("{record}: {line}"));
                entry["fate"].as_str().unwrap().to_owned()
            };
            let fates: Vec<String> = stand.records.iter().map(fate).collect();
            let webpki = seen["webpki"]["result"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
            let fates = if fates.is_empty() { Answer::NotAsked.word().to_owned() } else { fates.join(" ") };
            told.insert(stand.domain.clone(), (fates, webpki));
        }
    }
    told
}

/// A column of the table as a yes or a no.
fn meaning(column: &str, yes: &str) -> Answer {
    match column {
        "-" => Answer::NotAsked,
        words => Answer::when(words.split(' ').any(|word| word == yes)),
    }
}

/// We say what the table says; so do the others, unless a version of theirs agrees with us where the table's did not.
fn is_no_surprise(found: [&str; 3], expected: [&str; 3], yes: &str) -> bool {
    let [ours, others @ ..] = found;
    let is_expected =
        |(other, expected): (&&str, &&str)| other == expected || meaning(other, "yes") == meaning(ours, yes);
    ours == expected[0] && others.iter().zip(&expected[1..]).all(is_expected)
}

/// One row of `expected.tsv`.
#[derive(Debug)]
struct Row<'a> {
    case: &'a str,
    /// The fate of each record, for us; then a yes or a no by openssl and danetool.
    dane: [&'a str; 3],
    /// `trusted` or the kind of distrust, for us; then a yes or a no by openssl and gnutls-cli.
    webpki: [&'a str; 3],
    /// What the case is, and why somebody differs.
    words: [&'a str; 2],
}

fn rows() -> Vec<Row<'static>> {
    let lines = EXPECTED.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [case, d1, d2, d3, w1, w2, w3, story, why] = columns[..] else {
                panic!("nine columns: {line}")
            };
            Row { case, dane: [d1, d2, d3], webpki: [w1, w2, w3], words: [story, why] }
        })
        .collect()
}

#[test]
fn the_table_has_a_reason_for_every_difference_and_for_nothing_else() {
    let rows = rows();
    let cases: Vec<&str> = rows.iter().map(|row| row.case).collect();
    assert_eq!(cases, CASES.iter().map(|case| case.name).collect::<Vec<_>>());
    for row in rows {
        let [ours, others @ ..] = row.dane;
        let dane = others.map(|other| meaning(other, "yes") != meaning(ours, "matched"));
        let [ours, others @ ..] = row.webpki;
        let webpki = others.map(|other| meaning(other, "yes") != meaning(ours, "trusted"));
        let differ: Vec<&str> =
            [(dane[0] || webpki[0], "openssl"), (dane[1], "danetool"), (webpki[1], "gnutls-cli")]
                .into_iter()
                .filter_map(|(differs, who)| differs.then_some(who))
                .collect();
        let [story, why] = row.words;
        assert!(!story.is_empty(), "{row:?}");
        assert_eq!(differ.is_empty(), why == "-", "{row:?}");
        assert!(differ.iter().all(|who| why.contains(who)), "{differ:?}: {row:?}");
        assert!(differ.is_empty() || why.contains("RFC "), "{row:?}");
    }
}

#[test]
fn openssl_gnutls_and_the_probe_say_what_the_table_says() {
    for program in ["openssl", "gnutls-cli"] {
        if !oracles::is_installed(program) {
            println!("the probe beside others: skipped: {program} is not installed");
            return;
        }
    }
    let bench = Bench::build();
    let danetool = bench.danetool();
    if let Err(why) = &danetool {
        println!("the probe beside danetool: skipped: {why}");
    }
    let mut surprises = String::new();
    let ours = ours(&bench);
    for (stand, row) in bench.stands.iter().zip(rows()) {
        let place = bench.place(stand);
        let danetool = match &danetool {
            Ok(danetool) if !stand.records.is_empty() => danetool.ask(&place).word(),
            Ok(_) => Answer::NotAsked.word(),
            Err(_) => row.dane[2],
        };
        let (fates, webpki) = &ours[&stand.domain];
        let dane =
            [fates, oracles::openssl_dane(&place, &bench.authorities, &stand.records).word(), danetool];
        let webpki = [
            webpki,
            oracles::openssl_webpki(&place, &bench.authorities).word(),
            oracles::gnutls_webpki(&place, &bench.authorities).word(),
        ];
        if !is_no_surprise(dane, row.dane, "matched") || !is_no_surprise(webpki, row.webpki, "trusted") {
            let found = [&[stand.case][..], &dane, &webpki].concat().join("\t");
            writeln!(surprises, "{found}\n  expected {row:?}").unwrap();
        }
    }
    assert!(surprises.is_empty(), "\n{surprises}");
}
