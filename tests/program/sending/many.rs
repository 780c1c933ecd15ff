//! Very many domains.

use super::fixture::{Sender, day, rows};
use crate::support::skipped::skipped;
use std::process::{Command, Stdio};

/// What a command wrote, took of memory, and of the processor: others may be at work on this machine, too.
struct Measured {
    lines: usize,
    kibibytes: u64,
    processor: f64,
    elapsed: f64,
}

fn measured(sender: &Sender, words: &[&str]) -> Option<Measured> {
    let command = sender.command(words);
    let mut measured = Command::new("/usr/bin/time");
    measured.args(["-f", "%M %U %S %e"]).arg(command.get_program()).args(command.get_args());
    let Ok(output) = measured.stdin(Stdio::null()).output() else {
        skipped("reports", "/usr/bin/time is not installed (Debian package time)");
        return None;
    };
    let beside = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{beside}");
    let numbers: Vec<f64> =
        beside.lines().last().unwrap().split(' ').map(|number| number.parse().unwrap()).collect();
    let lines = output.stdout.split(|octet| *octet == b'\n').count() - 1;
    let kibibytes = beside.lines().last().unwrap().split(' ').next().unwrap().parse().unwrap();
    Some(Measured { lines, kibibytes, processor: numbers[1] + numbers[2], elapsed: numbers[3] })
}

fn render(domains: usize) {
    let sender = Sender::new();
    for from in (0..domains).step_by(10_000) {
        let some: Vec<_> = (from..domains.min(from + 10_000))
            .map(|number| rows(&format!("d{number}.example"), day())[1].clone())
            .collect();
        sender.count(&some);
    }
    let day = day().to_string();
    let words = ["reports", "preview", "--all", "--day", &day];
    let Some(Measured { lines, kibibytes, processor, elapsed }) = measured(&sender, &words) else { return };
    println!(
        "{lines} reports rendered in {elapsed:.1} s, {processor:.1} s of the processor, with {kibibytes} KiB"
    );
    assert_eq!(lines, domains);
    assert!(kibibytes < 64 * 1_024 && processor < 60.0, "{kibibytes} KiB, {processor:.1} s");
}

#[test]
fn a_few_thousand_domains_are_rendered_one_after_the_other() {
    render(5_000);
}

#[test]
#[ignore = "takes a minute: cargo test --test program a_hundred_thousand_domains -- --ignored --nocapture"]
fn a_hundred_thousand_domains_are_rendered_in_a_minute_and_64_mebibytes() {
    render(100_000);
}
