//! What stands beside the definitions of the command line: examples, exit codes, and the order in which people need the
//! rest. `--help` and the manual page draw on it, and the README is held to its list of commands.

use super::args::Arguments;
use super::exit::ExitStatus;
use crate::render::page::COLUMNS;
use clap::{Arg, Command, CommandFactory as _};
use std::fmt::Write as _;

/// One command, and what is said about it.
#[derive(Clone, Copy, Debug)]
pub struct Guide {
    /// The words that it is called by, behind the program's name; empty for the program itself.
    pub path: &'static str,
    /// What may be typed behind the program's name, and what that is for.
    pub examples: &'static [(&'static str, &'static str)],
    /// The exit codes that have a meaning of their own here; the others mean what [`ExitStatus`] says.
    pub exits: &'static [(u8, &'static str)],
}

/// Every command, in the order of `--help`. An example for each; a test types all of them.
pub const GUIDES: &[Guide] = &[
    Guide {
        path: "",
        examples: &[
            ("-d example.org -m mx.example.org", "may mail for example.org go there?"),
            ("explain example.org", "what would happen to its mail now, and why?"),
            ("doctor", "can this machine give good verdicts?"),
            ("lint example.org", "what is wrong with what the domain publishes?"),
            ("why dane-unusable", "what does that word mean?"),
        ],
        exits: &[],
    },
    Guide {
        path: "verify",
        examples: &[
            ("verify -d example.org -m mx.example.org", "may mail for example.org go there?"),
            ("verify -d example.org", "what does the domain demand? (for a router)"),
            ("verify -d example.org -m mx.example.org -v", "the same, with every question asked"),
        ],
        exits: &[(0, "deliver"), (1, "refuse, only with -m"), (75, "defer: nobody can tell yet")],
    },
    Guide {
        path: "explain",
        examples: &[
            ("explain example.org", "every MX host, in order, and why"),
            ("explain example.org mx.example.org", "one host, as Exim would ask"),
            ("explain example.org --format json", "for programs"),
            ("explain example.org --record report.json", "saves what it came from"),
            ("explain --replay report.json", "the same again, without the network"),
        ],
        exits: &[(0, "deliver"), (1, "refuse, only with a host"), (75, "defer: nobody can tell yet")],
    },
    Guide {
        path: "doctor",
        examples: &[
            ("doctor", "is all well here?"),
            ("doctor --dns 127.0.0.1", "with another name server"),
            ("doctor --format json", "for monitoring"),
            ("doctor --quiet", "for cron: speaks only of what is not fine"),
        ],
        exits: &[
            (0, "fine"),
            (1, "warnings: verdicts are right, but something is missing, or will be"),
            (2, "verdicts of this machine cannot be trusted, or are not acted on"),
        ],
    },
    Guide {
        path: "serve",
        examples: &[
            ("serve --exim /run/smtp-sts-verify/exim.sock", "for Exim's ${readsocket}"),
            ("serve --postfix 127.0.0.1:8461", "for Postfix's smtp_tls_policy_maps"),
            ("serve --exim 127.0.0.1:8460 --http 127.0.0.1:8462", "with metrics and a status page"),
        ],
        exits: &[
            (0, "ended on a signal"),
            (70, "a part of it failed"),
            (75, "a second signal to end, before all had their answers"),
            (78, "the configuration or a place cannot be used, or root started it"),
        ],
    },
    Guide {
        path: "lint",
        examples: &[
            ("lint example.org", "all that the domain publishes, and its MX hosts"),
            ("lint --kind mta-sts-policy mta-sts.txt", "a policy, before it is published"),
            ("lint --publish --mode testing example.org", "what the domain should publish"),
        ],
        exits: &[
            (0, "no error (with --strict: no warning either)"),
            (1, "an error (with --strict: or a warning)"),
            (75, "DNS did not say what the domain publishes"),
        ],
    },
    Guide {
        path: "probe",
        examples: &[
            ("probe example.org", "every MX host, every address"),
            ("probe example.org --mx new-mx.example.org", "a host that the domain is to have"),
            ("probe example.org example.net --format json", "a JSON object a line, for each domain"),
            ("probe --batch domains -o results --resume", "a long list, from where it stopped"),
            ("probe --format nagios example.org", "a plugin for Nagios and Icinga"),
        ],
        exits: &[
            (0, "every address would get the mail, or the domain takes none (nagios: OK)"),
            (1, "some would not; or a line of --batch is no domain (nagios: WARNING)"),
            (2, "nagios: CRITICAL, who enforces would not deliver, or an end is near"),
            (3, "nagios: UNKNOWN, nobody could be asked or looked at, or wrong words"),
            (75, "nobody could be asked, or looked at from here, or nobody can tell"),
        ],
    },
    Guide {
        path: "lookup",
        examples: &[
            ("lookup _25._tcp.mx.example.org TLSA", "the records, if they can be proven"),
            ("lookup _mta-sts.example.org TXT --dns 192.0.2.53", "what that name server says"),
            ("lookup --batch", "a `NAME TYPE` a line in, a JSON object a line out"),
        ],
        exits: &[(0, "secure or insecure"), (1, "bogus"), (75, "unreachable")],
    },
    Guide {
        path: "match",
        examples: &[
            ("match *.example.org mx.example.org", "as RFC 8461 has it (quote the asterisk)"),
            ("match --kind smtp-sts _.example.org mx.example.org", "as the draft had it"),
        ],
        exits: &[(0, "the pattern permits the host"), (1, "it does not, or is no pattern")],
    },
    Guide {
        path: "cache",
        examples: &[
            ("cache list", "which policies are remembered?"),
            ("cache show example.org", "what is known about the domain?"),
            ("cache history example.org", "what happened to its policies?"),
        ],
        exits: CACHE,
    },
    Guide { path: "cache list", examples: &[("cache list", "one policy a line")], exits: CACHE },
    Guide {
        path: "cache show",
        examples: &[("cache show example.org", "policies, failures, DNS results")],
        exits: CACHE,
    },
    Guide {
        path: "cache history",
        examples: &[("cache history example.org", "learnt, changed, weakened, ...")],
        exits: CACHE,
    },
    Guide {
        path: "cache purge",
        examples: &[("cache purge example.org", "as if the domain had never been met")],
        exits: CACHE,
    },
    Guide {
        path: "cache export",
        examples: &[("cache export -o policies.export", "a file that only its owner can read")],
        exits: CACHE,
    },
    Guide {
        path: "cache import",
        examples: &[("cache import policies.export", "on the other host")],
        exits: CACHE,
    },
    Guide {
        path: "cache refresh",
        examples: &[
            ("cache refresh --quiet", "nightly, from cron: speaks only of failures"),
            ("cache refresh --force example.org", "one domain, although it failed lately"),
        ],
        exits: CACHE,
    },
    Guide {
        path: "reports",
        examples: &[
            ("reports", "all days that are remembered"),
            ("reports --day 2026-05-09 --format json", "one day, a JSON object a line"),
            ("reports read Maildir", "what others report about your domain"),
        ],
        exits: &[
            (0, "shown, also if nothing was counted; read: no failure is told of"),
            (1, "read: a failure is told of; send: given up; preview: nothing counted"),
            (75, "the counts cannot be read now"),
        ],
    },
    Guide {
        path: "reports show",
        examples: &[("reports show --day 2026-05-09", "one day")],
        exits: &[(0, "shown, also if nothing was counted"), (75, "the counts cannot be read now")],
    },
    Guide {
        path: "reports preview",
        examples: &[
            ("reports preview example.org", "what yesterday's report says, and where it goes"),
            (
                "reports preview example.org --organization Example --contact tls@example.com",
                "the same without [reports] in the configuration",
            ),
        ],
        exits: &[
            (0, "shown"),
            (1, "nothing was counted about the domain on that day"),
            (75, "the counts cannot be read now"),
        ],
    },
    Guide {
        path: "reports send",
        examples: &[
            ("reports send --dry-run", "what would be sent, and where to?"),
            ("reports send", "what the timer does"),
        ],
        exits: &[
            (0, "all that was due was sent, or nothing was, or nothing is to be sent"),
            (1, "a report was given up"),
            (75, "some wait for another try"),
        ],
    },
    Guide {
        path: "reports outbox",
        examples: &[
            ("reports outbox", "due, sent, given up"),
            ("reports outbox --failed", "what failed, and its last words"),
        ],
        exits: &[(0, "shown"), (75, "the outbox cannot be read now")],
    },
    Guide {
        path: "reports suppress",
        examples: &[
            ("reports suppress tls@example.org --until 2099-12-31 --reason bounces", "no report goes there"),
            ("reports suppress tls@example.org --lift", "it is tried again"),
        ],
        exits: &[(0, "done"), (1, "with --lift: it was not left alone")],
    },
    Guide {
        path: "reports bounces",
        examples: &[
            ("reports bounces -", "a mail that the mail server hands over"),
            ("reports bounces Maildir", "all that came to the report address"),
        ],
        exits: &[
            (0, "read, whether or not there was a bounce of a report among it"),
            (64, "what was typed is not there, or cannot be opened"),
            (75, "another run is sending reports, or the outbox cannot be changed now"),
        ],
    },
    Guide {
        path: "reports read",
        examples: &[
            ("reports read Maildir", "every report that came by mail"),
            ("reports read report.json.gz --format json", "one file, for programs"),
            ("reports read -", "a mail that a filter hands over"),
            ("reports read Maildir --format prometheus", "series for the textfile collector"),
        ],
        exits: &[
            (0, "every report was read, and none tells of a failure; or there was none"),
            (1, "a report tells of a failure, or something could not be read"),
            (64, "what was typed is not there, or cannot be opened"),
        ],
    },
    Guide {
        path: "fleet",
        examples: &[
            ("fleet schema", "the SQL for whoever rules the database"),
            ("fleet check", "can this host use it?"),
            ("fleet status", "which hosts are there, and which overrides count?"),
        ],
        exits: FLEET,
    },
    Guide {
        path: "fleet schema",
        examples: &[("fleet schema", "to be piped into psql -v ON_ERROR_STOP=1 -1")],
        exits: FLEET,
    },
    Guide {
        path: "fleet check",
        examples: &[("fleet check", "before the daemon is started with [fleet]")],
        exits: FLEET,
    },
    Guide {
        path: "fleet status",
        examples: &[("fleet status", "a line a host"), ("fleet status --format json", "for programs")],
        exits: FLEET,
    },
    Guide {
        path: "fleet purge",
        examples: &[(
            "fleet purge example.org --reason ticket-4711 --signing-key operator.key --role alice --password-file alice.password",
            "as if no host had ever met the domain",
        )],
        exits: FLEET,
    },
    Guide {
        path: "fleet override",
        examples: &[
            (
                "fleet override example.org --require none --hours 24 --reason ticket-4712 --signing-key operator.key --role alice --password-file alice.password",
                "its hosts are held to nothing for a day",
            ),
            (
                "fleet override example.org --lift --reason ticket-4712 --signing-key operator.key --role alice --password-file alice.password",
                "and now to what it publishes again",
            ),
        ],
        exits: FLEET,
    },
    Guide {
        path: "fleet forget",
        examples: &[(
            "fleet forget mx3 --role alice --password-file alice.password",
            "a host that is there no more",
        )],
        exits: FLEET,
    },
    Guide {
        path: "config",
        examples: &[
            ("config check", "can the configuration be used?"),
            ("config show", "what is in force, and where does it come from?"),
        ],
        exits: CONFIG,
    },
    Guide {
        path: "config check",
        examples: &[
            ("config check", "before a restart or a reload"),
            ("config check --config new.toml", "a file, before it takes its place"),
        ],
        exits: CONFIG,
    },
    Guide {
        path: "config show",
        examples: &[
            ("config show", "every value, with file and line"),
            ("config show --format json", "for programs"),
        ],
        exits: CONFIG,
    },
    Guide { path: "config keep", examples: &[("config keep", "as root; the unit does so")], exits: CONFIG },
    Guide {
        path: "why",
        examples: &[
            ("why", "all words, by family"),
            ("why mx-not-in-policy", "a reason"),
            ("why mta-sts.policy", "the lint codes of the policy file"),
        ],
        exits: &[(0, "explained"), (64, "no such word: the nearest ones are named")],
    },
    Guide {
        path: "generate",
        examples: &[
            ("generate man", "smtp-sts-verify(1)"),
            ("generate man --config", "smtp-sts-verify.toml(5)"),
            ("generate completions bash", "for bash, zsh or fish"),
        ],
        exits: &[(0, "written")],
    },
    Guide {
        path: "generate man",
        examples: &[
            ("generate man", "smtp-sts-verify(1)"),
            ("generate man --config", "smtp-sts-verify.toml(5)"),
            ("generate man --markdown", "the same as the first, in Markdown"),
        ],
        exits: &[(0, "written")],
    },
    Guide {
        path: "generate completions",
        examples: &[("generate completions fish", "to standard output")],
        exits: &[(0, "written")],
    },
];

const FLEET: &[(u8, &str)] = &[
    (0, "done"),
    (1, "fleet forget: it was not on the list"),
    (75, "the database cannot be used now"),
    (78, "the configuration, a key, a role or a password is wrong"),
];

const CONFIG: &[(u8, &str)] = &[
    (0, "it can be used"),
    (75, "config keep: the copy cannot be written"),
    (78, "it cannot be used, or something that it names cannot be read"),
];

const CACHE: &[(u8, &str)] = &[
    (0, "done"),
    (1, "nothing is known about the domain, a line was refused, or a fetch failed"),
    (75, "the cache cannot be read or written, or not one policy could be fetched"),
    (78, "the configuration, or the cache's place, owner or mode is wrong"),
];

impl Guide {
    /// The guide of a command.
    #[must_use]
    pub fn of(path: &str) -> Option<&'static Self> {
        GUIDES.iter().find(|guide| guide.path == path)
    }

    /// Every exit code of the command with its meaning here, in the order of the numbers.
    #[must_use]
    pub fn all_exits(&self) -> Vec<(u8, &'static str)> {
        let own = self.exits.iter().copied();
        let general = ExitStatus::ALL.into_iter().filter(|status| {
            // A command that says what it ends with ends with nothing else but what any may end with.
            let may_be_met = self.exits.is_empty()
                || matches!(status, ExitStatus::Usage | ExitStatus::Internal | ExitStatus::Configuration);
            may_be_met && self.exits.iter().all(|(code, _)| *code != status.code())
        });
        let mut all: Vec<_> = own.chain(general.map(|status| (status.code(), status.meaning()))).collect();
        all.sort_by_key(|(code, _)| *code);
        all
    }

    fn examples_text(&self) -> String {
        let mut text = String::from("Examples:");
        for (line, what) in self.examples {
            // Writing into a String does not fail.
            let _ = write!(text, "\n  smtp-sts-verify {line}\n      {what}");
        }
        text
    }

    fn exits_text(&self) -> String {
        let mut text = String::from("Exit codes:");
        for (code, meaning) in self.all_exits() {
            let _ = write!(text, "\n  {code:<4}{meaning}");
        }
        text
    }
}

/// The command line as it is read, with all that is said about it, for 80 columns.
#[must_use]
pub fn command() -> Command {
    guided(Arguments::command().term_width(COLUMNS), "")
}

/// A command and those below it.
fn guided(command: Command, path: &str) -> Command {
    let command = command.mut_args(in_its_place);
    let names: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = names.iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(name, |below| guided(below, path.trim_start()))
    });
    match Guide::of(path) {
        Some(guide) if !guide.examples.is_empty() => command
            .after_help(format!("{}\n\nSee --help for more.", guide.examples_text()))
            .after_long_help(format!("{}\n\n{}", guide.examples_text(), guide.exits_text())),
        _ => command,
    }
}

/// What is asked comes first; whom to ask and to trust is for those who look for it.
fn in_its_place(arg: Arg) -> Arg {
    // Where the name of the value says what it may be, it need not be said twice.
    let is_named = arg.get_value_names().is_some_and(|names| names.iter().any(|name| name.contains('|')));
    let arg = arg.hide_possible_values(is_named);
    match arg.get_id().as_str() {
        "dns" | "insecure_zones" | "config" | "deadline" | "trust_anchor" | "ca_file" | "cachedb"
        | "max_domains" => arg.help_heading("Whom to ask and to trust").hide_short_help(true),
        "https_port" | "smtp_port" | "allow_private_addresses" => {
            arg.help_heading("For laboratories").hide_short_help(true)
        }
        "require_authentication"
        | "on_unreachable"
        | "mechanisms"
        | "tls_verified"
        | "log_format"
        | "color" => arg.hide_short_help(true),
        "caller_txt" | "caller_dnssec" => arg.help_heading("For compatibility").hide_short_help(true),
        _ => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with its path.
    fn all(command: &Command, path: &str) -> Vec<(String, Command)> {
        let below = command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
            .flat_map(|below| all(below, format!("{path} {}", below.get_name()).trim_start()));
        std::iter::once((path.to_owned(), command.clone())).chain(below).collect()
    }

    fn built() -> Command {
        let mut command = command();
        command.build();
        command
    }

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_a_guide_and_every_guide_a_command() {
        let paths: Vec<String> = all(&built(), "").into_iter().map(|(path, _)| path).collect();
        for path in &paths {
            assert!(Guide::of(path).is_some(), "no guide for '{path}'");
        }
        for guide in GUIDES {
            assert!(paths.iter().any(|path| path == guide.path), "no command '{}'", guide.path);
        }
    }

    #[test]
    fn every_example_is_a_command_line_of_its_command() {
        for guide in GUIDES {
            for (line, what) in guide.examples {
                assert!(!what.is_empty() && line.starts_with(guide.path), "{line}");
                let words = std::iter::once("smtp-sts-verify").chain(line.split_whitespace());
                assert!(command().try_get_matches_from(words).is_ok(), "{line}");
            }
        }
    }

    #[test]
    fn every_help_fits_80_columns_and_has_examples_and_the_long_one_exit_codes() {
        for (path, mut command) in all(&built(), "") {
            if Guide::of(&path).is_none_or(|guide| guide.examples.is_empty()) {
                continue;
            }
            let [short, long] = [command.render_help().to_string(), command.render_long_help().to_string()];
            for line in short.lines().chain(long.lines()) {
                assert!(line.is_ascii() && line.len() <= COLUMNS, "{path}: {line}");
            }
            assert!(short.contains("\nExamples:\n") && long.contains("\nExamples:\n"), "{path}: {short}");
            for (code, meaning) in Guide::of(&path).unwrap().all_exits() {
                assert!(long.contains(&format!("\n  {code:<4}{meaning}")), "{path}: {code}");
            }
        }
    }

    #[test]
    fn every_option_is_explained() {
        for (path, command) in all(&built(), "") {
            assert!(command.get_about().is_some(), "{path}");
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                assert!(arg.get_help().is_some(), "{path}: {}", arg.get_id());
            }
        }
    }
}
