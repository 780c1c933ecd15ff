//! What may be typed: the flags of the program that this one grew from, and its own.

use super::log;
use crate::config::{BadConfiguration, Choices, DEFAULT_FILE, DeadlineArgs, DnsArgs, LogArgs, SharedArgs};
use crate::limits::MAX_POLICY_LIFE;
use crate::lint::kind::Kind;
use clap::{Arg, Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// The version, the commit that it was built from where that is known, and the crypto library.
pub(super) const VERSION: &str = env!("SMTP_STS_VERIFY_VERSION");

/// Does the receiving domain demand authenticated TLS, and may its mail go to this host?
///
/// The answer comes from MTA-STS (RFC 8461), DANE (RFC 7672) and SMTP STS (the draft of 2016), asked of DNS and HTTPS by
/// this program itself, which validates DNSSEC on its own. Exim gets one line; on a terminal people get a few more.
#[derive(Debug, Parser)]
#[command(name = "smtp-sts-verify", version = VERSION, args_conflicts_with_subcommands = true)]
#[command(
    override_usage = "smtp-sts-verify [verify] -d DOMAIN [-m HOST]... [OPTIONS]\n       smtp-sts-verify COMMAND ..."
)]
#[command(
    subcommand_help_heading = "Commands, each with a --help of its own",
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What to do; without it: verify.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The question of the default command.
    #[command(flatten)]
    pub verify: VerifyArguments,
    /// Whether pages for people have colours
    #[arg(long, value_name = "auto|always|never", global = true, default_value = "auto")]
    pub color: super::terminal::Color,
}

/// The commands, in the order in which people need them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// May this domain's mail go to this host? (the default)
    ///
    /// With -m the answer is about that host. Without it, it is the domain's answer for a router, with the permitted
    /// hosts as a regular expression.
    #[command(override_usage = "smtp-sts-verify [verify] -d DOMAIN [-m HOST]... [OPTIONS]")]
    Verify(Box<VerifyArguments>),
    /// What would happen to mail for a domain now, and why?
    ///
    /// A dry run: every mechanism is asked to its end, and nothing is changed unless --store says so.
    Explain(super::explain::ExplainArguments),
    /// Can this machine give good verdicts?
    ///
    /// Root sees most: whether Exim's user can use the cache, and what Exim gets.
    Doctor(super::doctor::DoctorArguments),
    /// What is wrong with what a domain publishes, or is about to?
    ///
    /// One record or policy with --kind; else all that the domain publishes, and its MX hosts. The words of its findings never change their meaning; smtp-sts-verify why WORD explains each.
    Lint(LintArguments),
    /// The daemon: answers Exim and Postfix from one long-lived process
    ///
    /// It says the same as the default command, at once where it knows, and stays in the foreground. SIGHUP reads the
    /// configuration again, SIGTERM ends it.
    Serve(super::serve::ServeArguments),
    /// What do a domain's MX hosts show to a sender?
    ///
    /// Nothing is mailed: the probe says EHLO, STARTTLS, shakes hands and says QUIT.
    Probe(super::probe::ProbeArguments),
    /// What does DNS prove about a name?
    ///
    /// What delv is, with this program's eyes. Each question is looked up cold, without any cache, and validated from the root down.
    Lookup(LookupArguments),
    /// Does an `mx` pattern of a policy permit this host?
    ///
    /// Both may be given in U-labels.
    Match(MatchArguments),
    /// What is remembered about domains, for operators
    ///
    /// Commands that only look write nothing, and work for everybody who may read the files.
    Cache(CacheArguments),
    /// What did the daemon count for TLS reports, and what do others report?
    ///
    /// How many sessions with a domain's mail hosts went well, and what the others failed for, by day, policy, host and
    /// address. It learns that from Exim's events and from its own look-ups. With read: what the reports say that others send about
    /// a domain of yours.
    Reports(super::reports::ReportsArguments),
    /// What do many mail hosts know together?
    ///
    /// One memory on PostgreSQL, which the section fleet of the configuration names: a policy that one host has learnt is in force on the others within seconds.
    /// The daemon keeps it up; no answer ever waits for it.
    Fleet(super::fleet::FleetArguments),
    /// Can the configuration be used, and what is in force?
    Config(super::config::ConfigArguments),
    /// What does a word mean that this program says?
    ///
    /// A reason of a verdict, a lint code, a check of doctor, a result type of TLS reports, or an exit code: what it means for
    /// the mail, what to do, and where the rule stands.
    Why(super::why::WhyArguments),
    /// Writes manual pages and shell completions
    ///
    /// They come from the same definitions as the program itself, so they are those of this version.
    Generate(super::generate::GenerateArguments),
}

/// What is to be done with the cache.
#[derive(Args, Debug)]
pub struct CacheArguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// The commands about the cache.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Lists the policies, in the order of their domains
    List(LookArguments),
    /// Shows all that is known about a domain
    Show(DomainArguments),
    /// Tells what happened to a domain's policies, the oldest first
    History(DomainArguments),
    /// Removes what is known about a domain; its history stays
    Purge(DomainArguments),
    /// Writes the policies down for another host, as lines of JSON
    Export(ExportArguments),
    /// Takes over policies that another host exported
    ///
    /// What is in force here gives way only to what was fetched later and is authenticated no worse. A policy that a wrong clock
    /// has fetched in the future (`cache show` says so) gives way to no import: `cache refresh DOMAIN` fetches it anew.
    Import(ImportArguments),
    /// Fetches the policies in force again, whether they are due or not
    Refresh(RefreshArguments),
}

/// A look at the whole cache.
#[derive(Args, Debug)]
pub struct LookArguments {
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// Which cache, and what its policies were learnt under.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// One domain of the cache.
#[derive(Args, Debug)]
pub struct DomainArguments {
    /// The domain
    #[arg(allow_hyphen_values = true)]
    pub domain: OsString,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// Which cache, and what its policies were learnt under.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Policies on their way to another host.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// A file that only its owner can read, replaced as a whole [default: -, standard output]
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The shape of what is said about the file; the export itself is always the same
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// Which cache, and what its policies were learnt under.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Policies from another host.
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// An export; -: standard input. Whoever made it is believed
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// Which cache, and what its policies were learnt under.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Policies to be fetched again; `--deadline` is the time for each domain.
#[derive(Args, Debug)]
pub struct RefreshArguments {
    /// Only this domain [default: all]
    #[arg(allow_hyphen_values = true)]
    pub domain: Option<OsString>,
    /// Asks policy hosts, too, that failed and are left alone for a while
    #[arg(long)]
    pub force: bool,
    /// Says nothing unless something failed, for cron
    #[arg(long)]
    pub quiet: bool,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// Which cache, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// One text to be looked at, one domain, or what a domain should publish.
#[derive(Args, Debug)]
#[command(override_usage = "smtp-sts-verify lint --kind KIND [FILE|-] [--strict] [--format FORMAT]\n       \
                            smtp-sts-verify lint DOMAIN [--no-connect] [OPTIONS]\n       \
                            smtp-sts-verify lint --publish DOMAIN [--mode MODE] [OPTIONS]")]
pub struct LintArguments {
    /// With --kind, a file [default: -, standard input]; otherwise a domain
    #[arg(value_name = "FILE|DOMAIN", required_unless_present = "kind", allow_hyphen_values = true)]
    pub subject: Option<OsString>,
    /// What the file is; one final line end does not count
    #[arg(long, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// Warnings fail, too
    #[arg(long)]
    pub strict: bool,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// Prints what the domain should publish for the MX hosts it has now
    #[arg(long, conflicts_with = "kind")]
    pub publish: bool,
    /// The mode to publish [default: testing]
    #[arg(long, value_name = "MODE", requires = "publish")]
    pub mode: Option<PolicyMode>,
    /// For how long senders may keep the policy, 0 to 31557600 [default: two weeks]
    #[arg(long, value_name = "SECONDS", requires = "publish", value_parser = clap::value_parser!(u64).range(..=MAX_POLICY_LIFE))]
    pub max_age: Option<u64>,
    /// Where TLS reports go, mailto: or https: [default: tls-reports at the domain]
    #[arg(long, value_name = "URI", requires = "publish")]
    pub rua: Option<String>,
    /// Does not look at the certificates of the MX hosts
    #[arg(long, conflicts_with = "kind")]
    pub no_connect: bool,
    /// For laboratories: the port of MX hosts [default: 25]
    #[arg(long, value_name = "N")]
    pub smtp_port: Option<std::num::NonZeroU16>,
    /// Whom to ask and to trust.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// `--mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the words say it")]
pub enum PolicyMode {
    Enforce,
    Testing,
    None,
}

/// One pattern and one host.
#[derive(Args, Debug)]
pub struct MatchArguments {
    /// Such as mx.example.org or *.example.org
    #[arg(allow_hyphen_values = true)]
    pub pattern: OsString,
    /// Such as mx.example.org
    #[arg(allow_hyphen_values = true)]
    pub host: OsString,
    /// Whose rules count
    #[arg(long, value_name = "KIND", default_value = "mta-sts")]
    pub kind: super::matching::Rules,
}

/// Whom to ask and to trust, for the commands that are not asked by Exim; the configuration may say it, too.
#[derive(Args, Clone, Debug)]
pub struct OutsideArguments {
    /// Whom to ask and to trust, and for how long.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// Which log is kept.
    #[command(flatten)]
    pub log: LogArgs,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config: PathBuf,
}

impl OutsideArguments {
    /// These choices, completed by the configuration. If they want a log, it begins here.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn choices(&self) -> Result<Choices, BadConfiguration> {
        let choices = self.without_a_log()?;
        log::begin(&choices);
        Ok(choices)
    }

    /// The same for whoever has a log of another kind.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn without_a_log(&self) -> Result<Choices, BadConfiguration> {
        self.given().with_file(&self.config)
    }

    /// What was said on the command line.
    #[must_use]
    pub fn given(&self) -> Choices {
        Choices { shared: self.shared.clone(), log: self.log, ..Choices::default() }
    }
}

/// One question to DNS, or a batch of them.
#[derive(Args, Debug)]
#[command(mut_args(of_a_look_up))]
pub struct LookupArguments {
    /// The name
    #[arg(required_unless_present = "batch", conflicts_with = "batch")]
    pub name: Option<String>,
    /// The type, such as TXT, MX, TLSA or TYPE65
    #[arg(value_name = "TYPE", required_unless_present = "batch", conflicts_with = "batch")]
    pub rtype: Option<String>,
    /// Reads `NAME TYPE` lines from standard input and answers each with one JSON object, looked up cold
    #[arg(long)]
    pub batch: bool,
    /// With --batch: zones that one look-up has proven count for the others, too; answers are not kept
    #[arg(long, requires = "batch")]
    pub share_zones: bool,
    /// Whom to ask in the DNS.
    #[command(flatten)]
    pub resolver: DnsArgs,
    /// For how long.
    #[command(flatten)]
    pub time: DeadlineArgs,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// The configuration, of which `dns`, `insecure_zones`, `trust_anchor` and `deadline` count here
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config: PathBuf,
}

/// What a shared flag means to a look-up.
fn of_a_look_up(arg: Arg) -> Arg {
    if arg.get_id() == "deadline" { arg.help("Time for one look-up, 1 to 50 [default: 10]") } else { arg }
}

impl LookupArguments {
    /// These choices, completed by the configuration.
    ///
    /// # Errors
    /// [`BadConfiguration`].
    pub fn choices(&self) -> Result<Choices, BadConfiguration> {
        let shared = SharedArgs { resolver: self.resolver.clone(), time: self.time, ..SharedArgs::default() };
        Choices { shared, ..Choices::default() }.with_file(&self.config)
    }
}

/// One question about a delivery.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The domain of the recipient; or a host in square brackets, with or without :PORT behind them, that all mail is
    /// handed to without a look at MX records
    #[arg(short = 'd', long, value_name = "DOMAIN", allow_hyphen_values = true)]
    pub domain: Option<OsString>,
    /// A host that the mail may go to; several: deliver if one of them may have it. Without any: the domain's answer
    /// for a router, with the permitted hosts as `mxre=`
    #[arg(short = 'm', long = "mx", value_name = "HOST", allow_hyphen_values = true)]
    pub hosts: Vec<OsString>,
    /// More words: on the page for people every question and what the answer waited for; beside JSON a log
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    pub config: PathBuf,
    /// Accepted and ignored: what a caller says about the record proves nothing
    #[arg(short = 's', long = "smtp-sts", value_name = "TXT", allow_hyphen_values = true)]
    pub caller_txt: Option<OsString>,
    /// Accepted and ignored: what a caller says about DNSSEC proves nothing
    #[arg(short = 'D', long = "dnssec", value_name = "ANY", num_args = 0..=1,
          default_missing_value = "")]
    pub caller_dnssec: Option<OsString>,
    /// What the configuration may say, too.
    #[command(flatten)]
    pub choices: Choices,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<VerifyArguments, clap::Error> {
        let words = std::iter::once("smtp-sts-verify").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| match arguments {
            Arguments { command: Some(Command::Verify(question)), .. } => *question,
            Arguments { verify, .. } => verify,
        })
    }

    #[test]
    fn verify_is_the_default_command() {
        for line in ["-d example.org -m mx.example.org", "verify -d example.org -m mx.example.org"] {
            let question = parse(line).unwrap();
            assert_eq!(
                (question.domain, question.hosts),
                (Some("example.org".into()), vec!["mx.example.org".into()])
            );
        }
    }

    #[test]
    fn the_callers_word_is_accepted_in_every_shape() {
        for line in [
            "-d a -s v=STS1;x -D",
            "-d a -s -D -m b",
            "-d a -D=yes --smtp-sts=0",
            "-d a --dnssec -m b",
            "-d a -D yes -m b",
            "-d a -Dyes",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_domain_or_host_never_becomes_an_option() {
        let question = parse("-d -v -m --config=/etc/shadow").unwrap();
        assert_eq!(
            (question.domain, question.hosts),
            (Some("-v".into()), vec!["--config=/etc/shadow".into()])
        );
        assert!(!question.verbose);
        assert!(parse("-d a stray").is_err());
    }
}
