//! Taking over the first schema of DNS results, which counted its rows anew at each write.

use super::database::Database;
use super::schema::{ANSWER, ANSWER_BY_END, ANSWERS_ID, Ancestor};
use super::taking_over::Work;
use rusqlite::Transaction;

/// Its database.
pub(super) const ANCESTOR: Ancestor = Ancestor {
    application_id: ANSWERS_ID,
    version: 1,
    definitions: &[ANSWER_BY_END, ANSWER],
    is_read_alike: true,
    work: Some(Work { rows: "SELECT count(*) FROM answer", steps_a_row: 8 }),
    take_over,
};

/// No row is rewritten: the domains are counted once.
fn take_over(transaction: &Transaction<'_>, database: &Database) -> rusqlite::Result<()> {
    database.schema().create_beside(&[ANSWER_BY_END, ANSWER], transaction)
}
