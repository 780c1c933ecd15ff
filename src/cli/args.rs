//! What may be typed: the flags of the program that this one grew from, and its own.

use super::config::{Choices, Deadline, NameServer};
use super::exit::ExitStatus;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Does the receiving domain demand authenticated TLS, and may its mail go to this host?
#[derive(Debug, Parser)]
#[command(name = "smtp-sts-verify", version, args_conflicts_with_subcommands = true)]
#[command(override_usage = "smtp-sts-verify [verify] -d DOMAIN [-m HOST]... [OPTIONS]\n       smtp-sts-verify lookup NAME TYPE [OPTIONS]", after_help = after_help())]
pub struct Arguments {
    /// What to do; without it: verify.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The question of the default command.
    #[command(flatten)]
    pub verify: VerifyArguments,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// May this domain's mail go to this host? (the default)
    Verify(VerifyArguments),
    /// What does DNS prove about a name? (what delv is, with this program's eyes)
    Lookup(LookupArguments),
}

/// One question to DNS, or a batch of them.
#[derive(Args, Debug)]
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
    /// A name server; repeatable [default: those of /etc/resolv.conf]
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub dns: Vec<NameServer>,
    /// DNSKEY or DS lines to trust [default: the root's, built in]
    #[arg(long, value_name = "FILE")]
    pub trust_anchor: Option<PathBuf>,
    /// Time for one look-up, 1 to 50 [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<Deadline>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: super::lookup::Format,
    /// The configuration, of which `dns`, `trust_anchor` and `deadline` count here
    #[arg(long, value_name = "FILE", default_value = super::config::DEFAULT_FILE)]
    pub config: PathBuf,
}

/// One question about a delivery.
#[derive(Args, Debug)]
#[command(after_help = after_help())]
pub struct VerifyArguments {
    /// The domain of the recipient
    #[arg(short = 'd', long, value_name = "DOMAIN", allow_hyphen_values = true)]
    pub domain: Option<OsString>,
    /// A host that the mail may go to; several: deliver if one of them may have it. Without any: the domain's answer
    /// for a router, with the permitted hosts as `mxre=`
    #[arg(short = 'm', long = "mx", value_name = "HOST", allow_hyphen_values = true)]
    pub hosts: Vec<OsString>,
    /// More words for people: every question asked, and a log on standard error (never in Exim's format)
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = super::config::DEFAULT_FILE)]
    pub config: PathBuf,
    /// Accepted and ignored: what a caller says about the record proves nothing
    #[arg(
        short = 's',
        long = "smtp-sts",
        value_name = "TXT",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    pub caller_txt: Option<OsString>,
    /// Accepted and ignored: what a caller says about DNSSEC proves nothing
    #[arg(short = 'D', long = "dnssec", value_name = "ANY", num_args = 0..=1,
          default_missing_value = "", hide_short_help = true)]
    pub caller_dnssec: Option<OsString>,
    /// What the configuration may say, too.
    #[command(flatten)]
    pub choices: Choices,
}

/// Examples and exit codes, below every help.
fn after_help() -> String {
    let codes: Vec<String> =
        ExitStatus::ALL.iter().map(|status| format!("  {:<4}{}", status.code(), status.meaning())).collect();
    format!(
        "Examples:\n  \
         smtp-sts-verify -d example.org -m mx.example.org     may mail for example.org go there?\n  \
         smtp-sts-verify -d example.org                       what does the domain demand?\n  \
         smtp-sts-verify lookup _smtp_sts.example.org TXT     what does DNS prove?\n\n\
         Exit codes:\n{}",
        codes.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(line: &str) -> Result<VerifyArguments, clap::Error> {
        let words = std::iter::once("smtp-sts-verify").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| match arguments {
            Arguments { command: Some(Command::Verify(question)), .. } => question,
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

    #[test]
    fn the_definition_is_consistent_and_its_help_names_every_exit_code() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        for status in ExitStatus::ALL {
            assert!(help.contains(&format!("  {:<4}{}", status.code(), status.meaning())), "{status:?}");
        }
    }
}
