//! The policies in force at a glance, read from the file: what is read is bounded, however many there are.

use super::policies::PolicyFile;
use super::row::{self, integer, moment};
use super::{CacheError, InForce, Outlook};
use crate::policy::Dialect;
use crate::time::UnixTime;
use rusqlite::{Connection, named_params};

/// Answered from the index alone, in one walk that keeps nothing but the numbers: a `GROUP BY` would sort all rows first,
/// in memory. The kinds are those of [`KINDS`].
const COUNT_IN_FORCE: &str = "SELECT
    count(*) FILTER (WHERE mechanism = 'mta-sts' AND tls_only <> 'True'),
    min(expires_at) FILTER (WHERE mechanism = 'mta-sts' AND tls_only <> 'True'),
    count(*) FILTER (WHERE mechanism = 'mta-sts' AND tls_only = 'True'),
    min(expires_at) FILTER (WHERE mechanism = 'mta-sts' AND tls_only = 'True'),
    count(*) FILTER (WHERE mechanism = 'smtp-sts' AND tls_only <> 'True'),
    min(expires_at) FILTER (WHERE mechanism = 'smtp-sts' AND tls_only <> 'True'),
    count(*) FILTER (WHERE mechanism = 'smtp-sts' AND tls_only = 'True'),
    min(expires_at) FILTER (WHERE mechanism = 'smtp-sts' AND tls_only = 'True')
    FROM policy
    WHERE fingerprint = :fingerprint AND expires_at > :now AND (mechanism = 'mta-sts' OR applied_at IS NOT NULL)";

/// The dialects, and whether the policies are enforced, in the order of the columns.
const KINDS: [(Dialect, bool); 4] =
    [(Dialect::MtaSts, false), (Dialect::MtaSts, true), (Dialect::SmtpSts, false), (Dialect::SmtpSts, true)];

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
    let key = named_params! { ":fingerprint": fingerprint, ":now": integer(now) };
    connection.prepare_cached(COUNT_IN_FORCE)?.query_row(key, |row| {
        let mut kinds = Vec::new();
        for (at, (dialect, is_enforced)) in KINDS.into_iter().enumerate() {
            let number = u64::try_from(row.get::<_, i64>(2 * at)?).unwrap_or(0);
            if let Some(next_end) = row.get::<_, Option<i64>>(2 * at + 1)?.and_then(moment) {
                kinds.push(InForce { dialect, is_enforced, number, next_end });
            }
        }
        Ok(kinds)
    })
}
