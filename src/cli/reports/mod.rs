//! `reports`: what the daemon counted for TLS reports, the reports that it comes to and what becomes of them, and what those of others say.

pub mod bounces;
mod inputs;
pub mod outbox;
mod outside;
pub mod preview;
pub mod read;
pub mod send;
pub mod show;
pub mod suppress;

use super::exit::ExitStatus;
use bounces::BouncesArguments;
use clap::{Args, Subcommand};
use outbox::OutboxArguments;
use preview::PreviewArguments;
use read::ReadArguments;
use send::SendArguments;
use show::ShowArguments;
use suppress::SuppressArguments;

/// What is asked of `reports`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(override_usage = "smtp-sts-verify reports [show] [--day DATE] [OPTIONS]\n       \
                      smtp-sts-verify reports preview DOMAIN [--day DATE] [OPTIONS]\n       \
                      smtp-sts-verify reports send [--day DATE] [--dry-run] [OPTIONS]\n       \
                      smtp-sts-verify reports send --test ADDRESS [OPTIONS]\n       \
                      smtp-sts-verify reports outbox [--failed] [OPTIONS]\n       \
                      smtp-sts-verify reports suppress ADDRESS [--until DATE] [OPTIONS]\n       \
                      smtp-sts-verify reports bounces FILE|DIR|-... [OPTIONS]\n       \
                      smtp-sts-verify reports read FILE|DIR|-...")]
pub struct ReportsArguments {
    /// What to do; without it: show.
    #[command(subcommand)]
    pub command: Option<ReportsCommand>,
    /// What is to be shown.
    #[command(flatten)]
    pub show: ShowArguments,
}

/// The commands about TLS reports.
#[derive(Debug, Subcommand)]
pub enum ReportsCommand {
    /// Shows what the daemon counted (the default)
    Show(ShowArguments),
    /// Shows the report about a domain that the counts of a day come to; sends nothing
    ///
    /// The JSON of RFC 8460, as senders report it: a session counts once, under the policy that was applied. The record of the domain,
    /// where the report would go and when, is told on standard error.
    Preview(PreviewArguments),
    /// Sends the reports that are due; for the timer, and safe to run twice
    ///
    /// Of yesterday and the day before, to those who publish a TLSRPT record: by mail through the sendmail command, and by https. Each
    /// domain has its own moment between 00:05 and 04:00 UTC. What fails is tried again for a day, with growing pauses. Nothing is sent
    /// unless the configuration says send = true in its section reports. Where hosts share a memory, what this host counted is handed in to the fleet,
    /// send = true or not, and each report is sent by one of its hosts, with the sums of all.
    Send(SendArguments),
    /// How far is each report, and which addresses are left alone?
    ///
    /// due waits for its moment or the next try, sent was taken, gave-up was not, in a day, or was refused; claimed and handed are at work, or
    /// were when somebody ended it. Those that nobody asked for are shown with --all.
    Outbox(OutboxArguments),
    /// Has an address of reports left alone, or tried again
    ///
    /// One that refuses for good, or fails for three days, is left alone for a week without being told, then for twice as long, up to 90 days.
    Suppress(SuppressArguments),
    /// Reads the bounces of reports, and has dead addresses left alone
    ///
    /// Mail as it came, a Maildir, an mbox, a directory of files, standard input. A report that a mail server could not deliver counts as given
    /// up, and reports about that domain do not go to that address for a week, then for twice as long, up to 90 days. A mail counts only
    /// if it is a delivery status notification (RFC 3464) of a permanent failure that gives back the Message-ID of the report's mail, which
    /// nobody can guess, and names its recipient. Whatever else comes does nothing; each mail has a line that says what was done. The mail
    /// server hands them over by itself, as exim/reports/README.md sets it up.
    Bounces(BouncesArguments),
    /// Reads the TLS reports that others send about a domain of yours
    ///
    /// Mail as it came, a Maildir, an mbox, a directory of files, JSON, gzip and zip: what a file is, its content says. It tells who sent
    /// what, what failed at which MX host, and what to do about it. A report that came twice counts once, and what cannot be read is named
    /// at the end. Nobody verifies here who sent a report; nothing is decided by one.
    Read(ReadArguments),
}

/// Runs the command.
pub(super) fn run(arguments: &ReportsArguments) -> ExitStatus {
    match &arguments.command {
        Some(ReportsCommand::Read(arguments)) => read::run(arguments),
        Some(ReportsCommand::Bounces(arguments)) => bounces::run(arguments),
        Some(ReportsCommand::Outbox(arguments)) => outbox::run(arguments),
        Some(ReportsCommand::Suppress(arguments)) => suppress::run(arguments),
        Some(ReportsCommand::Send(arguments)) => send::run(arguments),
        Some(ReportsCommand::Preview(arguments)) => preview::run(arguments),
        Some(ReportsCommand::Show(arguments)) => show::run(arguments),
        None => show::run(&arguments.show),
    }
}
