//! Taking over the schema that knew nothing of a fleet.

use super::database::Database;
use super::schema::{
    Ancestor, HISTORY, HISTORY_BY_DOMAIN, POLICIES_ID, POLICY, POLICY_BY_END, POLICY_BY_PROOF, POLICY_COMES,
    POLICY_GOES, POLICY_REPORTING, POLICY_UNMET, STS_CACHE, Schema,
};
use super::tally::TALLY;
use rusqlite::Transaction;

/// Its database: that of today without the outbox.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: POLICIES_ID,
    version: 3,
    definitions: &DEFINITIONS,
    is_read_alike: true,
    work: None,
    take_over,
};

const DEFINITIONS: [&str; 11] = [
    HISTORY_BY_DOMAIN,
    POLICY_BY_END,
    POLICY_BY_PROOF,
    POLICY_REPORTING,
    POLICY_UNMET,
    HISTORY,
    POLICY,
    TALLY,
    POLICY_COMES,
    POLICY_GOES,
    STS_CACHE,
];

/// No row is touched, and the domains are not counted again: a table comes.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    let Schema { version, definitions, .. } = database.schema();
    for definition in definitions.iter().filter(|one| !DEFINITIONS.contains(one)) {
        transaction.execute_batch(definition)?;
    }
    transaction.pragma_update(None, "user_version", version)
}
