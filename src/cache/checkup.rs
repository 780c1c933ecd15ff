//! What the two files are like, for those who look after them; nothing is written.

use super::answers::Answers;
use super::database::Database;
use super::error::CacheError;
use super::file_state::FileState;
use super::fingerprint::Fingerprint;
use super::owners;
use super::policies::PolicyFile;
use super::room::DOMAINS;
use super::row::{self, integer};
use super::statement::one;
use crate::limits::MAX_CHECKED_OCTETS;
use rusqlite::Connection;

/// Domains with a policy that is enforced and has not ended.
const ENFORCED: &str =
    "SELECT count(DISTINCT domain) FROM policy WHERE tls_only = 'True' AND expires_at > ?1";

/// Looks at the file of policies; `None` if there is none yet. Each question is a transaction of its own, so that nobody who writes
/// waits for all of them.
pub(super) fn of_policies(file: &PolicyFile) -> Result<Option<FileState>, CacheError> {
    let database = file.database();
    let Some(state) = look(database, "SELECT count(*) FROM policy", row::damaged)? else { return Ok(None) };
    let (now, most) = (integer(database.now), state.most_domains);
    let enforced = database.read(|connection| one::<i64>(connection, ENFORCED, [now]))?;
    let enforced = enforced.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
    let is_half_full = enforced > most / 2 || state.octets > state.most / 2;
    let has_most = if is_half_full {
        database.read(|connection| owners::who_has_most(connection, DOMAINS, most))?.flatten()
    } else {
        None
    };
    let has_most = has_most.map(|(owner, number)| (owner.to_string(), number));
    Ok(Some(FileState { enforced, has_most, ..state }))
}

/// Looks at the file of DNS results; `None` if there is none yet.
pub(super) fn of_answers(file: &Answers) -> Result<Option<FileState>, CacheError> {
    look(file.database(), "SELECT count(*) FROM answer", |_, _| Ok(0))
}

fn look(
    database: &Database,
    count: &'static str,
    damaged: impl Fn(&Connection, Fingerprint) -> rusqlite::Result<u64>,
) -> Result<Option<FileState>, CacheError> {
    let number = |connection: &Connection, statement: &'static str| {
        connection.query_row(statement, [], |row| row.get::<_, i64>(0)).map(|n| u64::try_from(n).unwrap_or(0))
    };
    let text = |connection: &Connection, statement: &'static str| {
        connection.query_row(statement, [], |row| row.get::<_, String>(0))
    };
    database.read(|connection| {
        let octets =
            number(connection, "PRAGMA page_count")?.saturating_mul(number(connection, "PRAGMA page_size")?);
        let is_small = octets <= MAX_CHECKED_OCTETS;
        Ok(FileState {
            version: connection.query_row("PRAGMA user_version", [], |row| row.get(0))?,
            journal: text(connection, "PRAGMA journal_mode")?,
            octets,
            most: database.most_octets(),
            rows: number(connection, count)?,
            most_domains: database.max_domains,
            enforced: 0,
            has_most: None,
            share: owners::share_of_most(database.max_domains),
            damaged: if is_small { damaged(connection, database.fingerprint)? } else { 0 },
            check: is_small.then(|| text(connection, "PRAGMA quick_check(1)")).transpose()?,
        })
    })
}
