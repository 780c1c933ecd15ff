use super::*;
use std::process::Command;

/// Not a test: a run that hangs, from which the watchdog of the next one comes.
#[test]
#[ignore = "a part of the other test"]
fn a_run_that_hangs() {
    let _watchdog = start(Instant::now(), Format::Exim, Asker::Host);
    thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn what_hangs_ends_a_little_after_its_deadline_with_an_answer_that_defers() {
    let began = Instant::now();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cli::watchdog::tests::a_run_that_hangs", "--ignored"])
        .output()
        .unwrap();
    let took = began.elapsed();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(75), "{text}");
    assert!(text.contains("verdict=defer ") && text.ends_with(" reason=deadline"), "{text}");
    assert!(took >= WATCHDOG_GRACE && took < std::time::Duration::from_secs(30), "{took:?}");
}
