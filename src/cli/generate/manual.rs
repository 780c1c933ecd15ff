//! smtp-sts-verify(1).

use super::page::{DATE, MANUAL, ManPage, literal, pair, plain};
use crate::cache::DEFAULT_PATH;
use crate::cli::guide::{self, Guide};
use crate::config::DEFAULT_FILE;
use crate::dns::resolv_conf::RESOLV_CONF;
use crate::reason::Reason;
use clap::{Arg, Command};
use clap_mangen::Man;

/// The page.
///
/// # Errors
/// None but in a wrong build.
pub(super) fn text() -> Result<String, String> {
    let mut command = guide::command();
    command.build();
    let program = Man::new(command.clone()).date(DATE).manual(MANUAL);
    let mut octets = Vec::new();
    let head = program
        .render_title(&mut octets)
        .and_then(|()| program.render_name_section(&mut octets))
        .and_then(|()| program.render_synopsis_section(&mut octets))
        .and_then(|()| program.render_description_section(&mut octets));
    head.map_err(|error| error.to_string())?;
    octets.extend(commands(&command).into_bytes());
    octets.extend(options(&command).into_bytes());
    octets.extend(rest().into_bytes());
    String::from_utf8(octets).map_err(|error| error.to_string())
}

/// Each command: how it is called, what is its own; what all have in common stands under the options.
fn commands(program: &Command) -> String {
    let mut page = ManPage::default();
    page.section("COMMANDS");
    page.paragraph("The options of verify, the default command, stand in the sections below, with those that all commands share.");
    for command in program.get_subcommands() {
        describe(program, command, command.get_name(), &mut page);
    }
    page.finish()
}

/// The options of the default command, then those that commands share, under the headings of `--help`.
fn options(program: &Command) -> String {
    let mut page = ManPage::default();
    let mut headings: Vec<Option<&str>> = vec![None];
    for arg in program.get_arguments() {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        page.section(&heading.unwrap_or("OPTIONS").to_uppercase());
        for arg in
            program.get_arguments().filter(|arg| arg.get_help_heading() == heading && !arg.is_hide_set())
        {
            describe_argument(arg, &mut page);
        }
    }
    page.finish()
}

fn describe(program: &Command, command: &Command, path: &str, page: &mut ManPage) {
    page.subsection(path);
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        for paragraph in about.to_string().split("\n\n") {
            page.paragraph(&paragraph.replace('\n', " "));
        }
    }
    let usage = command.clone().render_usage().to_string();
    page.verbatim(
        &usage.lines().map(|line| line.trim().trim_start_matches("Usage: ")).collect::<Vec<_>>().join("\n"),
    );
    // What all share is told once, with the program's own options.
    let is_shared = |arg: &Arg| program.get_arguments().any(|one| one.get_id() == arg.get_id());
    let is_own = |arg: &&Arg| !arg.is_hide_set() && (arg.get_help_heading().is_none() || !is_shared(arg));
    let of_every_command = ["help", "version"];
    // Those of the default command are the program's own.
    if path != "verify" {
        for arg in command
            .get_arguments()
            .filter(is_own)
            .filter(|arg| !of_every_command.contains(&arg.get_id().as_str()))
        {
            describe_argument(arg, page);
        }
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        describe(program, below, &format!("{path} {}", below.get_name()), page);
    }
}

fn describe_argument(arg: &Arg, page: &mut ManPage) {
    let value = arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default();
    let (before, value, after) = match (arg.is_positional(), arg.get_action().takes_values()) {
        (true, _) => ("", value, ""),
        (false, false) => ("", String::new(), ""),
        (false, true) if arg.is_require_equals_set() => ("[=", value, "]"),
        (false, true) => (" ", value, ""),
    };
    let long = arg.get_long().map(|word| format!("--{word}"));
    let names: Vec<String> = arg.get_short().map(|c| format!("-{c}")).into_iter().chain(long).collect();
    let mut term = pair(&names.join(", "), before, &value);
    term.extend(plain(after));
    let mut words =
        arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
    if arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
        let possible = arg.get_possible_values();
        let possible: Vec<&str> = possible.iter().map(clap::builder::PossibleValue::get_name).collect();
        if !possible.is_empty() {
            words.push_str(&format!(". One of: {}", possible.join(", ")));
        }
    }
    let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    for default in defaults.filter(|_| arg.get_action().takes_values()) {
        words.push_str(&format!(" [default: {default}]"));
    }
    // The first paragraph of a long help has no full stop, as the short one has none.
    page.item(term, &words.replace("\n\n", ". ").replace('\n', " "));
}

/// What is no option: exit codes, files, examples, words.
fn rest() -> String {
    let mut page = ManPage::default();
    page.section("EXIT STATUS");
    page.paragraph("What a line for Exim ends with:");
    for (code, meaning) in Guide::of("").map(Guide::all_exits).unwrap_or_default() {
        page.item(literal(&code.to_string()), meaning);
    }
    page.paragraph(
        "The commands for people end with 64, 70 and 78 for the same reasons, and else with these:",
    );
    for guide in guide::GUIDES.iter().filter(|guide| !guide.exits.is_empty() && !guide.path.contains(' ')) {
        let exits: Vec<String> =
            guide.exits.iter().map(|(code, meaning)| format!("{code}: {meaning}")).collect();
        page.item(literal(guide.path), &format!("{}.", exits.join("; ")));
    }
    page.section("FILES");
    for (path, what) in [
        (DEFAULT_FILE, "The configuration, smtp-sts-verify.toml(5); it may be absent."),
        (
            DEFAULT_PATH,
            "The policies, an SQLite database; beside it cache.dns.db with DNS results, which may be deleted, and cache.reports.db \
             with what the daemon counts for TLS reports.",
        ),
        (RESOLV_CONF, "The name servers that are asked, unless --dns or the configuration names others."),
    ] {
        page.item(literal(path), what);
    }
    page.section("ENVIRONMENT");
    page.paragraph("Nothing in the environment changes a verdict. NO_COLOR and TERM=dumb keep colours away from a terminal.");
    page.section("EXAMPLES");
    for guide in guide::GUIDES.iter().filter(|guide| !guide.path.contains(' ')) {
        for (line, what) in
            guide.examples.iter().filter(|(line, _)| !guide.path.is_empty() || line.starts_with('-'))
        {
            page.item(literal(&format!("smtp-sts-verify {line}")), what);
        }
    }
    page.section("REASONS");
    page.paragraph(
        "Every answer about a delivery has one of these words; smtp-sts-verify why WORD says what to do.",
    );
    for reason in Reason::ALL {
        let explanation = reason.explain();
        page.item(literal(explanation.word), &format!("{} ({})", explanation.meaning, explanation.rule));
    }
    page.section("SEE ALSO");
    page.paragraph("smtp-sts-verify.toml(5), exim4(8), postconf(5), delv(1), resolv.conf(5)");
    page.section("STANDARDS");
    page.paragraph("RFC 8461 (MTA-STS), RFC 7672 (DANE for SMTP), RFC 4033 to 4035 (DNSSEC), RFC 8460 (TLS reports), draft-margolis-smtp-sts-00.");
    page.finish()
}
