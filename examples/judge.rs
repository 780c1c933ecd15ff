//! How a mail server written in Rust asks: may mail for a domain go to this MX host, and how has TLS to be verified?
//!
//! `cargo run --example judge -- example.com mx.example.com` asks the name servers of `/etc/resolv.conf`.
#![allow(clippy::print_stdout, reason = "an example talks")]

use smtp_sts_verify::cache::InMemory;
use smtp_sts_verify::dns::{anchor::TrustAnchors, resolv_conf, session::Resolver};
use smtp_sts_verify::https::{HttpsFetcher, HttpsSettings};
use smtp_sts_verify::name::{MxHost, PolicyDomain};
use smtp_sts_verify::time::{Clock as _, clock::SystemClock};
use smtp_sts_verify::verify::{Request, verify};
use std::{error::Error, path::Path, sync::Arc, time::Duration, time::Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (domain, host) = arguments.next().zip(arguments.next()).ok_or("usage: judge DOMAIN HOST")?;
    let request = Request {
        hosts: vec![MxHost::parse(host.as_ref())?],
        ..Request::about(PolicyDomain::parse(&domain)?)
    };
    let (now, deadline) = (SystemClock.now(), Instant::now() + Duration::from_secs(10));

    let servers = resolv_conf::read(Path::new("/etc/resolv.conf"))?;
    let dns = Resolver::new(&servers, Arc::new(TrustAnchors::iana()?), now, deadline.into());
    let https = HttpsFetcher::new(&dns, HttpsSettings::default(), deadline);
    // What the next delivery must know. A mail server keeps it in files: `smtp_sts_verify::cache::Cache`.
    let memory = InMemory::new(now);

    let report = verify(&request, Some(&memory), &dns, &https, now).await;
    let judgement = report.judgement;
    println!("{}, TLS {}: {}", judgement.verdict.word(), judgement.tls.word(), judgement.reason.word());
    Ok(())
}
