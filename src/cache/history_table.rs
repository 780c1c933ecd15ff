//! The table `history`: what happened to policies. Of each domain, and of all together, a bounded number of the newest events is kept.

use super::database::{Database, SPLIT_PAGES};
use super::fingerprint::{Fingerprint, short_digest};
use super::history::{Event, HistoryEntry};
use super::row::{integer, moment};
use super::statement::run;
use crate::limits::{MAX_EVENT_DETAIL_OCTETS, MAX_EVENTS_ON_AVERAGE, MAX_EVENTS_PER_DOMAIN};
use crate::name::PolicyDomain;
use crate::policy::{Authentication, Dialect, Mode};
use crate::time::UnixTime;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params};

const INSERT: &str = "INSERT INTO history
    (domain, fingerprint, mechanism, at, event, authentication, mode_before, mode_after, detail, checksum)
    VALUES (:domain, :fingerprint, :mechanism, :at, :event, :authentication, :mode_before, :mode_after, :detail, :checksum)";

const SELECT: &str = "SELECT mechanism, at, event, authentication, mode_before, mode_after, detail, checksum
    FROM history WHERE domain = :domain AND fingerprint = :fingerprint AND octet_length(detail) <= :longest
    ORDER BY number";

const LAST: &str = "SELECT at FROM history
    WHERE domain = :domain AND fingerprint = :fingerprint AND mechanism = :mechanism AND event = :event
    ORDER BY number DESC LIMIT 1";

const TRIM_DOMAIN: &str = "DELETE FROM history WHERE number IN (SELECT number FROM history
    WHERE domain = :domain AND fingerprint = :fingerprint ORDER BY number DESC LIMIT -1 OFFSET :most)";

/// The numbers count up, so the newest of all are those above a number; there may be fewer, never more.
const TRIM_ALL: &str = "DELETE FROM history WHERE number <= :oldest";

/// When pages are missing, so many go at once: most events share their page with others.
const TRIM_OLDEST: &str = "DELETE FROM history WHERE number IN
    (SELECT number FROM history WHERE number > -1 ORDER BY number LIMIT 64)";

const FORGET: &str = "DELETE FROM history
    WHERE domain = :domain AND NOT EXISTS (SELECT 1 FROM policy WHERE policy.domain = :domain)";

/// The statements that a look-up or `explain` may need here.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INSERT, SELECT, LAST, TRIM_DOMAIN, TRIM_ALL, TRIM_OLDEST, FORGET];

/// Writes an event down, and lets the oldest ones go: so many as the bounds demand, and as many as it takes for the
/// policies to have room to be renewed in. An event that is missing is better than a policy that is.
pub(super) fn append(
    transaction: &Transaction<'_>,
    domain: &PolicyDomain,
    entry: &HistoryEntry,
    database: &Database,
) -> rusqlite::Result<()> {
    while Database::free_pages(transaction)? < 2 * SPLIT_PAGES {
        if run(transaction, TRIM_OLDEST, [])? == 0 {
            return Ok(());
        }
    }
    let columns = Columns::of(domain, entry);
    let fingerprint = database.fingerprint;
    transaction.prepare_cached(INSERT)?.execute(named_params! {
        ":domain": columns.domain,
        ":fingerprint": fingerprint.as_bytes(),
        ":mechanism": columns.mechanism,
        ":at": columns.at,
        ":event": columns.event,
        ":authentication": columns.authentication,
        ":mode_before": columns.before,
        ":mode_after": columns.after,
        ":detail": columns.detail,
        ":checksum": columns.checksum(fingerprint),
    })?;
    let newest = transaction.last_insert_rowid();
    let most = database.max_domains.saturating_mul(MAX_EVENTS_ON_AVERAGE).max(MAX_EVENTS_PER_DOMAIN);
    let oldest = newest.saturating_sub(i64::try_from(most).unwrap_or(i64::MAX));
    run(transaction, TRIM_ALL, named_params! { ":oldest": oldest })?;
    let most = i64::try_from(MAX_EVENTS_PER_DOMAIN).unwrap_or(i64::MAX);
    let domain =
        named_params! { ":domain": columns.domain, ":fingerprint": fingerprint.as_bytes(), ":most": most };
    run(transaction, TRIM_DOMAIN, domain)?;
    Ok(())
}

/// What happened to a domain's policies, the oldest first.
pub(super) fn select(
    connection: &Connection,
    domain: &PolicyDomain,
    fingerprint: Fingerprint,
) -> rusqlite::Result<Vec<HistoryEntry>> {
    let mut statement = connection.prepare_cached(SELECT)?;
    let mut rows = statement.query(named_params! {
        ":domain": domain.as_str(),
        ":fingerprint": fingerprint.as_bytes(),
        ":longest": i64::try_from(MAX_EVENT_DETAIL_OCTETS).unwrap_or(i64::MAX),
    })?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.extend(understand(row, domain, fingerprint));
    }
    Ok(entries)
}

/// When that was written down last about a domain's policy.
pub(super) fn last(
    connection: &Connection,
    domain: &PolicyDomain,
    dialect: Dialect,
    event: Event,
    fingerprint: Fingerprint,
) -> rusqlite::Result<Option<UnixTime>> {
    let key = named_params! {
        ":domain": domain.as_str(),
        ":fingerprint": fingerprint.as_bytes(),
        ":mechanism": dialect.word(),
        ":event": event.word(),
    };
    let mut statement = connection.prepare_cached(LAST)?;
    Ok(statement.query_row(key, |row| row.get(0)).optional()?.and_then(moment))
}

/// Forgets what happened to a domain of which no policy is left.
pub(super) fn forget(transaction: &Transaction<'_>, domain: &str) -> rusqlite::Result<()> {
    run(transaction, FORGET, named_params! { ":domain": domain })?;
    Ok(())
}

/// A row's columns, as SQLite holds them.
#[derive(Debug)]
struct Columns<'a> {
    domain: &'a str,
    mechanism: &'a str,
    at: i64,
    event: &'a str,
    authentication: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    detail: &'a str,
}

impl<'a> Columns<'a> {
    fn of(domain: &'a PolicyDomain, entry: &'a HistoryEntry) -> Self {
        Self {
            domain: domain.as_str(),
            mechanism: entry.dialect.word(),
            at: integer(entry.at),
            event: entry.event.word(),
            authentication: entry.authentication.word(),
            before: entry.before.map(Mode::word),
            after: entry.after.map(Mode::word),
            detail: &entry.detail,
        }
    }

    fn checksum(&self, fingerprint: Fingerprint) -> [u8; 16] {
        short_digest(&[
            ("domain", self.domain.into()),
            ("fingerprint", fingerprint.as_bytes().into()),
            ("mechanism", self.mechanism.into()),
            ("at", self.at.to_be_bytes().into()),
            ("event", self.event.into()),
            ("authentication", self.authentication.into()),
            ("mode_before", self.before.unwrap_or_default().into()),
            ("mode_after", self.after.unwrap_or_default().into()),
            ("detail", self.detail.into()),
        ])
    }
}

/// The event in a row; `None` for a row that this program would not have written.
fn understand(row: &Row<'_>, domain: &PolicyDomain, fingerprint: Fingerprint) -> Option<HistoryEntry> {
    let text = |column| row.get_ref(column).ok()?.as_str().ok();
    let columns = Columns {
        domain: domain.as_str(),
        mechanism: text(0)?,
        at: row.get(1).ok()?,
        event: text(2)?,
        authentication: text(3)?,
        before: row.get_ref(4).ok()?.as_str_or_null().ok()?,
        after: row.get_ref(5).ok()?.as_str_or_null().ok()?,
        detail: text(6)?,
    };
    let is_printable = columns.detail.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    if !is_printable || columns.checksum(fingerprint) != row.get_ref(7).ok()?.as_blob().ok()? {
        return None;
    }
    Some(HistoryEntry {
        at: moment(columns.at)?,
        dialect: Dialect::from_word(columns.mechanism)?,
        event: Event::from_word(columns.event)?,
        authentication: Authentication::from_word(columns.authentication)?,
        before: columns.before.and_then(Mode::from_word),
        after: columns.after.and_then(Mode::from_word),
        detail: columns.detail.to_owned(),
    })
}
