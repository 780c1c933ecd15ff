//! `reports send`: hands the reports whose moment has come to the mail server, and to web servers.
//!
//! One run at a time has the turn, and hands over one report at a time: so a run that is killed has one in the air at most.

#[cfg(feature = "fleet")]
mod fleet;
#[cfg(not(feature = "fleet"))]
#[path = "no_fleet.rs"]
mod fleet;
mod progress;
mod round;
mod sendmail;
mod summary;

mod trial;
mod wanted;

use super::outside::Outside;
use super::show::Date;
use crate::cache::Outbox;
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::{output, runtime};
use crate::reporting::destination::MailAddress;
use crate::reporting::schedule::{days, is_closed, is_over};
use crate::reports::tally::Day;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::Args;
use round::Round;

/// Which reports are to be sent.
#[derive(Args, Debug)]
pub struct SendArguments {
    /// Only reports about this day, in UTC: YYYY-MM-DD [default: those that may still leave, of yesterday and the day before]
    #[arg(long, value_name = "DATE")]
    pub day: Option<Date>,
    /// Says what would be sent, and where to; changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Sends this address one mail of a report's shape, about nothing, to see that it arrives, signed; also while send = false
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["day", "dry_run"])]
    pub test: Option<MailAddress>,
    /// Which cache the counts lie beside, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &SendArguments) -> ExitStatus {
    sent(arguments).unwrap_or_else(|failure| failure.tell("reports send"))
}

fn sent(arguments: &SendArguments) -> Result<ExitStatus, Failure> {
    let outside = Outside::open(&arguments.outside)?;
    let nobody = "[reports] needs organization and contact: a report names who made it";
    if let Some(to) = &arguments.test {
        let sender = outside.reporting.sender.as_ref();
        return trial::send(&outside.reporting, sender.ok_or_else(|| Failure::misconfigured(nobody))?, to);
    }
    let now = SystemClock.now();
    let days = match arguments.day {
        Some(Date(day)) if !is_closed(day, now) => {
            return Err(Failure::usage(format!("{day} is not over, or has been for less than five minutes")));
        }
        Some(Date(day)) if is_over(day, now) => {
            return Err(Failure::usage(format!("{day} is too long ago: reports are tried for a day")));
        }
        Some(Date(day)) => vec![day],
        None => days(now).collect(),
    };
    let is_in_a_fleet = outside.setup.choices().fleet.is_some();
    if !outside.reporting.send && !arguments.dry_run && is_in_a_fleet {
        let outbox = outside.outbox();
        let Some(_turn) = outbox.turn()? else {
            return Ok(output::write("another run is handing in counts\n", ExitStatus::Deliver));
        };
        return runtime::build().map_err(Failure::internal)?.block_on(handed_in(&outside, &outbox, &days));
    }
    if !outside.reporting.send && !arguments.dry_run {
        let text = "no reports are sent: [reports] of the configuration has no send = true\n";
        return Ok(output::write(text, ExitStatus::Deliver));
    }
    let Some(sender) = outside.reporting.sender.clone() else {
        return Err(Failure::misconfigured(nobody));
    };
    let asker = outside.asker()?;
    let runtime = runtime::build().map_err(Failure::internal)?;
    if arguments.dry_run {
        if is_in_a_fleet {
            summary::say(
                "this host is one of a fleet, which sends one report for all: what follows is what this host alone counted",
            );
        }
        let mut round = Round::new(&outside, &sender, &asker, None);
        runtime.block_on(round.rehearse(&outside.outbox().read_only(), &days))?;
        return Ok(round.told().rehearsed());
    }
    let outbox = outside.outbox();
    let Some(_turn) = outbox.turn()? else {
        let text = "another run is sending reports\n";
        return Ok(output::write(text, ExitStatus::Deliver));
    };
    runtime.block_on(async {
        let part = fleet::Part::of(&outside).await?;
        let mut round = Round::new(&outside, &sender, &asker, part);
        round.send(&outbox, &days).await?;
        Ok(match round.told().end() {
            ExitStatus::Deliver if round.waits_for_the_fleet() => ExitStatus::Defer,
            status => status,
        })
    })
}

/// Hands in what was counted to the fleet, of which other hosts send.
async fn handed_in(outside: &Outside, outbox: &Outbox, days: &[Day]) -> Result<ExitStatus, Failure> {
    let Some(mut part) = fleet::Part::of(outside).await? else { return Ok(ExitStatus::Deliver) };
    let waiting = part.hand_in(outbox, &outside.counts(), days).await?;
    for day in days {
        outbox.plan(*day, Day::of(SystemClock.now()).before(outside.reporting.days), &[])?;
    }
    let text =
        "what this host counted is handed in to the fleet: [reports] has no send = true, and others send\n";
    Ok(match (waiting.is_empty(), part.is_connected()) {
        (true, true) => output::write(text, ExitStatus::Deliver),
        _ => ExitStatus::Defer,
    })
}
