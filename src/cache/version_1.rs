//! Taking over this program's own first schema, which knew the draft's dialect only and kept no history.

use super::database::Database;
use super::schema::{Ancestor, POLICIES_ID, POLICY, POLICY_BY_FETCH};
use super::taking_over::Work;
use rusqlite::Transaction;

/// Its database.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: POLICIES_ID,
    version: 1,
    definitions: &[
        POLICY_BY_FETCH,
        "CREATE TABLE policy (
            domain TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            mechanism TEXT NOT NULL,
            record TEXT NOT NULL,
            authentication TEXT NOT NULL,
            fetched_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            applied_at INTEGER,
            tls_only TEXT NOT NULL,
            checksum BLOB NOT NULL,
            PRIMARY KEY (domain, fingerprint, mechanism)
        ) STRICT, WITHOUT ROWID",
        "CREATE VIEW sts_cache (domain, tls_only, sts_record, expires) AS
            SELECT domain, tls_only, record, expires_at FROM policy AS shown
            WHERE mechanism = 'smtp-sts' AND NOT EXISTS (
                SELECT 1 FROM policy AS other
                WHERE other.domain = shown.domain AND other.mechanism = shown.mechanism
                AND (other.fetched_at, other.fingerprint) > (shown.fetched_at, shown.fingerprint)
            )",
    ],
    is_read_alike: false,
    work: Some(Work { rows: "SELECT count(*) FROM policy", steps_a_row: 63 }),
    take_over,
};

/// The table of the policies stays and gets a column: a file that is full to its bound has no room for a copy. What
/// SQLite writes down for it then is our definition, to the letter; were it not, the file would be found to be poisoned.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    transaction.execute_batch("DROP VIEW sts_cache; DROP INDEX policy_by_fetch")?;
    transaction.execute_batch("ALTER TABLE policy ADD COLUMN body TEXT")?;
    database.schema().create_beside(&[POLICY], transaction)
}
