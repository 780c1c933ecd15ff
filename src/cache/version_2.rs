//! Taking over the schema that counted its rows anew at each write, and looked for those that may go in one index.

use super::database::Database;
use super::schema::{Ancestor, HISTORY, HISTORY_BY_DOMAIN, POLICIES_ID, POLICY, POLICY_BY_FETCH, STS_CACHE};
use super::taking_over::Work;
use rusqlite::Transaction;

/// Its database.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: POLICIES_ID,
    version: 2,
    definitions: &[HISTORY_BY_DOMAIN, POLICY_BY_FETCH, HISTORY, POLICY, STS_CACHE],
    is_read_alike: true,
    work: Some(Work { rows: "SELECT count(*) FROM policy", steps_a_row: 40 }),
    take_over,
};

/// No row is rewritten: an index goes, others come, and the domains are counted once.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    transaction.execute_batch("DROP INDEX policy_by_fetch")?;
    database.schema().create_beside(&[HISTORY_BY_DOMAIN, HISTORY, POLICY, STS_CACHE], transaction)
}
