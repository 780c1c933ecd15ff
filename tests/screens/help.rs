//! `-h` and `--help` of every command: a screen for each is named `help-` and the words of the command.

use crate::screen::typed;
use smtp_sts_verify::cli::guide::GUIDES;

/// The names of these screens.
pub(crate) fn names() -> Vec<String> {
    let one = |path: &str| ["short", "long"].map(|length| name(path, length));
    GUIDES.iter().flat_map(|guide| one(guide.path)).collect()
}

fn name(path: &str, length: &str) -> String {
    let words = std::iter::once("help").chain(path.split_whitespace()).chain([length]);
    words.collect::<Vec<_>>().join("-")
}

#[test]
fn every_command_tells_how_it_is_used() {
    for guide in GUIDES {
        typed(format!("{} -h", guide.path).trim_start()).shows(&name(guide.path, "short"));
        typed(format!("{} --help", guide.path).trim_start()).shows(&name(guide.path, "long"));
    }
}

#[test]
fn a_command_that_is_none_is_told_so() {
    typed("cache undo").shows("help-cache-unknown-command");
    typed("lint").shows("help-lint-nothing");
    typed("lookup example.org").shows("help-lookup-type-missing");
    typed("generate completions tcsh").shows("help-generate-unknown-shell");
}
