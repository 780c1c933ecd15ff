//! `reports suppress`: has a destination left alone, or tried again, by hand.

use super::outside::Outside;
use super::show::Date;
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::limits::MAX_REPORT_WORDS;
use crate::reporting::destination::Destination;
use crate::reporting::outbox::Suppression;
use crate::reporting::schedule::{Failing, end};
use crate::text::excerpt;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use clap::Args;

/// The last second that is written in four digits: for good.
const FOR_GOOD: UnixTime = UnixTime(253_402_300_799);

/// Which destination is to be left alone.
#[derive(Args, Debug)]
pub struct SuppressArguments {
    /// A mail address, or an https URI, as a record names it
    #[arg(value_name = "ADDRESS", allow_hyphen_values = true)]
    pub address: String,
    /// To the end of that day, in UTC: YYYY-MM-DD [default: for good]
    #[arg(long, value_name = "DATE", conflicts_with = "lift")]
    pub until: Option<Date>,
    /// Why, for whoever looks at it later
    #[arg(long, value_name = "TEXT", conflicts_with = "lift")]
    pub reason: Option<String>,
    /// Has it tried again, whoever or whatever suppressed it
    #[arg(long)]
    pub lift: bool,
    /// Which cache the outbox lies beside.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &SuppressArguments) -> ExitStatus {
    done(arguments).unwrap_or_else(|failure| failure.tell("reports suppress"))
}

fn done(arguments: &SuppressArguments) -> Result<ExitStatus, Failure> {
    let key = Destination::from_key(&arguments.address).map_err(|why| Failure::usage(why.to_string()))?.key();
    let now = SystemClock.now();
    let until = arguments.until.map_or(FOR_GOOD, |date| end(date.0));
    if until <= now {
        return Err(Failure::usage(
            "--until is a day that is over; --lift has the address tried again".to_owned(),
        ));
    }
    let outbox = Outside::open(&arguments.outside)?.outbox();
    if arguments.lift {
        let (was, status) = match outbox.lift(&key)? {
            true => ("is tried again", ExitStatus::Deliver),
            false => ("was not left alone", ExitStatus::Refuse),
        };
        return Ok(output::write(&format!("{key} {was}\n"), status));
    }
    let before = outbox.suppression(&key)?.map_or_else(Failing::default, |known| known.failing);
    let failing = Failing { since: 0, until: until.0, times: before.times };
    let reason = arguments.reason.as_deref().unwrap_or("by hand");
    let reason = excerpt(reason, MAX_REPORT_WORDS);
    outbox.suppress(&Suppression { key: key.clone(), failing, reason, is_by_hand: true })?;
    Ok(output::write(&format!("{key} is left alone until {until}\n"), ExitStatus::Deliver))
}
