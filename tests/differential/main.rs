//! Our probe beside OpenSSL and GnuTLS, before the same servers: `expected.tsv` has what each of them makes of every case,
//! and why they differ where they do.
#![cfg(test)] // tells clippy that these are tests throughout, the functions between the tests included

mod cases;
#[path = "../laboratory/mod.rs"]
mod laboratory;
mod oracles;
mod pki;

use cases::CASES;
use laboratory::Laboratory;
use laboratory::mail_host::{MailHost, Service};
use oracles::{Answer, Danetool, Place};
use pki::{Pki, Shown};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

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

#[test]
fn everybody_agrees_or_the_table_says_why_not() {
    let bench = Bench::build();
    let hosts: String = bench.stands.iter().map(|s| format!("{} {}\n", s.address, s.host)).collect();
    let dns = "127.0.2.254".to_owned();
    bench.lab.answer_at(std::net::SocketAddr::new(dns.parse().unwrap(), 53)).unwrap();
    let danetool = Danetool::new(bench.lab.directory(), &dns, &bench.lab.trust_anchor(), &hosts);
    for stand in &bench.stands {
        let place = bench.place(stand);
        let (dane, text) = oracles::openssl_dane(&place, &bench.authorities, &stand.records);
        let (web, text2) = oracles::openssl_webpki(&place, &bench.authorities);
        let (gweb, text3) = oracles::gnutls_webpki(&place, &bench.authorities);
        let (gdane, text4) = match &danetool {
            Ok(danetool) if !stand.records.is_empty() => danetool.ask(&place),
            _ => (Answer::NotAsked, String::new()),
        };
        println!(
            "{:<28} {:<4} {:<4} | {:<4} {:<4}",
            stand.case,
            dane.word(),
            gdane.word(),
            web.word(),
            gweb.word()
        );
        let dir = std::path::Path::new("/tmp/differ-out");
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(dir.join(stand.case), [text, text2, text3, text4].join("\n=====\n")).unwrap();
    }
    println!("{:?}", danetool.err());
}
