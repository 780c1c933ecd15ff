//! `reports outbox`: how far each report is, and which destinations are left alone.

use super::outside::Outside;
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::lookup::Format;
use crate::cli::output::not_taken;
use crate::render::outbox::{human, object, object_of_suppression};
use crate::reporting::outbox::{OutboxEntry, State};
use crate::reporting::schedule::is_over;
use crate::text::Json;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::Args;
use std::io::{self, BufWriter, Write};

/// Which reports are to be shown.
#[derive(Args, Debug)]
pub struct OutboxArguments {
    /// Only those that were given up, or wait after a try
    #[arg(long)]
    pub failed: bool,
    /// Also those that nobody asked for
    #[arg(long, conflicts_with = "failed")]
    pub all: bool,
    /// The shape of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Which cache the outbox lies beside.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &OutboxArguments) -> ExitStatus {
    shown(arguments).unwrap_or_else(|failure| failure.tell("reports outbox"))
}

fn shown(arguments: &OutboxArguments) -> Result<ExitStatus, Failure> {
    let outside = Outside::open(&arguments.outside)?;
    let (outbox, now) = (outside.outbox().read_only(), SystemClock.now());
    let origins = outbox.origins()?;
    let mut output = BufWriter::new(io::stdout());
    let mut write = |text: &str| output.write_all(text.as_bytes());
    let mut taken = Ok(());
    let mut number = 0_usize;
    let mut last: Option<OutboxEntry> = None;
    loop {
        let behind = last.as_ref().map(|entry| (entry.day, &entry.domain));
        let entries = outbox.behind(behind)?;
        let Some(newest) = entries.last().cloned() else { break };
        for mut entry in entries {
            if entry.state.is_open() && is_over(entry.day, now) {
                (entry.state, entry.words) = (State::GaveUp, "nobody sent it in time".to_owned());
            }
            if !is_wanted(arguments, &entry) {
                continue;
            }
            number = number.saturating_add(1);
            let origin = origins.get(&(entry.day, entry.domain.clone()));
            taken = taken.and_then(|()| {
                write(&match arguments.format {
                    Format::Human => human::entry(&entry, origin.map(|origin| origin.part), now),
                    Format::Json => {
                        let of_a_fleet = origin.map(|origin| (origin.store.as_str(), origin.part));
                        format!("{}\n", Json(&object(&entry, of_a_fleet)))
                    }
                })
            });
        }
        last = Some(newest);
    }
    let suppressions = outbox.suppressions()?;
    taken = taken.and_then(|()| {
        write(&match arguments.format {
            Format::Human => human::rest(number, &suppressions, now),
            Format::Json => {
                suppressions.iter().map(|one| format!("{}\n", Json(&object_of_suppression(one)))).collect()
            }
        })
    });
    taken = taken.and_then(|()| output.flush());
    Ok(match taken {
        Ok(()) => ExitStatus::Deliver,
        Err(error) => not_taken(&error, ExitStatus::Deliver),
    })
}

fn is_wanted(arguments: &OutboxArguments, entry: &OutboxEntry) -> bool {
    if arguments.failed {
        return entry.state == State::GaveUp || entry.state.is_open() && entry.tries > 0;
    }
    arguments.all || entry.state != State::Unwanted
}
