//! `reports read`: the TLS reports that others send, out of files, directories and standard input.

use super::inputs::each;
use crate::cli::exit::ExitStatus;
use crate::cli::{output, terminal};
use crate::monitoring::received::exposition;
use crate::render::received::{human, json};
use crate::text::JsonText;
use crate::tls_report::collection::Collection;
use crate::tls_report::sums::Sums;
use crate::tls_report::{Unreadable, open};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What is to be read.
#[derive(Args, Debug)]
pub struct ReadArguments {
    /// A file, a Maildir or another directory; -: standard input
    #[arg(value_name = "FILE|DIR|-", required = true)]
    pub places: Vec<PathBuf>,
    /// The name of your mail server in Authentication-Results: what it says there of DKIM is believed, and told
    #[arg(long, value_name = "NAME")]
    pub authserv_id: Option<String>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A page for a person.
    Human,
    /// One JSON object on one line.
    Json,
    /// Series for the textfile collector of Prometheus' node exporter.
    Prometheus,
}

/// Runs the command.
pub(super) fn run(arguments: &ReadArguments) -> ExitStatus {
    let mut collection = Collection::default();
    for place in &arguments.places {
        let mut take = |name: &str, input: Result<&[u8], Unreadable>| {
            match input {
                Ok(octets) => collection.take(name, open::open(octets, arguments.authserv_id.as_deref())),
                Err(why) => collection.miss(name, why),
            }
            Ok(())
        };
        if let Err(failure) = each(place, &mut take) {
            return failure.tell("reports read");
        }
    }
    let sums = Sums::of(&collection);
    let text = match arguments.format {
        Format::Human => human::page(&collection, &sums, terminal::paint()),
        Format::Json => format!("{}\n", JsonText(&json::object(&collection, &sums).to_string())),
        Format::Prometheus => exposition(&collection, &sums),
    };
    let status = if collection.has_faults() { ExitStatus::Refuse } else { ExitStatus::Deliver };
    output::write(&text, status)
}
