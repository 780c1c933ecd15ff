//! `cache purge DOMAIN`: the next delivery meets the domain for the first time.

use super::sink::Sink;
use super::{Failure, read_domain, to_change};
use crate::cache::Purged;
use crate::cli::args::DomainArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use serde_json::json;

/// Runs the command. Policies learnt under other circumstances go, too: Exim's own view of them would not tell the
/// difference.
pub(super) fn run(arguments: &DomainArguments) -> Result<ExitStatus, Failure> {
    let domain = read_domain(&arguments.domain)?;
    let cache = to_change(&arguments.outside)?;
    let Purged { policies, answers } = cache.purge(&domain)?;
    let mut sink = Sink::stdout();
    match arguments.format {
        Format::Json => {
            sink.object(&json!({"domain": domain.as_str(), "policies": policies, "answers": answers}))?;
        }
        Format::Human if policies == 0 && answers == 0 => {
            sink.line(&format!("nothing was removed: nothing is stored about {domain}"))?;
        }
        Format::Human => {
            let results = if answers == 1 { "DNS result or failure" } else { "DNS results and failures" };
            let named = if policies == 1 { "policy" } else { "policies" };
            sink.line(&format!("removed about {domain}: {policies} {named}, {answers} {results}"))?;
        }
    }
    sink.flush()?;
    Ok(if policies == 0 && answers == 0 { ExitStatus::Refuse } else { ExitStatus::Deliver })
}
