//! `reports send --test ADDRESS`: one mail of a report's shape, by the way of reports, so that an administrator sees it arrive, signed.
//!
//! The report in it is about our own domain and tells of no session. Nothing is remembered of it.

use super::sendmail;
use crate::cli::exit::ExitStatus;
use crate::cli::failure::Failure;
use crate::cli::{output, runtime};
use crate::config::{Organization, Reporting};
use crate::policy::{Mode, PolicyType};
use crate::reporting::destination::MailAddress;
use crate::reporting::fate::Fate;
use crate::reporting::message::{Content, Purpose, mail};
use crate::reporting::package;
use crate::reports::document::{Sender, document};
use crate::reports::session::Ended;
use crate::reports::tally::{Applied, Day, Row};
use crate::text::Printable;
use crate::time::Clock as _;
use crate::time::clock::SystemClock;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use data_encoding::HEXLOWER;
use serde_json::Value;

/// What the test is to show, and where.
const LOOK: &str = "Exim's log has to say R=smtp_sts_reports T=smtp_sts_reports of it; what arrives has to be signed: dkim=pass in its \
     Authentication-Results (Show original, View source), by the selector for reports";

/// Hands it over.
pub(super) fn send(
    reporting: &Reporting,
    (organization, contact): &(Organization, MailAddress),
    to: &MailAddress,
) -> Result<ExitStatus, Failure> {
    // No two tests are the same mail: a receiver would show one of them.
    let mut octets = [0; 16];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| Failure::internal("the system gives no random octets"))?;
    let token = HEXLOWER.encode(&octets);
    let (domain, now) = (contact.domain(), SystemClock.now());
    let day = Day::of(now).before(1);
    let sender = Sender { organization: organization.as_str(), contact: contact.as_str() };
    let row = Row {
        day,
        domain: domain.clone(),
        policy: Applied::without_text(PolicyType::None, Mode::None),
        host: None,
        address: None,
        from: None,
        helo: None,
        ended: Ended::Encrypted,
        code: None,
    };
    let mut report = document(sender, domain, day, &[(row, 0)]).unwrap_or_default();
    let id = format!("{day}.{domain}.{}", token.get(..8).unwrap_or_default());
    if let Some(known) = report.get_mut("report-id") {
        *known = Value::from(id.as_str());
    }
    let (id, file) = (id.as_str(), package::file_name(domain, domain, day, &id));
    let (package, token) = (package::gzip(package::json(&report).as_bytes()), token.as_str());
    let (purpose, from, made) = (Purpose::Trial, contact, now);
    let content = Content { purpose, from, to, domain, id, file: &file, made, token, package: &package };
    let runtime = runtime::build().map_err(Failure::internal)?;
    let text = mail(content);
    let handed = sendmail::hand_over(&reporting.sendmail, from, to, &text);
    let (status, what) = match runtime.block_on(handed) {
        Fate::Accepted(words) => (ExitStatus::Deliver, format!("{words}. {LOOK}")),
        Fate::Refused { why, .. } => (ExitStatus::Refuse, format!("refused: {why}")),
        Fate::Later(why) | Fate::Postponed(why) => (ExitStatus::Defer, format!("not taken: {why}")),
    };
    let line = format!("a test from {from} to {to}: {what}");
    Ok(output::write(&format!("{}\n", Printable(&line)), status))
}
