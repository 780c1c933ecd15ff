//! `cache history DOMAIN`: what happened to a domain's policies.

use super::sink::Sink;
use super::{Failure, read_domain, to_look_at};
use crate::cache::Entry;
use crate::cli::args::DomainArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::cli::terminal;
use crate::policy::Mode;
use crate::render::page::{Page, Tone};
use serde_json::{Value, json};

/// Runs the command.
pub(super) fn run(arguments: &DomainArguments) -> Result<ExitStatus, Failure> {
    let domain = read_domain(&arguments.domain)?;
    let (cache, _) = to_look_at(&arguments.outside)?;
    let entries = cache.history(&domain)?;
    let mut sink = Sink::stdout();
    for entry in &entries {
        match arguments.format {
            Format::Json => sink.object(&object(domain.as_str(), entry))?,
            Format::Human => {
                sink.line(&line(entry))?;
                if !entry.detail.is_empty() {
                    let mut page = Page::new(terminal::paint());
                    page.indented(Tone::Plain, &entry.detail);
                    sink.page(&page.finish())?;
                }
            }
        }
    }
    if entries.is_empty() && arguments.format == Format::Human {
        sink.line(&format!("nothing is known to have happened to policies of {domain}"))?;
    }
    sink.flush()?;
    Ok(if entries.is_empty() { ExitStatus::Refuse } else { ExitStatus::Deliver })
}

fn line(entry: &Entry) -> String {
    let word = |mode: Option<Mode>| mode.map_or("-", Mode::word);
    let modes = match (entry.before, entry.after) {
        (before, after) if before == after => word(after).to_owned(),
        (before, after) => format!("{} -> {}", word(before), word(after)),
    };
    format!(
        "{} {:<8} {:<13} {modes:<18} {}",
        entry.at,
        entry.dialect.word(),
        entry.event.word(),
        entry.authentication.word()
    )
}

/// One event in JSON: `domain`, `mechanism`, `at`, `event`, `authentication`, `mode_before` and `mode_after` (null: no
/// policy in force), `detail`.
fn object(domain: &str, entry: &Entry) -> Value {
    json!({
        "domain": domain,
        "mechanism": entry.dialect.word(),
        "at": entry.at.0,
        "event": entry.event.word(),
        "authentication": entry.authentication.word(),
        "mode_before": entry.before.map(Mode::word),
        "mode_after": entry.after.map(Mode::word),
        "detail": entry.detail,
    })
}
