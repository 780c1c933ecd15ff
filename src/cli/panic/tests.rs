use super::*;
use std::process::{Command, Output};

/// Runs one of the mistakes below in a process of its own, whose panics end it.
fn mistake(test: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("cli::panic::tests::{test}"), "--ignored"]).output().unwrap()
}

#[test]
#[ignore = "a part of the other tests"]
fn of_a_delivery() {
    install(Format::Exim, Asker::Host);
    let numbers = [1, 2];
    // Known to nobody before it is tried, as those that matter are.
    let place = std::env::args().count() + 7;
    assert_eq!(numbers[place], 1);
}

#[test]
#[ignore = "a part of the other tests"]
fn of_a_thread_in_json() {
    install(Format::Json, Asker::Router);
    let _ = std::thread::spawn(|| panic!("a word with\nan end")).join();
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
#[ignore = "a part of the other tests"]
fn of_a_plugin() {
    install_for_a_plugin();
    panic!("a word with\nan end");
}

/// The last lines on standard output, behind what the test program says of itself; and nothing on standard error.
fn said(output: &Output) -> &str {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = str::from_utf8(&output.stdout).unwrap();
    text.split_once("running 1 test\n").unwrap().1
}

#[test]
fn a_mistake_of_ours_is_one_line_that_defers_and_exit_70() {
    let output = mistake("of_a_delivery");
    let line = said(&output).trim_start_matches("test cli::panic::tests::of_a_delivery - should panic ... ");
    let line = line.trim_start_matches("test cli::panic::tests::of_a_delivery ... ");
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    assert!(line.starts_with("verdict=defer ") && line.contains(" reason=internal"), "{line}");
    assert!(line.bytes().all(|octet| (b' '..=b'~').contains(&octet)), "{line:?}");
    assert!(
        !line.contains("panic") && !line.contains("out of bounds"),
        "no word of it reaches a header: {line}"
    );
}

#[test]
fn on_whatever_thread_and_in_the_format_that_was_asked_for() {
    let output = mistake("of_a_thread_in_json");
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    let text = said(&output);
    let object: serde_json::Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
    assert_eq!((&object["verdict"], &object["reason"]), (&"defer".into(), &"internal".into()), "{object}");
}

#[test]
fn a_plugin_is_unknown_in_one_line() {
    let output = mistake("of_a_plugin");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text:?}");
    assert!(text.contains("UNKNOWN") && text.contains("panic"), "{text}");
}

#[test]
fn where_the_program_was_built_is_told_to_nobody() {
    for (file, told) in [
        ("src/serve/lifecycle.rs", "src/serve/lifecycle.rs"),
        (
            "/home/me/.cargo/registry/src/index.example-0/tokio-1.47.0/src/runtime/blocking/pool.rs",
            "tokio-1.47.0/src/runtime/blocking/pool.rs",
        ),
        ("/rustc/59807616e1fa/library/std/src/panicking.rs", "std/src/panicking.rs"),
        ("/build/main.rs", "main.rs"),
    ] {
        assert_eq!(in_its_crate(file), told);
    }
}

#[test]
#[ignore = "a part of the next test"]
fn of_a_command_for_people() {
    install_for_a_person("doctor");
    panic!("a word with\nan end");
}

#[test]
fn a_command_for_people_says_it_on_standard_error_and_no_line_of_exims() {
    let output = mistake("of_a_command_for_people");
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    assert!(!said.contains("verdict="), "{said}");
    assert!(
        complaint.starts_with("smtp-sts-verify doctor: panic at ") && complaint.lines().count() == 1,
        "{complaint}"
    );
}
