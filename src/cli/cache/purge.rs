//! `cache purge DOMAIN`: the next delivery meets the domain for the first time, and nothing is reported of those before.
//!
//! While reports are sent the outbox stays as it is, since whoever sends has some of it in memory: then the command is to be repeated.

use super::sink::Sink;
use super::{CommandError, open, read_domain};
use crate::cache::{CacheError, Counts, Outbox, Purged};
use crate::cli::args::DomainArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::limits::REPORTS_RUN;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use serde_json::json;

/// Runs the command. Policies learnt under other circumstances go, too: Exim's own view of them would not tell the
/// difference.
pub(super) fn run(arguments: &DomainArguments) -> Result<ExitStatus, CommandError> {
    let domain = read_domain(&arguments.domain)?;
    let (_, storage) = open(&arguments.outside)?;
    let now = SystemClock.now();
    let Purged { policies, answers } = storage.cache(now).purge(&domain).map_err(|trouble| {
        // The file of DNS results comes first.
        let is_later = [&storage.path, &storage.path.of_fleet()]
            .iter()
            .any(|file| trouble.path() == Some(file.as_path()));
        let removed =
            if is_later { "its DNS results were removed, and no policy" } else { "nothing was removed" };
        failed(&format!("{domain}: {removed}; what is in force stays in force"), &trouble)
    })?;
    let gone = "its policies and DNS results were removed";
    let counts =
        Counts::beside(&storage.path, storage.max_domains, now).purge(&domain).map_err(|trouble| {
            failed(&format!("{domain}: {gone}; what was counted and its reports were not"), &trouble)
        })?;
    let reports =
        Outbox::beside(&storage.path, storage.max_domains, now).purge(&domain).map_err(|trouble| {
            failed(&format!("{domain}: {gone}, and what was counted; its reports were not"), &trouble)
        })?;
    let is_nothing = [policies, answers, counts] == [0; 3] && reports == Some(0);
    let mut sink = Sink::stdout();
    match arguments.format {
        Format::Json => {
            sink.object(&json!({
                "domain": domain.as_str(), "policies": policies, "answers": answers, "counts": counts, "reports": reports,
            }))?;
        }
        Format::Human if is_nothing => {
            sink.line(&format!("nothing was removed: nothing is stored about {domain}"))?;
        }
        Format::Human => {
            let results = if answers == 1 { "DNS result or failure" } else { "DNS results and failures" };
            let named = if policies == 1 { "policy" } else { "policies" };
            let mut line = format!("removed about {domain}: {policies} {named}, {answers} {results}");
            let rows = if counts == 1 { "row of counts" } else { "rows of counts" };
            match reports {
                Some(0) if counts == 0 => {}
                Some(1) => line.push_str(&format!(", {counts} {rows}, 1 report in the outbox")),
                Some(reports) => {
                    line.push_str(&format!(", {counts} {rows}, {reports} reports in the outbox"))
                }
                None => line.push_str(&format!(", {counts} {rows}")),
            }
            sink.line(&line)?;
        }
    }
    sink.flush()?;
    if reports.is_none() {
        let why = format!(
            "reports are being sent: what the outbox knows of {domain} is not removed; say it again in {} minutes",
            REPORTS_RUN.as_secs() / 60 + 1
        );
        return Err(CommandError::Work(ExitStatus::Defer, why));
    }
    Ok(if is_nothing { ExitStatus::Refuse } else { ExitStatus::Deliver })
}

/// What was removed, and what was not, and why.
fn failed(what: &str, trouble: &CacheError) -> CommandError {
    CommandError::from(trouble.clone()).after(what)
}
