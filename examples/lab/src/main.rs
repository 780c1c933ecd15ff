//! The main job on a machine without internet: a signed world in one process, and the real path through it.
//!
//! `cargo run -p lab` starts the laboratory of `tests/support/laboratory/` on loopback, unprivileged, and asks about ten deliveries of
//! `fixtures/laboratory/deliveries`, or with `-- --all` about each of them, with one cache: the validating resolver over UDP and
//! TCP, the policy fetch over TLS, the SQLite files, the verdict. It prints a table of 80 columns and ends with 1 if an answer is not
//! the expected one. With `-- --serve` it stays up afterwards and prints commands to try by hand.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a demonstration: it talks, and it may fail loudly"
)]

#[path = "../../../tests/support/laboratory/mod.rs"]
mod laboratory;

use laboratory::deliveries::Delivery;
use laboratory::{Laboratory, deliveries, path};
use smtp_sts_verify::lint::human::push_wrapped;
use smtp_sts_verify::text::excerpt;
use smtp_sts_verify::time::Clock as _;
use smtp_sts_verify::time::clock::SystemClock;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// What is shown first: ten deliveries, by the mechanism that decides. The first two of each show what a policy is for.
const FIRST: [(&str, &[(&str, &str)]); 3] = [
    (
        "MTA-STS (RFC 8461): the policy is fetched over HTTPS",
        &[
            ("sts.test", "mx1.sts.test"),
            ("sts.test", "mx.hosting.test"),
            ("sts-testing.test", "mx.hosting.test"),
            ("sts-missing.test", "mx.sts-missing.test"),
        ],
    ),
    (
        "DANE (RFC 7672): the host's keys stand in signed DNS records",
        &[
            ("dane.test", "mx1.dane.test"),
            ("dane-bogus.test", "mx.dane-bogus.test"),
            ("dane-sts.test", "mx.dane-sts.test"),
        ],
    ),
    (
        "SMTP STS (the draft of 2016): the policy is a DNS record",
        &[
            ("enforced.test", "mx1.enforced.test"),
            ("enforced.test", "mx.hosting.test"),
            ("first.test", "mx.first.test"),
        ],
    ),
];

/// The exit code of a wrong command line (sysexits.h).
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let (mut everything, mut stays) = (false, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--all" => everything = true,
            "--serve" => stays = true,
            _ => {
                eprintln!("usage: lab [--all] [--serve]");
                return if argument == "--help" { ExitCode::SUCCESS } else { USAGE.into() };
            }
        }
    }
    let lab = Laboratory::start();
    let cache = lab.cache_file();
    println!("A signed world on {}, its policy hosts on port {}.", lab.dns(), lab.https_port());
    let all = deliveries::all();
    let groups: Vec<(&str, Vec<Delivery>)> = if everything {
        vec![("Everything that is there", all.clone())]
    } else {
        let is = |delivery: &&Delivery, (domain, host): &(&str, &str)| {
            delivery.domain == *domain && delivery.host == Some(*host)
        };
        let of = |(heading, names): &(&'static str, &[(&str, &str)])| {
            (*heading, names.iter().map(|name| *all.iter().find(|one| is(one, name)).unwrap()).collect())
        };
        FIRST.iter().map(of).collect()
    };
    let total: usize = groups.iter().map(|(_, deliveries)| deliveries.len()).sum();
    let mut surprises = 0;
    for (heading, deliveries) in groups {
        println!("\n{heading}");
        row(["domain", "host", "verdict", "TLS", "why"]);
        for delivery in deliveries {
            surprises += usize::from(!shows(&lab, &cache, &delivery, everything));
        }
    }
    println!();
    match surprises {
        0 => println!("All {total} answers are the expected ones."),
        n => println!("{n} of {total} answers are NOT the expected ones."),
    }
    if !everything {
        println!("The other {} are shown by --all; --serve stays up for you to try.", all.len() - total);
    }
    if stays {
        serve(&lab);
    }
    if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks about a delivery and shows the answer; whether it is the expected one.
fn shows(lab: &Laboratory, cache: &Path, delivery: &Delivery, in_full: bool) -> bool {
    lab.forget();
    let started = Instant::now();
    let report = path::ask(lab, cache, delivery.domain, delivery.host, SystemClock.now());
    let took = started.elapsed().as_millis();
    let answer @ [verdict, _, tls, reason] = path::words(&report);
    row([delivery.domain, delivery.host.unwrap_or("-"), verdict, tls, reason]);
    println!("  {}", delivery.story);
    if in_full {
        println!("  {} questions to DNS, {} to HTTPS, {took} ms", lab.questions(), lab.visits().len());
        // What is true of every unsigned zone tells little about this one.
        if let Some(note) = report.notes.iter().find(|note| !note.starts_with("DANE does not apply")) {
            let mut text = String::new();
            push_wrapped(&mut text, &excerpt(note, 400), "  note: ", "        ");
            print!("{text}");
        }
    }
    if answer != delivery.answer {
        println!("  EXPECTED {}", delivery.answer.join(" "));
    }
    answer == delivery.answer
}

/// Eighty columns.
fn row([domain, host, verdict, tls, why]: [&str; 5]) {
    println!("{domain:<16} {host:<19} {verdict:<8} {tls:<13} {why}");
}

/// What an operator may try on mail hosts, with what is there.
const DOMAINS: [(&str, &str); 14] = [
    ("good-sts.test", "MTA-STS, and nothing is wrong; one address is ::1"),
    ("good-dane.test", "DANE with a self-signed certificate, and nothing is wrong"),
    ("good-anchor.test", "DANE for an intermediate CA"),
    ("rollover-dane.test", "DANE: the record of the next key stands beside that of this one"),
    ("stale-dane.test", "DANE: the key was renewed, its record was not"),
    ("stale-anchor.test", "DANE: the certificate comes from another intermediate CA now"),
    ("lapsed-sts.test", "MTA-STS: the certificate of the MX host has expired"),
    ("misnamed-sts.test", "MTA-STS: the certificate is for another name"),
    ("incomplete-sts.test", "MTA-STS: the intermediate CA is not sent"),
    ("selfsigned-sts.test", "MTA-STS: nobody vouches for the certificate"),
    ("plain-sts.test", "MTA-STS: no STARTTLS"),
    ("half-sts.test", "MTA-STS: one of two addresses shows an expired certificate"),
    ("forbidden-sts.test", "MTA-STS: the policy forbids one of the MX hosts"),
    ("unreachable-sts.test", "MTA-STS: nothing listens there"),
];

/// Stays up until it is interrupted.
fn serve(lab: &Laboratory) {
    let program = std::env::current_exe().unwrap().with_file_name("smtp-sts-verify");
    let (dns, anchors) = (lab.dns(), lab.trust_anchor());
    let mail_hosts = lab.open_mail_hosts();
    let lab_options = lab.options().join(" ");
    println!("\nThe laboratory stays up until Ctrl-C. In another shell, after `cargo build`:\n");
    println!("LAB='--config {} {lab_options}'", lab.configuration().display());
    println!("STRIPPED='{}'", lab_options.replace(&dns.to_string(), &lab.stripped_dns().to_string()));
    println!("LOOKUP='--dns {dns} --trust-anchor {}'", anchors.display());
    println!("VERIFY={}", program.display());
    println!("CACHE={}", lab.cache_file().display());
    println!("PORT={}", mail_hosts.port());
    println!("\n# What would happen to mail, and why?");
    for question in ["explain $LAB -c $CACHE good-sts.test", "explain $LAB -c $CACHE bogus-dane.test"] {
        println!("$VERIFY {question}");
    }
    println!("\n# Can this machine give good verdicts? The second resolver takes the signatures away.");
    println!("$VERIFY doctor $LAB -c $CACHE");
    println!("$VERIFY doctor $STRIPPED -c $CACHE");
    println!("\n# What do the MX hosts show?");
    for (domain, story) in DOMAINS {
        println!("$VERIFY probe $LAB -c $CACHE --port $PORT {domain:<22} # {story}");
    }
    println!("\n# As Exim asks, and for people");
    for question in [
        "-d enforced.test -m mx1.enforced.test --format human",
        "-d enforced.test -m mx.hosting.test; echo \"; exit $?\"",
        "-d partly.test --format json",
        "-d webpki.test -m mx.webpki.test --format human -v",
        "-d first.test -m mx.first.test --tls-verified yes --format human",
        "-d sts.test -m mx1.sts.test --format human -v",
        "-d dane.test -m mx1.dane.test --format human -v",
        "-d dane-sts-mixed.test --format json",
        "-d demanded.test -m mx.demanded.test --format human",
        "-d bogus.test -m mx.bogus.test --format human",
    ] {
        println!("$VERIFY $LAB -c $CACHE {question}");
    }
    println!("\n# The daemon (not as root), and questions to it from another terminal");
    println!(
        "$VERIFY serve $LAB -c $CACHE --exim 127.0.0.1:8460 --postfix 127.0.0.1:8461 --http 127.0.0.1:8462"
    );
    println!(
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/8460; echo P enforced.test mx1.enforced.test >&3; cat <&3'; echo"
    );
    println!("curl http://127.0.0.1:8462/readyz");
    println!("\n# What is published, what is remembered, what is proven?");
    for command in [
        "lint $LAB -c $CACHE sts-partly.test",
        "lint $LAB -c $CACHE --smtp-port $PORT stale-dane.test",
        "lint $LAB --publish sts.test",
        "cache list $LAB -c $CACHE",
    ] {
        println!("$VERIFY {command}");
    }
    for question in [
        "_smtp_sts.enforced.test TXT",
        "_smtp_sts.bogus.test TXT",
        "_25._tcp.mx1.dane.test TLSA",
        "enforced.test MX --format json",
    ] {
        println!("$VERIFY lookup $LOOKUP {question}");
    }
    loop {
        std::thread::park();
    }
}
