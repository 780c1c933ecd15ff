//! `reports preview`: the report that what was counted about a domain comes to; nothing is sent.

use super::show::{Date, beside};
use crate::cache::Counts;
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::name::{Destination, PolicyDomain};
use crate::render::reports::report;
use crate::reports::document::{Sender, document};
use crate::reports::tally::Day;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::Args;
use std::ffi::OsString;

/// Which report is to be shown.
#[derive(Args, Debug)]
#[command(override_usage = "smtp-sts-verify reports preview DOMAIN --organization NAME\n       \
                      \x20   --contact ADDRESS [--day DATE] [OPTIONS]")]
pub struct PreviewArguments {
    /// The domain that the report is about
    #[arg(value_name = "DOMAIN", allow_hyphen_values = true)]
    pub domain: OsString,
    /// The day that the report is about, in UTC: YYYY-MM-DD [default: yesterday]
    #[arg(long, value_name = "DATE")]
    pub day: Option<Date>,
    /// Who reports: a name
    #[arg(long, value_name = "NAME")]
    pub organization: String,
    /// Who reports: the address at which somebody answers
    #[arg(long, value_name = "ADDRESS")]
    pub contact: String,
    /// Which cache the counts lie beside.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &PreviewArguments) -> ExitStatus {
    shown(arguments).unwrap_or_else(|failure| failure.tell("reports preview"))
}

fn shown(arguments: &PreviewArguments) -> Result<ExitStatus, Failure> {
    let domain = domain(arguments)?;
    let now = SystemClock.now();
    let day = arguments.day.map_or_else(|| Day::of(now).before(1), |date| date.0);
    let (path, max_domains) = beside(&arguments.outside)?;
    let rows = Counts::beside(&path, max_domains, now)
        .read_only()
        .of(Some(day))
        .map_err(|trouble| Failure(ExitStatus::of_trouble(&trouble), trouble.to_string()))?;
    let sender = Sender { organization: &arguments.organization, contact: &arguments.contact };
    let Some(document) = document(sender, &domain, day, &rows) else {
        let why = format!("nothing was counted about {domain} on {day} that a report would tell");
        return Err(Failure(ExitStatus::Refuse, why));
    };
    Ok(output::write(&report(&document), ExitStatus::Deliver))
}

fn domain(arguments: &PreviewArguments) -> Result<PolicyDomain, Failure> {
    match Destination::parse(&arguments.domain) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => {
            Err(Failure::usage("reports are about domains, not addresses".to_owned()))
        }
        Ok(Destination::Unpublishable(why)) | Err(why) => Err(Failure::usage(why.to_string())),
    }
}
