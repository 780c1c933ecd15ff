//! `reports preview`: the report that what was counted about a domain comes to, and where it would go; nothing is sent.
//!
//! The report is on standard output, for whoever reads it next; what is said about it, on standard error.

use super::outside::{Outside, Wish};
use super::show::Date;
use crate::cli::args::OutsideArguments;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::{output, runtime};
use crate::config::Organization;
use crate::name::{Destination, PolicyDomain};
use crate::render::reports::report;
use crate::reporting::destination::{self, MailAddress};
use crate::reporting::{package, schedule};
use crate::reports::document::{Sender, document};
use crate::reports::tally::Day;
use crate::text::{Printable, excerpt};
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use clap::Args;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, Write as _};

/// Characters of a record that are shown.
const SHOWN: usize = 512;

/// Which report is to be shown.
#[derive(Args, Debug)]
#[command(override_usage = "smtp-sts-verify reports preview DOMAIN [--day DATE] [OPTIONS]\n       \
                      smtp-sts-verify reports preview --all [--day DATE] [OPTIONS]")]
pub struct PreviewArguments {
    /// The domain that the report is about
    #[arg(value_name = "DOMAIN", allow_hyphen_values = true, required_unless_present = "all")]
    pub domain: Option<OsString>,
    /// The reports about every domain of that day, a JSON object a line; nobody is asked where they would go
    #[arg(long, conflicts_with = "domain")]
    pub all: bool,
    /// The day that the report is about, in UTC: YYYY-MM-DD [default: yesterday]
    #[arg(long, value_name = "DATE")]
    pub day: Option<Date>,
    /// Who reports: a name [default: that of the configuration]
    #[arg(long, value_name = "NAME")]
    pub organization: Option<Organization>,
    /// Who reports: the address at which somebody answers [default: that of the configuration]
    #[arg(long, value_name = "ADDRESS")]
    pub contact: Option<MailAddress>,
    /// Which cache the counts lie beside, and whom to ask.
    #[command(flatten)]
    pub outside: OutsideArguments,
}

/// Runs the command.
pub(super) fn run(arguments: &PreviewArguments) -> ExitStatus {
    shown(arguments).unwrap_or_else(|failure| failure.tell("reports preview"))
}

fn shown(arguments: &PreviewArguments) -> Result<ExitStatus, Failure> {
    let domain = arguments.domain.as_deref().map(read_domain).transpose()?;
    let outside = Outside::open(&arguments.outside)?;
    let chosen = &outside.setup.choices().reports;
    let organization = arguments.organization.clone().or_else(|| chosen.organization.clone());
    let contact = arguments.contact.clone().or_else(|| chosen.contact.clone());
    let (Some(organization), Some(contact)) = (organization, contact) else {
        return Err(Failure::usage(
            "a report names who made it: --organization and --contact, or the same keys in [reports] of the configuration"
                .to_owned(),
        ));
    };
    let day = arguments.day.map_or_else(|| Day::of(SystemClock.now()).before(1), |date| date.0);
    let sender = Sender { organization: organization.as_str(), contact: contact.as_str() };
    match domain {
        Some(domain) => one(&outside, sender, &contact, &domain, day),
        None => all(&outside, sender, day),
    }
}

fn one(
    outside: &Outside,
    sender: Sender<'_>,
    contact: &MailAddress,
    domain: &PolicyDomain,
    day: Day,
) -> Result<ExitStatus, Failure> {
    let rows = outside.counts().of_domain(day, domain)?;
    let Some(document) = document(sender, domain, day, &rows) else {
        let why = format!("nothing was counted about {domain} on {day} that a report would tell");
        return Err(Failure(ExitStatus::Refuse, why));
    };
    let status = output::write(&report(&document), ExitStatus::Deliver);
    let submitter = contact.domain();
    let mut lines = Vec::new();
    let wish = runtime::build().map_err(Failure::internal)?.block_on(outside.asker()?.wish_of(domain));
    match wish {
        Wish::Nothing(why) => lines.push(format!("goes nowhere: {why}")),
        Wish::Unknown(why) | Wish::Postponed(why) => {
            lines.push(format!("nobody can tell now where it goes: {why}"))
        }
        Wish::Record(record, destinations) => {
            lines.push(format!("record at _smtp._tls.{domain}: {}", excerpt(record.as_str(), SHOWN)));
            for one in destinations {
                lines.push(told(outside, domain, one)?);
            }
        }
    }
    if let Some(why) = outside.reporting.spares(submitter, domain) {
        lines.push(format!("goes nowhere: {why}"));
    }
    if !outside.reporting.successes && !package::tells_of_a_failure(&document) {
        lines.push("goes nowhere: nothing failed, and the configuration says successes = false".to_owned());
    }
    lines.push(format!("its moment: {}", schedule::moment(submitter, domain, day)));
    lines.push(match outside.outbox().read_only().entry(day, domain)? {
        Some(entry) => format!("in the outbox: {}, {}", entry.state.word(), entry.words),
        None => "it is not in the outbox yet".to_owned(),
    });
    lines.extend(of_a_fleet(outside, domain, day)?);
    if !outside.reporting.send {
        lines.push("no reports are sent: [reports] of the configuration has no send = true".to_owned());
    }
    for line in lines {
        // Nobody is left to tell if this fails, too.
        let _ = writeln!(io::stderr(), "{}", Printable(&line));
    }
    Ok(status)
}

/// Whose report it is, where this host is one of a fleet.
fn of_a_fleet(outside: &Outside, domain: &PolicyDomain, day: Day) -> Result<Option<String>, Failure> {
    let outbox = outside.outbox().read_only();
    let key = (day, domain.clone());
    let told = match outbox.origins()?.get(&key).map(|origin| origin.part) {
        Some(0) => {
            Some("the one in the outbox is the fleet's, which this host sends, with the sums of all hosts")
        }
        Some(_) => Some("the one in the outbox is a supplement of the fleet's, which this host sends"),
        None if outside.setup.choices().fleet.is_none() => None,
        None if outbox.begun_alone(day)?.contains(domain.as_str()) => {
            Some("this host tells its counts alone, for the fleet's database was away until noon")
        }
        None if outbox.handed_in_perhaps(day)?.contains(domain.as_str()) => Some(
            "these counts were handed in to the fleet, whose database has not said yet whether it has them",
        ),
        None if outbox.handed_in(day)?.contains(domain.as_str()) => Some(
            "these counts were handed in to the fleet: one of its hosts sends one report with the sums of all",
        ),
        None => Some(
            "this host is one of a fleet, to which it hands these counts in: one report has the sums of all",
        ),
    };
    Ok(told.map(str::to_owned))
}

/// A destination, and whether the report would go there.
fn told(
    outside: &Outside,
    domain: &PolicyDomain,
    one: Result<destination::Destination, destination::Unusable>,
) -> Result<String, Failure> {
    Ok(match one {
        Err(unusable) => format!("does not go there: {unusable}"),
        Ok(destination @ destination::Destination::Web(_)) if !outside.reporting.https => {
            format!("does not go to {destination}: the configuration says https = false")
        }
        Ok(destination) => {
            let now = SystemClock.now();
            match outside.outbox().read_only().why_left_alone(&destination.key(), domain, now)? {
                Some(one) => format!("does not go to {destination}, which is left alone: {}", one.reason),
                None => format!("goes to {destination}"),
            }
        }
    })
}

fn all(outside: &Outside, sender: Sender<'_>, day: Day) -> Result<ExitStatus, Failure> {
    let counts = outside.counts();
    let mut output = BufWriter::new(io::stdout());
    for domain in counts.domains(day)? {
        let rows = counts.of_domain(day, &domain)?;
        let Some(document) = document(sender, &domain, day, &rows) else { continue };
        if let Err(error) = writeln!(output, "{}", package::json(&document)) {
            return Ok(output::not_taken(&error, ExitStatus::Deliver));
        }
    }
    let done = output.flush().map(|()| ExitStatus::Deliver);
    Ok(done.unwrap_or_else(|error| output::not_taken(&error, ExitStatus::Deliver)))
}

/// Reads the domain that was typed.
pub(super) fn read_domain(argument: &OsStr) -> Result<PolicyDomain, Failure> {
    match Destination::parse(argument) {
        Ok(Destination::Domain(domain)) => Ok(domain),
        Ok(Destination::AddressLiteral) => {
            Err(Failure::usage("reports are about domains, not addresses".to_owned()))
        }
        Ok(Destination::Unpublishable(why)) | Err(why) => Err(Failure::usage(why.to_string())),
    }
}
