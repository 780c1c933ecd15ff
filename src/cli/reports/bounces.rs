//! `reports bounces`: the reports that came back, out of the mail to the report address.

use super::inputs::each;
use super::outside::Outside;
use crate::cache::{Lesson, Outbox, SendingTurn};
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::reporting::bounce::{self, Bounce, Key, MessageId, NoBounce, Return, Returned};
use crate::reporting::outbox::{Suppression, short};
use crate::reporting::schedule::Failing;
use crate::text::Printable;
use crate::time::clock::SystemClock;
use crate::time::{Clock as _, UnixTime};
use crate::tls_report::Unreadable;
use clap::Args;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// What is to be read.
#[derive(Args, Debug)]
pub struct BouncesArguments {
    /// A file, a Maildir or another directory; -: standard input
    #[arg(value_name = "FILE|DIR|-", required = true)]
    pub places: Vec<PathBuf>,
    /// Which cache the outbox lies beside.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &BouncesArguments) -> ExitStatus {
    done(arguments).unwrap_or_else(|failure| failure.tell("reports bounces"))
}

fn done(arguments: &BouncesArguments) -> Result<ExitStatus, Failure> {
    let outbox = Outside::open(&arguments.outside)?.outbox();
    let mut reading = Reading { outbox: &outbox, key: outbox.known_key()?, turn: None };
    for place in &arguments.places {
        each(place, &mut |name, input| reading.take(name, input))?;
    }
    Ok(ExitStatus::Deliver)
}

/// One run.
struct Reading<'a> {
    outbox: &'a Outbox,
    /// Without one, nothing was ever sent.
    key: Option<Key>,
    /// Taken for the first report that came back: whoever sends has the entries of the outbox in his memory.
    turn: Option<SendingTurn>,
}

impl Reading<'_> {
    fn take(&mut self, name: &str, input: Result<&[u8], Unreadable>) -> Result<(), Failure> {
        let read = input.map_err(NoBounce::from).and_then(bounce::read);
        let what = match read {
            Ok(bounce) => self.bounce(&bounce)?,
            Err(why) => format!("nothing is done: {why}"),
        };
        // If nobody takes the line, it is done all the same.
        let _ = writeln!(io::stdout().lock(), "{}", Printable(&format!("{name}: {what}")));
        Ok(())
    }

    /// Does what a bounce says, if it is one of a report of ours, and says what it did.
    fn bounce(&mut self, bounce: &Bounce) -> Result<String, Failure> {
        let Some(key) = &self.key else {
            return Ok("nothing is done: no report was ever handed to the mail server".to_owned());
        };
        let mut words = "nothing is done: it is about a report that is not in the outbox any more";
        for id in &bounce.ids {
            let Some(entry) = self.outbox.entry(id.day, &id.domain)? else { continue };
            match bounce.returns(id, &entry, key) {
                None => words = "nothing is done: no mail of ours has the Message-ID that it gives back",
                Some(Returned::Elsewhere) => {
                    words =
                        "nothing is done: it is about another recipient than the one that our mail went to";
                }
                Some(Returned::Failed(returned)) => {
                    if self.turn.is_none() {
                        self.turn = self.outbox.turn()?;
                    }
                    if self.turn.is_none() {
                        let words =
                            "another run is sending reports: this is to be tried again when it is over";
                        return Err(Failure(ExitStatus::Defer, words.to_owned()));
                    }
                    return note(self.outbox, id, &returned);
                }
            }
        }
        Ok(words.to_owned())
    }
}

/// Notes that a report came back, and has its destination left alone.
fn note(outbox: &Outbox, id: &MessageId, returned: &Return<'_>) -> Result<String, Failure> {
    // As it is now that nobody else changes it.
    let Some(mut entry) = outbox.entry(id.day, &id.domain)? else {
        return Ok("nothing is done: the report was forgotten a moment ago".to_owned());
    };
    let about = format!("the report {} {}", entry.day, entry.domain);
    if !returned.note(&mut entry) {
        return Ok(format!("nothing is done: {about} is known to have come back"));
    }
    let destination = returned.destination();
    let (place, now) = (bounce::place(destination, &entry.domain), SystemClock.now());
    let known = outbox.suppression(&place)?;
    let before = known.map_or_else(Failing::default, |known| known.failing);
    let failing = returned.lesson(before, now);
    let reason = short(&format!("came back: {}", returned.words()));
    outbox.settle(&entry, &Lesson::Failed(Suppression { key: place, failing, reason, is_by_hand: false }))?;
    let then = match failing.is_suppressed(now) {
        true => {
            format!("reports about {} are not sent there until {}", entry.domain, UnixTime(failing.until))
        }
        false => "it is tried again for the next day".to_owned(),
    };
    Ok(format!("{about} came back from {destination}: {}; {then}", returned.words()))
}
