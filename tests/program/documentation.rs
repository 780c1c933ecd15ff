//! The README says of reasons, lint codes and exit codes what the program says.

use smtp_sts_verify::cli::exit::ExitStatus;
use smtp_sts_verify::cli::guide::GUIDES;
use smtp_sts_verify::config::Choices;
use smtp_sts_verify::policy::lint::{Code, Explanation};
use smtp_sts_verify::reason::Reason;
use std::path::Path;

const README: &str = include_str!("../../README.md");

fn rows_below<'a>(heading: &str) -> Vec<&'a str> {
    let (_, section) = README.split_once(heading).expect("the heading is there");
    section
        .lines()
        .skip(1)
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect()
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
    let expected: Vec<String> = ExitStatus::ALL
        .iter()
        .map(|status| format!("| `{}` | {} |", status.code(), status.meaning()))
        .collect();
    assert_eq!(rows_below("### Exit codes"), expected);
}

#[test]
fn each_command_ends_as_the_second_table_of_exit_codes_says() {
    let expected: Vec<String> = GUIDES
        .iter()
        .filter(|guide| !guide.exits.is_empty() && !guide.path.contains(' '))
        .map(|guide| {
            let codes: Vec<String> =
                guide.exits.iter().map(|(code, meaning)| format!("`{code}` {meaning}")).collect();
            format!("| `{}` | {} |", guide.path, codes.join("; "))
        })
        .collect();
    assert_eq!(rows_below("What commands end with that no mail server starts"), expected);
}

#[test]
fn the_list_of_commands_has_all_of_them() {
    let (_, section) = README.split_once("## Use\n").expect("the heading is there");
    let list = section.split("```").nth(1).expect("the list is there");
    for guide in GUIDES.iter().filter(|guide| !guide.path.is_empty() && !guide.path.contains(' ')) {
        let is_named = list.lines().any(|line| line.starts_with(&format!("smtp-sts-verify {}", guide.path)));
        assert!(is_named || guide.path == "verify", "{}", guide.path);
    }
}

#[test]
fn the_table_of_reasons_is_the_programs() {
    let expected: Vec<String> = Reason::ALL
        .iter()
        .map(|reason| {
            let explanation = reason.explain();
            let report =
                explanation.result_type.map(|word| format!(" Report as `{word}`.")).unwrap_or_default();
            format!("| `{}` | {}{report} | {} |", explanation.word, explanation.meaning, explanation.rule)
        })
        .collect();
    assert_eq!(rows_below("### Reasons"), expected);
}

#[test]
fn the_table_of_lint_codes_is_the_programs() {
    let expected: Vec<String> = Code::ALL
        .iter()
        .map(|code| {
            let Explanation { word, severity, meaning, fix, rule } = code.explain();
            format!("| `{word}` | {} | {meaning} {fix} | {rule} |", severity.word())
        })
        .collect();
    assert_eq!(rows_below("## Lint codes"), expected);
}

#[test]
fn the_configuration_that_is_installed_says_nothing_and_every_key_in_it_reads() {
    let installed = include_str!("../../exim/daemon/config.toml");
    let read = |text: &str| Choices::parse(text, Path::new("config.toml")).expect("it reads");
    assert_eq!(format!("{:?}", read(installed)), format!("{:?}", Choices::default()));
    let is_key = |line: &&str| line.starts_with('[') || line.contains(" = ") && !line.starts_with(' ');
    let all: Vec<&str> = installed.lines().map(|line| line.trim_start_matches('#')).filter(is_key).collect();
    let choices = read(&all.join("\n"));
    assert_eq!((choices.serve.exim.len(), choices.serve.postfix.len(), choices.serve.http.len()), (1, 1, 1));
    assert!(choices.serve.answer_within.is_some() && choices.shared.trust_anchor.is_some(), "{all:?}");
}
