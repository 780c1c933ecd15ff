//! `reports show`: what the daemon counted for TLS reports.

use crate::cache::{CachePath, Counts};
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::lookup::Format;
use crate::cli::output;
use crate::config::{Access, BadConfiguration, Setup};
use crate::render::reports;
use crate::reports::tally::Day;
use crate::text::{Json, excerpt};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::Args;
use std::str::FromStr;

/// What is asked of `reports show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// Only this day, in UTC: YYYY-MM-DD [default: all that are remembered]
    #[arg(long, value_name = "DATE")]
    pub day: Option<Date>,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Which cache the counts lie beside.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// A day as it is typed.
#[derive(Clone, Copy, Debug)]
pub struct Date(pub Day);

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|why| format!("'{}' {why}", excerpt(text, 32)))
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ShowArguments) -> ExitStatus {
    let (path, max_domains) = match beside(&arguments.outside) {
        Ok(place) => place,
        Err(error) => return Failure::from(error).tell("reports"),
    };
    let counts = Counts::beside(&path, max_domains, SystemClock.now()).read_only();
    match counts.of(arguments.day.map(|date| date.0)) {
        Ok(rows) => {
            let text = match arguments.format {
                Format::Human => reports::human(&rows),
                Format::Json => rows
                    .iter()
                    .map(|(row, sessions)| Json(&reports::object(row, *sessions)).to_string() + "\n")
                    .collect(),
            };
            output::write(&text, ExitStatus::Deliver)
        }
        Err(trouble) => output::complain("reports", &trouble.to_string(), ExitStatus::of_trouble(&trouble)),
    }
}

/// The cache that the counts lie beside, as its owner; and how many domains there may be.
pub(super) fn beside(outside: &OutsideArguments) -> Result<(CachePath, u64), BadConfiguration> {
    let setup = Setup::open(outside.choices()?, Access::Owner)?;
    Ok((setup.path()?, setup.choices().max_domains()))
}
