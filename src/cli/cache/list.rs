//! `cache list`: every policy, one a line, while they are read.

use super::sink::Sink;
use super::{CommandError, to_look_at_under};
use crate::cli::args::LookArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::lookup::Format;
use crate::policy::{Mechanisms, StoredPolicy};
use crate::time::UnixTime;
use serde_json::{Value, json};

/// Runs the command.
pub(super) fn run(arguments: &LookArguments) -> Result<ExitStatus, CommandError> {
    let (cache, now, mechanisms) = to_look_at_under(&arguments.outside)?;
    let mut sink = Sink::stdout();
    let mut number: u64 = 0;
    for policy in cache.all() {
        let policy = policy?;
        match arguments.format {
            Format::Json => sink.object(&object(&policy, mechanisms, now))?,
            Format::Human => {
                if number == 0 {
                    sink.line(&row("domain", ["dialect", "mode", "auth", "fetched", "ends", "applied"]))?;
                }
                sink.line(&line(&policy, mechanisms, now))?;
            }
        }
        number = number.saturating_add(1);
    }
    if arguments.format == Format::Human {
        let census = cache.census()?;
        let (elsewhere, damaged) = (census.elsewhere, census.here.saturating_sub(number));
        if number == 0 && damaged == 0 {
            sink.line("no policy is stored")?;
        }
        if damaged > 0 {
            sink.line(&format!("not shown, as damaged: {damaged}; `smtp-sts-verify doctor` tells more"))?;
        }
        if elsewhere > 0 {
            sink.line(&format!("not shown, as learnt under other trust anchors, authorities or laboratory settings: {elsewhere}"))?;
        }
    }
    sink.flush()?;
    Ok(ExitStatus::Deliver)
}

/// One policy in JSON, moments in seconds since 1970: `domain`, `mechanism`, `mode`, `authentication`, `fetched_at`,
/// `expires_at`, `applied_at` (null if it never was), `expired`, `in_force`; and `left_out`, which is true and there only where
/// the configuration leaves its mechanism out, so that it is kept and not applied.
pub(super) fn object(policy: &StoredPolicy, mechanisms: Mechanisms, now: UnixTime) -> Value {
    let mut object = json!({
        "domain": policy.domain.as_str(),
        "mechanism": policy.policy.dialect().word(),
        "mode": policy.policy.mode().word(),
        "authentication": policy.authentication.word(),
        "fetched_at": policy.fetched_at.0,
        "expires_at": policy.expires_at.0,
        "applied_at": policy.applied_at.map(|at| at.0),
        "expired": !policy.is_unexpired(now),
        "in_force": policy.is_unexpired(now) && policy.is_in_force(),
    });
    if let Value::Object(fields) = &mut object
        && !mechanisms.include(policy.policy.dialect())
    {
        fields.insert("left_out".into(), true.into());
    }
    object
}

fn line(policy: &StoredPolicy, mechanisms: Mechanisms, now: UnixTime) -> String {
    let ends = if policy.is_unexpired(now) { day(policy.expires_at) } else { "ended".to_owned() };
    let applied = match policy.applied_at {
        _ if !mechanisms.include(policy.policy.dialect()) => "not applied (mechanisms)".to_owned(),
        Some(at) => day(at),
        None => "-".to_owned(),
    };
    let cells = [
        policy.policy.dialect().word(),
        policy.policy.mode().word(),
        policy.authentication.word(),
        &day(policy.fetched_at),
        &ends,
        &applied,
    ];
    row(policy.domain.as_str(), cells)
}

/// Eighty columns for a domain of up to twenty octets.
fn row(domain: &str, [dialect, mode, authentication, fetched, ends, applied]: [&str; 6]) -> String {
    format!("{domain:<20} {dialect:<8} {mode:<7} {authentication:<9} {fetched:<10} {ends:<10} {applied}")
}

/// The date of a moment.
fn day(at: UnixTime) -> String {
    at.to_string().chars().take_while(|c| *c != 'T').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_fits_into_eighty_columns_where_the_name_allows_it() {
        let cells = ["smtp-sts", "enforce", "first-use", "2026-11-22", "2026-11-22", "2026-11-22"];
        assert_eq!(row("twenty-octets.exampl", cells).len(), 80);
    }
}
