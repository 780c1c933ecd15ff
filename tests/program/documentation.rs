//! The manual says of reasons, lint codes and exit codes what the program says, and the README of commands.

use smtp_sts_verify::cli::exit::ExitStatus;
use smtp_sts_verify::cli::guide::GUIDES;
use smtp_sts_verify::config::Choices;
use smtp_sts_verify::policy::WordEntry;
use smtp_sts_verify::policy::lint::Code;
use smtp_sts_verify::reason::Reason;
use std::path::Path;

const README: &str = include_str!("../../README.md");
const MANUAL: &str = include_str!("../../exim/manual/smtp-sts-verify.1.md");

/// The largest README that is read to its end, in octets.
const MAX_README: usize = 15_360;

/// What stands below a heading of the manual, up to the next one of its kind, without what keeps Markdown from reading marks.
fn section(heading: &str) -> String {
    let (_, section) = MANUAL.split_once(&format!("\n{heading}\n")).expect("the heading is there");
    section.split("\n## ").next().unwrap().replace('\\', "")
}

/// The rows of its tables, one after the other, without their heads.
fn rows(section: &str) -> Vec<String> {
    let tables = section.split("\n|---|").skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(1).take_while(|line| line.starts_with('|')));
    rows.map(str::to_owned).collect()
}

#[test]
fn the_readme_is_short() {
    assert!(README.len() <= MAX_README, "{} octets", README.len());
}

/// Whoever has one screen gets the same commands as whoever reads the whole page, where real servers try them.
#[test]
fn the_set_ups_on_one_screen_are_those_of_their_pages() {
    for (heading, page) in [
        ("## Exim on one screen", include_str!("../../exim/README.md")),
        ("## Postfix on one screen", include_str!("../../exim/postfix.md")),
    ] {
        let (_, section) = README.split_once(&format!("\n{heading}\n")).expect("the heading is there");
        let section = section.split("\n## ").next().unwrap();
        let blocks: Vec<&str> = section.split("\n```").skip(1).step_by(2).collect();
        assert!(blocks.len() > 1, "{section}");
        for block in blocks {
            let lines: Vec<&str> = block.lines().skip(1).filter(|line| !line.starts_with('#')).collect();
            assert!(!lines.is_empty());
            for line in lines {
                assert!(page.contains(&format!("\n{line}\n")), "{heading}: {line}");
            }
        }
    }
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
    let expected: Vec<String> = ExitStatus::ALL
        .iter()
        .map(|status| format!("| `{}` | {} |", status.code(), status.meaning()))
        .collect();
    let rows = rows(&section("## Exit status"));
    assert_eq!(rows[..expected.len()], expected);
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
    let rows = rows(&section("## Exit status"));
    assert_eq!(rows[ExitStatus::ALL.len()..], expected);
}

#[test]
fn the_list_of_commands_has_all_of_them() {
    let (_, section) = README.split_once("\n## Commands\n").expect("the heading is there");
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
            let (word, meaning, hint) = (explanation.word, explanation.meaning, explanation.fix);
            format!("| `{word}` | {meaning}{report} | {hint} | {} |", explanation.rule)
        })
        .collect();
    assert_eq!(rows(&section("## Reasons")), expected);
}

#[test]
fn the_table_of_lint_codes_is_the_programs() {
    let expected: Vec<String> = Code::ALL
        .iter()
        .map(|code| {
            let WordEntry { word, meaning, fix, rule, .. } = code.explain();
            format!("| `{word}` | {} | {meaning} {fix} | {rule} |", code.severity().word())
        })
        .collect();
    assert_eq!(rows(&section("## Lint codes")), expected);
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
    assert!(
        choices.serve.answer_within.is_some() && choices.shared.resolver.trust_anchor.is_some(),
        "{all:?}"
    );
}
