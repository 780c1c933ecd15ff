//! smtp-sts-verify(1).

use super::page::{ManPage, Span, literal, pair};
use super::{decisions, words};
use crate::cache::DEFAULT_PATH;
use crate::cli::guide;
use crate::cli::why::Kind;
use crate::config::DEFAULT_FILE;
use crate::dns::resolv_conf::RESOLV_CONF;
use clap::{Arg, Command};

/// How the mechanisms stand to each other; the table behind it has every combination.
const ORDER: [&str; 6] = [
    "Each MX host is judged by itself, in this order; `policy=` names what decided, `passed=` an authenticated policy that was passed over.",
    "1. An override in the configuration stands above everything that the domain publishes.",
    "2. DANE (RFC 7672), where the MX records, the host's addresses and its TLSA records are all proven by DNSSEC. Usable records: the \
     certificate must match one (`tls=dane`); the host need not be in a policy. A host that the signed MX records do not name is refused if \
     all that they name have TLSA records. A TLSA answer that is bogus, or that a signed zone does not give: mail for that host waits, \
     whatever a policy says. Records that are all unusable: TLS is demanded, and a policy may ask for more.",
    "3. MTA-STS (RFC 8461): a policy is in force from its first fetch.",
    "4. The draft's record: a policy refuses nothing before it was met once.",
    "Without a host (for a router) the answer speaks for the whole domain. Of the hosts to which the mail may go, the one that asks for the \
     least speaks for all: `tls=dane` means that each of them is usable for DANE. In a mixed domain under a policy it is `tls=webpki`, and \
     `mxre` lists what the policy permits and the hosts that DANE decides about; a host that has to be left alone is in no `mxre`.",
];

/// The page.
///
/// # Errors
/// None but in a wrong build.
pub(super) fn page() -> Result<ManPage, String> {
    let mut command = guide::command();
    command.build();
    let mut page = ManPage::titled("smtp-sts-verify", "1");
    head(&command, &mut page);
    commands(&command, &mut page);
    options(&command, &mut page);
    answer(&mut page)?;
    exits(&mut page);
    surroundings(&mut page);
    vocabulary(&mut page);
    page.section("SEE ALSO");
    page.paragraph(
        "smtp-sts-verify.toml(5), smtp-sts-verify-exim(8), exim4(8), postconf(5), delv(1), resolv.conf(5)",
    );
    page.section("STANDARDS");
    page.paragraph("RFC 8461 (MTA-STS), RFC 7672 (DANE for SMTP), RFC 4033 to 4035 (DNSSEC), RFC 8460 (TLS reports), draft-margolis-smtp-sts-00.");
    Ok(page)
}

/// What the program is called and for.
fn head(program: &Command, page: &mut ManPage) {
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    page.section("NAME");
    page.paragraph(&format!("smtp-sts-verify - {about}"));
    page.section("SYNOPSIS");
    page.verbatim(&usage(program));
    page.section("DESCRIPTION");
    paragraphs(program, page);
}

/// How a command is typed, a way a line.
fn usage(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.lines().map(|line| line.trim().trim_start_matches("Usage: ")).collect::<Vec<_>>().join("\n")
}

/// What a command does.
fn paragraphs(command: &Command, page: &mut ManPage) {
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        for paragraph in about.to_string().split("\n\n") {
            page.paragraph(&paragraph.replace('\n', " "));
        }
    }
}

/// Each command: how it is called, what is its own; what all have in common stands under the options.
fn commands(program: &Command, page: &mut ManPage) {
    page.section("COMMANDS");
    page.paragraph("The options of verify, the default command, stand in the sections below, with those that all commands share.");
    for command in program.get_subcommands() {
        describe(program, command, command.get_name(), page);
    }
}

/// The options of the default command, then those that commands share, under the headings of `--help`.
fn options(program: &Command, page: &mut ManPage) {
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
            describe_argument(arg, page);
        }
    }
}

fn describe(program: &Command, command: &Command, path: &str, page: &mut ManPage) {
    page.subsection(path);
    paragraphs(command, page);
    page.verbatim(&usage(command));
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
    term.push(Span::Plain(after.to_owned()));
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

/// The line for mail servers, and how it comes about.
///
/// # Errors
/// None but in a wrong build.
fn answer(page: &mut ManPage) -> Result<(), String> {
    page.section("ANSWER");
    page.paragraph(
        "With -m the answer is about that host (several: one of them is enough, and --format json and human tell of each). Without -m it \
         is the domain's answer for a router. On a terminal the answer is for people; elsewhere it is the line for Exim, without a line \
         end, printable ASCII, and with nothing on standard error:",
    );
    page.verbatim(
        "verdict=deliver tls=webpki policy=mta-sts mode=enforce auth=webpki mx=match cache=hit reason=policy-met mxre=^([^.]+[.]example[.]org)$",
    );
    page.paragraph("It has these keys, in this order:");
    page.table(words::answer());
    page.section("WHICH MECHANISM DECIDES");
    for paragraph in ORDER {
        page.paragraph(paragraph);
    }
    page.paragraph(
        "Where DANE decides, the policies change nothing: usable TLSA records are `deliver dane`, a bogus answer is `defer`. Everywhere \
         else, for a domain with one MX host:",
    );
    page.table(decisions::table()?);
    page.paragraph(
        "\"absent\" is a proven absence, or one in a zone that is proven to be unsigned. With on_unreachable = \"defer\", \"unreachable, \
         unsigned zone\" lets the mail wait. Bogus MX records always do, and unreachable \
         ones where a policy is in force or the zone is not proven to be unsigned.",
    );
    Ok(())
}

/// What it ends with.
fn exits(page: &mut ManPage) {
    page.section("EXIT STATUS");
    page.paragraph(
        "A line for Exim is printed with every one of these; 64, 70 and 78 come with verdict=defer.",
    );
    page.table(words::exits());
    page.paragraph("What commands end with that no mail server starts, beside 64, 70 and 78:");
    page.table(words::exits_of_commands());
}

/// What is no option: files, environment, examples.
fn surroundings(page: &mut ManPage) {
    page.section("FILES");
    for (path, what) in [
        (DEFAULT_FILE, "The configuration, smtp-sts-verify.toml(5); it may be absent."),
        (
            DEFAULT_PATH,
            "The policies, an SQLite database; beside it cache.dns.db with DNS results, which may be deleted, cache.reports.db with what \
             the daemon counts for TLS reports, cache.outbox.db with reports on their way, cache.withheld.db with answers that \
             withheld mail, and in a fleet cache.fleet.db with what others say and cache.decrees with what its operator has decreed; and \
             empty files whose names end in .turn, which writers lock.",
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
}

/// Every word, as `why` explains it.
fn vocabulary(page: &mut ManPage) {
    for (kind, title, about) in [
        (
            Kind::Reason,
            "REASONS",
            "Every answer about a delivery has one of these words. smtp-sts-verify why WORD says the same.",
        ),
        (Kind::Check, "CHECKS", "What smtp-sts-verify doctor looks at."),
        (
            Kind::Probe,
            "WORDS OF A PROBE",
            "What smtp-sts-verify probe says of an address, beside the result types below.",
        ),
        (
            Kind::ResultType,
            "RESULT TYPES",
            "What TLS reports say of a session that failed (RFC 8460 section 4.3); smtp-sts-verify reports counts by them.",
        ),
    ] {
        page.section(title);
        page.paragraph(about);
        page.table(words::table(kind));
    }
    page.section("LINT CODES");
    page.paragraph(
        "What smtp-sts-verify lint finds. The words never change their meaning. error: senders act as if it were not there; warning: it \
         works, and fails somewhere or protects less than it seems to; note: worth knowing.",
    );
    for kind in Kind::all() {
        if let Kind::Lint(family) = kind {
            page.subsection(family.about);
            page.table(words::table(kind));
        }
    }
    page.section("FINDINGS IN TLS REPORTS");
    page.paragraph(
        "What smtp-sts-verify reports read finds wrong with a report itself. error: a value counts for nothing; warning: it is read, and \
         other readers may refuse it; note: worth knowing.",
    );
    page.table(words::table(Kind::Report));
}
