//! A thousand domains: what they cost.

use super::fixture::*;
use crate::support::laboratory::Laboratory;
use crate::support::laboratory::certificates::Authority;
use crate::support::laboratory::mail_host::{MailHost, Manner};
use crate::support::turn::turn_of_this_thread;
use rcgen::KeyPair;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Domains of the long list.
const MANY: usize = 1_000;
/// Domains of the short one.
const FEW: usize = 100;
/// MX hosts that they share, each at an address of its own.
const HOSTS: usize = 20;

/// Signed zones with one MX host each, some of them below the same provider.
fn world() -> String {
    let mut text =
        "zone . signed\nzone test signed\n    ns A 127.0.0.1\nzone hosting.test signed\n".to_owned();
    for n in 0..HOSTS {
        text += &format!("    mx{n} A 127.0.1.{}\n", n + 1);
    }
    for n in 0..MANY {
        text += &format!("zone d{n}.test signed\n    @ MX 10 mx{}.hosting.test.\n", n % HOSTS);
    }
    text
}

/// Peak resident memory in KiB and the time of a batch of that many domains.
fn cost(lab: &Laboratory, port: u16, number: usize) -> (u64, Duration) {
    let list = lab.directory().join(format!("list-{number}"));
    let names: String = (0..number).map(|n| format!("d{n}.test\n")).collect();
    fs::write(&list, names).unwrap();
    let results = lab.directory().join(format!("results-{number}"));
    let arguments = ["--batch", list.to_str().unwrap(), "-o", results.to_str().unwrap(), "--rate", "1000"];
    let begun = Instant::now();
    let mut child = command(lab, port, &arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        // The kernel keeps the highest mark itself, until the process has gone.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next());
        peak = mark.and_then(|kib| kib.parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let took = begun.elapsed();
    let told = fs::read_to_string(&results).unwrap();
    let delivered = told.lines().filter(|line| line.contains("\"outcome\":\"deliverable\"")).count();
    assert_eq!((told.lines().count(), delivered), (number, number));
    (peak, took)
}

#[test]
fn a_thousand_domains_need_no_more_memory_than_a_hundred() {
    let _turn = turn_of_this_thread();
    let lab = Laboratory::with(&world());
    let places: Vec<(IpAddr, Manner)> = (1..=HOSTS)
        .map(|n| (Ipv4Addr::new(127, 0, 1, u8::try_from(n).unwrap()).into(), Manner::Certified))
        .collect();
    let authority = Arc::new(Authority::found());
    let hosts = MailHost::open_all(authority, KeyPair::generate().unwrap(), &places);
    let (few, _) = cost(&lab, hosts.port(), FEW);
    let (many, took) = cost(&lab, hosts.port(), MANY);
    println!("{FEW} domains: {few} KiB; {MANY} domains: {many} KiB in {} s", took.as_secs());
    assert!(few > 4_096, "nothing was measured: {few} KiB");
    assert!(many * 10 <= few * 11, "{FEW} domains take {few} KiB, {MANY} take {many} KiB");
    assert!(many <= 65_536, "{many} KiB");
}
