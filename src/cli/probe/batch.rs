//! `probe --batch`: a list of domains, as long as it likes to be.
//!
//! Nothing is kept of a domain once its result is written, and results are written in the order of the list: what is
//! held at any time are the domains that are probed now, and those that wait for one before them. There is no memory of
//! DNS answers that they share: what a resolver has in its cache costs a local packet, and what this program would keep
//! for ten thousand domains would have to be bounded, aged and explained.

use super::list::{List, ListedDomain};
use super::pace::Pace;
use super::results::{Done, NoResults, Results};
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::lines;
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::cli::terminal;
use crate::limits::{PARALLEL_DEFAULT, PARALLEL_MAX, RATE_DEFAULT};
use crate::monitoring::Outcome;
use crate::name::PolicyDomain;
use crate::text::JsonText;
use clap::Args;
use futures_util::stream::StreamExt as _;
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::future::Future;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A list of domains, and how it is worked through.
#[derive(Args, Clone, Debug)]
pub struct BatchArguments {
    /// Probes the domains of a list, one a line, `#` begins a comment; -: standard input. One JSON object a domain is
    /// written, in the order of the list
    #[arg(long, value_name = "FILE|-", conflicts_with = "domains")]
    pub batch: Option<PathBuf>,
    /// Continues the file of --output where it was interrupted
    #[arg(long, requires_all = ["batch", "output"], conflicts_with = "domains")]
    pub resume: bool,
    /// Domains that are probed at the same time, 1 to 256
    #[arg(long, value_name = "N", requires = "batch", conflicts_with = "domains", default_value_t = PARALLEL_DEFAULT,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(PARALLEL_MAX)))]
    pub parallel: u32,
    /// Domains that are begun in a second, 1 to 1000
    #[arg(long, value_name = "N", requires = "batch", conflicts_with = "domains", default_value_t = RATE_DEFAULT,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rate: u32,
}

/// What became of one domain.
pub(super) struct DomainResult {
    /// What it comes down to.
    pub(super) outcome: Outcome,
    /// What `probe --format json` says; untrusted texts in it are escaped.
    pub(super) probe: Value,
}

/// One line of the results, as it is written.
#[derive(Serialize)]
struct ResultLine<'a> {
    line: u64,
    domain: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Value>,
}

/// A batch whose files are open.
pub(super) struct Batch {
    list: List<Box<dyn BufRead + Send>>,
    sink: Sink,
    progress: Progress,
    census: Census,
    parallel: usize,
    pace: Pace,
}

impl Batch {
    /// Opens the list and the results, as whoever typed the command.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub(super) fn open(
        arguments: &BatchArguments,
        list: &Path,
        output: Option<&Path>,
    ) -> Result<Self, Failure> {
        let unread = |error: io::Error| {
            Failure(ExitStatus::Usage, format!("the list {} cannot be read: {error}", list.display()))
        };
        let is_stdin = list == Path::new("-");
        let (input, all): (Box<dyn BufRead + Send>, _) = if is_stdin {
            (Box::new(BufReader::new(io::stdin())), None)
        } else {
            let file = File::open(list).map_err(unread)?;
            let all = if file.metadata().map_err(unread)?.is_file() {
                Some(count(list).map_err(unread)?)
            } else {
                None
            };
            (Box::new(BufReader::new(file)), all)
        };
        let (mut list, mut census) = (List::new(input), Census::default());
        let progress = Progress::of(all, "domains", terminal::has_room_for_a_bar(output.is_none()));
        let sink = match output {
            None => Sink::Stdout,
            Some(path) => {
                let opened = if arguments.resume {
                    Results::resume(path, &mut list, |done: &Done| {
                        census.count(&done.outcome);
                        progress.advance(1);
                    })
                } else {
                    Results::begin(path)
                };
                let unusable =
                    |why: NoResults| Failure(ExitStatus::Usage, format!("{} {why}", path.display()));
                Sink::File(opened.map_err(unusable)?)
            }
        };
        let parallel = usize::try_from(arguments.parallel).unwrap_or(1);
        Ok(Self { list, sink, progress, census, parallel, pace: Pace::of(arguments.rate) })
    }

    /// Works through the list; `ask` probes one domain.
    ///
    /// # Errors
    /// If the list cannot be read on, or nobody takes the results.
    pub(super) async fn run<F>(self, ask: impl Fn(PolicyDomain) -> F) -> Result<ExitStatus, Failure>
    where
        F: Future<Output = DomainResult>,
    {
        let Self { list, mut sink, progress, mut census, parallel, pace } = self;
        let begun = Instant::now();
        let (ask, pace) = (&ask, &pace);
        let answers = lines::arriving(list, List::next)
            .then(|entry| async move {
                if matches!(&entry, Ok(ListedDomain { domain: Ok(_), .. })) {
                    pace.turn().await;
                }
                entry
            })
            .map(|entry| async move { answered(entry?, ask).await })
            .buffered(parallel);
        let mut answers = std::pin::pin!(answers);
        let done = loop {
            match answers.next().await {
                None => break Ok(()),
                Some(Err(error)) => {
                    break Err(Failure(ExitStatus::Defer, format!("the list cannot be read on: {error}")));
                }
                Some(Ok((word, line))) => {
                    if let Err(error) = sink.write(&line) {
                        if output::reader_has_gone(&error) {
                            break Ok(());
                        }
                        break Err(Failure(
                            ExitStatus::Defer,
                            format!("the results cannot be written: {error}"),
                        ));
                    }
                    census.count(word);
                    progress.advance(1);
                }
            }
        };
        progress.clear();
        // Nobody is left to tell if this fails.
        let _ = writeln!(io::stderr(), "{}", census.summary(begun.elapsed().as_secs()));
        done?;
        Ok(if census.malformed == 0 { ExitStatus::Deliver } else { ExitStatus::Refuse })
    }
}

/// The entries of a list that can be read twice.
fn count(path: &Path) -> io::Result<u64> {
    let mut list = List::new(BufReader::new(File::open(path)?));
    let mut all: u64 = 0;
    while list.next()?.is_some() {
        all = all.saturating_add(1);
    }
    Ok(all)
}

/// The word under which an entry is counted, and its line.
async fn answered<F>(
    entry: ListedDomain,
    ask: &impl Fn(PolicyDomain) -> F,
) -> io::Result<(&'static str, String)>
where
    F: Future<Output = DomainResult>,
{
    let ListedDomain { line, domain } = entry;
    let (outcome, why, probe) = match &domain {
        Err(bad) => (bad.word(), Some(bad.why()), None),
        Ok(domain) => {
            let DomainResult { outcome, probe } = ask(domain.clone()).await;
            (outcome.word(), None, Some(probe))
        }
    };
    let domain = domain.as_ref().ok().map(PolicyDomain::as_str);
    let text = serde_json::to_string(&ResultLine { line, domain, outcome, why, probe })?;
    Ok((outcome, format!("{}\n", JsonText(&text))))
}

/// Where results go.
enum Sink {
    Stdout,
    File(Results),
}

impl Sink {
    fn write(&mut self, line: &str) -> io::Result<()> {
        match self {
            Self::File(results) => results.write(line),
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush())
            }
        }
    }
}

/// How many entries came to what, those of an interrupted run included.
#[derive(Debug, Default)]
struct Census {
    outcomes: [u64; Outcome::ALL.len()],
    /// Lines that are no domain.
    malformed: u64,
}

impl Census {
    fn count(&mut self, word: &str) {
        let place = Outcome::ALL.iter().position(|outcome| outcome.word() == word);
        let counter = match place.and_then(|place| self.outcomes.get_mut(place)) {
            Some(counter) => counter,
            None => &mut self.malformed,
        };
        *counter = counter.saturating_add(1);
    }

    fn summary(&self, seconds: u64) -> String {
        let all = self.outcomes.iter().fold(self.malformed, |sum, number| sum.saturating_add(*number));
        let counts: Vec<String> = Outcome::ALL
            .iter()
            .zip(self.outcomes)
            // The one that is about us is told where it occurs.
            .filter(|(outcome, number)| **outcome != Outcome::CannotBeLookedAt || *number > 0)
            .map(|(outcome, number)| format!("{number} {}", outcome.word()))
            .collect();
        format!("{all} domains in {seconds} s, {} malformed\n{}", self.malformed, counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_each_outcome_and_the_lines_that_are_no_domain() {
        let mut census = Census::default();
        for word in ["deliverable", "refused", "deliverable", "not-a-domain", "too-long"] {
            census.count(word);
        }
        let expected =
            "5 domains in 7 s, 2 malformed\n2 deliverable, 0 partly, 1 refused, 0 no-mail, 0 unknown";
        assert_eq!((census.summary(7).as_str(), census.malformed), (expected, 2));
    }
}
