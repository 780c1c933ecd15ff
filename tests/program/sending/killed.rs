//! A sender that is killed at any moment loses no report, and sends at most one twice.

use super::fixture::Sender;
use serde_json::Value;
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Domains with a mail address each.
fn world(number: usize) -> String {
    let mut text = "zone . signed\nzone test unsigned\n    ns A 127.0.0.1\n".to_owned();
    for domain in 0..number {
        text.push_str(&format!(
            "    _smtp._tls.d{domain}  TXT  \"v=TLSRPTv1; rua=mailto:rua@d{domain}.test\"\n"
        ));
    }
    text
}

/// Sends reports about so many domains, and kills the sender at moments that a small generator chooses, so often; what became of them.
fn killed(domains: usize, kills: usize) -> (usize, usize, usize) {
    let sender = Sender::in_world(&world(domains));
    let names: Vec<String> = (0..domains).map(|number| format!("d{number}.test")).collect();
    sender.count_for(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let (mut seed, mut done) = (0x2545_f491_4f6c_dd1d_u64, 0);
    for _ in 0..kills {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut child =
            sender.command(&["reports", "send"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        // Somewhere on the way to one of the next mails.
        let until = sender.number_of_mails() + usize::try_from(seed % 4).unwrap();
        while sender.number_of_mails() < until && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
        sleep(Duration::from_micros((seed >> 8) % 20_000));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            done += 1;
        }
        child.wait().unwrap();
    }
    // A run has an end; what is left is due in the next one.
    let mut last = (75, String::new());
    for _ in 0..20 {
        if last.0 == 75 {
            last = sender.told(&["reports", "send"]);
        }
    }
    assert_eq!(last.0, 0, "{}", last.1);
    // A command that was started has the whole mail, and may still be at it.
    let began = Instant::now();
    while sender.is_busy() && began.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(10));
    }
    let mut copies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in sender.mails() {
        copies.entry(mail.words.last().unwrap().clone()).or_default().push(mail.text);
    }
    let lost = domains - copies.len();
    let twice = copies.values().map(|all| all.len() - 1).sum();
    for (recipient, all) in &copies {
        assert!(all.iter().all(|one| *one == all[0] && one.ends_with("--\n")), "{recipient}: {all:#?}");
    }
    let states: Vec<Value> = sender.outbox().into_iter().map(|entry| entry["state"].clone()).collect();
    assert!(states.len() == domains && states.iter().all(|state| state == "sent"), "{states:?}");
    (lost, twice, done)
}

/// Case 27.
#[test]
fn a_sender_that_is_killed_loses_nothing() {
    let (lost, twice, kills) = killed(60, 25);
    assert!(kills > 5, "too few were killed in time: {kills}");
    assert!(lost == 0 && twice <= kills, "{lost} lost, {twice} twice, {kills} killed");
}

#[test]
#[ignore = "takes minutes: cargo test --test program a_thousand_kills -- --ignored --nocapture"]
fn a_thousand_kills() {
    let (lost, twice, kills) = killed(2_000, 1_000);
    assert!(lost == 0 && twice <= kills, "{lost} lost, {twice} twice, {kills} killed");
    println!("{lost} lost, {twice} twice, {kills} killed");
}

#[test]
fn two_senders_at_once_are_one() {
    let sender = Sender::in_world(&world(20));
    let names: Vec<String> = (0..20).map(|number| format!("d{number}.test")).collect();
    sender.count_for(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let both: Vec<_> = (0..2)
        .map(|_| sender.command(&["reports", "send"]).stdout(std::process::Stdio::null()).spawn().unwrap())
        .collect();
    for mut one in both {
        assert!(one.wait().unwrap().success());
    }
    assert_eq!(sender.told(&["reports", "send"]).0, 0);
    assert_eq!(sender.mails().len(), 20);
}
