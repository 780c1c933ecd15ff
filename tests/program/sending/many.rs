//! Very many domains.

use super::fixture::{Sender, day, rows};
use crate::support::skipped::skipped;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Kibibytes that a child had in memory at most, and its lines.
fn measured(sender: &Sender, words: &[&str]) -> Option<(usize, u64, f64)> {
    let command = sender.command(words);
    let mut measured = Command::new("/usr/bin/time");
    measured.args(["-f", "%M"]).arg(command.get_program()).args(command.get_args());
    let began = Instant::now();
    let Ok(output) = measured.stdin(Stdio::null()).output() else {
        skipped("reports", "/usr/bin/time is not installed (Debian package time)");
        return None;
    };
    let beside = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{beside}");
    let kibibytes = beside.lines().last().unwrap().trim().parse().unwrap();
    Some((output.stdout.split(|octet| *octet == b'\n').count() - 1, kibibytes, began.elapsed().as_secs_f64()))
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
    let Some((lines, kibibytes, seconds)) =
        measured(&sender, &["reports", "preview", "--all", "--day", &day])
    else {
        return;
    };
    println!("{lines} reports rendered in {seconds:.1} s with {kibibytes} KiB");
    assert_eq!(lines, domains);
    assert!(kibibytes < 64 * 1_024 && seconds < 60.0, "{kibibytes} KiB, {seconds:.1} s");
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
