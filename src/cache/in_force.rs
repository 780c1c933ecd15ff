//! The policies in force at a glance, read from the file: what is read is bounded, however many there are.

use super::policies::PolicyFile;
use super::row::{self, integer, moment};
use super::{CacheError, InForce, Outlook};
use crate::policy::Dialect;
use crate::time::UnixTime;
use rusqlite::{Connection, named_params};

/// Answered from the index alone.
const COUNT_IN_FORCE: &str = "SELECT mechanism, tls_only, count(*), min(expires_at) FROM policy
    WHERE fingerprint = :fingerprint AND expires_at > :now AND (mechanism = 'mta-sts' OR applied_at IS NOT NULL)
    GROUP BY mechanism, tls_only";

impl PolicyFile {
    /// The policies in force, at most so many of them by name.
    pub(super) fn outlook(&self, most: u32) -> Result<Outlook, CacheError> {
        let (now, fingerprint) = (self.database().now, self.database().fingerprint);
        let found = self.database().read(|connection| {
            let in_force = counted(connection, now, fingerprint.as_bytes())?;
            Ok((in_force, row::soonest(connection, now, most, fingerprint)?))
        })?;
        let (in_force, soonest) = found.unwrap_or_default();
        Ok(Outlook { in_force, soonest, census: self.census()? })
    }
}

fn counted(connection: &Connection, now: UnixTime, fingerprint: &[u8]) -> rusqlite::Result<Vec<InForce>> {
    let mut statement = connection.prepare(COUNT_IN_FORCE)?;
    let mut rows = statement.query(named_params! { ":fingerprint": fingerprint, ":now": integer(now) })?;
    let mut kinds = Vec::new();
    while let Some(row) = rows.next()? {
        let dialect = row.get_ref(0)?.as_str().ok().and_then(Dialect::from_word);
        let is_enforced = row.get_ref(1)?.as_str().is_ok_and(|word| word == "True");
        let number = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        if let (Some(dialect), Some(next_end)) = (dialect, moment(row.get(3)?)) {
            kinds.push(InForce { dialect, is_enforced, number, next_end });
        }
    }
    Ok(kinds)
}
